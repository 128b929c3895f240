"""One fixed schedule, played in a world of one's choice, and what was measured meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import np2p
from np2p import minutes, seconds

SERVERS = 16
NATS = ["none", "none", "none", "none", "none", "none"] + ["full_cone", "port_restricted", "symmetric"] * 3 + ["none"]
ROUNDS = 12  # of posts and mentions, one every GAP
GAP = seconds(3)
DEATH_AFTER = 6  # rounds
DYING = 3  # a reachable one


@dataclass
class Play:
    """What one world did."""

    world: str
    first_deliveries: list[int] = field(default_factory=list)  # by node
    latencies: list[float] = field(default_factory=list)  # of all first deliveries, seconds, sorted
    payload: int = 0  # wire bytes that all servers sent, posts and what carries them
    duplicates: int = 0  # messages that somebody received again
    control: list[int] = field(default_factory=list)  # wire bytes sent, by node
    relayed: int = 0

    def control_of(self, reachable: bool) -> float:
        """The mean over those of one kind that were there all the time."""
        chosen = [node for node, nat in enumerate(NATS) if (nat == "none") == reachable and node != DYING]
        return float(np.mean([self.control[node] for node in chosen]))


def play(net: np2p.Network) -> Play:
    """Joins one after the other; then posts by all in turn, each followed by a mention; one server dies on the way."""
    for nat in NATS:
        net.add_node(nat=nat, replies="tagged")
        net.run_for(seconds(0.5))
    nodes = net.nodes
    net.bootstrap(within=minutes(3))
    net.run_for(seconds(35))  # views are full, classes of NATs known
    before = net.traffic()
    begun = net.now
    said: list[np2p.Note] = []
    for number in range(ROUNDS):
        if number == DEATH_AFTER:
            nodes[DYING].crash()
            net.run_for(seconds(1))  # so that nobody says something to it only
        author, named = nodes[_alive(number)], nodes[_alive(number * 5 + 7)]
        said.append(author.post(f"round {number}: " + "what one writes in a minute, " * 5))
        said.append(author.post(f"{number}: what do you think?", mentions=[named if named != author else nodes[0]]))
        net.run_for(begun + (number + 1) * GAP - net.now)
    net.run_for(begun + ROUNDS * GAP + seconds(10) - net.now)
    return _measured(net, before, net.traffic(), said)


def _alive(number: int) -> int:
    """Who is next; never the one who dies."""
    return [node for node in range(SERVERS) if node != DYING][number % (SERVERS - 1)]


def _measured(net: np2p.Network, before: Any, after: Any, said: list[np2p.Note]) -> Play:
    made = Play(net.kind, first_deliveries=[0] * SERVERS)
    for note in said:
        rows = net.deliveries(note)
        made.latencies += [float(one) for one in rows["latency_s"]]
        for node in rows["node"]:
            made.first_deliveries[int(node)] += 1
    made.latencies.sort()
    made.payload = int((after["payload_out"] - before["payload_out"]).sum())
    made.relayed = int((after["relay_out"] - before["relay_out"]).sum())
    made.duplicates = int((after["duplicate_in_msgs"] - before["duplicate_in_msgs"]).sum())
    made.control = [int(one) for one in after["control_out"] - before["control_out"]]
    return made
