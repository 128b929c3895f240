"""When a server counts as joined, and what to say of one that does not.

On the mesh every server must have a route to every other. On the scalable overlay no server knows all the others: it
has joined when it has a neighbour and has published where it is, and the network is one when links connect everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from .network import Network
    from .node import Node

MESH_CONNECTIONS = 64  # Limits::mesh_connections


@dataclass(frozen=True)
class Standing:
    """How one server stands in its overlay, by its own status."""

    links: int
    reaches: int  # other servers to which it has a route, as far as it knows
    neighbours: int  # in the scalable overlay: of its active view, and those behind NAT who have it in theirs
    published: bool  # in the scalable overlay: where it is


def all_joined(net: Network) -> bool:
    """Have all who are online joined, by what their servers say of themselves?"""
    expected = [node for node in net.nodes if net.is_online(node)]
    others = len(expected) - 1
    if net.overlay == "mesh":
        return all(net.standing(node).reaches >= others for node in expected)
    if others <= 0:
        return True
    for node in expected:
        standing = net.standing(node)
        if not (standing.neighbours and standing.published):
            return False
    return len(_piece(net, expected)) == len(expected)


def why_not(net: Network) -> str:
    """Who has not joined, and why: for NotConverged."""
    expected = [node for node in net.nodes if net.is_online(node)]
    return (_why_not_mesh if net.overlay == "mesh" else _why_not_swarm)(net, expected)


def _why_not_mesh(net: Network, expected: Sequence[Node]) -> str:
    others = len(expected) - 1
    standings = {node: net.standing(node) for node in expected}
    short = [node for node, standing in standings.items() if standing.reaches < others]
    if not short:
        return _TOO_LATE
    alone = [node for node in short if not standings[node].reaches]
    named, say = (alone, "reach nobody") if alone else (short, "do not reach everybody")
    node = named[0]
    crowded = sum(standing.links >= MESH_CONNECTIONS for standing in standings.values())
    full = f"; {crowded} servers hold all {MESH_CONNECTIONS} links that the mesh allows" if crowded else ""
    return (
        f"{_these(named, expected, say)}: {_this(node, standings[node])} reaches {standings[node].reaches} of "
        f"{others} others{full}"
    )


def _why_not_swarm(net: Network, expected: Sequence[Node]) -> str:
    standings = {node: net.standing(node) for node in expected}
    alone = [node for node, standing in standings.items() if not standing.neighbours]
    if alone:
        node = alone[0]
        if standings[node].links:
            reason = "is linked, but nobody has taken it for a neighbour"
        else:
            reason = f"reaches 0 of {len(expected) - 1} others: {_ways_in(net, node)}"
        return f"{_these(alone, expected, 'have no neighbour')}: {_this(node, standings[node])} {reason}"
    hidden = [node for node, standing in standings.items() if not standing.published]
    if hidden:
        node = hidden[0]
        these = _these(hidden, expected, "cannot be found")
        return f"{these}: {_this(node, standings[node])} has not published where it is"
    piece = _piece(net, expected)
    apart = [node for node in expected if node.index not in piece]
    if not apart:
        return _TOO_LATE
    node = apart[0]
    these = _these(apart, expected, f"are cut off from node {expected[0].index}")
    return f"{these}: no links lead there from {_this(node, standings[node])}"


_TOO_LATE = "all of them did just now, too late"


def _these(named: Sequence[Node], expected: Sequence[Node], say: str) -> str:
    listed = ", ".join(str(node.index) for node in named[:8]) + (", ..." if len(named) > 8 else "")
    return f"{len(named)} of {len(expected)} {say} (nodes {listed})"


def _this(node: Node, standing: Standing) -> str:
    place = "public" if node.nat is None else "behind NAT"
    return f"node {node.index} ({place}, {standing.links} links)"


def _ways_in(net: Network, node: Node) -> str:
    if not node.ways_in:
        return "it was told no way in, and nobody came"
    listed = ", ".join(
        f"node {index}{'' if net.is_online(net.nodes[index]) else ' (offline)'}" for index in node.ways_in
    )
    return f"it was told to come in through {listed}"


def _piece(net: Network, expected: Sequence[Node]) -> set[int]:
    """The servers that links connect to the first one."""
    linked: dict[int, list[int]] = {node.index: [] for node in expected}
    for a, b in net.linked_pairs():
        if a in linked and b in linked:
            linked[a].append(b)
            linked[b].append(a)
    found = {expected[0].index}
    edge = [expected[0].index]
    while edge:
        for other in linked[edge.pop()]:
            if other not in found:
                found.add(other)
                edge.append(other)
    return found
