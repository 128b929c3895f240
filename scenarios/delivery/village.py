"""Eight servers in follower mode, two of them behind NAT; what each of them must have, and who is still without it."""

from __future__ import annotations

from typing import Sequence

import numpy as np

import np2p
from np2p import minutes, seconds

NATS = ("none", "none", "none", "port_restricted", "none", "symmetric", "none", "none")
STAR = 1  # whom everybody follows
ALSO_FOLLOWED = (2, 5)  # the next but one and the fifth after oneself, in a ring
KINDS = {1: "posts, replies, quotes", 6: "reposts", 7: "reactions"}


class Village:
    """The network, and everything that was said in it."""

    def __init__(self, net: np2p.Network) -> None:
        self.net = net
        self.nodes = net.add_nodes(len(NATS), nat=NATS, mode="multicast")
        net.bootstrap(within=minutes(3))
        self.star = self.nodes[STAR]
        self.said: list[np2p.Note] = []
        self._deaths = [0] * len(NATS)
        follows = {node: self._followed_by(node) for node in self.nodes}
        for node, people in follows.items():
            node.follow(*people)

        def registered() -> bool:
            return all(net.status(node)["registered_follows"] == len(people) for node, people in follows.items())

        assert net.eventually(registered, within=minutes(1)), "every follow is registered"

    def _followed_by(self, node: np2p.Node) -> list[np2p.Node]:
        ring = [self.nodes[(node.index + step) % len(self.nodes)] for step in ALSO_FOLLOWED]
        return [one for one in dict.fromkeys([self.star, *ring]) if one is not node]

    def say(self, *notes: np2p.Note, pause: float = seconds(0.2)) -> None:
        """To be expected at whomever they are due to; a moment passes."""
        self.said += notes
        self.net.run_for(pause)

    def kill(self, node: np2p.Node) -> None:
        node.crash()
        self._deaths[node.index] += 1

    def due(self, note: np2p.Note) -> set[int]:
        """Who must have it in the end, be they online when it was said or not."""
        audience = self.net.audience(note)
        return audience.among(set(range(len(self.nodes))) - {audience.author})

    def complete(self, within: float, among: Sequence[np2p.Node] | None = None, named: bool = True) -> float:
        """Waits until everything that is due has arrived, and says how long that took. named=False: not counting what
        names or cites those who wait, which its author's server keeps for them and tries again now and then."""
        chosen = self.nodes if among is None else among
        begun = self.net.now
        every = min(seconds(0.25) * max(1.0, within / 180), minutes(1))
        arrived = self.net.eventually(lambda: not self._missing(chosen, named), within=within, every=every)
        assert arrived, f"not delivered within {within:g} s: {', '.join(self._missing(chosen, named))}"
        return self.net.now - begun

    def _missing(self, among: Sequence[np2p.Node], named: bool) -> list[str]:
        missing = []
        for node in among:
            held = set(node.timeline())
            for note in self.said:
                waits = node.index in self.due(note) and note not in held
                if waits and (named or node.index not in self.net.audience(note).named):
                    missing.append(f"to {node.index} {note.id[:12]} (kind {note.kind})")
        return missing

    def assert_nothing_else_arrived(self) -> None:
        """Each server's client sees what its user said and what is due to it: each once, and nothing else."""
        for node in self.nodes:
            shown = node.timeline()
            own = [note for note in self.said if note.author == node.public_key]
            expected = own + [note for note in self.said if node.index in self.due(note)]
            assert len(shown) == len(set(shown)), f"server {node.index} shows a note twice"
            assert set(shown) == set(expected), f"server {node.index} shows {len(shown)}, due are {len(expected)}"
            if isinstance(self.net, np2p.RealNetwork):
                self._assert_taken_once(self.net.log(node), node.index, expected)

    def _assert_taken_once(self, log: str, index: int, notes: Sequence[np2p.Note]) -> None:
        """What a server that is killed had not yet on its disk comes again."""
        for note in notes:
            times = log.count(f" event {note.id} accepted ")
            assert 1 <= times <= 1 + self._deaths[index], f"server {index} took {note.id[:12]} for new {times} times"

    def show(self, what: str, notes: Sequence[np2p.Note]) -> None:
        """Latencies by kind: information, nothing depends on them."""
        for kind, name in KINDS.items():
            tables = [self.net.deliveries(note)["latency_s"] for note in notes if note.kind == kind]
            if not tables:
                continue
            found = 1000 * np.concatenate(tables)
            shares = ", ".join(f"{share} % {np.percentile(found, share):,.0f}" for share in (50, 99, 100))
            print(f"{self.net.kind}, {what}, {name}: {len(found)} deliveries; latency in ms: {shares}")
