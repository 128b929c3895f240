"""A progress bar on a terminal and nothing anywhere else."""

from __future__ import annotations

import sys
import time


class Progress:
    """Shows itself only if the work takes longer than half a second and stderr is a terminal, and if this process may."""

    allowed = True  # False in copies of a process that shows progress itself

    def __init__(self, what: str, total: float, unit: str = "s") -> None:
        self._what = what
        self._total = total
        self._unit = unit
        self._start = time.monotonic()
        self._last = self._start
        self._shown = False
        self._terminal = self.allowed and sys.stderr.isatty()

    def update(self, done: float, note: str = "") -> None:
        """So much of `total` is done; shown at most ten times a second."""
        if not self._terminal:
            return
        moment = time.monotonic()
        if moment - self._start < 0.5 or moment - self._last < 0.1:
            return
        self._last = moment
        self._shown = True
        part = min(1.0, done / self._total) if self._total > 0 else 1.0
        bar = "#" * int(part * 30)
        rest = (moment - self._start) * (1.0 - part) / part if part > 0 else 0.0
        line = f"{self._what} [{bar:<30}] {done:.0f}/{self._total:.0f} {self._unit}, {rest:.0f} s left {note}"
        sys.stderr.write("\r" + line[:110].ljust(110))
        sys.stderr.flush()

    def close(self) -> None:
        """Takes the bar off the terminal."""
        if self._shown:
            sys.stderr.write("\r" + " " * 110 + "\r")
            sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
