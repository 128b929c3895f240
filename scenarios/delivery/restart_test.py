"""What went to followers stays with them, also when one of them restarts."""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds


@pytest.mark.seeds(per_commit=3, nightly=20)
def test_a_follower_that_restarts_tells_nobody_what_it_followed(net: np2p.Network) -> None:
    author, follower, other = net.add_nodes(3, nat="none", mode="multicast")
    net.bootstrap(within=minutes(3))
    follower.follow(author)
    net.run_for(seconds(10))
    note = author.post("for those who care")
    assert net.eventually(lambda: follower.has(note), within=seconds(10))
    net.run_for(seconds(5))
    follower.crash()
    net.run_for(seconds(5))
    follower.restart()
    net.run_for(minutes(3))
    assert not other.has(note)
