"""Plot and page of the return-from-absence experiment."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from statistics import median
from typing import Any, Callable

import plotting as look
from absence_points import AWAY, NATED, NEGENTROPY, NEGENTROPY_MISSED, POST, TARGET_B, TARGET_TRIPS, Point
from point_run import Run
from report_page import made_by, page, warning

TITLE = "What does it cost to have been away?"
Value = Callable[[Point], float]


def write(run: Run[Point], out: Path, command: str) -> None:
    draws = plots(run.points)
    look.save(draws, out / "absence.png")
    picture = look.images(draws, "Bytes of a return, bytes beyond the events per author, time until complete")
    (out / "absence.html").write_text(page(TITLE, _parts(run, picture, command)), encoding="utf-8")


def by_missed(points: list[Point], value: Value) -> tuple[list[int], list[float]]:
    """Medians over seeds."""
    sizes = sorted({point.missed for point in points})
    return sizes, [median(value(point) for point in points if point.missed == size) for size in sizes]


# --- the plot ---------------------------------------------------------------------------------------------------------


def plots(points: list[Point]) -> list[look.Draw]:
    return [functools.partial(draw, points) for draw in (_bytes, _beyond, _time)]


def _bytes(points: list[Point], axes: Any) -> None:
    sizes, received = by_missed(points, lambda point: point.received_B)
    _, sent = by_missed(points, lambda point: point.sent_B)
    some = [point for point in points if point.missed > 0]
    missed, events = by_missed(some, lambda point: point.events_B)
    look.log_axis(axes, [*received, *sent, *events], "bytes until nothing is missing", "B")
    _missed_axis(axes, sizes)
    axes.set_title("What a return takes")
    look.subtitle(axes, "on the wire at the returning server; black: the missed events alone")
    look.line(axes, sizes, received, look.MULTICAST)
    look.line(axes, sizes, sent, look.AUTHOR)
    axes.plot(missed, events, color=look.REFERENCE, linewidth=1.2, linestyle=":", marker="_", markersize=12, mew=1.6)
    ends = [(sizes[-1], received[-1], "received", look.MULTICAST), (sizes[-1], sent[-1], "sent", look.AUTHOR)]
    look.labels_at_end(axes, ends)  # the subtitle says which is dotted: it may coincide with what is received


def _beyond(points: list[Point], axes: Any) -> None:
    followed = median(point.followed for point in points)
    # Two runs are subtracted whose ways into the network differ by some hundred bytes for each author: a median near or
    # below zero would promise too much.
    sizes = sorted({point.missed for point in points})
    values = [max(1.0, *(point.per_author_B for point in points if point.missed == size)) for size in sizes]
    published = [octets / followed for octets, _ in NEGENTROPY]
    look.log_axis(axes, [*values, *published, TARGET_B], "per followed author", "B")
    _missed_axis(axes, sizes)
    axes.set_title("Finding out what is missing")
    look.subtitle(axes, "bytes beyond the events, and beyond what one needs who follows nobody; worst seed")
    look.line(axes, sizes, values, look.MULTICAST)
    ends = [(float(sizes[-1]), values[-1], "measured", look.MULTICAST)]
    ends += _negentropy(axes, published, f"negentropy:\n{published[0]:,.0f} to {published[1]:,.0f} B")
    look.target(axes, TARGET_B, f"target {TARGET_B:g} B")
    look.labels_at_end(axes, ends)


def _negentropy(axes: Any, published: list[float], text: str) -> list[tuple[float, float, str, str]]:
    """What is published of another protocol, where that many events are on the axis; its label."""
    low, high = axes.get_xlim()
    if not low <= NEGENTROPY_MISSED <= high:
        return []
    axes.plot([NEGENTROPY_MISSED] * 2, published, color=look.MESH, linewidth=5, alpha=0.5, solid_capstyle="butt")
    return [(NEGENTROPY_MISSED, math.sqrt(published[0] * published[1]), text, look.MESH)]


def _time(points: list[Point], axes: Any) -> None:
    axes.set_title("How long it takes")
    some = [point for point in points if point.missed > 0]
    if not some:
        axes.set_axis_off()
        axes.annotate("nothing was missed", (0, 1), xycoords="axes fraction", va="top", color="#555555")
        return
    trip = max(0.001, median(point.round_trip_ms for point in some) / 1000)
    look.subtitle(axes, f"until half of it and all of it is there; one round trip is {1000 * trip:.0f} ms here")
    sizes, complete = by_missed(some, lambda point: max(0.01, point.complete_s))
    _, half = by_missed(some, lambda point: max(0.01, point.half_s))
    trips = [count * trip for _, count in NEGENTROPY]
    look.log_axis(axes, [*complete, *half, *trips, TARGET_TRIPS * trip], "time after the return", "s")
    _missed_axis(axes, sizes)
    look.line(axes, sizes, complete, look.MULTICAST)
    look.line(axes, sizes, half, look.MULTICAST, linewidth=1.2, markersize=4.5)
    ends = _negentropy(axes, trips, f"negentropy: {NEGENTROPY[0][1]}\nto {NEGENTROPY[1][1]} round trips")
    look.target(axes, TARGET_TRIPS * trip, f"target: {TARGET_TRIPS:g} round trips")
    ends += [(sizes[-1], complete[-1], "all", look.MULTICAST), (sizes[-1], half[-1], "half", look.MULTICAST)]
    look.labels_at_end(axes, ends)


def _missed_axis(axes: Any, sizes: list[int]) -> None:
    look.counts_axis(axes, sizes, "events missed", 1.6, 6.0)


# --- the page ---------------------------------------------------------------------------------------------------------


def _parts(run: Run[Point], picture: str, command: str) -> list[str]:
    return [
        f"<h1>{TITLE}</h1>",
        f"<p class='lead'>{headline(run.points)}</p>",
        warning(run),
        _question(run.points),
        picture,
    ] + [
        _table(run.points),
        _method(run.points),
        made_by(run, command, "absence.csv"),
    ]


def headline(points: list[Point]) -> str:
    """Of 1,000 missed events, or whatever is nearest; some, if there are some."""
    points = [point for point in points if point.missed > 0] or points
    nearest = min({point.missed for point in points}, key=lambda missed: abs(missed - NEGENTROPY_MISSED))
    same = [point for point in points if point.missed == nearest]
    if nearest == 0:
        return (
            f"Who follows {same[0].followed} authors and has missed nothing sends and receives "
            f"<b>{median(point.sent_B + point.received_B for point in same) / 1000:,.0f} kB</b> in the first "
            f"{median(point.window_s for point in same):g} s after coming back."
        )
    got, due = sum(point.got for point in same), sum(point.missed for point in same)
    followed = same[0].followed
    return (
        f"Who follows {followed} authors and has missed {nearest:,} events has <b>{100 * got / max(1, due):.4g} %</b> of them "
        f"<b>{median(point.complete_s for point in same):,.1f} s</b> after coming back, for "
        f"at most <b>{max(0.0, *(point.per_author_B for point in same)):,.0f} bytes</b> for each author beyond the events "
        "themselves (the highest of the seeds)."
    )


def _question(points: list[Point]) -> str:
    servers, followed = points[0].servers, points[0].followed
    return f"""
<p>A network of {servers} servers, {round(100 * NATED)} % of them behind NAT. One of these follows {followed} authors; it is
killed, and they go on posting for {AWAY / 60:g} minutes, {POST} bytes for each event. Then it comes back with its disk as it
was. It has to find its way into the network, and to learn from {followed} servers what it has missed.</p>"""


def _table(points: list[Point]) -> str:
    rows = []
    for missed in sorted({point.missed for point in points}):
        same = [point for point in points if point.missed == missed]

        def mid(value: Value) -> float:
            return median(value(point) for point in same)

        rows.append(
            f"<tr><td>{missed:,}</td><td>{len(same)}</td><td>{sum(p.got for p in same):,} of "
            f"{sum(p.missed for p in same):,}</td><td>{mid(lambda p: p.sent_B) / 1000:,.0f}</td>"
            f"<td>{mid(lambda p: p.received_B) / 1000:,.0f}</td><td>{mid(lambda p: p.duplicate_B) / 1000:,.0f}</td>"
            f"<td>{mid(lambda p: p.events_B) / 1000:,.1f}</td>"
            f"<td>{mid(lambda p: p.alone_sent_B + p.alone_received_B) / 1000:,.0f}</td>"
            f"<td>{mid(lambda p: p.per_author_B):,.0f}</td><td>{mid(lambda p: p.first_s):,.1f} / "
            f"{mid(lambda p: p.half_s):,.1f} / {mid(lambda p: p.complete_s):,.1f}</td>"
            f"<td>{mid(lambda p: p.round_trips):,.0f}</td></tr>"
        )
    best, worst = NEGENTROPY
    return (
        "<div class='scroll'><table><tr><th>missed</th><th>seeds</th><th>arrived</th><th>sent, kB</th><th>received, kB</th>"
        "<th>of it again, kB</th><th>the events, kB</th><th>who follows nobody, kB</th><th>beyond both, B per author</th>"
        "<th>first / half / all after, s</th><th>round trips</th></tr>" + "".join(rows) + "</table></div>"
        f"<p class='note'>Bytes on the wire; medians over seeds. Published for comparison: negentropy needs {best[0] / 1000:,.0f} "
        f"kB in {best[1]} round trips to {worst[0] / 1e6:.2f} MB in {worst[1]} to find {NEGENTROPY_MISSED:,} missing events, "
        f"between two peers that are linked. The target is {TARGET_B:g} B for each author and {TARGET_TRIPS:g} round trips.</p>"
    )


def _method(points: list[Point]) -> str:
    notes = [
        "Everything is counted that the returning server sends and receives, keepalives and the way into the network "
        f"included, until nothing is missing, and for {min(point.window_s for point in points):g} s at least.",
        "&ldquo;Who follows nobody&rdquo;: the same server in a copy of the same network in which it followed nobody before it "
        "left, for as long.",
        "The events: their bytes in full segments with record, headers and acknowledgements.",
        "Round trips are those of the network between this server and an author, counted from the first link on.",
    ]
    unregistered = [point for point in points if point.registered < point.followed]
    if unregistered:
        notes.append(f"At {len(unregistered)} points not all follows were registered before the absence.")
    return "<h2>How it was measured</h2><ul>" + "".join(f"<li>{note}</li>" for note in notes) + "</ul>"
