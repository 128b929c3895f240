"""mode="auto": when do servers go over from broadcast to followers, and do they stay there?

    ./dev experiment modes                 the rule at 30,000 users, and whole servers at 1,000
    ./dev experiment modes --nodes 200     a smaller network of whole servers
    ./dev experiment modes --nodes 0       the rule alone

The rule is the servers' own, fed by a model of what each would see (modes_model.py); the whole servers see for themselves, with
a budget scaled to their number (modes_world.py). Writes out/modes.csv and out/modes.png.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn, Sequence

import modes_model as model
import modes_world as world
from point_files import write_table

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


class Parser(argparse.ArgumentParser):
    """A mistake is one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="modes", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--users", type=int, default=30_000, help="of the model; default 30000")
    parser.add_argument("--days", type=int, default=90, help="of the model; default 90")
    parser.add_argument("--nodes", type=int, default=1000, help="whole servers, 0: none; default 1000")
    parser.add_argument("--seed", type=int, default=7, help="default 7")
    parser.add_argument("--out", type=Path, default=Path("out"), help="directory for the results, default out")
    chosen = parser.parse_args(argv)
    if not 200 <= chosen.users <= 1_000_000:
        parser.error(f"--users must be 200 to 1000000, not {chosen.users}")
    if not 10 <= chosen.days <= 1000:
        parser.error(f"--days must be 10 to 1000, not {chosen.days}")
    if chosen.nodes != 0 and not 40 <= chosen.nodes <= 10_000:
        parser.error(f"--nodes must be 0 or 40 to 10000, not {chosen.nodes}")
    if not 0 <= chosen.seed < 2**32:
        parser.error(f"--seed must be 0 to 2**32 - 1, not {chosen.seed}")
    try:
        chosen.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=chosen.out):
            pass
    except OSError as problem:
        parser.error(f"--out: cannot write into {chosen.out}: {problem.strerror}")
    return chosen


def study(users: int, days: int, seed: int) -> tuple[list[model.Course], int]:
    """The courses of the model, and the budget that they were held against."""
    population = model.Population(users, seed)
    courses = []
    for case in model.cases(population, days):
        courses.append(model.run(case, population, seed))
        print(f"modes: {case.title}: done", flush=True)
    return courses, model.budget_of(population)


def rows(courses: Sequence[model.Course], budget: int, grown: world.Grown | None) -> list[list[object]]:
    table: list[list[object]] = []
    for one in courses:
        table.append(
            [
                one.case.name,
                round(one.servers[-1]),
                budget,
                one.case.days,
                one.switches,
                f"{one.per_server_day:.4f}",
                one.most_in_a_day,
                f"{one.naive_per_server_day:.4f}",
                f"{one.broadcasting[-1]:.4f}",
                f"{one.naive[-1]:.4f}",
                f"{one.swing:.4f}",
            ]
        )
    if grown is not None:
        days = (grown.minutes[-1] - grown.minutes[0]) * 60 / world.PAUSE
        each = grown.switches / (days * sum(grown.servers) / len(grown.servers))
        share = f"{grown.broadcasting[-1]:.4f}"
        whole = ["whole", grown.nodes, grown.budget, f"{days:.1f}", grown.switches, f"{each:.4f}"]
        table.append([*whole, grown.most_in_a_day, "", share, "", f"{_swing(grown.broadcasting):.4f}"])
    return table


def _swing(shares: Sequence[float]) -> float:
    lowest, most = 1.0, 0.0
    for share in shares:
        lowest = min(lowest, share)
        most = max(most, share - lowest)
    return most


def print_table(table: Sequence[Sequence[object]]) -> None:
    print(
        f"\n{'case':<8} {'servers':>7} {'B/s':>6} {'days':>5} {'switches':>9} {'a day':>7} {'most':>4} {'naive':>7} "
        f"{'to all':>7} {'naive':>7} {'swing':>6}"
    )
    for row in table:
        words = [str(cell) for cell in row]
        print(
            f"{words[0]:<8} {words[1]:>7} {words[2]:>6} {words[3]:>5} {words[4]:>9} {words[5]:>7} {words[6]:>4} "
            f"{words[7]:>7} {words[8]:>7} {words[9]:>7} {words[10]:>6}"
        )


def main(argv: list[str] | None = None) -> int:
    chosen = arguments(argv)
    began = time.monotonic()
    print(
        f"modes: seed {chosen.seed}, {chosen.users} users for {chosen.days} days, {chosen.nodes} whole servers",
        flush=True,
    )
    courses, budget = study(chosen.users, chosen.days, chosen.seed)
    grown = world.grow(chosen.nodes, chosen.seed) if chosen.nodes else None
    table = rows(courses, budget, grown)
    write_table(chosen.out / "modes.csv", COLUMNS, table)
    import modes_plots

    modes_plots.look.save(modes_plots.draw(courses, grown), chosen.out / "modes.png")
    print_table(table)
    if grown is not None:
        print(
            f"\nwhole servers: {grown.posts} posts, {grown.missing} of {grown.due} copies for followers missing; "
            f"{100 * grown.within_a_quarter:.1f} % of the servers know within a quarter how many there are"
        )
    names = ", ".join(os.fspath(chosen.out / name) for name in ("modes.csv", "modes.png"))
    print(f"{time.monotonic() - began:.0f} s; wrote {names}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
