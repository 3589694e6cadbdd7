"""Write a report: as text, as a comment in Markdown, and as a page of HTML.

Escaping and cutting to a size happen here alone. The comment is the text of the
terminal in one fence, and the page has the same lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Final

from ..secrets import clean_text
from .graph import MOST_BLOCKS, draw_mermaid, graph_between
from .lines import Line, LineSign, Report
from .svg import draw_svg

MOST_BYTES: Final = 60_000
"""The most bytes of a comment: a forge takes 65,536 characters."""

MOST_PICTURES: Final = 5
"""The most pictures of a comment or a page."""

MOST_DRAWN: Final = 200
"""The most blocks of a picture on a page."""

MARKER: Final = "<!-- flow64:review -->"
"""The first line of a comment, by which the next push finds it."""

_CLASSES: Final[Mapping[LineSign, str]] = {
    "+": "added",
    "-": "removed",
    "!": "changed",
    "@": "group",
    " ": "plain",
}


def as_text(report: Report) -> str:
    """Return a report as text, one line for each."""
    lines = [Line(report.headline), *report.lines]
    return "".join(f"{_write(line)}\n" for line in lines)


def as_markdown(report: Report) -> str:
    """Return a report as a comment: a bold headline, the lines in a fence, graphs."""
    head = f"{MARKER}\n**{_escape_markdown(clean_text(report.headline))}**\n"
    lines = report.lines
    if not lines:
        return head
    text = head + _fence("diff", _cut_lines(lines, len(report.first)))
    for group in report.groups[:MOST_PICTURES]:
        graph = graph_between(group.comparison)
        picture = _fence("mermaid", draw_mermaid(graph, most=MOST_BLOCKS))
        title = _escape_html(clean_text(group.title))
        block = f"\n<details><summary>{title}</summary>\n{picture}\n</details>\n"
        if len((text + block).encode()) <= MOST_BYTES:
            text += block
    return text


def as_html(report: Report) -> str:
    """Return a report as a page that stands alone, without scripts."""
    title = escape(clean_text(report.headline))
    parts = [_write_lines(report.first)]
    for number, group in enumerate(report.groups):
        parts.append(f"<h2>{escape(clean_text(group.title))}</h2>")
        parts.append(_write_lines(group.lines))
        graph = graph_between(group.comparison)
        if number < MOST_PICTURES and len(graph.nodes) <= MOST_DRAWN:
            parts.append(f'<div class="graph" tabindex="0">{draw_svg(graph)}</div>')
    body = "\n".join(filter(None, parts))
    return (
        _PAGE.replace("{title}", title).replace("{style}", _STYLE)
        + f"{body}\n</main>\n"
    )


def _write(line: Line) -> str:
    """Return a line with its sign. Nothing in it steers a terminal, or is unseen."""
    text = clean_text(line.text)
    return text if line.sign in " @" else f"{line.sign} {text}"


def _write_lines(lines: Iterable[Line]) -> str:
    rows = "\n".join(
        f'<span class="{_CLASSES[line.sign]}">{escape(_write(line))}</span>'
        for line in lines
    )
    return f"<pre>\n{rows}\n</pre>" if rows else ""


def _cut_lines(lines: Sequence[Line], first: int) -> str:
    """Return the lines that have room in a comment, and the number of the others.

    Half of the room is for graphs, unless the first lines need more.
    """
    texts = [f"{_write(line)}\n" for line in lines]
    needed = sum(len(text.encode()) for text in texts[:first])
    room = max(MOST_BYTES // 2, min(needed, MOST_BYTES - 2_000))
    count = 0
    while count < len(texts) and (room := room - len(texts[count].encode())) >= 0:
        count += 1
    text = "".join(texts[:count])
    cut = sorted(line.sign for line in lines[count:] if line.text)
    if not cut:
        return text
    counts = {sign: len([*signs]) for sign, signs in groupby(cut)}
    counted = ", ".join(
        f"{counts[sign]:,} {name}" for sign, name in _CLASSES.items() if sign in counts
    )
    return f"{text}cut here ({counted}): --format json has everything\n"


def _fence(language: str, text: str) -> str:
    """Return a fenced block that no backticks inside of it end."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n{fence}{language}\n{text}{fence}\n"


def _escape_markdown(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>()#+\-!|@~:&$])", r"\\\1", text)


def _escape_html(text: str) -> str:
    """Escape a text for HTML inside of Markdown, where marks count too."""
    return re.sub(r"[^\w ,./]", lambda match: f"&#{ord(match[0])};", text)


_STYLE: Final = """:root{color-scheme:light dark;
--paper:#fff;--text:#1f2328;--soft:#f6f8fa;--rule:#d1d9e0;
--added:#dafbe1;--removed:#ffebe9;--changed:#fff8c5}
@media(prefers-color-scheme:dark){:root{
--paper:#0d1117;--text:#f0f6fc;--soft:#161b22;--rule:#3d444d;
--added:#12361f;--removed:#4b1c1f;--changed:#3a2f0f}}
body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--paper);
color:var(--text);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.3rem}
h1,h2{overflow-wrap:anywhere}
h2{font-size:1rem;margin:1.5rem 0 .5rem;border-top:1px solid var(--rule);
padding-top:1rem}
pre{margin:0;padding:.5rem 0;background:var(--soft);border-radius:6px;
font:13px/1.6 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
pre span{display:block;padding:0 .75rem 0 calc(.75rem + 2ch);text-indent:-2ch;
margin-bottom:-1.6em;min-height:1.6em}
.added{background:var(--added)}
.removed{background:var(--removed)}
.changed{background:var(--changed)}
.graph{overflow-x:auto;margin-top:.5rem}
"""

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
<main>
<h1>{title}</h1>
"""
