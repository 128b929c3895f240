"""What a Nostr client that stays connected to its own server is told, while the network goes on (NIP-01, NIP-42)."""

from __future__ import annotations

import np2p
from np2p import minutes, seconds


def test_a_followed_users_post_appears_live(net: np2p.Network) -> None:
    alice, bob, carol = net.add_nodes(3, nat=["none", "port_restricted", "symmetric"])
    net.bootstrap(within=minutes(3))
    old = alice.post("before bob looked")
    bob.follow(alice)
    assert net.eventually(lambda: bob.has(old), within=minutes(1))

    client = bob.client()
    client.send("REQ", "home", {"kinds": [1], "authors": [alice.public_key]})
    assert client.received() == [["EVENT", "home", client.received("EVENT")[0][2]], ["EOSE", "home"]]
    note = alice.post("hello, followers")
    carol.post("not for this subscription")
    assert net.eventually(lambda: note.id in client.events("home"), within=seconds(5))
    net.run_for(seconds(5))
    assert client.events("home") == [old.id, note.id]

    client.send("CLOSE", "home")
    alice.post("nobody listens any more")
    net.run_for(seconds(5))
    assert len(client.events("home")) == 2


def test_what_a_client_publishes_reaches_the_others_and_is_acknowledged_once_durable(net: np2p.Network) -> None:
    alice, bob = net.add_nodes(2, nat="none")
    net.bootstrap(within=minutes(3))
    bob.follow(alice)
    listening = bob.client()
    listening.send("REQ", "all", {"kinds": [1]})

    client = alice.client()
    note = alice.key.sign(1, net.wall_seconds(alice), [], "over a WebSocket")
    client.send("EVENT", note)
    assert not client.received("OK"), "the disk has not got it yet"
    assert net.eventually(lambda: client.received("OK") == [["OK", note.id, True, ""]], within=seconds(1))
    assert net.eventually(lambda: note.id in listening.events("all"), within=seconds(5))


def test_what_a_crash_takes_was_never_acknowledged_and_clients_are_cut_off(net: np2p.Network) -> None:
    (alice,) = net.add_nodes(1, nat="none")
    client = alice.client()
    client.send("EVENT", alice.key.sign(1, net.wall_seconds(alice), [], "lost"))
    alice.crash()
    assert not client.connected and not client.received("OK")
    alice.restart()
    again = alice.client()
    again.send("REQ", "all", {})
    assert again.received() == [["EOSE", "all"]]


def test_a_client_from_elsewhere_proves_that_it_is_the_owner_before_it_reads(net: np2p.Network) -> None:
    (alice,) = net.add_nodes(1, nat="none")
    alice.post("only for who may read")
    client = alice.client(trusted=False)
    challenge = client.received("AUTH")[0][1]
    client.send("REQ", "all", {})
    assert client.received("CLOSED")[0][2].startswith("auth-required: ")
    url = f"ws://node-{alice.index}.sim"
    client.send("AUTH", alice.key.sign(22242, net.wall_seconds(alice), [["relay", url], ["challenge", challenge]], ""))
    client.send("REQ", "all", {})
    assert len(client.events("all")) == 1
