"""What only the simulator promises: the same run for the same seed, and measurements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import np2p
from np2p import minutes, seconds


def one_run(seed: int, text: str = "hello", *, memo: bool = True, overlay: str = "hyparview") -> tuple[int, int]:
    net = np2p.Simulation(seed=seed, memo=memo, overlay=overlay)
    nodes = net.add_nodes(10)
    net.bootstrap(within=minutes(3))
    nodes[3].post(text)
    net.run_for(seconds(30))
    return net.digest(), net.events


@pytest.mark.parametrize("overlay", ["hyparview", "mesh"])
def test_the_same_seed_gives_the_same_digest(overlay: str) -> None:
    assert one_run(7, overlay=overlay) == one_run(7, overlay=overlay)
    assert one_run(7, overlay=overlay) != one_run(8, overlay=overlay)


def test_one_changed_byte_changes_the_digest() -> None:
    assert one_run(7, "hello")[0] != one_run(7, "hellp")[0]


def test_the_memo_of_verified_signatures_changes_nothing() -> None:
    assert one_run(7) == one_run(7, memo=False)


def test_how_time_is_cut_changes_nothing() -> None:
    digests = set()
    for pieces in (1, 7, 50):
        net = np2p.Simulation(seed=4)
        nodes = net.add_nodes(6)
        net.bootstrap(within=minutes(3))
        nodes[0].post("in one go or in pieces")
        for _ in range(pieces):
            net.run_for(seconds(70) / pieces)
        net.run_for(seconds(1))
        digests.add(net.digest())
    assert len(digests) == 1


@pytest.mark.overlays("hyparview", "mesh")
def test_deliveries_are_measured(net: np2p.Network) -> None:
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(12)
    net.bootstrap(within=minutes(3))
    note = nodes[5].post("measure me")
    net.run_for(seconds(10))
    rows = net.deliveries(note)
    assert rows.dtype.names == ("node", "latency_s", "hops", "direct_latency_s")
    assert sorted(rows["node"]) == [i for i in range(12) if i != 5]
    assert (rows["latency_s"] >= rows["direct_latency_s"]).all() and (rows["direct_latency_s"] > 0).all()
    assert (rows["hops"] >= 1).all() and (rows["latency_s"] < 2).all()


@pytest.mark.overlays("hyparview", "mesh")
def test_traffic_adds_up(net: np2p.Network) -> None:
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(8, nat="none")
    net.bootstrap(within=minutes(3))
    before = net.traffic()
    nodes[0].post("x" * 1000)
    net.run_for(seconds(5))
    after = net.traffic()
    assert list(after["node"]) == list(range(8))
    for direction in ("in", "out"):
        parts = sum(after[f"{kind}_{direction}"] for kind in ("payload", "duplicate", "control", "relay"))
        assert np.array_equal(parts, after[f"bytes_{direction}"])
    assert (after["payload_in"] - before["payload_in"])[1:].min() > 1000
    assert after["bytes_out"].sum() >= after["bytes_in"].sum() > 0


@pytest.mark.overlays("mesh")
def test_the_mesh_is_a_full_mesh_where_it_can_be(net: np2p.Network) -> None:
    assert isinstance(net, np2p.Simulation)
    net.add_nodes(10, nat="none")
    net.bootstrap(within=minutes(3))
    net.run_for(minutes(2))
    edges = net.overlay_graph()
    assert {tuple(sorted(edge)) for edge in edges.tolist()} == {(a, b) for b in range(10) for a in range(b)}
    assert 0 < net.memory() < 200_000
    assert net.memory_by_node().shape == (10,)


@pytest.mark.overlays("hyparview", "mesh")
def test_memory_is_told_by_its_parts(net: np2p.Network) -> None:
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(12, nat="none")
    before = net.memory_by_node()
    net.bootstrap(within=minutes(3))
    for author in nodes:
        author.post("x" * 1000)
    net.run_for(seconds(10))
    nodes[5].crash()
    rows = net.memory_by_node()
    assert list(rows["node"]) == list(range(12))
    assert np.array_equal(rows["total"], sum(rows[part] for part in ("simnet", "store", "overlay", "feed")))
    assert rows["overlay"][5] == rows["feed"][5] == 0 and rows["store"][5] > 0, "only the disk outlives the process"
    running = np.arange(12) != 5
    assert (rows["overlay"][running] > before["overlay"][running] + 1000).all(), "links, views or topology"
    assert (rows["feed"][running] > before["feed"][running]).all(), "ids of posts seen"
    assert rows["total"][running].max() < 200_000 and net.memory() == pytest.approx(rows["total"].mean())


def test_a_node_of_a_large_network_is_small() -> None:
    """The aim is 20 kB for a whole node, its records, links and 100 broadcasts included."""
    net = np2p.Simulation(seed=3)
    nodes = net.add_nodes(300)
    net.bootstrap(within=minutes(5))
    for author in nodes[:100]:
        author.post("a line or two")
        net.run_for(seconds(1))
    net.run_for(seconds(30))
    rows = net.memory_by_node()
    assert 5_000 < rows["total"].mean() < 60_000


def test_numbers_of_the_overlay_can_be_set() -> None:
    def degrees(**config: Any) -> tuple[float, int]:
        net = np2p.Simulation(seed=5)
        nodes = net.add_nodes(40, nat="none", **config)
        net.bootstrap(within=minutes(3))
        net.run_for(minutes(3))
        return max(net.status(node)["active"] for node in nodes), net.digest()

    assert degrees()[0] == 16
    assert degrees(active_reachable=5)[0] == 5
    small: dict[str, Any] = dict(
        active_reachable=5, random_active=1, passive=20, arwl=4, prwl=2, shuffle_active=2, shuffle_passive=3
    )
    more: dict[str, Any] = dict(active=4, shuffle_ttl=3, shuffle_every=30, clients=10)
    digests = {degrees(**small, **more, nearer_every=every)[1] for every in (15.0, 0, None)}
    assert len(digests) == 2, "0 and None are the same: no swaps for nearer neighbours"


def test_active_views_are_part_of_the_overlay_graph() -> None:
    net = np2p.Simulation(seed=6)
    net.add_nodes(30, nat="none", active_reachable=4, external=True)
    net.bootstrap(within=minutes(3))
    net.run_for(minutes(3))
    links = {tuple(sorted(link)) for link in net.overlay_graph().tolist()}
    views = net.overlay_graph(active=True).tolist()
    assert {tuple(sorted(row)) for row in views} < links, "fingers are links, too"
    assert {(a, b) for a, b in views} == {(b, a) for a, b in views}
    assert [sum(row[0] == node.index for row in views) for node in net.nodes] == [
        net.status(node)["active"] for node in net.nodes
    ]


def test_equal_delays_can_be_had() -> None:
    net = np2p.Simulation(seed=2, base_delay=0.025, jitter=0, plane=0)
    nodes = net.add_nodes(20, nat="none")
    net.bootstrap(within=minutes(3))
    note = nodes[7].post("as far from everybody")
    net.run_for(seconds(10))
    rows = net.deliveries(note)
    assert rows["direct_latency_s"] == pytest.approx(0.025)
    assert len(rows) == 19 and rows["latency_s"].min() == pytest.approx(0.025, abs=0.005)


def test_a_keyboard_interrupt_stops_a_run_and_the_world_goes_on(net: np2p.Network) -> None:
    import signal

    nodes = net.add_nodes(16)
    net.bootstrap(within=minutes(3))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            net.run_for(np2p.days(3650))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    note = nodes[2].post("still here")
    assert net.eventually(lambda: net.delivery_ratio(note) == 1.0, within=minutes(1))


def test_notes_compare_by_id(net: np2p.Network) -> None:
    alice, bob = net.add_nodes(2, nat="none")
    net.bootstrap(within=minutes(3))
    note = alice.post("who am I?")
    net.run_for(seconds(5))
    (received,) = bob.timeline()
    assert received == note and hash(received) == hash(note) and str(note) == note.id
    assert note != "not a note" and received in {note}
    assert [received] == bob.timeline(limit=1) and bob.timeline(limit=0) == []
    assert np.isclose(net.delivery_ratio(note), 1.0)
