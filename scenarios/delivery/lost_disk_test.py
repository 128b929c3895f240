"""An author whose server loses its disk begins anew: another stream, in the real world another node as well."""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds


@pytest.mark.both
@pytest.mark.seeds(per_commit=2, nightly=10)
def test_followers_get_all_that_is_posted_after_the_disk_was_lost(net: np2p.Network) -> None:
    _door, author, *followers = net.add_nodes(6, nat="none", mode="multicast")
    net.bootstrap(within=minutes(5))
    author.bind()
    for follower in followers:
        follower.follow(author)
    net.run_for(seconds(5))
    before = [author.post(f"number {i}") for i in range(3)]
    assert net.eventually(lambda: all(f.has(n) for f in followers for n in before), within=seconds(30))

    author.restart(lose_disk=True)
    net.run_for(seconds(10))
    author.bind()
    after = [author.post(f"reborn {i}") for i in range(2)]
    author.restart()
    net.run_for(seconds(5))
    after.append(author.post("and started once more"))

    def missing() -> list[str]:
        return [f"{note.content!r} at {f.index}" for f in followers for note in after if not f.has(note)]

    # In the real world the node's key is lost as well, and the new BIND tells. Here nothing does but the next FOLLOW.
    within = minutes(13 * 60) if isinstance(net, np2p.Simulation) else minutes(3)
    assert net.eventually(lambda: not missing(), within=within), f"never arrived: {missing()}"
