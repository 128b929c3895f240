"""The plots of the crossover experiment: the page's one figure, and what lies behind it."""

from __future__ import annotations

import functools
import math
from statistics import median
from typing import Any, Callable, Sequence

import crossover_math as maths
import matplotlib.pyplot as plt
import plotting as look
from crossover_points import BUDGET, GRAPHS, POST, WITHOUT_GRAPH, Point
from crossover_run import Results
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from meter import KINDS

COLOURS = {"mesh": look.MESH, "broadcast": look.BROADCAST, "multicast": look.MULTICAST, "auto": look.AUTO}
LABELS = {"mesh": "mesh", "broadcast": "broadcast", "multicast": "followers only", "auto": "auto"}
NAMES_IN_TABLE = {
    "mesh": "broadcast, mesh",
    "broadcast": "broadcast, tree",
    "multicast": "followers only",
    "auto": "auto",
}
MARKERS = {"epinions": "o", "nostr": "s", "generated": "^"}
SOURCE_NAMES = {"epinions": "Epinions", "nostr": "Nostr", "generated": "generated"}
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
    """The medians over seeds, a band from the least to the most where there are several, hollow points where there is
    one: that a band would have no width there says nothing. The last point."""
    sizes = maths.by_size(points, value)
    xs = list(sizes)
    several = [size for size, values in sizes.items() if len(values) > 1]
    low, high = [min(sizes[size]) for size in several], [max(sizes[size]) for size in several]
    axes.fill_between(several, low, high, color=colour, alpha=0.18, linewidth=0)
    ys = [median(values) for values in sizes.values()]
    look.line(axes, xs, ys, colour, **how)
    single = [size for size in xs if size not in several]
    if single:
        marks = {"marker": how.get("marker", "o"), "markersize": how.get("markersize", 5.5), "zorder": 4}
        heights = [sizes[size][0] for size in single]
        axes.plot(single, heights, linestyle="none", color=colour, markerfacecolor="white", mew=1.5, **marks)
    return xs[-1], ys[-1]


def servers_axis(axes: Any, low: float, high: float, room: float) -> None:
    """Decades and what lies between: the sizes are too many to be named each."""
    axes.set_xscale("log")
    axes.set_xlim(low, high * room)
    ticks: list[int] = []
    for tick in (1_000_000, 100_000, 10_000, 1000, 256, 64, 32, 16, 12, 8):  # as far as their names have room
        room_for = 0.02 * len(f"{tick:,}{ticks[-1] if ticks else ''}") * math.log(high * room / low)
        if low <= tick <= high * 1.01 and (not ticks or math.log(ticks[-1] / tick) > room_for):
            ticks.append(tick)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("servers in the network")


# --- the figure of the page -------------------------------------------------------------------------------------------


def headline(results: Results) -> list[look.Draw]:
    """What posts alone cost and where the curves cross; how much one is of the other; all that is sent, and the budget."""
    return [functools.partial(_shown, draw, results) for draw in (_posts_alone, _compared, _everything)]


def _shown(draw: Callable[[Any, Results], None], results: Results, axes: Any) -> None:
    draw(axes, results)


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
    look.log_axis(axes, values, "sent by one server for posts", "B/s")
    shown = [value for value in values if value > 0] or [1.0]  # with the mesh alone there is nothing here
    axes.set_ylim(min(shown) / 3, max(shown) * 5)
    servers_axis(axes, min(sizes) / 1.2, max(sizes), 3.4 if max(sizes) < 5000 else 6.0)
    _who_follows(axes, results)
    axes.set_title("Posts alone: where the curves cross")
    look.subtitle(axes, "dotted: the payload alone; hollow points: one seed")
    for graph in reversed(graphs):
        main = graph == graphs[0]
        place = crossing(results, graph)
        if place is not None and place.nodes <= 1.5 * max(sizes):
            _mark(axes, place.nodes, broadcast, maths.rounded(place.nodes) + (" servers" if main else ""), main)
    look.labels_at_end(axes, ends)


def crossing(results: Results, graph: str) -> maths.Place | None:
    """Where the curves of posts alone cross; of an interrupted run only if it is within what was measured."""
    place = maths.crossing(results.of("broadcast"), results.of("multicast", graph), upkeep=False)
    return place if place is None or place.measured or results.whole else None


def exceeded(results: Results) -> maths.Place | None:
    """Where broadcast exceeds the budget; of an interrupted run only if it is within what was measured: from smaller
    networks alone one would extrapolate to something else."""
    place = maths.budget(results.of("broadcast"))
    return place if place is None or place.measured or results.whole else None


def _who_follows(axes: Any, results: Results) -> None:
    """The markers of the follow relations, in the corner that curves which rise leave free."""
    graphs = [graph for graph in graphs_of(results) if results.of("multicast", graph)]
    marks = []
    how: dict[str, Any] = {"markeredgecolor": "white", "linewidth": 1.4}
    if results.of("broadcast"):
        marks.append(plt.Line2D([], [], label="broadcast", color=COLOURS["broadcast"], marker="o", **how))
    for graph in graphs:
        follows = max(point.follows_mean for point in results.of("multicast", graph))
        label = f"followers only, {SOURCE_NAMES[graph]}: {follows:.2g} follows"
        marks.append(plt.Line2D([], [], label=label, color=COLOURS["multicast"], marker=MARKERS[graph], **how))
    if marks:
        axes.legend(handles=marks, loc="upper left", fontsize=8.5, frameon=False)


def _compared(axes: Any, results: Results) -> None:
    """Followers only as a share of broadcast, at the sizes that both were measured at: cheaper is what is below 100 %."""
    followers = results.of("multicast", graphs_of(results)[0])
    lines: list[tuple[str, Callable[[Point], float], Callable[[Point], float], str, str]] = [
        ("posts alone", lambda p: p.posts_B_s, lambda p: p.posts_B_s, look.MULTICAST, "-"),
        (
            "with the follow\nrelations",
            lambda p: maths.follower_cost(p, True),
            lambda p: p.posts_B_s,
            look.MULTICAST,
            ":",
        ),
        ("all that is sent", lambda p: p.sent_B_s, lambda p: p.sent_B_s, look.INK, "-"),
    ]
    ends, values = [], [1.0]
    for name, cost, of_broadcast, colour, shape in lines:
        ours = maths.by_size(results.of("broadcast"), of_broadcast)
        theirs = maths.by_size(followers, cost)
        sizes = [size for size in ours if size in theirs and median(ours[size]) > 0 and median(theirs[size]) > 0]
        if not sizes:
            continue
        shares = [median(theirs[size]) / median(ours[size]) for size in sizes]
        look.line(axes, sizes, shares, colour, linestyle=shape)
        ends.append((sizes[-1], shares[-1], name, colour))
        values += shares
        place = maths.meeting(sizes, [1.0] * len(sizes), shares)
        if place is not None and colour == look.MULTICAST:
            axes.plot(
                [place], [1.0], marker="o", markersize=13, markerfacecolor="none", mec=look.INK, mew=1.6, zorder=7
            )
            axes.annotate(
                maths.rounded(place), (place, 1.0), xytext=(8, 7), textcoords="offset points", fontsize=9.5,
                color=look.INK, fontweight="bold",
            )  # fmt: skip
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(
        FixedLocator([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50])
    )
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    axes.set_ylim(min(values) / 1.5, max(values) * 1.5)
    axes.set_ylabel("followers only / broadcast")
    sizes = [point.nodes for point in results.points if point.mode != "mesh"] or [16]
    servers_axis(axes, min(sizes) / 1.2, max(sizes), 9.0)
    axes.set_title("What is saved")
    look.subtitle(axes, "what followers only costs, if broadcast is 100 %")
    look.target(axes, 1.0, "as much as broadcast")
    look.labels_at_end(axes, ends)


def _mark(axes: Any, x: float, broadcast: Sequence[Point], text: str, main: bool) -> None:
    """A ring where the broadcast curve crosses something, and a line down to the number."""
    xs, ys = medians(broadcast, lambda point: point.posts_B_s)
    y = maths.on_curve(xs, ys, x)
    bottom = axes.get_ylim()[0]
    colour = look.INK if main else "#777777"
    axes.plot([x, x], [bottom, y], color=colour, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    ring = {"markersize": 15 if main else 11, "markeredgecolor": colour, "mew": 1.8 if main else 1.2}
    axes.plot([x], [y], marker="o", markerfacecolor="none", zorder=7, **ring)
    weight = "bold" if main else "normal"
    axes.annotate(
        text, (x, bottom), xytext=(5, 7), textcoords="offset points", fontsize=9.5, color=colour, fontweight=weight
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
        if x < end and results.whole:
            xs = [x * (end / x) ** (i / 40) for i in range(41)]
            scale = y / model.total(x)  # dashed goes on from where the measured line ends
            ys = [model.total(nodes) * (1 + (scale - 1) * (1 - i / 40)) for i, nodes in enumerate(xs)]
            axes.plot(xs, ys, color=COLOURS[mode], linewidth=1.8, linestyle=(0, (5, 3)))
            x, y = xs[-1], ys[-1]
            values.append(y)
            known = (known[0] + xs[1:], known[1] + ys[1:])
        fitted[mode] = known
        ends.append((x, y, LABELS[mode], COLOURS[mode]))
    if len(fitted) == 2 and results.whole:
        ends.append((*_auto(axes, fitted, end), "auto (band:\ncalculated)", COLOURS["auto"]))
    if measured := results.of("auto"):
        xs, ys = medians(measured, lambda point: point.sent_B_s)
        axes.plot(
            xs, ys, linestyle="none", marker="s", markersize=9, mfc="none", mec=COLOURS["auto"], mew=1.6, zorder=5
        )
    if mesh:
        xs, ys = medians(mesh, lambda point: point.sent_B_s)
        look.line(axes, xs, ys, COLOURS["mesh"], marker="D")
        values += ys
        beyond = any(point.nodes > FULL for point in results.of("mesh"))
        axes.plot([xs[-1]], [ys[-1]], marker="X", color=COLOURS["mesh"], markersize=11, mec="white", zorder=6)
        full = f"\n(full with {FULL})" if beyond or xs[-1] >= 64 else ""
        ends.append((xs[-1], ys[-1], f"broadcast over\nthe mesh{full}", COLOURS["mesh"]))
    look.log_axis(axes, values, "sent by one server in all", "B/s")
    smallest = min(point.nodes for point in results.points)
    servers_axis(axes, smallest / 1.2, end, 60.0)
    place = exceeded(results)
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
    axes.set_title("In all: where broadcast is too dear")
    look.subtitle(axes, "posts and the upkeep of the network; dashed: extrapolated")
    look.target(axes, BUDGET, f"budget: {BUDGET / 1024:g} KiB/s ({BUDGET:,.0f} B/s)")
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


def details(results: Results) -> list[look.Draw]:
    """What the busiest servers send, what it is made of, uplink, latency, copies and delivery."""
    draws = (_busiest, _split, _uplink, _latency, _copies, _arrives)
    return [functools.partial(_shown, draw, results) for draw in draws]


def _busiest(axes: Any, results: Results) -> None:
    axes.set_title("The busiest hundredth of servers")
    look.subtitle(axes, "who can be reached from outside NAT carries for the others")
    _panel(axes, results, lambda point: point.sent_p99, "sent by the 99th percentile", "B/s")


def _uplink(axes: Any, results: Results) -> None:
    axes.set_title("The author's uplink")
    look.subtitle(axes, f"authors drawn by activity; dotted: one copy of {POST} bytes, the least possible")
    axes.axhline(POST, color=look.INK, linewidth=1.0, linestyle=":", zorder=1)
    _panel(axes, results, lambda point: point.uplink_B, "sent by the author for one post", "B")


def _copies(axes: Any, results: Results) -> None:
    axes.set_title("Copies per delivery")
    look.subtitle(axes, "how often a post is sent, by its author and by relays, for each server that gets it")
    _panel(axes, results, lambda point: point.copies, "transmissions per delivery", "", log=False)


def _arrives(axes: Any, results: Results) -> None:
    axes.set_title("What arrives")
    look.subtitle(axes, "due: to everybody online, or to online followers; who never got in counts as missed")
    _panel(axes, results, lambda point: 100 * point.delivery_ratio, "delivered, % of what was due", "", log=False,
           top=118.0, full_mesh=True)  # fmt: skip


def _lines(results: Results, full_mesh: bool = False) -> list[tuple[str, list[Point]]]:
    """The mesh as far as it has room: beyond that most does not arrive, and what did not arrive cost nothing."""
    graph = graphs_of(results)[0]
    found = [(mode, results.of(mode) if mode in WITHOUT_GRAPH else results.of(mode, graph)) for mode in LABELS]
    found = [
        (mode, [point for point in points if mode != "mesh" or full_mesh or point.nodes <= FULL])
        for mode, points in found
    ]
    return [(mode, points) for mode, points in found if points]


def _panel(
    axes: Any, results: Results, value: Callable[[Point], float], label: str, unit: str, log: bool = True,
    top: float | None = None, full_mesh: bool = False,
) -> None:  # fmt: skip
    ends, values = [], []
    for mode, points in _lines(results, full_mesh):
        x, y = curve(axes, points, value, COLOURS[mode], marker="D" if mode == "mesh" else "o")
        ends.append((x, y, LABELS[mode], COLOURS[mode]))
        values += [value(point) for point in points]
    if log:
        look.log_axis(axes, [value for value in values if value > 0], label, unit)
    else:
        axes.set_ylim(0, top or max(values, default=1.0) * 1.2)
        axes.set_ylabel(label)
    sizes = [point.nodes for point in results.points]
    servers_axis(axes, min(sizes) / 1.2, max(sizes), 6.0)
    look.labels_at_end(axes, ends)


def _latency(axes: Any, results: Results) -> None:
    ends, values = [], []
    for mode, points in _lines(results):
        for name, which, shape in (("median", "latency_p50_ms", "-"), ("p99", "latency_p99_ms", ":")):
            x, y = curve(axes, points, lambda point: float(getattr(point, which)), COLOURS[mode], linestyle=shape)
            ends.append((x, y, f"{LABELS[mode]}, {name}", COLOURS[mode]))
            values += [float(getattr(point, which)) for point in points]
    values = [value for value in values if value > 0] or [100.0]
    axes.set_yscale("log")
    axes.set_ylim(min(values) / 1.3, max(values) * 1.3)
    axes.yaxis.set_major_locator(FixedLocator([10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f} ms"))
    axes.set_ylabel("from posting to arrival")
    sizes = [point.nodes for point in results.points]
    servers_axis(axes, min(sizes) / 1.2, max(sizes), 30.0)
    axes.set_title("How fast it arrives")
    look.subtitle(axes, "median (solid) and 99th percentile (dotted); who has to be looked up first waits for that")
    look.labels_at_end(axes, ends)


def made_of(point: Point) -> dict[str, float]:
    """Bytes of one delivery, by what they are."""
    each = {kind: getattr(point, f"{kind}_post") / max(1e-9, point.arrived_per_post) for kind in KINDS}
    return {
        "author": each["payload"],
        "passed_on": each["relay"],
        "again": each["duplicate"],
        "control": each["control"],
    }


SPLIT = {
    "author": ("the post, from author or parent", look.AUTHOR),
    "passed_on": ("the post, passed on by relays", look.PASSED_ON),
    "again": ("the post, to who had it", look.AGAIN),
    "control": ("receipts, look-ups, acknowledgements, less saved keepalives", look.CONTROL),
}


def _split(axes: Any, results: Results) -> None:
    """Bars of what is sent for posts, per delivery, at the largest size of each mode."""
    rows = []
    for mode, points in _lines(results):
        largest = max(point.nodes for point in points)
        rows.append((f"{LABELS[mode]}\n{largest:,} servers", [point for point in points if point.nodes == largest]))
    used = set()
    for place, (_, points) in enumerate(rows):
        left = 0.0
        for kind, (_, colour) in SPLIT.items():
            value = median(made_of(point)[kind] for point in points)
            if abs(value) >= 1:
                used.add(kind)
            axes.barh(place, value, left=left if value >= 0 else 0.0, height=0.5, color=colour)
            left += max(0.0, value)
        whole = median(point.per_delivery for point in points)
        axes.annotate(
            f"{whole:,.0f} B", (left, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9
        )
    axes.axvline(0, color="#888888", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -2.1)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("bytes on the wire for one delivery, beyond those of silence")
    axes.set_title("What a delivery is made of")
    look.subtitle(axes, "what a message is for decides, not who sends it: relays pass on receipts and look-ups as well")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for kind, (_, colour) in SPLIT.items() if kind in used]
    axes.legend(
        handles, [name for kind, (name, _) in SPLIT.items() if kind in used], ncol=2, fontsize=7.6, frameon=False,
        loc="upper left", handlelength=1, columnspacing=0.9, handletextpad=0.5, borderaxespad=0.1,
    )  # fmt: skip
