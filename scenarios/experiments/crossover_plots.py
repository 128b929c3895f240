"""The plots of the crossover experiment: the page's one figure, and what lies behind it."""

from __future__ import annotations

from statistics import median
from typing import Any, Callable, Sequence

import crossover_math as maths
import matplotlib.pyplot as plt
import plotting as look
from crossover_points import BUDGET, GRAPHS, KINDS, Point
from crossover_run import Results
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

COLOURS = {"mesh": "#666666", "broadcast": look.BROADCAST, "multicast": look.MULTICAST, "auto": look.GOOD}
LABELS = {"mesh": "mesh", "broadcast": "broadcast", "multicast": "followers only", "auto": "auto"}
NAMES_IN_TABLE = {
    "mesh": "broadcast, mesh",
    "broadcast": "broadcast, tree",
    "multicast": "followers only",
}
MARKERS = {"epinions": "o", "nostr": "s", "generated": "^"}
FULL = 65  # servers: one more finds no place in the mesh
FARTHEST = 100_000  # servers: so far the curves are drawn, if nothing larger was measured


def graphs_of(results: Results) -> list[str]:
    """As measured, the one that all modes have first."""
    found = {point.graph for point in results.points}
    first = {point.graph for point in results.of("broadcast")} or found
    return sorted(found, key=lambda graph: (graph not in first, list(GRAPHS).index(graph)))


def medians(points: Sequence[Point], value: Callable[[Point], float]) -> tuple[list[int], list[float]]:
    sizes = maths.by_size(points, value)
    return list(sizes), [median(values) for values in sizes.values()]


def curve(
    axes: Any, points: Sequence[Point], value: Callable[[Point], float], colour: str, **how: Any
) -> tuple[float, float]:
    """The medians over seeds, a band from the least to the most; the last point."""
    sizes = maths.by_size(points, value)
    xs = list(sizes)
    if any(len(values) > 1 for values in sizes.values()):
        low, high = [min(values) for values in sizes.values()], [max(values) for values in sizes.values()]
        axes.fill_between(xs, low, high, color=colour, alpha=0.18, linewidth=0)
    ys = [median(values) for values in sizes.values()]
    look.line(axes, xs, ys, colour, **how)
    return xs[-1], ys[-1]


def servers_axis(axes: Any, low: float, high: float, room: float) -> None:
    """Decades and what lies between: the sizes are too many to be named each."""
    axes.set_xscale("log")
    axes.set_xlim(low, high * room)
    ticks = [16, 64, 256, 1000, 4000, 16_000, 100_000, 1_000_000]
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high * 1.01]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("servers in the network")


# --- the figure of the page -------------------------------------------------------------------------------------------


def headline_figure(results: Results) -> Any:
    """On the left what posts alone cost and where the curves cross, on the right all that is sent and the budget."""
    look.use_style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(13.6, 5.6))
    figure.subplots_adjust(wspace=0.3)
    _posts_alone(left, results)
    _everything(right, results)
    return figure


def _posts_alone(axes: Any, results: Results) -> None:
    graphs = graphs_of(results)
    broadcast = results.of("broadcast")
    ends, values = [], []
    if broadcast:
        x, y = curve(axes, broadcast, lambda point: point.posts_B_s, COLOURS["broadcast"])
        ends.append((x, y, LABELS["broadcast"], COLOURS["broadcast"]))
        values += [point.posts_B_s for point in broadcast]
        xs = sorted({point.nodes for point in broadcast})
        bound = [maths.broadcast_bound(nodes) for nodes in xs]
        axes.plot(xs, bound, color=COLOURS["broadcast"], linewidth=1.2, linestyle=":", zorder=1)
        values += bound
    for graph in graphs:
        points = results.of("multicast", graph)
        if not points:
            continue
        main = graph == graphs[0]
        how: dict[str, Any] = {"marker": MARKERS[graph]} | ({} if main else {"linewidth": 1.2, "markersize": 5})
        x, y = curve(axes, points, lambda point: point.posts_B_s, COLOURS["multicast"], **how)
        values += [point.posts_B_s for point in points]
        if main:
            ends.append((x, y, LABELS["multicast"], COLOURS["multicast"]))
            sizes, due = medians(points, lambda point: maths.followers_bound(point.due_per_post))
            axes.plot(sizes, due, color=COLOURS["multicast"], linewidth=1.2, linestyle=":", zorder=1)
            values += due
    sizes = [point.nodes for point in results.points if point.mode != "mesh"] or [16]
    look.log_axis(axes, values, "sent per server for posts", "B/s")
    shown = [value for value in values if value > 0] or [1.0]  # with the mesh alone there is nothing here
    axes.set_ylim(min(shown) / 4, max(shown) * 4)
    servers_axis(axes, min(sizes) / 1.2, max(sizes), 3.0 if max(sizes) < 5000 else 5.0)
    _who_follows(axes, results)
    place = maths.crossing(broadcast, results.of("multicast", graphs[0]), upkeep=False)
    axes.set_title("Posts alone: where the curves cross")
    look.subtitle(axes, "10 posts a day per user, 800 bytes each; dotted: the least that any protocol needs")
    if place is not None and place.nodes <= 1.5 * max(sizes):
        _mark(axes, place.nodes, broadcast, f"{maths.rounded(place.nodes)} servers")
    look.labels_at_end(axes, ends)


def _who_follows(axes: Any, results: Results) -> None:
    """The markers of the follow relations, in the corner that curves which rise leave free."""
    graphs = [graph for graph in graphs_of(results) if results.of("multicast", graph)]
    marks = []
    for graph in graphs:
        follows = max(point.follows_mean for point in results.of("multicast", graph))
        name = {"epinions": "Epinions", "nostr": "Nostr"}.get(graph, graph)
        how = {"color": COLOURS["multicast"], "marker": MARKERS[graph], "markeredgecolor": "white", "linewidth": 1.2}
        marks.append(plt.Line2D([], [], label=f"{name}: {follows:.2g} follows", **how))
    if marks:
        axes.legend(handles=marks, loc="upper left", fontsize=8.5, frameon=False, title="who follows whom",
                    title_fontsize=8.5, alignment="left")  # fmt: skip


def _mark(axes: Any, x: float, broadcast: Sequence[Point], text: str) -> None:
    """A ring where the broadcast curve crosses something, and a line down to the number."""
    xs, ys = medians(broadcast, lambda point: point.posts_B_s)
    y = maths.on_curve(xs, ys, x)
    bottom = axes.get_ylim()[0]
    axes.plot([x, x], [bottom, y], color=look.INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    axes.plot([x], [y], marker="o", markersize=13, markerfacecolor="none", markeredgecolor=look.INK, mew=1.6, zorder=7)
    axes.annotate(
        text, (x, bottom), xytext=(5, 7), textcoords="offset points", fontsize=9.5, color=look.INK, fontweight="bold"
    )


def _everything(axes: Any, results: Results) -> None:
    graph = graphs_of(results)[0]
    ends, values = [], [BUDGET]
    largest = max((point.nodes for point in results.points if point.mode != "mesh"), default=FULL)
    end = max(FARTHEST, largest)
    mesh = [point for point in results.of("mesh") if point.nodes <= FULL]
    fitted: dict[str, tuple[list[float], list[float]]] = {}  # measured, and extrapolated behind that
    for mode in ("broadcast", "multicast"):
        points = results.of(mode) if mode == "broadcast" else results.of(mode, graph)
        if not points:
            continue
        marker = "o" if mode == "broadcast" else MARKERS[graph]
        x, y = curve(axes, points, lambda point: point.sent_B_s, COLOURS[mode], marker=marker)
        values += [point.sent_B_s for point in points]
        sizes, sent = medians(points, lambda point: point.sent_B_s)
        known = ([float(size) for size in sizes], list(sent))
        model = maths.broadcast_model(points) if mode == "broadcast" else maths.followers_model(points)
        if x < end:
            xs = [x * (end / x) ** (i / 40) for i in range(41)]
            scale = y / model.total(x)  # dashed goes on from where the measured line ends
            ys = [model.total(nodes) * (1 + (scale - 1) * (1 - i / 40)) for i, nodes in enumerate(xs)]
            axes.plot(xs, ys, color=COLOURS[mode], linewidth=1.8, linestyle=(0, (5, 3)))
            x, y = xs[-1], ys[-1]
            values.append(y)
            known = (known[0] + xs[1:], known[1] + ys[1:])
        fitted[mode] = known
        ends.append((x, y, LABELS[mode], COLOURS[mode]))
    if len(fitted) == 2:
        ends.append((*_auto(axes, fitted, end), "auto (calculated)", COLOURS["auto"]))
    if mesh:
        xs, ys = medians(mesh, lambda point: point.sent_B_s)
        look.line(axes, xs, ys, COLOURS["mesh"], marker="D")
        values += ys
        beyond = any(point.nodes > FULL for point in results.of("mesh"))
        text = "broadcast over\nthe mesh" + (": full at 65" if beyond or xs[-1] >= 64 else "")
        axes.plot([xs[-1]], [ys[-1]], marker="X", color=COLOURS["mesh"], markersize=11, mec="white", zorder=6)
        axes.annotate(
            text, (xs[-1], ys[-1]), xytext=(9, -1), textcoords="offset points", fontsize=9, color=COLOURS["mesh"],
            va="center", fontweight="bold",
        )  # fmt: skip
    look.log_axis(axes, values, "sent per server, all of it", "B/s")
    smallest = min(point.nodes for point in results.points)
    servers_axis(axes, smallest / 1.2, end, 3.2 if end < 1_000_000 else 4.0)
    axes.axhline(BUDGET, color=look.INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"budget: {BUDGET / 1024:g} KiB/s",
        (160, BUDGET),
        xytext=(0, 4),
        textcoords="offset points",
        fontsize=9,
        color=look.INK,
    )
    place = maths.budget(results.of("broadcast"))
    if place is not None and place.nodes <= end:
        bottom = axes.get_ylim()[0]
        axes.plot([place.nodes] * 2, [bottom, BUDGET], color=look.INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
        axes.plot(
            [place.nodes], [BUDGET], marker="o", markersize=13, markerfacecolor="none", mec=look.INK, mew=1.6, zorder=7
        )
        axes.annotate(
            f"{maths.rounded(place.nodes)} servers", (place.nodes, bottom), xytext=(-5, 7), textcoords="offset points",
            fontsize=9.5, color=look.INK, fontweight="bold", ha="right",
        )  # fmt: skip
    axes.set_title("Everything: where broadcast exceeds the budget")
    look.subtitle(axes, "Posts and the upkeep of the network; dashed: extrapolated from what was measured")
    look.labels_at_end(axes, ends)


def _auto(axes: Any, fitted: dict[str, tuple[list[float], list[float]]], end: float) -> tuple[float, float]:
    """What servers with `auto` send: as in both modes, each by the share of those who are in it at that size. The last
    point."""
    start = max(xs[0] for xs, _ in fitted.values())
    xs = [start * (end / start) ** (i / 120) for i in range(121)]
    ys = [
        sum(
            share * maths.on_curve(*fitted[mode], x)
            for mode, share in (("broadcast", maths.broadcasters(x)), ("multicast", 1 - maths.broadcasters(x)))
        )
        for x in xs
    ]
    axes.plot(xs, ys, color=COLOURS["auto"], linewidth=7, alpha=0.35, zorder=1, solid_capstyle="butt")
    return xs[-1], ys[-1]


# --- behind it --------------------------------------------------------------------------------------------------------


def details_figure(results: Results) -> Any:
    """Six panels: what the busiest servers send, what it is made of, uplink, latency, copies and delivery."""
    look.use_style()
    figure, panels = plt.subplots(3, 2, figsize=(13.6, 14.4))
    figure.subplots_adjust(hspace=0.5, wspace=0.34)
    _panel(panels[0][0], results, lambda point: point.sent_p99, "sent by the 99th percentile", "B/s")
    panels[0][0].set_title("The busiest hundredth of servers")
    look.subtitle(panels[0][0], "Who can be reached from outside NAT carries for the others")
    _split(panels[0][1], results)
    _panel(panels[1][0], results, lambda point: point.uplink_B, "sent by the author for one post", "B")
    panels[1][0].set_title("The author's uplink")
    look.subtitle(panels[1][0], "Drawn by activity; the least possible is one copy of 800 bytes")
    panels[1][0].axhline(800, color=look.INK, linewidth=1.0, linestyle=":", zorder=1)
    _latency(panels[1][1], results)
    _panel(panels[2][0], results, lambda point: point.copies, "transmissions per delivery", "", log=False)
    panels[2][0].set_title("Copies per delivery")
    look.subtitle(panels[2][0], "How often a post is sent, by its author and by relays, for each server that gets it")
    _panel(
        panels[2][1], results, lambda point: 100 * point.delivery_ratio, "delivered, % of what was due", "", log=False
    )
    panels[2][1].set_ylim(0, 112)
    panels[2][1].set_title("What arrives")
    look.subtitle(panels[2][1], "Due: to everybody online, or to online followers; who never got in counts as missed")
    return figure


def _lines(results: Results) -> list[tuple[str, list[Point]]]:
    graph = graphs_of(results)[0]
    found = [(mode, results.of(mode) if mode in ("mesh", "broadcast") else results.of(mode, graph)) for mode in LABELS]
    return [(mode, points) for mode, points in found if points]


def _panel(
    axes: Any, results: Results, value: Callable[[Point], float], label: str, unit: str, log: bool = True
) -> None:
    ends, values = [], []
    for mode, points in _lines(results):
        x, y = curve(axes, points, value, COLOURS[mode], marker="D" if mode == "mesh" else "o")
        ends.append((x, y, LABELS[mode], COLOURS[mode]))
        values += [value(point) for point in points]
    if log:
        look.log_axis(axes, [value for value in values if value > 0], label, unit)
    else:
        axes.set_ylim(0, max(values) * 1.2)
        axes.set_ylabel(label)
    sizes = [point.nodes for point in results.points]
    servers_axis(axes, min(sizes) / 1.2, max(sizes), 3.4)
    look.labels_at_end(axes, ends)


def _latency(axes: Any, results: Results) -> None:
    ends, values = [], []
    for mode, points in _lines(results):
        x, y = curve(axes, points, lambda point: point.latency_p50_ms / 1000, COLOURS[mode])
        ends.append((x, y, f"{LABELS[mode]}, median", COLOURS[mode]))
        x, y = curve(axes, points, lambda point: point.latency_p99_ms / 1000, COLOURS[mode], linestyle=":")
        ends.append((x, y, f"{LABELS[mode]}, p99", COLOURS[mode]))
        values += [ms / 1000 for point in points for ms in (point.latency_p50_ms, point.latency_p99_ms)]
    look.log_axis(axes, values, "from posting to arrival", "s")
    sizes = [point.nodes for point in results.points]
    servers_axis(axes, min(sizes) / 1.2, max(sizes), 7.0)
    axes.set_title("How fast it arrives")
    look.subtitle(axes, "Median (solid) and 99th percentile (dotted); who has to be looked up first waits for that")
    look.labels_at_end(axes, ends)


SPLIT = {"payload": look.GOOD, "relay": "#56B4E9", "duplicate": "#CC79A7", "control": "#BBBBBB"}


def _split(axes: Any, results: Results) -> None:
    """Bars of what is sent for posts, per delivery: payload, passed on, duplicates, control."""
    rows = []
    for mode, points in _lines(results):
        if mode == "mesh":
            points = [point for point in points if point.nodes <= FULL]
        if not points:
            continue
        largest = max(point.nodes for point in points)
        rows.append((f"{LABELS[mode]}\n{largest:,} servers", [point for point in points if point.nodes == largest]))
    for place, (_, points) in enumerate(rows):
        left = 0.0
        for kind in KINDS:
            value = median(getattr(point, f"{kind}_post") / max(1e-9, point.arrived_per_post) for point in points)
            start = left if value >= 0 else 0.0
            axes.barh(place, value, left=start, height=0.5, color=SPLIT[kind])
            left += max(0.0, value)
        whole = median(point.per_delivery for point in points)
        axes.annotate(
            f"{whole:,.0f} B", (left, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9
        )
    axes.axvline(0, color="#888888", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.9)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.2)
    axes.set_xlabel("bytes on the wire for one delivery, beyond those of silence")
    axes.set_title("What a delivery is made of")
    names = {
        "payload": "from author or parent",
        "relay": "passed on for others",
        "duplicate": "duplicates",
        "control": "control",
    }
    handles = [plt.Rectangle((0, 0), 1, 1, color=SPLIT[kind]) for kind in KINDS]
    axes.legend(
        handles, [names[kind] for kind in KINDS], ncol=4, fontsize=8.5, frameon=False, loc="lower left",
        bbox_to_anchor=(-0.02, 0.99), handlelength=1, columnspacing=1.2,
    )  # fmt: skip
