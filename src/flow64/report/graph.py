"""The graph to draw, of one definition or of two with the changes marked.

`draw_mermaid` writes it as a flowchart, which forges draw; `writers.py` draws it as
SVG. As text, a workflow is a line for each block, with the rows that leave it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from attrs import frozen

from ..analysis.columns import ColumnSet, Stage, lineage
from ..analysis.costs import effects
from ..blocks import CATALOGUE
from ..definition import Definition, Hidden, Value, WireBlock
from ..diff.compare import Comparison
from ..diff.facts import DefinitionFacts, name_blocks
from ..diff.words import format_value
from ..secrets import clean_text, mask
from ..text import pluralize, printable, truncate

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
    facts = DefinitionFacts(definition, name_blocks(definition), {}, {})
    return graph_between(Comparison(facts, facts))


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


def _list_pairs(side: DefinitionFacts | None) -> dict[tuple[str, str], None]:
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


MOST_BLOCKS: Final = 60
"""The most blocks that a picture of changes shows."""

_SHAPES: Final[Mapping[Shape, tuple[str, str]]] = {
    "source": ("([", "])"),
    "step": ("[", "]"),
    "converter": ("{{", "}}"),
    "sink": ("[(", ")]"),
    "unknown": ("[[", "]]"),
}

_ARROWS: Final[Mapping[Mark, str]] = {"": "-->", "+": "==>", "-": "-.->", "!": "-->"}

_CLASSES: Final[Mapping[Mark, str]] = {
    "+": "added fill:#dafbe1,stroke:#1a7f37,color:#0a3314,stroke-width:3px",
    "-": "removed fill:#ffebe9,stroke:#cf222e,color:#5c0d14,stroke-dasharray:6 4",
    "!": "changed fill:#fff8c5,stroke:#9a6700,color:#3b2300,stroke-width:3px",
}


def draw_mermaid(graph: Graph, *, most: int | None = None) -> str:
    """Return a graph as the text of a Mermaid flowchart.

    Sources are stadiums, converters hexagons, sinks cylinders, and unknown kinds have
    double sides. `+`, `-` and `!` mark what was added, removed and changed. Blocks are
    `n1`, `n2`... A name can only be a label. By default, renderers refuse more than 500
    edges.

    Args:
        graph: The graph.
        most: The most blocks to show: changed ones and their neighbours first. Others
            are counted. None shows all.
    """
    positions = _select(graph, most)
    numbers = {at: number for number, at in enumerate(positions, 1)}
    lines = ["flowchart TD"]
    lines += [_write_node(number, graph.nodes[at]) for at, number in numbers.items()]
    if len(positions) < len(graph.nodes):
        words = pluralize(len(graph.nodes) - len(positions), "more block")
        lines.append(f'    more["{escape_label(f"… {words}")}"]')
    for link in graph.links:
        if link.source in numbers and link.target in numbers:
            lines.append(_write_link(link, numbers))
    used = {graph.nodes[at].mark for at in positions}
    lines += [f"    classDef {rule}" for mark, rule in _CLASSES.items() if mark in used]
    return "\n".join(lines) + "\n"


def _select(graph: Graph, most: int | None) -> Sequence[int]:
    """Return the positions of the blocks to show, in order."""
    count = len(graph.nodes)
    if most is None or count <= most:
        return range(count)
    changed = {at: None for at, node in enumerate(graph.nodes) if node.mark}
    near = {**changed}
    for link in graph.links:
        if link.mark or link.source in changed or link.target in changed:
            near.update({link.source: None, link.target: None})
    return sorted([*{**near, **dict.fromkeys(range(count))}][:most])


def _write_node(number: int, node: Node) -> str:
    left, right = _SHAPES[node.shape]
    rows = [f"{node.mark} {node.name}".strip(), node.kind]
    text = "<br>".join(escape_label(row) for row in rows if row)
    name = _CLASSES[node.mark].partition(" ")[0] if node.mark else ""
    return f'    n{number}{left}"{text}"{right}{f":::{name}" if name else ""}'


def _write_link(link: Link, numbers: Mapping[int, int]) -> str:
    arrow = _ARROWS[link.mark]
    return f"    n{numbers[link.source]} {arrow} n{numbers[link.target]}"


def escape_label(text: str) -> str:
    """Write a label. All but letters and digits, and `end`, are written as numbers.

    Some words mean something in any label, such as `direction LR` and `fa:fa-x`.
    """
    label = _SPECIAL.sub(_as_number, truncate(text, MOST_CHARACTERS))
    return _END.sub(lambda match: f"{_as_number(match)}{match[0][1:]}", label)


def _as_number(match: re.Match[str]) -> str:
    return f"#{ord(match[0][0])};"


_END: Final = re.compile("end", re.IGNORECASE)

_SPECIAL: Final = re.compile(r"[^\w]|(?<=_)_|(?<![^\W_])_|_(?![^\W_])")


_MOST: Final = 6
_LONGEST: Final = 40
_LONGEST_NAME: Final = 60


def draw_text(definition: Definition) -> str:
    """Return a workflow as lines, one for each block in the order of the flow.

    `←` names the blocks that feed a block, if that is not the one above it. After `→`
    come the rows that leave it, if they differ from those that came in: their kind, the
    columns that were added (`+`) or dropped (`-`), all columns (`=`) at the ends of the
    graph, and `…` if there may be others.
    """
    names, stages = name_blocks(definition), lineage(definition)
    topology = definition.topology
    edges = len(topology.sources)
    counts = f"{pluralize(len(names), 'block')}, {pluralize(edges, 'edge')}"
    if lost := len(definition.edges) - edges:
        counts += f", {lost} to a block that is not there"
    lines = [_cut(definition.name, 2 * _LONGEST_NAME), counts]
    last: int | None = None
    for at in topology.order:
        parents = sorted({*topology.parents[at]})
        line = _format_block(definition, names, at)
        if parents != ([] if last is None else [last]):
            feeders = ", ".join(_list_first([names[parent] for parent in parents]))
            line += f" ← {feeders or 'nothing'}"
        lines.append(line)
        rows = _format_rows(stages, at, parents, is_end=not topology.children[at])
        lines += [f"  → {rows}"] if rows else []
        last = at
    return "".join(f"{line}\n" for line in lines)


def _format_block(definition: Definition, names: Sequence[str], at: int) -> str:
    block, name = definition.blocks[at], names[at]
    parts = [_cut(name, _LONGEST_NAME)]
    if name != block.kind:
        parts.append(f"({_cut(block.kind, _LONGEST_NAME)})")
    # The row kind is shown with the rows that leave.
    shown = [field for field in block.specs if field != "dataframe_type"]
    parts += [
        f"{_cut(field, _LONGEST)}={_format_spec(block.specs[field])}"
        for field in shown[:_MOST]
    ]
    if len(shown) > _MOST:
        parts.append(f"and {len(shown) - _MOST} more")
    return " ".join(parts)


def _format_spec(value: Any) -> str:
    """Write a value on one line: the names of an object's fields, items of a list."""
    match value:
        case Value(name=name):
            return f"<{_cut(name, _LONGEST)}>"
        case Hidden():
            return "<hidden>"
        case {"column": column, "operator": operator, **others}:
            words = [others.get("logic"), column, operator]
            words += [_format_spec(others["value"])] if "value" in others else []
            return _cut(" ".join(str(word) for word in words if word), 2 * _LONGEST)
        case {**fields}:
            return f"{{{', '.join(_list_first([str(field) for field in fields]))}}}"
        case list():
            items = [_format_spec(item) for item in value[:_MOST]]
            more = [f"and {len(value) - _MOST} more"] * (len(value) > _MOST)
            return f"[{', '.join([*items, *more])}]"
        case str():  # as JSON, so that text and numbers differ; cut before it is quoted
            text = truncate(mask(value), _LONGEST)
            return _cut(format_value(text), 8 * _LONGEST)
        case _:
            return _cut(format_value(value), _LONGEST)


def _format_rows(
    stages: Sequence[Stage], at: int, parents: Sequence[int], *, is_end: bool
) -> str:
    """Return the rows that leave a block. Empty if they are those that came in."""
    stage = stages[at]
    kind = stage.rows or "rows"
    others = ["…"] if stage.columns.is_open else []
    whole = ", ".join([*_list_first(stage.columns), *others]) or "nothing"
    feeders = {*parents} - {at}
    if is_end or len(feeders) != 1:
        return f"{kind} = {whole}"
    before = stages[feeders.pop()]
    changes = _list_column_changes(before.columns, stage.columns)
    is_open = before.columns.is_open
    if not changes and (before.rows, is_open) == (stage.rows, bool(others)):
        return ""
    # In an open set, a dropped column may still be there.
    if others and any(change.startswith("-") for change in changes):
        return f"{kind} = {whole}"
    return f"{kind} {', '.join([*_list_first(changes), *others])}"


def _list_column_changes(before: ColumnSet, after: ColumnSet) -> Sequence[str]:
    """Return columns that were added or written (`+`) and dropped (`-`)."""
    if before is after:
        return []
    # Only the layers that they do not share can differ.
    old, new = list(before.layers), list(after.layers)
    while old and new and old[0] is new[0]:
        del old[0], new[0]
    names = dict.fromkeys(name for layer in (*old, *new) for name in layer)
    changed = [name for name in names if before.get(name) != after.get(name)]
    return [f"{'+' if name in after else '-'}{name}" for name in changed]


def _list_first(items: Collection[str]) -> list[str]:
    """Return the first of some texts, and how many more there are."""
    shown = [_cut(item, _LONGEST_NAME) for item in islice(items, _MOST)]
    more = len(items) - _MOST
    return [*shown, f"and {more} more"] if more > 0 else shown


def _cut(text: str, limit: int) -> str:
    return printable(truncate(mask(text), limit))
