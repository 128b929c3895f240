"""One look for every plot: colours that the colour-blind can tell apart, lines named where they end, units on axes."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import Any, Sequence

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.patheffects import withStroke  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator  # noqa: E402

# Okabe and Ito 2008, by role, so that a mode has the same colour in every plot.
BROADCAST = "#D55E00"
MULTICAST = "#0072B2"
CONTROL = "#777777"
REFERENCE = "#000000"
GOOD = "#009E73"
INK = "#222222"
SHOWN = 0.48  # of a plot's pixels on a page: the widest one fits
FAINT = "#BBBBBB"

STYLE: dict[str, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 26,
    "axes.labelsize": 10,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#888888",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "lines.linewidth": 2.0,
    "lines.markersize": 5.5,
    "lines.solid_capstyle": "round",
}


def use_style() -> None:
    plt.rcParams.update(STYLE)


def subtitle(axes: Any, text: str) -> None:
    """What to see, in one grey line under the title."""
    axes.annotate(
        text, (0, 1), xycoords="axes fraction", xytext=(0, 9), textcoords="offset points", fontsize=8.5, color="#555555"
    )


def nodes_axis(axes: Any, nodes: Sequence[int], room: float = 2.6) -> None:
    """A logarithmic axis that is labelled where there are measurements, with room on the right for labels."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(nodes))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    axes.set_xlim(min(nodes) / 1.25, max(nodes) * room)
    axes.set_xlabel("servers in the network")


def counts_axis(axes: Any, counts: Sequence[int], label: str, left: float, right: float) -> None:
    """The same for counts of something else; `left` and `right` times the ends is where the axis ends."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(counts))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlim(max(1, min(counts)) / left, max(1, *counts) * right)
    axes.set_xlabel(label)


def quantity(value: float) -> str:
    """1234 -> '1.2 k'; three digits are enough to read a plot."""
    if value == 0:
        return "0"
    for factor, prefix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g}{prefix}"
    return f"{value:.3g}"


def log_axis(axes: Any, values: Sequence[float], label: str, unit: str) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(
        FuncFormatter(
            lambda value, _: f"{quantity(value)}{'' if 'k' in quantity(value) or 'M' in quantity(value) else ' '}{unit}"
        )
    )
    positive = [value for value in values if value > 0] or [1.0]
    low, high = 10 ** math.floor(math.log10(min(positive))), 10 ** math.ceil(math.log10(max(positive) * 1.05))
    axes.set_ylim(low, high)
    axes.set_ylabel(label)


def line(axes: Any, xs: Sequence[float], ys: Sequence[float], colour: str, **how: Any) -> None:
    axes.plot(xs, ys, color=colour, marker=how.pop("marker", "o"), markeredgecolor="white", markeredgewidth=0.9, **how)


def labels_at_end(axes: Any, entries: Sequence[tuple[float, float, str, str]], gap: float = 11.0) -> None:
    """Names lines at their last points (x, y, text, colour), moved apart where they would overlap, off the x axis."""
    figure = axes.figure
    figure.canvas.draw()
    lowest = axes.bbox.y0 * 72 / figure.dpi + 5
    placed: list[tuple[float, float, float, float, str, str, float]] = []
    for x, y, text, colour in sorted(entries, key=lambda entry: entry[1]):
        height = axes.transData.transform((x, y))[1] * 72 / figure.dpi
        lines = text.count("\n") + 1
        bottom = max(height - 5 * lines, lowest)
        if placed and bottom < placed[-1][1] + 2:
            bottom = placed[-1][1] + 2
        placed.append((height, bottom + gap * lines, x, y, text, colour, bottom))
    for height, _, x, y, text, colour, bottom in placed:
        lines = text.count("\n") + 1
        axes.annotate(
            text,
            (x, y),
            xytext=(8, bottom + 5 * lines - height),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=colour,
            fontweight="bold",
            linespacing=1.1,
            annotation_clip=False,
            path_effects=[withStroke(linewidth=3, foreground="white")],  # lines may pass behind it
        )


def threshold(
    axes: Any, x: float, text: str, at: float = 0.97, *, gap: float = 4, size: float = 8, colour: str = "#666666"
) -> None:
    """A vertical line with its name, for where something ends."""
    axes.axvline(x, color="#999999", linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    axes.annotate(
        text,
        (x, at),
        xycoords=("data", "axes fraction"),
        xytext=(gap, 0),
        textcoords="offset points",
        fontsize=size,
        color=colour,
        va="top",
        linespacing=1.25,
    )


def target(axes: Any, value: float, text: str, where: float = 0.995) -> None:
    """A horizontal line with its name, which ends at that part of the axis."""
    axes.axhline(value, color="#999999", linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    axes.annotate(
        text, (where, value), xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points",
        fontsize=8, color="#666666", ha="right",
    )  # fmt: skip


def region(axes: Any, start: float, text: str) -> None:
    """Everything right of `start` is shaded, and the text at its top says what is different there."""
    axes.axvspan(start, axes.get_xlim()[1], color="#F1F1F1", linewidth=0, zorder=-1)
    threshold(axes, start, text, 0.98, gap=11, size=8.5, colour="#555555")


def save(figure: Any, path: Path) -> None:
    figure.savefig(path, bbox_inches="tight", pad_inches=0.2)


def image(figure: Any, what: str) -> str:
    """The plot as an <img> that an HTML page carries inside, at one scale for all: labels are of equal size."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", pad_inches=0.15)
    png = buffer.getvalue()
    width = round(int.from_bytes(png[16:20], "big") * SHOWN)
    return f"<img alt='{what}' width='{width}' src='data:image/png;base64,{base64.b64encode(png).decode()}'>"
