"""What servers with mode="auto" decide in a network too large to be simulated whole: their own rule, fed by a model.

The rule is the servers' code (np2p.Policies, core/feed/mode_policy.h). The model says what each would see, hour by hour: how
many servers are online, with a daily rhythm and with errors as measured in simulated networks (core/overlay/swarm/README.md),
and what the posts of those weigh whom its user follows, as core/feed/post_rate.h counts them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

import numpy as np
import numpy.typing as npt

import np2p
from np2p import workload

Floats = npt.NDArray[np.float64]

BUDGET = 2048
POST = 800  # bytes, as it travels
USUAL = 10.0  # posts a day
MOST = 50.0  # that count, of one author
ENOUGH = 5  # authors; where fewer are followed the others count as usual
SPAM = 10_000.0  # posts a day of a spammer
DAY, HOUR = 86_400, 3600
START = 1_750_000_000

SPREAD = 1.1  # of the logarithm of how often users post
TIE = 0.3  # between that and how many follow them
RHYTHM = 0.15  # by so much more are online in the evening than in the mean, and by so much fewer in the morning
ERROR, BIAS = 0.10, 0.05  # of the estimated size: of each estimate, and of a server's estimates in the mean
WEEKEND = 0.10  # by so much more is posted then: servers count seven days, and do not see it


class Population:
    """Who follows whom, and how often they post."""

    def __init__(self, users: int, seed: int) -> None:
        self.users = users
        self.rng = np.random.default_rng(seed)
        graph = workload.follow_graph(users, seed, mean=min(35.2, users / 4), source="generated")
        edges = graph.edges()
        self.follower, self.followed = edges[:, 0], edges[:, 1]
        self.followers = np.bincount(self.followed, minlength=users)
        known = np.argsort(np.argsort(self.followers + self.rng.random(users))) / users
        popular = _normal((known + 0.5 / users).clip(1e-6, 1 - 1e-6))
        mixed = TIE * popular + np.sqrt(1 - TIE**2) * self.rng.standard_normal(users)
        rates = np.exp(SPREAD * mixed)
        self.rates: Floats = rates * USUAL / rates.mean()

    def seen(self, rates: Floats, cap: float = MOST) -> Floats:
        """Bytes a day of a user's posts, as each server counts them among those whom its user follows."""
        counted = np.minimum(rates, cap) * POST
        sums = np.bincount(self.follower, weights=counted[self.followed], minlength=self.users) + counted
        known = np.bincount(self.follower, minlength=self.users) + 1.0
        missing = np.maximum(0.0, ENOUGH - known)
        mean: Floats = (sums + missing * USUAL * POST) / (known + missing)
        return mean


def _normal(share: Floats) -> Floats:
    """The normal distribution's quantiles, by Winitzki's approximation of the inverse error function."""
    x = 2 * share - 1
    logs = np.log(1 - x**2)
    a = 0.147
    part = 2 / (np.pi * a) + logs / 2
    return np.asarray(np.sign(x) * np.sqrt(np.sqrt(part**2 - logs / a) - part) * np.sqrt(2))


@dataclass(frozen=True)
class Case:
    """One course of things."""

    name: str
    title: str
    days: int
    size: Callable[[float], float]  # servers there are after that many days
    spammers_from: float | None = None  # the day on which one of a hundred users begins to post 10,000 times a day


@dataclass
class Course:
    """What came of it, hour by hour."""

    case: Case
    days: list[float] = field(default_factory=list)
    servers: list[float] = field(default_factory=list)
    broadcasting: list[float] = field(default_factory=list)  # share of the servers there are
    naive: list[float] = field(default_factory=list)
    switches: int = 0
    naive_switches: int = 0
    most_in_a_day: int = 0  # of one server, in any 24 hours
    server_days: float = 0.0


def threshold(population: Population) -> float:
    """The size at which the mean server finds the budget spent."""
    return BUDGET * DAY / float(np.mean(population.seen(population.rates)))


def cases(population: Population, days: int) -> list[Case]:
    users, full = population.users, threshold(population)
    scale = users / 30_000

    def grows(day: float) -> float:
        return users * (0.15 + 0.85 * min(1.0, day / (0.75 * days)))

    return [
        Case("growth", "growth", days, grows),
        Case("edge", "at the budget", days, lambda _: min(float(users), full * scale_of(full, users))),
        Case(
            "spam",
            "spammers",
            days,
            lambda _: 0.65 * full * scale_of(full, users),
            days / 3,
        ),
    ]


def scale_of(full: float, users: int) -> float:
    """1 if there are users enough for the budget of servers; else the budget is scaled to their number."""
    return min(1.0, 0.75 * users / full)


def budget_of(population: Population) -> int:
    full = threshold(population)
    return max(1, round(BUDGET * scale_of(full, population.users)))


def run(case: Case, population: Population, seed: int, report: Callable[[float], Any] = lambda _: None) -> Course:
    rng = np.random.default_rng([seed, len(case.name)])
    users = population.users
    budget = budget_of(population)
    policies = np2p.Policies(users, seed, budget, float(DAY))
    bias = np.exp(rng.normal(0.0, BIAS, users))
    quiet = population.seen(population.rates)
    spam_rates = population.rates.copy()
    spam_rates[rng.choice(users, max(1, users // 100), replace=False)] = SPAM
    spammed, believed = population.seen(spam_rates), population.seen(spam_rates, np.inf)
    followers = population.followers.astype(np.uint64)
    naive = np.ones(users, dtype=bool)
    recent: list[npt.NDArray[np.bool_]] = []
    course = Course(case)
    for hour in range(case.days * 24):
        day = hour / 24
        there = min(users, round(case.size(day)))
        online = there * (1 + RHYTHM * np.cos(2 * np.pi * (day - 0.85)))
        week = 1 + WEEKEND * np.cos(2 * np.pi * (day - 5.5) / 7)
        spam = case.spammers_from is not None and day >= case.spammers_from
        weights = spammed if spam else quiet
        sizes = online * bias * np.exp(rng.normal(0.0, ERROR, users))
        sizes[there:] = 0  # not there yet: they know nothing
        now = START + hour * HOUR
        switched = policies.review(
            np.round(sizes).astype(np.uint64), np.round(weights).astype(np.uint64), followers, float(now)
        )
        recent = (recent + [switched])[-24:]
        course.switches += int(switched.sum())
        if switched.any():
            course.most_in_a_day = max(course.most_in_a_day, int(np.sum(recent, axis=0).max()))
        above = sizes * (believed if spam else quiet) * week / DAY > budget
        changed = (naive == above) & (sizes > 0)
        course.naive_switches += int(changed.sum())
        naive ^= changed
        course.days.append(day)
        course.servers.append(there)
        course.broadcasting.append(float(policies.broadcasting()[:there].mean()))
        course.naive.append(float(naive[:there].mean()))
        course.server_days += there / 24
        if hour % 24 == 0:
            report(day / case.days)
    return course
