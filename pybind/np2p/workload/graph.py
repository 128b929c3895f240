"""Who follows whom: samples of real relations, and generated ones of the published shape.

A random subset of a large network has almost no relations left, so a small network is grown as a snowball: from a
random start, next comes the user with the most ties to those already in, or, where there are follows enough, anybody
tied to them. Then relations are thinned, a mutual one stays or goes as a whole, until the mean number of follows is
exactly what was asked for: the same at every size, so that a cost per follower can be compared between sizes.
"""

from __future__ import annotations

import functools
import heapq
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Iterable, overload

import numpy as np
import numpy.typing as npt

from .. import checks

if TYPE_CHECKING:
    from ..node import Node

IntArray = npt.NDArray[np.int64]
SOURCES = ("epinions", "nostr", "generated")
PUBLISHED_RECIPROCITY = 0.22  # Twitter 2009 (Kwak et al. 2010)
PUBLISHED_TAIL = 2.28  # exponent of the distribution of follower counts, same source


class FollowGraph(Sequence[list[int]]):
    """graph[i] is the list of users whom user i follows; rows are ascending, without repeats and without i."""

    def __init__(self, follows: Iterable[Iterable[int]], name: str) -> None:
        self._follows = [sorted(set(row)) for row in follows]
        self.name = name

    def __len__(self) -> int:
        return len(self._follows)

    @overload
    def __getitem__(self, index: int) -> list[int]:
        ...

    @overload
    def __getitem__(self, index: slice) -> list[list[int]]:
        ...

    def __getitem__(self, index: int | slice) -> list[int] | list[list[int]]:
        return self._follows[index]

    def __repr__(self) -> str:
        return f"<FollowGraph {self.name}: {len(self)} users, {self.mean:.2f} follows each>"

    @property
    def mean(self) -> float:
        """Mean number of follows per user."""
        return sum(len(row) for row in self._follows) / max(1, len(self))

    @property
    def reciprocity(self) -> float:
        """Share of follows that are returned."""
        edges = {(a, b) for a, row in enumerate(self._follows) for b in row}
        return sum((b, a) in edges for a, b in edges) / max(1, len(edges))

    def edges(self) -> IntArray:
        """One row (follower, followee) per follow."""
        pairs = [(a, b) for a, row in enumerate(self._follows) for b in row]
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    def follower_counts(self) -> IntArray:
        """By user: how many follow them."""
        return np.bincount(self.edges()[:, 1], minlength=len(self)).astype(np.int64)

    def apply(self, nodes: Sequence[Node]) -> None:
        """Makes the users of these nodes follow each other so; one follow list is published by each who follows."""
        if len(nodes) != len(self):
            raise ValueError(f"nodes must be {len(self)}, one for each user of the graph, not {len(nodes)}")
        for node, row in zip(nodes, self._follows):
            if row:
                node.follow(*(nodes[i] for i in row))


def follow_graph(n: int, seed: int, *, mean: float = 4.0, source: str = "epinions") -> FollowGraph:
    """Follow relations among `n` users with `mean` follows each, the same for the same arguments on every machine.

    source: "epinions" (a real, closed network of 42,009 users; the default), "nostr" (real follow lists of 340 Nostr
    users and whom they follow), or "generated" (heavy-tailed, reciprocity 0.22 as published for Twitter; any size).
    A real network smaller than `n` is a ValueError.
    """
    checks.count("n", n, least=2)
    checks.count("seed", seed)
    checks.choice("source", source, SOURCES)
    checks.number("mean", mean, above=0.0)
    if mean > n - 1:
        raise ValueError(f"mean must be at most n - 1 = {n - 1}, not {mean:g}")
    rng = random.Random(f"np2p follow graph {source} {n} {seed} {mean:g}")
    if source == "generated":
        return FollowGraph(_generate(n, mean, rng), f"generated, n={n}")
    follows = _load(source)
    if n > len(follows):
        raise ValueError(f"n must be at most {len(follows)} for source={source!r}; source='generated' has any size")
    chosen = _snowball(source, n, mean, rng)
    rng.shuffle(chosen)  # a user's number says nothing about their place in the network
    return FollowGraph(_thin(_induced(follows, chosen), mean, rng), f"{source}, n={n}")


def data_directory() -> Path:
    """Where the packed graphs lie: inside the built or installed module."""
    return Path(__file__).resolve().parent / "data"


@functools.cache
def _load(source: str) -> list[IntArray]:
    with np.load(data_directory() / f"{source}.npz") as packed:
        indptr, indices = packed["indptr"].astype(np.int64), packed["indices"].astype(np.int64)
    return np.split(indices, indptr[1:-1])


class _Ties:
    """The users tied to each user in either direction, with the number of directions: ascending by user."""

    def __init__(self, follows: list[IntArray]) -> None:
        n = len(follows)
        followers = np.repeat(np.arange(n), [len(row) for row in follows])
        followees = np.concatenate(follows)
        pairs = np.concatenate((followers * n + followees, followees * n + followers))
        pairs, self._weights = np.unique(pairs, return_counts=True)
        self._others = pairs % n
        self.starts = np.searchsorted(pairs, np.arange(n + 1) * n)

    def of(self, user: int) -> Iterable[tuple[int, int]]:
        low, high = self.starts[user], self.starts[user + 1]
        return zip(self._others[low:high].tolist(), self._weights[low:high].tolist())


@functools.cache
def _ties(source: str) -> _Ties:
    return _Ties(_load(source))


def _snowball(source: str, n: int, mean: float, rng: random.Random) -> list[int]:
    """The users of a sample with at least `mean` follows each among themselves; the first of several tries."""
    follows, ties = _load(source), _ties(source)
    candidates: list[int] = np.flatnonzero(np.diff(ties.starts) >= 2 * mean).tolist()
    best = 0
    for _ in range(12):
        members, edges = _grow(ties, n, mean, candidates[rng.randrange(len(candidates))], rng)
        if len(members) == n and edges >= n * mean:
            return members
        best = max(best, edges)
    raise ValueError(f"mean must be smaller: no sample of {n} users has {mean:g} follows each (best {best / n:.2f})")


def _grow(ties: _Ties, n: int, mean: float, start: int, rng: random.Random) -> tuple[list[int], int]:
    """The members of a snowball and the number of follows among them. While these are fewer than wanted, next comes
    who has the most ties to the members; else anybody of the rim, which keeps the heavy tail of real networks."""
    count: dict[int, int] = {start: 0}
    luck: dict[int, float] = {start: 0.0}
    densest = [(0, 0.0, start)]
    rim = [start]
    members: dict[int, None] = {}
    edges = 0
    while len(members) < n and len(rim) > 0:
        if edges >= mean * len(members) + mean:
            position = rng.randrange(len(rim))
            rim[position], rim[-1] = rim[-1], rim[position]
            user = rim.pop()
            if user in members:
                continue
        else:
            negative, _, user = heapq.heappop(densest)
            if user in members or -negative != count[user]:
                continue  # an outdated entry
        members[user] = None
        edges += count[user]
        for other, weight in ties.of(user):
            if other in members:
                continue
            if other not in count:
                rim.append(other)
            count[other] = count.get(other, 0) + weight
            heapq.heappush(densest, (-count[other], luck.setdefault(other, rng.random()), other))
    return list(members), edges


def _induced(follows: list[IntArray], members: list[int]) -> list[list[int]]:
    number = {user: i for i, user in enumerate(members)}
    return [[number[b] for b in follows[a].tolist() if b in number] for a in members]


def _thin(follows: list[list[int]], mean: float, rng: random.Random) -> list[list[int]]:
    """Drops relations at random until `mean` follows per user are left; everybody keeps one of theirs if it can be."""
    edges = {(a, b) for a, row in enumerate(follows) for b in row}
    units = sorted({(min(edge), max(edge)) for edge in edges})
    rng.shuffle(units)
    first_of: dict[int, tuple[int, int]] = {}
    for a, b in units:
        for who, whom in ((a, b), (b, a)):
            if (who, whom) in edges:
                first_of.setdefault(who, (a, b))
    kept_first = set(first_of.values())
    units.sort(key=lambda unit: unit not in kept_first)  # stable: chance still orders each half
    wanted = int(len(follows) * mean + 0.5)
    kept: list[list[int]] = [[] for _ in follows]
    left = wanted
    for a, b in units:
        for who, whom in ((a, b), (b, a)):
            if left > 0 and (who, whom) in edges:
                kept[who].append(whom)
                left -= 1
    return kept


def _generate(n: int, mean: float, rng: random.Random) -> list[list[int]]:
    """Chosen in proportion to a heavy-tailed popularity; each choice is returned so often that 22 % are mutual."""
    popularity = [(1.0 - rng.random()) ** (-1.0 / (PUBLISHED_TAIL - 1.0)) for _ in range(n)]
    cumulative = np.cumsum(np.minimum(popularity, n**0.5)).tolist()
    follows: list[set[int]] = [set() for _ in range(n)]
    left = int(n * mean + 0.5)
    returned = PUBLISHED_RECIPROCITY / (2.0 - PUBLISHED_RECIPROCITY)
    order = [i % n for i in range(left)]
    rng.shuffle(order)
    turn = 0
    while left > 0:
        a = order[turn % len(order)]
        turn += 1
        b = rng.choices(range(n), cum_weights=cumulative)[0]
        if b == a or b in follows[a]:
            continue
        follows[a].add(b)
        left -= 1
        if left > 0 and rng.random() < returned and a not in follows[b]:
            follows[b].add(a)
            left -= 1
    return [sorted(row) for row in follows]
