"""out/scale.png and out/scale.html, and the same as a section of the demo's report."""

from __future__ import annotations

import html
from pathlib import Path

import plotting as look
import recorded
import scale
import scale_plots
from report_page import page
from scale import Results

VERDICTS = {"ok": "ok", "missed": "<b>missed</b>", "": ""}


def write(results: Results, out: Path) -> None:
    image = draw(results, out / "scale.png")
    body = ["<h1>How far does the scalable overlay go?</h1>"]
    if not results.complete:
        body.append("<p class='warn'>This run was interrupted: only what was finished is shown.</p>")
    body.append(section(results, image))
    body.append(
        f"<h2>Run it again</h2><p><code>{html.escape(results.command)}</code> (seed {results.seed}, "
        f"{results.wall_seconds:.0f} s of wall time)</p>"
    )
    (out / "scale.html").write_text(page("How far does the scalable overlay go?", body), encoding="utf-8")


def draw(results: Results, path: Path) -> str:
    """Saves the plots; the same as an image of a page."""
    draws = scale_plots.plots(results)
    look.save(draws, path)
    return look.images(draws, "The scalable overlay over the size of the network, and the mesh")


def section(results: Results, image: str) -> str:
    largest = max(results.sizes("hyparview"), default=0)
    parts = [
        "<h2 id='overlay'>The overlay that scales (hyparview), beside the mesh</h2>",
        "<p>The same servers with another overlay: each knows a bounded number of others, most are behind NAT and "
        f"depend on those that can be reached, and a post travels along a tree. Up to {largest:,} servers here; the "
        "mesh beside it as far as it goes.</p>",
        image,
    ]
    again = scale_plots.most_again(results)
    if again < scale_plots.SOME_AGAIN and any(row.metric.startswith("rmr") for row in results.rows):
        parts.append(
            "<p>Hardly a server gets a post that it has already, so no panel shows that: duplicates per delivery are "
            f"{again:.1g} at most, in either overlay.</p>"
            if again > 0
            else "<p>No server gets a post that it has already, in either overlay, so no panel shows that.</p>"
        )
    parts += [table(results, nodes) for nodes in results.sizes("hyparview")]
    parts.append(
        "<p class='note'>Sixteen public servers are there first, the others come one by one and know three of them. "
        "Redundancy is duplicates per delivery; stretch is the latency of a post over the network's own one-way delay "
        "from its author; bytes over ideal is everything that all servers send while 10 posts a second are made, over "
        "800 bytes for each delivery, on the wire with and without what TLS, TCP and IP add. Targets are for 10,000 "
        "servers.</p>"
    )
    return "\n".join(parts)


def recorded_section(larger_than: int) -> str:
    """Networks larger than those of this run, from the records; empty without any."""
    results, made = recorded.scale_results(larger_than + 1)
    if not results.rows:
        return ""
    parts = ["<h2>The same, larger: recorded runs</h2>"]
    parts += [table(results, nodes) for nodes in results.sizes("hyparview")]
    commands = "".join(f"<li><code>{html.escape(one)}</code></li>" for one in made)
    parts.append(
        f"<p class='note'>Not measured by this run, but kept from earlier ones:</p><ul class='note'>{commands}</ul>"
    )
    return "\n".join(parts)


def table(results: Results, nodes: int) -> str:
    heads = "".join(f"<th>{100 * nated:.0f} % NAT</th><th></th>" for nated in results.shares("hyparview"))
    body = []
    for label, target, *cells in scale.table_lines(results, nodes):
        shown = "".join(
            f"<td>{html.escape(value)}</td><td class='text'>{VERDICTS[verdict]}</td>"
            for value, verdict in zip(cells[::2], cells[1::2])
        )
        body.append(f"<tr><td>{html.escape(label)}</td><td>{html.escape(target)}</td>{shown}</tr>")
    return (
        f"<h3>{nodes:,} servers</h3><div class='scroll'><table><tr><th></th><th>target</th>{heads}</tr>"
        f"{''.join(body)}</table></div>"
    )
