"""One point of the celebrity experiment: what is asked for, what was measured, and what no way of sending can undercut."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import point_files

DRIVERS = ("celebrity_measure.py", "meter.py", "scale_measure.py")
VERSION = 4  # of the measurement: another one makes what is kept worthless
UPLINK = 10_000_000  # bits per second, the author's
NATED = 0.8  # of the followers; the others can relay
POST = 800  # bytes, as the overlay carries it
MOST_COPIES = 48  # by the author: the target
MOST_ABOVE_MS = 250.0  # p99 above the direct delay: the target
MOST_TRANSMISSIONS = 2.0  # of the post by relays and heads, for each delivery: the target


def unicast_s(followers: int, share: float) -> float:
    """Until the author's uplink has sent the post to so large a share of the followers, one after the other: computed."""
    return share * followers * POST * 8 / UPLINK


@dataclass(frozen=True)
class Plan:
    settle: float  # seconds after the last server has joined
    posts: int  # that are counted, each alone

    @staticmethod
    def of(short: bool) -> Plan:
        return Plan(120.0, 4) if short else Plan(300.0, 10)


@dataclass(frozen=True)
class Ask:
    """What is to be measured."""

    followers: int
    seed: int
    plan: Plan

    @property
    def name(self) -> str:
        return f"{self.followers:,} followers, seed {self.seed}"

    @property
    def cost(self) -> float:
        """About how much work it is, in seconds of CPU."""
        return (0.004 + 1e-5 * self.plan.settle) * self.followers + 5e-5 * self.followers * self.plan.posts

    def file(self, folder: Path) -> Path:
        key = point_files.name_of(VERSION, point_files.fingerprint(*DRIVERS), asdict(self), UPLINK, NATED, POST)
        return folder / f"{self.followers}-{self.seed}-{key}.json"


@dataclass(frozen=True)
class Point:
    """What was measured: for one post of the author, in the mean, beyond what silence costs. Bytes are wire bytes sent.
    Carriers are followers who sent it on, as heads of others or as their relays, members the others. out/celebrity.csv
    has these columns."""

    followers: int
    seed: int
    nated: int
    registered: int  # followers that the author's server knew
    posts: int
    due: int
    got: int
    above_p50_ms: float  # latency above the network's own delay from the author
    above_p99_ms: float
    above_max_ms: float
    latency_p50_ms: float
    latency_p99_ms: float
    hops_mean: float
    hops_max: int
    author_copies: float  # messages with the post that the author sent
    author_payload: float  # transmissions for each delivery: by the author,
    others_payload: float  # by followers, as payload of their own,
    relay: float  # passed on by heads and relays,
    duplicate: float  # to somebody who had it
    control: float  # other messages, for each delivery
    author_B: float
    carriers: int
    carrier_B: float
    carrier_most_B: float
    member_B: float
    delivery_B: float  # of the whole network, for each delivery
    follow_B: float  # of the whole network, until one follow is registered
    state_B: float  # for one follower, that the author's server holds in memory,
    stored_B: float  # and in its store
    first_p99_ms: float  # latency above direct of the first post, for which lists of members go out
    joined: bool
    cpu_s: float
    post_cpu_s: float  # of the simulator, for one post
    events: int
    digest: str

    @property
    def delivery_ratio(self) -> float:
        return self.got / max(1, self.due)

    @property
    def transmissions(self) -> float:
        """Of the post, for each delivery: by the author, by heads and relays, and in vain."""
        return self.author_payload + self.others_payload + self.relay + self.duplicate


COLUMNS = [field.name for field in fields(Point)] + [
    "delivery_ratio",
    "transmissions",
    "unicast_p50_ms",
    "unicast_p99_ms",
]


def cells(point: Point) -> list[Any]:
    """A row of out/celebrity.csv."""
    values = list(asdict(point).values()) + [point.delivery_ratio, point.transmissions]
    values += [1000 * unicast_s(point.followers, share) for share in (0.5, 0.99)]
    return [f"{value:.8g}" if isinstance(value, float) else value for value in values]
