"""Servers that keep what they should carry for others: with forged acknowledgements, or in silence. An author's outbox
tries again after 30 s, 1, 2, 4 min, each time another way.

    ./dev pytest scenarios/attacks -s
"""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds
from towns import settle, strangers

Mentions = list[tuple[np2p.Node, np2p.Node, np2p.Note]]


def _write_to_strangers(net: np2p.Simulation, behaviour: str, nodes: int) -> Mentions:
    town = settle(net, nodes, behaviour=behaviour)
    pairs = strangers(net, town, nodes // 3)
    return [(a, b, a.post(f"to {b.index}", mentions=[b])) for a, b in pairs]


def _arrived(notes: Mentions) -> int:
    return sum(b.has(note) for _, b, note in notes)


def _refused(net: np2p.Simulation, notes: Mentions, what: str) -> int:
    return sum(net.rejections(a).get(what, 0) for a, _, _ in notes)


def _watch(net: np2p.Simulation, notes: Mentions, name: str) -> list[int]:
    """How many have arrived after 20 s, 2 min and 10 min. Whatever is taken for delivered must have been."""
    counts = []
    start = net.now
    for until in (20.0, minutes(2), minutes(10)):
        while net.now < start + until:
            net.run_for(min(10.0, start + until - net.now))
            for a, b, note in notes:
                assert net.status(a)["outbox"] > 0 or b.has(note), f"{a} believes that {b} has what was swallowed"
        counts.append(_arrived(notes))
    print(f"\n{name}, {len(net.nodes)} servers, seed {net.seed}: of {len(notes)} mentions arrived {counts}")
    return counts


@pytest.mark.seeds(per_commit=1, nightly=5)
def test_swallowed_posts_are_not_taken_for_delivered_and_arrive(net: np2p.Simulation) -> None:
    notes = _write_to_strangers(net, "swallowing_hop", 150)
    early, _, late = _watch(net, notes, "a fifth of the hops swallow and forge acknowledgements")
    assert _refused(net, notes, "routed bad_signature") > 0
    assert _refused(net, notes, "acknowledge forbidden") > 0
    assert early < len(notes), "nothing was swallowed"
    assert late == len(notes)


@pytest.mark.seeds(per_commit=1, nightly=5)
def test_a_dropping_relay_is_gone_around(net: np2p.Simulation) -> None:
    notes = _write_to_strangers(net, "dropping_relay", 150)
    early, _, late = _watch(net, notes, "a fifth of the relays drop what they should carry")
    assert early < len(notes), "nothing was dropped"
    assert late == len(notes)


@pytest.mark.parametrize("behaviour", ["swallowing_hop", "dropping_relay"])
@pytest.mark.seeds(per_commit=1, nightly=5)
def test_copies_that_carriers_keep_reach_followers_another_way(net: np2p.Simulation, behaviour: str) -> None:
    town = settle(net, 150, behaviour=behaviour, mode="multicast")
    author, followers = town.honest[-1], town.honest[:-1]
    for follower in followers:
        follower.follow(author)
    net.run_for(minutes(5))
    notes = []
    for number in range(10):
        notes.append(author.post(f"number {number}"))
        net.run_for(seconds(6))
    early = sum(follower.has(note) for follower in followers for note in notes)
    net.run_for(minutes(10))
    late = sum(follower.has(note) for follower in followers for note in notes)
    due = len(followers) * len(notes)
    print(f"\n{behaviour}, seed {net.seed}: of {due} copies arrived {early} within seconds, {late} within 10 min")
    if behaviour == "swallowing_hop":
        assert net.rejections(author).get("receipt bad_signature", 0) > 0, "no receipt was forged"
    assert late == due
