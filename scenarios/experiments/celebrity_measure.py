"""Measures one point of the celebrity experiment: everybody in a network follows one author, who posts now and then."""

from __future__ import annotations

import time
from typing import Callable

import numpy as np

import np2p
import scale_measure as scale
from celebrity_points import NATED, POST, UPLINK, Ask, Point, unicast_s
from meter import Array, Meter, Sent, otherwise

TEXT = "x" * (POST - scale.ENVELOPE - 10)  # and ten characters that number the posts
MOVING = ("payload", "duplicate", "relay")
FOLLOWS_A_SECOND = 100.0
COPIED = 30_000  # from so many followers on no copy of the network is made to measure its silence: see _silence()
SILENCE = 20.0  # seconds of it, then
CALM = 60.0  # seconds until the last follow is registered, and again after the first post, which may look things up
MOST_PATIENCE = 600.0  # for follows that are not registered by then


def measure(ask: Ask, report: Callable[[float], None]) -> Point:
    began = time.process_time()
    n = ask.followers
    village = scale.Village(
        scale.Setting("hyparview", n, NATED, ask.seed, "multicast"), lambda part, _: report(0.5 * part)
    )
    net, followers = village.net, list(village.net.nodes)
    doors = [node for node in followers if node.nat is None][: scale.KNOWN_DOORS]
    author = net.add_node(nat="none", mode="multicast", bootstrap=doors, replies="tagged", uplink=UPLINK)
    net.run_for(ask.plan.settle)
    report(0.6)

    meter = Meter(net)
    quiet = _silence(meter, n, n / FOLLOWS_A_SECOND + CALM)
    before = _state(net, author)
    meter.mark()
    for follower in followers:
        follower.follow(author)
        net.run_for(1 / FOLLOWS_A_SECOND)
    net.run_for(CALM)
    following = meter.since().beyond(quiet)
    net.eventually(lambda: net.status(author)["followers"] >= n, within=MOST_PATIENCE, every=5.0)
    report(0.8)

    # As long as it takes if the author sends every copy, and twice that; at least until a lost copy would be noticed.
    pause = max(20.0, 2.5 * unicast_s(n, 1.0)) if n < COPIED else 20.0
    first = author.post(_text(0, "z"))
    net.run_for(pause + CALM)
    late = 1000 * (net.deliveries(first)["latency_s"] - net.deliveries(first)["direct_latency_s"])
    silent = _silence(meter, n, pause * ask.plan.posts)
    meter.mark()
    posts, clock = [], time.process_time()
    for number in range(ask.plan.posts):
        posts.append(author.post(_text(number)))
        net.run_for(pause)
        report(0.8 + 0.2 * (number + 1) / ask.plan.posts)
    clock = time.process_time() - clock
    spent = meter.since().beyond(silent)
    net.check()

    got, due, tables = scale.reached(net, posts)
    rows = np.concatenate(tables)
    above = 1000 * (rows["latency_s"] - rows["direct_latency_s"])
    carriers, members = _groups(spent, author.index)
    each = spent.total / len(posts)
    return Point(
        followers=n,
        seed=ask.seed,
        nated=int(village.nated.sum()),
        registered=int(net.status(author)["followers"]),
        posts=len(posts),
        due=due,
        got=got,
        above_p50_ms=_percentile(above, 50),
        above_p99_ms=_percentile(above, 99),
        above_max_ms=_percentile(above, 100),
        latency_p50_ms=_percentile(1000 * rows["latency_s"], 50),
        latency_p99_ms=_percentile(1000 * rows["latency_s"], 99),
        hops_mean=float(rows["hops"].mean()) if got else 0.0,
        hops_max=int(rows["hops"].max()) if got else 0,
        author_copies=sum(float(spent.messages[kind][author.index]) for kind in MOVING) / len(posts),
        author_payload=float(spent.messages["payload"][author.index]) / max(1, got),
        others_payload=float(np.delete(spent.messages["payload"], author.index).sum()) / max(1, got),
        relay=float(spent.messages["relay"].sum()) / max(1, got),
        duplicate=float(spent.messages["duplicate"].sum()) / max(1, got),
        control=float(spent.messages["control"].sum()) / max(1, got),
        author_B=float(each[author.index]),
        carriers=int(carriers.sum()),
        carrier_B=_mean(each[carriers]),
        carrier_most_B=_percentile(each[carriers], 100),
        member_B=_mean(each[members]),
        delivery_B=float(spent.total.sum()) / max(1, got),
        follow_B=float(following.total.sum()) / n,
        state_B=(_state(net, author)[0] - before[0]) / n,
        stored_B=(_state(net, author)[1] - before[1]) / n,
        first_p99_ms=_percentile(late, 99),
        joined=village.joined,
        cpu_s=time.process_time() - began,
        post_cpu_s=clock / len(posts),
        events=net.events,
        digest=f"{net.digest():016x}",
    )


def _groups(spent: Sent, author: int) -> tuple[Array, Array]:
    """Which followers sent the post on, and which only got it."""
    carriers = (spent.messages["payload"] > 0) | (spent.messages["relay"] > 0)
    members = ~carriers
    carriers[author] = members[author] = False
    return carriers, members


def _silence(meter: Meter, followers: int, seconds: float) -> Sent:
    """What is sent while nobody says anything: in a copy of the network, at the very times that are measured. A large
    one has no room for a copy: then what was sent before, and as much in every second."""
    return otherwise(lambda: meter.silence(seconds)) if followers < COPIED else meter.silence(SILENCE)


def _state(net: np2p.Simulation, node: np2p.Node) -> tuple[int, int]:
    """Bytes that a server holds in memory, and in its store."""
    row = net.memory_by_node()[node.index]
    return int(row["overlay"]) + int(row["feed"]), int(row["store"])


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else 0.0


def _percentile(values: Array, share: float) -> float:
    return float(np.percentile(values, share)) if len(values) else 0.0


def _text(number: int, first: str = "x") -> str:
    return f"{first}{TEXT[1:]} {number:09d}"
