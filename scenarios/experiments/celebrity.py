"""One author, very many followers: what it costs whom, and how long it takes, until all of them have a post.

    ./dev experiment celebrity                             1,000 to 10,000 followers, three seeds
    ./dev experiment celebrity --short                     300 and 1,000 followers, one seed
    ./dev experiment celebrity --max-followers 100000      as far as memory and patience go

The author has 10 Mbit/s up; one in five of the followers can relay, the rest are behind NAT. Writes out/celebrity.csv,
out/celebrity.png and out/celebrity.html. Each point that is finished is kept in out/celebrity/ and not measured again:
after Ctrl-C the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import sys

import celebrity_points as points
from celebrity_points import Ask, Plan, Point
from experiment_options import Parser, add_running, check_out, check_processes, check_seeds, command_of, numbers
from point_files import write_table
from point_run import Report, Run, Work, ended, run_points, written

SIZES = (1000, 3000, 10_000, 30_000, 100_000)
SHORT = (300, 1000)
SMALLEST, LARGEST = 20, 1_000_000
ONE_SEED_FROM = 10_000  # followers


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="celebrity", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--max-followers", type=int, help="the largest of the usual sizes; default 10000")
    parser.add_argument("--followers", help="how many, comma separated, instead of the usual ones")
    parser.add_argument("--seeds", type=int, help="how many; default 3, from 10,000 followers on 1")
    parser.add_argument("--seed", type=int, default=7, help="the first of them; default 7")
    parser.add_argument("--short", action="store_true", help="300 and 1,000 followers, one seed, fewer posts")
    add_running(parser, "celebrity")
    chosen = parser.parse_args(argv)
    if chosen.followers is not None and chosen.max_followers is not None:
        parser.error("--followers and --max-followers cannot be given together")
    chosen.sizes = _sizes(parser, chosen)
    chosen.seeds_given = chosen.seeds is not None
    if chosen.seeds is None:
        chosen.seeds = 1 if chosen.short else 3
    check_seeds(parser, chosen)
    check_processes(parser, chosen)
    check_out(parser, chosen, "celebrity")
    return chosen


def _sizes(parser: Parser, chosen: argparse.Namespace) -> list[int]:
    if chosen.followers is not None:
        return numbers(parser, "--followers", chosen.followers, SMALLEST, LARGEST)
    if chosen.max_followers is None:
        return [n for n in (SHORT if chosen.short else SIZES) if n <= 10_000]
    if not SMALLEST <= chosen.max_followers <= LARGEST:
        parser.error(f"--max-followers must be {SMALLEST} to {LARGEST}, not {chosen.max_followers}")
    usual = (*SHORT, *SIZES) if chosen.short else SIZES
    return sorted({n for n in usual if n < chosen.max_followers} | {chosen.max_followers})


def asks_of(chosen: argparse.Namespace) -> list[Ask]:
    asks = []
    for followers in chosen.sizes:
        seeds = 1 if followers >= ONE_SEED_FROM and not chosen.seeds_given else chosen.seeds
        asks += [Ask(followers, chosen.seed + i, Plan.of(chosen.short)) for i in range(seeds)]
    return asks


def measure(chosen: argparse.Namespace) -> Run[Point]:
    asks = asks_of(chosen)
    print(
        f"celebrity: seeds from {chosen.seed} on, {len(asks)} points of up to {max(chosen.sizes):,} followers, "
        f"{chosen.processes} at a time",
        flush=True,
    )
    run: Run[Point] = Run()
    run_points(Work("celebrity", Point, _measure, chosen.out / "celebrity"), asks, chosen.processes, chosen.fresh, run)
    run.points.sort(key=lambda point: (point.followers, point.seed))
    return run


def _measure(ask: Ask, report: Report) -> Point:
    import celebrity_measure

    return celebrity_measure.measure(ask, report)


def print_table(run: Run[Point]) -> None:
    print(
        f"\n{'followers':>9} {'seed':>4} {'delivered':>9} {'copies':>7} {'p50 ms':>6} {'p99 ms':>6} {'unicast p99':>11} "
        f"{'sent/delivery':>13} {'author kB':>9} {'carriers':>8} {'kB':>6} {'member B':>8}"
    )
    for point in run.points:
        print(
            f"{point.followers:>9,} {point.seed:>4} {point.delivery_ratio:>9.4f} {point.author_copies:>7.0f} "
            f"{point.above_p50_ms:>6.0f} {point.above_p99_ms:>6.0f} {1000 * points.unicast_s(point.followers, 0.99):>11,.0f} "
            f"{point.transmissions:>13.2f} {point.author_B / 1000:>9.1f} {point.carriers:>8} {point.carrier_B / 1000:>6.1f} {point.member_B:>8.0f}"
        )


def main(argv: list[str] | None = None) -> int:
    chosen = arguments(argv)
    run = measure(chosen)
    if run.points:
        import celebrity_report

        write_table(chosen.out / "celebrity.csv", points.COLUMNS, map(points.cells, run.points))
        print_table(run)
        celebrity_report.write(run, chosen.out, command_of("celebrity", argv))
        written(run, "celebrity", chosen.out)
    return ended(run, "celebrity")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
