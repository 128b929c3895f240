"""mode='multicast': a post goes to those who follow its author and to nobody else."""

from __future__ import annotations

import pytest

import np2p
from np2p import hours, minutes, seconds


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.both
@pytest.mark.seeds(per_commit=3, nightly=50)
def test_only_followers_get_a_post(net: np2p.Network) -> None:
    alice, bob, carol, dave = net.add_nodes(
        4, nat=["none", "port_restricted", "none", "port_restricted"], mode="multicast"
    )
    net.bootstrap(within=minutes(3))
    bob.follow(alice)
    dave.follow(alice, carol)
    net.run_for(seconds(5))

    note = alice.post("for those who care")
    assert net.eventually(lambda: net.delivery_ratio(note) == 1.0, within=minutes(1))
    net.run_for(seconds(5))
    assert note in bob.timeline() and note in dave.timeline()
    assert not carol.has(note)
    assert net.delivery_ratio(note, to=[carol]) == 0.0

    mention = alice.post("and you?", mentions=[carol])
    assert net.eventually(lambda: mention in carol.timeline(), within=minutes(1))


@pytest.mark.both
def test_who_unfollows_gets_no_more(net: np2p.Network) -> None:
    alice, bob = net.add_nodes(2, nat="none", mode="multicast")
    net.bootstrap(within=minutes(3))
    bob.follow(alice)
    net.run_for(seconds(3))
    before = alice.post("before")
    assert net.eventually(lambda: bob.has(before), within=minutes(1))
    bob.unfollow(alice)
    net.run_for(seconds(3))
    after = alice.post("after")
    net.run_for(seconds(10))
    assert not bob.has(after)


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.parametrize("mode", ["broadcast", "multicast"])
def test_followers_register_again_with_a_server_that_lost_its_disk(net: np2p.Network, mode: str) -> None:
    """In every mode: what only followers get reaches them again, at the latest when the leases are renewed."""
    alice, bob, carol = net.add_nodes(3, nat=["none", "port_restricted", "none"], mode=mode)
    net.bootstrap(within=minutes(3))
    bob.follow(alice)
    net.run_for(seconds(10))
    alice.crash()
    net.run_for(minutes(1))
    alice.restart(lose_disk=True)
    net.run_for(hours(13))
    note = alice.publish(1111, "for followers in either mode")
    assert net.eventually(lambda: bob.has(note), within=minutes(1))
    net.run_for(seconds(5))
    assert not carol.has(note)


def test_more_than_a_new_follower_gets_is_not_lost_to_one_who_was_away(net: np2p.Network) -> None:
    alice, bob, carol = net.add_nodes(3, nat=["none", "port_restricted", "none"], mode="multicast")
    net.bootstrap(within=minutes(3))
    for number in range(60):
        alice.post(f"before {number}")
        net.run_for(seconds(1))
    bob.follow(alice)
    net.run_for(seconds(10))
    assert len(bob.timeline()) == 50  # the newest
    bob.crash()
    net.run_for(minutes(2))
    missed = [alice.post(f"missed {number}: " + "what one writes in an hour, " * 100) for number in range(120)]
    bob.restart()
    assert net.eventually(lambda: set(missed) <= set(bob.timeline()), within=minutes(5))
