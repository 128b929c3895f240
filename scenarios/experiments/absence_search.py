"""What it costs an author, and the network, that followers are away: an hour after the other, beyond what the same hours
cost where the same servers are away and did not follow the author."""

from __future__ import annotations

import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable

import numpy as np

import np2p
import point_files
import scale_measure as scale
from absence_points import NATED
from meter import Array, otherwise

DRIVERS = ("absence_search.py", "meter.py", "scale_measure.py")
VERSION = 1
SERVERS = 80
SETTLE = 300.0  # seconds after the last server has joined
FRIENDS = 4  # whom each who leaves follows besides, and who follow back: by then there are guardians
AGREE = 900.0  # seconds until they have agreed
HOURS = 4
POSTS = 6  # of the author, each hour


@dataclass(frozen=True)
class Ask:
    """So many followers are away."""

    away: int
    seed: int
    servers: int = SERVERS

    @property
    def name(self) -> str:
        return f"{self.away} followers away, seed {self.seed}"

    @property
    def cost(self) -> float:
        return 1.0

    def file(self, folder: Path) -> Path:
        key = point_files.name_of(VERSION, point_files.fingerprint(*DRIVERS), asdict(self), NATED)
        return folder / f"{self.away}-{self.seed}-{key}.json"


@dataclass(frozen=True)
class Search:
    """Wire bytes, sent and received, for each hour."""

    away: int
    seed: int
    servers: int
    guarded: int  # of those who are away: they have guardians
    author_B: list[float]  # the author's server, beyond what it is otherwise
    network_B: list[float]  # sent by all servers, likewise
    letters: int  # that lie with guardians in the end
    cpu_s: float
    digest: str


def measure(ask: Ask, report: Callable[[float], None]) -> Search:
    began = time.process_time()
    village = scale.Village(
        scale.Setting("hyparview", ask.servers, NATED, ask.seed, "multicast"), lambda part, _: report(0.4 * part)
    )
    net, luck = village.net, random.Random(f"search {ask.seed} {ask.servers} {ask.away}")
    net.run_for(SETTLE)
    crowd = [node for node in net.nodes if node.nat is not None]
    author, *leaving = luck.sample(crowd, 1 + ask.away)
    staying = [node for node in net.nodes if node is not author and node not in leaving]
    for node in leaving:
        friends = luck.sample(staying, FRIENDS)
        for friend in friends:
            friend.follow(node)
        node.follow(*friends)
        net.run_for(0.1)
    net.run_for(AGREE)
    report(0.6)
    otherwise_spent = otherwise(lambda: _hours(net, author, leaving))
    for node in leaving:
        node.follow(author)
        net.run_for(0.1)
    net.run_for(120.0)
    guarded = sum(int(net.status(node)["guardians"]) > 0 for node in leaving)
    spent = _hours(net, author, leaving)
    net.check()
    beyond = np.maximum(0.0, spent - otherwise_spent)
    return Search(
        away=ask.away,
        seed=ask.seed,
        servers=ask.servers,
        guarded=guarded,
        author_B=[float(value) for value in beyond[:, 0]],
        network_B=[float(value) for value in beyond[:, 1]],
        letters=sum(int(net.status(node)["mail_letters"]) for node in net.nodes if node.online),
        cpu_s=time.process_time() - began,
        digest=f"{net.digest():016x}",
    )


def _hours(net: np2p.Simulation, author: np2p.Node, leaving: list[np2p.Node]) -> Array:
    for node in leaving:
        node.power_off()
    rows = []
    for hour in range(HOURS):
        before = _spent(net, author)
        for number in range(POSTS):
            author.post(f"hour {hour}, {number}: what one writes")
            net.run_for(3600.0 / POSTS)
        rows.append(_spent(net, author) - before)
    return np.array(rows)


def _spent(net: np2p.Simulation, author: np2p.Node) -> Array:
    rows = net.traffic()
    return np.array(
        [float(rows[author.index]["bytes_out"] + rows[author.index]["bytes_in"]), float(rows["bytes_out"].sum())]
    )
