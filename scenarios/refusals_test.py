"""What a server does not have and does not show: whom its owner has banned, and what has expired (NIP-40)."""

from __future__ import annotations

from typing import Mapping

import pytest

import np2p
from np2p import minutes, seconds

EXPIRATION = "expiration"


def _shown(node: np2p.Node, filters: Mapping[str, object]) -> list[str]:
    """The ids that a client of the server reads."""
    client = node.client()
    client.send("REQ", "all", filters)
    found = client.events("all")
    client.close()
    return found


@pytest.mark.parametrize("mode", ["broadcast", "multicast"])
@pytest.mark.overlays("hyparview", "mesh")
def test_nothing_of_a_banned_author_is_taken_or_served(net: np2p.Simulation, mode: str) -> None:
    alice, bob, eve = net.add_nodes(3, nat="none", mode=mode)
    net.bootstrap(within=minutes(3))
    bob.follow(alice, eve)
    alice.follow(eve)
    net.run_for(seconds(5))
    before, other = eve.post("before"), alice.post("of somebody else")
    assert net.eventually(lambda: bob.has(before) and bob.has(other) and alice.has(before), within=minutes(1))
    live = bob.client()
    live.send("REQ", "live", {"limit": 0})

    bob.ban(eve)
    assert not bob.has(before) and bob.has(other), "what was there is given up"
    authors = {"authors": [eve.public_key]}
    assert _shown(bob, authors) == []
    after = eve.post("bob, look!", mentions=[bob])
    set_ = eve.publish(30000, "", [["d", "x"]])
    quote = alice.quote(before, "of somebody who is not banned")
    assert net.eventually(lambda: alice.has(after) and bob.has(quote), within=minutes(1))
    net.run_for(minutes(1))
    assert not any(bob.has(note) for note in (before, after, set_))
    assert _shown(bob, authors) == []
    assert not any(event[2]["pubkey"] == eve.public_key for event in live.received("EVENT"))
    assert any("event" in what for what in net.rejections(bob)), "each refusal is counted"

    # Nor is it taken from a client, or from a server that has it.
    client = bob.client()
    client.send("EVENT", after)
    assert client.received("OK") == [["OK", after.id, False, "restricted: it, or its author, is banned here"]]
    client.send("REQ", "asked", {"kinds": [0, 3], "authors": [eve.public_key]})
    net.run_for(seconds(10))
    assert client.events("asked") == []
    bob.restart()
    net.run_for(minutes(1))
    assert not bob.has(after) and _shown(bob, authors) == []

    bob.unban(eve)
    again = eve.post("reconciled")
    assert net.eventually(lambda: bob.has(again), within=minutes(1))
    assert again.id in _shown(bob, authors)


@pytest.mark.parametrize("mode", ["broadcast", "multicast"])
def test_what_has_expired_is_neither_served_nor_handed_on(net: np2p.Simulation, mode: str) -> None:
    alice, bob, carol = net.add_nodes(3, nat="none", mode=mode)
    net.bootstrap(within=minutes(3))
    bob.follow(alice)
    carol.follow(alice)
    net.run_for(seconds(5))
    carol.go_offline()
    soon = net.wall_seconds(alice) + 40
    brief = alice.publish(1, "for forty seconds", [[EXPIRATION, str(soon)]])
    lasting = alice.publish(1, "for an hour", [[EXPIRATION, str(soon + 3600)]])
    assert net.eventually(lambda: bob.has(brief) and bob.has(lasting), within=seconds(20))
    assert brief.id in _shown(bob, {"kinds": [1]})
    live = carol.client()
    live.send("REQ", "live", {})

    net.run_for(seconds(60))
    for one in (alice, bob):
        assert not one.has(brief) and one.has(lasting)
        assert _shown(one, {"kinds": [1]}) == [lasting.id]
        assert _shown(one, {"ids": [brief.id]}) == []
        counting = one.client()
        counting.send("COUNT", "all", {"kinds": [1]})
        assert counting.received("COUNT") == [["COUNT", "all", {"count": 1}]]
    # Who was away gets the one and not the other, whoever may have kept it.
    carol.come_online()
    assert net.eventually(lambda: carol.has(lasting), within=minutes(10))
    net.run_for(minutes(2))
    assert not carol.has(brief) and brief.id not in live.events("live")
    # A client cannot bring it again.
    client = alice.client()
    client.send("EVENT", brief)
    assert client.received("OK") == [["OK", brief.id, False, "invalid: it has expired already"]]
    # After a restart it is not there, either.
    bob.restart()
    assert not bob.has(brief) and _shown(bob, {"kinds": [1]}) == [lasting.id]
