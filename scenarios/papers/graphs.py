"""Figures of a graph, as the papers on membership define them, and the random graph that they are held against."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
NOBODY = -1


class Graph:
    """Undirected, of `n` nodes, from rows (node, neighbour); a row and its reverse are one edge."""

    def __init__(self, n: int, rows: npt.NDArray[Any]) -> None:
        ends = np.sort(np.asarray(rows, dtype=np.int64).reshape(-1, 2), axis=1)
        ends = np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0)
        both = np.concatenate([ends, ends[:, ::-1]])
        both = both[np.lexsort((both[:, 1], both[:, 0]))]
        self.n = n
        self.degrees: Ints = np.bincount(both[:, 0], minlength=n).astype(np.int64)
        starts = np.cumsum(self.degrees) - self.degrees
        self.table: Ints = np.full((n, max(1, int(self.degrees.max(initial=0)))), NOBODY, dtype=np.int64)
        self.table[both[:, 0], np.arange(len(both)) - starts[both[:, 0]]] = both[:, 1]

    def distances(self, source: int) -> Ints:
        """In hops, NOBODY where there is no way."""
        found = np.full(self.n, NOBODY, dtype=np.int64)
        found[source] = 0
        edge: Ints = np.array([source], dtype=np.int64)
        hops = 0
        while len(edge):
            hops += 1
            near = self.table[edge].ravel()
            near = near[near != NOBODY]
            edge = np.unique(near[found[near] == NOBODY])
            found[edge] = hops
        return found

    def average_shortest_path(self, sources: int, seed: int) -> float:
        """Over all pairs that begin at one of so many sources, chosen at random. Infinite if a pair has no way."""
        rng = np.random.default_rng(seed)
        total = 0
        chosen = rng.permutation(self.n)[:sources]
        for source in chosen:
            found = self.distances(int(source))
            if (found == NOBODY).any():
                return float("inf")
            total += int(found.sum())
        return total / (len(chosen) * (self.n - 1))

    def clustering(self) -> float:
        """The mean over all nodes of the share of pairs of neighbours that are neighbours of each other."""
        total = 0.0
        neighbours = [set(row[row != NOBODY].tolist()) for row in self.table]
        for mine in neighbours:
            if len(mine) < 2:
                continue
            linked = sum(len(mine & neighbours[one]) for one in mine)  # each pair twice
            total += linked / (len(mine) * (len(mine) - 1))
        return total / self.n


def random_regular(n: int, degree: int, seed: int) -> Graph:
    """Stubs paired at random; the few loops and double edges that come of it are left out."""
    rng = np.random.default_rng(seed)
    stubs = rng.permutation(np.repeat(np.arange(n), degree))
    return Graph(n, stubs[: len(stubs) // 2 * 2].reshape(-1, 2))


def one_way(rows: npt.NDArray[Any]) -> int:
    """Rows (node, neighbour) without their reverse: views that do not agree."""
    pairs = {(int(a), int(b)) for a, b in rows}
    return sum((b, a) not in pairs for a, b in pairs)
