"""One point of the return-from-absence experiment: what is asked for, what was measured, and what others publish."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import point_files

DRIVERS = ("absence_measure.py", "meter.py", "scale_measure.py")
VERSION = 2  # of the measurement: another one makes what is kept worthless
NATED = 0.8
POST = 800  # bytes of an event, as the overlay carries it
FULL_SEGMENTS = (1460 + 22 + 52 + 52) / 1460  # wire bytes of one byte: record, headers and acknowledgement of a segment
FOLLOWED = 100  # authors
SERVERS = 160
AWAY = 600.0  # seconds
TARGET_B = 16.0  # bytes beyond the events, for each followed author
TARGET_TRIPS = 2.0
# Negentropy, for 1,000 missed events: bytes beyond the events and round trips, in the best and the worst case measured.
NEGENTROPY_MISSED = 1000
NEGENTROPY = ((34_000.0, 4), (1_290_000.0, 20))


@dataclass(frozen=True)
class Ask:
    """What is to be measured."""

    missed: int  # events
    seed: int
    followed: int = FOLLOWED
    servers: int = SERVERS

    @property
    def name(self) -> str:
        return f"{self.missed:,} missed events, seed {self.seed}"

    @property
    def cost(self) -> float:
        """About how much work it is, in seconds of CPU."""
        return 0.05 * self.servers + 0.004 * self.missed

    def file(self, folder: Path) -> Path:
        key = point_files.name_of(VERSION, point_files.fingerprint(*DRIVERS), asdict(self), NATED, POST, AWAY)
        return folder / f"{self.missed}-{self.followed}-{self.seed}-{key}.json"


@dataclass(frozen=True)
class Point:
    """What was measured at the server that came back, until it had everything. Bytes are wire bytes; `alone_*` is what the
    same server sends and receives in the same time if it follows nobody. out/absence.csv has these columns."""

    missed: int
    followed: int
    servers: int
    seed: int
    registered: int  # follows of the one who leaves, before that
    got: int  # of the missed events
    sent_B: int
    received_B: int
    duplicate_B: int  # received: events that were there
    alone_sent_B: int
    alone_received_B: int
    window_s: float  # that was counted
    linked_s: float  # from the start until the first neighbour
    first_s: float  # until the first of the events
    half_s: float
    complete_s: float  # until the last
    round_trip_ms: float  # of the network itself, between this server and an author, in the mean
    joined: bool
    cpu_s: float
    events: int
    digest: str
    later_B: int = 0  # sent and received afterwards, until an hour after the return: authors are asked, at leisure

    @property
    def events_B(self) -> float:
        """What the missed events are on the wire if nothing else is in the same segments, which are full."""
        return self.missed * POST * FULL_SEGMENTS

    @property
    def beyond_B(self) -> float:
        """Everything but the events, and but what a server that follows nobody has to say when it comes back."""
        alone = self.alone_sent_B + self.alone_received_B
        return self.sent_B + self.received_B - self.events_B - alone

    @property
    def per_author_B(self) -> float:
        return self.beyond_B / max(1, self.followed)

    @property
    def round_trips(self) -> float:
        """From the first link on: it is before that nobody can be asked."""
        return max(0.0, self.complete_s - self.linked_s) * 1000 / self.round_trip_ms if self.round_trip_ms else 0.0


DERIVED = ("events_B", "beyond_B", "per_author_B", "round_trips")
COLUMNS = [field.name for field in fields(Point)] + list(DERIVED)


def cells(point: Point) -> list[Any]:
    """A row of out/absence.csv."""
    values = list(asdict(point).values()) + [getattr(point, name) for name in DERIVED]
    return [f"{value:.8g}" if isinstance(value, float) else value for value in values]
