"""Measures one point of the return-from-absence experiment: a server that follows many authors is killed, they go on, it
comes back, and everything is counted that it sends and receives until nothing is missing."""

from __future__ import annotations

import random
import time
from typing import Callable

import numpy as np

import np2p
import scale_measure as scale
from absence_points import AWAY, NATED, POST, Ask, Point
from meter import Array, otherwise

TEXT = "x" * (POST - scale.ENVELOPE - 10)  # and ten characters that number the posts
SETTLE = 300.0  # seconds after the last server has joined
FOLLOWED_BY = 5  # others, each author
FOLLOW = 120.0  # seconds until the follows are registered
STEP = 0.25  # seconds between two looks
WINDOW = 30.0  # seconds after the return that are counted at least,
PATIENCE = 900.0  # and at most
LATER = 3700.0  # by then every author has been asked
COLUMNS = ("bytes_out", "bytes_in", "duplicate_in")


def measure(ask: Ask, report: Callable[[float], None]) -> Point:
    began = time.process_time()
    village = scale.Village(
        scale.Setting("hyparview", ask.servers, NATED, ask.seed, "multicast"), lambda part, _: report(0.4 * part)
    )
    net, luck = village.net, random.Random(f"absence {ask.seed} {ask.servers} {ask.followed}")
    net.run_for(SETTLE)
    report(0.3)
    away = luck.choice([node for node in net.nodes if node.nat is not None])
    others = [node for node in net.nodes if node is not away]
    authors = luck.sample(others, ask.followed)

    alone = otherwise(lambda: _alone(net, away))
    each = FOLLOWED_BY * ask.followed // len(others) + 1
    for node in others:
        node.follow(*luck.sample([author for author in authors if author is not node], each))
        net.run_for(0.1)
    away.follow(*authors)
    net.run_for(FOLLOW)
    registered = int(net.status(away)["registered_follows"])
    for number, author in enumerate(authors):
        author.post(_text(number, "z"))
        net.run_for(0.05)
    net.run_for(FOLLOW)
    report(0.5)

    away.crash()
    missed: list[np2p.Note] = []
    posted: list[float] = []
    for number in range(ask.missed):
        posted.append(net.now)
        missed.append(authors[number % len(authors)].post(_text(number)))
        net.run_for(AWAY / (ask.missed + 1))
        report(0.5 + 0.3 * number / ask.missed)
    net.run_for(AWAY / (ask.missed + 1))

    before, returned = _row(net, away), net.now
    away.restart()
    linked, window = PATIENCE, 0.0
    while window < PATIENCE:
        net.run_for(STEP)
        window = round(window + STEP, 3)
        if linked == PATIENCE and net.standing(away).neighbours:
            linked = window
        if window >= WINDOW and window % 1 == 0 and not _missing(net, away, missed):
            break
        report(0.8 + 0.2 * window / PATIENCE)
    spent = _row(net, away) - before
    net.run_for(LATER - window)
    later = _row(net, away) - before - spent
    net.check()
    times = np.array([when for when in _arrivals(net, away, missed, posted, returned) if when is not None])
    index = min(len(alone) - 1, round(window / STEP) - 1)
    return Point(
        missed=ask.missed,
        followed=ask.followed,
        servers=ask.servers,
        seed=ask.seed,
        registered=registered,
        got=len(times),
        sent_B=int(spent[0]),
        received_B=int(spent[1]),
        duplicate_B=int(spent[2]),
        alone_sent_B=int(alone[index][0]),
        alone_received_B=int(alone[index][1]),
        window_s=window,
        linked_s=linked,
        first_s=float(times.min()) if len(times) else 0.0,
        half_s=float(np.median(times)) if len(times) else 0.0,
        complete_s=float(times.max()) if len(times) else 0.0,
        round_trip_ms=_round_trip_ms(net, away, missed),
        joined=village.joined,
        cpu_s=time.process_time() - began,
        events=net.events,
        digest=f"{net.digest():016x}",
        later_B=int(later[0] + later[1]),
    )


def _alone(net: np2p.Simulation, away: np2p.Node) -> Array:
    """What it has sent and received so long after its return, if it follows nobody: a row for each look."""
    away.crash()
    net.run_for(AWAY)
    before = _row(net, away)
    away.restart()
    rows = []
    for _ in range(round(PATIENCE / STEP)):
        net.run_for(STEP)
        rows.append(_row(net, away) - before)
    return np.array(rows)


def _row(net: np2p.Simulation, node: np2p.Node) -> Array:
    row = net.traffic()[node.index]
    return np.array([int(row[name]) for name in COLUMNS])


def _missing(net: np2p.Simulation, node: np2p.Node, notes: list[np2p.Note]) -> bool:
    return not set(notes) <= set(node.timeline())


def _arrivals(
    net: np2p.Simulation, node: np2p.Node, notes: list[np2p.Note], posted: list[float], returned: float
) -> list[float | None]:
    """When each arrived, in seconds after the return."""
    found: list[float | None] = []
    for note, at in zip(notes, posted):
        rows = net.deliveries(note)
        rows = rows[rows["node"] == node.index]
        found.append(at + float(rows["latency_s"][0]) - returned if len(rows) else None)
    return found


def _round_trip_ms(net: np2p.Simulation, node: np2p.Node, notes: list[np2p.Note]) -> float:
    """The network's own, between the node and who wrote these."""
    delays = []
    for note in notes:
        rows = net.deliveries(note)
        delays += rows["direct_latency_s"][rows["node"] == node.index].tolist()
    return 2000.0 * float(np.mean(delays)) if delays else 0.0


def _text(number: int, first: str = "x") -> str:
    return f"{first}{TEXT[1:]} {number:09d}"
