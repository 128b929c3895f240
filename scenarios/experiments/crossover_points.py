"""One point of the crossover experiment: what is asked for, what was measured, and the file that keeps it.

A point is kept (point_files.py) under a name that has every parameter, the version of the measurement and a fingerprint of
the simulator that was measured.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import point_files
from meter import KINDS

DRIVERS = ("crossover_measure.py", "meter.py", "scale_measure.py")
VERSION = 1  # of the measurement: another one makes what is kept worthless
MODES = ("mesh", "broadcast", "multicast", "auto")
NAMES = {"mesh": "broadcast over the mesh", "broadcast": "broadcast", "multicast": "followers only", "auto": "auto"}
# Who follows whom makes no difference to these. With `auto` that is so as long as nobody has gone over, and larger networks
# are not measured.
WITHOUT_GRAPH = ("mesh", "broadcast", "auto")
# The mean number of follows of each source of relations: Epinions' own; the same for the few real lists of Nostr (of most
# of its users only who follows them is known); Twitter's in 2009 for the generated ones.
GRAPHS = {"epinions": 9.8, "nostr": 9.8, "generated": 35.2}
MOST_FOLLOWED = 0.7  # of the others, in a network too small for the mean: Epinions has no samples denser than that
NATED = 0.8
POSTS_A_DAY = 10.0
POST = 800  # bytes, as the overlay carries it
DAY = 86400.0
PER_SECOND = POSTS_A_DAY / DAY
CONTACT_LIFE = 2 * 3600.0  # seconds that a server's word of where it is counts, at most
RENEWED = 0.9 * 12 * 3600.0  # seconds, in the mean, until a follow is registered again: at half of its lease or earlier
BUDGET = 2048.0  # bytes per second: what a server is willing to spend


def overlay_of(mode: str) -> str:
    return "mesh" if mode == "mesh" else "hyparview"


def sending_of(mode: str) -> str:
    """The mode as add_nodes() calls it."""
    return "broadcast" if mode == "mesh" else mode


def mean_follows(graph: str, nodes: int) -> float:
    return min(GRAPHS[graph], MOST_FOLLOWED * (nodes - 1))


@dataclass(frozen=True)
class Plan:
    """How long each phase of a point takes, in simulated seconds, and how many posts are counted."""

    settle: float  # after the last server has joined
    follow: float  # from the follow lists on, until what that takes is over
    live: float  # of life that is not counted: as long as servers remember where others are
    posts: int  # that are counted, as many a day as in life
    uplink: int  # posts more, each alone, of which the author's own sending is counted

    @staticmethod
    def of(mode: str, nodes: int, short: bool) -> Plan:
        if mode == "mesh":
            return Plan(60.0, 30.0, 0.0, 24, 8) if short else Plan(120.0, 60.0, 0.0, 60, 16)
        if mode in WITHOUT_GRAPH:  # each post tells about everybody
            return Plan(300.0, 200.0, CONTACT_LIFE, 60 if short else 120, 16)
        return Plan(300.0, 200.0, CONTACT_LIFE, 200 if short else max(400, min(2000, nodes // 10)), 16)


@dataclass(frozen=True)
class Ask:
    """What is to be measured."""

    mode: str
    graph: str
    nodes: int
    seed: int
    plan: Plan

    @property
    def name(self) -> str:
        return f"{NAMES[self.mode]}, {self.nodes:,} servers, {self.graph}, seed {self.seed}"

    @property
    def cost(self) -> float:
        """About how much work it is, in seconds of CPU."""
        n, plan = self.nodes, self.plan
        follows = mean_follows(self.graph, n)
        if self.mode == "mesh":
            return 1e-6 * n**2 * (plan.settle + plan.follow + 10.0 * plan.posts)
        deliveries = plan.posts * (n if self.mode in WITHOUT_GRAPH else 3.0 * follows)
        silent = n * (plan.settle + 2.0 * plan.follow) + 2.0 * plan.posts * DAY / POSTS_A_DAY
        lively = n * plan.live * (1.0 + (0.0 if self.mode in WITHOUT_GRAPH else 0.1 * follows))
        return 0.003 * n + 6e-4 * n * follows + 1e-6 * (silent + lively) + 2e-5 * deliveries

    def file(self, folder: Path) -> Path:
        program = point_files.fingerprint(*DRIVERS)
        follows = mean_follows(self.graph, self.nodes)
        key = point_files.name_of(VERSION, program, asdict(self), NATED, POST, follows)
        return folder / f"{self.mode}-{self.graph}-{self.nodes}-{self.seed}-{key}.json"


@dataclass(frozen=True)
class Point:
    """What was measured. Bytes are wire bytes sent. `*_post` are of the whole network for one post, beyond what
    silence costs; `idle_*` of one server in a second of silence, in the mean. out/crossover.csv has these columns."""

    mode: str
    graph: str
    nodes: int
    seed: int
    nated: int
    follows_mean: float
    followers_most: int
    posts: int  # counted in got and due
    due_per_post: float  # of the posts whose bytes were counted
    due: int
    got: int
    latency_p50_ms: float
    latency_p99_ms: float
    payload_post: float
    duplicate_post: float
    relay_post: float
    control_post: float
    idle_payload: float
    idle_duplicate: float
    idle_relay: float
    idle_control: float
    sent_p99: float  # bytes per second of the 99th percentile of servers, at the rate of posts of the experiment
    uplink_B: float  # sent by the author for one post to servers whose place is known, in the mean
    uplink_copies: float
    copies: float  # transmissions of a post per first delivery, those of relays too
    follow_B: float  # of the whole network, until one follow is registered, per follow
    follows_registered: float  # share
    joined: bool
    cpu_s: float
    events: int
    digest: str

    @property
    def post_bytes(self) -> float:
        """Of the whole network, for one post."""
        return self.payload_post + self.duplicate_post + self.relay_post + self.control_post

    @property
    def delivery_ratio(self) -> float:
        return self.got / max(1, self.due)

    @property
    def arrived_per_post(self) -> float:
        return self.due_per_post * self.delivery_ratio

    @property
    def per_delivery(self) -> float:
        """Wire bytes for one delivery, all transmissions of it and what they caused."""
        return self.post_bytes / max(1e-9, self.arrived_per_post)

    @property
    def posts_B_s(self) -> float:
        """What a server sends for posts per second, in the mean, if everybody posts ten times a day: each post costs the
        network post_bytes, and there are as many times ten posts as servers that share it."""
        return PER_SECOND * self.post_bytes

    @property
    def idle_B_s(self) -> float:
        return self.idle_payload + self.idle_duplicate + self.idle_relay + self.idle_control

    @property
    def sent_B_s(self) -> float:
        return self.idle_B_s + self.posts_B_s

    def kind_B_s(self, kind: str) -> float:
        """Of sent_B_s, what is payload, duplicate, relay or control."""
        idle, post = getattr(self, f"idle_{kind}"), getattr(self, f"{kind}_post")
        return float(idle + PER_SECOND * post)

    @property
    def upkeep_B_s(self) -> float:
        """What the follow relations of one server cost, if to renew one costs as much as to register it did."""
        return self.follows_mean * self.follow_B / RENEWED


DERIVED = ("delivery_ratio", "per_delivery", "posts_B_s", "idle_B_s", "upkeep_B_s", "sent_B_s")
COLUMNS = [field.name for field in fields(Point)] + list(DERIVED) + [f"{kind}_B_s" for kind in KINDS]


def cells(point: Point) -> list[Any]:
    """A row of out/crossover.csv."""
    values = list(asdict(point).values()) + [getattr(point, name) for name in DERIVED]
    values += [point.kind_B_s(kind) for kind in KINDS]
    return [f"{value:.8g}" if isinstance(value, float) else value for value in values]
