"""Who is away for a while has missed nothing afterwards: the same story in both worlds, and for up to 20 days simulated.

`./dev pytest scenarios/absence -s` prints how long it takes after the return.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import np2p
from np2p import days, hours, minutes, seconds

sys.path.insert(0, str(Path(__file__).resolve().parent))
from absence_story import Story  # noqa: E402 - beside this file, wherever pytest was started


@pytest.mark.both
@pytest.mark.seeds(per_commit=3, nightly=100)
def test_who_was_away_for_a_moment_has_missed_nothing(net: np2p.Network) -> None:
    """Killed; and then once more, without a network, after which the machine has another address."""
    story = Story(net)
    length, posts = (seconds(8), 3) if net.kind == "real" else (minutes(10), 20)
    found = story.away_for(length, posts, killed=True, author_leaves=True)
    print(f"{net.kind}, killed: {found}")
    assert found.without_gone == found.of_gone
    found = story.away_for(length, posts, killed=False, author_leaves=False, back_within=minutes(5))
    print(f"{net.kind}, without a network: {found}")


@pytest.mark.parametrize("length, posts", [(hours(3), 10), (days(3), 60), (days(20), 60)], ids=["3h", "3d", "20d"])
@pytest.mark.untraced
@pytest.mark.seeds(per_commit=1, nightly=20)
def test_who_was_away_for_long_has_missed_nothing(net: np2p.Network, length: float, posts: int) -> None:
    """One of the authors is away when the follower comes back: what that one said comes from others."""
    found = Story(net).away_for(length, posts, killed=True, author_leaves=True)
    print(f"{net.kind}: {found}")
    assert found.without_gone == found.of_gone


@pytest.mark.seeds(per_commit=1, nightly=20)
def test_who_had_no_network_for_hours_has_missed_nothing(net: np2p.Network) -> None:
    """The server runs on, and has forgotten the others when the network is back, as they have it."""
    found = Story(net).away_for(hours(3), 10, killed=False, author_leaves=True, back_within=minutes(20))
    print(f"{net.kind}: {found}")
