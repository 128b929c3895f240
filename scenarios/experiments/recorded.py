"""Results of runs that take too long for the demo, kept in scenarios/recorded/ with when and how they were made.

`./dev experiment scale ... --record` puts its rows there, in the place of rows about the same; `fidelity.csv` is a copy
of what `./dev pytest scenarios/fidelity` leaves in out/.
"""

from __future__ import annotations

import csv
import html
from datetime import date
from pathlib import Path

from scale import Results, Row

FOLDER = Path(__file__).resolve().parents[1] / "recorded"
SCALE = FOLDER / "scale.csv"
FIDELITY = FOLDER / "fidelity.csv"
HEAD = ["overlay", "nodes", "nated", "part", "metric", "value", "on", "command"]
Line = list[str]


def record(results: Results, path: Path = SCALE) -> None:
    """Adds what was measured; what was recorded about the same setting and metric before is replaced."""
    lines = {_key(line): line for line in _lines(path)}
    for row in results.rows:
        line = [row.overlay, str(row.nodes), f"{row.nated:g}", row.part, row.metric, f"{row.value:.6g}"]
        lines[_key(line)] = [*line, date.today().isoformat(), results.command]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([HEAD, *lines.values()])


def scale_results(at_least: int, path: Path = SCALE) -> tuple[Results, list[str]]:
    """What is recorded of networks of at least so many servers, and the commands that made it, with their days."""
    found = Results()
    made: dict[str, None] = {}
    for overlay, nodes, nated, part, metric, value, day, command in _lines(path):
        if int(nodes) < at_least:
            continue
        found.rows.append(Row(overlay, int(nodes), float(nated), part, metric, float(value)))
        made[f"{command} ({day})"] = None
    return found, list(made)


def fidelity_section(fresh: Path) -> str:
    """The same sixteen servers in both worlds: what was measured here last, or else what is recorded."""
    path = fresh if fresh.exists() else FIDELITY
    rows = _lines(path, with_head=True)
    if not rows:
        return ""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:])
    whence = "this machine's last run" if path == fresh else "a recorded run, not one of this machine"
    return (
        "<h2>Does the simulator tell the truth?</h2><p>Sixteen servers and one schedule of joins, posts, mentions and a "
        "death, once as real processes behind real NATs of network namespaces, and with eight seeds in the simulator. "
        f"Which neighbours a server gets is drawn by lot in either world. From {whence} of <code>./dev pytest "
        f"scenarios/fidelity</code>.</p><div class='scroll'><table><tr>{head}</tr>{body}</table></div>"
    )


def _key(line: Line) -> tuple[str, ...]:
    return tuple(line[:5])


def _lines(path: Path, with_head: bool = False) -> list[Line]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        lines = [line for line in csv.reader(file) if line]
    return lines if with_head else lines[1:]
