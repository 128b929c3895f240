"""When what goes wrong: steps with at(), every() and between(), and plans of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Iterable, Iterator, Sequence

from .. import checks
from ..units import spoken
from .actions import Action


@dataclass(frozen=True)
class Step:
    """One line of a plan; made by at(), every() and between(). Times are seconds since the plan was applied."""

    start: float
    action: Action
    period: float | None = None  # again each so many seconds
    until: float | None = None  # the last time of what repeats, or the end of what lasts; None: for ever, or no end

    def when(self) -> str:
        """The times, in words, for the table."""
        if self.period is not None:
            last = "" if self.until is None else f", until {spoken(self.until)}"
            return f"{spoken(self.start)}, then every {spoken(self.period)}{last}"
        return spoken(self.start) if self.until is None else f"{spoken(self.start)} to {spoken(self.until)}"

    @property
    def end(self) -> float:
        """Of the step, in seconds; infinite if it repeats for ever."""
        if self.period is not None:
            return math.inf if self.until is None else self.until
        return self.start if self.until is None else self.until


def at(time: float, action: Action) -> Step:
    """Happens once, `time` seconds after the plan is applied."""
    return Step(checks.duration("time", time), _action(action))


def every(period: float, action: Action, *, start: float | None = None, until: float | None = None) -> Step:
    """Happens each `period` seconds, first at `start` (by default after one period) and last at `until` (None: no end)."""
    checks.duration("period", period, zero_allowed=False)
    first = period if start is None else checks.duration("start", start)
    if until is not None and checks.duration("until", until) < first:
        raise ValueError(f"until must be at least {first:g} seconds, when it happens first, not {until!r}")
    return Step(first, _action(action), period, until)


def between(start: float, until: float, action: Action) -> Step:
    """Holds from `start` to `until` seconds: Loss, Partition or Churn."""
    checks.duration("start", start)
    if checks.duration("until", until) <= start:
        raise ValueError(f"until must be more than start, which is {start:g} seconds, not {until!r}")
    if not _action(action).lasts:
        kind = type(action).__name__
        raise ValueError(f"action must be one that lasts: Loss, Partition or Churn, not {kind} (see its downtime=)")
    return Step(start, action, None, until)


class Plan(Sequence[Step]):
    """What goes wrong and when, for net.apply(). print(plan) shows it as a table, one + other is both, and a plan may be
    among the steps of another. Plans are values: they can be applied again, and to several networks if they name no nodes.
    """

    def __init__(self, steps: Iterable[Step | Plan]) -> None:
        if isinstance(steps, Step):
            steps = [steps]
        chosen: list[Step] = []
        for step in steps:
            if isinstance(step, Plan):
                chosen += step
            elif isinstance(step, Step):
                chosen.append(step)
            else:
                kind = type(step).__name__
                raise TypeError(f"steps must be made with at(), every() or between(), not be {kind}")
        self.steps = tuple(chosen)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: int) -> Step:  # type: ignore[override]  # no slices: a plan of a part is Plan(...)
        return self.steps[index]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.steps == other.steps

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Plan) -> Plan:
        """Both, from the same moment on."""
        if not isinstance(other, Plan):
            return NotImplemented
        return Plan([self, other])

    def delayed(self, seconds: float) -> Plan:
        """The same, so many seconds later."""
        by = checks.duration("seconds", seconds)
        return Plan(
            replace(step, start=step.start + by, until=None if step.until is None else step.until + by) for step in self
        )

    @property
    def duration(self) -> float:
        """Seconds until all of it has begun and what ends has ended; infinite if something repeats for ever."""
        return max((step.end for step in self), default=0.0)

    def __str__(self) -> str:
        rows = [(step.when(), str(step.action)) for step in sorted(self, key=lambda step: step.start)]
        width = max([len(when) for when, _ in rows] + [len("when")])
        return "\n".join(f"{when:<{width}}  {what}" for when, what in [("when", "what"), *rows])

    def __repr__(self) -> str:
        return f"<Plan: {len(self)} steps, {self.duration:g} s>"


def _action(action: object) -> Action:
    if not isinstance(action, Action):
        raise TypeError(f"action must be a fault, as Crash(share=0.1), not {type(action).__name__}")
    return action
