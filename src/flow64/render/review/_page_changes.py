"""The changes of a group on the review page, and the graph that links to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from attrs import define, frozen

from ...definition import canonical_id
from ...diff import ARROW, EDGES, MISSING_COLUMNS, Line, Section
from ...redaction import clean_text, redact_keys
from .._graph import Graph, GraphNode, graph_between, mark_broken
from .._style import STYLE as GRAPH_STYLE
from .._svg import draw_graph, make_anchors
from ._grouping import Group

MOST_LINES: Final = 500
"""The most lines of changes in one list of a group."""

SHRUNK: Final = (420, 1_200)
"""Widths from which a graph is hard to read on a narrow screen, and on any screen. Then
it can be shown in full size."""

TALLEST: Final = 2_400
"""A graph of more pixels is made to fit the height of the screen."""


@define
class PageRoom:
    """Blocks and lines that have room, and graphs and lines that were left out."""

    blocks: int
    lines: int
    undrawn: int = 0
    unsaid: int = 0


def escape_text(found: object) -> str:
    """Escape a text of data."""
    return escape(clean_text(found))


def write_code(found: str) -> str:
    return f"<code>{escape_text(found)}</code>"


@frozen
class GroupGraph:
    """The graph of a group, and the places of its blocks on the page.

    Attributes:
        number: The number of the group.
        svg: The picture. Empty if there is none.
        size: Its width and height in pixels.
        places: The name of a block in the picture, by its id.
        is_open: Whether it is shown without a click.
    """

    number: int
    svg: str = ""
    size: tuple[int, int] = (0, 0)
    places: dict[str, str] | None = None
    is_open: bool = False

    def change(self, block: str) -> str | None:
        """Return the name of the place with the changes of a block."""
        place = (self.places or {}).get(block)
        return None if place is None else f"change-{place}"


def write_figure(group: Group, drawn: GroupGraph) -> Iterator[str]:
    """Write the graph. It fits its place, and a box shows it in full size.

    It is behind a click if no block or edge came, went or moved.
    """
    if not drawn.svg:
        return
    number, (width, height) = drawn.number, drawn.size
    first = "" if len(group.views) == 1 else f" of {write_code(group.first.step.key)}"
    leads = "" if group.first.is_new else "; its marked blocks lead to the changes"
    opened = " open" if drawn.is_open else ""
    yield f'<figure id="graph-{number}"><details{opened}>'
    yield f"<summary>The graph{first}{leads}</summary>"
    is_tall = height > TALLEST
    if width > SHRUNK[0] or is_tall:
        often = "" if width > SHRUNK[1] or is_tall else " seldom"
        yield (
            f'<input class="full{often}" type="checkbox" id="full-{number}">'
            f'<label for="full-{number}" class="full{often}">Full size'
            f'<span class="hidden"> of the graph of group {number}</span></label>'
        )
    yield (
        f'<div class="graph{" tall" if is_tall else ""}" tabindex="0" role="group" '
        f'aria-label="The graph of group {number}">'
    )
    yield drawn.svg
    yield "</div></details></figure>"


def draw_group(
    group: Group, number: int, found: Sequence[Section], room: PageRoom
) -> GroupGraph:
    """Draw the graph of a group. Its blocks link to their changes."""
    view, one = group.first, group.one
    if one.details.after is None or not group.is_drawn:
        return GroupGraph(number)
    changes = None if view.is_new else one.changes
    graph = graph_between(one.details.before, one.details.after, changes)
    graph = mark_broken(graph, view.broken_columns)
    if len(graph.nodes) > room.blocks:
        room.undrawn += 1
        return GroupGraph(number)
    room.blocks -= len(graph.nodes)
    prefix = f"{number}-"
    names = [f"{prefix}{name}" for name in make_anchors(graph)]
    ids = [canonical_id(node.id) for node in graph.nodes]
    places = dict(zip(ids, names, strict=True))
    changed = {canonical_id(one.block) for one in found if one.block is not None}
    ends = (
        _find_changed_ends(graph)
        if any(one.is_about_edges for one in found)
        else set[str]()
    )

    def find_link(node: GraphNode) -> str | None:
        block = canonical_id(node.id)
        if block in view.broken_columns:
            return f"breaks-{number}"
        if block in changed:
            return f"change-{places[block]}"
        return f"edges-{number}" if block in ends else None

    svg = draw_graph(graph, has_heading=False, linked=find_link, prefix=prefix)
    svg = redact_keys(svg.replace(f"<style>{GRAPH_STYLE}</style>\n", "", 1))
    width, height = (
        int(svg.partition(f' {name}="')[2].partition('"')[0])
        for name in ("width", "height")
    )
    is_open = view.is_new or view.is_rewired
    return GroupGraph(number, svg, (width, height), places, is_open)


def _find_changed_ends(graph: Graph) -> set[str]:
    """Return the blocks with an edge that was added, removed or changed."""
    return {
        canonical_id(graph.nodes[end].id)
        for link in graph.links
        if link.mark != "unchanged"
        for end in (link.source, link.target)
    }


def limit_lines(found: Sequence[Section], room: PageRoom) -> Sequence[Section]:
    """Return the lines that have room. The others are counted."""
    left = min(MOST_LINES, room.lines)
    shown: list[Section] = []
    for section in found:
        lines = section.lines[:left]
        room.unsaid += len(section.lines) - len(lines)
        left -= len(lines)
        room.lines -= len(lines)
        if lines:
            shown.append(Section(section.title, lines, section.block))
    return shown


def write_changes(
    found: Sequence[Section], drawn: GroupGraph | None = None
) -> Iterator[str]:
    for section in found:
        yield f'<div class="change"{_write_place(section, drawn)}>'
        title = escape_text(section.title or "workflow")
        yield f"<h4>{title}{_write_back_link(section, drawn)}</h4>"
        yield '<ul class="lines">'
        yield from map(_write_line, section.lines)
        yield "</ul></div>"


_PLACES: Final = {EDGES: "edges", MISSING_COLUMNS: "breaks"}
"""The places on the page of lines that are not about one block, by their titles."""


def _write_place(section: Section, drawn: GroupGraph | None) -> str:
    """Return the id of the place with the changes, to which the graph links."""
    if drawn is None:
        return ""
    if section.block is None and section.title in _PLACES:
        return f' id="{_PLACES[section.title]}-{drawn.number}"'
    place = None if section.block is None else drawn.change(canonical_id(section.block))
    return "" if place is None else f' id="{place}"'


def _write_back_link(section: Section, drawn: GroupGraph | None) -> str:
    """Return the link to the block in the graph, or to the graph."""
    is_there = section.block is not None or section.title in _PLACES
    if drawn is None or not drawn.svg or not is_there:
        return ""
    target, words = f"graph-{drawn.number}", "to the graph"
    if section.block is not None and drawn.places is not None:
        place = drawn.places.get(canonical_id(section.block))
        if place is not None:
            target, words = f"block-{place}", "in the graph"
    about = f'<span class="hidden"> ({escape_text(section.title)})</span>'
    return f'<a href="#{target}">{words}{about}</a>'


_KINDS: Final = {
    "+": ("add", "added"),
    "-": ("gone", "removed"),
    "~": ("other", "changed"),
    ">": ("other", "moved"),
    "?": ("left", "not managed"),
    "!": ("gone", "breaks"),
}
"""The style of a line, and how its sign is read aloud."""


def _write_line(line: Line) -> str:
    style, spoken = _KINDS[line.sign]
    inside = " in" if line.depth else ""
    return (
        f'<li class="{style}{inside}"><span class="s"><span aria-hidden="true">'
        f'{escape(line.sign)}</span><span class="hidden">{spoken}</span></span>'
        f"<span>{_write_line_text(line)}</span></li>"
    )


def _write_line_text(line: Line) -> str:
    if line.before is None:
        return escape_text(line.text)
    return (
        f"{escape_text(line.label)}<del>{escape_text(line.before)}</del> {ARROW} "
        f"<ins>{escape_text(line.after)}</ins>"
    )
