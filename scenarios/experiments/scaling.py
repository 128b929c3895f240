"""The headline experiment: broadcast against followers only (--mode multicast) over the mesh, from 8 to 256 servers.

    ./dev demo                     the short form (under 3 minutes on 2 cores), with the scalable overlay beside it
    ./dev experiment scaling       the same networks, measured for longer: three times as many posts

60 % of the servers are behind NATs; users follow each other as real people do (the same mean at every size) and post
signed events of realistic text. Writes out/scaling.csv, out/scaling.png and out/report.html; Ctrl-C keeps the rows that
are finished.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import csv
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Iterable, Sequence

import numpy as np

import np2p
from experiment_options import Parser
from np2p import nat, workload
from np2p.progress import Progress
from np2p.simulation import TRAFFIC_COLUMNS

SIZES = (8, 16, 32, 64, 128, 256)
SMALLEST, LARGEST = 6, 512  # fewer cannot follow four others and be a sample; more, and the mesh takes days
IDLE_SIZES = (16, 32, 64)
MODES = ("broadcast", "multicast")
NATED = 0.6
FOLLOWS = 4.0
GOSSIP = 30.0  # seconds between two full gossips of a mesh server
CONNECTIONS = 64  # of one mesh server, as the original configures it


@dataclass(frozen=True)
class Row:
    """One row of out/scaling.csv. Bytes are wire bytes sent, averaged over all servers and the measured window."""

    overlay: str
    mode: str
    nodes: int
    nated: int
    posts: int
    delivery_ratio: float  # of all (post, server) pairs that were due when it was posted
    latency_p50_ms: float
    latency_p99_ms: float
    payload_copies_per_delivery: float
    bytes_per_node_per_s: float
    control_bytes_per_node_per_s: float
    sim_seconds: float
    wall_seconds: float
    events: int
    digest: str
    follows_mean: float
    post_rate: float  # posts per user and day


@dataclass(frozen=True)
class Idle:
    """What an idle full mesh of public servers costs, against what the original was measured to send."""

    nodes: int
    links_per_node: float
    bytes_per_node_per_s: float
    original_low: float
    original_high: float


@dataclass(frozen=True)
class LockOut:
    """A full mesh of 65 public servers, and one more that knocks."""

    inside: int
    reached_by_the_66th: int
    why: str


@dataclass(frozen=True)
class Plan:
    seed: int
    settle: float  # simulated seconds for joining, after all servers were started
    measure: float  # simulated seconds of posting at 64 servers and more; longer for smaller networks
    idle: float
    posts_per_day: float


@dataclass
class Results:
    rows: list[Row]
    idle: list[Idle]
    lock_out: LockOut | None
    complete: bool
    wall_seconds: float
    plan: Plan


ORIGINAL_IDLE = {16: (2163.0, 2163.0), 32: (10548.0, 10548.0), 64: (43000.0, 64000.0)}

# How far each task is, 0 to 1, shared with the processes that work on them.
_board: Any = None


def _init_worker(board: Any) -> None:
    global _board
    _board = board
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means


def _report(slot: int, part: float) -> None:
    if _board is not None:
        _board[slot] = part


# --- what is measured ---------------------------------------------------------------------------------------------------


def arrive(net: np2p.Simulation, boxes: Sequence[nat.Nat | None], mode: str) -> list[np2p.Node]:
    """Servers start one after the other within one gossip period, so that their clocks do not beat as one."""
    nodes = []
    for box in boxes:
        nodes.append(net.add_node(nat=box, mode=mode))
        net.run_for(GOSSIP / len(boxes))
    return nodes


def settle(net: np2p.Simulation, duration: float) -> None:
    """Lets everybody join who can. Beyond 65 servers the mesh never gets complete: that is one of the findings."""
    end = net.now + duration
    try:
        net.bootstrap(within=duration)
    except np2p.NotConverged:
        pass
    net.run_for(end - net.now)


def measure(mode: str, n: int, plan: Plan, slot: int) -> Row:
    """One network: join, follow, post for a while, let the last posts arrive."""
    started = time.monotonic()
    net = np2p.Simulation(seed=plan.seed, overlay="mesh")
    nodes = arrive(net, nat.population(n, nated=NATED, seed=plan.seed), mode)
    _report(slot, 0.2)
    settle(net, plan.settle)
    _report(slot, 0.3)
    graph = workload.follow_graph(n, plan.seed, mean=FOLLOWS)
    graph.apply(nodes)
    net.run_for(10.0)
    _report(slot, 0.4)
    window = plan.measure * max(1.0, 64 / n)  # small networks need more time for as many posts

    before = net.traffic()
    begin = net.now
    posts: list[np2p.Note] = []
    pieces = 12
    for piece in range(pieces):
        done = workload.run(
            net, posts_per_day=plan.posts_per_day, duration=window / pieces, seed=plan.seed * 1000 + piece
        )
        posts += done.posts
        _report(slot, 0.4 + 0.55 * (piece + 1) / pieces)
    net.run_for(10.0)
    spent = net.now - begin
    after = net.traffic()
    net.check()
    _report(slot, 1.0)

    got, due, latencies = deliveries(net, posts)
    sent = {name: float((after[name] - before[name]).sum()) for name in TRAFFIC_COLUMNS}
    copies = sent["payload_in_msgs"] + sent["duplicate_in_msgs"] + sent["relay_in_msgs"]
    return Row(
        overlay="mesh",
        mode=mode,
        nodes=n,
        nated=sum(node.nat is not None for node in nodes),
        posts=len(posts),
        delivery_ratio=got / max(1, due),
        latency_p50_ms=float(np.percentile(latencies, 50)) * 1000 if len(latencies) else 0.0,
        latency_p99_ms=float(np.percentile(latencies, 99)) * 1000 if len(latencies) else 0.0,
        payload_copies_per_delivery=copies / max(1, got),
        bytes_per_node_per_s=sent["bytes_out"] / n / spent,
        control_bytes_per_node_per_s=sent["control_out"] / n / spent,
        sim_seconds=net.now,
        wall_seconds=time.monotonic() - started,
        events=net.events,
        digest=f"{net.digest():016x}",
        follows_mean=graph.mean,
        post_rate=plan.posts_per_day,
    )


def deliveries(net: np2p.Simulation, posts: Iterable[np2p.Note]) -> tuple[int, int, np.ndarray[Any, Any]]:
    """How many (post, server) pairs were delivered, how many were due, and the latencies of the former."""
    got = due = 0
    latencies = [np.empty(0)]
    for post in posts:
        wanted = net.audience(post).due()
        rows = net.deliveries(post)
        rows = rows[np.isin(rows["node"], np.fromiter(wanted, dtype=np.int64, count=len(wanted)))]
        got += len(rows)
        due += len(wanted)
        latencies.append(rows["latency_s"])
    return got, due, np.concatenate(latencies)


def measure_idle(n: int, plan: Plan, slot: int) -> Idle:
    """A full mesh of public servers with nothing to say, as the original was measured."""
    net = np2p.Simulation(seed=plan.seed, overlay="mesh")
    arrive(net, [None] * n, "broadcast")
    net.bootstrap(within=600.0)
    _report(slot, 0.3)
    net.run_for(2 * GOSSIP)  # until every pair that wants a link has one and the news about that has spread
    _report(slot, 0.5)
    before = net.traffic()["bytes_out"].sum()
    net.run_for(plan.idle)
    sent = float(net.traffic()["bytes_out"].sum() - before)
    _report(slot, 1.0)
    low, high = ORIGINAL_IDLE[n]
    return Idle(n, 2 * len(net.overlay_graph()) / n, sent / n / plan.idle, low, high)


def measure_lock_out(plan: Plan, slot: int) -> LockOut:
    net = np2p.Simulation(seed=plan.seed, overlay="mesh")
    arrive(net, [None] * (CONNECTIONS + 1), "broadcast")
    net.bootstrap(within=900.0)
    _report(slot, 0.6)
    late = net.add_node(nat="none")
    why = "it joined"
    try:
        net.bootstrap(within=120.0)
    except np2p.NotConverged as problem:
        why = str(problem)
    _report(slot, 1.0)
    inside = sum(net.status(node)["reachable"] == CONNECTIONS for node in net.nodes[:-1])
    return LockOut(inside, net.status(late)["reachable"], why)


# --- the whole of it ----------------------------------------------------------------------------------------------------


def run_all(sizes: list[int], plan: Plan, processes: int, idle: bool, shortest_first: bool) -> Results:
    """Every measurement, the long ones first, on several processes."""
    started = time.monotonic()
    jobs: list[tuple[float, Any, tuple[Any, ...]]] = []
    for n in sizes:
        jobs += [(float(n) ** 1.5, measure, (mode, n)) for mode in MODES]
    if idle:
        jobs += [(float(n) ** 1.5, measure_idle, (n,)) for n in IDLE_SIZES]
        jobs.append((65.0**1.5, measure_lock_out, ()))
    jobs.sort(key=lambda job: job[0] if shortest_first else -job[0])
    board = multiprocessing.Array("d", len(jobs), lock=False)
    found: list[Any] = []
    complete = True
    pool = concurrent.futures.ProcessPoolExecutor(processes, initializer=_init_worker, initargs=(board,))
    # Ctrl-C reaches the whole process group. Workers are born with it blocked, so that none dies of it at its start.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    waiting = {pool.submit(job[1], *job[2], plan, slot) for slot, job in enumerate(jobs)}
    weight = sum(job[0] for job in jobs)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        with Progress("scaling", 100.0, "%") as bar:
            while waiting:
                done, waiting = concurrent.futures.wait(waiting, timeout=0.2)
                for future in done:
                    found.append(future.result())
                    if isinstance(found[-1], Row) and not sys.stderr.isatty():
                        print(f"finished: {found[-1].mode}, {found[-1].nodes} nodes", flush=True)
                part = sum(job[0] * board[slot] for slot, job in enumerate(jobs)) / weight
                bar.update(100.0 * part, f"({len(found)} of {len(jobs)} networks)")
    except KeyboardInterrupt:
        complete = False
        # The pool sees them die and ends what waits by itself; a future cancelled under its hands would upset it.
        for process in list((pool._processes or {}).values()):
            process.kill()
    finally:
        pool.shutdown(cancel_futures=complete)
    rows = sorted((one for one in found if isinstance(one, Row)), key=lambda row: (row.mode, row.nodes))
    idles = sorted((one for one in found if isinstance(one, Idle)), key=lambda one: one.nodes)
    lock_out = next((one for one in found if isinstance(one, LockOut)), None)
    return Results(rows, idles, lock_out, complete, time.monotonic() - started, plan)


def cannot_write(directory: Path) -> str:
    """Why results cannot be saved there, before hours go into them; empty if they can."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return ""
    except OSError as problem:
        return f"cannot write into the directory {directory}: {problem.strerror}"


def write_csv(rows: list[Row], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields(Row)])
        for row in rows:
            writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in asdict(row).values()])


def print_table(results: Results) -> None:
    print("\nmulticast is the mode in which posts go to followers only")
    print(
        f"{'mode':<10} {'nodes':>5} {'NATed':>5} {'posts':>6} {'delivered':>9} {'p50 ms':>7} {'p99 ms':>7} "
        f"{'copies':>7} {'B/s/node':>9} {'control':>9} {'sim s':>6} {'wall s':>6}"
    )
    for row in results.rows:
        print(
            f"{row.mode:<10} {row.nodes:>5} {row.nated:>5} {row.posts:>6} {row.delivery_ratio:>9.4f} "
            f"{row.latency_p50_ms:>7.0f} {row.latency_p99_ms:>7.0f} {row.payload_copies_per_delivery:>7.3f} "
            f"{row.bytes_per_node_per_s:>9.0f} {row.control_bytes_per_node_per_s:>9.0f} {row.sim_seconds:>6.0f} "
            f"{row.wall_seconds:>6.1f}"
        )
    if results.idle:
        print("\nidle full mesh, bytes sent per server and second: simulated / original")
        for one in results.idle:
            original = f"{one.original_low:,.0f}"
            if one.original_high != one.original_low:
                original += f" to {one.original_high:,.0f}"
            print(f"  {one.nodes:>3} servers: {one.bytes_per_node_per_s:>8,.0f} / {original}")
    if results.lock_out is not None:
        lock_out = results.lock_out
        print(f"\nthe 66th server reaches {lock_out.reached_by_the_66th} of the {lock_out.inside} that are inside")


def check_out(out: Path) -> str | None:
    """Why nothing can be written there, before hours are spent on it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            return None
    except OSError as problem:
        return f"--out: cannot write into {out}: {problem.strerror}"


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="scaling", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--short", action="store_true", help="the demo: shorter measurements")
    parser.add_argument("--seed", type=int, default=7, help="default 7")
    parser.add_argument("--nodes", default=",".join(map(str, SIZES)), help="network sizes, comma separated")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1), help="default 2")
    parser.add_argument("--out", type=Path, default=Path("out"), help="directory for the results, default out")
    parser.add_argument("--no-idle", action="store_true", help="leave out the idle and lock-out measurements")
    parser.add_argument(
        "--beside", default="", help="sizes of the scalable overlay that the report shows beside the mesh"
    )
    parser.add_argument(
        "--crossover", default="", help="sizes for the crossover's short form, to begin the report with"
    )
    parser.add_argument("--shortest-first", action="store_true", help="small networks first, for the impatient")
    chosen = parser.parse_args(argv)
    try:
        chosen.sizes = sorted({int(size) for size in chosen.nodes.split(",")})
    except ValueError:
        parser.error(f"--nodes must be numbers like 8,16,32, not {chosen.nodes!r}")
    for size in chosen.sizes:
        if not SMALLEST <= size <= LARGEST:
            parser.error(f"--nodes must each be {SMALLEST} to {LARGEST}, not {size}")
    if not 0 <= chosen.seed < 2**64:
        parser.error(f"--seed must be 0 to 2**64 - 1, not {chosen.seed}")
    if chosen.processes < 1:
        parser.error("--processes must be at least 1")
    if problem := check_out(chosen.out):
        parser.error(problem)
    try:
        chosen.beside_sizes = sorted({int(size) for size in chosen.beside.split(",") if size})
    except ValueError:
        parser.error(f"--beside must be numbers like 64,1000, not {chosen.beside!r}")
    if chosen.beside_sizes and chosen.beside_sizes[0] < 2:
        parser.error(f"--beside must be at least 2, not {chosen.beside_sizes[0]}")
    return chosen


def beside_section(chosen: argparse.Namespace) -> tuple[str, bool]:
    """The scalable overlay, and the mesh with the same share behind NAT: a section of the report; is it complete?"""
    import recorded
    import scale
    import scale_measure
    import scale_report

    settings = [scale_measure.Setting("hyparview", n, scale.NATED, chosen.seed) for n in chosen.beside_sizes]
    jobs = [scale.Job(setting, ("idle", "broadcast", "load")) for setting in settings]
    meshes = [scale_measure.Setting("mesh", n, scale.NATED, chosen.seed) for n in chosen.sizes if 16 <= n <= 128]
    jobs += [scale.Job(setting, scale_measure.MESH_PARTS) for setting in meshes]
    found = scale.run_all(jobs, scale_measure.Plan.short(), chosen.processes, "beside")
    for failure in found.failures:
        print(f"scaling: {failure}", file=sys.stderr)
    if not found.sizes("hyparview"):
        return "", False
    scale.print_table(found)
    scale.write_csv(found.rows, chosen.out / "scale.csv")
    section = scale_report.section(found, scale_report.draw(found, chosen.out / "scale.png"))
    section += scale_report.recorded_section(max(found.sizes("hyparview")))
    section += recorded.fidelity_section(chosen.out / "fidelity.csv")
    return section, found.complete and not found.failures


def main(argv: list[str] | None = None) -> int:
    chosen = arguments(argv)
    plan = Plan(chosen.seed, settle=60.0, measure=90.0, idle=120.0, posts_per_day=2880.0)
    if not chosen.short:
        plan = Plan(chosen.seed, settle=120.0, measure=300.0, idle=600.0, posts_per_day=2880.0)
    if problem := cannot_write(chosen.out):
        print(f"scaling: --out: {problem}", file=sys.stderr)
        return 2
    began = time.monotonic()
    first, failed = "", False
    if chosen.crossover:
        import crossover
        import crossover_report

        first, headline = crossover.section_of_demo(chosen.crossover, chosen.seed, chosen.processes, chosen.out)
        failed = bool(headline.failures)
        if not headline.complete:
            if first:
                crossover_report.write(first, chosen.out / "report.html")
                written = ("crossover.csv", "crossover.png", "crossover-details.png", "report.html")
                names = ", ".join(str(chosen.out / name) for name in written)
                print(f"interrupted; wrote {names} with what is there", file=sys.stderr)
            return 130
    print(
        f"scaling: seed {plan.seed}, networks of {', '.join(map(str, chosen.sizes))} servers, "
        f"{chosen.processes} at a time; {plan.settle:g} s to join, {plan.measure:g} s of posts"
        f"{'' if chosen.no_idle else f', {plan.idle:g} s idle'} (simulated)",
        flush=True,
    )
    results = run_all(chosen.sizes, plan, chosen.processes, not chosen.no_idle, chosen.shortest_first)
    if not results.rows:
        print("interrupted before any network was finished: nothing was written", file=sys.stderr)
        return 130
    import scaling_report

    write_csv(results.rows, chosen.out / "scaling.csv")
    print_table(results)
    beside = ""
    if chosen.beside_sizes and results.complete:
        beside, results.complete = beside_section(chosen)
    results.wall_seconds = time.monotonic() - began
    scaling_report.write(results, chosen.out, beside, first)
    files = (
        ["report.html"]
        + (["crossover.csv", "crossover.png", "crossover-details.png"] if first else [])
        + ["scaling.csv", "scaling.png"]
    )
    files += ["scale.csv", "scale.png"] if beside else []
    names = ", ".join(str(chosen.out / name) for name in files)
    print(f"\n{results.wall_seconds:.0f} s; wrote {names}")
    if not results.complete:
        print("interrupted: only the networks above are in there", file=sys.stderr)
        return 130
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
