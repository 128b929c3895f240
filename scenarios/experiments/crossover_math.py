"""Where broadcast stops paying, from measured points: bounds, fits, and the two places that the experiment is about.

What is fitted has the shape that the protocols have: in a tree every server gets a post once, so what broadcast costs is a
straight line over the number of servers; a copy to a follower and the way to it go over hops among reachable servers, so they cost
an amount that grows with the logarithm of the size; and so does what silence costs.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from statistics import median
from typing import Callable, Iterable, Sequence

import np2p
import numpy as np
import numpy.typing as npt
from crossover_points import BUDGET, DAY, MOST_FOLLOWED, PER_SECOND, POST, Point

LARGE = 1 / 4  # of the largest size: these points say what a delivery of broadcast costs in networks larger still
LARGEST = 1e9  # servers; what has not happened by then does not happen


# --- what no protocol can undercut, and the plan's arithmetic ---------------------------------------------------------


def broadcast_bound(nodes: float) -> float:
    """Bytes per server and second: everybody else gets each post once, and nothing but the post is sent."""
    return PER_SECOND * POST * (nodes - 1)


def followers_bound(followers: float) -> float:
    """The same if only the author's followers get it; `followers` is the mean over posts."""
    return PER_SECOND * POST * followers


def budget_by_arithmetic(budget: float = BUDGET) -> float:
    """N x posts a second x bytes = budget: without headers, acknowledgements or silence."""
    return budget / (PER_SECOND * POST)


def crossing_by_arithmetic(
    followers: float, ratio: float = 1.0, upkeep: float = 0.0, per_delivery: float = POST
) -> float:
    """(N - 1) x per_delivery = followers x ratio x per_delivery + what following itself costs, as bytes per post:
    `ratio` is what a delivery to a follower costs over one of broadcast, `upkeep` in bytes per server and second."""
    return 1.0 + followers * ratio + upkeep / (PER_SECOND * per_delivery)


def broadcasters(nodes: float, budget: float = BUDGET) -> float:
    """Of servers with mode="auto" in a network of that size, the share that broadcasts: by their own budgets."""
    return float(np.mean(_budgets(round(budget)) >= PER_SECOND * POST * nodes))


@functools.cache
def _budgets(budget: int) -> npt.NDArray[np.uint64]:
    return np2p.Policies(4000, 1, budget, DAY).budgets()


# --- fits -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """start + slope * log2(nodes)"""

    start: float
    slope: float

    def __call__(self, nodes: float) -> float:
        return max(0.0, self.start + self.slope * math.log2(nodes))


def fit_line(sizes: Sequence[float], values: Sequence[float]) -> Line:
    """Least squares over log2 of the size; what shrinks with the size by chance is taken as constant."""
    xs = [math.log2(size) for size in sizes]
    mean_x, mean_y = sum(xs) / len(xs), sum(values) / len(values)
    spread = sum((x - mean_x) ** 2 for x in xs)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, values)) / spread if spread > 0 else 0.0
    slope = max(0.0, slope)
    return Line(mean_y - slope * mean_x, slope)


@dataclass(frozen=True)
class Model:
    """What a server sends per second in one mode, over the number of servers."""

    idle: Line
    posts: Callable[[float], float]

    def total(self, nodes: float) -> float:
        return self.idle(nodes) + self.posts(nodes)


def broadcast_model(points: Sequence[Point]) -> Model:
    """A straight line through the large sizes: so much per delivery, less a constant, the keepalives that posts make
    superfluous. (In small networks posts are too rare for that.)"""
    large = [point for point in points if point.nodes >= LARGE * max(point.nodes for point in points)]
    start, slope = _proportional([point.nodes - 1 for point in large], [point.posts_B_s for point in large])
    return Model(_idle(points), lambda nodes: max(0.0, start + slope * (nodes - 1)))


def _proportional(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """start + slope * x with the least squares of relative errors; through zero if there is one x, or it would start
    above zero."""
    weights = [1.0 / max(1e-9, y) ** 2 for y in ys]
    total = sum(weights)
    mean_x = sum(w * x for w, x in zip(weights, xs)) / total
    mean_y = sum(w * y for w, y in zip(weights, ys)) / total
    spread = sum(w * (x - mean_x) ** 2 for w, x in zip(weights, xs))
    if spread > 1e-12 * total * mean_x**2:
        slope = sum(w * (x - mean_x) * (y - mean_y) for w, x, y in zip(weights, xs, ys)) / spread
        start = mean_y - slope * mean_x
        if start <= 0.0:
            return start, slope
    return 0.0, sum(w * x * y for w, x, y in zip(weights, xs, ys)) / sum(w * x * x for w, x in zip(weights, xs))


def followers_model(points: Sequence[Point]) -> Model:
    """The mean number of followers per post is that of the points large enough for it."""
    full = [point for point in points if not _is_crowded(point)] or list(points)
    followers = sum(point.due_per_post for point in full) / len(full)
    per_delivery = fit_line([point.nodes for point in points], [point.per_delivery for point in points])
    share = followers / max(1e-9, sum(point.follows_mean for point in full) / len(full))
    follows = max(point.follows_mean for point in points)

    def posts(nodes: float) -> float:
        return PER_SECOND * per_delivery(nodes) * share * min(follows, MOST_FOLLOWED * (nodes - 1))

    return Model(_idle(points), posts)


def _is_crowded(point: Point) -> bool:
    return point.follows_mean > 0.99 * MOST_FOLLOWED * (point.nodes - 1)


def _idle(points: Sequence[Point]) -> Line:
    return fit_line([point.nodes for point in points], [point.idle_B_s for point in points])


# --- the two places ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A number of servers at which something happens, in the mean and over seeds; is it within what was measured?"""

    nodes: float
    low: float
    high: float
    measured: bool


def by_size(points: Iterable[Point], value: Callable[[Point], float]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for point in sorted(points, key=lambda point: point.nodes):
        found.setdefault(point.nodes, []).append(value(point))
    return found


def meeting(sizes: Sequence[float], rising: Sequence[float], other: Sequence[float]) -> float | None:
    """From where on the rising curve stays above the other, the last time that it passes it: between two measured sizes,
    straight lines on logarithmic axes."""
    for i in reversed(range(len(sizes) - 1)):
        before, after = _above(rising[i], other[i]), _above(rising[i + 1], other[i + 1])
        if before < 0 <= after:
            part = before / (before - after)
            return math.exp(math.log(sizes[i]) * (1 - part) + math.log(sizes[i + 1]) * part)
    return None


def _above(one: float, other: float) -> float:
    """The logarithm of the ratio. What posts cost is a difference, which may be nothing or less by chance."""
    return math.log(max(1e-9, one) / max(1e-9, other))


def solve(rising: Callable[[float], float], other: Callable[[float], float], above: float = 2.0) -> float | None:
    """The size, above the given one, from which on the rising curve is above the other."""
    low, high = above, LARGEST
    if rising(low) >= other(low) or rising(high) < other(high):
        return None
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if rising(middle) < other(middle) else (low, middle)
    return high


def follower_cost(point: Point, upkeep: bool) -> float:
    return point.posts_B_s + (point.upkeep_B_s if upkeep else 0.0)


def crossing(broadcast: Sequence[Point], followers: Sequence[Point], *, upkeep: bool) -> Place | None:
    """Where a server sends as much for posts to everybody as for posts to followers only; with `upkeep`, what following
    costs in itself counts against the latter. Both must have been measured on both sides of it; if they were not, it is
    where the fitted curves meet."""

    def between(seed: int | None) -> float | None:
        mine = [point for point in broadcast if seed is None or point.seed == seed]
        theirs = [point for point in followers if seed is None or point.seed == seed]
        ours = by_size(mine, lambda point: point.posts_B_s)
        others = by_size(theirs, lambda point: follower_cost(point, upkeep))
        if not ours or not others:
            return None
        low, high = max(min(ours), min(others)), min(max(ours), max(others))
        sizes = [n for n in sorted({*ours, *others}) if low <= n <= high]
        return meeting(sizes, [_middle(ours, n) for n in sizes], [_middle(others, n) for n in sizes])

    if not broadcast or not followers:
        return None
    found = between(None)
    if found is None:
        known = by_size(broadcast, lambda point: point.posts_B_s)
        fitted, flat = broadcast_model(broadcast).posts, followers_model(followers).posts
        most = median(point.upkeep_B_s for point in followers) if upkeep else 0.0
        found = solve(
            lambda nodes: _middle(known, nodes) if nodes <= max(known) else fitted(nodes),
            lambda nodes: flat(nodes) + most,
            _smallest(broadcast, followers),
        )
        return None if found is None else Place(found, found, found, False)
    seeds = [between(seed) for seed in sorted({point.seed for point in followers})]
    each = [place for place in seeds if place is not None] + [found]
    return Place(found, min(each), max(each), True)


def _middle(sizes: dict[int, list[float]], nodes: float) -> float:
    """On the curve through the medians."""
    return on_curve(list(sizes), [max(1e-9, median(values)) for values in sizes.values()], nodes)


def _smallest(broadcast: Sequence[Point], followers: Sequence[Point]) -> float:
    """The smallest size that both were measured at, or either: what was fitted says nothing of smaller ones."""
    ours, theirs = {point.nodes for point in broadcast}, {point.nodes for point in followers}
    return float(min(ours & theirs or ours | theirs))


def passes_budget(points: Sequence[Point], limit: float = BUDGET) -> float | None:
    """Where what is measured passes the budget, without any fit."""
    sizes = by_size(points, lambda point: point.sent_B_s)
    return meeting(list(sizes), [median(values) for values in sizes.values()], [limit] * len(sizes))


def budget(points: Sequence[Point], limit: float = BUDGET) -> Place | None:
    """Where a server sends more than the budget, silence included; over those seeds that the largest size was
    measured with, each fitted by itself."""
    if not points:
        return None
    largest = max(point.nodes for point in points)

    def reached(chosen: Sequence[Point]) -> float | None:
        return solve(broadcast_model(chosen).total, lambda _: limit)

    found = reached(points)
    if found is None:
        return None
    each = [found]
    for seed in sorted({point.seed for point in points}):
        mine = [point for point in points if point.seed == seed]
        if len({point.nodes for point in mine}) > 1 and any(point.nodes == largest for point in mine):
            each += [place for place in (reached(mine),) if place is not None]
    return Place(found, min(each), max(each), found <= largest)


def on_curve(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    """The height of a measured curve at x; beyond its ends it goes on as it went there. Straight on logarithmic axes."""
    if len(xs) == 1:
        return ys[0]
    i = next((i for i in range(len(xs) - 2) if x < xs[i + 1]), len(xs) - 2)
    part = math.log(x / xs[i]) / math.log(xs[i + 1] / xs[i])
    return math.exp(math.log(ys[i]) * (1 - part) + math.log(ys[i + 1]) * part)


def rounded(value: float) -> str:
    """Two digits are what such numbers are worth: 17,384 -> '17,000'; small ones whole."""
    if value < 100:
        return f"{value:.0f}"
    unit = 10 ** (math.floor(math.log10(value)) - 1)
    return f"{round(value / unit) * unit:,.0f}"
