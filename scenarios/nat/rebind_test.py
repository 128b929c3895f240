"""Four servers, two of them behind different NATs, through what a NAT and a network may do to them."""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds


@pytest.mark.both
def test_four_servers_outlive_their_way_in_and_a_nat_that_forgets(net: np2p.Network) -> None:
    door, alice, bob, carol = net.add_nodes(4, nat=["none", "none", "port_restricted", "symmetric"], replies="tagged")
    net.bootstrap(within=minutes(3))
    people = (alice, bob, carol)

    # By public key alone: nobody was told where anybody is, but for the door.
    note = bob.post("is anybody out there?")
    assert net.eventually(lambda: alice.has(note) and carol.has(note), within=minutes(1))
    _everybody_mentions_everybody(net, people, "at first")

    net.run_for(seconds(15))  # what was learnt is on the disk by then, and others than the door are known
    door.crash()
    _everybody_mentions_everybody(net, people, "without the door")

    bob.rebind_nat()
    net.bootstrap(within=minutes(3))
    _everybody_mentions_everybody(net, people, "after bob's NAT has forgotten")
    carol.rebind_nat()
    net.bootstrap(within=minutes(3))
    _everybody_mentions_everybody(net, people, "after carol's, too")

    last = carol.post("I am still here")
    assert net.eventually(lambda: alice.has(last) and bob.has(last), within=minutes(1))


def test_nobody_behind_no_nat_can_be_rebound(net: np2p.Network) -> None:
    alice = net.add_node(nat="none")
    with pytest.raises(ValueError, match="node 0 is behind no NAT"):
        alice.rebind_nat()


def _everybody_mentions_everybody(net: np2p.Network, people: tuple[np2p.Node, ...], when: str) -> None:
    said = [(to, one.post(f"{when}, to {to.index}", mentions=[to])) for one in people for to in people if to != one]
    assert net.eventually(lambda: all(to.has(note) for to, note in said), within=minutes(2)), when
