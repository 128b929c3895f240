"""A user says with their key which server is theirs, changes their mind, and takes it back; everybody hears it."""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds

BIND = 10848


def _tag(note: np2p.Note, name: str) -> str | None:
    return next((tag[1] for tag in note.tags if tag[0] == name), None)


@pytest.mark.both
def test_a_bind_travels_to_everybody_and_the_highest_epoch_counts(net: np2p.Network) -> None:
    alice, bob, carol = net.add_nodes(3)
    net.bootstrap(within=minutes(3))
    first = alice.bind()
    assert _tag(first, "node") == net.node_id(alice)
    assert _tag(first, "epoch") == "1"
    assert net.eventually(lambda: all(node.has(first) for node in (bob, carol)), within=seconds(20))

    moved = alice.bind(to=bob, epoch=7)
    assert _tag(moved, "node") == net.node_id(bob) != net.node_id(alice)
    assert net.eventually(
        lambda: all(node.has(moved) and not node.has(first) for node in (bob, carol)), within=seconds(20)
    )

    with pytest.raises(np2p.PublishRefused, match="higher epoch 7"):
        alice.bind(epoch=6)
    with pytest.raises(np2p.PublishRefused, match="another node"):
        alice.bind(epoch=7)

    revoked = alice.revoke()
    assert _tag(revoked, "node") is None
    assert _tag(revoked, "epoch") == "8"
    assert net.eventually(lambda: carol.has(revoked), within=seconds(20))
    assert [note.id for note in carol.query(kinds=[BIND])] == [revoked.id]


def test_wrong_arguments_are_named(net: np2p.Network) -> None:
    (alice,) = net.add_nodes(1)
    net.bootstrap(within=minutes(3))
    with pytest.raises(ValueError, match="epoch"):
        alice.bind(epoch=0)
    with pytest.raises(TypeError, match="to"):
        alice.bind(to="somebody")  # type: ignore[arg-type]
