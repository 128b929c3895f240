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
