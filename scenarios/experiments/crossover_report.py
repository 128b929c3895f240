"""The report's first page: when does broadcast stop paying? For somebody who has not seen the project."""

from __future__ import annotations

import html
from pathlib import Path
from statistics import median

import crossover_math as maths
import crossover_plots as plots
import plotting as look
from crossover_points import (
    BUDGET,
    CONTACT_LIFE,
    GRAPHS,
    MODES,
    MOST_FOLLOWED,
    NATED,
    PER_SECOND,
    POST,
    POSTS_A_DAY,
    WITHOUT_GRAPH,
    Point,
)
from crossover_run import Results
from report_page import page

TITLE = "When does broadcast stop paying?"
SHOWN = (64, 256, 1000, 10_000, 100_000)  # sizes of the small table, and the largest
SOURCES = {
    "epinions": "samples of the Epinions trust network",
    "nostr": "samples of real Nostr follow lists",
    "generated": "generated heavy-tailed relations (follows chosen in proportion to a popularity with the tail exponent "
    "2.28, 22 % of them mutual: Twitter's published shape and mean)",
}


def write(body: str, path: Path) -> None:
    path.write_text(page(TITLE, [body]), encoding="utf-8")


def section(results: Results, out: Path, command: str) -> str:
    """Saves the plots; everything that the report says, headline first."""
    first, second = plots.headline(results), plots.details(results)
    look.save(first, out / "crossover.png")
    look.save(second, out / "crossover-details.png")
    shown = look.images(first, "What a server sends over the size of the network", caption(results))
    behind = look.images(second, "Busiest servers, what a delivery is made of, uplink, latency, copies, delivery")
    parts = [f"<h1 id='crossover'>{TITLE}</h1>", headline(results)]
    if not results.complete:
        parts.append("<p class='warn'>This run was interrupted: only the points that were finished are shown.</p>")
    if results.failures:
        parts.append(f"<p class='warn'>{len(results.failures)} points failed and are missing.</p>")
    parts += [question(), shown, why(results), table(results), arithmetic(results)]
    parts += [method(results), caveats(results), "<h2>What lies behind it</h2>", behind, follow_table(results)]
    parts.append(again(results, command))
    return "\n".join(part for part in parts if part)


# --- the two numbers --------------------------------------------------------------------------------------------------


def headline(results: Results, plain: bool = False) -> str:
    """The two numbers, as far as they are known, what they count, and what is saved in all."""
    found = [_where_they_cross(results), _where_it_is_too_dear(results), saving(results)]
    said = [sentence for sentence in found if sentence] or ["Too little was measured to say."]
    if plain:
        return " ".join(said).replace("<b>", "").replace("</b>", "")
    return f"<ul class='key lead'>{''.join(f'<li>{sentence}</li>' for sentence in said)}</ul>"


def _where_they_cross(results: Results) -> str:
    graph = plots.graphs_of(results)[0]
    followers = results.of("multicast", graph)
    cross = plots.crossing(results, graph)
    if cross is None:
        return (
            "Where the curves of broadcast and of followers only cross was not measured."
            if results.of("broadcast") and followers
            else ""
        )
    follows = max(point.follows_mean for point in followers)
    upkeep = maths.crossing(results.of("broadcast"), followers, upkeep=True)
    also = ""
    if upkeep is not None and (upkeep.measured or results.whole):
        also = f"; with what it takes to keep the follow relations, from {maths.rounded(upkeep.nodes)}"
    return (
        f"Sending posts to followers only costs less than sending them to everybody from about "
        f"<b>{maths.rounded(cross.nodes)} servers</b> on{_band(cross)}, counting posts alone, if people follow "
        f"{follows:.2g} others in the mean{also}."
    )


def _where_it_is_too_dear(results: Results) -> str:
    points = results.of("broadcast")
    if not points:
        return ""
    largest = max(point.nodes for point in points)
    over = plots.exceeded(results)
    if over is None:
        return (
            ""
            if results.whole
            else (
                f"How far broadcast is affordable is left open: not everything was measured, and broadcast with up to {largest:,} "
                "servers only."
            )
        )
    how = "" if over.measured else f" (extrapolated from up to {largest:,})"
    return (
        f"Broadcast fits into {BUDGET / 1024:g} KiB/s for each server until about "
        f"<b>{maths.rounded(over.nodes)} servers</b>{how}."
    )


def saving(results: Results) -> str:
    """In all that a server sends, at two sizes that both modes were measured at."""
    ours = maths.by_size(results.of("broadcast"), lambda point: point.sent_B_s)
    theirs = maths.by_size(results.of("multicast", plots.graphs_of(results)[0]), lambda point: point.sent_B_s)
    sizes = sorted(set(ours) & set(theirs))
    if not sizes:
        return ""
    said = []
    for nodes in dict.fromkeys([64 if 64 in sizes else sizes[0], sizes[-1]]):
        one, other = median(ours[nodes]), median(theirs[nodes])
        less = round(100 * (1 - other / one))
        change = f"{less} % less" if less > 0 else f"{-less} % more" if less < 0 else "the same"
        said.append(f"{_B(other)} instead of {_B(one)} B/s at {nodes:,} servers ({change})")
    return f"In all, the upkeep of the network included, a server sends {', '.join(said)}."


def _band(place: maths.Place) -> str:
    low, high = maths.rounded(place.low), maths.rounded(place.high)
    if not place.measured:
        return " (extrapolated)"
    return "" if low == high else f" ({low} to {high}, by seed)"


def question() -> str:
    return f"""
<p>nostrp2p is a social network without a provider: each user runs a small server at home, and the servers carry each
other's posts. The simplest way is <em>broadcast</em>: everybody gets every post, along a tree. It needs nobody to know who
follows whom, but each server carries the whole network. The other way is <em>followers only</em>: the author's server sends
each post to the servers of those who follow, wherever they are. That costs more per delivery, for finding them and for the
relays on the way, but it grows far more slowly with the network: as many people follow, only the way to them gets longer.
So there is a size from which on it is cheaper, and another one at which a server cannot afford broadcast any more. Everybody
posts {POSTS_A_DAY:g} times a day, {POST} bytes each.</p>"""


def caption(results: Results) -> str:
    """What the lines are that the panels have no room to explain."""
    graphs = [graph for graph in plots.graphs_of(results) if results.of("multicast", graph)]
    said = [
        "Bands go from the least to the most of the seeds; hollow points are of one seed, without a band.",
        f"Dotted is the payload alone: {POST} bytes for each server that is to get a post. What is measured may lie slightly "
        "below, because posts take the place of keepalives.",
    ]
    if graphs:
        said.append(
            "The dotted line of followers only is not quite straight: some posts are by people with more followers."
        )
    if results.of("broadcast") and graphs and results.whole:
        said.append(
            f"With <code>auto</code> (green) each server goes over at a budget of its own, between 3/4 and 5/4 of "
            f"{BUDGET / 1024:g} KiB/s ({BUDGET:,.0f} B/s): so the mean goes on a little above it, and falls when most "
            "have gone over."
        )
    return f"<div class='note'>{''.join(f'<p>{sentence}</p>' for sentence in said)}</div>"


def why(results: Results) -> str:
    """How both grow, and what makes a delivery to a follower dear, between the sizes that both modes were measured at."""
    followers, broadcast = results.of("multicast", plots.graphs_of(results)[0]), results.of("broadcast")
    sizes = sorted({point.nodes for point in followers} & {point.nodes for point in broadcast})
    if not sizes:
        return ""
    said = []
    if len(sizes) > 1:
        first = 16 if 16 in sizes[:-1] else sizes[0]  # where people follow as many as in larger networks
        said.append(
            f"From {first:,} to {sizes[-1]:,} servers what one of them sends for posts grew from "
            f"{_from_to(broadcast, first, sizes[-1], 'posts_B_s')} B/s with broadcast and from "
            f"{_from_to(followers, first, sizes[-1], 'posts_B_s')} with followers only: there it is the single delivery "
            f"that gets dearer, from {_from_to(followers, first, sizes[-1], 'per_delivery')} bytes on the wire. The "
            f"more servers there are, the more relays lie on the way: a post is sent "
            f"{_from_to(followers, first, sizes[-1], 'copies')} times for each delivery, and receipts and look-ups go the "
            "same ways."
        )
    said.append(_parts(followers, broadcast, sizes[-1]))
    return f"<p>{' '.join(said)}{_mesh(results)}</p>"


def _from_to(points: list[Point], first: int, last: int, name: str) -> str:
    one, other = (median(getattr(point, name) for point in points if point.nodes == nodes) for nodes in (first, last))
    return f"{_B(one)} to {_B(other)}"


def _parts(followers: list[Point], broadcast: list[Point], nodes: int) -> str:
    """What a delivery is made of, as in the bars below."""
    same = [point for point in followers if point.nodes == nodes]
    ours = median(point.per_delivery for point in broadcast if point.nodes == nodes)
    part = {kind: median(plots.made_of(point)[kind] for point in same) for kind in plots.SPLIT}
    again = f", {part['again']:,.0f} go to who had it," if part["again"] >= 1 else ""
    return (
        f"At {nodes:,} servers a delivery costs {ours:,.0f} bytes with broadcast and "
        f"{median(point.per_delivery for point in same):,.0f} with followers only. Of the latter {part['author']:,.0f} are the "
        f"post as its author sends it (one copy serves all followers behind the same relay), {part['passed_on']:,.0f} the post "
        f"as relays pass it on,{again} and {part['control']:,.0f} all else, over relays as well: receipts, finding out where "
        "followers&rsquo; servers are, acknowledgements."
    )


def _mesh(results: Results) -> str:
    mesh = [point for point in results.of("mesh") if point.nodes <= plots.FULL]
    nodes = maths.passes_budget(mesh)
    if nodes is None:
        return ""
    return (
        f" The original&rsquo;s mesh exceeds the budget of {BUDGET / 1024:g} KiB/s at about {maths.rounded(nodes)} servers, before anybody posts: there "
        "everybody keeps being told who is linked to whom."
    )


def arithmetic(results: Results) -> str:
    """Both places beside what one would calculate on paper, and what makes the difference."""
    rows = []
    for graph in plots.graphs_of(results):
        followers, broadcast = results.of("multicast", graph), results.of("broadcast")
        cross = plots.crossing(results, graph)
        if cross is None:
            continue
        follows = max(point.follows_mean for point in followers)
        with_upkeep = maths.crossing(broadcast, followers, upkeep=True)
        due = _due(followers, cross.nodes)
        theirs, ours = _post_cost(followers, cross.nodes) / due, _post_cost(broadcast, cross.nodes) / (cross.nodes - 1)
        paper, measured = maths.crossing_by_arithmetic(follows), maths.crossing_by_arithmetic(due, theirs / ours)
        also = "-" if with_upkeep is None else maths.rounded(with_upkeep.nodes)
        rows.append(
            f"<tr><td class='text'>curves cross, {graph}</td><td><b>{maths.rounded(cross.nodes)}</b>{_band(cross)}</td>"
            f"<td>{also}</td><td class='text'>1 + {follows:.2g} follows = {maths.rounded(paper)}</td><td class='text'>1 + "
            f"{due:.2g} &times; {theirs:,.0f} &divide; {ours:,.0f} = {maths.rounded(measured)}</td></tr>"
        )
    over = plots.exceeded(results)
    if over is not None:
        points = results.of("broadcast")
        model = maths.broadcast_model(points)
        step = (model.posts(2 * over.nodes) - model.posts(over.nodes)) / over.nodes / PER_SECOND
        idle = model.total(over.nodes) - PER_SECOND * step * (over.nodes - 1)
        rows.append(
            f"<tr><td class='text'>broadcast exceeds {BUDGET / 1024:g} KiB/s</td><td><b>{maths.rounded(over.nodes)}</b>"
            f"{'' if over.measured else ' (extrapolated)'}</td><td>-</td><td class='text'>{BUDGET:,.0f} &times; 86,400 &divide; "
            f"{POSTS_A_DAY * POST:,.0f} = {maths.rounded(maths.budget_by_arithmetic())}</td><td class='text'>({BUDGET:,.0f} "
            f"&minus; {idle:,.0f}) &times; 86,400 &divide; {POSTS_A_DAY * step:,.0f} = "
            f"{maths.rounded((BUDGET - idle) / (PER_SECOND * step))}</td></tr>"
        )
    if not rows:
        return ""
    return f"""
<h2>Against the arithmetic</h2>
<div class='scroll'><table><tr><th></th><th>measured, posts alone</th><th>with the follow relations</th>
<th class='text'>on paper</th><th class='text'>with measured costs</th></tr>{"".join(rows)}</table></div>
<p class='note'>On paper every delivery costs the same in both modes, so the curves cross where the others in the network
are as many as the followers of a post. The last column has what was measured instead: 1 + followers of a post &times; bytes
on the wire for one delivery to a follower &divide; those for one of broadcast, at the crossing. (Followers of a post are
counted over posts, follows over people, so they differ a little.) Of the budget, it is what silence leaves, and the bytes
of ten more deliveries. &ldquo;With the follow relations&rdquo; counts against followers only what it takes to register follows
and to renew them every few hours; here servers pay that in either mode, so that they may change the mode and lose
nobody.</p>"""


def _due(points: list[Point], nodes: float) -> float:
    """Followers who get a post, at a size; in networks larger than the measured ones as many as in those."""
    sizes, values = plots.medians(points, lambda point: point.arrived_per_post)
    return maths.on_curve(sizes, values, nodes) if nodes <= sizes[-1] else values[-1]


def _post_cost(points: list[Point], nodes: float) -> float:
    """Bytes of the whole network for one post, divided among its servers: at a size, measured or fitted."""
    sizes, values = plots.medians(points, lambda point: point.posts_B_s)
    if nodes <= sizes[-1]:
        return maths.on_curve(sizes, values, nodes) / PER_SECOND
    model = maths.broadcast_model(points) if points[0].mode == "broadcast" else maths.followers_model(points)
    return model.posts(nodes) / PER_SECOND


# --- tables -----------------------------------------------------------------------------------------------------------


def table(results: Results) -> str:
    graph = plots.graphs_of(results)[0]
    rows = []
    for mode in MODES:
        points = results.of(mode) if mode in WITHOUT_GRAPH else results.of(mode, graph)
        sizes = sorted({point.nodes for point in points})
        for nodes in [size for size in sizes if size in SHOWN or size == sizes[-1]]:
            same = [point for point in points if point.nodes == nodes]

            def mid(name: str) -> float:
                return median(float(getattr(point, name)) for point in same)

            if mode == "mesh" and nodes > plots.FULL:  # what does not arrive costs nothing, and would look cheap
                rows.append(
                    f"<tr><td>{plots.NAMES_IN_TABLE[mode]}</td><td>{nodes:,}</td><td>full</td><td>{_B(mid('idle_B_s'))}</td>"
                    f"{'<td>-</td>' * 5}<td>{_share(mid('delivery_ratio'))}</td></tr>"
                )
                continue
            rows.append(
                f"<tr><td>{plots.NAMES_IN_TABLE[mode]}</td><td>{nodes:,}</td><td>{_B(mid('posts_B_s'))}</td><td>{_B(mid('idle_B_s'))}</td>"
                f"<td>{_B(mid('sent_B_s'))}</td><td>{_B(mid('sent_p99'))}</td><td>{mid('uplink_B') / 1000:,.1f}</td>"
                f"<td>{mid('copies'):.2f}</td><td>{mid('latency_p50_ms'):,.0f} / {mid('latency_p99_ms'):,.0f}</td>"
                f"<td>{_share(mid('delivery_ratio'))}</td></tr>"
            )
    return f"""
<div class='scroll'><table><tr><th></th><th>servers</th><th>for posts, B/s</th><th>in silence, B/s</th>
<th>in all, B/s</th><th>the busiest 1 %, B/s from</th><th>author&rsquo;s uplink, kB per post</th><th>copies per delivery</th>
<th>latency, median / p99, ms</th><th>delivered</th></tr>{"".join(rows)}</table></div>
<p class='note'>Sent by one server, bytes on the wire. Medians over seeds; follow relations: {graph}. Copies: how often a post
is sent, by its author or a relay, for each server that gets it.</p>"""


def follow_table(results: Results) -> str:
    rows = []
    for graph in plots.graphs_of(results):
        points = results.of("multicast", graph)
        for nodes in sorted({point.nodes for point in points}):
            same = [point for point in points if point.nodes == nodes]
            rows.append(
                f"<tr><td>{graph}</td><td>{nodes:,}</td><td>{len(same)}</td>"
                f"<td>{median(point.follows_mean for point in same):.3g}</td>"
                f"<td>{max(point.followers_most for point in same):,}</td>"
                f"<td>{median(point.arrived_per_post for point in same):.3g}</td>"
                f"<td>{median(point.per_delivery for point in same):,.0f}</td>"
                f"<td>{median(point.posts_B_s for point in same):,.1f}</td>"
                f"<td>{_spread([point.posts_B_s for point in same])}</td>"
                f"<td>{median(point.upkeep_B_s for point in same):,.1f}</td></tr>"
            )
    if not rows:
        return ""
    return (
        "<h2>Followers only, by who follows whom</h2><div class='scroll'><table><tr><th>relations</th><th>servers</th>"
        "<th>seeds</th><th>follows, mean</th><th>most followers</th><th>followers per post</th><th>B per delivery</th>"
        "<th>for posts, B/s</th><th>over seeds</th><th>follow relations, B/s</th></tr>"
        + "".join(rows)
        + "</table></div>"
    )


def _B(value: float) -> str:
    return f"{value:,.1f}" if abs(value) < 10 else f"{value:,.0f}"


def _share(ratio: float) -> str:
    if ratio == 1.0:
        return "100 %"
    return f"{min(99.99, 100 * ratio):.2f} %" if ratio > 0.9 else f"{100 * ratio:.0f} %"


def _spread(values: list[float]) -> str:
    """One value has none."""
    return f"{min(values):,.1f} to {max(values):,.1f}" if len(values) > 1 else "-"


# --- the small print --------------------------------------------------------------------------------------------------


def method(results: Results) -> str:
    graphs = "; ".join(f"{SOURCES[graph]}, {GRAPHS[graph]:g} follows in the mean" for graph in plots.graphs_of(results))
    seeds = {nodes: len(values) for nodes, values in maths.by_size(results.of("broadcast"), lambda p: p.seed).items()}
    counts = ", ".join(f"{count} at {nodes:,}" for nodes, count in seeds.items())
    return f"""
<h2>How it was measured</h2>
<ul>
<li>The program of the server itself, unchanged, in a deterministic simulator. {round(100 * NATED)} % of the servers are
behind NATs in the proportions found in the field, with links of 20 Mbit/s up. Seeds{f": {counts}" if counts else ""}.</li>
<li>Follow relations: {graphs}. In networks too small for that, everybody follows at most {100 * MOST_FOLLOWED:.0f} % of the others.</li>
<li>Posts come as often as in life, {POSTS_A_DAY:g} a day for each user in the mean; a few users write most of them (activity
is log-normal). Nothing is compressed or scaled, but for the mesh, which gets posts every 5 s and is then counted at the
same rate. Before anything is counted {CONTACT_LIFE / 3600:g} hours pass, with posts in follower mode: servers forget where
others are.</li>
<li>Bytes on the wire: payload, headers, TLS, TCP, acknowledgements, keepalives. What posts cost is the difference between
two futures of the same network, one with posts and one in silence; they take the place of keepalives, so that a delivery
may cost less than its own bytes. The author&rsquo;s uplink, and how often a copy is
passed on, are those of posts made alone.</li>
<li>The tree is that of the overlay <code>hyparview</code>. Dotted lines count each post of {POST} bytes once to everybody else
(N &minus; 1), or once to each follower, and nothing besides. Of the author&rsquo;s uplink that is one copy.</li>
<li>Dashed is extrapolation: for broadcast a straight line through the sizes from a quarter of the largest on; for followers
only, and for silence, an amount that grows with the logarithm of the size.</li>
</ul>"""


def caveats(results: Results) -> str:
    largest = max((point.nodes for point in results.points), default=0)
    points = [
        "In the mode <code>auto</code> each server goes over from broadcast to followers at a budget of its own, within a quarter "
        "of the one that is drawn. Up to the sizes that were measured all are still below that and broadcast (the table has what that "
        "costs); beyond, it was calculated from the two other curves, by the servers' own rule. That the rule keeps still, and loses nothing, is what <code>./dev experiment modes</code> measures."
    ]
    full = [point for point in results.of("mesh") if point.nodes > plots.FULL]
    if full:
        worst = max(full, key=lambda point: point.nodes)
        points.append(
            f"The mesh is full with {plots.FULL} servers: at {worst.nodes} only {100 * worst.delivery_ratio:.0f} % of what is "
            "due arrives, so it has no curves there."
        )
    late = [
        point for point in results.of("multicast") if point.follows_registered < 0.9995
    ]  # the others would read 0.0 %
    if late:
        worst = min(late, key=lambda point: point.follows_registered)
        points.append(
            f"At {worst.nodes:,} servers {100 * (1 - worst.follows_registered):.1f} % of the follows had not found the server of "
            f"the followed when posting began ({worst.graph}, seed {worst.seed}); what those miss counts as not delivered."
        )
    points += [
        f"The largest network here has {largest:,} servers; what is said of larger ones is extrapolated.",
        "Nobody leaves, crashes or loses packets here; other scenarios look at that.",
        "Only posts: replies, reactions and profiles would cost in either mode.",
        "How active somebody is does not depend on how many follow them here. If the popular post more, followers only costs "
        "more.",
        "Silence is counted in the hours after a network has come up, when it still calms down.",
    ]
    listed = "".join(f"<li>{point}</li>" for point in points)
    return f"<h2>What this does not say</h2><ul>{listed}</ul>"


def again(results: Results, command: str) -> str:
    known = f", {results.remembered} points known from before" if results.remembered else ""
    return (
        f"<p class='note'>Made by <code>{html.escape(command)}</code> in {results.wall_seconds:.0f} s{known}. All numbers: "
        "<code>crossover.csv</code>. Larger: <code>./dev experiment crossover --max-nodes 100000</code>; what is measured "
        "is kept, and Ctrl-C loses nothing that is finished.</p>"
    )
