"""Disks that lose the last second: what they said is safe is gone after a power failure.

    ./dev pytest scenarios/attacks/disks_test.py -s
"""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds

FOLLOWERS, ROUNDS = 8, 5


@pytest.mark.seeds(per_commit=2, nightly=50)
def test_an_author_that_lost_the_last_second_goes_on_and_is_not_taken_for_a_liar(net: np2p.Simulation) -> None:
    """It had given numbers to what it lost, and gives them again to something else, in another incarnation."""
    author = net.add_node(nat="none", mode="multicast", behaviour="lying_disk")
    followers = net.add_nodes(FOLLOWERS, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(5))
    for follower in followers:
        follower.follow(author)
    net.run_for(minutes(1))
    kept, forgotten = [], []
    for number in range(ROUNDS):
        kept.append(author.post(f"safe {number}"))
        net.run_for(seconds(5))
        late = [author.post(f"late {number}.{one}") for one in range(3)]
        net.run_for(seconds(0.4))
        author.power_off()
        net.run_for(seconds(20))
        author.restart()
        net.run_for(seconds(5))
        forgotten += [note for note in late if not author.has(note)]
        kept += [author.post(f"again {number}.{one}") for one in range(2)]  # under the numbers of what is lost
        net.run_for(minutes(1))
    assert net.eventually(
        lambda: all(set(kept) <= set(one.timeline()) for one in followers), within=minutes(5), every=seconds(5)
    )
    forks = sum(net.status(follower)["forks"] for follower in followers)
    at_followers = sum(follower.has(note) for follower in followers for note in forgotten)
    print(
        f"\nseed {net.seed}: {ROUNDS} power failures, {len(forgotten)} posts forgotten by their author's disk ({at_followers} "
        f"copies are with {FOLLOWERS} followers); {len(kept)} later and earlier ones with all; forks counted: {forks}"
    )
    assert len(forgotten) >= ROUNDS, "the disk did not lie"
    assert forks == 0


@pytest.mark.seeds(per_commit=2, nightly=50)
def test_a_follower_that_lost_what_it_gave_receipts_for_gets_it_again(net: np2p.Simulation) -> None:
    """Its author believes that it has them; it says where it stands when it is back, and asks for the rest once."""
    author = net.add_node(nat="none", mode="multicast")
    follower = net.add_node(nat="none", mode="multicast", behaviour="lying_disk")
    others = net.add_nodes(FOLLOWERS, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(5))
    for one in (follower, *others):
        one.follow(author)
    net.run_for(minutes(1))
    notes, lost = [], 0
    for number in range(ROUNDS):
        notes.append(author.post(f"safe {number}"))
        net.run_for(seconds(5))
        late = [author.post(f"late {number}.{one}") for one in range(3)]
        net.run_for(seconds(0.7))
        assert net.status(author)["followers_behind"] == 0, "it gave no receipt"
        follower.power_off()
        net.run_for(seconds(2))
        follower.restart()
        lost += sum(not follower.has(note) for note in late)
        notes += late
        net.run_for(minutes(2))
    begun = net.now
    complete = net.eventually(lambda: set(notes) <= set(follower.timeline()), within=minutes(10), every=seconds(1))
    missing = len(set(notes) - set(follower.timeline()))
    print(
        f"\nseed {net.seed}: {ROUNDS} power failures, {lost} posts lost after their receipts, {missing} of {len(notes)} missing "
        f"{net.now - begun:.0f} s after the last"
    )
    assert lost >= ROUNDS, "the disk did not lie"
    assert complete
    assert net.status(follower)["forks"] == 0
