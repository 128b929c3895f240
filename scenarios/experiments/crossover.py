"""When does broadcast stop paying? What servers send if posts go to everybody, and if they go to followers only.

    ./dev demo                                          the short form, up to 1,000 servers, as the report's first page
    ./dev experiment crossover                          five seeds, up to 1,000 servers
    ./dev experiment crossover --max-nodes 100000       as far as memory and patience go

Writes out/crossover.csv, out/crossover.png, out/crossover-details.png and out/crossover.html. Each point that is finished is
kept in out/crossover/ and not measured again: after Ctrl-C the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Sequence

import crossover_points as points
from crossover_points import Ask, Plan, Point
from crossover_run import Results, run_all
from experiment_options import Parser, add_running, check_out, check_processes, check_seeds, command_of, numbers
from point_files import write_table
from point_run import ended, written

SIZES = (10, 12, 16, 32, 64, 128, 256, 1000, 3000, 10_000, 30_000, 100_000)
SMALLEST, LARGEST = 8, 1_000_000
MESH_LARGEST, MESH_SHORT = 256, 128  # it is full with 65, and larger ones take long
BESIDE = (64, 256)  # sizes at which the short form looks at the other follow relations, too
AUTO_LARGEST = 10_000  # from about there on the first servers go over: that is calculated
AUTO_SHORT = (16, 64, 256)
SEEDS_UP_TO = 256  # servers: the short form has three seeds so far, one beyond
GRAPH_USERS = {"epinions": 42_009, "nostr": 14_000}  # so many have the mean number of follows among each other


def asks_of(chosen: argparse.Namespace) -> list[Ask]:
    """Broadcast does not depend on who follows whom: it is measured on the first of the graphs alone."""
    asks = []
    for mode in chosen.mode_list:
        for graph in chosen.graph_list if mode == "multicast" else chosen.graph_list[:1]:
            for nodes in sizes_of(chosen, mode, graph):
                for seed in seeds_of(chosen, mode, graph, nodes):
                    asks.append(Ask(mode, graph, nodes, seed, Plan.of(mode, nodes, chosen.short)))
    return asks


def sizes_of(chosen: argparse.Namespace, mode: str, graph: str) -> list[int]:
    sizes: list[int] = chosen.sizes
    if mode == "mesh":
        return [n for n in sizes if n <= (MESH_SHORT if chosen.short else MESH_LARGEST)]
    if mode == "auto":
        return [n for n in sizes if n in AUTO_SHORT or (not chosen.short and n <= AUTO_LARGEST)]
    if chosen.short and graph != chosen.graph_list[0]:
        sizes = [n for n in sizes if n in BESIDE]
    return [n for n in sizes if n <= GRAPH_USERS.get(graph, LARGEST)]


def seeds_of(chosen: argparse.Namespace, mode: str, graph: str, nodes: int) -> list[int]:
    first = chosen.seed
    one = chosen.short and (mode in ("mesh", "auto") or graph != chosen.graph_list[0] or nodes > SEEDS_UP_TO)
    return [first + i for i in range(1 if one else chosen.seeds)]


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="crossover", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--max-nodes", type=int, help="the largest of the usual sizes; default 1000")
    parser.add_argument("--nodes", help="network sizes, comma separated, instead of the usual ones")
    parser.add_argument("--seeds", type=int, help="how many; default 5")
    parser.add_argument("--seed", type=int, default=7, help="the first of them; default 7")
    parser.add_argument("--graphs", default=",".join(points.GRAPHS), help=f"of {','.join(points.GRAPHS)}; default all")
    parser.add_argument("--modes", default=",".join(points.MODES), help=f"of {','.join(points.MODES)}; default all")
    parser.add_argument("--short", action="store_true", help="the demo: three seeds and fewer posts")
    add_running(parser, "crossover")
    chosen = parser.parse_args(argv)
    if chosen.nodes is not None and chosen.max_nodes is not None:
        parser.error("--nodes and --max-nodes cannot be given together")
    chosen.sizes = _sizes(parser, chosen)
    if chosen.seeds is None:
        chosen.seeds = 3 if chosen.short else 5
    check_seeds(parser, chosen)
    check_processes(parser, chosen)
    chosen.graph_list = _some(parser, "--graphs", chosen.graphs, tuple(points.GRAPHS))
    chosen.mode_list = _some(parser, "--modes", chosen.modes, points.MODES)
    if not asks_of(chosen):
        largest = MESH_SHORT if chosen.short else MESH_LARGEST
        parser.error(
            f"--modes {chosen.modes} has nothing to measure at {', '.join(map(str, chosen.sizes))} servers: the mesh is "
            f"measured up to {largest}"
            if "mesh" in chosen.mode_list
            else f"--graphs {chosen.graphs} has nobody for {', '.join(map(str, chosen.sizes))} servers"
        )
    check_out(parser, chosen, "crossover")
    return chosen


def _sizes(parser: Parser, chosen: argparse.Namespace) -> list[int]:
    if chosen.nodes is None:
        most = 1000 if chosen.max_nodes is None else chosen.max_nodes
        if not SIZES[0] <= most <= LARGEST:
            parser.error(f"--max-nodes must be {SIZES[0]} to {LARGEST}, not {most}")
        return sorted({n for n in SIZES if n < most} | {most})
    return numbers(parser, "--nodes", chosen.nodes, SMALLEST, LARGEST)


def _some(parser: Parser, name: str, text: str, known: Sequence[str]) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in known:
            parser.error(f"{name} must be some of {','.join(known)}, not {word!r}")
    if not words:
        parser.error(f"{name} must be some of {','.join(known)}, not nothing")
    return list(dict.fromkeys(words))


def print_table(results: Results) -> None:
    print(
        f"\n{'mode':<10} {'graph':<9} {'nodes':>7} {'seed':>4} {'delivered':>9} {'p50 ms':>6} {'p99 ms':>6} {'copies':>6} "
        f"{'B/s posts':>9} {'B/s idle':>8} {'p99 B/s':>8} {'uplink B':>8}"
    )
    for point in results.points:
        print(
            f"{point.mode:<10} {point.graph:<9} {point.nodes:>7} {point.seed:>4} {point.delivery_ratio:>9.4f} "
            f"{point.latency_p50_ms:>6.0f} {point.latency_p99_ms:>6.0f} {point.copies:>6.2f} {point.posts_B_s:>9.2f} "
            f"{point.idle_B_s:>8.0f} {point.sent_p99:>8.0f} {point.uplink_B:>8.0f}"
        )


def measure(chosen: argparse.Namespace) -> Results:
    """All points; what is there is written, what failed is said."""
    asks = asks_of(chosen)
    print(
        f"crossover: seeds from {chosen.seed} on, {len(asks)} points of up to {max(ask.nodes for ask in asks)} servers, "
        f"{chosen.processes} at a time",
        flush=True,
    )
    results = run_all(asks, chosen.out / "crossover", chosen.processes, chosen.fresh)
    for failure in results.failures:
        print(f"crossover: {failure}", file=sys.stderr)
    return results


def finish(results: Results, chosen: argparse.Namespace, command: str) -> str:
    """Table and plots into the directory; the report's section."""
    import crossover_report

    write_table(chosen.out / "crossover.csv", points.COLUMNS, map(points.cells, results.points))
    print_table(results)
    section = crossover_report.section(results, chosen.out, command)
    print("\n" + crossover_report.headline(results, plain=True))
    return section


def section_of_demo(sizes: str, seed: int, processes: int, out: Path) -> tuple[str, Results]:
    """The short form as the first section of another report, and how it went."""
    chosen = arguments(["--short", f"--nodes={sizes}", f"--seed={seed}", f"--processes={processes}", f"--out={out}"])
    results = measure(chosen)
    return finish(results, chosen, "./dev demo") if results.points else "", results


def main(argv: list[str] | None = None) -> int:
    chosen = arguments(argv)
    results = measure(chosen)
    if results.points:
        import crossover_report

        section = finish(results, chosen, command_of("crossover", argv))
        crossover_report.write(section, chosen.out / "crossover.html")
        written(results, "crossover", chosen.out, "crossover-details.png")
    return ended(results, "crossover")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
