"""Who gets in, and who does not."""

from __future__ import annotations

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
    with pytest.raises(np2p.NotConverged, match="node 2 .*reaches 0 of 2"):
        net.bootstrap(within=minutes(1))
