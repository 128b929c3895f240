"""The report's first page: when does broadcast stop paying? For somebody who has not seen the project."""

from __future__ import annotations

import html
from pathlib import Path
from statistics import median

import crossover_math as maths
import crossover_plots as plots
import matplotlib.pyplot as plt
import plotting as look
from crossover_points import BUDGET, CONTACT_LIFE, GRAPHS, MODES, NATED, PER_SECOND, POST, POSTS_A_DAY, Point
from crossover_run import Results
from report_page import page

TITLE = "When does broadcast stop paying?"
SHOWN = (64, 256, 1000, 10_000, 100_000)  # sizes of the small table, and the largest
ROUTED = POST + 230  # bytes on the wire of one transmission of a post: where to, record, segment, acknowledgement
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
    figure = plots.headline_figure(results)
    look.save(figure, out / "crossover.png")
    first = look.image(figure, "What a server sends over the size of the network: posts alone, and everything")
    plt.close(figure)
    figure = plots.details_figure(results)
    look.save(figure, out / "crossover-details.png")
    second = look.image(figure, "Busiest servers, what a delivery is made of, uplink, latency, copies, delivery")
    plt.close(figure)
    parts = [f"<h1>{TITLE}</h1>", f"<p class='lead'>{headline(results)}</p>"]
    if not results.complete:
        parts.append("<p class='warn'>This run was interrupted: only the points that were finished are shown.</p>")
    if results.failures:
        parts.append(f"<p class='warn'>{len(results.failures)} points failed and are missing.</p>")
    parts += [question(), first, why(results), table(results), arithmetic(results), method(results), caveats(results)]
    parts += ["<h2>What lies behind it</h2>", second, follow_table(results), again(results, command)]
    return "\n".join(part for part in parts if part)


# --- the two numbers --------------------------------------------------------------------------------------------------


def places(results: Results, graph: str | None = None) -> tuple[maths.Place | None, maths.Place | None]:
    """Where the curves cross, on one of the graphs, and where broadcast exceeds the budget."""
    broadcast = results.of("broadcast")
    followers = results.of("multicast", graph or plots.graphs_of(results)[0])
    return maths.crossing(broadcast, followers, upkeep=False), maths.budget(broadcast)


def headline(results: Results, plain: bool = False) -> str:
    """One sentence or two with the two numbers, as far as they are known."""
    cross, over = places(results)
    graph = plots.graphs_of(results)[0]
    followers = results.of("multicast", graph)
    said = []
    if cross is not None:
        follows = max(point.follows_mean for point in followers)
        said.append(
            f"From about <b>{maths.rounded(cross.nodes)} servers</b> on{_band(cross)}, sending posts to followers only is "
            f"cheaper than sending them to everybody, if people follow {follows:.2g} others in the mean"
        )
    elif results.of("broadcast") and followers:
        said.append("Where the curves of broadcast and of followers only cross was not measured")
    if over is not None:
        how = "" if over.measured else " (extrapolated)"
        said.append(
            f"broadcast still fits into {BUDGET / 1024:g} KiB/s per server until about "
            f"<b>{maths.rounded(over.nodes)} servers</b>{how}"
        )
    text = "; ".join(said) + "." if said else "Too little was measured to say."
    return text.replace("<b>", "").replace("</b>", "") if plain else text


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
relays on the way, but it does not grow with the network. So there is a size from which on it is cheaper, and another one
at which a server cannot afford broadcast any more. Everybody posts {POSTS_A_DAY:g} times a day, {POST} bytes each.</p>"""


def why(results: Results) -> str:
    """What makes a delivery to a follower dear, at the largest size that both modes were measured at."""
    followers, broadcast = results.of("multicast", plots.graphs_of(results)[0]), results.of("broadcast")
    sizes = {point.nodes for point in followers} & {point.nodes for point in broadcast}
    if not sizes:
        return ""
    nodes = max(sizes)
    theirs = median(point.per_delivery for point in followers if point.nodes == nodes)
    ours = median(point.per_delivery for point in broadcast if point.nodes == nodes)
    copies = median(point.copies for point in followers if point.nodes == nodes)
    sent = copies * ROUTED
    rest = (
        " The rest is receipts, what arrives twice, and finding out where followers&rsquo; servers are when no receipt "
        "comes. That, not the posts, is what to save on."
        if sent < theirs / 2
        else ""
    )
    return (
        f"<p>At {nodes:,} servers a delivery costs {ours:,.0f} bytes on the wire with broadcast and {theirs:,.0f} with "
        f"followers only. About {maths.rounded(sent)} of these are the post itself, sent {copies:.1f} times on its way over "
        f"relays.{rest}{_mesh(results)}</p>"
    )


def _mesh(results: Results) -> str:
    mesh = [point for point in results.of("mesh") if point.nodes <= plots.FULL]
    nodes = maths.passes_budget(mesh)
    if nodes is None:
        return ""
    return (
        f" The original&rsquo;s mesh exceeds the budget at about {maths.rounded(nodes)} servers, before anybody posts: there "
        "everybody keeps being told who is linked to whom."
    )


def arithmetic(results: Results) -> str:
    """Both places beside what one would calculate on paper, and what makes the difference."""
    rows = []
    for graph in plots.graphs_of(results):
        followers, broadcast = results.of("multicast", graph), results.of("broadcast")
        cross, _ = places(results, graph)
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
    _, over = places(results)
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
<div class='scroll'><table><tr><th></th><th>measured</th><th>with leases</th>
<th class='text'>on paper</th><th class='text'>with measured costs</th></tr>{"".join(rows)}</table></div>
<p class='note'>On paper every delivery costs the same in both modes, so the curves cross where the others in the network
are as many as the followers of a post, &ldquo;plus control&rdquo;. What control comes to is the factor in the last column: 1 +
followers of a post &times; bytes on the wire for one delivery to a follower &divide; those for one of broadcast, at the
crossing. Of the budget, it is what silence leaves, and the bytes of ten more deliveries. &ldquo;With leases&rdquo; counts
the leases of the follow relations against followers only; here they are paid in either mode, so that a server may change
its mode and lose nobody.</p>"""


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
        points = results.of(mode) if mode in ("mesh", "broadcast") else results.of(mode, graph)
        sizes = sorted({point.nodes for point in points})
        for nodes in [size for size in sizes if size in SHOWN or size == sizes[-1]]:
            same = [point for point in points if point.nodes == nodes]

            def mid(name: str) -> float:
                return median(float(getattr(point, name)) for point in same)

            rows.append(
                f"<tr><td>{plots.NAMES_IN_TABLE[mode]}</td><td>{nodes:,}</td><td>{_B(mid('posts_B_s'))}</td><td>{_B(mid('idle_B_s'))}</td>"
                f"<td>{_B(mid('sent_B_s'))}</td><td>{_B(mid('sent_p99'))}</td><td>{mid('uplink_B') / 1000:,.1f}</td>"
                f"<td>{mid('copies'):.2f}</td><td>{mid('latency_p50_ms'):,.0f} / {mid('latency_p99_ms'):,.0f}</td>"
                f"<td>{_share(mid('delivery_ratio'))}</td></tr>"
            )
    return f"""
<div class='scroll'><table><tr><th></th><th>servers</th><th>for posts, B/s</th><th>in silence, B/s</th>
<th>together, mean</th><th>p99 of servers</th><th>author&rsquo;s uplink, kB per post</th><th>copies per delivery</th>
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
                f"<td>{min(point.posts_B_s for point in same):,.1f} to {max(point.posts_B_s for point in same):,.1f}</td>"
                f"<td>{median(point.upkeep_B_s for point in same):,.1f}</td></tr>"
            )
    if not rows:
        return ""
    return (
        "<h2>Followers only, by who follows whom</h2><div class='scroll'><table><tr><th>relations</th><th>servers</th>"
        "<th>seeds</th><th>follows, mean</th><th>most followers</th><th>followers per post</th><th>B per delivery</th>"
        "<th>for posts, B/s</th><th>over seeds</th><th>leases, B/s</th></tr>" + "".join(rows) + "</table></div>"
    )


def _B(value: float) -> str:
    return f"{value:,.1f}" if abs(value) < 10 else f"{value:,.0f}"


def _share(ratio: float) -> str:
    return "100 %" if ratio == 1.0 else f"{min(99.99, 100 * ratio):.2f} %"


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
<li>Follow relations: {graphs}. In networks too small for that, everybody follows at most two thirds of the others.</li>
<li>Posts come as often as in life, {POSTS_A_DAY:g} a day for each user in the mean; a few users write most of them (activity
is log-normal). Nothing is compressed or scaled, but for the mesh, which gets posts every 5 s and is then counted at the
same rate. Before anything is counted {CONTACT_LIFE / 3600:g} hours pass, with posts in follower mode: servers forget where
others are.</li>
<li>Bytes on the wire: payload, headers, TLS, TCP, acknowledgements, keepalives. What posts cost is the difference between
two futures of the same network, one with posts and one in silence; they take the place of keepalives, so that a delivery
may cost less than its own bytes. The author&rsquo;s uplink, and how often a copy is
passed on, are those of posts made alone.</li>
<li>The tree is that of the overlay <code>hyparview</code>. Dotted lines are what no protocol can undercut: each post of
{POST} bytes once to everybody else (N &minus; 1), or once to each follower. Of the author&rsquo;s uplink that is one copy.</li>
<li>Dashed is extrapolation: for broadcast a straight line through the sizes from a quarter of the largest on; for followers
only, and for silence, an amount that grows with the logarithm of the size.</li>
</ul>"""


def caveats(results: Results) -> str:
    largest = max((point.nodes for point in results.points), default=0)
    points = [
        "In the mode <code>auto</code> each server goes over from broadcast to followers at a budget of its own, within a quarter "
        "of the one that is drawn. What it costs was not measured here but calculated from the two other curves, by the servers' "
        "own rule; that the rule keeps still, and loses nothing, is what <code>./dev experiment modes</code> measures."
    ]
    full = [point for point in results.of("mesh") if point.nodes > plots.FULL]
    if full:
        worst = max(full, key=lambda point: point.nodes)
        points.append(
            f"The mesh is full with {plots.FULL} servers: at {worst.nodes} only {100 * worst.delivery_ratio:.0f} % of what is "
            "due arrives, so no curve is drawn for it there."
        )
    late = [point for point in results.of("multicast") if point.follows_registered < 1.0]
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
