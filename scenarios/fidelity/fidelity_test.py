"""Does the simulator tell the truth? The same 16 servers and the same schedule in both worlds, side by side.

Which server is whose neighbour is drawn by lot, and the real world draws other lots than the simulated one. What every
draw must give alike (deliveries, payload, hardly any duplicates) is compared with each seed or their mean. What depends on the draw
(control, bytes routed for others) differs by several percent from seed to seed and from one real run to the next: one
real draw is held against the range of the simulated ones, widened by the tolerance. The table has the means beside it.
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
SUPERFLUOUS = 0.02  # of all deliveries, in one draw
PERCENTILES = (0, 50, 90, 99, 100)
Rows = list[list[str]]


@pytest.mark.both
def test_sixteen_servers_count_the_same_in_both_worlds(net: np2p.Network) -> None:
    made = play(net)
    # Who loses the link that a post should come over may get it twice: in some draws a few of all deliveries.
    few = SUPERFLUOUS * sum(made.first_deliveries)
    assert made.duplicates <= few
    if net.kind == "sim":
        return
    # The delays of this machine's namespaces are next to nothing: the simulator gets the least that it takes.
    simulated = [play(np2p.Simulation(seed=seed, base_delay=0.001, jitter=0, plane=0)) for seed in SEEDS]
    _show(simulated, made)
    for one in simulated:
        assert one.first_deliveries == made.first_deliveries, "first deliveries"
        assert one.duplicates <= few, "duplicates"
    payload = float(np.mean([one.payload for one in simulated])) / made.payload
    assert 1 - TOLERANCE <= payload <= 1 + TOLERANCE, f"payload: the simulator counts {payload:.3f} of what is real"
    # These are eight messages of some 470 bytes: one or two more or fewer hops are no other behaviour.
    hops = 2 * 500.0
    routed = [one.relayed for one in simulated]
    assert min(routed) - hops <= made.relayed <= max(routed) + hops, f"routed for others: {made.relayed}, not {routed}"
    for reachable in (True, False):
        name = f"control per node {'reachable' if reachable else 'behind NAT'}"
        _assert_drawn_alike(name, [one.control_of(reachable) for one in simulated], made.control_of(reachable))


def _assert_drawn_alike(what: str, simulated: list[float], real: float) -> None:
    low, high = (1 - TOLERANCE) * min(simulated), (1 + TOLERANCE) * max(simulated)
    assert (
        low <= real <= high
    ), f"{what}: {real:.0f} bytes are real, simulated were {min(simulated)} to {max(simulated)}"


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
