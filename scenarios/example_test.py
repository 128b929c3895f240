"""A scenario to copy: `cp scenarios/example_test.py scenarios/mine_test.py`, then `./dev pytest scenarios/mine_test.py`.

It tells a story about a network in which a part is cut off and servers die, and says what must be true afterwards.
"""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds
from np2p.faults import Crash, Heal, Partition, Plan, at, every


@pytest.mark.seeds(per_commit=2, nightly=50)  # tried with so many seeds; --seed=7 for exactly one
def test_everybody_hears_of_it_in_the_end(
    net: np2p.Simulation,
) -> None:  # np2p.Network with @pytest.mark.both: real, too
    alice, bob, *crowd = net.add_nodes(24, nat="mixed")  # users with their servers, most of them behind NATs
    net.bootstrap(within=minutes(3))  # fails with who could not join, and why

    bob.follow(alice)
    plan = Plan(  # times count from net.apply() on; print(plan) shows it as a table
        [
            at(seconds(30), Partition(share=0.3)),
            every(seconds(30), Crash(crowd, share=0.05, downtime=seconds(20)), until=minutes(2)),
            at(minutes(2), Heal()),
        ]
    )
    net.apply(plan)
    net.run_for(minutes(1))
    note = alice.post("is anybody out there?")
    net.run_for(seconds(10))
    assert net.delivery_ratio(note) < 1.0, "a part of the network is cut off"

    assert net.eventually(lambda: net.delivery_ratio(note, to=[bob, *crowd]) == 1.0, within=minutes(15))
    assert note in bob.timeline()
    assert len(net.happened) >= 6, "the faults did happen"
    # Afterwards net.check() looks at the safety invariants by itself. If anything fails, the last lines say how to replay it.
