"""NAT boxes in the words of RFC 4787, and the named kinds that scenarios use."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Sequence, Union

from . import checks

MAPPINGS = ("endpoint_independent", "address_dependent", "address_port_dependent")
FILTERINGS = MAPPINGS
PORT_ALLOCATIONS = ("preserving", "sequential", "random")
PRESETS = ("none", "full_cone", "restricted", "port_restricted", "symmetric", "mixed")


@dataclass(frozen=True)
class Nat:
    """One NAT box. `mapping` says when a new outside port is taken, `filtering` who may answer through it."""

    mapping: str = "endpoint_independent"
    filtering: str = "address_port_dependent"
    port_allocation: str = "preserving"
    mapping_timeout: float = 7440.0  # seconds an idle TCP mapping lives; RFC 5382 asks for at least 2 h 4 min
    hairpin: bool = False
    outer: Nat | None = None  # a second box (the provider's) between this one and the public network

    def __post_init__(self) -> None:
        checks.choice("mapping", self.mapping, MAPPINGS)
        checks.choice("filtering", self.filtering, FILTERINGS)
        checks.choice("port_allocation", self.port_allocation, PORT_ALLOCATIONS)
        checks.duration("mapping_timeout", self.mapping_timeout, zero_allowed=False)
        checks.flag("hairpin", self.hairpin)
        if self.outer is not None and not isinstance(self.outer, Nat):
            raise TypeError(f"outer must be a Nat or None, not {type(self.outer).__name__}")
        if self.outer is not None and self.outer.outer is not None:
            raise ValueError("outer must not have an outer box itself: at most two boxes stand in a row")


@dataclass(frozen=True)
class SharedNat:
    """One box with several machines behind it, of Simulation.add_nat(). Only such neighbours can use a hairpin."""

    network: object
    nat: Nat
    index: int


FULL_CONE = Nat(filtering="endpoint_independent")
RESTRICTED = Nat(filtering="address_dependent")
PORT_RESTRICTED = Nat()
SYMMETRIC = Nat(mapping="address_port_dependent", port_allocation="random")

_BY_NAME: dict[str, Nat | None] = {
    "none": None,
    "full_cone": FULL_CONE,
    "restricted": RESTRICTED,
    "port_restricted": PORT_RESTRICTED,
    "symmetric": SYMMETRIC,
}

NatChoice = Union[str, Nat, None]


def resolve(name: str, value: NatChoice) -> Nat | None:
    """One node's box: a preset's name, a Nat, or None for a public address."""
    if value is None or isinstance(value, Nat):
        return value
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a preset's name or a Nat, not {type(value).__name__}")
    checks.choice(name, value, PRESETS)
    if value == "mixed":
        raise ValueError(f"{name}='mixed' describes a population; one node needs one of {', '.join(_BY_NAME)}")
    return _BY_NAME[value]


def population(n: int, *, nated: float = 0.8, seed: int = 0, first_public: bool = True) -> list[Nat | None]:
    """`n` boxes in the published proportions, in an order drawn from the seed.

    Of the NATed, 3/4 map independently of the endpoint (37 % of these filter by address or not at all, the others by
    port) and 1/4 are symmetric, so that 0.5625 + 0.375 x 0.37 = 70 % of NATed pairs can punch. The counts are exact to
    the nearest node, so that two seeds differ in who is NATed, never in how many. With `first_public` the first node
    has a public address: somebody has to be the way in.
    """
    checks.count("n", n)
    checks.share("nated", nated)
    boxed = min(int(n * nated + 0.5), n - 1 if first_public and n > 0 else n)
    symmetric = int(boxed * 0.25 + 0.5)
    independent = boxed - symmetric
    easy = int(independent * 0.37 + 0.5)
    boxes: list[Nat | None] = [None] * (n - boxed)
    boxes += [SYMMETRIC] * symmetric
    boxes += [PORT_RESTRICTED] * (independent - easy)
    boxes += [FULL_CONE if i % 2 == 0 else RESTRICTED for i in range(easy)]
    random.Random(f"np2p nat population {seed} {n}").shuffle(boxes)
    if first_public and n > 0:
        first = boxes.index(None)
        boxes[0], boxes[first] = boxes[first], boxes[0]
    return boxes


def resolve_many(value: NatChoice | Sequence[NatChoice], n: int, *, seed: int, first_public: bool) -> list[Nat | None]:
    """The boxes of `n` nodes from what add_nodes() was given: one choice for all, 'mixed', or one choice each."""
    if isinstance(value, str) and value == "mixed":
        return population(n, seed=seed, first_public=first_public)
    if value is None or isinstance(value, (str, Nat)):
        return [resolve("nat", value)] * n
    try:
        each = list(value)
    except TypeError:
        raise TypeError(f"nat must be a preset's name, a Nat or a list of these, not {type(value).__name__}") from None
    if len(each) != n:
        raise ValueError(f"nat must name one box for each of the {n} nodes, not {len(each)}")
    return [resolve("nat", one) for one in each]
