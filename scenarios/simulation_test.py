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
    net.run_for(minutes(2))  # payloads are kept for a minute for those who missed them
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


def test_a_network_can_be_used_in_a_with_statement() -> None:
    with np2p.Simulation(seed=1) as net:
        assert isinstance(net, np2p.Simulation)
        assert len(net.add_nodes(2, nat="none")) == 2
    with pytest.raises(KeyError), np2p.Simulation(seed=1):
        raise KeyError("what happens inside is not swallowed")


def neighbours(*, hairpin: bool, shared: bool) -> tuple[np2p.Simulation, list[np2p.Node]]:
    net = np2p.Simulation(seed=3, overlay="mesh")
    net.add_node(nat="none")
    box = np2p.Nat(filtering="endpoint_independent", hairpin=hairpin)
    if shared:
        nodes = net.add_nodes(3, nat="none", behind=net.add_nat(box))
    else:
        nodes = net.add_nodes(3, nat=box)
    net.bootstrap(within=minutes(3))
    net.run_for(minutes(2))
    return net, nodes


def test_only_neighbours_behind_one_box_can_use_its_hairpin() -> None:
    """They dial each other's outside address, as the mesh does with everybody: the box answers them or does not."""
    shared = {hairpin: neighbours(hairpin=hairpin, shared=True)[0].digest() for hairpin in (False, True)}
    alone = {hairpin: neighbours(hairpin=hairpin, shared=False)[0].digest() for hairpin in (False, True)}
    assert shared[False] != shared[True]
    assert alone[False] == alone[True]
    assert shared[True] != alone[True]


def test_servers_behind_a_shared_box_take_part() -> None:
    net, nodes = neighbours(hairpin=False, shared=True)
    assert all(node.nat is not None for node in nodes)
    note = nodes[0].post("to the neighbours, around the corner")
    assert net.eventually(lambda: all(node.has(note) for node in net.nodes), within=minutes(1))
    second = net.add_node(nat="symmetric", behind=net.add_nat(np2p.Nat()))  # a home behind a provider's box
    net.bootstrap(within=minutes(3))
    assert net.eventually(lambda: second.post("from the second row") is not None, within=minutes(1))


def test_a_shared_box_used_wrongly_is_an_error() -> None:
    net, other = np2p.Simulation(seed=1), np2p.Simulation(seed=1)
    deep = np2p.Nat(outer=np2p.Nat())
    with pytest.raises(TypeError, match="nat must be a Nat"):
        net.add_nat("symmetric")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="behind must be a box of add_nat"):
        net.add_node(behind=np2p.Nat())
    with pytest.raises(ValueError, match="of this network"):
        net.add_node(behind=other.add_nat(np2p.Nat()))
    with pytest.raises(ValueError, match="at most two boxes"):
        net.add_node(nat=deep, behind=net.add_nat(np2p.Nat()))
    with pytest.raises(ValueError, match="at most two boxes"):
        net.add_node(nat="symmetric", behind=net.add_nat(deep))
    assert not net.nodes
