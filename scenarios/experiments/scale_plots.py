"""The plots of the scale experiment: over the size of the network, and against the mesh as far as that goes."""

from __future__ import annotations

import functools
from typing import Any, Callable

import plotting as look
import scale_targets as targets
from scale import Results

NAT, PUBLIC, MESH = look.BROADCAST, look.NO_NAT, look.MESH  # posts go to everybody here, over the tree or over the mesh
MESH_END = 65
MOST_LINKS = 250  # of one server (Limits::standing_links)
SOME_AGAIN = 0.001  # copies per delivery; with fewer a panel about them would be a line at nought
ROOM = 9.0  # on the right of the last size, for names

Series = list[tuple[float, float]]
Ends = list[tuple[float, float, str, str]]


def series(results: Results, overlay: str, nated: float, part: str, metric: str, factor: float = 1.0) -> Series:
    points = []
    for nodes in results.sizes(overlay):
        value = results.value(overlay, nodes, nated, part, metric)
        if value is not None:
            points.append((float(nodes), value * factor))
    return points


def plots(results: Results) -> list[look.Draw]:
    """Panels of what was measured, without those that would be empty."""
    parts = {row.part for row in results.rows}
    draws: list[Callable[[Any, Results], None]] = [_idle, _arrives]
    if most_again(results) >= SOME_AGAIN:
        draws.append(_redundancy)
    draws += [_delay, _crash if "crash" in parts else _links, _work]
    return [functools.partial(_shown, draw, results) for draw in draws]


def _shown(draw: Callable[[Any, Results], None], results: Results, axes: Any) -> None:
    draw(axes, results)


def most_again(results: Results) -> float:
    """Superfluous copies per delivery, at most, whatever was measured of them."""
    return max((row.value for row in results.rows if row.metric.startswith("rmr")), default=0.0)


def _who(nated: float) -> tuple[str, str]:
    """How the overlay is called with a share behind NAT, and its colour."""
    return ("hyparview", NAT) if nated else ("hyparview,\nno NAT", PUBLIC)


def _sizes(results: Results) -> list[int]:
    return sorted({*results.sizes("hyparview"), *results.sizes("mesh")})


def _draw(axes: Any, ends: Ends, points: Series, name: str, colour: str, **how: Any) -> list[float]:
    if not points:
        return []
    xs, ys = [x for x, _ in points], [y for _, y in points]
    look.line(axes, xs, ys, colour, **how)
    ends.append((xs[-1], ys[-1], name, colour))
    return ys


def _finish(
    axes: Any,
    results: Results,
    ends: Ends,
    title: str,
    subtitle: str,
    *targets: tuple[float, str],
) -> None:
    sizes = _sizes(results)
    look.nodes_axis(axes, _readable(sizes), room=ROOM)
    axes.set_xlim(min(sizes) / 1.25, max(sizes) * ROOM)
    axes.set_title(title)
    look.subtitle(axes, subtitle)
    if results.sizes("mesh") and max(sizes) >= MESH_END:
        look.threshold(axes, MESH_END, f"{MESH_END}: the mesh\nis full")
    for height, text in targets:
        look.target(axes, height, text)
    look.labels_at_end(axes, ends)


def _readable(sizes: list[int]) -> list[int]:
    """Sizes far enough from each other to be written side by side."""
    kept: list[int] = []
    for size in sorted(sizes, reverse=True):
        if not kept or kept[-1] / size > max(sizes) ** 0.055 * 1.15:
            kept.append(size)
    return kept


def _idle(axes: Any, results: Results) -> None:
    ends: Ends = []
    values = [100.0, 400.0]
    nated = results.shares("hyparview")[0]
    behind = series(results, "hyparview", nated, "idle", "nated_B_s")
    reachable = series(results, "hyparview", nated, "idle", "reachable_B_s")
    values += _draw(axes, ends, behind, "behind NAT", NAT)
    values += _draw(axes, ends, reachable, "reachable", NAT, linestyle=(0, (4, 1.5)))
    if 0.0 in results.shares("hyparview") and nated:
        points = series(results, "hyparview", 0.0, "idle", "reachable_B_s")
        values += _draw(axes, ends, points, "no NAT", PUBLIC)
    for share in results.shares("mesh"):
        values += _draw(axes, ends, series(results, "mesh", share, "idle", "mean_B_s"), "mesh", MESH)
    look.log_axis(axes, values, "sent per server while nobody posts", "B/s")
    said = [
        f"{name} {_growth(points)}" for name, points in (("behind NAT", behind), ("reachable", reachable)) if points
    ]
    _finish(
        axes, results, ends, "Silence", f"wire bytes; hyparview: {', '.join(said)} B/s",
        (100.0, "target behind NAT: 100 B/s"), (400.0, "target reachable: 400 B/s")
    )  # fmt: skip


def _growth(points: Series) -> str:
    first, last = f"{points[0][1]:.0f}", f"{points[-1][1]:.0f}"
    return last if first == last else f"{first} to {last}"


def _arrives(axes: Any, results: Results) -> None:
    ends: Ends = []
    for nated in results.shares("hyparview"):
        name, colour = _who(nated)
        wide = colour == NAT  # the lines lie on each other: one shows on both sides
        points = series(results, "hyparview", nated, "broadcast", "delivery", 100.0)
        _draw(axes, ends, points, name, colour, linewidth=5 if wide else 1.8, markersize=9 if wide else 5)
    for share in results.shares("mesh"):
        points = series(results, "mesh", share, "broadcast", "delivery", 100.0)
        _draw(axes, ends, points, f"mesh\n{points[-1][1]:.0f} %" if points else "mesh", MESH)
    axes.set_ylim(0, 108)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.set_ylabel("delivered, % of what was due")
    _finish(axes, results, ends, "What arrives", "posts of anybody to everybody online, those locked out included")


def _redundancy(axes: Any, results: Results) -> None:
    ends: Ends = []
    values = [0.12]
    for nated in results.shares("hyparview"):
        name, colour = _who(nated)
        points = series(results, "hyparview", nated, "broadcast", "rmr_unseen")
        values += _draw(axes, ends, points, f"{name}, authors\nnever seen", colour)
        points = series(results, "hyparview", nated, "churn", "rmr")
        values += _draw(axes, ends, points, f"{name},\n1 %/min churn", colour, linestyle=":")
    for share in results.shares("mesh"):
        values += _draw(axes, ends, series(results, "mesh", share, "broadcast", "rmr_many"), "mesh", MESH)
    axes.set_yscale("symlog", linthresh=0.01)
    axes.set_ylim(-0.001, max(values) * 1.6)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_ylabel("superfluous copies per delivery")
    _finish(
        axes, results, ends, "Redundancy", "copies of a post that a server gets although it has it, per delivery",
        (0.10, "target, authors never seen and under churn: 0.10"), (0.03, "target, many senders: 0.03")
    )  # fmt: skip


def _mean_and_extreme(
    axes: Any, ends: Ends, results: Results, part: str, metric: str, extreme: tuple[str, str]
) -> list[float]:
    """Draws NAME_mean and NAME_EXTREME of a metric, for all shares behind NAT, and the mesh's mean beside them."""
    values: list[float] = []
    for nated in results.shares("hyparview"):
        name, colour = _who(nated)
        for suffix, shape, what in (("mean", "-", "mean"), (extreme[0], ":", extreme[1])):
            points = series(results, "hyparview", nated, part, f"{metric}_{suffix}")
            values += _draw(axes, ends, points, f"{name}, {what}", colour, linestyle=shape)
    for share in results.shares("mesh"):
        values += _draw(axes, ends, series(results, "mesh", share, part, f"{metric}_mean"), "mesh, mean", MESH)
    return values


def _delay(axes: Any, results: Results) -> None:
    ends: Ends = []
    values = [5.0, *_mean_and_extreme(axes, ends, results, "broadcast", "stretch", ("p99", "p99"))]
    axes.set_ylim(0, max(values) * 1.12)
    axes.set_ylabel("latency over the direct delay")
    _finish(
        axes, results, ends, "Detours", "how many times longer a post takes than a packet straight from its author",
        (2.2, "target, mean: 2.2"), (4.5, "target, p99: 4.5")
    )  # fmt: skip


def _links(axes: Any, results: Results) -> None:
    ends: Ends = []
    values = [MOST_LINKS, *_mean_and_extreme(axes, ends, results, "bootstrap", "links", ("max", "most"))]
    axes.set_ylim(0, max(values) * 1.12)
    axes.set_ylabel("links of one server")
    _finish(
        axes, results, ends, "Links", "the mean, and who has most; the mesh wants one to everybody",
        (MOST_LINKS, f"allowed: {MOST_LINKS}")
    )  # fmt: skip


def _crash(axes: Any, results: Results) -> None:
    """Grouped by how many crashed, at the largest size where all was measured."""
    nodes = max(row.nodes for row in results.rows if row.part == "crash")
    levels = (50, 80, 90, 95)
    shares = results.shares("hyparview")
    width = 0.7 / len(shares)
    lowest = 96.0
    for i, nated in enumerate(shares):
        name, colour = _who(nated)
        for place, percent in enumerate(levels):
            value = results.value("hyparview", nodes, nated, "crash", f"delivery_{percent}")
            if value is None:
                continue
            x = place + (i - (len(shares) - 1) / 2) * width
            how = {"color": colour, "markersize": 10, "markeredgecolor": "white", "linestyle": "none", "clip_on": False}
            axes.plot([x], [100 * value], marker="o", label=None if place else name, zorder=6, **how)
            axes.annotate(
                f"{100 * value:.2f}" if value < 1 else "100",
                (x, 100 * value),
                xytext=(0, 8),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=colour,
            )
            lowest = min(lowest, 100 * value)
    for place, percent in enumerate(levels):
        least = targets.BY_KEY["crash", f"delivery_{percent}"].least or 0.0
        axes.hlines(100 * least, place - 0.45, place + 0.45, color=look.REFERENCE, linewidth=1.6, zorder=5)
    axes.set_xticks(range(len(levels)), [f"{percent} %" for percent in levels])
    room = 0.14 * (100 - lowest)
    axes.set_ylim(lowest - room, 100 + room)
    axes.set_ylabel("delivered to survivors, %")
    axes.set_xlabel(f"of {nodes:,} servers crash at once; black: target")
    axes.set_title("30 seconds after a crash")
    look.subtitle(axes, "posts of survivors to survivors; nobody joins, nothing is repaired by hand")
    axes.legend(frameon=False, fontsize=9, loc="lower left")


def _work(axes: Any, results: Results) -> None:
    ends: Ends = []
    values: list[float] = []
    for nated in results.shares("hyparview"):
        name, colour = _who(nated)
        post = series(results, "hyparview", nated, "broadcast", "cpu_ms_per_post", 0.001)
        joined = series(results, "hyparview", nated, "bootstrap", "cpu_s")
        values += _draw(axes, ends, joined, f"{name}: joining", colour)
        values += _draw(axes, ends, post, f"{name}:\none post to all", colour, linestyle=":")
    for share in results.shares("mesh"):
        points = series(results, "mesh", share, "bootstrap", "cpu_s")
        values += _draw(axes, ends, points, "mesh: joining", MESH)
    look.log_axis(axes, values, "seconds of CPU in the simulator", "s")
    _finish(axes, results, ends, "What simulating it takes", "one core, whole nodes, every signature checked once")
