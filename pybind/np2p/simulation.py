"""The simulated world: simnet behind the shape of network.py, and the metrics that only a simulation has."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Iterable, Self, TypeVar

import numpy as np
import numpy.typing as npt

from . import checks
from ._np2p import Key, Note, World
from .client import Client
from .errors import InvariantViolation, PublishRefused, Unsupported
from .fork import in_copies, processors
from .invariants import Checker
from .joining import MESH_CONNECTIONS, Standing
from .nat import Nat, SharedNat
from .network import Network
from .node import Node
from .progress import Progress
from .settings import AUTO, SWARM, check_world
from .table import Table

Array = npt.NDArray[Any]
T = TypeVar("T")

DELIVERY_DTYPE = np.dtype([("node", "i4"), ("latency_s", "f8"), ("hops", "i4"), ("direct_latency_s", "f8")])
TRAFFIC_COLUMNS = [
    f"{what}_{direction}{unit}"
    for direction in ("in", "out")
    for unit in ("", "_msgs")
    for what in ("bytes", "payload", "duplicate", "control", "relay")
]
TRAFFIC_DTYPE = np.dtype([("node", "i4")] + [(name, "i8") for name in TRAFFIC_COLUMNS])
MEMORY_DTYPE = np.dtype([("node", "i4")] + [(name, "i8") for name in ("total", "simnet", "store", "overlay", "feed")])
UPLINK, DOWNLINK = 20_000_000, 100_000_000  # bits per second of an access link
LONGEST_DELAY = 10.0  # seconds
STANDING_LINKS = 250  # Limits::standing_links


def _box(nat: Nat) -> tuple[str, str, str, float, bool]:
    return nat.mapping, nat.filtering, nat.port_allocation, nat.mapping_timeout, nat.hairpin


class Simulation(Network):
    """A deterministic world: the same seed and the same calls give the same digest."""

    kind = "sim"

    def __init__(
        self,
        *,
        seed: int = 1,
        threads: int = 1,
        trace: str = "",
        memo: bool = True,
        overlay: str = "hyparview",
        base_delay: float = 0.010,
        jitter: float = 0.001,
        plane: float = 0.060,
        **unknown: Any,
    ) -> None:
        """trace: a file for every input and output as JSON lines. memo=False verifies each signature at each node
        again: the same trace, more slowly. overlay: of the nodes that are added without one.

        The delay of a packet is base_delay seconds, plus the distance of the two hosts, which are strewn over a square
        whose side is `plane` seconds long, plus up to `jitter` seconds. jitter=0 and plane=0 make all delays equal.
        """
        arguments = ("seed", "threads", "trace", "memo", "overlay", "base_delay", "jitter", "plane")
        check_world("Simulation", unknown, arguments, self._settings)
        super().__init__(seed, overlay)
        checks.text("trace", trace)
        checks.flag("memo", memo)
        checks.count("threads", threads, least=1)
        if threads != 1:
            raise ValueError(f"threads must be 1, not {threads}: simulating on several threads comes later")
        checks.duration("base_delay", base_delay, least=0.001, most=LONGEST_DELAY)
        checks.duration("jitter", jitter, most=LONGEST_DELAY)
        checks.duration("plane", plane, most=LONGEST_DELAY)
        self._world = World(self.seed, trace, memo, base_delay, jitter, plane)
        self._trace = trace
        self._requests: dict[Note, int] = {}
        self._checker = Checker(self)
        self._unplugged: set[int] = set()
        self._lying_disks: set[int] = set()  # nodes that lose what they acknowledged when their power fails

    def __repr__(self) -> str:
        return f"<Simulation seed={self.seed}: {len(self.nodes)} nodes, {self.now:.3f} s>"

    # --- futures ----------------------------------------------------------------------------------------------------

    def fork(self, *futures: Callable[[Self], T], processes: int | None = None) -> list[T]:
        """Several futures of this world: calls each function with a copy of it, and returns what they return, in order.

            def outage(world, share):
                world.apply(np2p.faults.Crash(share=share))
                note = world.nodes[0].post("who is there?")
                world.run_for(minutes(1))
                return world.delivery_ratio(note)

            ratios = net.fork(*[partial(outage, share=share) for share in (0.1, 0.25, 0.5)])

        So a world that took long to grow is grown once. Nothing that happens in a copy happens here, or in another copy;
        a copy has the digest that this world would have had. Copies are processes (fork(2)) that share the memory of what
        they do not change; at most `processes` run at once, by default as many as there are processors. Results come
        back pickled: return numbers, arrays and text, not nodes or notes (note.id will do; the same notes and nodes are
        there in every copy: net.nodes[3]).

        An exception in a copy ends the others and is raised here, caused by the traceback of the copy; Ctrl-C ends all.
        np2p.Unsupported while a trace is written, and in the real world.
        """
        for number, future in enumerate(futures):
            if not callable(future):
                raise TypeError(f"futures must be functions of a network; number {number} is {type(future).__name__}")
        chosen = processors() if processes is None else checks.count("processes", processes, least=1)
        if self._trace:
            raise Unsupported(
                f"fork() cannot copy a world whose trace is being written ({self._trace}): make it without trace=; "
                "under pytest mark the scenario @pytest.mark.untraced"
            )
        return in_copies([partial(future, self) for future in futures], chosen, f"fork (seed {self.seed})")

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
        self.audience(note)
        nodes, latency, hops, direct = self._world.deliveries(note)
        rows = np.empty(len(nodes), dtype=DELIVERY_DTYPE)
        rows["node"], rows["latency_s"], rows["hops"], rows["direct_latency_s"] = nodes, latency, hops, direct
        return rows.view(Table)

    def traffic(self) -> Array:
        """Row i is the i-th node added: wire bytes and messages by category and direction since the start, for example
        traffic()["bytes_out"] or ["control_in_msgs"]; traffic().dtype.names has all columns."""
        counts = self._world.traffic()
        rows = np.zeros(len(self.nodes), dtype=TRAFFIC_DTYPE)
        rows["node"] = np.arange(len(self.nodes))
        for name, column in counts.items():
            rows[name] = column
        return rows.view(Table)

    def overlay_graph(self, *, active: bool = False) -> Array:
        """The links that are up: one row (node, node) per link, each once. active=True: the active views of the overlay
        "hyparview" instead, one row (node, neighbour) per member, as each node sees its own."""
        return self._world.overlay_graph(checks.flag("active", active))

    def memory(self) -> float:
        """Bytes per node, all that memory_by_node() tells of."""
        rows = self.memory_by_node()
        return float(rows["total"].mean()) if len(rows) else 0.0

    def memory_by_node(self) -> Array:
        """Row i is the i-th node added: total, and its parts: simnet (the simulator's own: links, NAT, accounting),
        store (what the node has on its simulated disk), overlay and feed (the state of its process, 0 if it does not
        run; feed with the api). Bytes; an event that many stores share is counted in none."""
        columns = self._world.memory()
        rows = np.zeros(len(self.nodes), dtype=MEMORY_DTYPE)
        rows["node"] = np.arange(len(self.nodes))
        for name, column in zip(("simnet", "store", "overlay", "feed"), columns):
            rows[name] = column
            rows["total"] += column
        return rows.view(Table)

    def status(self, node: Node) -> dict[str, Any]:
        """What the server says of itself: links, reachable, active, clients, relays, published, dialable (can others
        dial it?), stored_events, outbox, follows, followers, ..."""
        return self._world.status(self.check_mine("node", node).index)

    def node_id(self, node: Node) -> str:
        return self._world.node_id(self.check_mine("node", node).index)

    def server_of(self, user: Node, *, asked: Node) -> str | None:
        """The node id of the server that `asked` believes to serve that user; None if it has not found out. Compare
        with node_id(user)."""
        return self._world.server_of(self.check_mine("asked", asked).index, self.check_mine("user", user).index)

    def rejections(self, node: Node) -> dict[str, int]:
        """Input that the server refused since it was added: how often, by "what reason"."""
        return self._world.rejections(self.check_mine("node", node).index)

    # --- the world's primitives -------------------------------------------------------------------------------------

    _settings = (
        "writable",
        "replies",
        "bootstrap",
        "behaviour",
        "keep_events",
        "external",
        "uplink",
        "downlink",
        "behind",
        "netgroups",
    )

    def _check_config(self, config: dict[str, Any]) -> dict[str, Any]:
        settings = super()._check_config(config)
        if "external" in settings:
            settings["external"] = checks.flag("external", settings["external"])
        if "netgroups" in settings:
            settings["netgroups"] = checks.count("netgroups", settings["netgroups"], least=1, most=4096)
        for name in ("uplink", "downlink"):
            if name in settings:
                settings[name] = checks.bit_rate(name, settings[name])
        if "behind" in settings:
            box = settings["behind"]
            if not isinstance(box, SharedNat):
                raise TypeError(f"behind must be a box of add_nat(), not {type(box).__name__}")
            if box.network is not self:
                raise ValueError("behind must be a box of this network's add_nat()")
        return settings

    def add_nat(self, nat: Nat) -> SharedNat:
        """A NAT box with several machines behind it: add_nodes(3, nat="none", behind=box). With a nat of their own the
        box is the provider's, outside of theirs. Neighbours reach each other's outside address only with hairpin=True.
        """
        if not isinstance(nat, Nat):
            raise TypeError(f"nat must be a Nat, not {type(nat).__name__}")
        outer = None if nat.outer is None else self._world.add_nat_box(_box(nat.outer), None)
        return SharedNat(self, nat, self._world.add_nat_box(_box(nat), outer))

    def _create(self, index: int, nat: Nat | None, mode: str, ways_in: list[int], settings: dict[str, Any]) -> Key:
        behind: SharedNat | None = settings.get("behind")
        boxes = []
        while nat is not None:
            boxes.append(_box(nat))
            nat = nat.outer
        if behind is not None and len(boxes) + (1 if behind.nat.outer is None else 2) > 2:
            raise ValueError("behind: at most two boxes stand in a row")
        made = self._world.add_node(
            boxes,
            self.overlay == "hyparview",
            {name: settings[name] for name in SWARM if name in settings},
            mode,
            {name: settings[name] for name in AUTO if name in settings},
            ways_in,
            settings.get("writable", True),
            settings.get("replies", "everybody") == "everybody",
            settings.get("external", False),
            settings.get("uplink", UPLINK),
            settings.get("downlink", DOWNLINK),
            None if behind is None else behind.index,
            settings.get("behaviour", "honest"),
            settings.get("netgroups", 0),
            settings.get("keep_events"),
        )
        assert made == index
        if settings.get("behaviour") == "lying_disk":
            self._lying_disks.add(made)
        self._world.start(made)
        return self._world.key(made)

    def _advance(self, duration: float, what: str) -> None:
        with Progress(f"{what} (seed {self.seed})", duration) as bar:
            self._world.run_for(duration, bar.update)

    def standing(self, node: Node) -> Standing:
        status = self._world.status(node.index)
        neighbours = status["active"] + status["clients"]
        return Standing(status["links"], status["reachable"], neighbours, bool(status["published"]))

    def mode_now(self, node: Node) -> str:
        return str(self._world.status(node.index)["mode_now"])

    def network_size(self, node: Node) -> int:
        return int(self._world.status(node.index)["servers"])

    def linked_pairs(self) -> Iterable[tuple[int, int]]:
        edges: list[tuple[int, int]] = self._world.overlay_graph(False).tolist()
        return edges

    def wall_seconds(self, node: Node) -> int:
        return self._world.wall

    def _online_nodes(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self._world.online()).astype(np.int64)

    def _holders(self, note: Note, among: set[int]) -> int:
        return len(among.intersection(self._world.deliveries(note)[0].tolist()))

    def _publish(self, node: Node, note: Note) -> None:
        if not self.is_running(node):
            raise PublishRefused(f"node {node.index} is not running")
        request = self._world.publish(node.index, note)
        refusal = self._world.outcome(request)
        if refusal:
            raise PublishRefused(f"node {node.index} refused an event of kind {note.kind}: {refusal}")
        self._requests[note] = request

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

    def connect_client(self, node: Node, *, trusted: bool) -> Client:
        session = self._world.open_session(node.index, trusted)
        if session is None:
            raise ValueError(f"client(): node {node.index} has as many clients as it takes")
        return Client(node, self._world, session)

    def set_ban(self, node: Node, user: Node, *, undo: bool) -> None:
        if not self._world.ban(node.index, user.index, undo):
            raise ValueError(f"ban(): node {node.index} has banned as many as it can")

    def set_online(self, node: Node, online: bool, *, new_address: bool) -> None:
        if online:
            if node.index not in self._unplugged:
                raise ValueError(f"come_online(): node {node.index} is online already")
            self._world.come_online(node.index, new_address)
            self._unplugged.remove(node.index)
        else:
            if node.index in self._unplugged:
                raise ValueError(f"go_offline(): node {node.index} is offline already")
            self._world.go_offline(node.index)
            self._unplugged.add(node.index)

    def paths(self, node: Node) -> dict[str, str]:
        return dict(self._world.paths(node.index))

    def nat_class(self, node: Node) -> str:
        return str(self._world.status(node.index)["nat"])

    def rebind(self, node: Node) -> None:
        self._world.rebind_nat(node.index)

    def is_online(self, node: Node) -> bool:
        return self._world.is_online(node.index)

    def is_plugged(self, node: Node) -> bool:
        return node.index not in self._unplugged

    def is_running(self, node: Node) -> bool:
        return self._world.is_running(node.index)

    def kill(self, node: Node, *, silent: bool) -> None:
        if self.is_running(node):
            (self._world.power_off if silent else self._world.crash)(node.index)
            if silent and node.index in self._lying_disks:
                self._checker.disk_lost(node)

    def start_again(self, node: Node, *, lose_disk: bool) -> None:
        if self.is_running(node):
            self._world.stop(node.index)
        self._world.restart(node.index, lose_disk)
        if lose_disk:
            self._checker.disk_lost(node)

    def acknowledged(self, note: Note) -> bool:
        self.audience(note)
        return self._world.outcome(self._requests[note]) == ""

    def check(self) -> None:
        acknowledged = [note for note in self._requests if self.acknowledged(note)]
        self._checker.check(acknowledged)
        allowed, whose = (MESH_CONNECTIONS, "the mesh") if self.overlay == "mesh" else (STANDING_LINKS, "a node")
        for node in self.nodes:
            links = self.standing(node).links
            if links > allowed:
                raise InvariantViolation(
                    f"node {node.index} holds {links} links at {self.now:.3f} s, and {whose} allows {allowed}"
                )

    def _cut(self, sides: list[list[Node]]) -> None:
        self._world.partition([[node.index for node in side] for side in sides])

    def end_cuts(self) -> None:
        self._world.heal()

    def set_loss(self, probability: float) -> None:
        self._world.set_loss(round(probability * 1e6))

    def close(self) -> None:
        """Nothing to do: a simulation holds only memory."""
