"""A scenario that must fail: canary_test.py runs it and looks at how it fails."""

from __future__ import annotations

import np2p
from np2p import minutes, seconds


def test_a_post_reaches_a_server_that_is_off(net: np2p.Network) -> None:
    alice, bob = net.add_nodes(2, nat="none")
    net.bootstrap(within=minutes(3))
    bob.power_off()
    note = alice.post("you will never read this")
    net.run_for(seconds(5))
    assert net.delivery_ratio(note, to=[bob]) == 1.0, "a dead server got a post"
