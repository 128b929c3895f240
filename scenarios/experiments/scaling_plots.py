"""The plots of the scaling experiment."""

from __future__ import annotations

from typing import Any, Sequence

import matplotlib.pyplot as plt
import plotting as look
from scaling import CONNECTIONS, Idle, Results, Row

COLOURS = {"broadcast": look.BROADCAST, "multicast": look.MULTICAST}
NAMES = {"broadcast": "broadcast", "multicast": "followers only"}


def _modes(results: Results) -> dict[str, list[Row]]:
    modes: dict[str, list[Row]] = {}
    for row in results.rows:
        modes.setdefault(row.mode, []).append(row)
    return {mode: sorted(rows, key=lambda row: row.nodes) for mode, rows in modes.items()}


def _lock_out_line(axes: Any, nodes: Sequence[int], at: float = 0.97) -> None:
    if max(nodes) > CONNECTIONS:
        look.threshold(axes, CONNECTIONS + 1, f"{CONNECTIONS + 1}: the mesh is full", at)


def scaling_figure(results: Results) -> Any:
    """Four panels over the size of the network: what it costs, how much arrives, how fast, how often it is sent."""
    look.use_style()
    figure, panels = plt.subplots(2, 2, figsize=(13.6, 9.6))
    figure.subplots_adjust(hspace=0.48, wspace=0.34)
    _cost(panels[0][0], results)
    _posts_cost(panels[0][1], results)
    _delivery(panels[1][0], results)
    _latency(panels[1][1], results)
    return figure


def _cost(axes: Any, results: Results) -> None:
    nodes = [row.nodes for row in results.rows]
    ends = []
    for mode, rows in _modes(results).items():
        xs, ys = [row.nodes for row in rows], [row.bytes_per_node_per_s for row in rows]
        wide = mode == "broadcast"  # the lines lie close together: one shows on both sides of the other
        look.line(axes, xs, ys, COLOURS[mode], linewidth=5 if wide else 1.8, markersize=9 if wide else 5)
        ends.append((xs[-1], ys[-1], NAMES[mode], COLOURS[mode]))
    rows = _modes(results).get("multicast") or results.rows
    xs, ys = [row.nodes for row in rows], [row.control_bytes_per_node_per_s for row in rows]
    axes.fill_between(xs, ys, 1e-3, color=look.CONTROL, alpha=0.13, linewidth=0, zorder=0)
    axes.annotate(
        "of it the mesh talking about itself",
        (xs[0] * 1.1, 0.06),
        xycoords=("data", "axes fraction"),
        fontsize=8.5,
        color="#555555",
    )
    original = [one for one in results.idle]
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
        axes.plot([0.025], [0.93], transform=axes.transAxes, marker="_", color=look.REFERENCE, markersize=13, mew=2)
        axes.annotate(
            "the original, measured idle",
            (0.05, 0.93),
            xycoords="axes fraction",
            fontsize=8.5,
            color=look.REFERENCE,
            va="center",
        )
    axes.set_title("Everything a server sends")
    look.subtitle(axes, "Gossip about the mesh itself outweighs all posts, and outgrows the square of its size")
    _lock_out_line(axes, nodes, 0.18)
    look.labels_at_end(axes, ends)


def _posts_cost(axes: Any, results: Results) -> None:
    nodes = [row.nodes for row in results.rows]
    ends, values = [], []
    for mode, rows in _modes(results).items():
        xs = [row.nodes for row in rows]
        ys = [max(0.1, row.bytes_per_node_per_s - row.control_bytes_per_node_per_s) for row in rows]
        values += ys
        look.line(axes, xs, ys, COLOURS[mode])
        ends.append((xs[-1], ys[-1], NAMES[mode], COLOURS[mode]))
    look.log_axis(axes, values, "sent per server for posts", "B/s")
    look.nodes_axis(axes, nodes)
    rate = results.rows[0].post_rate / 1440
    axes.set_title("Posts alone")
    look.subtitle(
        axes, f"{rate:g} posts per user and minute: broadcast grows with the network, followers-only does not"
    )
    _lock_out_line(axes, nodes, 0.06)
    look.labels_at_end(axes, ends)


def _delivery(axes: Any, results: Results) -> None:
    nodes = [row.nodes for row in results.rows]
    ends = []
    for mode, rows in _modes(results).items():
        xs, ys = [row.nodes for row in rows], [100 * row.delivery_ratio for row in rows]
        look.line(axes, xs, ys, COLOURS[mode])
        ends.append((xs[-1], ys[-1], f"{NAMES[mode]}\n{ys[-1]:.0f} %", COLOURS[mode]))
    axes.set_ylim(0, 108)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.set_ylabel("delivered, % of what was due")
    look.nodes_axis(axes, nodes)
    axes.set_title("What arrives")
    look.subtitle(axes, "Due is to everybody online (broadcast) or to online followers, locked-out servers included")
    _lock_out_line(axes, nodes, 0.90)
    look.labels_at_end(axes, ends)


def _latency(axes: Any, results: Results) -> None:
    nodes = [row.nodes for row in results.rows]
    ends, values = [], []
    for mode, rows in _modes(results).items():
        xs = [row.nodes for row in rows]
        median, slowest = [row.latency_p50_ms for row in rows], [row.latency_p99_ms for row in rows]
        values += median + slowest
        axes.fill_between(xs, median, slowest, color=COLOURS[mode], alpha=0.10, linewidth=0)
        look.line(axes, xs, median, COLOURS[mode])
        look.line(axes, xs, slowest, COLOURS[mode], linestyle=":", marker="")
        ends.append((xs[-1], median[-1], f"{NAMES[mode]}, median", COLOURS[mode]))
        ends.append((xs[-1], slowest[-1], f"{NAMES[mode]}, p99", COLOURS[mode]))
    axes.set_ylim(0, max(values) * 1.15)
    axes.set_ylabel("from posting to arrival, ms")
    look.nodes_axis(axes, nodes, room=3.6)
    axes.set_title("How fast it arrives")
    look.subtitle(axes, "Median (solid) and 99th percentile (dotted) over all deliveries that happened")
    _lock_out_line(axes, nodes, 0.08)
    look.labels_at_end(axes, ends)


def idle_figure(idle: Sequence[Idle]) -> Any:
    """The simulated idle mesh beside what the original sends."""
    look.use_style()
    figure, axes = plt.subplots(figsize=(7.2, 3.3))
    for place, one in enumerate(idle):
        axes.barh(place + 0.19, one.original_high, height=0.34, color="#CFCFCF")
        axes.barh(place + 0.19, one.original_low, height=0.34, color="#9A9A9A")
        axes.barh(place - 0.19, one.bytes_per_node_per_s, height=0.34, color=look.MULTICAST)
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
    axes.set_xlim(0, max(max(one.original_high, one.bytes_per_node_per_s) for one in idle) * 1.32)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:.0f} kB/s")
    axes.set_xlabel("sent per server while nobody posts")
    return figure
