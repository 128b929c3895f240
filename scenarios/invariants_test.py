"""net.check() raises the alarm: each safety invariant is shown an observation that breaks it, and one that does not."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest

import np2p
from np2p import minutes
from np2p._np2p import parse_note
from np2p.invariants import Checker
from np2p.joining import MESH_CONNECTIONS, Standing
from np2p.node import BIND, DELETION, POST, PROFILE, REACTION
from np2p.simulation import STANDING_LINKS

Notes = list[np2p.Note]


class Observed:
    """A node whose server answers what the test says, and a checker that asks it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.net = np2p.Simulation(seed=3)
        self.node = self.net.add_node()
        self.now = self.net.wall_seconds(self.node)
        self._checker = Checker(self.net)
        self._patch = monkeypatch

    def sign(
        self, kind: int = POST, content: str = "x", tags: list[list[str]] | None = None, age: int = 0
    ) -> np2p.Note:
        return self.node.key.sign(kind, self.now - age, tags or [], content)

    def holds(self, *notes: np2p.Note, acknowledged: Notes | None = None) -> None:
        """The server answers with these, and said before that these are safe; then the invariants are checked."""
        self._patch.setattr(self.node, "query", lambda: list(notes))
        self._checker.check(acknowledged or [])

    def breaks(self, reason: str, *notes: np2p.Note, acknowledged: Notes | None = None) -> None:
        """The same is a violation, said with node, time and seed."""
        with pytest.raises(np2p.InvariantViolation, match=rf"^node 0 at 0\.000 s \(seed 3\): {reason}"):
            self.holds(*notes, acknowledged=acknowledged)

    def loses_its_disk(self) -> None:
        self._checker.disk_lost(self.node)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Observed:
    return Observed(monkeypatch)


def forged(note: np2p.Note, **changed: Any) -> np2p.Note:
    return parse_note(json.dumps({**json.loads(note.json()), **changed}))


@pytest.mark.parametrize(
    "lie",
    (
        lambda note: forged(note, content="something else"),
        lambda note: forged(note, pubkey=np2p.Key.from_seed(9, 9).public_key),
        lambda note: forged(note, sig=note.sig[:-2] + ("00" if note.sig[-2:] != "00" else "11")),
        lambda note: forged(note, created_at=note.created_at - 1),
        lambda note: forged(note, tags=[["p", "0" * 64]]),
    ),
    ids=("content", "author", "signature", "time", "tags"),
)
def test_s1_an_event_that_its_author_did_not_sign(seen: Observed, lie: Callable[[np2p.Note], np2p.Note]) -> None:
    note = seen.sign()
    seen.breaks("S1: .* did not sign", lie(note))
    seen.holds(note)
    seen.breaks("S1: .* did not sign", lie(note))  # although the id is known by now


def test_s2_an_event_twice_in_an_answer(seen: Observed) -> None:
    note, other = seen.sign(), seen.sign(content="y")
    seen.holds(note, other)
    seen.breaks("S2: an id appears twice", note, other, note)


def epoch(number: int) -> list[list[str]]:
    return [["epoch", str(number)]]


def test_s3_a_replaceable_event_goes_back_in_time(seen: Observed) -> None:
    new, old = seen.sign(PROFILE, age=1), seen.sign(PROFILE, age=2)
    seen.holds(old)
    seen.holds(new)
    seen.holds(new, acknowledged=[old])
    seen.breaks("S3: kind 0 .* went back to an older version", old)
    seen.loses_its_disk()
    seen.holds(old)


def test_s3_of_one_second_the_lowest_id_stays(seen: Observed) -> None:
    low, high = sorted((seen.sign(PROFILE, "a"), seen.sign(PROFILE, "b")), key=lambda note: note.id)
    seen.holds(high)
    seen.holds(low)
    seen.breaks("S3: kind 0", high)


def test_s3_of_binds_the_highest_epoch_counts(seen: Observed) -> None:
    first, second = seen.sign(BIND, "", epoch(1)), seen.sign(BIND, "", epoch(2), age=100)
    seen.holds(first)
    seen.holds(second)
    seen.breaks("S3: kind 10848", first)


def test_s4_what_was_acknowledged_is_gone(seen: Observed) -> None:
    note, profile = seen.sign(), seen.sign(PROFILE)
    seen.holds(note, acknowledged=[note])
    seen.holds(note, acknowledged=[note, profile])  # a newer one may have taken its place
    seen.breaks("S4: .* acknowledged to its own client and is gone", acknowledged=[note])
    deletion = seen.sign(DELETION, "", [["e", note.id]])
    seen.breaks("S4", acknowledged=[note, deletion])  # the deletion itself has to be there
    seen.holds(deletion, acknowledged=[note, deletion])
    expired = seen.sign(tags=[["expiration", str(seen.now - 1)]])
    seen.holds(acknowledged=[expired])
    seen.breaks("S4", acknowledged=[seen.sign(tags=[["expiration", str(seen.now + 1)]])])
    seen.loses_its_disk()
    seen.holds(acknowledged=[note])


def test_s5_what_was_deleted_is_there(seen: Observed) -> None:
    note = seen.sign()
    deletion = seen.sign(DELETION, "", [["e", note.id]])
    reaction = seen.sign(REACTION, "+", [["e", note.id]])
    seen.holds(note, reaction, acknowledged=[note, reaction])
    seen.breaks("S5: .* was deleted by its author and is there", note, deletion, acknowledged=[note, deletion])
    bind = seen.sign(BIND, "", epoch(1))
    never = seen.sign(DELETION, "", [["e", bind.id], ["e", deletion.id]])
    seen.holds(bind, deletion, never, acknowledged=[bind, deletion, never])  # nobody deletes these


def test_s6_what_has_expired_is_there(seen: Observed) -> None:
    seen.holds(seen.sign(tags=[["expiration", str(seen.now + 1)]]))
    seen.breaks("S6: .* has expired and is there", seen.sign(tags=[["expiration", str(seen.now)]]))


def test_who_does_not_run_is_not_asked(seen: Observed) -> None:
    note = seen.sign()
    seen.node.crash()
    seen.holds(note, note)
    seen.node.restart()
    seen.breaks("S2", note, note)


@pytest.mark.parametrize("overlay, most", (("mesh", MESH_CONNECTIONS), ("hyparview", STANDING_LINKS)))
def test_more_links_than_are_allowed(overlay: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    net = np2p.Simulation(seed=3, overlay=overlay)
    net.add_nodes(2)
    monkeypatch.setattr(net, "standing", lambda node: Standing(most + node.index * 0, 1, 1, True))
    net.check()
    monkeypatch.setattr(net, "standing", lambda node: Standing(most + node.index, 1, 1, True))
    with pytest.raises(np2p.InvariantViolation, match=rf"^node 1 holds {most + 1} links .* allows {most}$"):
        net.check()


def test_the_check_of_a_network_looks_at_what_servers_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    net = np2p.Simulation(seed=3)
    alice, bob = net.add_nodes(2, nat="none")
    net.bootstrap(within=minutes(3))
    note = alice.post("kept")
    net.run_for(minutes(1))
    assert net.acknowledged(note) and bob.has(note)
    net.check()
    monkeypatch.setattr(alice, "query", lambda: [])
    with pytest.raises(np2p.InvariantViolation, match="^node 0 at .* S4"):
        net.check()
    monkeypatch.undo()
    monkeypatch.setattr(bob, "query", lambda: [forged(note, content="never said")])
    with pytest.raises(np2p.InvariantViolation, match="^node 1 at .* S1"):
        net.check()
