"""Many absences, one small world after the other: servers die or lose their network and come back, at random, while others
post; in the end everybody must have everything that they follow. What is missing then is lost."""

from __future__ import annotations

import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable

import np2p
import point_files
from np2p import hours, minutes, seconds

DRIVERS = ("absence_losses.py",)
VERSION = 1
ABSENCES = 50  # in one world
NATS = ("none", "none", "none", "port_restricted", "symmetric", "restricted", "none", "port_restricted")
# Beside them stands the way in that all were told: who knows no such place and comes back with another address is another
# story.
FOLLOWS = 4  # others, each user
HERE, AWAY = minutes(40), minutes(15)  # in the mean: exponential
POST = minutes(2)  # between two posts of anybody, in the mean
PATIENCE = hours(30)  # afterwards, in which all are there: leases are renewed once a day
AUTHORS = 3  # so many servers are there all the time if authors do not leave
LEAVING = ("crash", "power_off", "go_offline")


@dataclass(frozen=True)
class Ask:
    """One world. authors_leave=False: who leaves follows the first three, and these are always there."""

    seed: int
    authors_leave: bool = True

    @property
    def name(self) -> str:
        return f"world {self.seed}"

    @property
    def cost(self) -> float:
        return 1.0

    def file(self, folder: Path) -> Path:
        key = point_files.name_of(VERSION, point_files.fingerprint(*DRIVERS), asdict(self))
        return folder / f"{self.seed}-{key}.json"


@dataclass(frozen=True)
class World:
    """What became of it."""

    seed: int
    authors_leave: bool
    absences: int
    away_s: float  # all of them together
    posts: int
    due: int  # deliveries
    missed: int  # of these, to somebody who was away when it was posted
    lost: int
    lost_notes: list[str]  # "to server, from server, posted at", for whom wants to look
    complete_s: float  # from when all were back until nothing was missing any more
    cpu_s: float
    digest: str


class _Play:
    def __init__(self, ask: Ask) -> None:
        self.net = np2p.Simulation(seed=ask.seed)
        self.luck = random.Random(f"absences {ask.seed}")
        self.net.add_node(nat="none", mode="multicast")
        self.nodes = self.net.add_nodes(len(NATS), nat=NATS, mode="multicast")
        self.net.bootstrap(within=minutes(3))
        self.authors = self.nodes if ask.authors_leave else self.nodes[:AUTHORS]
        self.leaving = self.nodes if ask.authors_leave else self.nodes[AUTHORS:]
        for node in self.nodes:
            others = [author for author in self.authors if author is not node]
            node.follow(*self.luck.sample(others, min(FOLLOWS, len(others))))
        self.net.run_for(minutes(2))
        self.back_at: dict[int, float] = {}  # who is away, and until when
        self.absences, self.away_s, self.missed = 0, 0.0, 0
        self.said: list[tuple[float, np2p.Node, np2p.Note]] = []

    def live(self) -> None:
        """Until there were so many absences; the next thing to happen is always the earliest."""
        leave = {node.index: self.net.now + self.luck.expovariate(1 / HERE) for node in self.leaving}
        post = self.net.now + self.luck.expovariate(1 / POST)
        while self.absences < ABSENCES or self.back_at:
            due = [(at, "back", index) for index, at in self.back_at.items()] + [(post, "post", -1)]
            if self.absences < ABSENCES:
                due += [(at, "leave", index) for index, at in leave.items() if index not in self.back_at]
            at, what, index = min(due)
            self.net.run_for(max(0.0, at - self.net.now))
            if what == "back":
                self._return(self.net.nodes[index])
                leave[index] = self.net.now + self.luck.expovariate(1 / HERE)
            elif what == "leave":
                self._leave(self.net.nodes[index])
            else:
                self._post()
                post = self.net.now + self.luck.expovariate(1 / POST)

    def _leave(self, node: np2p.Node) -> None:
        getattr(node, self.luck.choice(LEAVING))()
        length = self.luck.expovariate(1 / AWAY)
        self.back_at[node.index] = self.net.now + length
        self.absences += 1
        self.away_s += length

    def _return(self, node: np2p.Node) -> None:
        del self.back_at[node.index]
        if self.net.is_running(node):
            node.come_online(new_address=self.luck.random() < 0.5)
        else:
            node.restart()

    def _post(self) -> None:
        here = [author for author in self.authors if author.index not in self.back_at]
        if not here:
            return
        author = self.luck.choice(here)
        note = author.post(f"post {len(self.said)}")
        self.said.append((self.net.now, author, note))
        self.missed += sum(node.index in self.back_at for node in self.net.followers(author))

    def missing(self) -> list[str]:
        """Of what its author's server had acknowledged: who follows the author and does not have it."""
        held = {node.index: set(node.timeline()) for node in self.nodes}
        found = []
        for at, author, note in self.said:
            for node in self.net.followers(author):
                if note not in held[node.index] and self.net.acknowledged(note):
                    found.append(f"to {node.index} from {author.index} at {at:.3f} s")
        return found

    @property
    def due(self) -> int:
        return sum(len(self.net.followers(author)) for _, author, _ in self.said)


def measure(ask: Ask, report: Callable[[float], None]) -> World:
    began = time.process_time()
    play = _Play(ask)
    play.live()
    report(0.5)
    net, returned = play.net, play.net.now
    if not net.eventually(lambda: not play.missing(), within=minutes(2), every=seconds(2)):
        net.eventually(lambda: not play.missing(), within=PATIENCE, every=minutes(10))
    lost = play.missing()
    net.check()
    return World(
        seed=ask.seed,
        authors_leave=ask.authors_leave,
        absences=play.absences,
        away_s=play.away_s,
        posts=len(play.said),
        due=play.due,
        missed=play.missed,
        lost=len(lost),
        lost_notes=lost[:20],
        complete_s=net.now - returned,
        cpu_s=time.process_time() - began,
        digest=f"{net.digest():016x}",
    )
