"""The largest events that servers take from each other arrive whichever way they go."""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds

CONTACTS, FOLLOWS, SET = 3500, 3, 30000


def _contacts(node: np2p.Node, count: int) -> list[list[str]]:
    """Of one and the same, since nobody here knows so many: the bytes of it are those of as many."""
    return [["p", node.public_key]] * count


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.parametrize("nat", ["none", "symmetric"])
def test_a_list_of_3500_contacts_goes_where_it_is_wanted(net: np2p.Network, nat: str) -> None:
    alice, bob, carol = net.add_nodes(3, nat=["none", nat, nat])
    net.bootstrap(within=minutes(3))
    follows = alice.publish(FOLLOWS, "", _contacts(bob, CONTACTS))
    assert net.eventually(lambda: len(carol.follows(of=alice) or []) == CONTACTS, within=minutes(1)), "asked for"
    client = carol.client()
    client.send("REQ", "list", {"kinds": [FOLLOWS], "authors": [alice.public_key]})
    assert client.events("list") == [follows.id]

    bob.follow(alice)
    net.run_for(seconds(10))
    people = alice.publish(SET, "", [["d", "people"], *_contacts(bob, CONTACTS - 1)])
    assert net.eventually(lambda: bob.has(people), within=seconds(30)), "sent to followers"
    net.check()


def test_a_list_of_3500_contacts_waits_for_who_is_away(net: np2p.Network) -> None:
    people = net.add_nodes(8, nat="none", mode="multicast")
    net.bootstrap(within=minutes(5))
    author, ward, *friends = people[:5]
    ward.follow(author, *friends)
    for friend in friends:
        friend.follow(ward)
    net.run_for(minutes(3))
    assert net.status(ward)["guardians"] == 3
    ward.power_off()
    notes = [
        author.post("a word before"),
        author.publish(SET, "", [["d", "people"], *_contacts(ward, CONTACTS - 1)]),
        author.post("and one behind it"),
    ]
    net.run_for(minutes(5))
    author.power_off()
    net.run_for(minutes(2))
    ward.restart()
    assert net.eventually(lambda: all(ward.has(note) for note in notes), within=minutes(5)), "the guardians kept them"
    assert net.status(ward)["mail_fetched"] >= 1
