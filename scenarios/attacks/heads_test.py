"""Heads of cells that keep what they should send to the members, and say nothing. They are members themselves, can be
dialled as heads must, and behave well in everything else; so an author finds out by their silence alone.

./dev pytest scenarios/attacks -s
"""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds

WITHHOLD = 10  # in so many
OF_THOSE = 3
AUTHORS = 3
POSTS = 12
SILENCE = 2.0  # seconds, after which a head is given up
TEXT = "what one writes in a minute, " * 20


@pytest.mark.seeds(per_commit=1, nightly=5)
def test_three_of_ten_heads_withhold_and_nobody_waits_for_long(net: np2p.Network) -> None:
    """300 servers, four of five behind NAT; three of ten that can be dialled withhold from the first post on."""
    assert isinstance(net, np2p.Simulation)
    nodes: list[np2p.Node] = []
    bad: set[np2p.Node] = set()
    for i in range(60):
        withholds = i % WITHHOLD < OF_THOSE
        nodes += net.add_nodes(1, nat="none", behaviour="withholding_head" if withholds else "honest", mode="multicast")
        if withholds:
            bad.add(nodes[-1])
    nodes += net.add_nodes(240, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(10))
    authors, followers = nodes[-AUTHORS:], nodes[:-AUTHORS]
    for follower in followers:
        follower.follow(*authors)
    net.run_for(minutes(10))
    # Who withholds a copy has not got it either: those wait for themselves.
    honest = [follower for follower in followers if follower not in bad]
    notes, early, waited = [], 0, 0
    for number in range(POSTS):
        notes.append(authors[number % AUTHORS].post(f"number {number}: {TEXT}"))
        net.run_for(seconds(5))
        early += sum(follower.has(notes[-1]) for follower in honest)
        waited += int((net.deliveries(notes[-1])["latency_s"] > SILENCE).sum())
        net.run_for(seconds(25))
    assert all(net.status(author)["cells"] > 1 for author in authors)
    due = len(honest) * len(notes)
    net.run_for(minutes(5))
    late = sum(follower.has(note) for follower in honest for note in notes)
    print(
        f"\nseed {net.seed}: of {due} deliveries {waited} waited until a head was given up, {due - early} took longer"
        f" than 5 s, {due - late} are missing"
    )
    assert waited > 0, "no head withheld anything"
    assert due - early <= due // 100
    assert late == due
    assert all(follower.has(note) for follower in bad for note in notes)
