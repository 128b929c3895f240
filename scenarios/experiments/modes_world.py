"""Whole servers with mode="auto" in a network that grows past their budget, which is scaled down to its size.

What takes days elsewhere takes minutes here: servers look every 30 s instead of each hour and switch at most once in 12
minutes, which are 24 looks as well. All the while users post, and who follows them must get everything.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Callable

import np2p
from np2p import nat, workload

USUAL_BYTES = 10 * 800  # a day, which count for users who are new
DAY = 86_400
LOOK = 30.0  # seconds
PAUSE = 24 * LOOK
FIRST, BEFORE, GROWTH, AFTER = 0.3, 600.0, 1500.0, 1500.0  # share of the servers; seconds
POSTS = 120


@dataclass
class Grown:
    """A network that has grown past its budget."""

    nodes: int
    seed: int
    budget: int
    minutes: list[float] = field(default_factory=list)
    servers: list[int] = field(default_factory=list)
    broadcasting: list[float] = field(default_factory=list)
    switches: int = 0
    most_in_a_day: int = 0  # of one server within the shortest time between two switches
    estimates: list[float] = field(default_factory=list)  # of the size at the end, over the size
    posts: int = 0
    due: int = 0
    missing: int = 0  # copies that followers did not get within two minutes after the end

    @property
    def within_a_quarter(self) -> float:
        return sum(abs(one - 1) <= 0.25 for one in self.estimates) / max(1, len(self.estimates))


def grow(nodes: int, seed: int, report: Callable[[float], Any] = lambda _: None) -> Grown:
    rng = random.Random(f"modes {seed}")
    net = np2p.Simulation(seed=seed)
    # Passed when half of the growth is over, in the mean of the servers.
    budget = max(1, round(nodes * (1 + FIRST) / 2 * USUAL_BYTES / DAY))
    found = Grown(nodes, seed, budget)
    boxes = [None] * 4 + nat.population(nodes - 4, nated=0.8, seed=seed, first_public=False)
    graph = workload.follow_graph(nodes, seed, mean=min(10.0, nodes / 20))

    def add() -> None:
        doors = [node for node in net.nodes[:4] if node.nat is None]
        told = rng.sample(doors, min(2, len(doors)))
        net.add_node(
            nat=boxes[len(net.nodes)],
            mode="auto",
            bootstrap=told,
            broadcast_budget=budget,
            review_every=LOOK,
            switch_pause=PAUSE,
        )

    first = max(8, round(nodes * FIRST))
    while len(net.nodes) < first:
        add()
        net.run_for(0.1)
    net.bootstrap(within=600.0)
    following = _follow(net, graph, 0)
    notes: list[tuple[np2p.Note, set[int]]] = []
    modes: dict[int, str] = {}
    switched: dict[int, list[float]] = {}
    end = BEFORE + GROWTH + AFTER
    step = end / POSTS / 2
    steps = round(end / step)
    for i in range(steps):
        at = i * step
        wanted = first + round((nodes - first) * min(1.0, max(0.0, (at - BEFORE) / GROWTH)))
        while len(net.nodes) < wanted:
            add()
        net.run_for(step)
        following = _follow(net, graph, following)
        if i % 2 == 1:
            notes.append(_post(net, graph, following, rng))
        _look(net, found, modes, switched)
        report(i / steps)
    net.run_for(120.0)
    for note, followers in notes:
        have = set(net.deliveries(note)["node"].tolist())
        found.posts += 1
        found.due += len(followers)
        found.missing += len(followers - have)
    found.estimates = [net.network_size(node) / nodes for node in net.nodes]
    for times in switched.values():
        found.switches += len(times)
        found.most_in_a_day = max(found.most_in_a_day, *(sum(t <= x < t + PAUSE - step for x in times) for t in times))
    return found


def _follow(net: np2p.Simulation, graph: workload.FollowGraph, done: int) -> int:
    """Who has come since follows whom they follow of those who are there; answers how many are through."""
    for index in range(done, len(net.nodes)):
        there = [net.nodes[one] for one in graph[index] if one < index]
        if there:
            net.nodes[index].follow(*there)
    return len(net.nodes)


def _post(
    net: np2p.Simulation, graph: workload.FollowGraph, following: int, rng: random.Random
) -> tuple[np2p.Note, set[int]]:
    """By somebody who has been there for a while; who has to get it are those whose FOLLOW has had its answer."""
    old = max(8, following - 20)
    author = net.nodes[rng.randrange(old)]
    followers = {
        index
        for index in range(old)
        if index > author.index and author.index in graph[index] and net.nodes[index].online
    }
    return author.post(f"post {net.now:.0f} of {author.index}"), followers


def _look(net: np2p.Simulation, found: Grown, modes: dict[int, str], switched: dict[int, list[float]]) -> None:
    everybody = 0
    for node in net.nodes:
        now = node.mode_now()
        if modes.setdefault(node.index, "broadcast") != now:
            modes[node.index] = now
            switched.setdefault(node.index, []).append(net.now)
        everybody += now == "broadcast"
    found.minutes.append(net.now / 60)
    found.servers.append(len(net.nodes))
    found.broadcasting.append(everybody / len(net.nodes))
