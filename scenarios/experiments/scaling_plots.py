"""The plots of the scaling experiment."""

from __future__ import annotations

import functools
from typing import Any, Callable, Sequence

import plotting as look
from scaling import CONNECTIONS, Idle, Results, Row

COLOURS = {"broadcast": look.BROADCAST, "multicast": look.MULTICAST}
NAMES = {"broadcast": "broadcast", "multicast": "followers only"}


def compared(results: Results) -> list[Idle]:
    """What is known of the original at sizes that were run here."""
    nodes = [row.nodes for row in results.rows]
    return [one for one in results.idle if min(nodes) <= one.nodes <= max(nodes)]


def _modes(results: Results) -> dict[str, list[Row]]:
    modes: dict[str, list[Row]] = {}
    for row in results.rows:
        modes.setdefault(row.mode, []).append(row)
    return {mode: sorted(rows, key=lambda row: row.nodes) for mode, rows in modes.items()}


def _beyond(axes: Any, results: Results) -> None:
    """Shades the sizes at which the mesh is full, and says what that means if it was measured."""
    beyond = [row for row in results.rows if row.nodes > CONNECTIONS + 1]
    if not beyond:
        return
    text = f"over {CONNECTIONS + 1} servers\nthe mesh is full"
    if max(row.delivery_ratio for row in beyond) < 0.5:
        text += ":\nmost posts\ndo not arrive"
    look.region(axes, CONNECTIONS + 1, text)


def inside(results: Results, mode: str) -> list[Row]:
    """The networks of one mode in which the mesh has room for everybody, by size."""
    return [row for row in _modes(results).get(mode, []) if row.nodes <= CONNECTIONS + 1]


def posts_of(row: Row) -> float:
    """Bytes per server and second that are about posts."""
    return row.bytes_per_node_per_s - row.control_bytes_per_node_per_s


def cost_claim(results: Results) -> str:
    """What the first panel shows, as far as it was measured."""
    rows = inside(results, "broadcast") or inside(results, "multicast")
    if not rows:
        return ""
    first, last = rows[0], rows[-1]
    share = 100 * last.control_bytes_per_node_per_s / last.bytes_per_node_per_s
    claim = f"At {last.nodes} servers {share:.0f} % of it is the mesh telling about itself"
    if last.nodes > first.nodes:
        growth = last.control_bytes_per_node_per_s / first.control_bytes_per_node_per_s
        claim += f", {growth:.3g} times as much as at {first.nodes}"
    return claim


def posts_claim(results: Results) -> str:
    claim = f"{results.rows[0].post_rate / 1440:g} posts per user and minute"
    grown = []
    for mode in NAMES:
        rows = inside(results, mode)
        if len(rows) > 1 and posts_of(rows[0]) > 0:
            span = f"from {rows[0].nodes} to {rows[-1].nodes} servers"
            grown.append(f"{NAMES[mode]} \u00d7 {posts_of(rows[-1]) / posts_of(rows[0]):.2g}")
    return f"{claim}; {span}: {', '.join(grown)}" if grown else claim


def _dot(xs: Sequence[int]) -> str:
    """The marker of a line that has none: one point alone would not be seen."""
    return "" if len(xs) > 1 else "o"


def plots(results: Results) -> list[look.Draw]:
    """Over the size of the network: what it costs, how much arrives, how fast, how often it is sent."""
    return [functools.partial(_shown, draw, results) for draw in (_cost, _posts_cost, _delivery, _latency)]


def _shown(draw: Callable[[Any, Results], None], results: Results, axes: Any) -> None:
    draw(axes, results)


def _within(rows: Sequence[Row]) -> list[Row]:
    """Those in which the mesh has room for everybody, if there are such: beyond that most does not arrive, and what does
    not arrive costs little."""
    return [row for row in rows if row.nodes <= CONNECTIONS + 1] or list(rows)


def _cost(axes: Any, results: Results) -> None:
    nodes = [row.nodes for row in results.rows]
    ends = []
    for mode, rows in _modes(results).items():
        rows = _within(rows)
        xs, ys = [row.nodes for row in rows], [row.bytes_per_node_per_s for row in rows]
        wide = mode == "broadcast"  # the lines lie close together: one shows on both sides of the other
        look.line(axes, xs, ys, COLOURS[mode], linewidth=5 if wide else 1.8, markersize=9 if wide else 5)
        ends.append((xs[-1], ys[-1], NAMES[mode], COLOURS[mode]))
    # Bars or areas would lie on a logarithmic axis: their size would mean nothing. A line does not pretend.
    rows = _within(_modes(results).get("broadcast") or _modes(results)["multicast"])
    xs, ys = [row.nodes for row in rows], [row.control_bytes_per_node_per_s for row in rows]
    axes.plot(xs, ys, color=look.MESH, linewidth=1.4, linestyle=(0, (1.5, 1.5)), marker=_dot(xs), zorder=5)
    first = (xs[0], ys[0], "of it the mesh\nabout itself", look.MESH)
    original = compared(results)
    for one in original:
        low, high = [one.original_low / 1.03], [one.original_high * 1.03]
        axes.vlines([one.nodes], low, high, color=look.REFERENCE, linewidth=2, zorder=6)
        for height in {one.original_low, one.original_high}:
            axes.plot(
                [one.nodes], [height], marker="_", color=look.REFERENCE, markersize=13, markeredgewidth=2, zorder=6
            )
    values = [row.bytes_per_node_per_s for row in results.rows] + [row.control_bytes_per_node_per_s for row in rows]
    values += [one.original_high for one in original]
    look.log_axis(axes, values, "sent per server", "B/s")
    look.nodes_axis(axes, nodes)
    if original:
        axes.plot([0.035], [0.93], transform=axes.transAxes, marker="_", color=look.REFERENCE, markersize=13, mew=2)
        axes.annotate(
            "the original, idle, all its\nservers public: more links",
            (0.07, 0.955),
            xycoords="axes fraction",
            fontsize=8.5,
            color=look.REFERENCE,
            va="top",
        )
    axes.set_title("Everything a server sends")
    look.subtitle(axes, cost_claim(results))
    _beyond(axes, results)
    look.labels_at_end(axes, [*ends, first])


def _posts_cost(axes: Any, results: Results) -> None:
    nodes = [row.nodes for row in results.rows]
    ends, values = [], []
    for mode, rows in _modes(results).items():
        rows = _within(rows)
        xs = [row.nodes for row in rows]
        ys = [max(0.1, posts_of(row)) for row in rows]
        values += ys
        look.line(axes, xs, ys, COLOURS[mode])
        ends.append((xs[-1], ys[-1], NAMES[mode], COLOURS[mode]))
    look.log_axis(axes, values, "sent per server for posts", "B/s")
    look.nodes_axis(axes, nodes)
    axes.set_title("Posts alone")
    look.subtitle(axes, posts_claim(results))
    _beyond(axes, results)
    look.labels_at_end(axes, ends)


def _delivery(axes: Any, results: Results) -> None:
    nodes = [row.nodes for row in results.rows]
    ends = []
    for mode, rows in _modes(results).items():
        xs, ys = [row.nodes for row in rows], [100 * row.delivery_ratio for row in rows]
        look.line(axes, xs, ys, COLOURS[mode])
        ends.append((xs[-1], ys[-1], f"{NAMES[mode]}\n{ys[-1]:.0f} %", COLOURS[mode]))
    axes.set_ylim(0, 120)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.set_ylabel("delivered, % of what was due")
    look.nodes_axis(axes, nodes)
    axes.set_title("What arrives")
    look.subtitle(axes, "Due is to everybody online (broadcast) or to online followers, locked-out servers included")
    _beyond(axes, results)
    look.labels_at_end(axes, ends)


def _latency(axes: Any, results: Results) -> None:
    nodes = [row.nodes for row in results.rows]
    ends, values = [], []
    for mode, rows in _modes(results).items():
        rows = _within(rows)
        xs = [row.nodes for row in rows]
        median, slowest = [row.latency_p50_ms for row in rows], [row.latency_p99_ms for row in rows]
        values += median + slowest
        look.line(axes, xs, median, COLOURS[mode])
        look.line(axes, xs, slowest, COLOURS[mode], linestyle=":", marker=_dot(xs))
        ends.append((xs[-1], median[-1], f"{NAMES[mode]}, median", COLOURS[mode]))
        ends.append((xs[-1], slowest[-1], f"{NAMES[mode]}, p99", COLOURS[mode]))
    axes.set_ylim(0, max(values) * 1.3)
    axes.set_ylabel("from posting to arrival, ms")
    look.nodes_axis(axes, nodes, room=5.0)
    axes.set_title("How fast it arrives")
    look.subtitle(axes, "Median (solid) and 99th percentile (dotted) over all deliveries that happened")
    _beyond(axes, results)
    look.labels_at_end(axes, ends)


def idle_panel(idle: Sequence[Idle], axes: Any) -> None:
    """The simulated idle mesh beside what the original sends."""
    for place, one in enumerate(idle):
        axes.barh(place + 0.19, one.original_high, height=0.34, color="#E3E3E3")
        axes.barh(place + 0.19, one.original_low, height=0.34, color="#C4C4C4")
        axes.barh(place - 0.19, one.bytes_per_node_per_s, height=0.34, color=look.MESH)
        original = f"{one.original_low:,.0f}"
        if one.original_high > one.original_low:
            original += f" to {one.original_high:,.0f}"
        for height, value, text in (
            (place + 0.19, one.original_high, f"original {original}"),
            (place - 0.19, one.bytes_per_node_per_s, f"simulated {one.bytes_per_node_per_s:,.0f}"),
        ):
            axes.annotate(
                text,
                (value, height),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                color=look.INK,
            )
    axes.set_yticks(range(len(idle)), [f"{one.nodes} servers" for one in idle])
    axes.invert_yaxis()
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.set_xlim(0, max(max(one.original_high, one.bytes_per_node_per_s) for one in idle) * 1.6)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:.0f} kB/s")
    axes.set_xlabel("sent per server while nobody posts")
