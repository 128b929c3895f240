"""What one followed author costs the server of who follows them: in memory and on the disk, at first, after many posts,
and if the author's server begins anew over and over.

    ./dev pytest scenarios/delivery/state_test.py -s
"""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds

AUTHORS, WRITERS, POSTS, DEATHS = 60, 6, 140, 8
HEARD = 128  # Limits::heard_events: of each author so many numbers are kept, to serve others
# In memory: where the author's stream stands, and its guardians (some 400 bytes), when FOLLOW is said again (150), where
# its server is (500 to 900), and room in containers. On the disk: position, lease and guardians (250), where its server
# is (400), its standing (40). A number that is kept has 200 bytes there, 100 of these its signed head.
MEMORY_B, STORED_B, NUMBER_B, EVENT_B = 3072, 1536, 240, 64


def _state(net: np2p.Simulation, node: np2p.Node) -> tuple[int, int]:
    """Bytes in memory, and in the store without the events themselves."""
    row = net.memory_by_node()[node.index]
    return int(row["overlay"]) + int(row["feed"]), int(row["store"])


@pytest.mark.seeds(per_commit=1, nightly=5)
def test_a_followed_author_costs_little_however_much_and_whatever_they_send(net: np2p.Simulation) -> None:
    reader, *authors = net.add_nodes(1 + AUTHORS, nat="none", mode="multicast")
    net.bootstrap(within=minutes(5))
    net.run_for(minutes(5))
    for author in authors:
        author.bind()
    net.run_for(minutes(1))
    before = _state(net, reader)
    reader.follow(*authors)
    assert net.eventually(lambda: net.status(reader)["registered_follows"] == AUTHORS, within=minutes(1))
    net.run_for(minutes(2))
    memory, stored = ((now - then) / AUTHORS for now, then in zip(_state(net, reader), before))
    print(f"\nseed {net.seed}: an author followed takes {memory:,.0f} bytes in memory, {stored:,.0f} in the store")
    assert 0 < memory <= MEMORY_B and 0 < stored <= STORED_B

    quiet = _state(net, reader)
    for _ in range(POSTS):
        for author in authors[:WRITERS]:
            author.post("x")
        net.run_for(seconds(1))
    net.run_for(minutes(1))
    assert len(reader.timeline()) == WRITERS * POSTS
    memory, stored = ((now - then) / WRITERS for now, then in zip(_state(net, reader), quiet))
    print(f"after {POSTS} posts {memory:,.0f} more in memory, {stored:,.0f} more in the store")
    # Ids that were seen lately are remembered of everybody's events together (Limits::recent_ids).
    assert memory <= MEMORY_B + POSTS * EVENT_B and stored <= HEARD * NUMBER_B + POSTS * EVENT_B

    dying, quiet = authors[-1], _state(net, reader)
    for death in range(DEATHS):
        dying.restart(lose_disk=True)
        net.run_for(seconds(20))
        dying.bind()
        net.run_for(minutes(1))
        note = dying.post(f"life {death}")
        assert net.eventually(lambda: reader.has(note), within=minutes(2)), f"death {death}"
    net.run_for(minutes(2))
    memory, stored = (now - then for now, then in zip(_state(net, reader), quiet))
    print(f"one whose disk was lost {DEATHS} times: {memory:,.0f} more in memory, {stored:,.0f} more in the store")
    assert memory <= MEMORY_B and stored <= DEATHS * (EVENT_B + 2 * NUMBER_B)
