"""mode="auto": when do servers go over from broadcast to followers, and do they stay there?

    ./dev experiment modes                 the rule at 30,000 users, and whole servers at 1,000
    ./dev experiment modes --short         3,000 users for 30 days, and 120 whole servers: under a minute
    ./dev experiment modes --nodes 0       the rule alone

The rule is the servers' own, fed by a model of what each would see (modes_model.py); the whole servers see for themselves, with
a budget scaled to their number (modes_world.py). Writes out/modes.csv, out/modes.png and out/modes.html. Each of the four
cases is kept in out/modes/ when it is finished and not measured again: after Ctrl-C the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Sequence

from experiment_options import Parser, add_running, check_out, check_processes, command_of
from modes_points import MEANING, WHOLE, Ask, Outcome
from point_files import write_table
from point_run import Report, Run, Work, ended, run_points, written

USERS, DAYS, NODES = 30_000, 90, 1000
SHORT = (3000, 30, 120)
COLUMNS = (
    "case",
    "servers",
    "budget_B_s",
    "days",
    "switches",
    "switches_per_server_day",
    "most_in_a_day",
    "naive_switches_per_server_day",
    "broadcasting_at_end",
    "naive_broadcasting_at_end",
    "swing",
)


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="modes", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--users", type=int, help=f"of the model; default {USERS}")
    parser.add_argument("--days", type=int, help=f"of the model; default {DAYS}")
    parser.add_argument("--nodes", type=int, help=f"whole servers, 0: none; default {NODES}")
    parser.add_argument("--seed", type=int, default=7, help="default 7")
    parser.add_argument(
        "--short", action="store_true", help="a first look: {} users, {} days, {} servers".format(*SHORT)
    )
    add_running(parser, "modes")
    chosen = parser.parse_args(argv)
    for name, usual, short in zip(("users", "days", "nodes"), (USERS, DAYS, NODES), SHORT):
        if getattr(chosen, name) is None:
            setattr(chosen, name, short if chosen.short else usual)
    if not 200 <= chosen.users <= 1_000_000:
        parser.error(f"--users must be 200 to 1000000, not {chosen.users}")
    if not 10 <= chosen.days <= 1000:
        parser.error(f"--days must be 10 to 1000, not {chosen.days}")
    if chosen.nodes != 0 and not 40 <= chosen.nodes <= 10_000:
        parser.error(f"--nodes must be 0 or 40 to 10000, not {chosen.nodes}")
    if not 0 <= chosen.seed < 2**32:
        parser.error(f"--seed must be 0 to 2**32 - 1, not {chosen.seed}")
    check_processes(parser, chosen)
    check_out(parser, chosen, "modes")
    return chosen


def asks_of(chosen: argparse.Namespace) -> list[Ask]:
    asks = [Ask(case, chosen.users, chosen.days, chosen.seed) for case in MEANING if case != WHOLE]
    return asks + ([Ask(WHOLE, chosen.nodes, 0, chosen.seed)] if chosen.nodes else [])


def study(asks: Sequence[Ask], folder: Path, processes: int, fresh: bool) -> Run[Outcome]:
    run: Run[Outcome] = Run()
    run_points(Work("modes", Outcome, _measure, folder), asks, processes, fresh, run)
    run.points.sort(key=lambda one: list(MEANING).index(one.case))
    return run


def _measure(ask: Ask, report: Report) -> Outcome:
    import modes_points

    return modes_points.measure(ask, report)


def row(one: Outcome) -> list[object]:
    """Of out/modes.csv; what whole servers are not compared with is empty."""
    modelled = one.case != WHOLE
    return [
        one.case,
        round(one.servers[-1]),
        one.budget,
        f"{one.days:.4g}",
        one.switches,
        f"{one.per_server_day:.4f}",
        one.most_in_a_day,
        f"{one.naive_per_server_day:.4f}" if modelled else "",
        f"{one.broadcasting[-1]:.4f}",
        f"{one.naive[-1]:.4f}" if modelled else "",
        f"{one.rose:.4f}",
    ]


def print_table(outcomes: Sequence[Outcome]) -> None:
    print(
        f"\n{'':<8} {'':>7} {'budget':>6} {'':>5} {'':>9} {'per server':>10} {'most in':>7} {'without':>8} "
        f"{'to all at':>9} {'without':>8} {'rose':>7}"
    )
    print(
        f"{'case':<8} {'servers':>7} {'B/s':>6} {'days':>5} {'switches':>9} {'and day':>10} {'a day':>7} {'the rule':>8} "
        f"{'the end':>9} {'the rule':>8} {'again':>7}"
    )
    for one in outcomes:
        words = [str(cell) for cell in row(one)]
        print(
            f"{words[0]:<8} {words[1]:>7} {words[2]:>6} {words[3]:>5} {words[4]:>9} {words[5]:>10} {words[6]:>7} "
            f"{words[7] or '-':>8} {words[8]:>9} {words[9] or '-':>8} {words[10]:>7}"
        )
    print()
    for one in outcomes:
        print(f"{one.case}: {MEANING[one.case]}")
    print(
        "most in a day: switches of one server; without the rule: if servers compared what they see at the moment;\n"
        "to all: share of servers that broadcast; rose again: that share, after it had fallen"
    )
    for one in outcomes:
        if one.case == WHOLE:
            print(
                f"\nwhole servers: {one.posts} posts, {one.missing} of {one.due} copies for followers missing; "
                f"{100 * one.within_a_quarter:.1f} % of the servers know within a quarter how many there are"
            )


def main(argv: list[str] | None = None) -> int:
    chosen = arguments(argv)
    print(
        f"modes: seed {chosen.seed}, {chosen.users} users for {chosen.days} days, {chosen.nodes} whole servers",
        flush=True,
    )
    run = study(asks_of(chosen), chosen.out / "modes", chosen.processes, chosen.fresh)
    if run.points:
        import modes_report

        write_table(chosen.out / "modes.csv", COLUMNS, map(row, run.points))
        print_table(run.points)
        modes_report.write(run, chosen.out, command_of("modes", argv))
        written(run, "modes", chosen.out)
    return ended(run, "modes")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
