"""Write a report as text, as a comment in Markdown, and as a page; draw graphs as SVG.

Escaping and cutting to a size happen here alone. The comment is the text of the
terminal in one fence, and the page has the same lines. A picture stands alone, for
light and for dark backgrounds. It has no script and loads nothing. A sign, a shape or a
line says the same as each colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Final

from ..layout import MARGIN, Box, Point, lay_out, trace_route, trace_tip
from ..secrets import clean_text, mask
from ..text import count_cells, fit_text, pluralize, printable, truncate
from .graph import MOST_BLOCKS, Graph, Link, Mark, Node, draw_mermaid, graph_between
from .lines import Line, LineSign, Report

_SVG: Final = "http://www.w3.org/2000/svg"
_CELL: Final = 8
_LINE: Final = 18
_SIDE: Final = 18
_FOOT: Final = 10
_POINT: Final = 12
_HEAD: Final = 40
_MOST_CELLS: Final = 36
_NARROWEST: Final = 280
_LONG: Final = 1_000

_CLASSES: Final[Mapping[Mark | LineSign, str]] = {
    "": "same",
    "+": "added",
    "-": "removed",
    "!": "changed",
    "@": "group",
    " ": "plain",
}


def draw_svg(graph: Graph) -> str:
    """Return a graph as an SVG picture.

    Sources are round at both ends, converters have points, sinks have a heavy foot, and
    unknown kinds have double sides. `$` marks blocks that may spend, `↗` those that
    change something outside; `+`, `-` and `!` what was added, removed and changed.
    """
    rows = [_list_rows(node) for node in graph.nodes]
    sizes = [
        _measure(node, texts) for node, texts in zip(graph.nodes, rows, strict=True)
    ]
    edges = [(link.source, link.target) for link in graph.links]
    drawing = lay_out(sizes, edges)
    width, height = max(drawing.width, _NARROWEST), drawing.height + _HEAD
    shift = (width - drawing.width) // 2
    counts = f"{pluralize(len(graph.nodes), 'block')}, {pluralize(len(edges), 'edge')}"
    title = printable(truncate(mask(graph.title), _LONG))
    shown = fit_text(title, (width - 2 * MARGIN) // (_CELL + 2))
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    lines = [
        f'<svg xmlns="{_SVG}" class="flow64" role="img" {size}>',
        f"<title>{escape(title)}</title><desc>{counts}</desc>",
        f"<style>{_SVG_STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}" rx="8"/>',
        f'<text class="title" x="{MARGIN}" y="34">{escape(shown)}</text>',
        f'<g transform="translate({shift} {_HEAD})">',
    ]
    # Edges that changed are drawn over the others.
    order = sorted(range(len(edges)), key=lambda at: graph.links[at].mark != "")
    for at in order:
        lines += _draw_link(graph.links[at], drawing.routes[at])
    for node, texts, box in zip(graph.nodes, rows, drawing.boxes, strict=True):
        lines += _draw_node(node, texts, box)
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"


def _list_rows(node: Node) -> list[str]:
    rows = [node.name, node.kind] if node.kind else [node.name]
    return [fit_text(text, _MOST_CELLS) for text in rows]


def _measure(node: Node, rows: list[str]) -> tuple[int, int]:
    width = max(112, max(map(count_cells, rows)) * _CELL + 2 * _SIDE)
    width += 2 * _POINT * (node.shape == "converter")
    return width + width % 2, 2 * _FOOT + _LINE * len(rows)


def _draw_link(link: Link, points: Sequence[Point]) -> Iterator[str]:
    yield (
        f'<g class="{_CLASSES[link.mark]}"><path class="line" '
        f'd="{trace_route(points)}"/><path class="tip" d="{trace_tip(points)}"/></g>'
    )


def _draw_node(node: Node, rows: list[str], box: Box) -> Iterator[str]:
    name = escape(truncate(node.name, _LONG))
    yield f'<g class="{_CLASSES[node.mark]}"><title>{name}</title>'
    yield from _draw_outline(node, box)
    y = box.y + _FOOT - 5
    for style, text in zip(("name", "kind"), rows, strict=False):
        y += _LINE
        yield f'<text class="{style}" x="{box.center}" y="{y}">{escape(text)}</text>'
    if node.mark:
        yield from _draw_badge("mark", box.x + 2, box.y + 2, node.mark)
    for number, sign in enumerate(node.effects):
        yield from _draw_badge("effect", box.right - 4 - 20 * number, box.y + 1, sign)
    yield "</g>"


def _draw_outline(node: Node, box: Box) -> Iterator[str]:
    x, y, width, height = box
    if node.shape == "converter":
        middle, inner = y + height // 2, box.right - _POINT
        yield (
            f'<path class="box" d="M{x} {middle}L{x + _POINT} {y}H{inner}'
            f'L{box.right} {middle}L{inner} {box.bottom}H{x + _POINT}Z"/>'
        )
        return
    radius = {"source": min(height // 2, 24), "sink": 2}.get(node.shape, 6)
    yield (
        f'<rect class="box" x="{x}" y="{y}" width="{width}" height="{height}" '
        f'rx="{radius}"/>'
    )
    if node.shape == "sink":
        yield f'<path class="foot" d="M{x} {box.bottom}H{box.right}"/>'
    if node.shape == "unknown":
        sides = f"M{x + 6} {y}V{box.bottom}M{box.right - 6} {y}V{box.bottom}"
        yield f'<path class="side" d="{sides}"/>'


def _draw_badge(style: str, x: int, y: int, sign: str) -> Iterator[str]:
    """Draw a sign in a circle."""
    shown = sign.replace("-", "\N{MINUS SIGN}")
    yield f'<circle class="{style}" cx="{x}" cy="{y}" r="9"/>'
    yield f'<text class="{style}-sign" x="{x}" y="{y + 4}">{shown}</text>'


# -- Style -----------------------------------------------------------------------------

_LINES: Final = (
    "text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;"
    "text-anchor:middle;fill:var(--text)}"
    ".title{font-size:16px;font-weight:600;text-anchor:start}"
    ".name{font-size:13px;font-weight:600}.kind{font-size:12px;fill:var(--muted)}"
    ".mark-sign,.effect-sign{font-size:12px;font-weight:700}"
    ".mark-sign{fill:var(--paper)}.mark{fill:var(--line)}"
    ".paper,.effect{fill:var(--paper)}.effect{stroke:var(--line)}"
    ".box{fill:var(--fill);stroke:var(--line)}.foot{stroke-width:4}"
    ".foot,.side{fill:none;stroke:var(--line)}.tip{fill:var(--line)}"
    ".line{fill:none;stroke:var(--line);stroke-width:1.5}"
    ".added .line,.added .box,.changed .box{stroke-width:2.5}"
    ".removed .line,.removed .box{stroke-dasharray:6 4}"
    ".removed .name{text-decoration:line-through}"
)

_LIGHT: Final = {
    "": "--paper:#fff;--text:#1f2328;--muted:#59636e;--fill:#f6f8fa;--line:#818b98",
    " .added": "--fill:#e6f9ea;--line:#1a7f37",
    " .removed": "--fill:#fff1ef;--line:#cf222e",
    " .changed": "--fill:#fff8d6;--line:#9a6700",
}

_DARK: Final = {
    "": "--paper:#0d1117;--text:#f0f6fc;--muted:#a3abb5;--fill:#171d26;--line:#7d8590",
    " .added": "--fill:#11271c;--line:#3fb950",
    " .removed": "--fill:#2a1619;--line:#f85149",
    " .changed": "--fill:#29210f;--line:#d29922",
}


def _limit_rules(rules: str) -> str:
    """Limit rules to our pictures, on any page."""
    return re.sub(r"([^{},]+)(?=[^{}]*{)", r".flow64 \1", rules)


def _set_colours(colours: Mapping[str, str]) -> str:
    return "".join(f".flow64{name}{{{rules}}}" for name, rules in colours.items())


_SVG_STYLE: Final = (
    f"{_set_colours(_LIGHT)}{_limit_rules(_LINES)}"
    f"@media(prefers-color-scheme:dark){{{_set_colours(_DARK)}}}"
)
"""The style sheet of every picture. Nothing in it comes from a definition."""


MOST_BYTES: Final = 60_000
"""The most bytes of a comment: a forge takes 65,536 characters."""

MOST_PICTURES: Final = 5
"""The most pictures of a comment or a page."""

MOST_DRAWN: Final = 200
"""The most blocks of a picture on a page."""

MARKER: Final = "<!-- flow64:review -->"
"""The first line of a comment, by which the next push finds it."""


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
    text = "".join(_share_room(texts[:first], MOST_BYTES - 4_000))
    room = max(MOST_BYTES // 2 - len(text.encode()), 0)
    count = first
    while count < len(texts) and (room := room - len(texts[count].encode())) >= 0:
        count += 1
    text += "".join(texts[first:count])
    cut = sorted(line.sign for line in lines[count:] if line.text)
    if not cut:
        return text
    counts = {sign: len([*signs]) for sign, signs in groupby(cut)}
    counted = ", ".join(
        f"{counts[sign]:,} {name}" for sign, name in _CLASSES.items() if sign in counts
    )
    return f"{text}cut here ({counted}): --format json has everything\n"


def _share_room(texts: Iterable[str], room: int) -> Iterator[str]:
    """Yield the first lines of each label. None takes the room of another label."""
    groups = ["".join(own) for _, own in groupby(texts, lambda t: t.split("  ")[0])]
    share = room
    for at, size in enumerate(sorted(len(text.encode()) for text in groups)):
        share = room // (len(groups) - at)
        room -= min(size, share)
    for text in groups:
        start = text.encode()[:share].decode(errors="ignore")
        more = len(text) - len(start)
        yield f"{start}… ({more:,} characters more)\n" if more else text


def _fence(language: str, text: str) -> str:
    """Return a fenced block that no backticks inside of it end. A long row is cut."""
    text = re.sub("`{20,}", f"{'`' * 20}…", text)
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
