"""Servers die and come back all the time, one in a hundred each minute, while others post to their followers.

./dev pytest scenarios/delivery/churn_test.py -s              300 servers, 20 minutes
./dev pytest scenarios/delivery/churn_test.py -s --nightly    the same with 10 seeds
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

import np2p
from np2p import minutes, seconds

SERVERS, FOLLOWED = 300, 10
PER_MINUTE = 0.01  # of the servers die
AWAY = minutes(1)
BETWEEN = seconds(2)  # posts
JOINING = seconds(10)


@dataclass
class Town:
    """Servers that follow each other at random, some of which are dead for a while."""

    net: np2p.Simulation
    nodes: list[np2p.Node] = field(default_factory=list)
    followers: dict[np2p.Node, list[np2p.Node]] = field(default_factory=dict)
    back_at: dict[np2p.Node, float] = field(default_factory=dict)  # who is dead
    back_since: dict[np2p.Node, float] = field(default_factory=dict)
    deaths: int = 0

    def __post_init__(self) -> None:
        self.lots = np.random.default_rng(self.net.seed)
        self.nodes = self.net.add_nodes(SERVERS // 5, nat="none", mode="multicast")
        self.nodes += self.net.add_nodes(SERVERS - SERVERS // 5, nat="mixed", mode="multicast")
        self.net.bootstrap(within=minutes(5))
        self.followers = {node: [] for node in self.nodes}
        for node in self.nodes:
            chosen = self.lots.choice([i for i in range(SERVERS) if i != node.index], FOLLOWED, replace=False)
            node.follow(*(self.nodes[i] for i in chosen))
            for i in chosen:
                self.followers[self.nodes[i]].append(node)
        self.net.run_for(minutes(10))

    def come_back(self, until: float) -> None:
        for node in [node for node, at in self.back_at.items() if at <= until]:
            del self.back_at[node]
            node.restart()
            self.back_since[node] = self.net.now

    def die_and_return(self, silent: bool) -> None:
        self.come_back(self.net.now)
        for node in self.nodes[1:]:  # the way in stays
            if node in self.back_at or self.lots.random() >= PER_MINUTE * BETWEEN / 60:
                continue
            node.power_off() if silent else node.crash()
            self.back_at[node] = self.net.now + AWAY
            self.deaths += 1

    def is_up(self, node: np2p.Node) -> bool:
        return node not in self.back_at

    def has_joined(self, node: np2p.Node) -> bool:
        """What is said to a server that has just started waits until it has found its way in."""
        return self.is_up(node) and self.back_since.get(node, 0.0) + JOINING <= self.net.now


def _live(net: np2p.Simulation, silent: bool) -> tuple[Town, list[np2p.Note], list[float]]:
    """The latency of each delivery to a follower who was online (had joined) when the post was said, and for so long as it
    may take; infinite if it did not arrive."""
    town = Town(net)
    within = seconds(15) if silent else seconds(2)
    waiting: list[tuple[float, np2p.Note, list[np2p.Node]]] = []
    notes: list[np2p.Note] = []
    latencies: list[float] = []

    def count(until: float) -> None:
        while waiting and waiting[0][0] + within <= until:
            said, note, due = waiting.pop(0)
            table = net.deliveries(note)
            took = dict(zip(table["node"].tolist(), table["latency_s"].tolist()))
            for node in due:
                if town.is_up(node) and town.back_since.get(node, 0.0) + JOINING <= said:
                    latencies.append(took.get(node.index, np.inf))

    end = net.now + minutes(20)
    while net.now < end:
        town.die_and_return(silent)
        author = town.nodes[int(town.lots.integers(SERVERS))]
        if town.has_joined(author):
            note = author.post("what one writes in a minute, " * 5)
            notes.append(note)
            waiting.append((net.now, note, [node for node in town.followers[author] if town.is_up(node)]))
        net.run_for(BETWEEN)
        count(net.now)
    town.come_back(np.inf)
    return town, notes, latencies


@pytest.mark.parametrize("silent", (False, True), ids=("process death", "power off"))
@pytest.mark.seeds(per_commit=1, nightly=10)
def test_who_is_online_gets_posts_in_time_and_all_get_them(net: np2p.Simulation, silent: bool) -> None:
    town, notes, latencies = _live(net, silent)
    limit = seconds(15) if silent else seconds(2)
    in_time = float(np.mean(np.array(latencies) <= limit))
    print(
        f"\n{SERVERS} servers, seed {net.seed}, {town.deaths} {'lost their power' if silent else 'died'}: of "
        f"{len(latencies):,} deliveries to who was online {100 * in_time:.2f} % within {limit:g} s "
        f"(median {1000 * np.median(latencies):.0f} ms, 99.9 % {np.percentile(latencies, 99.9):.2f} s)"
    )
    assert town.deaths >= 30 and len(latencies) > 3000
    assert in_time >= 0.999

    def missing() -> int:
        authors = {node.public_key: node for node in town.nodes}
        return sum(not node.has(note) for note in notes for node in town.followers[authors[note.author]])

    assert net.eventually(lambda: missing() == 0, within=minutes(60), every=seconds(10)), f"{missing()} never arrived"
