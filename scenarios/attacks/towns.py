"""A town for attacks: a fifth of the servers can be dialled, the others are behind NAT, and of those that can be dialled
every so many is an attacker, as old as its neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import np2p
from np2p import minutes


@dataclass
class Town:
    honest: list[np2p.Node]
    attackers: list[np2p.Node]


def settle(net: np2p.Network, nodes: int, *, behaviour: str, every: int = 5, mode: str = "broadcast") -> Town:
    """`nodes` servers; of the fifth that can be dialled every `every`-th behaves so. They have joined, and what they
    publish of themselves has been published several times."""
    honest: list[np2p.Node] = []
    attackers: list[np2p.Node] = []
    for i in range(nodes // 5):
        attacks = i % every == every - 1
        made = net.add_nodes(1, nat="none", behaviour=behaviour if attacks else "honest", replies="tagged", mode=mode)
        (attackers if attacks else honest).extend(made)
    honest += net.add_nodes(nodes - nodes // 5, nat="port_restricted", replies="tagged", mode=mode)
    net.bootstrap(within=minutes(10))
    net.run_for(minutes(10))
    return Town(honest, attackers)


def strangers(net: np2p.Simulation, town: Town, shift: int) -> list[tuple[np2p.Node, np2p.Node]]:
    """Everybody with somebody whose server they do not know yet."""
    count = len(town.honest)
    pairs = [(town.honest[i], town.honest[(i + shift) % count]) for i in range(count)]
    return [(a, b) for a, b in pairs if a is not b and net.server_of(b, asked=a) is None]
