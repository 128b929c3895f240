"""What servers send, by kind, and what they would have sent otherwise."""

from __future__ import annotations

from typing import Any, Callable, TypeVar

import numpy as np

import np2p
from np2p.fork import in_copies

Array = np.ndarray[Any, Any]
T = TypeVar("T")
KINDS = ("payload", "duplicate", "relay", "control")


class Meter:
    """What every server has sent since the mark, by kind, in wire bytes; and that it adds up."""

    def __init__(self, net: np2p.Simulation) -> None:
        self._net = net
        self.mark()

    def mark(self) -> None:
        self._at, self._rows = self._net.now, self._net.traffic()

    def since(self) -> Sent:
        rows = self._net.traffic()
        bytes_of = {kind: (rows[f"{kind}_out"] - self._rows[f"{kind}_out"]).astype(float) for kind in KINDS}
        messages = {kind: (rows[f"{kind}_out_msgs"] - self._rows[f"{kind}_out_msgs"]).astype(float) for kind in KINDS}
        total = (rows["bytes_out"] - self._rows["bytes_out"]).astype(float)
        if np.any(total != sum(bytes_of.values())):
            raise RuntimeError("the simulator's kinds of traffic do not add up to all of it")
        return Sent(self._net.now - self._at, bytes_of, messages)

    def silence(self, seconds: float) -> Sent:
        """What is sent while nobody says anything."""
        self.mark()
        self._net.run_for(seconds)
        return self.since()


class Sent:
    def __init__(self, seconds: float, bytes_of: dict[str, Array], messages: dict[str, Array]) -> None:
        self.seconds, self.bytes_of, self.messages = seconds, bytes_of, messages

    @property
    def total(self) -> Array:
        found: Array = np.sum([self.bytes_of[kind] for kind in KINDS], axis=0)
        return found

    def beyond(self, silence: Sent) -> Sent:
        """Without what silence of the same length would have cost."""
        part = self.seconds / silence.seconds
        bytes_of = {kind: self.bytes_of[kind] - silence.bytes_of[kind] * part for kind in KINDS}
        messages = {kind: self.messages[kind] - silence.messages[kind] * part for kind in KINDS}
        return Sent(self.seconds, bytes_of, messages)


def otherwise(what: Callable[[], T]) -> T:
    """What would have been: `what` happens to a copy of this process and everything in it, and then the copy ends."""
    return in_copies([what], 1)[0]
