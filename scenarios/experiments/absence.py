"""Back after an absence: what a server sends and receives, and for how long, until it has what it missed; and does it?

    ./dev experiment absence                      1, 1,000 and 10,000 missed events from 100 followed authors, three seeds
    ./dev experiment absence --short              1 and 1,000, one seed
    ./dev experiment absence --count 100000       so many absences in small worlds, at random; how much is lost
    ./dev experiment absence --away 3,30          what an author pays, hour after hour, while so many followers are away

Writes out/absence.csv, out/absence.png and out/absence.html; with --count out/absences.csv, with --away nothing. Each point and
each world that is finished is kept in out/absence/ and not measured again: after Ctrl-C the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import asdict, fields
from pathlib import Path

import absence_points as points
from absence_losses import ABSENCES, World
from absence_losses import Ask as Loss
from absence_points import Ask, Point
from absence_search import Ask as Away
from absence_search import Search
from experiment_options import Parser, add_running, check_out, check_processes, check_seeds, command_of, numbers
from point_files import write_table
from point_run import Report, Run, Work, ended, run_points, written

MISSED = (1, 1000, 10_000)
SHORT = (1, 1000)
MOST_MISSED, MOST_COUNTED, MOST_AWAY = 1_000_000, 100_000_000, 50


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="absence", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--missed", help="events that are missed, comma separated; default 1,1000,10000")
    parser.add_argument("--seeds", type=int, help="how many; default 3")
    parser.add_argument("--seed", type=int, default=7, help="the first of them; default 7")
    parser.add_argument("--short", action="store_true", help="1 and 1,000 events, one seed")
    parser.add_argument("--count", type=int, help="count losses over so many absences instead")
    parser.add_argument(
        "--away", help="how many followers are away, comma separated, instead: what is that to an author?"
    )
    parser.add_argument("--authors-stay", action="store_true", help="with --count: only followers leave")
    add_running(parser, "absence")
    chosen = parser.parse_args(argv)
    if chosen.count is not None and (chosen.missed is not None or chosen.short or chosen.seeds is not None):
        parser.error("--count cannot be given together with --missed, --short or --seeds")
    if chosen.count is not None and not 1 <= chosen.count <= MOST_COUNTED:
        parser.error(f"--count must be 1 to {MOST_COUNTED}, not {chosen.count}")
    if chosen.authors_stay and chosen.count is None:
        parser.error("--authors-stay needs --count")
    if chosen.away is not None and (chosen.count is not None or chosen.missed is not None):
        parser.error("--away cannot be given together with --count or --missed")
    if chosen.away is not None:
        chosen.away = numbers(parser, "--away", chosen.away, 1, MOST_AWAY)
    chosen.sizes = list(SHORT if chosen.short else MISSED)
    if chosen.missed is not None:
        chosen.sizes = numbers(parser, "--missed", chosen.missed, 0, MOST_MISSED)
    if chosen.seeds is None:
        chosen.seeds = 1 if chosen.short else 3
    check_seeds(parser, chosen)
    check_processes(parser, chosen)
    check_out(parser, chosen, "absence")
    return chosen


# --- what a return costs ----------------------------------------------------------------------------------------------


def study(chosen: argparse.Namespace) -> Run[Point]:
    asks = [Ask(missed, chosen.seed + i) for missed in chosen.sizes for i in range(chosen.seeds)]
    print(
        f"absence: seeds from {chosen.seed} on, {len(asks)} points of up to {max(chosen.sizes):,} missed events, "
        f"{chosen.processes} at a time",
        flush=True,
    )
    run: Run[Point] = Run()
    work = Work("absence", Point, _measure, chosen.out / "absence" / "returns")
    run_points(work, asks, chosen.processes, chosen.fresh, run)
    run.points.sort(key=lambda point: (point.missed, point.seed))
    return run


def _measure(ask: Ask, report: Report) -> Point:
    import absence_measure

    return absence_measure.measure(ask, report)


def print_table(run: Run[Point]) -> None:
    print(
        f"\n{'missed':>7} {'seed':>4} {'got':>6} {'sent kB':>8} {'received kB':>11} {'again kB':>8} {'events kB':>9} "
        f"{'beyond, B per author':>20} {'first s':>7} {'half s':>6} {'all s':>6} {'round trips':>11} {'in the next hour, kB':>20}"
    )
    for point in run.points:
        print(
            f"{point.missed:>7,} {point.seed:>4} {point.got:>6,} {point.sent_B / 1000:>8,.0f} "
            f"{point.received_B / 1000:>11,.0f} {point.duplicate_B / 1000:>8,.0f} {point.events_B / 1000:>9,.0f} "
            f"{point.per_author_B:>20,.0f} {point.first_s:>7.1f} {point.half_s:>6.1f} {point.complete_s:>6.1f} "
            f"{point.round_trips:>11.0f} {point.later_B / 1000:>20,.0f}"
        )


# --- is anything lost? ------------------------------------------------------------------------------------------------


def count(chosen: argparse.Namespace) -> Run[World]:
    worlds = math.ceil(chosen.count / ABSENCES)
    asks = [Loss(chosen.seed + i, not chosen.authors_stay) for i in range(worlds)]
    print(
        f"absence: {worlds * ABSENCES:,} absences in {worlds:,} worlds, seeds from {chosen.seed} on, "
        f"{chosen.processes} at a time",
        flush=True,
    )
    run: Run[World] = Run()
    run_points(
        Work("absences", World, _live, chosen.out / "absence" / "worlds"), asks, chosen.processes, chosen.fresh, run
    )
    run.points.sort(key=lambda world: world.seed)
    return run


def _live(ask: Loss, report: Report) -> World:
    import absence_losses

    return absence_losses.measure(ask, report)


def cells_of(world: World) -> list[str]:
    """Of its row."""
    cells = asdict(world) | {"lost_notes": "; ".join(world.lost_notes)}
    return [f"{cell:.8g}" if isinstance(cell, float) else str(cell) for cell in cells.values()]


def print_losses(run: Run[World]) -> None:
    worlds = run.points
    lost = [world for world in worlds if world.lost]
    late = sorted(world.complete_s for world in worlds)
    print(
        f"\n{sum(world.absences for world in worlds):,} absences of {sum(world.away_s for world in worlds) / 3600:,.0f} h "
        f"together, {sum(world.due for world in worlds):,} deliveries due, of these "
        f"{sum(world.missed for world in worlds):,} to somebody who was away: {sum(world.lost for world in worlds):,} lost. "
        f"After the last return all was there within {late[len(late) // 2]:,.0f} s (median), {late[-1]:,.0f} s at most."
    )
    for world in lost[:10]:
        print(f"  seed {world.seed}: {world.lost} lost: {'; '.join(world.lost_notes[:3])}")


# --- what it costs that others are away ---------------------------------------------------------------------------------


def searches(chosen: argparse.Namespace) -> Run[Search]:
    asks = [Away(away, chosen.seed + i) for away in chosen.away for i in range(chosen.seeds)]
    run: Run[Search] = Run()
    work = Work("search", Search, _search, chosen.out / "absence" / "searches")
    run_points(work, asks, chosen.processes, chosen.fresh, run)
    run.points.sort(key=lambda search: (search.away, search.seed))
    return run


def _search(ask: Away, report: Report) -> Search:
    import absence_search

    return absence_search.measure(ask, report)


def print_searches(run: Run[Search]) -> None:
    print(f"\n{'away':>4} {'seed':>4}   kB of the author, and of the network, for each hour")
    for search in run.points:
        author, network = (
            " ".join(f"{octets / 1000:>7,.0f}" for octets in row) for row in (search.author_B, search.network_B)
        )
        print(f"{search.away:>4} {search.seed:>4}   {author}   {network}")


# --- all of them --------------------------------------------------------------------------------------------------------


def main(argv: list[str] | None = None) -> int:
    chosen = arguments(argv)
    if chosen.away is not None:
        found = searches(chosen)
        print_searches(found)
        return ended(found, "absence")
    if chosen.count is None:
        returns = study(chosen)
        if returns.points:
            _finish_study(returns, chosen.out, command_of("absence", argv))
        return ended(returns, "absence")
    worlds = count(chosen)
    return ended(worlds, "absence", _finish_count(worlds, chosen.out) if worlds.points else 0)


def _finish_study(run: Run[Point], out: Path, command: str) -> None:
    import absence_report

    write_table(out / "absence.csv", points.COLUMNS, map(points.cells, run.points))
    print_table(run)
    absence_report.write(run, out, command)
    written(run, "absence", out)


def _finish_count(run: Run[World], out: Path) -> int:
    write_table(out / "absences.csv", [field.name for field in fields(World)], map(cells_of, run.points))
    print_losses(run)
    print(f"{run.wall_seconds:.0f} s; wrote {out / 'absences.csv'}")
    return sum(world.lost for world in run.points)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
