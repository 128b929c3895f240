"""Heads of cells that keep what they should send to the members, and say nothing. They are members themselves, can be
dialled as heads must, and behave well in everything else; so an author finds out by their silence alone.

./dev pytest scenarios/attacks -s
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

import np2p
from np2p import minutes, seconds

WITHHOLD = 10  # in so many
OF_THOSE = 3
AUTHORS = 4
POSTS = 12
SILENCE = 1.5  # seconds, after which a head is given up
TEXT = "what one writes in a minute, " * 20


@dataclass
class Outcome:
    due: int  # deliveries to followers who do not withhold: who does has not got it either, and waits for itself
    waited: int  # longer than until a head is given up
    late: int  # longer than 5 s
    missing: int  # in the end
    leaders: list[int] = field(default_factory=list, repr=False)  # of cells, as head or backup


def _post(net: np2p.Simulation, attackers: set[int]) -> Outcome:
    """300 servers, four of five behind NAT; these of those that can be dialled withhold."""
    nodes: list[np2p.Node] = []
    bad: set[np2p.Node] = set()
    for i in range(60):
        behaviour = "withholding_head" if i in attackers else "honest"
        nodes += net.add_nodes(1, nat="none", behaviour=behaviour, mode="multicast")
        if i in attackers:
            bad.add(nodes[-1])
    nodes += net.add_nodes(240, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(10))
    authors, followers = nodes[-AUTHORS:], nodes[:-AUTHORS]
    # Each has other followers, and so other cells and heads.
    audience = {
        author: [one for i, one in enumerate(followers) if i * 7 % 11 % AUTHORS != k]
        for k, author in enumerate(authors)
    }
    for follower in followers:
        follower.follow(*(author for author in authors if follower in audience[author]))
    net.run_for(minutes(10))
    posts, outcome = [], Outcome(0, 0, 0, 0)
    for number in range(POSTS):
        author = authors[number % AUTHORS]
        note = author.post(f"number {number}: {TEXT}")
        honest = [follower for follower in audience[author] if follower not in bad]
        posts.append((note, honest))
        net.run_for(seconds(5))
        outcome.due += len(honest)
        outcome.late += sum(not follower.has(note) for follower in honest)
        outcome.waited += int((net.deliveries(note)["latency_s"] > SILENCE).sum())
        net.run_for(seconds(25))
    assert all(net.status(author)["cells"] > 1 for author in authors)
    outcome.leaders = [node.index for node in nodes[:60] if net.status(node)["cells_led"] > 0]
    net.run_for(minutes(10))
    outcome.missing = sum(not follower.has(note) for note, honest in posts for follower in honest)
    return outcome


@pytest.mark.seeds(per_commit=1, nightly=5)
def test_three_of_ten_heads_withhold_and_nobody_waits_for_long(net: np2p.Network) -> None:
    """Beside the same network without attackers: at their first post authors look for some of their followers' servers,
    and those wait in both."""
    peace = _post(np2p.Simulation(seed=net.seed), set())
    attackers = {index for i, index in enumerate(peace.leaders) if i % WITHHOLD < OF_THOSE}
    attacked = _post(np2p.Simulation(seed=net.seed), attackers)
    print(f"\nseed {net.seed}: without attackers {peace}\nwith {len(attackers)} of {len(peace.leaders)} {attacked}")
    assert attacked.waited > peace.waited, "no head withheld anything"
    assert attacked.late <= attacked.due // 100
    assert attacked.missing == 0
