"""The simulated world: simnet behind the shape of network.py, and the metrics that only a simulation has."""

from __future__ import annotations

from typing import Any, Iterable

import numpy as np
import numpy.typing as npt

from . import checks
from ._np2p import Note, World
from .errors import InvariantViolation, PublishRefused
from .nat import Nat
from .network import Network
from .node import POST, PROFILE, REACTION, REPOST, Node
from .progress import Progress

Array = npt.NDArray[Any]

DELIVERY_DTYPE = np.dtype([("node", "i4"), ("latency_s", "f8"), ("hops", "i4"), ("direct_latency_s", "f8")])
TRAFFIC_COLUMNS = [
    f"{what}_{direction}{unit}"
    for direction in ("in", "out")
    for unit in ("", "_msgs")
    for what in ("bytes", "payload", "duplicate", "control", "relay")
]
TRAFFIC_DTYPE = np.dtype([("node", "i4")] + [(name, "i8") for name in TRAFFIC_COLUMNS])
NODE_SETTINGS = ("uplink", "downlink", "writable", "bootstrap")


class _Audience:
    """Who should get a note: the simulator's ground truth at the time of posting."""

    def __init__(self, author: int, online: npt.NDArray[np.bool_], followers: list[int], named: list[int]) -> None:
        self.author = author
        self.online = online
        self.followers = followers
        self.named = named


class Simulation(Network):
    """A deterministic world: the same seed and the same calls give the same digest."""

    kind = "sim"

    def __init__(self, *, seed: int = 1, threads: int = 1) -> None:
        super().__init__(seed)
        checks.count("threads", threads, least=1)
        if threads != 1:
            raise ValueError(f"threads must be 1, not {threads}: simulating on several threads comes later")
        self._world = World(self.seed)
        self._audiences: dict[Note, _Audience] = {}
        self._started: list[bool] = []

    def __repr__(self) -> str:
        return f"<Simulation seed={self.seed}: {len(self.nodes)} nodes, {self.now:.3f} s>"

    # --- metrics ----------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        return self._world.now

    @property
    def events(self) -> int:
        """Inputs, outputs and timers that the simulator has handled so far."""
        return self._world.events

    def digest(self) -> int:
        """The 64-bit trace digest: equal if and only if everything that happened so far is equal."""
        return self._world.digest()

    def deliveries(self, note: Note) -> Array:
        """One row per node that got the note: node, latency_s, hops, direct_latency_s (the network's own one-way delay
        from the author: no protocol can be faster). The author and mere relays are left out."""
        self._known(note)
        nodes, latency, hops, direct = self._world.deliveries(note)
        rows = np.empty(len(nodes), dtype=DELIVERY_DTYPE)
        rows["node"], rows["latency_s"], rows["hops"], rows["direct_latency_s"] = nodes, latency, hops, direct
        return rows

    def delivery_ratio(self, note: Note, *, to: str | Iterable[Node] | None = None) -> float:
        """The share of those who should have the note that have it.

        Who should, is judged at the time of posting: to="everybody" who was online, to="followers" who were online and
        followed the author, or a list of nodes; by default what the kind and the author's mode ask for. Nodes that
        never managed to join are counted too. Nobody to deliver to is a ValueError (0/0).
        """
        audience = self._known(note)
        due = self._due(note, audience, to)
        if not due:
            raise ValueError("to must not be empty: nobody should have the note (0/0)")
        nodes = self._world.deliveries(note)[0]
        return len(due.intersection(nodes.tolist())) / len(due)

    def _due(self, note: Note, audience: _Audience, to: str | Iterable[Node] | None) -> set[int]:
        online = audience.online
        followers = {i for i in audience.followers if online[i]}
        named = {i for i in audience.named if online[i]}
        everybody = set(np.flatnonzero(online).tolist())
        if to is None:
            if note.kind == REACTION:
                due = named
            elif self.nodes[audience.author].mode == "broadcast" and note.kind in (PROFILE, POST, REPOST):
                due = everybody
            else:
                due = followers | named if note.kind == POST else followers
        elif isinstance(to, str):
            due = {"everybody": everybody, "followers": followers}[checks.choice("to", to, ("everybody", "followers"))]
        else:
            due = {self.check_mine("to", node).index for node in checks.items("to", to, Node)}
        return due - {audience.author}

    def traffic(self) -> Array:
        """Row i is the i-th node added: wire bytes and messages by category and direction since the start."""
        counts = self._world.traffic()
        rows = np.zeros(len(self.nodes), dtype=TRAFFIC_DTYPE)
        rows["node"] = np.arange(len(self.nodes))
        for name, column in counts.items():
            rows[name] = column
        return rows

    def overlay_graph(self) -> Array:
        """The links that are up: one row (node, node) per link, each once."""
        return self._world.overlay_graph()

    def memory(self) -> float:
        """The simulation's own memory per node, in bytes."""
        return self._world.memory() / max(1, len(self.nodes))

    # --- the world's primitives -------------------------------------------------------------------------------------

    def _check_config(self, config: dict[str, Any]) -> dict[str, Any]:
        for name in config:
            if name not in NODE_SETTINGS:
                raise TypeError(f"{name} is not a setting of a node; these are: {', '.join(NODE_SETTINGS)}")
        settings: dict[str, Any] = {}
        for name in ("uplink", "downlink"):
            if name in config:
                settings[name] = int(checks.number(name, config[name], above=0.0))
        if "writable" in config:
            settings["writable"] = checks.flag("writable", config["writable"])
        if "bootstrap" in config:
            chosen = checks.items("bootstrap", config["bootstrap"], Node)
            settings["bootstrap"] = [self.check_mine("bootstrap", node).index for node in chosen]
        return settings

    def _create(self, node: Node, settings: dict[str, Any]) -> None:
        boxes: list[Nat] = []
        box = node.nat
        while box is not None:
            boxes.append(box)
            box = box.outer
        described = [
            (one.mapping, one.filtering, one.port_allocation, one.mapping_timeout, one.hairpin) for one in boxes
        ]
        ways_in = settings.pop("bootstrap", None)
        if ways_in is None:
            ways_in = [first.index for first in self.nodes[:-1] if first.nat is None][:1]
        index = self._world.add_node(node.key, described, node.mode, ways_in, settings)
        assert index == node.index

    def _advance(self, duration: float, what: str) -> None:
        with Progress(f"{what} (seed {self.seed})", duration) as bar:
            self._world.run_for(duration, bar.update)
        self._raise_violations()

    def _all_joined(self) -> bool:
        return all(self._world.joined(node.index) for node in self.nodes if self.is_online(node))

    def _why_not_joined(self) -> str:
        missing = [node for node in self.nodes if self.is_online(node) and not self._world.joined(node.index)]
        reasons = [f"node {node.index} {self._world.why_not_joined(node.index)}" for node in missing[:3]]
        rest = f"; and {len(missing) - 3} more" if len(missing) > 3 else ""
        return "; ".join(reasons) + rest

    def wall_seconds(self, node: Node) -> int:
        return self._world.wall_seconds(node.index)

    def _before_publish(self, node: Node, note: Note) -> None:
        online = np.array([self.is_online(other) for other in self.nodes], dtype=np.bool_)
        named = [self._by_key[tag[1]].index for tag in note.tags if tag[:1] == ["p"] and tag[1:2] and tag[1] in self._by_key]
        followers = [self._by_key[key].index for key in self._followers.get(node.public_key, ())]
        self._audiences[note] = _Audience(node.index, online, followers, named)

    def _publish(self, node: Node, note: Note) -> None:
        if not self.is_running(node):
            raise PublishRefused(f"node {node.index} is not running")
        refusal = self._world.publish(node.index, note)
        if refusal:
            raise PublishRefused(f"node {node.index} refused kind {note.kind}: {refusal}")

    def query_store(
        self,
        node: Node,
        kinds: list[int] | None,
        authors: list[str] | None,
        ids: list[str] | None,
        limit: int | None,
    ) -> list[Note]:
        if not self.is_running(node):
            return []
        return self._world.query(node.index, kinds, authors, ids, limit)

    def set_online(self, node: Node, online: bool, *, new_address: bool) -> None:
        self._world.set_online(node.index, online, new_address)

    def is_online(self, node: Node) -> bool:
        return self._world.is_online(node.index)

    def is_running(self, node: Node) -> bool:
        return self._world.is_running(node.index)

    def kill(self, node: Node, *, silent: bool) -> None:
        self._world.kill(node.index, silent)

    def start_again(self, node: Node, *, lose_disk: bool) -> None:
        self._world.restart(node.index, lose_disk)

    def acknowledged(self, note: Note) -> bool:
        self._known(note)
        return self._world.acknowledged(note)

    def check(self) -> None:
        self._world.check()
        self._raise_violations()

    def _raise_violations(self) -> None:
        found = self._world.violations()
        if found:
            raise InvariantViolation("; ".join(found[:5]) + f" (seed {self.seed}, digest {self.digest():016x})")

    def _cut(self, sides: list[list[Node]]) -> None:
        self._world.partition([[node.index for node in side] for side in sides])

    def _heal(self) -> None:
        self._world.heal()

    def _lose(self, probability: float) -> None:
        self._world.set_loss(probability)

    def close(self) -> None:
        """Nothing to do: a simulation holds only memory."""

    def _known(self, note: Note) -> _Audience:
        if not isinstance(note, Note):
            raise TypeError(f"note must be a Note, not {type(note).__name__}")
        if note not in self._audiences:
            raise ValueError(f"note must have been published in this network; {note.id[:12]} was not")
        return self._audiences[note]
