"""Followers in cells: the author's server sends one copy to each cell's head, and heads send on.

./dev pytest scenarios/delivery -s
"""

from __future__ import annotations

import numpy as np
import pytest

import np2p
from np2p import minutes, seconds

TEXT = "what one writes in a minute, " * 20


def celebrity(net: np2p.Network, reachable: int, hidden: int) -> tuple[np2p.Node, list[np2p.Node]]:
    """One whom all others follow, behind NAT as most; and everybody's server is known to it."""
    nodes = net.add_nodes(reachable, nat="none", mode="multicast") + net.add_nodes(hidden, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(5))
    author, followers = nodes[reachable], nodes[:reachable] + nodes[reachable + 1 :]
    for follower in followers:
        follower.follow(author)
    net.run_for(minutes(1))
    author.post("the first, after which everybody's server is known")
    net.run_for(minutes(1))
    return author, followers


@pytest.mark.seeds(per_commit=1, nightly=10)
def test_everybody_gets_a_post_once_by_few_copies_and_heads_may_die(net: np2p.Network) -> None:
    """400 servers, four of five behind NAT. What a delivery costs is printed with -s."""
    assert isinstance(net, np2p.Simulation)
    author, followers = celebrity(net, 80, 320)
    author.post("the second, for which there are cells: " + TEXT)
    net.run_for(seconds(20))
    status = net.status(author)
    assert 4 <= status["cells"] <= 48 and status["largest_cell"] <= 96

    before = net.traffic()
    note = author.post("to all of you: " + TEXT)
    net.run_for(seconds(1.9))
    after = net.traffic()
    sent = {kind: after[f"{kind}_out_msgs"] - before[f"{kind}_out_msgs"] for kind in ("payload", "relay")}
    due = len(followers)
    large = 1000  # bytes: receipts, which are relayed, too, are smaller
    carried = float((after["relay_out"] - before["relay_out"]).sum())
    table = net.deliveries(note)
    latency = table["latency_s"] - table["direct_latency_s"]
    copies = int(sent["payload"][author.index])
    relayed = float((table["hops"] - 1).mean())
    print(
        f"\n{due} followers in {status['cells']} cells, the largest of {status['largest_cell']}: {copies} copies by the"
        f" author; a delivery came over {relayed:.2f} relays in the mean, {carried / due:.0f} bytes were relayed for it,"
        f" {1000 * float(np.percentile(latency, 50)):.0f} ms (p99 {1000 * float(np.percentile(latency, 99)):.0f})"
        f" over the direct delay; {int(sent['relay'].sum())} messages relayed, receipts included"
    )
    assert net.delivery_ratio(note, to=followers) == 1.0
    assert int((after["duplicate_in_msgs"] - before["duplicate_in_msgs"]).sum()) == 0
    assert copies <= 48 and large > 0

    # Three heads lose power at once: nobody is told.
    heads = [node for node in followers if net.status(node)["cells_led"] > 0][:6]
    for node in heads:
        node.power_off()
    others = [node for node in followers if node not in heads]
    missed = author.post("without some of you: " + TEXT)
    net.run_for(seconds(6))
    soon = net.delivery_ratio(missed, to=others)
    print(f"{len(heads)} heads or backups without power: after 6 s {100 * soon:.2f} % have it")
    assert soon >= 0.95
    assert net.eventually(lambda: net.delivery_ratio(missed, to=others) == 1.0, within=minutes(2))
    for node in heads:
        node.restart()
    assert net.eventually(lambda: all(node.has(missed) for node in heads), within=minutes(10))
