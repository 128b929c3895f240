"""An author whose server tells two stories: for each number from some on it signs two heads, and half of its followers
get another event there than the rest. To each half its own story is without a fault.

    ./dev pytest scenarios/attacks/forks_test.py -s
"""

from __future__ import annotations

import pytest

import np2p
from np2p import hours, minutes, seconds

FOLLOWERS, POSTS = 16, 10


def _post(net: np2p.Simulation, behaviour: str) -> tuple[int, list[int], float | None]:
    """Who lacks something that others have, a minute later; how many forks each follower has seen within three days,
    and after how long the first one was."""
    author = net.add_node(nat="none", mode="multicast", behaviour=behaviour)
    followers = net.add_nodes(FOLLOWERS, nat="none", mode="multicast")
    net.bootstrap(within=minutes(5))
    for follower in followers:
        follower.follow(author, *(one for one in followers if one is not follower))
    net.run_for(minutes(2))
    begun = net.now
    notes = []
    for number in range(POSTS):
        notes.append(author.post(f"number {number}"))
        net.run_for(seconds(10))
    deceived = sum(not set(notes) <= set(follower.timeline()) for follower in followers)

    def seen() -> list[int]:
        return [int(net.status(follower)["forks"]) for follower in followers]

    found = net.eventually(lambda: any(seen()), within=hours(72), every=minutes(1))
    return deceived, seen(), net.now - begun if found else None


@pytest.mark.seeds(per_commit=1, nightly=10)
def test_two_stories_of_one_stream_are_noticed(net: np2p.Simulation) -> None:
    deceived, honest, _ = _post(np2p.Simulation(seed=net.seed), "honest")
    assert deceived == 0 and not any(honest), "an honest author was accused"
    deceived, forked, after = _post(np2p.Simulation(seed=net.seed), "forking_author")
    when = (
        "nobody"
        if after is None
        else f"{sum(map(bool, forked))} of {FOLLOWERS} followers, the first {after / 3600:.1f} h"
    )
    print(
        f"\nseed {net.seed}: {deceived} of {FOLLOWERS} followers were told another story from the fourth number on; "
        f"noticed by {when} after the first post"
    )
    assert 0 < deceived < FOLLOWERS, "there was one story"
    assert after is not None, "nobody noticed"
