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


@pytest.mark.seeds(per_commit=2, nightly=10)
def test_followers_of_one_relay_share_a_copy_and_who_gives_no_receipt_gets_it_later(net: np2p.Network) -> None:
    """120 servers, four of five behind NAT; 60 of them follow one. What each delivery costs is printed with -s."""
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(24, nat="none", mode="multicast") + net.add_nodes(96, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(5))
    author, followers = nodes[30], nodes[31:91]
    for follower in followers:
        follower.follow(author)
    net.run_for(minutes(1))
    author.post("the first, after which everybody's server is known")
    net.run_for(minutes(1))

    before = net.traffic()
    note = author.post("to all of you: " + "what one writes in a minute, " * 20)
    net.run_for(seconds(3))
    after = net.traffic()
    assert net.delivery_ratio(note, to=followers) == 1.0
    assert not any(node.has(note) for node in nodes if node not in followers and node is not author)
    assert int((after["duplicate_in_msgs"] - before["duplicate_in_msgs"]).sum()) == 0
    copies = int((after["payload_out_msgs"] - before["payload_out_msgs"])[author.index])
    print(f"{copies} copies by the author for {len(followers)} followers")
    assert copies < len(followers)

    lost = followers[7]
    lost.power_off()  # nobody is told
    missed = author.post("while you were away")
    net.run_for(minutes(1))
    assert net.delivery_ratio(missed, to=[one for one in followers if one is not lost]) == 1.0
    lost.restart()
    assert net.eventually(lambda: missed in lost.timeline(), within=minutes(2))
