"""Leases that are forged and replayed: most of the servers that can be dialled keep each FOLLOW and UNFOLLOW that they
carry, say all of them again every three seconds, and UNFOLLOW themselves for everybody, under their own name and others'.

    ./dev pytest scenarios/attacks/leases_test.py -s
"""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds


@pytest.mark.seeds(per_commit=2, nightly=20)
def test_replayed_follows_and_unfollows_cut_nobody_off_and_sign_nobody_up(net: np2p.Simulation) -> None:
    """Also after the author's server has restarted and forgotten what it heard."""
    nodes = net.add_nodes(2, nat="none", mode="multicast")
    nodes += net.add_nodes(16, nat="none", mode="multicast", behaviour="replaying_carrier")
    people = net.add_nodes(61, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(5))
    net.run_for(minutes(2))
    author, loyal, gone = people[0], people[1:31], people[31:]
    for node in (*loyal, *gone):
        node.follow(author, nodes[0])
    net.run_for(minutes(1))
    for node in (*loyal, *gone):
        node.unfollow(author)
    net.run_for(minutes(2))
    for node in loyal:
        node.follow(author)
    net.run_for(minutes(2))

    def publish(words: str) -> tuple[int, int]:
        """How many of the loyal have it after a while, and of those who left."""
        note = author.post(words)
        net.run_for(seconds(20))
        return sum(node.has(note) for node in loyal), sum(node.has(note) for node in gone)

    before = [publish(f"before {number}") for number in range(3)]
    followers = net.status(author)["followers"]
    author.crash()
    net.run_for(seconds(5))
    author.restart()
    after = []
    net.run_for(minutes(1))
    for number in range(3):
        after.append(publish(f"after {number}"))
        net.run_for(seconds(20))
    refused = {what: count for what, count in net.rejections(author).items() if "follow" in what or "routed" in what}
    print(
        f"\nseed {net.seed}: of {len(loyal)} who follow and {len(gone)} who left have each post {before}, after a restart "
        f"{after}; refused {refused}"
    )
    assert refused.get("unfollow forbidden", 0) > 0 and refused.get("routed bad_signature", 0) > 0, "nobody forged"
    assert followers == net.status(author)["followers"] == len(loyal)
    assert set(before) | set(after) == {(len(loyal), 0)}
