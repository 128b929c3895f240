"""How two servers are linked follows from their NATs alone, and it is the same in both worlds.

Two servers for each kind of NAT and one more that can be reached. Each user knows the public keys of the others and
nothing else; whoever keeps talking to somebody gets a link to that one, the best that both NATs let through.
"""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds

KINDS = ("none", "full_cone", "restricted", "port_restricted", "symmetric")
NAMES = ("public", "full cone", "restricted", "port restricted", "symmetric")

# By theory, in the order of KINDS. A punch fails only if the side that must be hit at one exact port sends from a port
# that nobody can foretell: two symmetric NATs, or a symmetric one and one that filters by port.
EXPECTED = (
    ("direct", "direct", "direct", "direct", "direct"),
    ("direct", "punched", "punched", "punched", "punched"),
    ("direct", "punched", "punched", "punched", "punched"),
    ("direct", "punched", "punched", "punched", "relayed"),
    ("direct", "punched", "punched", "relayed", "relayed"),
)
Pair = tuple[int, int]


@pytest.mark.both
def test_how_a_pair_is_linked_follows_from_both_nats(net: np2p.Network) -> None:
    pairs = [(a, b) for a in range(len(KINDS)) for b in range(a, len(KINDS))]
    table = _linked(net, pairs)
    _show(net.kind, table)
    assert table == {(a, b): EXPECTED[a][b] for a, b in pairs}, _found_out(net)


def _linked(net: np2p.Network, pairs: list[Pair]) -> dict[Pair, str]:
    """Everybody talks to their partners until all links are what they will be."""
    net.add_node(nat="none")
    # What they say to each other goes nowhere else.
    ones, others = (net.add_nodes(len(KINDS), nat=KINDS, replies="tagged") for _ in range(2))
    net.bootstrap(within=minutes(3))
    met = {(a, b): (ones[a], others[b]) for a, b in pairs}

    def settled() -> bool:
        return all(one.path_to(other) == other.path_to(one) == EXPECTED[a][b] for (a, b), (one, other) in met.items())

    # The first word may have to look up where the other one is, so all of it is said once more after a while; and on a
    # busy machine three tries may come too late: a pair whose tunnel is in use climbs again half a minute later.
    written = []
    for round_ in range(12):
        for one, other in met.values():
            hello = one.post(f"hello {round_}", mentions=[other])
            written.append((other, hello))
            written.append((one, other.reply(hello, f"hello you, {round_}")))
        if round_ >= 3 and net.eventually(settled, within=seconds(12)):
            break
        net.run_for(seconds(2))
    assert net.eventually(lambda: all(node.has(note) for node, note in written), within=minutes(1))
    net.run_for(seconds(10))  # what is relayed by then has had its three tries
    return {pair: _between(one, other) for pair, (one, other) in met.items()}


def _found_out(net: np2p.Network) -> str:
    """What each server thinks its NAT to be, and what it refused."""
    assert isinstance(net, (np2p.Simulation, np2p.RealNetwork))
    return "; ".join(
        f"{node.index}: {net.nat_class(node)} {net.log(node)[-2000:] if isinstance(net, np2p.RealNetwork) else net.rejections(node)}"
        for node in net.nodes
    )


def _between(one: np2p.Node, other: np2p.Node) -> str:
    there, back = one.path_to(other), other.path_to(one)
    return str(there) if there == back else f"{there}/{back}"


def _show(world: str, table: dict[Pair, str]) -> None:
    print(f"\nhow a pair is linked ({world})")
    print(" " * 16 + "".join(f"{name:>16}" for name in NAMES))
    for a, name in enumerate(NAMES):
        cells = [table.get((min(a, b), max(a, b)), "") for b in range(len(NAMES))]
        print(f"{name:16}" + "".join(f"{cell:>16}" for cell in cells))
