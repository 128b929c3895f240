"""What a client asks its server for by id and the server lacks is looked for in the network, whoever wrote it."""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds

NATS = ["none", "port_restricted", "none", "symmetric", "none"]


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.seeds(per_commit=3, nightly=50)
def test_a_post_is_found_by_its_id_alone(net: np2p.Network) -> None:
    alice, bob, carol, dave, _door = net.add_nodes(5, nat=NATS, mode="multicast")
    net.bootstrap(within=minutes(3))
    alice.follow(bob)
    bob.follow(carol)
    net.run_for(seconds(5))
    note = carol.post("bob gets this, and alice hears of it elsewhere")
    assert net.eventually(lambda: bob.has(note), within=minutes(1))
    assert not alice.has(note)

    client = alice.client()
    client.send("REQ", "one", {"ids": [note.id]})
    assert net.eventually(lambda: client.events("one") == [note.id], within=seconds(10)), "bob could have told"
    assert not dave.has(note), "nobody else has asked"


@pytest.mark.parametrize("away", ["the author", "who answered"])
@pytest.mark.seeds(per_commit=3, nightly=50)
def test_the_beginning_of_a_thread_is_found_at_those_named_beside_it(net: np2p.Network, away: str) -> None:
    alice, bob, carol, dave, _door = net.add_nodes(5, nat=NATS, mode="multicast")
    net.bootstrap(within=minutes(3))
    dave.follow(bob)
    bob.follow(carol)
    net.run_for(seconds(5))
    note = carol.post("the beginning")
    assert net.eventually(lambda: bob.has(note), within=minutes(1))
    reply = bob.reply(note, "an answer")
    assert net.eventually(lambda: dave.has(reply), within=minutes(1))
    (carol if away == "the author" else bob).crash()
    net.run_for(minutes(2))
    assert not dave.has(note)
    client = dave.client()
    client.send("REQ", "thread", {"ids": [note.id]})
    assert net.eventually(lambda: client.events("thread") == [note.id], within=seconds(30))
