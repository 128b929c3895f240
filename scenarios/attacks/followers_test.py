"""Followers who mean ill: they give no receipts, or say FOLLOW without end, for themselves and for users that do not
exist. Each run stands beside the same network with honest ones.

    ./dev pytest scenarios/attacks/followers_test.py -s
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import np2p
from np2p import minutes, seconds

HONEST, BAD, POSTS = 16, 8, 30
NEWCOMERS = 6


@dataclass
class Outcome:
    sent: int  # bytes by the author, from the first post on
    state: int  # bytes of memory that the author's process has more in the end
    p99: float  # latency of honest followers, seconds
    missing: int  # deliveries to them
    followers: int  # that the author's server has in the end

    def __str__(self) -> str:
        return (
            f"author sent {self.sent / 1000:.0f} kB, state {self.state / 1000:+.0f} kB, {self.followers} followers; honest "
            f"followers: p99 {self.p99 * 1000:.0f} ms, {self.missing} missing"
        )


def _post(net: np2p.Simulation, behaviour: str, every: float) -> Outcome:
    honest = net.add_nodes(HONEST, nat="mixed", mode="multicast")
    bad = net.add_nodes(
        BAD // 2, nat="none", mode="multicast", behaviour=behaviour
    )  # they speak over a link of their own,
    bad += net.add_nodes(BAD // 2, nat="symmetric", mode="multicast", behaviour=behaviour)  # and these over relays
    author = net.add_node(nat="port_restricted", mode="multicast")
    net.bootstrap(within=minutes(5))

    def state() -> int:
        row = net.memory_by_node()[author.index]
        return int(row["overlay"] + row["feed"] + row["store"])

    for node in honest:
        node.follow(author)
    net.run_for(minutes(1))
    before = state()
    for node in bad:
        node.follow(author)
    net.run_for(minutes(2))
    sent = net.traffic()["bytes_out"][author.index]
    notes = []
    for number in range(POSTS):
        notes.append(author.post(f"number {number}: " + "what one writes, " * 20))
        net.run_for(every)
    net.run_for(minutes(1))
    indices = {node.index for node in honest}
    rows = [net.deliveries(note) for note in notes]
    latencies = np.concatenate([row["latency_s"][np.isin(row["node"], list(indices))] for row in rows])
    return Outcome(
        sent=int(net.traffic()["bytes_out"][author.index] - sent),
        state=state() - before,
        p99=float(np.percentile(latencies, 99)),
        missing=len(notes) * HONEST - len(latencies),
        followers=int(net.status(author)["followers"]),
    )


@pytest.mark.seeds(per_commit=1, nightly=10)
def test_a_third_of_the_followers_give_no_receipts_and_nobody_else_pays(net: np2p.Simulation) -> None:
    """Who gave none is behind and gets no more copies, only word that there is something, less and less often."""
    peace = _post(np2p.Simulation(seed=net.seed), "honest", seconds(20))
    attacked = _post(np2p.Simulation(seed=net.seed), "silent_follower", seconds(20))
    extra = (attacked.sent - peace.sent) / BAD / POSTS
    print(f"\nseed {net.seed}, honest: {peace}\n{BAD} of {HONEST + BAD} give no receipts: {attacked}")
    print(f"for each of them and each post the author sends {extra:+.0f} bytes more than for an honest one")
    assert attacked.missing == peace.missing == 0
    assert attacked.p99 <= 1.2 * peace.p99 + 0.05
    assert extra <= 500, "less than half of a copy"


@pytest.mark.seeds(per_commit=1, nightly=10)
def test_a_flood_of_follows_grows_nothing_and_delays_nobody(net: np2p.Simulation) -> None:
    """Half of them for users that do not exist; one can only register for who one is."""
    peace = _post(np2p.Simulation(seed=net.seed), "honest", seconds(10))
    world = np2p.Simulation(seed=net.seed)
    attacked = _post(world, "flooding_follower", seconds(10))
    refused = sum(count for what, count in world.rejections(world.nodes[-1]).items())
    lasted = POSTS * seconds(10) + minutes(1)
    print(f"\nseed {net.seed}, honest: {peace}\n{BAD} flood with FOLLOWs: {attacked}; {refused} refused")
    rate = (attacked.sent - peace.sent) / lasted
    print(f"the author sends {rate / 1000:.1f} kB/s more, {rate / BAD / 1000:.2f} kB/s to each of those who flood")
    assert refused > 1000, "nobody flooded"
    assert attacked.followers == HONEST + BAD
    assert attacked.missing == peace.missing == 0
    assert attacked.p99 <= 1.5 * peace.p99 + 0.1
    assert attacked.state - peace.state <= 2 * 1024 * 1024, "more than the contacts of 4,096 strangers"
    assert rate <= 15_000


def _newcomers(net: np2p.Simulation, behaviour: str, flooding: int) -> tuple[list[float], float]:
    """How long it takes until each of some is registered with the author, and what the author sends per second."""
    bad = net.add_nodes(flooding // 2, nat="none", mode="multicast", behaviour=behaviour)
    bad += net.add_nodes(flooding // 2, nat="symmetric", mode="multicast", behaviour=behaviour)
    newcomers = net.add_nodes(NEWCOMERS, nat="mixed", mode="multicast")
    net.add_nodes(8, nat="none", mode="multicast")
    author = net.add_node(nat="port_restricted", mode="multicast")
    net.bootstrap(within=minutes(5))
    author.set_profile(name="author", about="whom many follow, " * 20)
    for number in range(60):
        author.post(f"number {number}")
    for node in bad:
        node.follow(author)
    net.run_for(minutes(1))
    sent, begun = net.traffic()["bytes_out"][author.index], net.now
    took = []
    for node in newcomers:
        start = net.now
        node.follow(author)
        net.eventually(lambda: net.status(node)["registered_follows"] == 1, within=minutes(2), every=seconds(0.1))
        took.append(net.now - start)
        net.run_for(seconds(5))
    net.run_for(minutes(1))
    return took, (net.traffic()["bytes_out"][author.index] - sent) / (net.now - begun)


@pytest.mark.parametrize("flooding", [2, 8])
@pytest.mark.seeds(per_commit=2, nightly=10)
def test_newcomers_are_registered_while_others_flood(net: np2p.Simulation, flooding: int) -> None:
    """Under one key and under many: each of those who flood says FOLLOW 50 times a second."""
    quiet, idle = _newcomers(np2p.Simulation(seed=net.seed), "honest", flooding)
    world = np2p.Simulation(seed=net.seed)
    took, rate = _newcomers(world, "flooding_follower", flooding)
    refused = world.rejections(world.nodes[-1])
    print(f"\nseed {net.seed}: {flooding} flood; newcomers registered after {[round(t, 1) for t in took]} s", end="")
    print(f" ({[round(t, 1) for t in quiet]} s without a flood); author sends {(rate - idle) / 1000:+.1f} kB/s")
    print(f"refused: {dict(sorted(refused.items()))}")
    assert sum(refused.values()) > 1000, "nobody flooded"
    assert max(took) <= 10
    assert rate - idle <= 15_000
