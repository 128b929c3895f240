"""Does the simulator tell the truth? The same 16 servers and the same schedule in both worlds, side by side.

Which server is whose neighbour is drawn by lot, and the real world draws other lots than the simulated one. So the real
run is compared with the mean of several seeds; the table has the lowest and the highest of them as well.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

import np2p

sys.path.insert(0, str(Path(__file__).resolve().parent))
from worlds import DYING, NATS, Play, play  # noqa: E402 - beside this file, wherever pytest was started

OUT = Path(__file__).resolve().parents[2] / "out" / "fidelity.csv"
SEEDS = range(1, 9)
TOLERANCE = 0.10
PERCENTILES = (0, 50, 90, 99, 100)
Rows = list[list[str]]


@pytest.mark.both
def test_sixteen_servers_count_the_same_in_both_worlds(net: np2p.Network) -> None:
    made = play(net)
    assert made.duplicates == 0
    if net.kind == "sim":
        return
    # The delays of this machine's namespaces are next to nothing: the simulator gets the least that it takes.
    simulated = [play(np2p.Simulation(seed=seed, base_delay=0.001, jitter=0, plane=0)) for seed in SEEDS]
    _show(simulated, made)
    for one in simulated:
        assert one.first_deliveries == made.first_deliveries, "first deliveries"
        assert one.duplicates == made.duplicates, "duplicates"
    _assert_near("payload", [one.payload for one in simulated], made.payload)
    # A dozen messages, more or fewer by who is whose neighbour: the mean of the seeds says little, their range does.
    relayed = [one.relayed for one in simulated]
    assert (1 - TOLERANCE) * min(relayed) <= made.relayed <= (1 + TOLERANCE) * max(relayed), "routed for others"
    for reachable in (True, False):
        _assert_near("control", [one.control_of(reachable) for one in simulated], made.control_of(reachable))


def _assert_near(what: str, simulated: list[float], real: float) -> None:
    ratio = float(np.mean(simulated)) / real
    assert 1 - TOLERANCE <= ratio <= 1 + TOLERANCE, f"{what}: the simulator counts {ratio:.3f} of what is real"


def _show(simulated: list[Play], real: Play) -> None:
    rows: Rows = [["what", "simulated", "lowest", "highest", "real", "simulated/real"]]

    def row(what: str, ours: list[float], theirs: float, digits: int = 0) -> None:
        mean = float(np.mean(ours))
        ratio = f"{mean / theirs:.3f}" if theirs else ""
        rows.append([what, *(f"{one:.{digits}f}" for one in (mean, min(ours), max(ours), theirs)), ratio])

    row("first deliveries", [sum(one.first_deliveries) for one in simulated], sum(real.first_deliveries))
    row("duplicates received, network-wide", [one.duplicates for one in simulated], real.duplicates)
    row("payload sent, network-wide, bytes", [one.payload for one in simulated], real.payload)
    row("routed for others, network-wide, bytes", [one.relayed for one in simulated], real.relayed)
    for name, reachable in (("reachable", True), ("behind NAT", False)):
        ours = [one.control_of(reachable) for one in simulated]
        row(f"control sent per node {name}, bytes", ours, real.control_of(reachable))
    for share in PERCENTILES:
        ours = [1000 * float(np.percentile(one.latencies, share)) for one in simulated]
        row(f"latency, {share} %, ms", ours, 1000 * float(np.percentile(real.latencies, share)), 1)
    for node, nat in enumerate(NATS):
        name = f"node {node} ({nat}{', dies' if node == DYING else ''})"
        row(f"{name}: first deliveries", [one.first_deliveries[node] for one in simulated], real.first_deliveries[node])
        row(f"{name}: control sent, bytes", [one.control[node] for one in simulated], real.control[node])
    OUT.parent.mkdir(exist_ok=True)
    with OUT.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    print("\n" + "\n".join(f"{one[0]:52}" + "".join(f"{cell:>15}" for cell in one[1:]) for one in rows))
