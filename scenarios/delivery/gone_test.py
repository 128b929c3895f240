"""Authors who are away or gone, and followers who take back that they follow them."""

from __future__ import annotations

import pytest

import np2p
from np2p import hours, minutes, seconds


def _village(net: np2p.Network) -> tuple[np2p.Node, np2p.Node, list[np2p.Node]]:
    """An author, one who may follow, and the author's three friends."""
    nodes = net.add_nodes(8, nat="none", mode="multicast")
    net.bootstrap(within=minutes(5))
    return nodes[5], nodes[6], nodes[1:4]


@pytest.mark.untraced
@pytest.mark.parametrize("posts", [5, 200])
@pytest.mark.seeds(per_commit=1, nightly=10)
def test_what_somebody_posted_who_is_gone_comes_from_others_who_follow(net: np2p.Network, posts: int) -> None:
    """Nobody keeps mail for the one who was away; the author's friends remember the last 128 posts."""
    author, follower, friends = _village(net)
    for friend in friends:
        friend.follow(author)
    author.follow(*friends)
    follower.follow(author)
    net.run_for(minutes(5))
    first = author.post("hello")
    net.run_for(seconds(10))
    assert follower.has(first) and net.status(author)["guardians"] == 3
    follower.crash()
    net.run_for(minutes(3))
    notes = []
    for number in range(posts):
        notes.append(author.post(f"number {number}"))
        net.run_for(seconds(5))
    net.run_for(minutes(1))
    author.power_off()
    net.run_for(minutes(5))
    follower.restart()
    assert net.eventually(lambda: all(follower.has(note) for note in notes[-120:]), within=hours(2), every=seconds(30))
    author.restart()
    assert net.eventually(lambda: all(follower.has(note) for note in notes), within=minutes(30), every=seconds(30))
    assert net.status(follower)["forks"] == 0


@pytest.mark.untraced
@pytest.mark.parametrize("restarts", [False, True], ids=["stays", "restarts"])
@pytest.mark.seeds(per_commit=1, nightly=10)
def test_who_unfollows_somebody_who_is_away_gets_nothing_more(net: np2p.Network, restarts: bool) -> None:
    """The author keeps a follower with guardians for a month, and hears nothing of the change while it is away."""
    author, follower, friends = _village(net)
    follower.follow(author, *friends)
    for friend in friends:
        friend.follow(follower)
    net.run_for(minutes(5))
    assert net.status(author)["followers"] == 1
    author.crash()
    net.run_for(minutes(1))
    follower.unfollow(author)
    net.run_for(seconds(2))
    if restarts:
        follower.crash()
        net.run_for(seconds(5))
        follower.restart()
    net.run_for(hours(26))
    author.restart()
    net.run_for(minutes(10))
    author.post("which tells that somebody is taken for a follower")
    net.run_for(minutes(2))
    assert net.status(author)["followers"] == 0
    unwanted = author.post("which nobody has asked for")
    net.run_for(minutes(10))
    assert not follower.has(unwanted)
