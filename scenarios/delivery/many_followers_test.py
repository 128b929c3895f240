"""An author with very many followers whose server starts again: it knows none of their servers any more, looks for all of
them, a few at a time, and nobody is left out.

./dev pytest scenarios/delivery/many_followers_test.py -s               400 servers
./dev pytest scenarios/delivery/many_followers_test.py -s --nightly     5,000
"""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds


DOORS = 16  # through whom the others come in


def celebrity(net: np2p.Network, reachable: int, hidden: int) -> tuple[np2p.Node, list[np2p.Node]]:
    """One whom all others follow; so many follow in a second as its server may ask the directory about."""
    doors = net.add_nodes(DOORS, nat="none", mode="multicast")
    others = []
    for i in range(reachable + hidden - DOORS):
        behind = (i + 1) * hidden // (reachable + hidden - DOORS) > i * hidden // (reachable + hidden - DOORS)
        told = [doors[(i + j) % DOORS] for j in range(3)]
        others += net.add_nodes(1, nat="mixed" if behind else "none", mode="multicast", bootstrap=told)
        net.run_for(seconds(0.01))
    net.bootstrap(within=minutes(5))
    author = next(node for node in others if node.nat is None)
    followers = [node for node in net.nodes if node is not author]
    for follower in followers:
        follower.follow(author)
        net.run_for(seconds(0.01))
    assert net.eventually(lambda: net.status(author)["followers"] == len(followers), within=minutes(5))
    return author, followers


def serves_all_after_a_restart(net: np2p.Network, reachable: int, hidden: int, searching: float) -> None:
    author, followers = celebrity(net, reachable, hidden)
    first = author.post("to all of you")
    assert net.eventually(lambda: net.delivery_ratio(first, to=followers) == 1.0, within=minutes(1))

    author.power_off()
    net.run_for(seconds(30))
    author.restart()
    at_once = author.post("I am back, and know nobody")
    everybody = net.eventually(lambda: net.delivery_ratio(at_once, to=followers) == 1.0, within=searching, every=1.0)
    print(
        f"\n{len(followers)} followers; {100 * net.delivery_ratio(at_once, to=followers):.1f} % have what was posted at once"
    )
    assert everybody
    assert net.eventually(lambda: net.status(author)["followers_behind"] == 0, within=minutes(2))

    later = author.post("now I know all of you")
    net.run_for(seconds(5))
    assert net.delivery_ratio(later, to=followers) == 1.0
    assert net.status(author)["cells"] > 1


def test_an_author_who_starts_again_serves_all(net: np2p.Network, request: pytest.FixtureRequest) -> None:
    """More than are looked for at once (256); with --nightly more than the strangers that a server remembers (4,096)."""
    assert isinstance(net, np2p.Simulation)
    if request.config.getoption("nightly"):
        serves_all_after_a_restart(net, 1000, 4000, searching=minutes(3))
    else:
        serves_all_after_a_restart(net, 80, 320, searching=minutes(1))
