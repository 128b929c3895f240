"""The settings of a node that add_nodes() takes as **config: their names, and what each may be."""

from __future__ import annotations

import difflib
from typing import Any, Callable, Iterable, Sequence

from . import checks

OVERLAYS = ("hyparview", "mesh")
# What a simulated host may be; simnet/adversary/adversary.h says what each does.
BEHAVIOURS = (
    "honest",
    "forging_directory",
    "conspiring_directory",
    "stale_directory",
    "empty_directory",
    "silent_directory",
    "lying_directory",
    "swallowing_hop",
    "dropping_relay",
    "withholding_head",
    "eclipsing",
    "forging_guardian",
    "withholding_guardian",
    "forgetful_guardian",
    "lying_guardian",
    "silent_follower",
    "flooding_follower",
    "naming_follower",
    "replaying_carrier",
    "forking_author",
    "lying_disk",
)
MODES = ("broadcast", "multicast", "auto")
MOST_TREES = 63  # one bit each, and one for Plumtree's own
MOST_REFERENCES = 64  # in one message of the overlay


def _count(least: int, most: int) -> Callable[[str, Any], int]:
    return lambda name, value: checks.count(name, value, least=least, most=most)


def _shuffle_every(name: str, value: Any) -> float:
    return checks.duration(name, value, least=5.0)


def _pause_or_never(name: str, value: Any) -> float:
    return 0.0 if value is None else checks.duration(name, value)


# The numbers of the scalable overlay, by the names of SwarmParams (core/base/swarm_params.h says what each is).
SWARM: dict[str, Callable[[str, Any], Any]] = {
    "active": _count(1, 64),
    "active_reachable": _count(1, 128),
    "random_active": _count(0, 128),
    "passive": _count(0, 4096),
    "arwl": _count(0, 255),
    "prwl": _count(0, 255),
    "shuffle_active": _count(0, MOST_REFERENCES // 2),
    "shuffle_passive": _count(0, MOST_REFERENCES // 2),
    "shuffle_ttl": _count(1, 255),
    "shuffle_every": _shuffle_every,
    "clients": _count(0, 250),
    "nearer_every": _pause_or_never,
    "guard_every": _pause_or_never,
    "trees": _count(0, MOST_TREES),
    "eager_links": checks.flag,
}


# What mode="auto" goes by (core/base/mode_params.h), to be scaled down: bytes per second, and seconds.
AUTO: dict[str, Callable[[str, Any], Any]] = {
    "broadcast_budget": _count(1, 2**32 - 1),
    "review_every": lambda name, value: checks.duration(name, value, least=0.1),
    "switch_pause": checks.duration,
}


def auto_settings(config: dict[str, Any], mode: str) -> dict[str, Any]:
    """Those of `config` that are numbers of mode="auto", checked."""
    given = {name: check(name, config[name]) for name, check in AUTO.items() if name in config}
    if given and mode != "auto":
        raise ValueError(f"{next(iter(given))} must not be given with mode={mode!r}: only 'auto' has it")
    return given


def swarm_settings(config: dict[str, Any], overlay: str) -> dict[str, Any]:
    """Those of `config` that are numbers of the scalable overlay, checked."""
    given = {name: check(name, config[name]) for name, check in SWARM.items() if name in config}
    if given and overlay != "hyparview":
        raise ValueError(f"{next(iter(given))} must not be given with overlay={overlay!r}: only 'hyparview' has it")
    if given.get("prwl", 0) > given.get("arwl", 255):
        raise ValueError(f"prwl must be at most arwl, which is {given['arwl']}, not {given['prwl']}")
    return given


OF_NODES = ("nat", "overlay", "mode")  # that add_nodes() names itself


def check_names(config: Iterable[str], known: Iterable[str]) -> None:
    """An unknown name is a TypeError, as for any other argument."""
    names = [*OF_NODES, *known, *SWARM, *AUTO]
    for name in config:
        if name not in names:
            raise TypeError(f"{name} is not a setting of a node{nearest(name, names)}; these are: {', '.join(names)}")


def check_world(world: str, given: Iterable[str], known: Sequence[str], of_nodes: Iterable[str]) -> None:
    """The same for the arguments of a world; what is a node's is said to be so."""
    for name in given:
        if name in (*OF_NODES, *of_nodes, *SWARM, *AUTO):
            raise TypeError(f"{name} is a setting of nodes, not of {world}(): give it to add_nodes()")
        raise TypeError(f"{name} is not an argument of {world}(){nearest(name, known)}; these are: {', '.join(known)}")


def nearest(name: str, names: Sequence[str]) -> str:
    """What was probably meant, as words to put in; empty if nothing is like it."""
    found = difflib.get_close_matches(name, names, 1)
    return f" (did you mean {found[0]}?)" if found else ""


def check_mode(mode: object) -> str:
    """mode= of add_nodes()."""
    return checks.choice("mode", mode, MODES)
