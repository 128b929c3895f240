"""Plot and page of the celebrity experiment."""

from __future__ import annotations

import functools
from pathlib import Path
from statistics import median
from typing import Any, Callable

import plotting as look
from celebrity_points import MOST_ABOVE_MS, MOST_COPIES, MOST_TRANSMISSIONS, POST, UPLINK, Point, unicast_s
from point_run import Run
from report_page import made_by, page, warning

TITLE = "What does a very popular author cost?"
PARTS = (
    ("author_payload", "by the author", look.AUTHOR),
    ("others_payload", "by followers, as their own", look.RECEIPTS),
    ("relay", "by heads and relays", look.PASSED_ON),
    ("duplicate", "to who had it", look.AGAIN),
)
Value = Callable[[Point], float]


def write(run: Run[Point], out: Path, command: str) -> None:
    draws = plots(run.points)
    look.save(draws, out / "celebrity.png")
    picture = look.images(draws, "Copies by the author, latency, transmissions per delivery, bytes sent by whom")
    (out / "celebrity.html").write_text(page(TITLE, _parts(run, picture, command)), encoding="utf-8")


def by_size(points: list[Point], value: Value) -> tuple[list[int], list[float]]:
    """Medians over seeds."""
    sizes = sorted({point.followers for point in points})
    return sizes, [median(value(point) for point in points if point.followers == size) for size in sizes]


# --- the plot ---------------------------------------------------------------------------------------------------------


def plots(points: list[Point]) -> list[look.Draw]:
    return [functools.partial(draw, points) for draw in (_copies, _latency, _transmissions, _sent)]


def _copies(points: list[Point], axes: Any) -> None:
    sizes, values = by_size(points, lambda point: point.author_copies)
    look.log_axis(axes, [*values, *sizes, MOST_COPIES], "copies that the author sends", "")
    _followers_axis(axes, sizes)
    axes.set_title("The author's work")
    look.subtitle(axes, "copies of one post sent by the author; dotted: one to each follower; dashed: the target")
    look.line(axes, sizes, values, look.MULTICAST)
    _computed(axes, sizes, [float(size) for size in sizes])
    look.target(axes, MOST_COPIES, f"target {MOST_COPIES}")
    look.labels_at_end(
        axes,
        [(sizes[-1], values[-1], "measured", look.MULTICAST), (sizes[-1], sizes[-1], "unicast", look.REFERENCE)],
    )


def _latency(points: list[Point], axes: Any) -> None:
    sizes, half = by_size(points, lambda point: max(1e-4, point.above_p50_ms / 1000))
    _, late = by_size(points, lambda point: max(1e-4, point.above_p99_ms / 1000))
    unicast = [unicast_s(size, 0.99) for size in sizes]
    look.log_axis(axes, [*half, *late, *unicast, MOST_ABOVE_MS / 1000], "latency above the direct delay", "s")
    _followers_axis(axes, sizes)
    axes.set_title("How long it takes")
    look.subtitle(axes, "median and p99 of followers; dotted: p99 if the author sends each copy (computed)")
    look.line(axes, sizes, late, look.MULTICAST)
    look.line(axes, sizes, half, look.MULTICAST, linewidth=1.2, markersize=4.5)
    _computed(axes, sizes, unicast)
    look.target(axes, MOST_ABOVE_MS / 1000, f"target for p99: {MOST_ABOVE_MS:g} ms")
    ends = [(sizes[-1], late[-1], "p99", look.MULTICAST), (sizes[-1], half[-1], "median", look.MULTICAST)]
    look.labels_at_end(axes, [*ends, (sizes[-1], unicast[-1], "unicast, p99", look.REFERENCE)])


def _transmissions(points: list[Point], axes: Any) -> None:
    sizes = sorted({point.followers for point in points})
    bottom = [0.0] * len(sizes)
    for name, label, colour in PARTS:
        _, values = by_size(points, lambda point: float(getattr(point, name)))
        if max(values) <= 0:
            continue
        axes.bar(range(len(sizes)), values, bottom=bottom, width=0.55, color=colour, label=label)
        bottom = [low + value for low, value in zip(bottom, values)]
    for place, top in enumerate(bottom):
        axes.annotate(f"{top:.2f}", (place, top), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=9)
    axes.set_xticks(range(len(sizes)), [f"{size:,}" for size in sizes])
    axes.set_xlim(-0.6, len(sizes) - 0.4)
    axes.set_ylim(0, max(*bottom, MOST_TRANSMISSIONS) * 1.6)
    axes.set_xlabel("followers")
    axes.set_ylabel("messages for each delivery")
    axes.set_title("How often a post is sent")
    look.subtitle(axes, "messages that carry it, for each follower who gets it")
    look.target(axes, MOST_TRANSMISSIONS, f"target {MOST_TRANSMISSIONS:g}")
    axes.legend(loc="upper right", fontsize=8.5, frameon=False)


def _sent(points: list[Point], axes: Any) -> None:
    lines: list[tuple[str, Value, str]] = [
        ("author", lambda point: point.author_B, look.AUTHOR),
        ("busiest head or relay", lambda point: point.carrier_most_B, look.MULTICAST),
        ("other followers", lambda point: point.member_B, look.MESH),
    ]
    ends, everything = [], [float(POST)]
    found = []
    for name, value, colour in lines:
        sizes, values = by_size(points, value)
        if max(values) <= 0:
            continue
        shown = [max(1.0, one) for one in values]
        found.append((sizes, shown, colour))
        ends.append((sizes[-1], shown[-1], name, colour))
        everything += shown
    sizes = sorted({point.followers for point in points})
    unicast = [float(size * POST) for size in sizes]
    look.log_axis(axes, [*everything, *unicast], "sent for one post", "B")
    _followers_axis(axes, sizes)
    axes.set_title("Who sends how much")
    look.subtitle(axes, "bytes on the wire for one post; dotted: the post to each follower, headers not counted")
    for xs, ys, colour in found:
        look.line(axes, xs, ys, colour)
    _computed(axes, sizes, unicast)
    look.labels_at_end(axes, [*ends, (sizes[-1], unicast[-1], "unicast", look.REFERENCE)])


def _computed(axes: Any, sizes: list[int], values: list[float]) -> None:
    """Dotted; of one size nothing would be seen without its marker."""
    axes.plot(sizes, values, color=look.REFERENCE, linewidth=1.2, linestyle=":", marker="_" if len(sizes) == 1 else "",
              markersize=12, mew=1.6)  # fmt: skip


def _followers_axis(axes: Any, sizes: list[int]) -> None:
    look.counts_axis(axes, sizes, "followers", 1.25, 2.0 if max(sizes) < 4 * min(sizes) else 7.0)


# --- the page ---------------------------------------------------------------------------------------------------------


def _parts(run: Run[Point], picture: str, command: str) -> list[str]:
    return [f"<h1>{TITLE}</h1>", f"<p class='lead'>{headline(run.points)}</p>", warning(run), _question(), picture] + [
        _table(run.points),
        _method(run),
        made_by(run, command, "celebrity.csv"),
    ]


def headline(points: list[Point]) -> str:
    """The largest size that was measured, in a sentence or two."""
    largest = max(point.followers for point in points)
    chosen = [point for point in points if point.followers == largest]
    copies = median(point.author_copies for point in chosen)
    late = median(point.above_p99_ms for point in chosen)
    return (
        f"To {largest:,} followers the author sends <b>{copies:,.0f} copies</b> of a post, and 99 % have it at most "
        f"<b>{late:,.0f} ms</b> later than the network alone would take. One copy to each would take "
        f"{unicast_s(largest, 0.99):,.1f} s on {UPLINK / 1e6:g} Mbit/s."
    )


def _question() -> str:
    return f"""
<p>Everybody in the network follows one author, whose server has {UPLINK / 1e6:g} Mbit/s up. One in five of the followers
can be reached from outside and relays for the others, which are behind NAT. How often does the author have to send a post
of {POST} bytes, who else sends it, and when does everybody have it?</p>"""


def _table(points: list[Point]) -> str:
    rows = []
    for size in sorted({point.followers for point in points}):
        same = [point for point in points if point.followers == size]

        def mid(value: Value) -> float:
            return median(value(point) for point in same)

        got, due = sum(point.got for point in same), sum(point.due for point in same)
        rows.append(
            f"<tr><td>{size:,}</td><td>{len(same)}</td><td>{100 * got / max(1, due):.2f} %</td>"
            f"<td>{mid(lambda p: p.author_copies):,.0f}</td><td>{mid(lambda p: p.above_p50_ms):,.0f} / "
            f"{mid(lambda p: p.above_p99_ms):,.0f}</td><td>{1000 * unicast_s(size, 0.5):,.0f} / "
            f"{1000 * unicast_s(size, 0.99):,.0f}</td><td>{mid(lambda p: p.transmissions):.2f}</td>"
            f"<td>{mid(lambda p: p.delivery_B):,.0f}</td><td>{mid(lambda p: p.author_B) / 1000:,.1f}</td>"
            f"<td>{mid(lambda p: p.carriers):,.0f}</td>"
            f"<td>{mid(lambda p: p.carrier_B) / 1000:,.1f} / {mid(lambda p: p.carrier_most_B) / 1000:,.1f}</td>"
            f"<td>{mid(lambda p: p.member_B):,.0f}</td></tr>"
        )
    return (
        "<div class='scroll'><table><tr><th>followers</th><th>seeds</th><th>delivered</th><th>copies by the author</th>"
        "<th>above direct, median / p99, ms</th><th>unicast, computed</th><th>messages per delivery</th>"
        "<th>B per delivery</th><th>author sends, kB</th><th>heads and relays</th>"
        "<th>send, mean / most, kB</th><th>others send, B</th></tr>" + "".join(rows) + "</table></div>"
        "<p class='note'>For one post, beyond what silence costs; bytes on the wire. Medians over seeds. Heads and "
        "relays: followers who send the post on, to those of a cell or to whom they are the relay of.</p>"
    )


def _method(run: Run[Point]) -> str:
    posts = sorted({point.posts for point in run.points})
    lost = [point for point in run.points if point.got < point.due]
    missing = [point for point in run.points if point.registered < point.followers]
    notes = [
        "The program of the server itself in a deterministic simulator; delays from 10 ms on by distance; the author&rsquo;s "
        "server can be reached, with 10 Mbit/s up, the followers have 20.",
        f"Per point {' or '.join(map(str, posts))} posts, each alone, after one that is not counted. What they cost is the "
        "difference to a copy of the same network in which nobody posts.",
        "Latency is counted from the author&rsquo;s server on, less the network&rsquo;s own delay between the two.",
        f"Unicast is computed: {POST} bytes to each follower, one after the other, headers not counted.",
    ]
    if lost:
        notes.append(f"Not everything was delivered at {len(lost)} of {len(run.points)} points.")
    if missing:
        notes.append(f"At {len(missing)} points not all follows were registered when posting began.")
    return "<h2>How it was measured</h2><ul>" + "".join(f"<li>{note}</li>" for note in notes) + "</ul>"
