"""One case of the experiment on mode="auto": what is asked for, what came of it, and the file that keeps it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

import modes_model as model
import modes_world as world
import point_files
from point_run import Report

DRIVERS = ("modes_model.py", "modes_world.py")
VERSION = 1  # of the measurement: another one makes what is kept worthless
WHOLE = "whole"
MEANING = {  # of each case
    "growth": "the network grows through the budget",
    "edge": "the network stays just at the budget",
    "spam": "one user in a hundred begins to post 10,000 times a day",
    WHOLE: "whole servers, simulated, in a network that grows past a budget scaled to its size",
}


@dataclass(frozen=True)
class Ask:
    """What is to be found out: a case of the model, or whole servers."""

    case: str
    users: int  # servers, if they are whole
    days: int  # of the model
    seed: int

    @property
    def name(self) -> str:
        if self.case == WHOLE:
            return f"{self.users:,} whole servers, seed {self.seed}"
        return f"{self.case}, {self.users:,} users for {self.days} days, seed {self.seed}"

    @property
    def cost(self) -> float:
        """About how much work it is, in seconds of CPU."""
        return 4e-4 * self.users**2 if self.case == WHOLE else 1.5e-6 * self.users * 24 * self.days

    def file(self, folder: Path) -> Path:
        key = point_files.name_of(VERSION, point_files.fingerprint(*DRIVERS), asdict(self))
        return folder / f"{self.case}-{self.users}-{self.seed}-{key}.json"


@dataclass(frozen=True)
class Outcome:
    """What came of a case. `naive` are servers without the rule's parts: they compare what they see at the moment."""

    case: str
    title: str
    budget: int  # bytes per second
    minutes: list[float]  # when what follows was counted
    servers: list[float]
    broadcasting: list[float]  # share of the servers that there are
    naive: list[float]
    days: float  # of whole servers: how often the shortest time between two switches fits in
    server_days: float
    switches: int
    naive_switches: int
    most_in_a_day: int  # of one server
    spammers_from: float | None = None  # day
    posts: int = 0  # of whole servers, as the rest
    due: int = 0
    missing: int = 0
    within_a_quarter: float = 0.0  # of them know so well how many there are
    estimates: list[float] = field(default_factory=list)

    @property
    def per_server_day(self) -> float:
        return self.switches / max(1e-9, self.server_days)

    @property
    def naive_per_server_day(self) -> float:
        return self.naive_switches / max(1e-9, self.server_days)

    @property
    def rose(self) -> float:
        """By how much the share of those who broadcast rose again, at most, after it had fallen."""
        lowest, most = 1.0, 0.0
        for share in self.broadcasting:
            lowest = min(lowest, share)
            most = max(most, share - lowest)
        return most


def measure(ask: Ask, report: Report) -> Outcome:
    return _whole(ask, report) if ask.case == WHOLE else _modelled(ask, report)


def _modelled(ask: Ask, report: Report) -> Outcome:
    population = model.Population(ask.users, ask.seed)
    (case,) = (case for case in model.cases(population, ask.days) if case.name == ask.case)
    course = model.run(case, population, ask.seed, report)
    return Outcome(
        case=case.name,
        title=case.title,
        budget=model.budget_of(population),
        minutes=[1440.0 * day for day in course.days],
        servers=course.servers,
        broadcasting=course.broadcasting,
        naive=course.naive,
        days=float(case.days),
        server_days=course.server_days,
        switches=course.switches,
        naive_switches=course.naive_switches,
        most_in_a_day=course.most_in_a_day,
        spammers_from=case.spammers_from,
    )


def _whole(ask: Ask, report: Report) -> Outcome:
    grown = world.grow(ask.users, ask.seed, report)
    days = (grown.minutes[-1] - grown.minutes[0]) * 60 / world.PAUSE
    return Outcome(
        case=WHOLE,
        title="whole servers",
        budget=grown.budget,
        minutes=grown.minutes,
        servers=[float(count) for count in grown.servers],
        broadcasting=grown.broadcasting,
        naive=[],
        days=days,
        server_days=days * sum(grown.servers) / len(grown.servers),
        switches=grown.switches,
        naive_switches=0,
        most_in_a_day=grown.most_in_a_day,
        posts=grown.posts,
        due=grown.due,
        missing=grown.missing,
        within_a_quarter=grown.within_a_quarter,
        estimates=grown.estimates,
    )
