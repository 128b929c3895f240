"""help(np2p) has something to say about everything that one can call."""

from __future__ import annotations

import inspect
from typing import Any, Iterator

import pytest

import np2p


def public(of: Any, name: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Everything public of a module or class of np2p, written in Python, with its dotted name."""
    for key, value in vars(of).items():
        if key.startswith("_") or id(value) in seen:
            continue
        inner = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not str(getattr(inner, "__module__", None) or "").startswith("np2p"):
            continue
        seen.add(id(value))
        if inspect.isfunction(inner):
            yield f"{name}.{key}", getattr(of, key)
        elif inspect.isclass(value):
            yield f"{name}.{key}", value
            yield from public(value, f"{name}.{key}", seen)


EVERYTHING = [
    entry
    for module in (np2p, np2p.faults, np2p.workload, np2p.units, np2p.invariants)
    for entry in public(module, module.__name__, set())
]


@pytest.mark.parametrize("value", [value for _, value in EVERYTHING], ids=[name for name, _ in EVERYTHING])
def test_everything_public_says_what_it_is(value: Any) -> None:
    said = inspect.getdoc(value)
    generated = inspect.isclass(value) and said is not None and said.startswith(f"{value.__name__}(")  # by @dataclass
    assert said and len(said) > 8 and not generated


def test_there_is_much_to_look_at() -> None:
    names = {name for name, _ in EVERYTHING}
    assert {"np2p.Simulation.fork", "np2p.Node.post", "np2p.faults.Plan.delayed", "np2p.workload.run"} <= names
    assert "np2p.units.minutes" in names and len(names) > 150, len(names)
