"""The network is cut in two, and grows together again."""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.seeds(per_commit=3, nightly=50)
def test_a_partition_heals(net: np2p.Network) -> None:
    east, west = net.add_nodes(5, nat="none"), net.add_nodes(5, nat="port_restricted")
    net.bootstrap(within=minutes(3))
    net.partition(east, west)
    net.run_for(minutes(3))

    here, there = east[0].post("anybody out west?"), west[0].post("it is quiet here")
    net.run_for(minutes(1))
    assert net.delivery_ratio(here, to=east) == 1.0
    assert net.delivery_ratio(here, to=west) == 0.0
    assert net.delivery_ratio(there, to=east) == 0.0

    net.heal()
    net.bootstrap(within=minutes(15))
    note = west[1].post("there you are")
    assert net.eventually(lambda: net.delivery_ratio(note) == 1.0, within=minutes(1))


def _until_one(net: np2p.Simulation, authors: list[np2p.Node], within: float) -> float:
    """Everybody in turn posts, until what is new reaches everybody. After how many seconds."""
    start = net.now
    while net.now < start + within:
        notes = [author.post("is anybody else there?") for author in authors]
        net.run_for(seconds(15))
        if all(net.delivery_ratio(note) == 1.0 for note in notes):
            return net.now - start
    raise AssertionError(f"still in parts after {within:.0f} s")


@pytest.mark.seeds(per_commit=1, nightly=20)
def test_a_cut_of_ten_minutes_is_found_to_be_over(net: np2p.Simulation) -> None:
    """By then each side has views and a directory of its own. References that servers behind NAT still have, and the
    guard, bring them together, whichever comes first."""
    east = net.add_nodes(12, nat="none") + net.add_nodes(18, nat="port_restricted")
    west = net.add_nodes(12, nat="none") + net.add_nodes(18, nat="port_restricted")
    net.bootstrap(within=minutes(5))
    net.run_for(minutes(5))
    net.partition(east, west)
    net.run_for(minutes(10))
    here, there = east[0].post("anybody out west?"), west[0].post("it is quiet here")
    net.run_for(minutes(1))
    assert [net.delivery_ratio(here, to=east), net.delivery_ratio(here, to=west)] == [1.0, 0.0]
    assert [net.delivery_ratio(there, to=west), net.delivery_ratio(there, to=east)] == [1.0, 0.0]
    net.heal()
    took = _until_one(net, [east[5], west[5], east[20], west[20]], minutes(8))
    merged = sum(net.status(node)["merged"] for node in net.nodes)
    print(f"\none network again after {took:.0f} s, found by the guard {merged} times, seed {net.seed}")


@pytest.mark.seeds(per_commit=1, nightly=20)
def test_two_networks_that_never_met_become_one(net: np2p.Simulation) -> None:
    """The way from one to the other was shut when they began. Each server was told of it and has not tried it since."""
    east = net.add_nodes(12, nat="none") + net.add_nodes(12, nat="port_restricted")
    west = net.add_nodes(1, nat="none", bootstrap=[east[0]])
    west += net.add_nodes(11, nat="none", bootstrap=[west[0], east[0]])
    west += net.add_nodes(12, nat="port_restricted", bootstrap=[west[0], east[0]])
    net.partition(east, west)
    net.run_for(minutes(10))
    there = west[3].post("are we all?")
    net.run_for(minutes(1))
    assert [net.delivery_ratio(there, to=west), net.delivery_ratio(there, to=east)] == [1.0, 0.0]
    net.heal()
    took = _until_one(net, [east[5], west[5], east[20], west[20]], minutes(8))
    print(f"\none network after {took:.0f} s, seed {net.seed}")
    assert sum(net.status(node)["merged"] for node in net.nodes) > 0


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.seeds(per_commit=2, nightly=50)
def test_loss_delays_and_loses_nothing(net: np2p.Network) -> None:
    nodes = net.add_nodes(8)
    net.bootstrap(within=minutes(3))
    net.apply(np2p.Fault.loss(0.2))
    notes = [node.post("can you hear me?") for node in nodes]
    assert net.eventually(lambda: all(net.delivery_ratio(note) == 1.0 for note in notes), within=minutes(2))


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.both
def test_somebody_moves_to_another_address(net: np2p.Network) -> None:
    alice, bob = net.add_nodes(2, nat=["none", "port_restricted"])
    net.bootstrap(within=minutes(3))
    bob.go_offline()
    net.run_for(seconds(5))
    bob.come_online(new_address=True)
    assert net.eventually(lambda: _arrives(alice, bob), within=minutes(5), every=seconds(5))


def _arrives(sender: np2p.Node, receiver: np2p.Node) -> bool:
    note = sender.post("are you there now?")
    sender.network.run_for(seconds(2))
    return receiver.has(note)
