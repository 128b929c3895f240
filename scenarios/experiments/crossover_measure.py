"""Measures one point of the crossover experiment: a network grows, its users follow each other, and post.

What posts cost is the difference between two futures of the same network: the process forks, and in the copy nobody
posts. A silence before the posts or after them would not do: a network calms down for hours, and what is posted takes the
place of keepalives. For the same reason time is not compressed. Who posts every few hours has forgotten by then where the
servers of most followers are; if the same posts came within minutes, everything would still be known.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Callable, Sequence

import numpy as np

import np2p
import scale_measure as scale
from crossover_points import DAY, NATED, POST, POSTS_A_DAY, Ask, Point, mean_follows, overlay_of, sending_of
from meter import KINDS, Array, Meter, otherwise
from np2p import workload

TEXT = "x" * (POST - scale.ENVELOPE - 10)  # and ten characters that number the posts
MESH_PAUSE = 5.0  # at most, between posts: an hour of gossip is a lot of work, and posts change nothing about it
CALM = 130.0  # until what was said before is no part of a conversation, which would get links of its own
LOOKED_UP = 20.0  # seconds: by then it is known where the followers' servers are
ALONE = 0.6  # seconds for one post of which nothing else disturbs the count
MOVING = ("payload", "duplicate", "relay")
LAST = 5.0  # for the last posts to arrive
SPREAD = 1.0  # of the logarithm of activity: who posts most posts some ten times as much as the median


def activity(nodes: int, seed: int) -> Array:
    """Each user's share of all posts: log-normal, as activity in social networks is to a first approximation."""
    luck = np.random.default_rng([seed, nodes])
    weights = np.exp(SPREAD * luck.standard_normal(nodes))
    return np.asarray(weights / weights.sum())


def authors(shares: Array, posts: int, seed: int) -> list[int]:
    """Who writes each of the posts, in order: everybody as many as their share asks for (rounded by lot), and those of
    one author spread evenly over the time."""
    luck = np.random.default_rng([seed, len(shares), posts])
    ends = np.cumsum(shares) * posts
    counts = np.diff(np.searchsorted(luck.random() + np.arange(posts), ends, side="left"), prepend=0)
    counts[-1] += posts - counts.sum()  # the last pointer, if rounding has put it beyond the end
    moments = [((k + luck.random()) / count, who) for who, count in enumerate(counts.tolist()) for k in range(count)]
    return [who for _, who in sorted(moments)]


def pause_of(ask: Ask) -> float:
    """Seconds between two posts of anybody: as in life, if everybody posts ten times a day."""
    as_in_life = DAY / (POSTS_A_DAY * ask.nodes)
    return min(as_in_life, MESH_PAUSE) if ask.mode == "mesh" else as_in_life


def measure(ask: Ask, report: Callable[[float], None]) -> Point:
    began = time.process_time()
    n, plan = ask.nodes, ask.plan
    setting = scale.Setting(overlay_of(ask.mode), n, NATED, ask.seed, sending_of(ask.mode))
    village = scale.Village(setting, lambda part, _: report(0.6 * part))
    net = village.net
    net.run_for(plan.settle)
    report(0.4)

    meter = Meter(net)

    graph = workload.follow_graph(n, ask.seed, mean=mean_follows(ask.graph, n), source=ask.graph)
    quiet = otherwise(lambda: meter.silence(plan.follow))
    meter.mark()
    _follow(net, graph, plan.follow)
    following = meter.since().beyond(quiet)
    registered = np.array([(status["registered_follows"], status["follows"]) for status in map(net.status, net.nodes)])
    report(0.6)

    shares = activity(n, ask.seed)
    pause = pause_of(ask)
    first = math.ceil(plan.live / pause) if ask.mode == "multicast" else 0
    turns = authors(shares, first + plan.posts, ask.seed)
    if first == 0:  # with broadcast nobody has to know where others are: only the network itself settles meanwhile
        net.run_for(plan.live)
    for i, who in enumerate(turns[:first]):
        net.nodes[who].post(_text(i, "z"))
        net.run_for(pause)
        report(0.6 + 0.2 * (i + 1) / first)
    turns = turns[first:]
    idle = otherwise(lambda: meter.silence(len(turns) * pause + LAST))
    report(0.8)
    meter.mark()
    posts = []
    for i, who in enumerate(turns):
        posts.append(net.nodes[who].post(_text(i)))
        net.run_for(pause)
        report(0.8 + 0.2 * (i + 1) / len(turns))
    net.run_for(LAST)
    talk = meter.since()
    single = alone(net, shares, ask, meter)
    net.check()

    beyond = talk.beyond(idle)
    per_post = {kind: float(beyond.bytes_of[kind].sum()) / len(posts) for kind in KINDS}
    rates = idle.total / idle.seconds + beyond.total / len(posts) * n * POSTS_A_DAY / DAY
    got, due, latencies = _arrived(net, posts)
    copies = sum(float(beyond.messages[kind].sum()) for kind in ("payload", "duplicate"))
    followers = graph.follower_counts()
    return Point(
        mode=ask.mode,
        graph=ask.graph,
        nodes=n,
        seed=ask.seed,
        nated=int(village.nated.sum()),
        follows_mean=graph.mean,
        followers_most=int(followers.max()),
        posts=len(posts),
        due_per_post=float(np.mean([len(net.audience(post).due()) for post in posts])),
        due=due,
        got=got,
        latency_p50_ms=1000 * float(np.percentile(latencies, 50)) if len(latencies) else 0.0,
        latency_p99_ms=1000 * float(np.percentile(latencies, 99)) if len(latencies) else 0.0,
        payload_post=per_post["payload"],
        duplicate_post=per_post["duplicate"],
        relay_post=per_post["relay"],
        control_post=per_post["control"],
        idle_payload=float(idle.bytes_of["payload"].mean() / idle.seconds),
        idle_duplicate=float(idle.bytes_of["duplicate"].mean() / idle.seconds),
        idle_relay=float(idle.bytes_of["relay"].mean() / idle.seconds),
        idle_control=float(idle.bytes_of["control"].mean() / idle.seconds),
        sent_p99=float(np.percentile(rates, 99)),
        uplink_B=single.uplink_B,
        uplink_copies=single.uplink_copies,
        copies=copies / max(1, got) + single.relays,
        follow_B=float(following.total.sum()) / max(1, len(graph.edges())),
        follows_registered=float(registered[:, 0].sum() / max(1, registered[:, 1].sum())),
        joined=village.joined,
        cpu_s=time.process_time() - began,
        events=net.events,
        digest=f"{net.digest():016x}",
    )


def _follow(net: np2p.Simulation, graph: workload.FollowGraph, seconds: float) -> None:
    """One after the other in the first half of the time: all at once they would be in each other's way."""
    for node, row in zip(net.nodes, graph):
        if row:
            node.follow(*(net.nodes[i] for i in row))
        net.run_for(seconds / 2 / len(graph))
    net.run_for(seconds / 2)


@dataclass(frozen=True)
class Alone:
    """Of posts while nobody else posted: what their authors sent for one in the mean, in bytes and copies, and how often
    a copy was passed on by a relay for each delivery."""

    uplink_B: float
    uplink_copies: float
    relays: float


def alone(net: np2p.Simulation, shares: Array, ask: Ask, meter: Meter) -> Alone:
    """Authors drawn by their activity, each once. They post three times, and the last is counted: whatever had to be
    looked up before does not change its way any more. How often a copy is passed on to a follower is its number of hops
    less one (counted messages would be blurred by everything else that relays carry); in a tree nobody relays."""
    luck = np.random.default_rng([ask.seed, ask.nodes, ask.plan.uplink])
    whose = luck.choice(len(shares), size=min(ask.plan.uplink, len(shares)), replace=False, p=shares)
    sent, copies, passed_on = [], [], []
    net.run_for(CALM)
    for i, who in enumerate(whose.tolist()):
        for which in ("v", "w"):
            net.nodes[who].post(_text(i, which))
            net.run_for(LOOKED_UP)
        meter.mark()
        post = net.nodes[who].post(_text(i, "y"))
        net.run_for(ALONE)
        found = meter.since()
        sent.append(sum(float(found.bytes_of[kind][who]) for kind in MOVING))
        copies.append(sum(float(found.messages[kind][who]) for kind in MOVING))
        if ask.mode == "multicast":
            passed_on += (net.deliveries(post)["hops"] - 1).tolist()
    return Alone(float(np.mean(sent)), float(np.mean(copies)), float(np.mean(passed_on or [0.0])))


def _text(number: int, first: str = "x") -> str:
    return f"{first}{TEXT[1:]} {number:09d}"


def _arrived(net: np2p.Simulation, posts: Sequence[np2p.Note]) -> tuple[int, int, Array]:
    got, due, tables = scale.reached(net, posts)
    latencies = [table["latency_s"] for table in tables]
    return got, due, np.concatenate(latencies) if latencies else np.empty(0)
