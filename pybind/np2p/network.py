"""What the two worlds share: the population, time, patience, and the shape of every call.

A world (simulation.py, realnet/) fills in the abstract primitives at the end; everything a scenario types is written
once, here and in node.py, so that the same file drives either world.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Callable, Iterable, Self, Sequence, TypeVar

import numpy as np
import numpy.typing as npt

from . import checks, joining
from ._np2p import Key, Note
from .audience import Audience
from .client import Client
from .errors import NotConverged, Unsupported
from .faults.actions import Action
from .faults.engine import Engine, Happening
from .faults.plan import Plan
from .nat import Nat, NatChoice, resolve_many
from .node import DELETION, FOLLOW_LIST, GENERIC_REPOST, POST, REACTION, REPOST, Node
from .settings import BEHAVIOURS, OVERLAYS, auto_settings, check_mode, check_names, swarm_settings
from .units import spoken

T = TypeVar("T")


class Network(ABC):
    """Servers and their users. Use Simulation or RealNetwork."""

    kind: str = ""  # "sim" or "real", for messages

    def __init__(self, seed: int, overlay: str) -> None:
        self.seed = checks.count("seed", seed, most=2**64 - 1)
        self.overlay = checks.choice("overlay", overlay, OVERLAYS)
        self.nodes: list[Node] = []
        self._by_key: dict[str, Node] = {}
        self._followers: dict[str, dict[str, None]] = {}  # ground truth: public key -> followers' keys
        self._audiences: dict[str, Audience] = {}  # by the note's id
        self._online_before: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)  # when something was published last
        self._faults = Engine(self)
        self._followed_by: dict[str, list[str]] = {}  # the other direction: what each user's newest list names

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- population -------------------------------------------------------------------------------------------------

    def add_nodes(
        self,
        n: int,
        *,
        nat: NatChoice | Sequence[NatChoice] = "mixed",
        overlay: str | None = None,
        mode: str = "broadcast",
        **config: Any,
    ) -> list[Node]:
        """Adds `n` users with their servers, started and looking for the network.

        nat: a preset's name, a Nat, None (public), or a list with one of these per node. overlay: "hyparview", the one
        that scales, or "mesh", the original's (up to 65 servers); by default that of the network, which is "hyparview"
        unless it was made or begun with another. All servers of a network have the same. mode: "broadcast" (the
        default), "multicast", or "auto": each server chooses one of the two (node.mode_now()) by what everybody's posts
        would cost, against broadcast_budget= bytes per second (2048). In a simulation it looks each review_every=
        seconds (an hour) and switches at most once in switch_pause= seconds (a day).

        Further settings of a node: writable=False (serves reads and relays only), replies="tagged" (replies and
        mentions go to those they name and to nobody else), keep_events=1000 (so many of others than the owner, as
        [retention] has it) and bootstrap=[nodes] (whom to dial first; by default the first public node of the network). In a simulation also external=True (the server is told where others can dial
        it, as by --external, and need not find out), uplink= and downlink= in bits per second, behind=box, a box of
        add_nat() that all of these stand behind, outside of their own, and the numbers of "hyparview": active=,
        active_reachable=, random_active=, passive=, arwl=, prwl=, shuffle_active=, shuffle_passive=, shuffle_ttl=,
        shuffle_every=, clients=, nearer_every= (0 or None: neighbours are never swapped for nearer ones), guard_every=
        (0 or None: nobody looks for other parts of the network), trees= (0: broadcasts go over the active view alone,
        in Plumtree's own tree) and eager_links=True (new links start eager there, as in the paper); and netgroups=16:
        their public addresses lie in so many /16 instead of thousands. An unknown name is a TypeError.

        behaviour= makes attackers of them, in a simulation: "lying_directory" nodes answer what they are asked in the
        directory with a forged claim ("forging_directory"), with an old record ("stale_directory"), with nothing
        ("empty_directory") or not at all ("silent_directory"), each by lot in one of these ways, and swallow what they
        should keep or hand on; "conspiring_directory" nodes all forge the same claim. A "swallowing_hop" keeps routed
        messages and forges their acknowledgements, a "dropping_relay" keeps what it should carry for others, a
        "withholding_head" what is for the members of cells that it leads. An "eclipsing" one wants to be everybody's
        neighbour, names only others like it, hands on nothing, and dials those of bootstrap= for ever. Only who can be
        dialled is asked or carries, so give them nat="none". A "lying_guardian" says of mail that it keeps it, and then
        sends who is back one letter that claims to be all ("forging_guardian"), nearly nothing of what it promises
        ("withholding_guardian"), or says that there is none ("forgetful_guardian"). A "silent_follower" gives no
        receipts, a "flooding_follower" says FOLLOW fifty times a second in all names that it can make up, a
        "naming_follower" names strangers as its guardians, a "replaying_carrier" says again and again what FOLLOWs and
        UNFOLLOWs it carried, a "forking_author" signs two stories of one stream for two halves of the others.
        "lying_disk": it says that things are safe a second before they are, and power_off() takes them back. In other
        respects they are ordinary nodes.
        """
        checks.count("n", n, least=1)
        overlay = self._choose_overlay(overlay)
        mode = check_mode(mode)
        check_names(config, self._settings)
        settings = {**self._check_config(config), **swarm_settings(config, overlay), **auto_settings(config, mode)}
        if overlay != "hyparview" and settings.get("behaviour", "honest") != "honest":
            raise ValueError(f"behaviour must not be given with overlay={overlay!r}: attackers speak 'hyparview' only")
        first_public = not any(node.nat is None for node in self.nodes)
        boxes = resolve_many(nat, n, seed=self.seed + len(self.nodes), first_public=first_public)
        self.overlay = overlay
        return [self._add(box, mode, settings) for box in boxes]

    def add_node(
        self, *, nat: NatChoice = "none", overlay: str | None = None, mode: str = "broadcast", **config: Any
    ) -> Node:
        """Adds one user with their server; see add_nodes()."""
        return self.add_nodes(1, nat=[nat], overlay=overlay, mode=mode, **config)[0]

    def _choose_overlay(self, overlay: str | None) -> str:
        if overlay is None:
            return self.overlay
        checks.choice("overlay", overlay, OVERLAYS)
        if self.nodes and overlay != self.overlay:
            raise ValueError(
                f"overlay must be {self.overlay!r} as that of the nodes before, not {overlay!r}: the two do not link up"
            )
        return overlay

    def _add(self, nat: Nat | None, mode: str, settings: dict[str, Any]) -> Node:
        index = len(self.nodes)
        ways_in = settings.get("bootstrap")
        if ways_in is None:
            ways_in = [node.index for node in self.nodes if node.nat is None][:1]
        key = self._create(index, nat, mode, ways_in, settings)
        if nat is None and "behind" in settings:
            nat = settings["behind"].nat  # the only box on its way
        replies = settings.get("replies", "everybody")
        node = Node(self, index, key, nat, overlay=self.overlay, mode=mode, replies=replies, ways_in=ways_in)
        self.nodes.append(node)
        self._by_key[node.public_key] = node
        return node

    def check_mine(self, name: str, node: object) -> Node:
        """The node, if it is one of this network; TypeError or ValueError name the argument `name`."""
        if not isinstance(node, Node):
            raise TypeError(f"{name} must be a Node, not {type(node).__name__}")
        if node.network is not self:
            raise ValueError(f"{name} must be a node of this network; node {node.index} belongs to another")
        return node

    def connect_client(self, node: Node, *, trusted: bool) -> Client:
        """The world's part of node.client()."""
        raise Unsupported("client() needs np2p.Simulation; any Nostr library connects to a real server")

    def set_ban(self, node: Node, user: Node, *, undo: bool) -> None:
        """The world's part of node.ban() and node.unban()."""
        raise Unsupported("ban() and unban() need np2p.Simulation; `nostrp2p ban` tells a real server")

    def check_running(self, what: str, node: Node) -> None:
        """ValueError that begins with `what`, if the node's server does not run."""
        if not self.is_running(node):
            raise ValueError(f"{what}: node {node.index} is not running")

    def followers(self, node: Node) -> list[Node]:
        """Who follows this user, by what the users themselves decided (the ground truth, not what servers know)."""
        self.check_mine("node", node)
        return [self._by_key[key] for key in self._followers.get(node.public_key, ())]

    # --- time and patience ------------------------------------------------------------------------------------------

    def bootstrap(self, *, within: float) -> None:
        """Lets every server join. NotConverged says who could not, and why, if that takes longer than `within`.

        Joined has, on the mesh, who reaches every other server that is online; on "hyparview" who has a neighbour and
        has published where it is, once links connect all who are online.
        """
        checks.duration("within", within, zero_allowed=False)
        if not self.nodes:
            raise ValueError("bootstrap() needs nodes: call add_nodes() first")
        if not self.eventually(lambda: joining.all_joined(self), within=within, _what="bootstrap"):
            raise NotConverged(f"not all servers joined within {spoken(within)}: {joining.why_not(self)}")

    def eventually(
        self, condition: Callable[[], object], *, within: float, every: float | None = None, _what: str = "eventually"
    ) -> bool:
        """Runs until the condition holds, at most `within` seconds; says whether it does. Checked at barriers only."""
        checks.duration("within", within)
        if not callable(condition):
            raise TypeError(f"condition must be callable, not {type(condition).__name__}")
        if every is not None:
            checks.duration("every", every, zero_allowed=False)
        end = self.now + within
        step = every or self._first_step
        while not condition():
            left = end - self.now
            if left <= 1e-9:
                return False
            self._pass(min(step, left), _what)
            if every is None:
                step = min(step * 1.5, self._longest_step)
        return True

    def run_for(self, duration: float) -> None:
        """Lets this much time pass. Releases the GIL; Ctrl-C works; on a terminal a progress bar shows."""
        self._pass(checks.duration("duration", duration), "run_for")

    def _pass(self, duration: float, what: str) -> None:
        """Advances, with the faults that fall due on the way."""
        end = self.now + duration
        while (at := self._faults.next_at()) is not None and at <= end:
            if at > self.now:
                self._advance(at - self.now, what)
            self._faults.meet_due(at)
        if end > self.now:
            self._advance(end - self.now, what)

    def fork(self, *futures: Callable[[Self], T], processes: int | None = None) -> list[T]:
        """What each of these functions returns, in order, each called with a copy of this network; see
        Simulation.fork()."""
        raise Unsupported("fork() needs np2p.Simulation: real servers cannot be copied")

    _settings: tuple[str, ...] = ("writable", "replies", "bootstrap", "behaviour", "keep_events")
    _first_step = 0.05
    _longest_step = 5.0

    # --- faults -----------------------------------------------------------------------------------------------------

    def partition(self, *groups: Iterable[Node]) -> None:
        """Cuts the network: nodes of different groups cannot reach each other. Who is in no group reaches everybody."""
        if len(groups) < 2:
            raise ValueError(f"groups must be at least two to be cut from each other, not {len(groups)}")
        sides = [[self.check_mine("groups", node) for node in checks.items("groups", group, Node)] for group in groups]
        seen: set[int] = set()
        for node in (node for side in sides for node in side):
            if node.index in seen:
                raise ValueError(f"groups must not overlap; node {node.index} is in two")
            seen.add(node.index)
        self._cut(sides)

    def heal(self) -> None:
        """Ends partitions, loss and churn, and what is left of plans. Machines that churn took down come back; others that
        are off stay off."""
        self._faults.end()
        self.end_cuts()
        self.set_loss(0.0)

    def apply(self, *faults: Action | Plan) -> None:
        """Lets faults happen: single ones now, the steps of plans as time passes (see np2p.faults)."""
        for one in faults:
            self._faults.apply(one)

    @property
    def happened(self) -> list[Happening]:
        """The faults that were applied and have happened, in order: when (seconds), what, and to which nodes (indices)."""
        return list(self._faults.happened)

    # --- called by Node ---------------------------------------------------------------------------------------------

    def publish_signed(self, node: Node, note: Note) -> None:
        """Hands a signed note to the node's own server, and keeps who should get it. PublishRefused says why not."""
        self._before_publish(node, note)
        self._publish(node, note)
        if note.kind == FOLLOW_LIST:
            self._remember_follows(node, note)

    def _remember_follows(self, node: Node, note: Note) -> None:
        for key in self._followed_by.get(node.public_key, ()):
            self._followers[key].pop(node.public_key, None)
        chosen = [tag[1] for tag in note.tags if tag[:1] == ["p"] and len(tag) > 1]
        for key in chosen:
            self._followers.setdefault(key, {})[node.public_key] = None
        self._followed_by[node.public_key] = chosen

    def _before_publish(self, node: Node, note: Note) -> None:
        named = {
            self._by_key[tag[1]].index for tag in note.tags if tag[:1] == ["p"] and tag[1:2] and tag[1] in self._by_key
        }
        quotes = any(tag[:1] == ["q"] for tag in note.tags)
        tagged_only = note.kind == POST and bool(named) and not quotes and node.replies == "tagged"
        about = self._about(note)
        if note.kind in (POST, REPOST, GENERIC_REPOST, REACTION):
            named |= {one.author for one in about}
        others: set[int] = set()
        for one in about:
            if note.kind == REACTION:
                others |= self._followers_of(self.nodes[one.author])
            elif note.kind == DELETION and one.author == node.index:
                others |= one.among(set(range(len(self.nodes))) - {node.index})
        self._audiences[note.id] = Audience(
            node.index,
            node.mode_now() == "broadcast",
            tagged_only,
            note.kind,
            self._shared_online(),
            self._followers_of(node),
            frozenset(named),
            frozenset(others),
        )

    def _followers_of(self, node: Node) -> frozenset[int]:
        return frozenset(self._by_key[key].index for key in self._followers.get(node.public_key, ()))

    def _about(self, note: Note) -> list[Audience]:
        """Of what it quotes, reposts, reacts to or deletes."""
        name = {POST: "q", REPOST: "e", GENERIC_REPOST: "e", REACTION: "e", DELETION: "e"}.get(note.kind)
        ids = [tag[1] for tag in note.tags if tag[:1] == [name] and len(tag) > 1]
        if note.kind == REACTION:
            ids = ids[-1:]
        return [self._audiences[one] for one in ids if one in self._audiences]

    def _shared_online(self) -> npt.NDArray[np.int64]:
        """Most notes have the array of the one before: each its own would take 8 bytes for every note and every node."""
        online = self._online_nodes()
        if not np.array_equal(online, self._online_before):
            self._online_before = online
        return self._online_before

    def audience(self, note: object) -> Audience:
        """Who should get this note; ValueError if it was not published in this network."""
        if not isinstance(note, Note):
            raise TypeError(f"note must be a Note, not {type(note).__name__}")
        if note.id not in self._audiences:
            raise ValueError(f"note must have been published in this network; {note.id[:12]} was not")
        return self._audiences[note.id]

    def delivery_ratio(self, note: Note, *, to: str | Iterable[Node] | None = None) -> float:
        """The share of those who should have the note that have it.

        Who should, is judged at the time of posting: to="everybody" who was online, to="followers" who were online and
        followed the author, or a list of nodes; by default what the kind and the author's mode ask for. Nodes that
        never managed to join are counted too. Nobody to deliver to is a ValueError (0/0).
        """
        audience = self.audience(note)
        if to is None:
            due = audience.due()
        elif isinstance(to, str):
            checks.choice("to", to, ("everybody", "followers"))
            due = audience.everybody() if to == "everybody" else audience.online_followers()
        else:
            due = {self.check_mine("to", node).index for node in checks.items("to", to, Node)} - {audience.author}
        if not due:
            raise ValueError(f"{self._why_nobody(audience, to)} (0/0)")
        return self._holders(note, due) / len(due)

    def _why_nobody(self, audience: Audience, to: object) -> str:
        """Why nobody is there to deliver to."""
        if to is not None and not isinstance(to, str):
            return "to must not be empty: no node but the author is in it"
        who = f"node {audience.author}, who posted this,"
        if not audience.everybody():
            return f"nobody should have the note: nobody but {who} was online then"
        if to == "followers" or (to is None and audience.kind == POST and not audience.broadcast):
            return f"nobody should have the note: {who} had no followers online then"
        return f"nobody should have the note: an event of kind {audience.kind} was for nobody who was online then"

    # --- the world's primitives -------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def now(self) -> float:
        """Seconds since the network was made: simulated ones in a simulation."""

    def _check_config(self, config: dict[str, Any]) -> dict[str, Any]:
        settings: dict[str, Any] = dict(config)
        if "writable" in config:
            settings["writable"] = checks.flag("writable", config["writable"])
        if "replies" in config:
            settings["replies"] = checks.choice("replies", config["replies"], ("tagged", "everybody"))
        if "keep_events" in config:
            settings["keep_events"] = checks.count("keep_events", config["keep_events"], least=1000)
        if "behaviour" in config:
            settings["behaviour"] = checks.choice("behaviour", config["behaviour"], BEHAVIOURS)
        if "bootstrap" in config:
            chosen = checks.items("bootstrap", config["bootstrap"], Node)
            settings["bootstrap"] = [self.check_mine("bootstrap", node).index for node in chosen]
        return settings

    @abstractmethod
    def _create(self, index: int, nat: Nat | None, mode: str, ways_in: list[int], settings: dict[str, Any]) -> Key:
        ...

    @abstractmethod
    def _advance(self, duration: float, what: str) -> None:
        ...

    @abstractmethod
    def node_id(self, node: Node) -> str:
        """The id of a server's own key, 64 hex digits; a BIND names it."""

    @abstractmethod
    def status(self, node: Node) -> dict[str, Any]:
        """What the server says of itself: stored_events, outbox, follows, registered_follows, followers, ..."""

    @abstractmethod
    def standing(self, node: Node) -> joining.Standing:
        """How the server stands in its overlay, by its own status."""

    @abstractmethod
    def mode_now(self, node: Node) -> str:
        """How posts of this user travel now, "broadcast" or "multicast", by the server's own status."""

    @abstractmethod
    def network_size(self, node: Node) -> int:
        """How many servers there are, as this one estimates it; 0 as long as it does not know."""

    @abstractmethod
    def linked_pairs(self) -> Iterable[tuple[int, int]]:
        """The servers at both ends of each link that is up."""

    @abstractmethod
    def _online_nodes(self) -> npt.NDArray[np.int64]:
        ...

    @abstractmethod
    def _holders(self, note: Note, among: set[int]) -> int:
        """How many of these have the note."""

    @abstractmethod
    def wall_seconds(self, node: Node) -> int:
        """The time of day at this node, in seconds since 1970: what its client would write as created_at."""

    @abstractmethod
    def _publish(self, node: Node, note: Note) -> None:
        ...

    @abstractmethod
    def query_store(
        self,
        node: Node,
        kinds: list[int] | None,
        authors: list[str] | None,
        ids: list[str] | None,
        limit: int | None,
    ) -> list[Note]:
        """What the node's server answers to a NIP-01 filter, newest first; [] if it does not run."""

    @abstractmethod
    def set_online(self, node: Node, online: bool, *, new_address: bool) -> None:
        """The node's machine gets its network back or loses it; new_address: it comes back at another one."""

    @abstractmethod
    def paths(self, node: Node) -> dict[str, str]:
        """The links of a server that are up: the last 12 digits of the other user's public key -> how it goes there:
        "direct" (one of the two dialled the other), "punched" (both did, through their NATs) or "relayed"."""

    @abstractmethod
    def deliveries(self, note: Note) -> Any:
        """One row per node that got the note: node, latency_s, hops, direct_latency_s."""

    @abstractmethod
    def traffic(self) -> Any:
        """Row i is the i-th node added: wire bytes and messages by category and direction since the start."""

    @abstractmethod
    def nat_class(self, node: Node) -> str:
        """What a server has found out about its NAT: "public", "port restricted", ..., or "unknown"."""

    @abstractmethod
    def rebind(self, node: Node) -> None:
        """The outermost NAT box of this node forgets its mappings and has a new address."""

    @abstractmethod
    def is_online(self, node: Node) -> bool:
        """Does the server run, and has its machine its network?"""

    @abstractmethod
    def is_plugged(self, node: Node) -> bool:
        """Has the machine its network, whether the server runs or not?"""

    @abstractmethod
    def is_running(self, node: Node) -> bool:
        """Does the server's process run?"""

    @abstractmethod
    def kill(self, node: Node, *, silent: bool) -> None:
        """Ends the server's process: with a reset to its peers, or, if silent, as when the power fails."""

    @abstractmethod
    def start_again(self, node: Node, *, lose_disk: bool) -> None:
        """Starts the server; if it runs, it is stopped in order before. lose_disk: with nothing of what it had stored."""

    @abstractmethod
    def acknowledged(self, note: Note) -> bool:
        """Has the author's server said that it is safe?"""

    @abstractmethod
    def check(self) -> None:
        """Checks the safety invariants; InvariantViolation names node, time and reason."""

    @abstractmethod
    def _cut(self, sides: list[list[Node]]) -> None:
        ...

    @abstractmethod
    def end_cuts(self) -> None:
        """Ends all partitions."""

    @abstractmethod
    def set_loss(self, probability: float) -> None:
        """Every packet is lost with this probability, from 0 to below 1."""

    @abstractmethod
    def close(self) -> None:
        """Ends the network and frees what it holds."""
