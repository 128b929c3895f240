"""What mode="auto" does, in four panels."""

from __future__ import annotations

from typing import Any, Sequence

import plotting as look
from modes_model import Course
from modes_world import Grown
from plotting import plt

NAIVE = "#999999"


def draw(courses: Sequence[Course], grown: Grown | None) -> Any:
    look.use_style()
    panels = len(courses) + (grown is not None)
    figure, grid = plt.subplots(2, 2, figsize=(11.5, 8.4), sharey=True)
    figure.subplots_adjust(hspace=0.52, wspace=0.1)
    for axes in grid.flat[panels:]:
        axes.set_visible(False)
    for axes, course in zip(grid.flat, courses):
        _course(axes, course)
    if grown is not None:
        _grown(grid.flat[len(courses)], grown)
    for axes in grid[:, 0]:
        axes.set_ylabel("servers that post to everybody")
    return figure


def _frame(axes: Any, title: str, words: str, unit: str) -> None:
    axes.set_title(title)
    look.subtitle(axes, words)
    axes.set_ylim(-0.03, 1.05)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_xlabel(unit)


def _course(axes: Any, course: Course) -> None:
    axes.plot(course.days, course.naive, color=NAIVE, linewidth=0.8, label="without memory, factors and caps")
    axes.plot(course.days, course.broadcasting, color=look.GOOD, label="auto")
    words = (
        f"{course.per_server_day:.3f} switches a server and day, at most {course.most_in_a_day} within a day"
        f" ({course.naive_per_server_day:.2f} without)"
    )
    _frame(axes, f"{course.case.title}: {_count(course.servers)}", words, "days")
    axes.set_xlim(0, course.case.days)
    if course.case.spammers_from is not None:
        look.threshold(axes, course.case.spammers_from, "one user in a hundred\nposts 10,000 times a day", 0.3)
    if course.case.name == "growth":
        axes.legend(frameon=False, fontsize=8.5, loc="lower left")


def _grown(axes: Any, grown: Grown) -> None:
    axes.plot(grown.minutes, grown.broadcasting, color=look.GOOD)
    words = (
        f"{grown.switches} switches, at most {grown.most_in_a_day} of each within a “day” of 12 minutes; "
        f"{grown.missing} of {grown.due} copies lost"
    )
    _frame(axes, f"whole servers, {grown.budget} B/s: {_count(grown.servers)}", words, "minutes")


def _count(servers: Sequence[float]) -> str:
    first, last = f"{servers[0]:,.0f}", f"{servers[-1]:,.0f}"
    return f"{last} servers" if first == last else f"{first} to {last} servers"
