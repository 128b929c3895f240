"""How long a server stays, and how long it is away: the distributions that churn draws from.

All draws come from the project's own generator, so a seed means the same churn on every machine; where floating-point
functions are involved, they are rounded to milliseconds, which hides the last bits in which machines differ.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from .. import checks
from .._np2p import Rng

LONGEST_MEAN = checks.LONGEST / 10
DAY = 86_400.0
FINE = 2**53


def uniform(rng: Rng) -> float:
    """Above 0 and below 1."""
    return (rng.below(FINE) + 0.5) / FINE


class Lifetime(ABC):
    """A distribution of durations, in seconds."""

    @abstractmethod
    def draw(self, rng: Rng, now: float) -> float:
        """Seconds from `now` (seconds since the network was made), when it begins, to its end."""

    def first(self, rng: Rng, now: float) -> float:
        """What is left at `now` of one that began at some time before: of a network that has churned for ever. The same
        as draw() of those that have no memory."""
        return self.draw(rng, now)

    @abstractmethod
    def __str__(self) -> str:
        """In words, for the table of a plan."""


@dataclass(frozen=True)
class Exponential(Lifetime):
    """Without memory: whoever has been here for long leaves as soon as anybody else. The usual model of papers on
    overlays (Rhea et al., "Handling Churn in a DHT", USENIX 2004), although measured sessions are not like that
    (see Weibull). Half of them are over after mean * ln 2."""

    mean: float  # seconds; 10 years at most

    def __post_init__(self) -> None:
        checks.duration("mean", self.mean, zero_allowed=False, most=LONGEST_MEAN)

    def draw(self, rng: Rng, now: float) -> float:
        return rng.exponential(self.mean)

    def __str__(self) -> str:
        return f"exponential, mean {self.mean:g} s"


@dataclass(frozen=True)
class Weibull(Lifetime):
    """With a shape below 1 most sessions are short and a few very long, and who has stayed for long will stay: what
    Stutzbach and Rejaie found in Gnutella, BitTorrent and Kad, where session lengths are not exponential and Weibull's
    distribution fits them ("Understanding Churn in Peer-to-Peer Networks", IMC 2006). Shape 1 is Exponential.

    Whoever is online when the churn begins is in the midst of a session, and long ones are met more often than short
    ones; first() draws what is left of it accordingly (renewal theory: Cox, "Renewal Theory", 1962), so that there is
    no wave of departures at the beginning. From shape 0.1 to 10.
    """

    shape: float
    scale: float  # seconds; 63 % of them are shorter

    def __post_init__(self) -> None:
        if not 0.1 <= checks.number("shape", self.shape) <= 10.0:
            raise ValueError(f"shape must be from 0.1 to 10, not {self.shape!r}")
        checks.duration("scale", self.scale, zero_allowed=False, most=LONGEST_MEAN)

    @classmethod
    def of_mean(cls, mean: float, *, shape: float) -> Weibull:
        """By its mean, in seconds."""
        checks.duration("mean", mean, zero_allowed=False, most=LONGEST_MEAN)
        return cls(shape, mean / cls(shape, 1.0).mean)

    @property
    def mean(self) -> float:
        """The mean, in seconds."""
        return self.scale * math.gamma(1.0 + 1.0 / self.shape)

    def draw(self, rng: Rng, now: float) -> float:
        # Inverse transform: the power of an exponential one.
        return float(round(self.scale * rng.exponential(1.0) ** (1.0 / self.shape), 3))

    def first(self, rng: Rng, now: float) -> float:
        # A session that is met is drawn in proportion to its length: (length / scale)^shape is then of the gamma
        # distribution with parameter 1 + 1/shape. The moment is anywhere in it.
        met = self.scale * _gamma(rng, 1.0 + 1.0 / self.shape) ** (1.0 / self.shape)
        return float(round(met * uniform(rng), 3))

    def __str__(self) -> str:
        return f"Weibull, shape {self.shape:g}, mean {self.mean:.4g} s"


@dataclass(frozen=True)
class Diurnal(Lifetime):
    """Without memory, but with a time of day: at `peak` (seconds since midnight) it ends (1 + swing) times as soon as in
    the mean, twelve hours later (1 - swing) times. The network begins at midnight.

    So Churn(session=Diurnal(hours(6), peak=hours(1)), downtime=Diurnal(hours(10), peak=hours(18))) has most people there
    in the evening. Such waves were seen in Overnet (Bhagwan, Savage and Voelker, "Understanding Availability", IPTPS
    2003) and among Skype's supernodes (Guha, Daswani and Jain, "An Experimental Study of the Skype Peer-to-Peer VoIP
    System", IPTPS 2006). Drawn by thinning (Lewis and Shedler 1979).
    """

    mean: float  # seconds, at the mean of the day; 10 years at most
    swing: float = 0.8  # 0: Exponential; 1: at its lowest it does not end at all
    peak: float = 0.0  # seconds since midnight

    def __post_init__(self) -> None:
        checks.duration("mean", self.mean, zero_allowed=False, most=LONGEST_MEAN)
        checks.share("swing", self.swing)
        checks.duration("peak", self.peak, most=DAY)

    def draw(self, rng: Rng, now: float) -> float:
        after = 0.0
        while True:
            after += rng.exponential(self.mean / (1.0 + self.swing))
            if uniform(rng) * (1.0 + self.swing) <= self.pace(now + after):
                return after

    def pace(self, now: float) -> float:
        """How many times sooner it ends at this time than in the mean."""
        return 1.0 + self.swing * math.cos(2.0 * math.pi * (now - self.peak) / DAY)

    def __str__(self) -> str:
        return f"diurnal, mean {self.mean:g} s, ±{100 * self.swing:g} %, peak at {self.peak / 3600:g} h"


def _gamma(rng: Rng, parameter: float) -> float:
    """Of the gamma distribution, scale 1: an exponential one for each whole, and Jöhnk's method (1964) for the rest."""
    total = math.fsum(rng.exponential(1.0) for _ in range(int(parameter)))
    rest = parameter - int(parameter)
    while rest > 1e-9:
        x: float = uniform(rng) ** (1.0 / rest)
        y: float = uniform(rng) ** (1.0 / (1.0 - rest))
        if 0.0 < x + y <= 1.0:
            return total + x / (x + y) * rng.exponential(1.0)
    return total
