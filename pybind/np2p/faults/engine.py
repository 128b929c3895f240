"""Makes faults happen when they fall due, as time passes in a network, and remembers what happened."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

from .._np2p import Rng
from .actions import Action, Churn
from .plan import Plan, Step

if TYPE_CHECKING:
    from ..network import Network
    from ..node import Node


class Happening(NamedTuple):
    """What happened: when (seconds since the network was made), what, and to which nodes (their indices; of a Partition
    those on the first side)."""

    at: float
    what: str
    nodes: tuple[int, ...]


class _Due(NamedTuple):
    """Something that falls due; of one moment in the order in which it was planned."""

    at: float
    order: int
    step: Step
    began: float  # when the plan was applied
    turn: int  # how often a repeated one has happened
    rng: Rng
    ends: bool  # it is the end of what lasts


class Engine:
    """Of one network. Draws depend on the network's seed, the number of the plan and that of the step in it, so that what
    is put into one step changes nothing in the others."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.happened: list[Happening] = []
        self._due: list[_Due] = []
        self._orders = 0
        self._plans = 0
        self._fates: list[tuple[float, int, str]] = []  # churn: when which node crashes or comes back, a heap
        self._churning: Churn | None = None
        self._churn_rounds = 0
        self._luck: dict[int, Rng] = {}

    def apply(self, what: Action | Plan) -> None:
        """An action happens now, the steps of a plan as time passes from now on."""
        if isinstance(what, Action):
            what = Plan([Step(0.0, what)])
        elif not isinstance(what, Plan):
            raise TypeError(f"faults must be of np2p.faults, or made with np2p.Fault, not {type(what).__name__}")
        for step in what:
            for node in step.action.nodes_named():
                self.net.check_mine("nodes", node)
        self._plans += 1
        now = self.net.now
        for number, step in enumerate(what):
            rng = Rng(self.net.seed, f"plan {self._plans}", number)
            self._push(now + step.start, step, now, 0, rng, ends=False)
        self.meet_due(now)

    def next_at(self) -> float | None:
        """When something falls due next."""
        times = [due.at for due in self._due[:1]] + [at for at, _, _ in self._fates[:1]]
        return min(times, default=None)

    def meet_due(self, until: float) -> None:
        """Lets happen what is due by then."""
        while self._due and self._due[0].at <= until:
            self._happen(heapq.heappop(self._due))
        while self._fates and self._fates[0][0] <= until:
            at, index, fate = heapq.heappop(self._fates)
            self._meet_fate(at, self.net.nodes[index], fate)

    def later(self, delay: float, action: Action) -> None:
        """What an action itself leads to."""
        self._push(self.net.now + delay, Step(delay, action), self.net.now, 0, Rng(self.net.seed, "later"), ends=False)

    def end(self) -> None:
        """All that is planned, and churn."""
        self._due = []
        self.end_churn()

    def _push(self, at: float, step: Step, began: float, turn: int, rng: Rng, *, ends: bool) -> None:
        self._orders += 1
        heapq.heappush(self._due, _Due(at, self._orders, step, began, turn, rng, ends))

    def _happen(self, due: _Due) -> None:
        step = due.step
        if due.ends:
            step.action.end(self)
            self._record(f"end: {step.action}", ())
            return
        hit = step.action.happen(self, due.rng)
        self._record(str(step.action), hit)
        if step.period is not None:
            following = step.start + (due.turn + 1) * step.period
            if step.until is None or following <= step.until:
                self._push(due.began + following, step, due.began, due.turn + 1, due.rng, ends=False)
        elif step.until is not None:
            self._push(due.began + step.until, step, due.began, 0, due.rng, ends=True)

    def _record(self, what: str, nodes: tuple[int, ...]) -> None:
        self.happened.append(Happening(self.net.now, what, nodes))

    # --- churn ------------------------------------------------------------------------------------------------------

    def churn(self, churn: Churn) -> None:
        """Begins it, in place of one before."""
        nodes = self.net.nodes if churn.nodes is None else churn.nodes_named()
        self._fates = [fate for fate in self._fates if fate[2] == "back"]
        heapq.heapify(self._fates)
        self._churn_rounds += 1
        self._churning = churn
        self._luck = {node.index: Rng(self.net.seed, f"churn {self._churn_rounds}", node.index) for node in nodes}
        now = self.net.now
        assert churn.session is not None
        for node in nodes:
            if node.online:
                left = churn.session.first(self._luck[node.index], now)
                heapq.heappush(self._fates, (now + left, node.index, "crash"))

    def end_churn(self) -> None:
        """Machines that it took down come back."""
        for _, index, fate in self._fates:
            node = self.net.nodes[index]
            if fate == "back" and not self.net.is_running(node):
                self.net.start_again(node, lose_disk=False)
                self._record("churn: back", (index,))
        self._fates = []
        self._churning = None

    def _meet_fate(self, at: float, node: Node, fate: str) -> None:
        if fate == "crash" and self.net.is_running(node):
            self.net.kill(node, silent=False)
            self._record("churn: crash", (node.index,))
        elif fate == "back" and not self.net.is_running(node):
            self.net.start_again(node, lose_disk=False)
            self._record("churn: back", (node.index,))
        if self._churning is None or node.index not in self._luck:
            return
        following, lifetime = (
            ("back", self._churning.downtime) if fate == "crash" else ("crash", self._churning.session)
        )
        assert lifetime is not None
        heapq.heappush(self._fates, (at + lifetime.draw(self._luck[node.index], at), node.index, following))
