"""What a full store keeps: others' noise takes nothing from what the owner wrote, from those whom the owner follows, and
from what is addressed to the owner."""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds

ROOM = 1000  # of which followers have 150, strangers 100, and those who are followed 600
WRITTEN, FLOOD, NOISE, AT_ONCE = 40, 1000, 200, 50
GIFT_WRAP, TWO_DAYS = 1059, 2 * 86400


def _flood(net: np2p.Network, node: np2p.Node, posts: int) -> np2p.Note:
    for number in range(posts):
        last = node.post(f"noise {number}")
        if number % AT_ONCE == AT_ONCE - 1:
            net.run_for(seconds(1))
    return last


@pytest.mark.both
def test_noise_takes_nothing_from_what_the_owner_cares_for(net: np2p.Network) -> None:
    alice = net.add_node(nat=None, keep_events=ROOM)
    bob, mallory, carol = net.add_nodes(3, nat="none")
    net.bootstrap(within=minutes(3))
    alice.follow(bob)
    mallory.follow(alice)
    net.run_for(seconds(10))
    followed = [bob.post(f"worth reading {number}") for number in range(WRITTEN)]
    own = [alice.post(f"mine {number}") for number in range(WRITTEN)]
    author = np2p.Key.from_seed(net.seed, 1000)
    wrap = author.sign(GIFT_WRAP, net.wall_seconds(alice) - TWO_DAYS, [["p", alice.public_key]], "sealed")
    sealed = isinstance(net, np2p.Simulation)  # a client of a real server is any Nostr library
    if sealed:
        alice.client().send("EVENT", wrap)
    assert net.eventually(lambda: all(alice.has(note) for note in followed), within=minutes(1))

    noise = [_flood(net, mallory, FLOOD), _flood(net, carol, NOISE)]
    assert net.eventually(lambda: all(alice.has(note) for note in noise), within=minutes(2)), "the newest are there"
    assert sum(alice.has(note) for note in followed) == WRITTEN
    assert sum(alice.has(note) for note in own) == WRITTEN
    assert not sealed or alice.has(wrap)
    assert net.status(alice)["stored_events"] < WRITTEN + ROOM
