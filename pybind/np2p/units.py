"""Durations are plain floats in seconds; these name the unit where a scenario is read."""

from __future__ import annotations


def milliseconds(n: float) -> float:
    """So many milliseconds, in seconds."""
    return n / 1000.0


def seconds(n: float) -> float:
    """So many seconds, as a float."""
    return float(n)


def minutes(n: float) -> float:
    """So many minutes, in seconds."""
    return n * 60.0


def hours(n: float) -> float:
    """So many hours, in seconds."""
    return n * 3600.0


def days(n: float) -> float:
    """So many days, of 86,400 seconds each, in seconds."""
    return n * 86400.0


def spoken(duration: float) -> str:
    """A duration as one would say it: 90.0 -> '90 s', 7200.0 -> '2 h'."""
    for unit, name in ((86400.0, "d"), (3600.0, "h")):
        if duration >= unit and duration % unit == 0:
            return f"{duration / unit:.0f} {name}"
    return f"{duration:g} s"
