"""Who was cut off or away gets what was broadcast meanwhile, at little more than the cost of the posts themselves."""

from __future__ import annotations

from typing import Callable

import numpy as np
import pytest

import np2p
from np2p import hours, minutes, seconds


def _sent(net: np2p.Simulation, what: str) -> int:
    return int(net.traffic()[what].sum())


def _measured(net: np2p.Simulation, done: Callable[[], bool], missing: int, within: float) -> dict[str, float]:
    """How long it takes until it is done, and how many payloads that was for each that was missing."""
    start, before, duplicates = net.now, _sent(net, "payload_out_msgs"), _sent(net, "duplicate_in_msgs")
    wire = _sent(net, "bytes_out")
    assert net.eventually(done, within=within, every=seconds(1))
    took, spent = net.now - start, _sent(net, "bytes_out") - wire
    net.run_for(minutes(2))  # what comes too late counts as well
    return {
        "seconds": took,
        "payloads per missing one": (_sent(net, "payload_out_msgs") - before) / missing,
        "duplicates per missing one": (_sent(net, "duplicate_in_msgs") - duplicates) / missing,
        "wire bytes per node": spent / len(net.nodes),
    }


@pytest.mark.overlays("hyparview")
@pytest.mark.seeds(per_commit=2, nightly=20)
def test_both_halves_of_a_healed_network_learn_what_the_other_said(net: np2p.Network) -> None:
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(60)
    net.bootstrap(within=minutes(5))
    net.run_for(minutes(2))
    east, west = nodes[::2], nodes[1::2]
    net.partition(east, west)
    notes = []
    for i in range(10):
        notes += [east[i].post(f"east {i}"), west[i].post(f"west {i}")]
        net.run_for(minutes(1))
    assert all(net.delivery_ratio(note) < 0.6 for note in notes)
    net.heal()
    figures = _measured(
        net, lambda: all(net.delivery_ratio(note) == 1.0 for note in notes), len(notes) * 30, within=minutes(5)
    )
    print(figures)
    assert figures["payloads per missing one"] <= 1.1
    assert figures["duplicates per missing one"] <= 0.1


@pytest.mark.overlays("hyparview")
@pytest.mark.seeds(per_commit=2, nightly=20)
def test_halves_that_have_forgotten_each_other_learn_what_the_other_said(net: np2p.Network) -> None:
    """After three hours no view and no directory holds anybody of the other half: somebody has to find it first."""
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(60)
    net.bootstrap(within=minutes(5))
    net.run_for(minutes(5))
    east, west = nodes[::2], nodes[1::2]
    net.partition(east, west)
    notes = []
    for i in range(18):
        notes += [east[i].post(f"east {i}"), west[i].post(f"west {i}")]
        net.run_for(minutes(10))
    assert all(net.delivery_ratio(note) < 0.6 for note in notes)
    net.heal()
    figures = _measured(
        net, lambda: all(net.delivery_ratio(note) == 1.0 for note in notes), len(notes) * 30, within=minutes(10)
    )
    found = sum(net.status(node)["merged"] for node in nodes)
    print(figures, f"found by {found} guards")
    assert figures["payloads per missing one"] <= 1.1


@pytest.mark.overlays("hyparview")
@pytest.mark.seeds(per_commit=2, nightly=20)
def test_who_was_away_for_an_hour_gets_all_of_it(net: np2p.Network) -> None:
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(40)
    net.bootstrap(within=minutes(5))
    away = nodes[17]
    net.run_for(minutes(2))
    before = away.post("good night")
    net.run_for(seconds(10))
    away.crash()
    notes = []
    for i in range(40):
        notes.append(nodes[i % 16].post(f"while you were away: {i}"))
        net.run_for(hours(1) / 40)
    away.restart()
    assert not any(away.has(note) for note in notes)
    figures = _measured(net, lambda: all(away.has(note) for note in notes), len(notes), within=minutes(1))
    print(figures)
    assert away.has(before)
    assert figures["payloads per missing one"] <= 1.1
    # Nothing of it goes on from there: the others have it.
    traffic = net.traffic()
    assert int(np.sum(traffic["duplicate_in_msgs"][nodes.index(away)])) <= 4
