"""Who gets in, and who does not."""

from __future__ import annotations

import random

import pytest

import np2p
from np2p import minutes, seconds


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.both
def test_a_late_joiner_takes_part(net: np2p.Network) -> None:
    alice, bob = net.add_nodes(2, nat=["none", "port_restricted"])
    net.bootstrap(within=minutes(3))
    alice.set_profile(name="alice")
    alice.post("before you came")
    net.run_for(seconds(5))

    carol = net.add_node(nat="port_restricted")
    net.bootstrap(within=minutes(3))
    assert net.eventually(lambda: (carol.profile(of=alice) or {}).get("name") == "alice", within=minutes(2))
    note = alice.post("welcome")
    answer = carol.reply(note, "thank you")
    assert net.eventually(lambda: carol.has(note) and bob.has(note) and alice.has(answer), within=minutes(2))


@pytest.mark.both
def test_a_read_only_server_is_a_way_in_but_takes_no_posts(net: np2p.Network) -> None:
    door = net.add_node(nat="none", writable=False)
    alice, bob = net.add_nodes(2, nat="port_restricted")
    net.bootstrap(within=minutes(3))
    note = alice.post("through the door")
    assert net.eventually(lambda: bob.has(note), within=minutes(1))
    with pytest.raises(np2p.PublishRefused):
        door.post("may I?")


@pytest.mark.both
def test_who_was_in_before_comes_back_though_the_door_is_gone(net: np2p.Network) -> None:
    """The servers that it knew are in its address book, on its disk."""
    door, alice, bob, carol = net.add_nodes(4, nat=["none", "none", "none", "port_restricted"])
    net.bootstrap(within=minutes(3))
    net.run_for(seconds(15))  # what was learnt is on the disk by then
    carol.crash()
    door.crash()
    carol.restart()
    net.bootstrap(within=minutes(3))
    note = carol.post("who moved the door?")
    assert net.eventually(lambda: alice.has(note) and bob.has(note), within=minutes(1))


@pytest.mark.both
def test_behind_nats_one_public_server_is_enough(net: np2p.Network) -> None:
    """The first of a network may listen on any address; those who come in tell it which one works."""
    nodes = net.add_nodes(3, nat=["none", "symmetric", "port_restricted"])
    net.bootstrap(within=minutes(3))
    note = nodes[1].post("from one NAT to another")
    assert net.eventually(lambda: all(node.has(note) for node in nodes), within=minutes(1))


def test_a_thousand_servers_join_and_posts_of_anybody_reach_everybody(net: np2p.Network) -> None:
    """80 % of them behind NAT."""
    nodes = net.add_nodes(1000)
    assert sum(node.nat is not None for node in nodes) == 800
    net.bootstrap(within=minutes(5))
    notes = [author.post(f"hello from {author.index}") for author in random.Random(net.seed).sample(nodes, 5)]
    assert net.eventually(lambda: all(net.delivery_ratio(note) == 1.0 for note in notes), within=minutes(1))
    assert net.standing(nodes[-1]).links < 50 < net.standing(nodes[0]).links


def test_an_island_is_named(net: np2p.Network) -> None:
    mainland = net.add_nodes(2, nat="none")
    net.add_nodes(1, nat="none", bootstrap=[])
    net.add_nodes(1, nat="none", bootstrap=[net.nodes[2]])
    with pytest.raises(np2p.NotConverged, match=r"2 of 4 are cut off from node 0 \(nodes 2, 3\): no links lead there"):
        net.bootstrap(within=minutes(1))
    assert len(mainland) == 2


@pytest.mark.overlays("mesh")
def test_the_66th_server_is_locked_out(net: np2p.Network) -> None:
    """The original allows 64 connections and wants one to everybody: the mesh ends at 65 servers."""
    nodes = net.add_nodes(65, nat="none")
    net.bootstrap(within=minutes(20))
    late = net.add_node(nat="none")
    with pytest.raises(np2p.NotConverged, match="node 65 .*reaches 0 of 65"):
        net.bootstrap(within=minutes(5))
    note = nodes[3].post("who is missing?")
    net.run_for(minutes(1))
    assert not late.has(note)
    assert net.delivery_ratio(note) == pytest.approx(64 / 65)


@pytest.mark.overlays("hyparview", "mesh")
def test_somebody_who_cannot_reach_the_way_in_is_named(net: np2p.Network) -> None:
    first, second, third = net.add_nodes(3, nat="none")
    net.partition([first, second], [third])
    why = "node 2 .*reaches 0 of 2" + (".*through node 0" if net.overlay == "hyparview" else "")
    with pytest.raises(np2p.NotConverged, match=why):
        net.bootstrap(within=minutes(1))
