"""Argument checks: the error names the argument and says what would have been right."""

from __future__ import annotations

import math
from typing import Any, Iterable, TypeVar

T = TypeVar("T")

LONGEST = 100 * 365 * 86_400.0  # seconds; beyond it nanoseconds in 64 bits run out


def duration(name: str, value: Any, *, zero_allowed: bool = True, least: float = 0.0, most: float = LONGEST) -> float:
    """Seconds, from `least` to `most` (100 years by default)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero_allowed):
        wanted = "zero or more" if zero_allowed else "more than zero"
        raise ValueError(f"{name} must be {wanted} seconds, not {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least:g} seconds, not {value!r}")
    if value > most:
        bound = "100 years" if most == LONGEST else f"{most:g} seconds"
        raise ValueError(f"{name} must be at most {bound}, not {value!r} seconds")
    return float(value)


def bit_rate(name: str, value: Any) -> int:
    """Bits per second, from 2,000 to 10^12."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of bits per second, not {type(value).__name__}")
    if not 2_000 <= value <= 1e12:
        raise ValueError(f"{name} must be from 2,000 to 10^12 bits per second, not {value!r}")
    return int(value)


def count(name: str, value: Any, *, least: int = 0, most: int | None = None) -> int:
    """A whole number, from `least` (0) to `most`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be {bounds}, not {value}")
    return value


def number(name: str, value: Any, *, above: float | None = None) -> float:
    """Any finite number, above `above`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    if not math.isfinite(value) or (above is not None and value <= above):
        raise ValueError(f"{name} must be a number{'' if above is None else f' above {above:g}'}, not {value!r}")
    return float(value)


def share(name: str, value: Any) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number from 0 to 1, not {type(value).__name__}")
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must be from 0 to 1, not {value!r}")
    return float(value)


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {type(value).__name__}")
    return value


def text(name: str, value: Any) -> str:
    """Text that can be written as UTF-8."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} must be encodable as UTF-8 (it holds a lone surrogate)") from None
    return value


def choice(name: str, value: Any, allowed: Iterable[str]) -> str:
    """One of the words that are allowed."""
    options = list(allowed)
    listed = ", ".join(repr(option) for option in options)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {listed}, not {type(value).__name__}")
    if value not in options:
        raise ValueError(f"{name} must be one of {listed}, not {value!r}")
    return value


def items(name: str, values: Any, kind: type[T]) -> list[T]:
    """A list of `kind`; a single one is taken for a list of one."""
    if isinstance(values, kind):
        return [values]
    try:
        found = list(values)
    except TypeError:
        raise TypeError(f"{name} must be a list of {kind.__name__}, not {type(values).__name__}") from None
    for value in found:
        if not isinstance(value, kind):
            raise TypeError(f"{name} must hold only {kind.__name__}, not {type(value).__name__}")
    return found
