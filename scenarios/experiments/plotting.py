"""One look for every plot: colours that the colour-blind can tell apart, lines named where they end, units on axes."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import Any, Callable, Sequence

import matplotlib
import numpy as np
import numpy.typing as npt

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.patheffects import withStroke  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator  # noqa: E402

# Okabe and Ito 2008, by role, so that a colour means the same in every plot. Ways of sending:
BROADCAST = "#D55E00"  # over the tree, where nothing else is said
MULTICAST = "#0072B2"
AUTO = "#009E73"
MESH = "#666666"
NO_NAT = "#E69F00"  # broadcast where nobody is behind NAT
# What is sent, and by whom:
AUTHOR = "#CC79A7"
PASSED_ON = "#56B4E9"
RECEIPTS = "#BFE1F6"  # passed on as well
AGAIN = "#F0E442"
CONTROL = "#BBBBBB"
REFERENCE = "#000000"
# Where a line is a case and no role: in order.
SERIES = (MULTICAST, BROADCAST, AUTO, AUTHOR, NO_NAT, PASSED_ON, REFERENCE)
INK = "#222222"
SHOWN = 0.53  # of a plot's pixels on a page: two panels lie side by side
PANEL = (5.5, 4.3)  # inches

Array = npt.NDArray[Any]

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
    "axes.axisbelow": True,
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
    """What to see, in a grey line or two under the title, no wider than the panel."""
    how: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": 8.5}
    note = axes.annotate(text, (0, 1), xytext=(0, 9), color="#555555", linespacing=1.25, **how)
    renderer, width = axes.figure.canvas.get_renderer(), axes.bbox.width
    lines = [""]
    for word in text.split():
        note.set_text(f"{lines[-1]} {word}".strip())
        if lines[-1] and note.get_window_extent(renderer).width > width:
            lines.append(word)
        else:
            lines[-1] = note.get_text()
    note.set_text("\n".join(lines))
    axes.set_title(axes.get_title(loc="left"), pad=STYLE["axes.titlepad"] + 13 * (len(lines) - 1))


def nodes_axis(axes: Any, nodes: Sequence[int], room: float = 4.0) -> None:
    """A logarithmic axis that is labelled where there are measurements, with room on the right for labels."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(nodes))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlim(min(nodes) / 1.25, max(nodes) * room)
    axes.set_xlabel("servers in the network")


def counts_axis(axes: Any, counts: Sequence[int], label: str, left: float, right: float) -> None:
    """The same for counts of something else; `left` and `right` times the ends is where the axis ends. Nought has a place
    of its own, before one."""
    nought = min(counts) <= 0
    axes.set_xscale(*(("symlog",) if nought else ("log",)), **({"linthresh": 1, "linscale": 0.6} if nought else {}))
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(counts))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlim(-0.4 if nought else min(counts) / left, max(1, *counts) * right)
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


Box = tuple[float, float, float, float]  # left, bottom, right, top, in pixels


class Places:
    """Where text may go without lying on lines or other text."""

    def __init__(self, axes: Any) -> None:
        figure = axes.figure
        axes.get_xlim()  # scales are up to date then; to draw everything for that would take long
        axes.get_ylim()
        self.axes, self.renderer, self.point = axes, figure.canvas.get_renderer(), figure.dpi / 72
        self._drawn = np.concatenate([np.empty((0, 2))] + [self._pixels(line) for line in axes.get_lines()])
        texts = [*axes.texts, *([axes.get_legend()] if axes.get_legend() else [])]
        self._texts: list[Box] = [text.get_window_extent(self.renderer).extents for text in texts]

    @staticmethod
    def _pixels(line: Any) -> Array:
        """Of a line, dense enough that none fits between two."""
        corners = line.get_transform().transform(line.get_xydata())
        if len(corners) < 2 or line.get_linestyle() == "None":
            return np.asarray(corners)
        steps = [max(2, int(math.hypot(*(end - start)) / 2)) for start, end in zip(corners, corners[1:])]
        return np.concatenate([np.linspace(a, b, n) for a, b, n in zip(corners, corners[1:], steps)])

    def cost(self, box: Box) -> float:
        """How much of it lies on something, or outside."""
        left, bottom, right, top = box
        x, y = self._drawn[:, 0], self._drawn[:, 1]
        hidden = np.count_nonzero((x > left - 5) & (x < right + 5) & (y > bottom - 1) & (y < top + 1))
        area = self.axes.bbox
        outside = max(0.0, right - area.x1 - 4, area.x0 - left) + max(0.0, area.y0 + 2 - bottom, top - area.y1 - 4)
        return float(3.0 * hidden + 5.0 * outside + 300.0 * sum(_overlap(box, other) for other in self._texts))

    def taken(self, box: Box) -> None:
        self._texts.append(box)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def labels_at_end(axes: Any, entries: Sequence[tuple[float, float, str, str]]) -> None:
    """Names lines at their last points (x, y, text, colour), beside them or wherever there is room; if that is not
    right beside it, with a thin line to the point."""
    places = Places(axes)
    placed: list[tuple[float, float, float]] = []  # x and height of a point, height of its label
    for x, y, text, colour in sorted(entries, key=lambda entry: (-entry[0], entry[1])):
        at_x, at_y = axes.transData.transform((x, y))
        note = axes.annotate(
            text, (x, y), xytext=(8, 0), textcoords="offset points", va="center", fontsize=9, color=colour,
            fontweight="bold", linespacing=1.1, annotation_clip=False,
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )  # fmt: skip
        box = note.get_window_extent(places.renderer)
        best = (math.inf, 8.0, 0.0)
        half = box.width / 2 / places.point
        for dx in (8.0, 20.0, -half, -2 * half - 8):
            for dy in map(float, range(-48, 49, 4)):
                left, middle = at_x + dx * places.point, at_y + dy * places.point
                where = (left, middle - box.height / 2, left + box.width, middle + box.height / 2)
                turned = sum((height < at_y) != (label < middle) for px, height, label in placed if abs(px - at_x) < 9)
                away = abs(dy) + (0 if dx == 8.0 else 14.0 if dx == 20.0 else 10.0)
                best = min(best, (places.cost(where) + 0.8 * away + 60 * turned, dx, dy))
        _, dx, dy = best
        left, middle = at_x + dx * places.point, at_y + dy * places.point
        places.taken((left, middle - box.height / 2, left + box.width, middle + box.height / 2))
        placed.append((at_x, at_y, middle))
        note.set_position((dx, dy))
        if dx == 20.0 or abs(dy) > box.height / places.point:
            start = (dx - 1 if dx > 0 else 0, dy if dx > 0 else dy - math.copysign(box.height / places.point / 2, dy))
            axes.annotate(
                "", (x, y), xytext=start, textcoords="offset points", annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 4},
            )  # fmt: skip


def threshold(axes: Any, x: float, text: str, *, gap: float = 4, size: float = 8, colour: str = "#666666") -> None:
    """A vertical line with its name, for where something ends, written where there is room; to be called when the rest
    is drawn."""
    places = Places(axes)
    axes.axvline(x, color="#999999", linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    note = axes.annotate(
        text, (x, 0.97), xycoords=("data", "axes fraction"), xytext=(gap, 0), textcoords="offset points", fontsize=size,
        color=colour, va="top", linespacing=1.25,
    )  # fmt: skip
    box = note.get_window_extent(places.renderer)
    best = (math.inf, 0.97)
    for step in range(30):
        at = 0.98 - step * 0.03
        top = axes.bbox.y0 + at * axes.bbox.height
        best = min(best, (places.cost((box.x0, top - box.height, box.x1, top)) + 0.01 * step, at))
    note.xy = (x, best[1])


def target(axes: Any, value: float, text: str) -> None:
    """A horizontal line with its name, written where there is room; to be called when the rest is drawn."""
    places = Places(axes)
    axes.axhline(value, color="#999999", linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    note = axes.annotate(
        text, (0, value), xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points",
        fontsize=8, color="#555555", ha="left", path_effects=[withStroke(linewidth=2, foreground="white")],
    )  # fmt: skip
    box = note.get_window_extent(places.renderer)
    room = 1 - box.width / axes.bbox.width
    best = (math.inf, 0.0, 0.0)
    for step in range(1, 24):
        for up in (0.0, -box.height - 7 * places.point):
            shift = room * step / 24
            left = axes.bbox.x0 + shift * axes.bbox.width
            where = (left, box.y0 + up, left + box.width, box.y1 + up)
            best = min(best, (places.cost(where) + 0.05 * step + (up != 0.0), shift, up))
    _, shift, up = best
    note.xy = (shift, value)
    note.set_position((0, 3 + up / places.point))


def region(axes: Any, start: float, text: str) -> None:
    """Everything right of `start` is shaded, and the text at its top says what is different there."""
    axes.axvspan(start, axes.get_xlim()[1], color="#F1F1F1", linewidth=0, zorder=-1)
    threshold(axes, start, text, gap=11, size=8.5, colour="#555555")


Draw = Callable[[Any], None]  # into the axes that it is given


def panels(draws: Sequence[Draw]) -> Any:
    """One figure of all of them, two in a row; three are a row of their own."""
    use_style()
    columns = len(draws) if len(draws) <= 3 else 2
    rows = math.ceil(len(draws) / columns)
    width, height = (columns * PANEL[0] + 0.8 * (columns - 1), rows * PANEL[1] + 0.6 * (rows - 1))
    figure, grid = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
    figure.subplots_adjust(hspace=0.52, wspace=0.34)
    for axes in grid.flat[len(draws) :]:
        axes.set_visible(False)
    for draw, axes in zip(draws, grid.flat):
        draw(axes)
    return figure


def save(draws: Sequence[Draw], path: Path) -> None:
    figure = panels(draws)
    figure.savefig(path, bbox_inches="tight", pad_inches=0.2)
    plt.close(figure)


def images(draws: Sequence[Draw], what: str, words: str = "") -> str:
    """The same for a page that carries them inside: each by itself, side by side where there is room for that, and in
    the last place what is to be said about them."""
    shown = []
    for number, draw in enumerate(draws, 1):
        use_style()
        figure, axes = plt.subplots(figsize=PANEL)
        draw(axes)
        shown.append(image(figure, what if len(draws) == 1 else f"{what} ({number} of {len(draws)})"))
        plt.close(figure)
    return f"<div class='panels'>{''.join(shown)}{words}</div>"


def image(figure: Any, what: str) -> str:
    """The plot as an <img> that an HTML page carries inside, at one scale for all: labels are of equal size."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", pad_inches=0.1)
    png = buffer.getvalue()
    width = round(int.from_bytes(png[16:20], "big") * SHOWN)
    return f"<img alt='{what}' width='{width}' src='data:image/png;base64,{base64.b64encode(png).decode()}'>"
