"""Faults one by one, as values: what goes wrong, said once; each world finds its own means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Iterable, Sequence

from .. import checks
from .._np2p import Rng
from ..node import Node
from ..units import spoken
from .lifetimes import LONGEST_MEAN, Exponential, Lifetime

if TYPE_CHECKING:
    from .engine import Engine

MEAN_OF_HALF_LIFE = 1.4426950408889634  # 1 / ln 2
Indices = tuple[int, ...]


class Action(ABC):
    """Something that happens to a network at one moment."""

    lasts: ClassVar[bool] = False  # it has an end of its own, for between()

    def nodes_named(self) -> tuple[Node, ...]:
        """Who must be of the network that it is applied to."""
        return ()

    @abstractmethod
    def happen(self, engine: Engine, rng: Rng) -> Indices:
        """Does it; to whom it happened."""

    def end(self, engine: Engine) -> None:
        """Takes it back, if it lasts."""
        raise NotImplementedError(f"{type(self).__name__} does not last")

    @abstractmethod
    def __str__(self) -> str:
        """In words, for the table of a plan."""


@dataclass(frozen=True)
class Loss(Action):
    """Every packet is lost with this probability, below 1, from now on; another Loss replaces it, Loss(0) ends it. Links
    are reliable, so a loss is a delay (a retransmission)."""

    lasts = True
    probability: float

    def __post_init__(self) -> None:
        if checks.share("probability", self.probability) > 0.999999:
            raise ValueError(
                f"probability must be at most 0.999999, not {self.probability!r}: everything would be lost"
            )

    def happen(self, engine: Engine, rng: Rng) -> Indices:
        engine.net.set_loss(self.probability)
        return ()

    def end(self, engine: Engine) -> None:
        engine.net.set_loss(0.0)

    def __str__(self) -> str:
        return f"lose {_percent(self.probability)} of all packets"


class Partition(Action):
    """Cuts the network, as net.partition() does: Partition(east, west), or Partition(share=0.3): so many by lot are cut
    off from the others. Cuts add up until healed; the end of one in between() ends all."""

    lasts = True

    def __init__(self, *groups: Iterable[Node], share: float | None = None) -> None:
        if bool(groups) == (share is not None):
            raise ValueError("groups or share must be given, one of them: Partition(east, west), Partition(share=0.3)")
        if len(groups) == 1:
            raise ValueError("groups must be at least two to be cut from each other, not 1")
        self.groups = [checks.items("groups", group, Node) for group in groups]
        self.share = None if share is None else checks.share("share", share)

    def nodes_named(self) -> tuple[Node, ...]:
        return tuple(node for group in self.groups for node in group)

    def happen(self, engine: Engine, rng: Rng) -> Indices:
        groups = self.groups
        if self.share is not None:
            off = drawn(engine.net.nodes, self.share, None, rng)
            taken = {node.index for node in off}
            groups = [off, [node for node in engine.net.nodes if node.index not in taken]]
        engine.net.partition(*groups)
        return tuple(node.index for node in groups[0])

    def end(self, engine: Engine) -> None:
        engine.net.end_cuts()

    def __str__(self) -> str:
        if self.share is not None:
            return f"cut {_percent(self.share)} of all nodes off from the others"
        return f"cut from each other: {' | '.join(_named(group) for group in self.groups)}"


@dataclass(frozen=True)
class Heal(Action):
    """Ends partitions, loss and churn; whom churn took down comes back. The plan goes on."""

    def happen(self, engine: Engine, rng: Rng) -> Indices:
        engine.end_churn()
        engine.net.end_cuts()
        engine.net.set_loss(0.0)
        return ()

    def __str__(self) -> str:
        return "heal: partitions, loss and churn end"


@dataclass(frozen=True)
class _OfSome(Action):
    """nodes: to whom it may happen (None: anybody); of these it happens to a share, or to a count, by lot, or to all. A
    share of somebody is at least one. Lots are drawn among those whom it can happen to at that moment."""

    nodes: Node | Iterable[Node] | None = None
    share: float | None = None
    count: int | None = None

    _everybody: ClassVar[bool] = False  # may it be meant for everybody without saying so?

    def __post_init__(self) -> None:
        if self.nodes is not None:
            object.__setattr__(self, "nodes", _tuple(self.nodes))
        if self.share is not None:
            checks.share("share", self.share)
        if self.count is not None:
            checks.count("count", self.count, least=1)
        if self.share is not None and self.count is not None:
            raise ValueError("share and count must not both be given")
        if not self._everybody and self.nodes is None and self.share is None and self.count is None:
            raise ValueError(
                f"nodes, share or count must be given: {type(self).__name__}(share=1.0) happens to everybody"
            )

    def nodes_named(self) -> tuple[Node, ...]:
        return _tuple(self.nodes)

    def chosen(self, engine: Engine, rng: Rng) -> list[Node]:
        among = engine.net.nodes if self.nodes is None else self.nodes_named()
        return drawn([node for node in among if self.can(engine, node)], self.share, self.count, rng)

    @abstractmethod
    def can(self, engine: Engine, node: Node) -> bool:
        """Can it happen to this node now?"""

    def who(self, everybody: str) -> str:
        whole = everybody if self.nodes is None else _named(self.nodes_named())
        if self.share is not None:
            return f"{_percent(self.share)} of {whole}"
        return f"{self.count} of {whole}" if self.count is not None else whole


@dataclass(frozen=True)
class _Down(_OfSome):
    """downtime: after so many seconds they come back; None: when something else starts them."""

    downtime: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.downtime is not None:
            checks.duration("downtime", self.downtime)

    def can(self, engine: Engine, node: Node) -> bool:
        return engine.net.is_running(node)

    def happen(self, engine: Engine, rng: Rng) -> Indices:
        hit = self.chosen(engine, rng)
        for node in hit:
            self.strike(engine, node)
        if self.downtime is not None and hit:
            engine.later(self.downtime, self.back(hit))
        return tuple(node.index for node in hit)

    @abstractmethod
    def strike(self, engine: Engine, node: Node) -> None:
        """Takes it down."""

    def back(self, hit: list[Node]) -> Action:
        """What brings them back."""
        return Restart(hit)

    def _for(self) -> str:
        return f", for {spoken(self.downtime)}" if self.downtime else ""


@dataclass(frozen=True)
class Crash(_Down):
    """Processes of servers end at once; peers see resets. Crash(share=0.1, downtime=60)."""

    def strike(self, engine: Engine, node: Node) -> None:
        engine.net.kill(node, silent=False)

    def __str__(self) -> str:
        return f"crash {self.who('the servers that run')}{self._for()}"


@dataclass(frozen=True)
class PowerOff(_Down):
    """Machines vanish silently; peers find out by timeout."""

    def strike(self, engine: Engine, node: Node) -> None:
        engine.net.kill(node, silent=True)

    def __str__(self) -> str:
        return f"power off {self.who('the servers that run')}{self._for()}"


@dataclass(frozen=True)
class LoseDisk(_Down):
    """Servers crash and start with empty disks, at once or after `downtime` seconds."""

    def happen(self, engine: Engine, rng: Rng) -> Indices:
        hit = super().happen(engine, rng)
        if self.downtime is None:
            for index in hit:
                engine.net.start_again(engine.net.nodes[index], lose_disk=True)
        return hit

    def strike(self, engine: Engine, node: Node) -> None:
        engine.net.kill(node, silent=False)

    def back(self, hit: list[Node]) -> Action:
        return Restart(hit, lose_disk=True)

    def __str__(self) -> str:
        off = self._for() and f", which are off{self._for()[1:]}"
        return f"empty the disks of {self.who('the servers that run')}{off}"


@dataclass(frozen=True)
class Restart(_OfSome):
    """Servers that do not run start again, with their disks or with empty ones; by default all of them."""

    lose_disk: bool = False
    _everybody = True

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.flag("lose_disk", self.lose_disk)

    def can(self, engine: Engine, node: Node) -> bool:
        return not engine.net.is_running(node)

    def happen(self, engine: Engine, rng: Rng) -> Indices:
        hit = self.chosen(engine, rng)
        for node in hit:
            engine.net.start_again(node, lose_disk=self.lose_disk)
        return tuple(node.index for node in hit)

    def __str__(self) -> str:
        return f"start {self.who('the servers that are down')}{' with empty disks' if self.lose_disk else ''}"


@dataclass(frozen=True)
class GoOffline(_Down):
    """Machines lose their network; servers go on running. With a downtime they are online again at the same address."""

    def can(self, engine: Engine, node: Node) -> bool:
        return engine.net.is_plugged(node)

    def strike(self, engine: Engine, node: Node) -> None:
        engine.net.set_online(node, False, new_address=False)

    def back(self, hit: list[Node]) -> Action:
        return ComeOnline(hit)

    def __str__(self) -> str:
        return f"take offline {self.who('the machines that are online')}{self._for()}"


@dataclass(frozen=True)
class ComeOnline(_OfSome):
    """The network of machines is back, at the same address or at a new one; by default of all."""

    new_address: bool = False
    _everybody = True

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.flag("new_address", self.new_address)

    def can(self, engine: Engine, node: Node) -> bool:
        return not engine.net.is_plugged(node)

    def happen(self, engine: Engine, rng: Rng) -> Indices:
        hit = self.chosen(engine, rng)
        for node in hit:
            engine.net.set_online(node, True, new_address=self.new_address)
        return tuple(node.index for node in hit)

    def __str__(self) -> str:
        where = " at new addresses" if self.new_address else ""
        return f"bring online {self.who('the machines that are offline')}{where}"


@dataclass(frozen=True)
class ChangeAddress(_Down):
    """Machines move: offline, and after `downtime` seconds (0: at once) online at another address."""

    def can(self, engine: Engine, node: Node) -> bool:
        return engine.net.is_plugged(node)

    def happen(self, engine: Engine, rng: Rng) -> Indices:
        hit = super().happen(engine, rng)
        if self.downtime is None:
            for index in hit:
                engine.net.set_online(engine.net.nodes[index], True, new_address=True)
        return hit

    def strike(self, engine: Engine, node: Node) -> None:
        engine.net.set_online(node, False, new_address=False)

    def back(self, hit: list[Node]) -> Action:
        return ComeOnline(hit, new_address=True)

    def __str__(self) -> str:
        gap = self._for() and f", offline{self._for()[1:]} in between"
        return f"move {self.who('the machines that are online')} to new addresses{gap}"


@dataclass(frozen=True)
class Rebind(_OfSome):
    """NATs forget their mappings and have other addresses; the servers behind them are not told."""

    def can(self, engine: Engine, node: Node) -> bool:
        return node.nat is not None

    def happen(self, engine: Engine, rng: Rng) -> Indices:
        hit = self.chosen(engine, rng)
        for node in hit:
            engine.net.rebind(node)
        return tuple(node.index for node in hit)

    def __str__(self) -> str:
        return f"rebind the NATs of {self.who('those behind one')}"


@dataclass(frozen=True)
class Churn(Action):
    """These nodes (None: all there are by then) crash and come back, each for itself, until healed; another Churn replaces
    it. Sessions and absences are drawn anew each time, for each node from a generator of its own.

        Churn(session=Weibull.of_mean(hours(2), shape=0.5), downtime=Exponential(minutes(30)))
    """

    lasts = True
    nodes: Node | Iterable[Node] | None = None
    session: Lifetime | None = None  # how long a server runs; must be given
    downtime: Lifetime = Exponential(60.0)  # how long it is down

    def __post_init__(self) -> None:
        if self.nodes is not None:
            object.__setattr__(self, "nodes", _tuple(self.nodes))
        for name in ("session", "downtime"):
            if not isinstance(getattr(self, name), Lifetime):
                kind = type(getattr(self, name)).__name__
                raise TypeError(f"{name} must be Exponential, Weibull or Diurnal, not {kind}")

    def nodes_named(self) -> tuple[Node, ...]:
        return _tuple(self.nodes)

    def happen(self, engine: Engine, rng: Rng) -> Indices:
        engine.churn(self)
        return ()

    def end(self, engine: Engine) -> None:
        engine.end_churn()

    def __str__(self) -> str:
        who = "all nodes" if self.nodes is None else _named(self.nodes_named())
        return f"churn {who} (up: {self.session}; down: {self.downtime})"


class Fault:
    """Short names of the two most common faults. Applying one of a kind again replaces it; net.heal() ends both. All the
    others are in np2p.faults."""

    @staticmethod
    def loss(probability: float) -> Loss:
        """Every packet is lost with this probability, below 1. Links are reliable, so a loss is a delay (a
        retransmission)."""
        return Loss(probability)

    @staticmethod
    def churn(nodes: Iterable[Node], *, half_life: float, downtime: float = 60.0) -> Churn:
        """Half of the nodes crash within `half_life` seconds; each comes back `downtime` seconds later, on average."""
        checks.duration("half_life", half_life, zero_allowed=False, most=LONGEST_MEAN / 2)
        checks.duration("downtime", downtime, zero_allowed=False, most=LONGEST_MEAN)
        chosen = checks.items("nodes", nodes, Node)
        return Churn(chosen, Exponential(half_life * MEAN_OF_HALF_LIFE), Exponential(downtime))


def drawn(among: Iterable[Node], share: float | None, count: int | None, rng: Rng) -> list[Node]:
    """So many of these by lot, in the order of their numbers; all without share and count."""
    left = list(among)
    if share is None and count is None:
        return left
    wanted = min(len(left), count if count is not None else int((share or 0.0) * len(left) + 0.5))
    if share and left:
        wanted = max(1, wanted)
    for place in range(wanted):
        other = place + rng.below(len(left) - place)
        left[place], left[other] = left[other], left[place]
    return sorted(left[:wanted], key=lambda node: node.index)


def _tuple(nodes: Node | Iterable[Node] | None) -> tuple[Node, ...]:
    """Each once."""
    return () if nodes is None else tuple(dict.fromkeys(checks.items("nodes", nodes, Node)))


def _named(nodes: Sequence[Node]) -> str:
    """A few by their numbers, more by how many there are."""
    if len(nodes) > 6:
        return f"{len(nodes)} nodes"
    return f"node{'' if len(nodes) == 1 else 's'} {', '.join(str(node.index) for node in nodes) or 'none'}"


def _percent(share: float) -> str:
    return f"{100 * share:g} %"
