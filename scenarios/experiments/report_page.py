"""The frame of a report: one HTML file that needs nothing else."""

from __future__ import annotations

import html
import re
from typing import Any, Iterable

from point_run import Run

CSS = """
body { font: 16px/1.55 system-ui, "DejaVu Sans", sans-serif; color: #222; max-width: 66rem; margin: 2.5rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin-bottom: .3rem; }
h1.next { margin-top: 4.5rem; border-top: 3px solid #222; padding-top: 1.6rem; }
h2 { font-size: 1.25rem; margin-top: 2.4rem; border-bottom: 1px solid #ddd; padding-bottom: .2rem; }
p.lead { font-size: 1.1rem; color: #444; margin-top: 0; }
ul.lead { font-size: 1.08rem; }
img { max-width: 100%; height: auto; display: block; margin: 1rem auto; }
table { border-collapse: collapse; font-size: .84rem; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .28rem .35rem; border-bottom: 1px solid #e4e4e4; }
th { border-bottom: 2px solid #999; font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
td { white-space: nowrap; }
td.mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .74rem; }
.scroll { overflow-x: auto; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: .4rem 1rem; align-items: end; }
.panels img { margin: .4rem 0; }
.panels .note { align-self: center; padding: 0 1rem; }
nav { font-size: .9rem; color: #777; margin: 1rem 0; line-height: 1.9; }
nav a { color: #0072B2; text-decoration: none; white-space: nowrap; }
nav a:hover { text-decoration: underline; }
nav b a { color: #222; }
.key { background: #f4f7fa; border-left: 4px solid #0072B2; padding: .6rem 1rem .6rem 2.2rem; margin: 1rem 0; }
.key li { margin: .35rem 0; }
.note { color: #555; font-size: .92rem; }
.warn { background: #fdf3ec; border-left: 4px solid #D55E00; padding: .6rem 1rem; }
code { background: #f2f2f2; padding: .05rem .25rem; border-radius: 3px; font-size: .9em; }
"""


HEADING = re.compile(r"<h([12])([^>]*)>(.*?)</h[12]>", re.DOTALL)
LEAD_END = re.compile(r"</h1>(?:\s*<(p|ul) class='(?:key )?lead'>.*?</\1>)?", re.DOTALL)


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page, with links to its parts; empty parts are left out."""
    head = [
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{title}</title><style>{CSS}</style></head><body>",
    ]
    return "\n".join([*head, _linked("\n".join(part for part in parts if part)), "</body></html>\n"])


def _linked(body: str) -> str:
    """Headings get names, and after the first one and what it says stand links to the others."""
    links: list[str] = []
    taken: set[str] = set()

    def name(found: re.Match[str]) -> str:
        level, attributes, text = found.groups()
        known = re.search(r"id='([^']+)'", attributes)
        own = known.group(1) if known else re.sub(r"[^a-z0-9]+", "-", re.sub("<[^>]*>", "", text).lower()).strip("-")
        while not known and own in taken:  # another part may have a heading of the same words
            own += "-again"
        taken.add(own)
        link = f"<a href='#{own}'>{text}</a>"
        links.append(f"<b>{link}</b>" if level == "1" else link)
        return found.group(0) if known else f"<h{level}{attributes} id='{own}'>{text}</h{level}>"

    body = HEADING.sub(name, body)
    lead = LEAD_END.search(body)
    if lead is None or len(links) < 3:
        return body
    nav = f"\n<nav>{' &middot; '.join(links[1:])}</nav>"
    return body[: lead.end()] + nav + body[lead.end() :]


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
