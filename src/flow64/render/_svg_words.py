"""The words of a picture: titles of blocks and edges, the heading, the legend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final, TypeAlias

from ..blocks import EFFECT_WORDS
from ..layout import MARGIN
from ..text import count_cells, fit_text, pluralize
from ._graph import SIGNS, ChangeMark, Graph, GraphLink, GraphNode
from ._layout import cut_text

SMALL_CELL: Final = 7
LONG: Final = 1_000

_WORDS: Final[Mapping[ChangeMark, str]] = {
    "added": "added",
    "removed": "removed",
    "changed": "changed",
    "moved": "moved",
    "broken": "broken",
}


def escape_text(text: str, limit: int) -> str:
    """Escape a text for a picture, on one line."""
    return escape(cut_text(text, limit))


def describe_node(node: GraphNode) -> str:
    """Return all that a picture shows of a block, in words."""
    label = node.label
    parts = [f"{label.path} ({label.kind})" if label.kind else label.path]
    if node.mark != "unchanged":
        parts.append(node.mark + (" and moved" if node.sign == "~>" else ""))
    if node.was is not None:
        parts.append(f"was {node.was}")
    if node.has_new_id:
        parts.append("has another id")
    if node.fields:
        parts.append(", ".join(node.fields))
    if node.rows:
        parts.append(f"gives {node.rows} rows")
    parts += [words for effect, words in EFFECT_WORDS.items() if effect in node.effects]
    return "; ".join(parts)


def describe_edge(graph: Graph, link: GraphLink) -> str:
    source, target = graph.nodes[link.source], graph.nodes[link.target]
    text = f"{source.label.path} → {target.label.path}"
    if source.rows:
        text += f": {source.rows} rows"
    if link.mark == "changed":
        return text + " (another condition)"
    return text if link.mark == "unchanged" else f"{text} ({link.mark})"


def describe_graph(graph: Graph) -> str:
    counts = _format_counts(graph)
    changed = [
        f"{node.sign} {node.label.path}"
        for node in graph.nodes
        if node.mark != "unchanged"
    ]
    return ". ".join([counts, "; ".join(changed)]) if changed else counts


def _format_counts(graph: Graph) -> str:
    """Return the number of blocks and edges."""
    here = [node for node in graph.nodes if node.mark != "removed"]
    edges = [link for link in graph.links if link.mark != "removed"]
    parts = [pluralize(len(here), "block"), pluralize(len(edges), "edge")]
    if graph.lost:
        parts.append(f"{graph.lost} to a block that is not there")
    if graph.is_compared and not any(_count_marks(graph)):
        parts.append("nothing changed")
    return ", ".join(parts)


def _count_marks(graph: Graph) -> tuple[Counter[ChangeMark], Counter[ChangeMark]]:
    """Count blocks and edges by mark. A changed block that moved counts as both."""
    nodes: Counter[ChangeMark] = Counter(
        node.mark for node in graph.nodes if node.mark != "unchanged"
    )
    moved = sum(node.is_moved for node in graph.nodes)
    if moved:
        nodes["moved"] = moved
    links: Counter[ChangeMark] = Counter(
        link.mark for link in graph.links if link.mark != "unchanged"
    )
    return nodes, links


def draw_heading(graph: Graph, width: int) -> Iterator[str]:
    room = width - 2 * MARGIN
    title = fit_text(cut_text(graph.name, LONG), room // 10)
    counts = fit_text(_format_counts(graph), room // SMALL_CELL)
    yield f'<text class="title" x="{MARGIN}" y="36">{escape(title)}</text>'
    yield f'<text class="counts" x="{MARGIN}" y="56">{escape(counts)}</text>'


LegendEntry: TypeAlias = tuple[str, str, str]
"""A part of the legend: its style, its sign and its meaning."""


def list_legend(graph: Graph) -> Sequence[LegendEntry]:
    """Return the meaning of all signs and lines that are used, with their number."""
    nodes, links = _count_marks(graph)
    found: list[LegendEntry] = [
        (mark, SIGNS[mark], f"{nodes[mark]} {word}")
        for mark, word in _WORDS.items()
        if nodes[mark]
    ]
    found += [
        (mark, "edge", f"{pluralize(links[mark], 'edge')} {word}")
        for mark, word in _WORDS.items()
        if links[mark]
    ]
    if any(node.is_spending for node in graph.nodes):
        found.append(("", "$", "spends"))
    if any(node.is_outside for node in graph.nodes):
        found.append(("", "out", "sends data to another system"))
    return found


def wrap_legend(
    legend: Sequence[LegendEntry], room: int
) -> Sequence[Sequence[tuple[int, LegendEntry]]]:
    """Break the legend into lines. Each part has the place where it begins."""
    rows: list[list[tuple[int, LegendEntry]]] = []
    x = room + 1
    for entry in legend:
        size = 26 + count_cells(entry[2]) * SMALL_CELL
        if x + size > room:
            rows.append([])
            x = 0
        rows[-1].append((MARGIN + x, entry))
        x += size + 18
    return rows
