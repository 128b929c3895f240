"""The safety invariants that net.check() looks at, by what the servers answer their own clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable

from ._np2p import Note
from .errors import InvariantViolation

if TYPE_CHECKING:
    from .network import Network
    from .node import Node

DELETION, BIND = 5, 10848


def _is_replaceable(kind: int) -> bool:
    return kind in (0, 3) or 10000 <= kind < 20000


def _may_be_gone(kind: int) -> bool:
    """A newer one may have taken its place, or it was never stored."""
    return _is_replaceable(kind) or 20000 <= kind < 30000


def _has_expired(note: Note, now: int) -> bool:
    """By its author's own wish (NIP-40)."""
    times = [tag[1] for tag in note.tags if tag[:1] == ["expiration"] and len(tag) > 1]
    return bool(times) and times[0].isdigit() and int(times[0]) <= now


def _rank(note: Note) -> tuple[int, int]:
    """What of two versions of a replaceable event counts, before the id: of a BIND first the epoch."""
    epochs = [int(tag[1]) for tag in note.tags if tag[:1] == ["epoch"]] if note.kind == BIND else []
    return (epochs[0] if epochs else 0, note.created_at)


class Checker:
    """Remembers between checks what must not go backwards."""

    def __init__(self, network: Network) -> None:
        self._network = network
        # Events whose id and signature were found right: id -> hash of all of it. The id alone would let pass what was
        # changed afterwards.
        self._genuine: dict[str, int] = {}
        self._newest: dict[tuple[int, str, int], tuple[tuple[int, int], str]] = {}  # (node, author, kind) -> version
        self._excused: set[int] = set()  # nodes that lost their disk: what they had acknowledged may be gone

    def disk_lost(self, node: Node) -> None:
        """What the node knew is gone; it may learn an older version first."""
        self._newest = {key: version for key, version in self._newest.items() if key[0] != node.index}
        self._excused.add(node.index)

    def check(self, acknowledged: Iterable[Note]) -> None:
        """Looks at every node that runs. acknowledged: what servers have told their own clients to be safe. InvariantViolation
        names node, time, seed and the invariant, S1 to S6."""
        own: dict[str, list[Note]] = {}
        for note in acknowledged:
            own.setdefault(note.author, []).append(note)
        for node in self._network.nodes:
            if self._network.is_running(node):
                self._check_node(node, own.get(node.public_key, []))

    def _check_node(self, node: Node, acknowledged: list[Note]) -> None:
        asked = self._network.wall_seconds(node)
        held = node.query()
        ids = {note.id for note in held}
        if len(ids) != len(held):
            self._broken(node, "S2: an id appears twice in an answer")
        for note in held:
            if _has_expired(note, asked):
                self._broken(node, f"S6: {note.id[:12]} has expired and is there")
            whole = hash(note.json())
            if self._genuine.get(note.id) != whole:
                if not note.is_genuine():
                    self._broken(node, f"S1: it holds {note.id[:12]}, which its author's key did not sign")
                self._genuine[note.id] = whole
            if _is_replaceable(note.kind):
                self._check_version(node, note)
        if node.index in self._excused:
            return
        own = list(acknowledged)
        deleted = {tag[1] for note in own if note.kind == DELETION for tag in note.tags if tag[:1] == ["e"]}
        now = self._network.wall_seconds(node)
        for note in own:
            if note.id in ids and note.id in deleted and note.kind not in (DELETION, BIND):
                self._broken(node, f"S5: {note.id[:12]} was deleted by its author and is there")
            gone = note.id in deleted or _has_expired(note, now) or _may_be_gone(note.kind)
            if note.id not in ids and not gone:
                self._broken(node, f"S4: {note.id[:12]} was acknowledged to its own client and is gone")

    def _check_version(self, node: Node, note: Note) -> None:
        """S3: a later created_at wins (of BINDs the higher epoch); of one second the lowest id."""
        key = (node.index, note.author, note.kind)
        before = self._newest.get(key)
        if before is not None:
            rank, identity = before
            if _rank(note) < rank or (_rank(note) == rank and note.id > identity):
                self._broken(node, f"S3: kind {note.kind} of {note.author[:12]} went back to an older version")
        self._newest[key] = (_rank(note), note.id)

    def _broken(self, node: Node, reason: str) -> None:
        raise InvariantViolation(
            f"node {node.index} at {self._network.now:.3f} s (seed {self._network.seed}): {reason}"
        )
