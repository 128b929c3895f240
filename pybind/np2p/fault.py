"""Faults for net.apply(): what goes wrong, said once; each world finds its own means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from . import checks
from .node import Node


@dataclass(frozen=True)
class Loss:
    probability: float


@dataclass(frozen=True)
class Churn:
    nodes: tuple[Node, ...]
    half_life: float
    downtime: float


class Fault:
    """The faults there are. Applying one of a kind again replaces it; net.heal() ends loss and partitions."""

    @staticmethod
    def loss(probability: float) -> Loss:
        """Every packet is lost with this probability, below 1. Links are reliable, so a loss is a delay (a
        retransmission)."""
        chosen = checks.share("probability", probability)
        if chosen > 0.999999:
            raise ValueError(f"probability must be at most 0.999999, not {probability!r}: everything would be lost")
        return Loss(chosen)

    @staticmethod
    def churn(nodes: Iterable[Node], *, half_life: float, downtime: float = 60.0) -> Churn:
        """Half of the nodes crash within `half_life` seconds; each comes back `downtime` seconds later, on average."""
        chosen = checks.items("nodes", nodes, Node)
        return Churn(
            tuple(chosen),
            checks.duration("half_life", half_life, zero_allowed=False),
            checks.duration("downtime", downtime, zero_allowed=False),
        )
