"""Plot and page of the experiment on mode="auto"."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Sequence

import plotting as look
from modes_points import MEANING, WHOLE, Outcome
from modes_world import PAUSE
from point_run import Run
from report_page import made_by, page, warning

TITLE = "Do servers that choose their mode themselves keep to it?"
NAIVE = "#AAAAAA"


def write(run: Run[Outcome], out: Path, command: str) -> None:
    draws = [functools.partial(_case, one) for one in run.points]
    look.save(draws, out / "modes.png")
    picture = look.images(draws, "Share of the servers that post to everybody")
    parts = [f"<h1>{TITLE}</h1>", f"<p class='lead'>{headline(run.points)}</p>", warning(run), _question(), picture]
    parts += [_table(run.points), made_by(run, command, "modes.csv")]
    (out / "modes.html").write_text(page(TITLE, parts), encoding="utf-8")


# --- the plot ---------------------------------------------------------------------------------------------------------


def _case(one: Outcome, axes: Any) -> None:
    """One panel: the share that posts to everybody, with the rule and, of modelled servers, without it."""
    whole = one.case == WHOLE
    times = one.minutes if whole else [minute / 1440 for minute in one.minutes]
    axes.set_ylim(-0.03, 1.22)
    axes.set_xlim(0, times[-1] * 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1.0])
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_ylabel("servers that post to everybody")
    axes.set_xlabel("minutes" if whole else "days")
    axes.set_title(f"{one.title}: {_count(one.servers)}")
    if whole:
        words = (
            f"budget {one.budget} B/s; {one.switches} switches, at most {one.most_in_a_day} of each within a “day” of "
            f"{PAUSE / 60:g} minutes; {one.missing} of {one.due} copies lost"
        )
    else:
        axes.plot(times, one.naive, color=NAIVE, linewidth=0.8, label="without the rule")
        words = (
            f"{one.per_server_day:.3f} switches a server and day, at most {one.most_in_a_day} within a day"
            f" ({one.naive_per_server_day:.2f} without the rule)"
        )
    look.subtitle(axes, words)
    axes.plot(times, one.broadcasting, color=look.AUTO, label="auto")
    axes.legend(frameon=False, fontsize=8.5, loc="upper right", ncol=2)
    if one.spammers_from is not None:
        look.threshold(axes, one.spammers_from, "one user in a hundred\nposts 10,000 times a day")


def _count(servers: Sequence[float]) -> str:
    first, last = f"{servers[0]:,.0f}", f"{servers[-1]:,.0f}"
    return f"{last} servers" if first == last else f"{first} to {last} servers"


# --- the page ---------------------------------------------------------------------------------------------------------


def headline(outcomes: Sequence[Outcome]) -> str:
    said = []
    modelled = [one for one in outcomes if one.case != WHOLE]
    if modelled:
        worst = max(one.per_server_day for one in modelled)
        low, high = (pick(one.naive_per_server_day for one in modelled) for pick in (min, max))
        without = f"{low:.2g}" if low == high else f"{low:.2g} to {high:.2g}"
        most = max(one.most_in_a_day for one in modelled)
        said.append(
            f"A server with <code>auto</code> changes its mode <b>{worst:.2g} times a day at most</b>, in the mean of all, and "
            f"never more than {'once' if most <= 1 else f'{most} times'} within a day; without memory, factors and caps it "
            f"would be {without} times."
        )
    for one in outcomes:
        if one.case == WHOLE:
            said.append(
                f"While whole servers went over, <b>{one.missing} of {one.due}</b> copies for followers were lost."
            )
    return " ".join(said)


def _question() -> str:
    return """
<p>With <code>auto</code> each server decides by itself whether posts of its user go to everybody or to followers only: by what
it would cost if all posted as those do whom its user follows, against a budget drawn once by lot around 2 KiB/s. If servers
simply compared what they see at the moment, they would go back and forth with the time of day, and a few who post
without end could drive all of them out of broadcast.</p>"""


def _table(outcomes: Sequence[Outcome]) -> str:
    rows = []
    for one in outcomes:
        whole = one.case == WHOLE
        rows.append(
            f"<tr><td class='text' style='white-space: normal'>{MEANING[one.case]}</td><td>{_count(one.servers)}</td>"
            f"<td>{one.budget:,}</td>"
            f"<td>{one.days:.3g}</td><td>{one.per_server_day:.3f}</td><td>{one.most_in_a_day}</td>"
            f"<td>{'-' if whole else f'{one.naive_per_server_day:.2f}'}</td><td>{100 * one.broadcasting[-1]:.3g} %</td>"
            f"<td>{'-' if whole else f'{100 * one.naive[-1]:.3g} %'}</td><td>{100 * one.rose:.2g} %</td></tr>"
        )
    return (
        "<div class='scroll'><table><tr><th class='text'>case</th><th>servers</th><th>budget, B/s</th><th>days</th>"
        "<th>switches per server and day</th><th>most of one within a day</th><th>switches without the rule</th>"
        "<th>broadcast at the end</th><th>without the rule</th><th>share rose again by</th></tr>"
        f"{''.join(rows)}</table></div><p class='note'>Without the rule: servers that compare what they see at the moment, every "
        "post of everybody whom their user follows included, with the same budget. Rose again: how much of the network went "
        "back to broadcast, at most, after others had left it. A day of whole servers is the shortest time between two "
        f"switches, {PAUSE / 60:g} minutes. Some switches are the first choice of servers whose budget is below what they find."
        "</p>"
    )
