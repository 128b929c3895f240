"""Many servers of one owner, in few networks, want to be all that others see. Each asks everybody to be its neighbour,
again and again, names only servers of its owner, and hands on nothing. Half of them knock at one victim, which does not
lose its honest neighbours, not even by a restart; the others knock at everybody else.

    ./dev pytest scenarios/attacks/eclipse_test.py -s              90 honest servers, 128 sybils in 16 netgroups
    ./dev pytest scenarios/attacks/eclipse_test.py -s --nightly    1,000 honest servers, 4,000 sybils, several seeds

A sybil looks like any neighbour until posts come: who has just come in, or restarted, finds out with the first few posts
who hands nothing on. So what is delivered to them is measured after some.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

import np2p
from np2p import minutes

NETGROUPS = 16


@dataclass
class Siege:
    honest: list[np2p.Node]  # the first can be dialled
    open: int  # how many of them
    sybils: list[np2p.Node]


def _besiege(net: np2p.Simulation, victim: int, *, nightly: bool) -> Siege:
    """A settled network, in which a fifth of the servers can be dialled, then ten minutes of attack."""
    honest, sybils = (1000, 4000) if nightly else (90, 128)
    reachable = honest // 5 if nightly else 40
    nodes = net.add_nodes(reachable, nat="none")
    nodes += net.add_nodes(honest - reachable, nat="port_restricted")
    net.bootstrap(within=minutes(10))
    net.run_for(minutes(10))
    attackers = []
    for i in range(sybils):
        door = nodes[victim] if i % 2 == 0 else nodes[i // 2 % reachable]
        attackers += net.add_nodes(
            1, nat="none", behaviour="eclipsing", netgroups=NETGROUPS, external=True, bootstrap=[door]
        )
    net.run_for(minutes(10))
    return Siege(nodes, reachable, attackers)


def _neighbours(net: np2p.Simulation, siege: Siege) -> tuple[Counter[int], Counter[int]]:
    """By node: honest neighbours, as it sees them itself, and sybils."""
    honest: Counter[int] = Counter()
    sybils: Counter[int] = Counter()
    first = siege.sybils[0].index
    last = siege.sybils[-1].index
    for node, neighbour in net.overlay_graph(active=True).tolist():
        (sybils if first <= neighbour <= last else honest)[node] += 1
    return honest, sybils


def _delivered(net: np2p.Simulation, authors: Sequence[np2p.Node], to: Sequence[np2p.Node]) -> float:
    notes = [(author, author.post(f"can you hear {author.index}?")) for author in authors]
    net.run_for(20.0)
    due = [(note, node) for author, note in notes for node in to if node is not author]
    return sum(node.has(note) for note, node in due) / len(due)


@pytest.mark.seeds(per_commit=1, nightly=5)
def test_a_victim_keeps_its_honest_neighbours(net: np2p.Simulation, request: pytest.FixtureRequest) -> None:
    nightly = request.config.getoption("--nightly")
    at = 20
    siege = _besiege(net, at, nightly=nightly)
    victim = siege.honest[at]
    honest, sybils = _neighbours(net, siege)
    views = [honest[i] for i in range(siege.open)]
    print(
        f"\n{len(siege.honest)} honest servers, {len(siege.sybils)} sybils, seed {net.seed}: the victim has "
        f"{honest[at]} honest neighbours and {sybils[at]} sybils; honest ones of all {siege.open} that can be dialled: "
        f"least {min(views)}, mean {sum(views) / len(views):.1f}; sybils {sum(sybils[i] for i in range(siege.open))}"
    )
    assert sybils[at] > 0, "nobody attacked"
    assert honest[at] >= 2
    assert sum(count >= 2 for count in views) >= 0.99 * len(views)
    authors = siege.honest[:: len(siege.honest) // 10]
    ratio = _delivered(net, authors, siege.honest)

    victim.crash()
    net.run_for(5.0)
    victim.restart()
    net.run_for(minutes(5))
    honest, sybils = _neighbours(net, siege)
    _delivered(net, authors, [victim])
    alone = _delivered(net, authors, [victim])
    print(
        f"delivered {100 * ratio:.2f} %; after a restart {honest[at]} honest, {sybils[at]} sybils, {100 * alone:.0f} %"
    )
    assert ratio >= 0.99
    assert honest[at] >= 2
    assert alone >= 0.6  # more is not reached with each seed: 0.7 to 1


@pytest.mark.seeds(per_commit=1, nightly=3)
def test_newcomers_get_in_by_a_poisoned_list(net: np2p.Simulation, request: pytest.FixtureRequest) -> None:
    """Two of the three servers that they are told belong to the attacker."""
    siege = _besiege(net, 20, nightly=request.config.getoption("--nightly"))
    fresh: list[np2p.Node] = []
    for i in range(20):
        bad = [siege.sybils[(7 * i + 50 * k) % len(siege.sybils)] for k in range(2)]
        way_in = [*bad, siege.honest[(i + 1) % siege.open]]
        fresh += net.add_nodes(1, nat="none" if i % 2 == 0 else "port_restricted", bootstrap=way_in)
    net.run_for(minutes(5))
    honest, sybils = _neighbours(net, siege)
    inside = sum(honest[node.index] >= 2 for node in fresh)
    _delivered(net, siege.honest[:10], fresh)
    ratio = _delivered(net, siege.honest[:10], fresh)
    print(
        f"\n{len(siege.honest)} honest servers, {len(siege.sybils)} sybils, seed {net.seed}: {inside} of {len(fresh)} "
        f"newcomers have two honest neighbours, in the mean {sum(honest[n.index] for n in fresh) / len(fresh):.1f} "
        f"and {sum(sybils[n.index] for n in fresh) / len(fresh):.1f} sybils; {100 * ratio:.1f} % delivered to them"
    )
    assert inside >= 0.6 * len(fresh)  # 13 of 20 is the least that was seen, 18 to 20 the rule
    assert ratio >= 0.6  # more is not reached with each seed: 0.68 to 0.92, with two sybils for each honest neighbour
