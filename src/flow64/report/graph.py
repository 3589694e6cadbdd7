"""The graph to draw: of one definition, or of two with the changes marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from attrs import frozen

from ..analysis.costs import effects
from ..blocks import CATALOGUE
from ..definition import Definition, WireBlock
from ..diff.compare import Comparison
from ..diff.facts import Side, name_blocks
from ..secrets import clean_text

Mark: TypeAlias = Literal["", "+", "-", "!"]
"""The change of a block or an edge."""

Shape: TypeAlias = Literal["source", "step", "converter", "sink", "unknown"]
"""The role of a block; `unknown` for kinds outside of the catalogue."""

MOST_CHARACTERS: Final = 60
"""The most characters of a name in a picture."""


@frozen
class Node:
    """A block to draw.

    Attributes:
        name: Its key path, or its kind.
        kind: Its kind. Empty if the name says it.
        effects: `$` if it may spend, `↗` if it changes something outside.
    """

    name: str
    kind: str
    shape: Shape
    effects: str = ""
    mark: Mark = ""


@frozen
class Link:
    """An edge to draw, by the positions of its nodes."""

    source: int
    target: int
    mark: Mark = ""


@frozen
class Graph:
    """Blocks and edges to draw. A block that went comes last."""

    title: str
    nodes: Sequence[Node]
    links: Sequence[Link]


def graph_of(definition: Definition) -> Graph:
    """Return a definition as a graph."""
    names, signs = name_blocks(definition), _find_effects(definition)
    nodes = [
        _make_node(name, block, signs.get(at, ""), "")
        for at, (name, block) in enumerate(zip(names, definition.blocks, strict=True))
    ]
    topology = definition.topology
    pairs = sorted({*zip(topology.sources, topology.targets, strict=True)})
    return Graph(definition.name, nodes, [Link(*pair) for pair in pairs])


def graph_between(comparison: Comparison) -> Graph:
    """Return both sides of a comparison as one graph."""
    sides = [side for side in (comparison.after, comparison.before) if side is not None]
    marks = _mark_blocks(comparison)
    places: dict[str, int] = {}
    nodes: list[Node] = []
    for side in sides:
        signs = _find_effects(side.definition)
        for at, name in enumerate(side.names):
            if name not in places:
                places[name] = len(nodes)
                block, sign = side.definition.blocks[at], signs.get(at, "")
                nodes.append(_make_node(name, block, sign, marks.get(name, "")))
    old, new = (_list_pairs(side) for side in (comparison.before, comparison.after))
    links: list[Link] = []
    for pair in {**new, **old}:
        is_both = pair in old and pair in new
        mark: Mark = "" if is_both else "+" if pair in new else "-"
        links.append(Link(places[pair[0]], places[pair[1]], mark))
    title = sides[0].definition.name if sides else ""
    return Graph(title, nodes, links)


def _mark_blocks(comparison: Comparison) -> Mapping[str, Mark]:
    marks: dict[str, Mark] = {}
    for path, change in comparison.changes.items():
        if path[0] == "block" and len(path) == 2:
            marks[str(path[1])] = change.sign
        elif path[0] in ("block", "moved", "order"):
            marks.setdefault(str(path[1]), "!")
    return marks


def _list_pairs(side: Side | None) -> dict[tuple[str, str], None]:
    if side is None:
        return {}
    topology, names = side.definition.topology, side.names
    pairs = zip(topology.sources, topology.targets, strict=True)
    return {(names[source], names[target]): None for source, target in pairs}


def _make_node(name: str, block: WireBlock, signs: str, mark: Mark) -> Node:
    cls = CATALOGUE.get(block.kind)
    shape: Shape = cls.about.role if cls else "unknown"
    kind = "" if name == block.kind else clean_text(block.kind)
    return Node(clean_text(name), kind, shape, signs, mark)


def _find_effects(definition: Definition) -> Mapping[int, str]:
    """Return the signs of what blocks spend and change outside, by position."""
    signs: dict[int, str] = {}
    for touch in effects(definition).touches:
        sign = "$" if "spend" in touch.effect else "↗"
        for at in touch.positions:
            if sign not in signs.get(at, ""):
                signs[at] = signs.get(at, "") + sign
    return signs
