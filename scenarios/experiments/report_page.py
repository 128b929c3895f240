"""The frame of a report: one HTML file that needs nothing else."""

from __future__ import annotations

import html
from typing import Any, Iterable

from point_run import Run

CSS = """
body { font: 16px/1.55 system-ui, "DejaVu Sans", sans-serif; color: #222; max-width: 62rem; margin: 2.5rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin-bottom: .3rem; }
h1.next { margin-top: 4.5rem; border-top: 3px solid #222; padding-top: 1.6rem; }
h2 { font-size: 1.25rem; margin-top: 2.4rem; border-bottom: 1px solid #ddd; padding-bottom: .2rem; }
p.lead { font-size: 1.1rem; color: #444; margin-top: 0; }
img { max-width: 100%; height: auto; display: block; margin: 1rem auto; }
table { border-collapse: collapse; font-size: .84rem; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .28rem .35rem; border-bottom: 1px solid #e4e4e4; }
th { border-bottom: 2px solid #999; font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
td { white-space: nowrap; }
td.mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .74rem; }
.scroll { overflow-x: auto; }
.key { background: #f4f7fa; border-left: 4px solid #0072B2; padding: .6rem 1rem .6rem 2.2rem; margin: 1rem 0; }
.key li { margin: .35rem 0; }
.note { color: #555; font-size: .92rem; }
.warn { background: #fdf3ec; border-left: 4px solid #D55E00; padding: .6rem 1rem; }
code { background: #f2f2f2; padding: .05rem .25rem; border-radius: 3px; font-size: .9em; }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page; empty parts are left out."""
    head = [
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{title}</title><style>{CSS}</style></head><body>",
    ]
    return "\n".join(part for part in [*head, *parts, "</body></html>\n"] if part)


def warning(run: Run[Any]) -> str:
    """Empty if all points are there."""
    if run.complete and not run.failures:
        return ""
    return f"<p class='warn'>Not all points are here: {len(run.failures)} failed, or the run was interrupted.</p>"


def made_by(run: Run[Any], command: str, table: str) -> str:
    return (
        f"<p class='note'>Made by <code>{html.escape(command)}</code> in {run.wall_seconds:.0f} s, {run.remembered} points "
        f"known from before. All numbers: <code>{table}</code>.</p>"
    )
