"""out/report.html and out/scaling.png: the scaling experiment for somebody who has not seen the project."""

from __future__ import annotations

import functools
import html
from pathlib import Path

import plotting as look
import scaling_plots
from crossover_points import GRAPHS, POSTS_A_DAY
from report_page import page as whole_page
from scaling import CONNECTIONS, FOLLOWS, NATED, Results, Row
from scaling_plots import posts_of


def write(results: Results, out: Path, beside: str = "", first: str = "") -> None:
    """`beside`: a section about another overlay; `first`: another experiment, which the page begins with."""
    draws = scaling_plots.plots(results)
    look.save(draws, out / "scaling.png")
    images = {"scaling": look.images(draws, "Cost, delivery and latency over the size of the network")}
    if results.idle:
        idle = functools.partial(scaling_plots.idle_panel, results.idle)
        images["idle"] = look.images([idle], "Idle cost, simulated and original")
    (out / "report.html").write_text(page(results, images, beside, first), encoding="utf-8")


def page(results: Results, images: dict[str, str], beside: str, first: str) -> str:
    parts = [
        first,
        f"<h1 id='mesh'{' class=next' if first else ''}>How far does a mesh of personal servers go?</h1>",
        "<p class='lead'>Sending every post to everybody, against sending it to followers only, over a full mesh of "
        f"{_sizes(results)} servers.</p>",
    ]
    if not results.complete:
        parts.append("<p class='warn'>This run was interrupted: only the networks that were finished are shown.</p>")
    parts += [question(), findings(results, bool(first))]
    parts.append(images["scaling"] + figure_note(results))
    if results.idle:
        parts.append(idle_section(results, images["idle"]))
    parts += [lock_out_section(results), beside, table(results), method(results), caveats(), again(results)]
    return whole_page(
        "When does broadcast stop paying?" if first else "How far does a mesh of personal servers go?", parts
    )


def _sizes(results: Results) -> str:
    """The sizes of the networks that were run, as words."""
    sizes = sorted({row.nodes for row in results.rows})
    return f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


def figure_note(results: Results) -> str:
    note = "<em>Followers only</em> is what the server calls <code>--mode multicast</code>, and the CSV <code>multicast</code>."
    if any(row.nodes > CONNECTIONS + 1 for row in results.rows) and scaling_plots.inside(results, "broadcast"):
        note += (
            f" Of networks with more than {CONNECTIONS + 1} servers only what arrives is drawn: what does not arrive costs "
            "nothing. The table below has the rest."
        )
    if scaling_plots.compared(results):
        note += (
            " The marks of the original lie above the curves because all of its servers were public: a full mesh. Here "
            f"{round(100 * NATED)} % are behind NATs, two of which seldom link up, and fewer links mean less gossip. The "
            "like for like comparison is below."
        )
    return f"<p class='note'>{note}</p>"


def question() -> str:
    return """
<h2>What was asked</h2>
<p>nostrp2p is a social network without a provider: every user runs one small server at home, most of them behind a
router that lets nobody in (<abbr title="network address translation">NAT</abbr>). The servers connect to each other and
carry signed posts (Nostr events). The first such system, NostrP2P, connects every server to every other one (a <em>mesh</em>)
and sends every post to all of them (<em>broadcast</em>). Its authors expect that to serve about a hundred servers.</p>
<p>So: what does broadcast over the mesh cost as the network grows, how much of that is saved if a post goes only to the
servers of those who follow its author (<em>followers only</em>), and where does the mesh itself end?</p>"""


def _row(results: Results, mode: str, nodes: int) -> Row | None:
    return next((row for row in results.rows if row.mode == mode and row.nodes == nodes), None)


def _rate(value: float) -> str:
    return f"{value / 1000:,.1f} kB/s" if value >= 10_000 else f"{value:,.0f} B/s"


def findings(results: Results, beside_first: bool = False) -> str:
    points = []
    broadcasts, followers_only = (scaling_plots.inside(results, mode) for mode in ("broadcast", "multicast"))
    full = max((row.nodes for row in broadcasts), default=0)
    broadcast, followers = _row(results, "broadcast", full), _row(results, "multicast", full)
    if broadcast and followers and posts_of(broadcast) > posts_of(followers) > 0:
        points.append(
            f"<b>Followers only is {posts_of(broadcast) / posts_of(followers):.1f} times cheaper at {full} servers</b>, "
            f"counting what posts cost: {_rate(posts_of(broadcast))} against {_rate(posts_of(followers))} sent per server, "
            f"with everybody following {FOLLOWS:g} others.{_growth(broadcasts, followers_only)}"
            f"{_other_than_first(results) if beside_first else ''}"
        )
    if broadcast:
        share = 100 * broadcast.control_bytes_per_node_per_s / broadcast.bytes_per_node_per_s
        title = "But posts are not the problem; the mesh is." if share > 75 else "The mesh itself costs something, too."
        grown = ""
        if broadcasts[0].nodes < full:
            grown = (
                f" From {broadcasts[0].nodes} to {full} servers that grew from "
                f"{_rate(broadcasts[0].control_bytes_per_node_per_s)} to "
                f"{_rate(broadcast.control_bytes_per_node_per_s)}."
            )
        points.append(
            f"<b>{title}</b> Of the {_rate(broadcast.bytes_per_node_per_s)} that each of {full} servers sends in "
            f"broadcast mode, {share:.0f} % is the mesh telling itself who is connected to whom.{grown}"
        )
    beyond = [row for row in results.rows if row.nodes > CONNECTIONS + 1]
    if beyond:
        worst = max(beyond, key=lambda row: row.nodes)
        ratios = {row.mode: row.delivery_ratio for row in beyond if row.nodes == worst.nodes}
        shown = " and ".join(
            f"{100 * value:.0f} % ({scaling_plots.NAMES[mode]})" for mode, value in sorted(ratios.items())
        )
        points.append(
            f"<b>Beyond {CONNECTIONS + 1} servers the mesh locks people out.</b> A server accepts {CONNECTIONS} links and "
            f"wants one to everybody; at {worst.nodes} servers {shown} of what is due arrives."
        )
    within = [row for row in results.rows if row.nodes <= CONNECTIONS]
    if within:
        low = min(row.delivery_ratio for row in within)
        fast, slow = min(row.latency_p50_ms for row in within), max(row.latency_p99_ms for row in within)
        points.append(
            f"<b>{'Where it fits, it works.' if low > 0.99 else 'Where it fits, it mostly works.'}</b> Up to {max(row.nodes for row in within)} servers {_percent(low)} "
            f"that is due arrives, with {round(100 * NATED)} % of the servers behind NATs; medians from {fast:.0f} ms, and "
            f"the slowest hundredth within {slow:,.0f} ms."
        )
    return "<h2>What was found</h2><ul class='key'>" + "".join(f"<li>{point}</li>" for point in points) + "</ul>"


def _growth(broadcasts: list[Row], followers: list[Row]) -> str:
    """How both grew, if there is more than one size to compare."""
    if len(broadcasts) < 2 or len(followers) < 2:
        return ""
    factors = [posts_of(rows[-1]) / posts_of(rows[0]) for rows in (broadcasts, followers) if posts_of(rows[0]) > 0]
    if len(factors) < 2:
        return ""
    return (
        f" From {broadcasts[0].nodes} to {broadcasts[-1].nodes} servers broadcast grew to {factors[0]:.2g} times its cost, "
        f"followers only to {factors[1]:.2g} times."
    )


def _other_than_first(results: Results) -> str:
    """Why the same comparison comes to something else on the page before."""
    return (
        f" (More than on the first page: here people follow {FOLLOWS:g} others instead of {GRAPHS['epinions']:g} and post "
        f"{results.rows[0].post_rate:,.0f} times a day instead of {POSTS_A_DAY:g}, and on the mesh everybody knows "
        "where everybody is.)"
    )


def _percent(ratio: float) -> str:
    return "everything" if ratio == 1.0 else f"at least {100 * ratio:.2f} % of everything"


def idle_section(results: Results, image: str) -> str:
    rows = []
    for one in results.idle:
        original = f"{one.original_low:,.0f}"
        if one.original_high > one.original_low:
            original += f" to {one.original_high:,.0f}"
        nearest = min(max(one.bytes_per_node_per_s, one.original_low), one.original_high)
        off = 100 * (one.bytes_per_node_per_s / nearest - 1)
        verdict = "within" if off == 0 else f"{off:+.0f} %"
        rows.append(
            f"<tr><td>{one.nodes}</td><td>{one.links_per_node:.1f}</td><td>{one.bytes_per_node_per_s:,.0f}</td>"
            f"<td>{original}</td><td>{verdict}</td></tr>"
        )
    return f"""
<h2>Is the simulated mesh the real one?</h2>
<p>The original was run for real: all servers public, nobody posting, bytes counted on the wire. The same full mesh was
simulated here. Its messages are encoded as the original encodes them, so sizes are exact; how often they are sent follows
from the protocol. (Bytes sent per server and second; the original talks in plain text, so no encryption is counted.)</p>
{image}
<table><tr><th>servers</th><th>links per server</th><th>simulated, B/s</th><th>original, B/s</th><th>difference</th></tr>
{"".join(rows)}</table>"""


def lock_out_section(results: Results) -> str:
    if results.lock_out is None:
        return ""
    lock_out = results.lock_out
    return f"""
<h2>The 66th server</h2>
<p>Sixty-five public servers formed a full mesh: {lock_out.inside} of them reach all {CONNECTIONS} others, and every one
holds {CONNECTIONS} links, the most that the original allows. Then one more knocked. It reaches
{lock_out.reached_by_the_66th} of them, as in the original. In the simulator's own words:</p>
<p class='note'>“{html.escape(lock_out.why)}”</p>"""


def table(results: Results) -> str:
    body = "".join(
        f"<tr><td>{scaling_plots.NAMES[row.mode]}</td><td>{row.nodes}</td><td>{row.nated}</td><td>{row.posts}</td>"
        f"<td>{100 * row.delivery_ratio:.2f} %</td><td>{row.latency_p50_ms:,.0f}</td><td>{row.latency_p99_ms:,.0f}</td>"
        f"<td>{row.payload_copies_per_delivery:.3f}</td><td>{row.bytes_per_node_per_s:,.0f}</td>"
        f"<td>{row.control_bytes_per_node_per_s:,.0f}</td><td>{row.events:,}</td><td class='mono'>{row.digest}</td></tr>"
        for row in results.rows
    )
    return f"""
<h2>Every network that was run</h2>
<div class='scroll'><table><tr><th>mode</th><th>servers</th><th>behind NAT</th><th>posts</th><th>delivered</th>
<th>median, ms</th><th>p99, ms</th><th>copies per delivery</th><th>sent, B/s</th><th>of it control, B/s</th>
<th>events</th><th>trace digest</th></tr>{body}</table></div>
<p class='note'>Copies per delivery: messages with a post in them, over every hop, for each server that should have the post
and got it. Sent and control are per server. The digest covers every input and output of every server: the same seed gives
the same digest on every machine. All columns are in <code>scaling.csv</code>.</p>"""


def method(results: Results) -> str:
    plan = results.plan
    mean = results.rows[0].follows_mean
    return f"""
<h2>How it was measured</h2>
<ul>
<li>The program of the server itself runs, unchanged, in a deterministic simulator: {len(results.rows)} networks here, seed
{plan.seed}. Events are really signed and really verified (BIP-340).</li>
<li>Servers stand at random places on a plane, 10 to about 95 ms from each other one way; access links of 20 Mbit/s up and
100 Mbit/s down; links cost their round trips, and everything sent waits its turn on the uplink.</li>
<li>{round(100 * NATED)} % of the servers are behind NAT boxes in the proportions found in the field: a quarter of them
symmetric, the others with endpoint-independent mapping and mostly port-dependent filtering. One public server is the way in
for all.</li>
<li>Who follows whom is real: samples of the Epinions trust network, grown as snowballs and thinned so that everybody
follows {mean:g} others on average at every size (a random subset of users would hardly know each other).</li>
<li>Text is made to look like what people post: seven languages, emoji, links, half of it shorter than about 140 bytes, a few
essays. Every user posts {plan.posts_per_day / 1440:g} times a minute at random times, far more often than people do: it
makes {plan.measure:g} simulated seconds enough.</li>
<li>Servers get up to {plan.settle:g} s to join; then follow lists are published; then bytes and deliveries are counted while
everybody posts and for 10 s more.</li>
<li>Wire bytes: payload, headers, 52 bytes per TCP segment, and acknowledgements. Heartbeats are included.</li>
<li>What was due is the simulator's own knowledge at the time of posting: everybody online, or the author's online followers,
whether or not they had managed to join.</li>
</ul>"""


def caveats() -> str:
    return """
<h2>What this does not say</h2>
<ul>
<li>One seed per network: curves have no error bars. Another <code>--seed</code> moves latencies by some per cent.</li>
<li>Users post much more often than in life, so the share of posts in the traffic is overstated, not understated.</li>
<li>Nobody leaves and nothing is lost on the way here; other scenarios look at that.</li>
<li>Latency here is distance, relaying and waiting in uplinks; servers themselves answer at once. Around 64 servers a post
can find its uplink busy with a burst of gossip: that, not distance, makes the slowest hundredth slow there.</li>
<li>Bytes for posts include relaying for others: a NATed pair without a direct link talks through a third server.</li>
</ul>"""


def again(results: Results) -> str:
    return f"""
<h2>Run it again</h2>
<p><code>./dev demo</code> runs this in short form; <code>./dev experiment scaling --seed={results.plan.seed}</code> measures
longer. This run took {results.wall_seconds:.0f} seconds of wall time.</p>"""
