"""SVG: a graph as a picture that stands alone, for light and for dark backgrounds.

It has no script and loads nothing. A sign, a shape or a line says the same as each
colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

from ..layout import MARGIN, Box, Point, lay_out, trace_route, trace_tip
from ..secrets import mask
from ..text import count_cells, fit_text, pluralize, printable, truncate
from .graph import Graph, Link, Mark, Node

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

_CLASSES: Final[Mapping[Mark, str]] = {
    "": "same",
    "+": "added",
    "-": "removed",
    "!": "changed",
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
        f"<style>{_STYLE}</style>",
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
    limited: list[str] = []
    for rule in rules.split("}")[:-1]:
        selectors, _, body = rule.partition("{")
        names = ",".join(f".flow64 {name}" for name in selectors.split(","))
        limited.append(f"{names}{{{body}}}")
    return "".join(limited)


def _set_colours(colours: Mapping[str, str]) -> str:
    return "".join(f".flow64{name}{{{rules}}}" for name, rules in colours.items())


_STYLE: Final = (
    f"{_set_colours(_LIGHT)}{_limit_rules(_LINES)}"
    f"@media(prefers-color-scheme:dark){{{_set_colours(_DARK)}}}"
)
"""The style sheet of every picture. Nothing in it comes from a definition."""
