"""How far the scalable overlay goes: joining, silence, broadcasts, routes, churn and crashes, and the mesh beside it.

    ./dev experiment scale --nodes 10000                   80 % behind NAT, and beside it nobody
    ./dev experiment scale --nodes 1000,10000,100000 --parts idle,broadcast
    ./dev experiment scale --nodes 200 --short             a first look, under a minute

Writes out/scale.csv, out/scale.png and out/scale.html; Ctrl-C keeps what is finished.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import queue
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence

import scale_measure as measure
import scale_targets as targets
from experiment_options import Parser
from np2p.progress import Progress

NATED = 0.8
MESH_SIZES = (16, 32, 64, 128, 256)
LONG_CRASHES = 20_000  # from here on crashes are measured with --full only: each needs a network of its own


@dataclass(frozen=True)
class Row:
    """One row of out/scale.csv."""

    overlay: str
    nodes: int
    nated: float
    part: str
    metric: str
    value: float


@dataclass(frozen=True)
class Job:
    """What one process does with one network that grows for it."""

    setting: measure.Setting
    parts: tuple[str, ...]
    crash: int = 0  # per cent

    @property
    def name(self) -> str:
        kind = f"{self.setting.overlay}, {self.setting.nodes} servers, {100 * self.setting.nated:.0f} % behind NAT"
        return f"{kind}, {self.crash} % crash" if self.crash else kind

    @property
    def weight(self) -> float:
        if self.setting.overlay == "mesh":
            return self.setting.nodes**2 / 60.0
        return self.setting.nodes * (0.3 if self.crash else 0.2 + 0.2 * len(self.parts))


@dataclass
class Results:
    rows: list[Row] = field(default_factory=list)
    complete: bool = True
    failures: list[str] = field(default_factory=list)
    wall_seconds: float = 0.0
    command: str = ""
    seed: int = 0

    def value(self, overlay: str, nodes: int, nated: float, part: str, metric: str) -> float | None:
        return next(
            (
                row.value
                for row in self.rows
                if (row.overlay, row.nodes, row.part, row.metric) == (overlay, nodes, part, metric)
                and abs(row.nated - nated) < 1e-9
            ),
            None,
        )

    def shares(self, overlay: str) -> list[float]:
        """Of servers behind NAT, the largest first."""
        return sorted({row.nated for row in self.rows if row.overlay == overlay}, reverse=True)

    def sizes(self, overlay: str) -> list[int]:
        return sorted({row.nodes for row in self.rows if row.overlay == overlay})


# --- one process ------------------------------------------------------------------------------------------------------


def work(job: Job, slot: int, plan: measure.Plan, board: Any, finished: Any) -> None:
    """Measures the parts of a job; each part's rows are sent as soon as they are there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    sys.stderr = open(os.devnull, "w")  # progress is the parent's to show
    setting = job.setting

    def report(part: float, _what: str) -> None:
        board[slot] = part

    def send(part: str, numbers: measure.Numbers) -> None:
        rows = [Row(setting.overlay, setting.nodes, setting.nated, part, name, x) for name, x in numbers.items()]
        finished.put((slot, f"{job.name}: {part}", rows))

    try:
        village = measure.Village(setting, report)
        board[slot] = 0.5
        if job.crash:
            send("crash", measure.crash(village, plan, job.crash))
        else:
            send("bootstrap", village.numbers_of_bootstrap())
        for i, part in enumerate(job.parts):
            send(part, measure.BY_NAME[part](village, plan))
            board[slot] = 0.5 + 0.5 * (i + 1) / len(job.parts)
        finished.put((slot, "", None))
    except Exception:
        finished.put((slot, traceback.format_exc(), None))


def run_all(jobs: Sequence[Job], plan: measure.Plan, processes: int, what: str = "scale") -> Results:
    """All jobs, the long ones first, on several processes."""
    began = time.monotonic()
    results = Results()
    context = multiprocessing.get_context("fork")
    waiting = sorted(range(len(jobs)), key=lambda slot: -jobs[slot].weight)
    board = context.Array("d", len(jobs), lock=False)
    finished = context.Queue()
    running: dict[int, Any] = {}
    total = sum(job.weight for job in jobs)
    log = not sys.stderr.isatty()
    try:
        with Progress(what, 100.0, "%") as bar:
            while waiting or running:
                while waiting and len(running) < processes:
                    slot = waiting.pop(0)
                    running[slot] = context.Process(target=work, args=(jobs[slot], slot, plan, board, finished))
                    running[slot].start()
                try:
                    slot, text, rows = finished.get(timeout=0.2)
                except queue.Empty:
                    # Who died without a word (of memory, say) is missed when its process is gone.
                    for slot in [slot for slot, process in running.items() if process.exitcode not in (None, 0)]:
                        results.failures.append(f"{jobs[slot].name}: its process died ({running.pop(slot).exitcode})")
                else:
                    if rows is None:
                        running.pop(slot).join()
                        board[slot] = 1.0
                        if text:
                            results.failures.append(f"{jobs[slot].name}: {text}")
                    else:
                        results.rows += rows
                        if log:
                            print(f"finished: {text} ({time.monotonic() - began:.0f} s)", flush=True)
                part = sum(job.weight * board[slot] for slot, job in enumerate(jobs)) / total
                bar.update(100.0 * part, f"({len(jobs) - len(waiting) - len(running)} of {len(jobs)} networks)")
    except KeyboardInterrupt:
        results.complete = False
        for process in running.values():
            process.kill()
    results.rows.sort(key=lambda row: (row.overlay, row.nodes, -row.nated))
    results.wall_seconds = time.monotonic() - began
    return results


# --- what is to be done -----------------------------------------------------------------------------------------------


def jobs_of(chosen: argparse.Namespace) -> list[Job]:
    jobs = []
    shares = [chosen.nated] if chosen.no_public else sorted({chosen.nated, 0.0})
    for n in chosen.sizes:
        for nated in shares:
            setting = measure.Setting("hyparview", n, nated, chosen.seed)
            jobs.append(Job(setting, tuple(part for part in measure.PARTS if part in chosen.parts and part != "crash")))
            if "crash" in chosen.parts and (n < LONG_CRASHES or chosen.full):
                jobs += [Job(setting, (), percent) for percent in measure.CRASHES]
    parts = tuple(part for part in measure.MESH_PARTS if part in chosen.parts)
    if not chosen.no_mesh:
        jobs += [Job(measure.Setting("mesh", n, chosen.nated, chosen.seed), parts) for n in chosen.mesh]
    return jobs


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="scale", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--nodes", default="10000", help="network sizes, comma separated; default 10000")
    parser.add_argument("--nated", type=float, default=NATED, help="share of servers behind NAT; default 0.8")
    parser.add_argument("--parts", default=",".join(measure.PARTS), help=f"of {','.join(measure.PARTS)}; default all")
    parser.add_argument("--mesh", default=",".join(map(str, MESH_SIZES)), help="sizes of the mesh, at most 256")
    parser.add_argument("--no-mesh", action="store_true", help="leave the mesh out")
    parser.add_argument("--no-public", action="store_true", help="leave out the networks without NAT")
    parser.add_argument("--full", action="store_true", help=f"crashes also from {LONG_CRASHES:,} servers on")
    parser.add_argument("--short", action="store_true", help="shorter measurements")
    parser.add_argument("--record", action="store_true", help="keep the results in scenarios/recorded, for the report")
    parser.add_argument("--seed", type=int, default=7, help="default 7")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1), help="default 2")
    parser.add_argument("--out", type=Path, default=Path("out"), help="directory for the results, default out")
    chosen = parser.parse_args(argv)
    chosen.sizes = _sizes(parser, "--nodes", chosen.nodes)
    chosen.mesh = _sizes(parser, "--mesh", chosen.mesh)
    chosen.parts = [part.strip() for part in chosen.parts.split(",") if part.strip()]
    for part in chosen.parts:
        if part not in measure.PARTS:
            parser.error(f"--parts must be some of {','.join(measure.PARTS)}, not {part!r}")
    if chosen.sizes[0] < 40:
        parser.error(f"--nodes must be at least 40, not {chosen.sizes[0]}: with fewer, 95 % of them cannot crash")
    if chosen.mesh[-1] > 256:
        parser.error(f"--mesh must be at most 256, not {chosen.mesh[-1]}: it ends at 65 servers anyway")
    if not 0.0 <= chosen.nated <= 0.95:
        parser.error(f"--nated must be a share from 0 to 0.95, not {chosen.nated}")
    if chosen.seed < 0:
        parser.error(f"--seed must not be negative, not {chosen.seed}")
    if chosen.processes < 1:
        parser.error("--processes must be at least 1")
    return chosen


def _sizes(parser: Parser, name: str, text: str) -> list[int]:
    try:
        sizes = sorted({int(size) for size in text.split(",")})
    except ValueError:
        parser.error(f"{name} must be numbers like 1000,10000, not {text!r}")
    if sizes[0] < 2:
        parser.error(f"{name} must be at least 2, not {sizes[0]}")
    return sizes


# --- what comes out ---------------------------------------------------------------------------------------------------


def write_csv(rows: Sequence[Row], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow("overlay,nodes,nated,part,metric,value,unit,target,verdict".split(","))
        for row in rows:
            known = targets.metric_of(row.part, row.metric, row.nodes) if row.overlay == "hyparview" else None
            shown = (known.unit, known.target, known.verdict(row.value)) if known else ("", "", "")
            start = [row.overlay, row.nodes, f"{row.nated:g}", row.part, row.metric, f"{row.value:.6g}"]
            writer.writerow([*start, *("share" if cell == "%" else cell for cell in shown)])


def table_lines(results: Results, nodes: int) -> list[list[str]]:
    """One line per metric at this size: label, target, then value and verdict for each share behind NAT."""
    lines = []
    for known in targets.METRICS:
        metric = targets.metric_of(known.part, known.name, nodes)
        assert metric is not None
        cells = []
        for nated in results.shares("hyparview"):
            value = results.value("hyparview", nodes, nated, metric.part, metric.name)
            cells += ["-", ""] if value is None else [metric.shown(value), metric.verdict(value)]
        if any(cell not in ("-", "") for cell in cells):
            lines.append([metric.label, metric.target, *cells])
    return lines


def print_table(results: Results) -> None:
    for nodes in results.sizes("hyparview"):
        heads = [f"{100 * nated:.0f} % NAT" for nated in results.shares("hyparview")]
        print(
            f"\n{nodes:,} servers{'':<{32 - len(f'{nodes:,}')}} {'target':>12}"
            + "".join(f" {h:>16}       " for h in heads)
        )
        for label, target, *cells in table_lines(results, nodes):
            shown = "".join(f" {value:>16} {verdict:<6}" for value, verdict in zip(cells[::2], cells[1::2]))
            print(f"{label:<40} {target:>12}{shown}".rstrip())
    if results.sizes("mesh"):
        print(
            f"\n{'the mesh':<9} {'reach everybody':>15} {'delivered':>10} {'redundancy':>10} {'idle B/s':>9} {'links':>6}"
        )
    for nodes in results.sizes("mesh"):
        share = results.shares("mesh")[0]
        keys = [("bootstrap", "reach_everybody"), ("broadcast", "delivery"), ("broadcast", "rmr_many")]
        keys += [("idle", "mean_B_s"), ("bootstrap", "links_mean")]
        found = [results.value("mesh", nodes, share, *key) for key in keys]
        shapes = ("{:>14.1%} ", "{:>10.1%}", "{:>11.3f}", "{:>10,.0f}", "{:>7.1f}")
        print(f"{nodes:<9} " + "".join("-".rjust(10) if x is None else s.format(x) for s, x in zip(shapes, found)))


def main(argv: list[str] | None = None) -> int:
    chosen = arguments(argv)
    plan = measure.Plan.short() if chosen.short else measure.Plan()
    jobs = jobs_of(chosen)
    print(f"scale: seed {chosen.seed}, {len(jobs)} networks, {chosen.processes} processes, {plan}", flush=True)
    late = [n for n in chosen.sizes if n >= LONG_CRASHES]
    if late and "crash" in chosen.parts and not chosen.full:
        print(f"crashes of {', '.join(f'{n:,}' for n in late)} servers are left out: --full measures them", flush=True)
    results = run_all(jobs, plan, chosen.processes)
    results.command = "./dev experiment scale " + " ".join(sys.argv[1:] if argv is None else argv)
    results.seed = chosen.seed
    for failure in results.failures:
        print(f"scale: {failure}", file=sys.stderr)
    if not results.rows:
        print("interrupted before anything was measured: nothing was written", file=sys.stderr)
        return 1 if results.failures else 130
    import scale_report

    chosen.out.mkdir(parents=True, exist_ok=True)
    write_csv(results.rows, chosen.out / "scale.csv")
    print_table(results)
    drawn = bool(results.sizes("hyparview"))  # of the mesh alone there is a table
    if drawn:
        scale_report.write(results, chosen.out)
    if chosen.record:
        import recorded

        recorded.record(results)
    names = ", ".join(str(chosen.out / name) for name in ["scale.csv", *(["scale.png", "scale.html"] if drawn else [])])
    print(f"\n{results.wall_seconds:.0f} s; wrote {names}")
    if not results.complete:
        print("interrupted: only what is above is in there", file=sys.stderr)
        return 130
    return 1 if results.failures else 0


if __name__ == "__main__":
    sys.exit(main())
