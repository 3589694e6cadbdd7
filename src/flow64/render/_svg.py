"""SVG: a definition, or the changes between two, as a picture that stands alone.

It has no script, loads nothing, and is readable in light and in dark mode. A sign, a
shape or a line says the same as each colour.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from html import escape
from typing import Final, TypeAlias
from urllib.parse import quote

from attrs import frozen

from ..definition import Definition
from ..diff import Change
from ..layout import (
    MARGIN,
    Box,
    Layered,
    frame_groups,
    lay_out,
    trace_route,
    trace_tip,
)
from ..text import count_cells, fit_text
from ._graph import MOST_FIELD, Graph, GraphNode, graph_between, graph_of
from ._layout import cut_text
from ._style import STYLE
from ._svg_words import (
    LONG,
    SMALL_CELL,
    LegendEntry,
    describe_edge,
    describe_graph,
    describe_node,
    draw_heading,
    escape_text,
    list_legend,
    wrap_legend,
)

Linked: TypeAlias = Callable[[GraphNode], str | None]
"""Returns the place on the same page that a block links to, if there is one."""


def draw_svg(definition: Definition, *, has_heading: bool = True) -> str:
    """Return the graph as an SVG picture.

    Sources are round at both ends, converters have points, sinks have a heavy foot, and
    unknown kinds have double sides. `$` marks blocks that spend, an arrow blocks that
    leave something outside. The kind of rows is shown where it changes. A scope is a
    frame around its blocks, or a line of their labels if frames would overlap.

    Args:
        definition: The definition to draw.
        has_heading: Whether to write the title and the counts above it.
    """
    return draw_graph(graph_of(definition), has_heading=has_heading)


def draw_svg_changes(
    before: Definition | None,
    after: Definition | None,
    *,
    changes: Iterable[Change] | None = None,
) -> str:
    """Return the changes between two definitions as one SVG picture.

    There are signs besides colours: `+` added, `-` removed (with broken lines), `~`
    changed, `>` moved.

    Args:
        before: The definition before the changes, if there was one.
        after: The definition with the changes, if there is one.
        changes: The result of `diff`, if it is already known.
    """
    return draw_graph(graph_between(before, after, changes))


def make_anchors(graph: Graph) -> Sequence[str]:
    """Return a unique name for each block that is safe in an address."""
    seen: Counter[str] = Counter()
    found: list[str] = []
    for node in graph.nodes:
        name = node.id.lower()
        if not _SAFE.fullmatch(name):
            name = sha256(node.id.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found


def draw_graph(
    graph: Graph,
    *,
    has_heading: bool = True,
    linked: Linked | None = None,
    prefix: str = "",
) -> str:
    """Return a graph as an SVG picture. See `draw_svg` and `draw_svg_changes`."""
    names = [f"block-{prefix}{name}" for name in make_anchors(graph)]
    scene = _make_drawing(graph)
    drawing = scene.drawing
    legend = list_legend(graph)
    width = max(drawing.width, _NARROWEST)
    rows = wrap_legend(legend, width - 2 * MARGIN)
    head = _HEAD if has_heading else 0
    foot = len(rows) * _LEGEND_LINE + 16 if rows else 0
    height = head + drawing.height + foot
    role = "img" if linked is None else "group"
    shift = (width - drawing.width) // 2
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    lines = [
        f'<svg xmlns="{_SVG}" class="flow64" role="{role}" {size}>',
        f"<title>{escape_text(graph.name, LONG)}</title>",
        f"<desc>{escape_text(describe_graph(graph), LONG)}</desc>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}" rx="8"/>',
    ]
    if has_heading:
        lines += draw_heading(graph, width)
    lines.append(f'<g transform="translate({shift} {head})">')
    lines += _draw_frames(scene)
    lines += _draw_links(graph, drawing)
    lines += _draw_frame_names(scene)
    lines += _draw_row_kinds(graph, drawing)
    for at, node in enumerate(graph.nodes):
        place = None if linked is None else linked(node)
        name = None if linked is None else names[at]
        lines += _draw_block(node, scene.looks[at], drawing.boxes[at], name, place)
    lines.append("</g>")
    lines += _draw_legend(rows, head + drawing.height)
    lines.append("</svg>")
    return "\n".join(lines) + "\n"


# -- What a block looks like -----------------------------------------------------------

_SVG: Final = "http://www.w3.org/2000/svg"
_SAFE: Final = re.compile(r"[a-z0-9-]{1,64}")
_NAME_CELL: Final = 8
_NAME_LINE: Final = 18
_SMALL_LINE: Final = 16
_NAME_CELLS: Final = 30
_SIDE: Final = 18
_FOOT: Final = 10
_POINT: Final = 12
_NARROWEST: Final = 320
_NARROWEST_BOX: Final = 112
_HEAD: Final = 48
_LEGEND_LINE: Final = 22
_FIELDS: Final = 3
_MOST_FRAMED: Final = 200_000


@frozen
class _BlockText:
    """The text and the size of a block.

    Attributes:
        rows: The class and the text of each line.
    """

    rows: Sequence[tuple[str, str]]
    width: int
    height: int


@frozen
class _Drawing:
    """A graph with its layout.

    Attributes:
        looks: The text and the size of each block.
        drawing: The places of all boxes and edges.
        frames: Names of scopes, with the frames around their blocks.
    """

    looks: Sequence[_BlockText]
    drawing: Layered
    frames: Sequence[tuple[str, Box]]


def _make_drawing(graph: Graph) -> _Drawing:
    """Lay out a graph, with frames around scopes if these do not overlap."""
    edges = [(link.source, link.target) for link in graph.links]
    gone = [n for n, link in enumerate(graph.links) if link.mark == "removed"]
    names: dict[str, int] = {}
    groups = [
        names.setdefault(node.label.scopes[0], len(names))
        if node.label.scopes
        else None
        for node in graph.nodes
    ]
    if 0 < len(names) * (len(edges) + len(groups)) < _MOST_FRAMED:
        looks = [_make_text(node, node.label.scopes[1:]) for node in graph.nodes]
        sizes = [(look.width, look.height) for look in looks]
        drawing = lay_out(sizes, edges, gone=gone, groups=groups)
        found = frame_groups(drawing, edges, groups)
        if found is not None:
            return _Drawing(looks, drawing, [(n, found[at]) for n, at in names.items()])
    looks = [_make_text(node, node.label.scopes) for node in graph.nodes]
    sizes = [(look.width, look.height) for look in looks]
    return _Drawing(looks, lay_out(sizes, edges, gone=gone), [])


def _make_text(node: GraphNode, scopes: Sequence[str]) -> _BlockText:
    label = node.label
    rows: list[tuple[str, str]] = []
    if scopes:
        rows.append(("small", "/".join(scopes) + "/"))
    rows.append(("name", label.name))
    if label.kind:
        rows.append(("small", label.kind))
    if node.was is not None:
        rows.append(("small", f"was {node.was}"))
    rows += [("small", field) for field in node.fields[:_FIELDS]]
    if len(node.fields) > _FIELDS:
        rows.append(("small", f"and {len(node.fields) - _FIELDS} more"))
    shown = [
        (
            name,
            fit_text(
                cut_text(text, LONG), _NAME_CELLS if name == "name" else MOST_FIELD
            ),
        )
        for name, text in rows
    ]
    room = max(
        count_cells(text) * (_NAME_CELL if name == "name" else SMALL_CELL)
        for name, text in shown
    )
    width = max(_NARROWEST_BOX, room + 2 * _SIDE)
    width += 2 * _POINT * (label.shape == "converter")
    height = 2 * _FOOT + sum(
        _NAME_LINE if name == "name" else _SMALL_LINE for name, _ in shown
    )
    return _BlockText(shown, width + width % 2, height)


def _draw_block(
    node: GraphNode, look: _BlockText, box: Box, name: str | None, place: str | None
) -> Iterator[str]:
    """Draw a block: a group, or a link if it leads to a place of the page."""
    title = escape_text(describe_node(node), LONG)
    identity = "" if name is None else f' id="{escape(name)}"'
    tag = "g" if place is None else "a"
    target = ""
    if place is not None:
        safe = quote(place, errors="backslashreplace")
        target = f' href="#{safe}" aria-label="{title}"'
    yield f'<{tag} class="block {node.mark}"{identity}{target}><title>{title}</title>'
    yield from _draw_outline(node, box)
    y = box.y + _FOOT
    for style, text in look.rows:
        size = _NAME_LINE if style == "name" else _SMALL_LINE
        y += size
        yield (
            f'<text class="{style}" x="{box.center}" y="{y - 5}">{escape(text)}</text>'
        )
    if node.sign:
        yield from _draw_badge("mark", box.x + 2, box.y + 2, node.sign)
    x = box.right - 4
    if node.is_outside:
        yield from _draw_arrow(x, box.y + 1)
        x -= 20
    if node.is_spending:
        yield from _draw_badge("spends", x, box.y + 1, "$")
    yield f"</{tag}>"


def _draw_outline(node: GraphNode, box: Box) -> Iterator[str]:
    x, y, width, height = box
    match node.label.shape:
        case "converter":
            middle, inner = y + height // 2, box.right - _POINT
            yield (
                f'<path class="box" d="M{x} {middle}L{x + _POINT} {y}H{inner}'
                f'L{box.right} {middle}L{inner} {box.bottom}H{x + _POINT}Z"/>'
            )
        case shape:
            radius = {"source": min(height // 2, 24), "sink": 2}.get(shape, 6)
            yield (
                f'<rect class="box" x="{x}" y="{y}" width="{width}" '
                f'height="{height}" rx="{radius}"/>'
            )
            if shape == "sink":
                yield f'<path class="foot" d="M{x} {box.bottom}H{box.right}"/>'
            if shape == "unknown":
                yield (
                    f'<path class="side" d="M{x + 6} {y}V{box.bottom}'
                    f'M{box.right - 6} {y}V{box.bottom}"/>'
                )


def _draw_badge(style: str, x: int, y: int, sign: str) -> Iterator[str]:
    """Draw a sign in a circle, which is wider for a longer sign."""
    half = 9 + 4 * (len(sign) - 1)
    yield (
        f'<rect class="{style}" x="{x - half}" y="{y - 9}" width="{2 * half}" '
        f'height="18" rx="9"/>'
    )
    shown = escape(sign.replace("-", "\N{MINUS SIGN}"))
    yield f'<text class="{style}-sign" x="{x}" y="{y + 4}">{shown}</text>'


def _draw_arrow(x: int, y: int) -> Iterator[str]:
    """Draw an arrow that leads outside, in a circle. Fonts may lack such a sign."""
    yield f'<circle class="spends" cx="{x}" cy="{y}" r="9"/>'
    yield f'<path class="out" d="M{x - 3} {y + 3}L{x + 3} {y - 3}m-5 0h5v5"/>'


# -- Edges, frames, row kinds ----------------------------------------------------------


def _draw_links(graph: Graph, drawing: Layered) -> Iterator[str]:
    """Draw all edges, changed ones over unchanged ones."""
    marked = {at for at, _ in _find_row_changes(graph, drawing)}
    numbers = sorted(
        range(len(graph.links)), key=lambda n: graph.links[n].mark != "unchanged"
    )
    for number in numbers:
        link = graph.links[number]
        points = drawing.routes[number]
        stub = 22 if link.source in marked and points[0][1] < points[-1][1] else 0
        title = escape_text(describe_edge(graph, link), LONG)
        yield f'<g class="edge {link.mark}"><title>{title}</title>'
        yield f'<path class="line" d="{trace_route(points, stub)}"/>'
        yield f'<path class="tip" d="{trace_tip(points)}"/></g>'


def _draw_frames(scene: _Drawing) -> Iterator[str]:
    for name, box in scene.frames:
        yield (
            f'<rect class="frame" x="{box.x}" y="{box.y}" width="{box.width}" '
            f'height="{box.height}" rx="10">'
            f"<title>{escape_text(name, LONG)}</title></rect>"
        )


def _draw_frame_names(scene: _Drawing) -> Iterator[str]:
    for name, box in scene.frames:
        shown = fit_text(cut_text(name, LONG), (box.width - 24) // SMALL_CELL)
        yield (
            f'<text class="frame-name" x="{box.x + 12}" y="{box.y + 17}">'
            f"{escape(shown)}</text>"
        )


def _find_row_changes(graph: Graph, drawing: Layered) -> Iterator[tuple[int, str]]:
    """Yield the blocks where the kind of rows changes, with the new kind."""
    fed: dict[int, set[str | None]] = {}
    leads: set[int] = set()
    for link, route in zip(graph.links, drawing.routes, strict=True):
        fed.setdefault(link.target, set()).add(graph.nodes[link.source].rows)
        if route[0][1] < route[-1][1] and link.source != link.target:
            leads.add(link.source)
    for at in sorted(leads):
        rows = graph.nodes[at].rows
        if rows is not None and fed.get(at) != {rows}:
            yield at, rows


def _draw_row_kinds(graph: Graph, drawing: Layered) -> Iterator[str]:
    """Draw the kind of rows below the blocks where it changes."""
    for at, rows in _find_row_changes(graph, drawing):
        box, half = drawing.boxes[at], count_cells(rows) * 3 + 9
        yield (
            f'<rect class="rows" x="{box.center - half}" y="{box.bottom + 5}" '
            f'width="{2 * half}" height="15" rx="7"/>'
        )
        yield (
            f'<text class="rows-name" x="{box.center}" y="{box.bottom + 16}">'
            f"{escape(rows)}</text>"
        )


def _draw_legend(
    rows: Sequence[Sequence[tuple[int, LegendEntry]]], top: int
) -> Iterator[str]:
    for number, row in enumerate(rows):
        y = top + 8 + number * _LEGEND_LINE
        for x, (style, sign, words) in row:
            yield f'<g class="{style or "plain"}">'
            if sign == "edge":
                yield f'<path class="line" d="M{x} {y}h18"/>'
            elif sign == "out":
                yield from _draw_arrow(x + 9, y)
            else:
                yield from _draw_badge(
                    "spends" if sign == "$" else "mark", x + 9, y, sign
                )
            yield f'<text class="words" x="{x + 26}" y="{y + 4}">{words}</text></g>'
