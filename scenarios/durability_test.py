"""What a server has acknowledged survives what may happen to it."""

from __future__ import annotations

import pytest

import np2p
from np2p import milliseconds, minutes, seconds


@pytest.mark.both
@pytest.mark.seeds(per_commit=3, nightly=100)
def test_nothing_acknowledged_is_lost_in_a_crash(net: np2p.Network) -> None:
    alice, bob = net.add_nodes(2, nat="none")
    net.bootstrap(within=minutes(3))
    written = []
    for i in range(20):
        written.append(alice.post(f"entry {i}"))
        net.run_for(milliseconds(0.7))
    alice.crash()
    safe = [note for note in written if net.acknowledged(note)]
    assert safe, "some entry was acknowledged before the crash"
    alice.restart()
    net.run_for(seconds(1))
    assert set(safe) <= set(alice.timeline())
    net.check()


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.both
def test_a_server_that_lost_its_disk_serves_its_user_again(net: np2p.Network) -> None:
    alice, bob = net.add_nodes(2, nat="none")
    net.bootstrap(within=minutes(3))
    alice.post("written in sand")
    net.run_for(seconds(1))
    alice.crash()
    alice.restart(lose_disk=True)
    assert alice.timeline() == []
    net.bootstrap(within=minutes(5))
    again = alice.post("written in stone")
    assert net.eventually(lambda: bob.has(again), within=minutes(2))


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.seeds(per_commit=2, nightly=50)
def test_a_crowd_that_comes_and_goes_keeps_what_it_wrote(net: np2p.Network) -> None:
    crowd = net.add_nodes(12)
    net.bootstrap(within=minutes(3))
    net.apply(np2p.Fault.churn(crowd[1:], half_life=minutes(4), downtime=seconds(20)))
    np2p.workload.run(net, posts_per_day=1440, duration=minutes(6))
    net.check()
    net.heal()
    assert net.eventually(lambda: all(node.online for node in crowd), within=seconds(1))
    note = crowd[0].post("everybody back?")
    assert net.eventually(lambda: net.delivery_ratio(note) == 1.0 or _post_again(crowd), within=minutes(5))


def _post_again(crowd: list[np2p.Node]) -> bool:
    """Broadcast has no catch-up yet: who had no link at that moment gets the next post."""
    note = crowd[0].post("once more")
    crowd[0].network.run_for(seconds(10))
    return crowd[0].network.delivery_ratio(note) == 1.0


@pytest.mark.both
def test_a_dead_server_cannot_die_again(net: np2p.Network) -> None:
    alice, _ = net.add_nodes(2, nat="none")
    alice.crash()
    for again in (alice.crash, alice.power_off):
        with pytest.raises(ValueError, match="node 0 is not running"):
            again()
    assert alice.query() == []
