"""Does the simulator tell the truth? The same 16 servers and the same schedule in both worlds, side by side.

Which server is whose neighbour is drawn by lot, and the real world draws other lots than the simulated one: what control
costs differs by some percent from draw to draw in either. So three real networks play at the same time, and their mean is
compared with that of eight seeds; the table has the lowest and the highest of them as well.
"""

from __future__ import annotations

import csv
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Callable

import numpy as np
import pytest

import np2p

sys.path.insert(0, str(Path(__file__).resolve().parent))
from worlds import DYING, NATS, Play, play  # noqa: E402 - beside this file, wherever pytest was started

OUT = Path(__file__).resolve().parents[2] / "out" / "fidelity.csv"
SEEDS = range(1, 9)
REAL_RUNS = 3
TOLERANCE = 0.10
SUPERFLUOUS = 0.02  # duplicates by delivery
PERCENTILES = (0, 50, 90, 99, 100)
Rows = list[list[str]]


@pytest.mark.both
def test_sixteen_servers_count_the_same_in_both_worlds(net: np2p.Network) -> None:
    if net.kind == "sim":
        assert _superfluous(play(net)) <= SUPERFLUOUS
        return
    real = _play_real(net)
    # The delays of this machine's namespaces are next to nothing: the simulator gets the least that it takes.
    simulated = [play(np2p.Simulation(seed=seed, base_delay=0.001, jitter=0, plane=0)) for seed in SEEDS]
    _show(simulated, real)
    for one in simulated + real:
        assert one.first_deliveries == real[0].first_deliveries, "first deliveries"
        assert _superfluous(one) <= SUPERFLUOUS, "duplicates"
    _assert_near("payload", [one.payload for one in simulated], [one.payload for one in real])
    # Eight messages. One that is on its way over the server that dies takes further hops: so the median of the real ones,
    # and the range of the seeds.
    relayed = [one.relayed for one in simulated]
    routed = float(np.median([one.relayed for one in real]))
    assert (1 - TOLERANCE) * min(relayed) <= routed <= (1 + TOLERANCE) * max(relayed), "routed for others"
    for reachable in (True, False):
        ours = [one.control_of(reachable) for one in simulated]
        _assert_near("control", ours, [one.control_of(reachable) for one in real])


def _play_real(net: np2p.Network) -> list[Play]:
    """In this network and in two more beside it: real servers mostly wait."""
    others = [np2p.RealNetwork(seed=net.seed + 100 + i, overlay=net.overlay) for i in range(REAL_RUNS - 1)]
    try:
        with ThreadPoolExecutor(REAL_RUNS) as pool:
            return list(pool.map(play, [net, *others]))
    finally:
        for other in others:
            other.close()


def _superfluous(made: Play) -> float:
    """Duplicates by delivery. While the trees are mended after the death, a pulled post may meet one on its way."""
    return made.duplicates / sum(made.first_deliveries)


def _assert_near(what: str, simulated: list[float], real: list[float]) -> None:
    ratio = float(np.mean(simulated)) / float(np.mean(real))
    assert 1 - TOLERANCE <= ratio <= 1 + TOLERANCE, f"{what}: the simulator counts {ratio:.3f} of what is real"


def _show(simulated: list[Play], real: list[Play]) -> None:
    heads = ["what", "simulated", "lowest", "highest", "real", "lowest", "highest", "simulated/real"]
    rows: Rows = [heads]

    def row(what: str, value: Callable[[Play], float], digits: int = 0) -> None:
        ours, theirs = [value(one) for one in simulated], [value(one) for one in real]
        means = float(np.mean(ours)), float(np.mean(theirs))
        ratio = f"{means[0] / means[1]:.3f}" if means[1] else ""
        cells = (means[0], min(ours), max(ours), means[1], min(theirs), max(theirs))
        rows.append([what, *(f"{one:.{digits}f}" for one in cells), ratio])

    row("first deliveries", lambda one: sum(one.first_deliveries))
    row("duplicates received, network-wide", lambda one: one.duplicates)
    row("payload sent, network-wide, bytes", lambda one: one.payload)
    row("routed for others, network-wide, bytes", lambda one: one.relayed)
    for name, reachable in (("reachable", True), ("behind NAT", False)):
        row(f"control sent per node {name}, bytes", partial(Play.control_of, reachable=reachable))
    for share in PERCENTILES:
        row(f"latency, {share} %, ms", partial(_latency_ms, share=share), 1)
    for node, nat in enumerate(NATS):
        name = f"node {node} ({nat}{', dies' if node == DYING else ''})"
        row(f"{name}: first deliveries", partial(_of_node, counts="first_deliveries", node=node))
        row(f"{name}: control sent, bytes", partial(_of_node, counts="control", node=node))
    OUT.parent.mkdir(exist_ok=True)
    with OUT.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    print("\n" + "\n".join(f"{one[0]:52}" + "".join(f"{cell:>15}" for cell in one[1:]) for one in rows))


def _latency_ms(made: Play, share: int) -> float:
    return 1000 * float(np.percentile(made.latencies, share))


def _of_node(made: Play, counts: str, node: int) -> float:
    return float(getattr(made, counts)[node])
