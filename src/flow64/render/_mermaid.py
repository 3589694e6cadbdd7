"""Mermaid: a definition, or the changes between two, as a flowchart in text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from attrs import field, frozen

from ..definition import EMPTY, Definition
from ..diff import Change
from ..text import pluralize
from ._graph import (
    MOST_FIELD,
    ChangeMark,
    Graph,
    GraphLink,
    GraphNode,
    graph_between,
    mark_broken,
)
from ._layout import Label, Shape, cut_text, name_blocks

MAX_CHARACTERS: Final = 50_000
"""The longest text that Mermaid draws by default (`maxTextSize`)."""

MAX_EDGES: Final = 500
"""The most edges that Mermaid draws by default (`maxEdges`)."""

MAX_BLOCKS: Final = 60
"""The most blocks that a picture of changes shows of a large graph."""

_LIMIT: Final = 80

_SHAPES: Final[dict[Shape, tuple[str, str]]] = {
    "source": ("([", "])"),
    "step": ("[", "]"),
    "converter": ("{{", "}}"),
    "sink": ("[(", ")]"),
    "unknown": ("[[", "]]"),
}


def draw_mermaid(definition: Definition) -> str:
    """Return the graph as the text of a Mermaid flowchart.

    Sources are stadiums, converters hexagons, sinks cylinders, and unknown kinds have
    double sides. Scopes are frames around their blocks. Blocks are `n1`, `n2`... in the
    order of the definition. A name can only be a label. By default, renderers refuse
    more than 500 edges.
    """
    topology = definition.topology
    lines = ["flowchart TD", *_write_nodes(name_blocks(definition))]
    pairs = zip(topology.sources, topology.targets, strict=True)
    lines += [f"    n{source + 1} --> n{target + 1}" for source, target in pairs]
    return "\n".join(lines) + "\n"


def draw_mermaid_changes(
    before: Definition | None,
    after: Definition | None,
    *,
    changes: Iterable[Change] | None = None,
    broken: Mapping[str, Sequence[str]] = EMPTY,
    max_blocks: int = MAX_BLOCKS,
    max_edges: int = MAX_EDGES,
    max_characters: int = MAX_CHARACTERS,
) -> str:
    """Return the changes between two definitions as one Mermaid flowchart.

    Names have signs besides colours: `+` added, `-` removed, `~` changed, `>` moved,
    `!` broken. Added edges are thick, removed ones are dotted. If the graph has more
    blocks than `max_blocks`, only changed blocks and their neighbours are shown. Other
    blocks are counted.

    Args:
        before: The definition before the changes, if there was one.
        after: The definition with the changes, if there is one.
        changes: The result of `diff`, if it is already known.
        broken: The columns that a block reads and no block before it adds any more,
            by its id in lower case.
        max_blocks: The most blocks that are shown.
        max_edges: The most edges of the text.
        max_characters: The most characters of the text.
    """
    graph = mark_broken(graph_between(before, after, changes), broken)
    while True:
        part = _select_part(graph, max_blocks)
        text = _write_part(graph, part)
        fits = len(text) <= max_characters and len(part.links) <= max_edges
        if fits or max_blocks <= 0:
            return text
        # Half of what is shown, since more may be allowed than there is.
        max_blocks = min(max_blocks, len(part.shown)) // 2


# -- Changes ---------------------------------------------------------------------------

_MOST_RESTS: Final = 8

_LINES: Final[Mapping[ChangeMark, str]] = {
    "added": "==>",
    "removed": "-.->",
    "changed": "-->|other condition|",
}

_CLASSES: Final[Mapping[str, str]] = {
    "added": "fill:#dafbe1,stroke:#1a7f37,color:#0a3314,stroke-width:3px",
    "removed": (
        "fill:#ffebe9,stroke:#cf222e,color:#5c0d14,stroke-width:2px,"
        "stroke-dasharray:6 4"
    ),
    "changed": "fill:#fff8c5,stroke:#9a6700,color:#3b2300,stroke-width:3px",
    "moved": "fill:#ddf4ff,stroke:#0969da,color:#0a2a52,stroke-width:2px",
    "broken": "fill:#ffebe9,stroke:#cf222e,color:#5c0d14,stroke-width:4px",
    "rest": "fill:none,stroke:#818b98,stroke-dasharray:2 3",
}


@frozen
class _ShownPart:
    """The part of a graph that is shown.

    Attributes:
        shown: Positions of the blocks that are shown.
        rests: Positions of blocks that are only counted, for each of the rests.
        links: Edges between all these. A rest has a number after those of all nodes.
    """

    shown: Sequence[int]
    rests: Sequence[Sequence[int]]
    links: Sequence[GraphLink]


def _select_part(graph: Graph, limit: int) -> _ShownPart:
    """Return changed blocks and their neighbours, or the whole graph if it is small."""
    count = len(graph.nodes)
    if count <= limit:
        return _ShownPart(range(count), [], graph.links)
    kept: dict[int, None] = {}
    for at in (*_find_changes(graph), *_neighbours(graph)):
        if len(kept) >= limit:
            break
        kept.setdefault(at)
    return _collect_rests(graph, sorted(kept))


def _find_changes(graph: Graph) -> Sequence[int]:
    return [at for at, node in enumerate(graph.nodes) if node.mark != "unchanged"]


def _neighbours(graph: Graph) -> Iterator[int]:
    """Yield the ends of changed edges, then the neighbours of changed blocks."""
    for link in graph.links:
        if link.mark != "unchanged":
            yield from (link.source, link.target)
    changed = {*_find_changes(graph)}
    for link in graph.links:
        if link.source in changed or link.target in changed:
            yield from (link.source, link.target)


def _collect_rests(graph: Graph, shown: Sequence[int]) -> _ShownPart:
    """Collect the blocks that are not shown in a few rests with edges."""
    kept = {*shown}
    groups = _group_hidden(graph, kept)
    count = len(graph.nodes)
    place = {at: count + number for number, rest in enumerate(groups) for at in rest}
    place.update((at, at) for at in shown)
    marks: dict[tuple[int, int], ChangeMark] = {}
    for link in graph.links:
        ends = place[link.source], place[link.target]
        if ends[0] == ends[1] >= count:
            continue
        # A line that stands for different edges has no mark.
        if marks.setdefault(ends, link.mark) != link.mark:
            marks[ends] = "unchanged"
    return _ShownPart(
        shown, groups, [GraphLink(*ends, mark) for ends, mark in marks.items()]
    )


def _group_hidden(graph: Graph, kept: set[int]) -> Sequence[Sequence[int]]:
    """Group what is not shown: joined pieces, and pieces with the same neighbours."""
    leaders = _find_leaders(graph, kept)
    pieces: dict[int, list[int]] = {}
    for at, leader in leaders.items():
        pieces.setdefault(leader, []).append(at)
    beside: dict[int, set[tuple[int, bool]]] = {leader: set() for leader in pieces}
    for link in graph.links:
        if link.source in kept and link.target in leaders:
            beside[leaders[link.target]].add((link.source, False))
        elif link.target in kept and link.source in leaders:
            beside[leaders[link.source]].add((link.target, True))
    alike: dict[frozenset[tuple[int, bool]], list[int]] = {}
    for leader, members in pieces.items():
        alike.setdefault(frozenset(beside[leader]), []).extend(members)
    rests = [*alike.values()]
    last = [at for rest in rests[_MOST_RESTS - 1 :] for at in rest]
    return rests if len(rests) <= _MOST_RESTS else [*rests[: _MOST_RESTS - 1], last]


def _find_leaders(graph: Graph, kept: set[int]) -> Mapping[int, int]:
    """Return one block of its joined piece for each block that is not shown."""
    above = [*range(len(graph.nodes))]

    def leader(at: int) -> int:
        while above[at] != at:
            above[at] = at = above[above[at]]
        return at

    for link in graph.links:
        if link.source not in kept and link.target not in kept:
            above[leader(link.target)] = leader(link.source)
    return {at: leader(at) for at in range(len(graph.nodes)) if at not in kept}


def _write_part(graph: Graph, part: _ShownPart) -> str:
    names = {at: f"n{number}" for number, at in enumerate(part.shown, 1)}
    lines = ["flowchart TD"]
    used: dict[str, None] = {}
    for at in part.shown:
        node = graph.nodes[at]
        lines.append(f"    {names[at]}{_write_node(node)}")
        if node.mark != "unchanged":
            used.setdefault(node.mark)
    for number, rest in enumerate(part.rests):
        name = names[len(graph.nodes) + number] = f"r{number + 1}"
        lines.append(f'    {name}["{_escape(_describe_rest(graph, rest))}"]:::rest')
        used.setdefault("rest")
    for link in part.links:
        line = _LINES.get(link.mark, "-->")
        lines.append(f"    {names[link.source]} {line} {names[link.target]}")
    lines += [
        f"    classDef {name} {_CLASSES[name]}" for name in _CLASSES if name in used
    ]
    for mark, colour in _STROKES.items():
        numbers = [str(n) for n, link in enumerate(part.links) if link.mark == mark]
        if numbers:
            lines.append(f"    linkStyle {','.join(numbers)} stroke:{colour}")
    return "\n".join(lines) + "\n"


_STROKES: Final[Mapping[ChangeMark, str]] = {
    "added": "#1a7f37",
    "removed": "#cf222e",
    "changed": "#9a6700",
}


def _write_node(node: GraphNode) -> str:
    label = node.label
    rows = [f"{node.sign} {label.path}".strip()]
    if label.kind:
        rows.append(label.kind)
    if node.was is not None:
        rows.append(f"was {node.was}")
    if node.fields:
        shown = [*node.fields[:3]]
        if len(node.fields) > len(shown):
            shown.append(f"and {len(node.fields) - len(shown)} more")
        rows.append(", ".join(cut_text(field, MOST_FIELD) for field in shown))
    left, right = _SHAPES[label.shape]
    text = "<br>".join(_escape(row) for row in rows)
    mark = "" if node.mark == "unchanged" else f":::{node.mark}"
    return f'{left}"{text}"{right}{mark}'


def _describe_rest(graph: Graph, rest: Sequence[int]) -> str:
    """Return how many blocks are not shown, and how many of them changed."""
    marks = Counter(graph.nodes[at].mark for at in rest)
    changed = [f"{n} {mark}" for mark, n in marks.items() if mark != "unchanged"]
    more = f" ({', '.join(changed)})" if changed else ""
    return f"… {pluralize(len(rest), 'more block')}{more}"


# -- Labels ----------------------------------------------------------------------------


@frozen
class _Frame:
    """A scope: its blocks as text, and its scopes."""

    name: str
    lines: list[str] = field(factory=list)
    frames: dict[str, _Frame] = field(factory=dict)


def _write_nodes(labels: Iterable[Label]) -> Iterator[str]:
    root = _Frame("")
    for number, label in enumerate(labels, 1):
        frame = root
        for scope in label.scopes:
            frame = frame.frames.setdefault(scope, _Frame(scope))
        left, right = _SHAPES[label.shape]
        rows = [label.name, label.kind] if label.kind else [label.name]
        text = "<br>".join(_escape(row) for row in rows)
        frame.lines.append(f'n{number}{left}"{text}"{right}')
    yield from (f"    {line}" for line in root.lines)
    # Iteratively, since scopes may be nested deeply. None ends a frame.
    todo: list[_Frame | None] = [*reversed(root.frames.values())]
    number = depth = 0
    while todo:
        at = todo.pop()
        if at is None:
            depth -= 1
            yield f"{_indent(depth)}end"
            continue
        number += 1
        yield f'{_indent(depth)}subgraph s{number}["{_escape(at.name)}"]'
        depth += 1
        yield from (f"{_indent(depth)}{line}" for line in at.lines)
        todo += [None, *reversed(at.frames.values())]


def _indent(depth: int) -> str:
    return "    " * min(depth + 1, 10)


def _escape(text: str) -> str:
    """Write a label. What Mermaid, Markdown or HTML may read is written as a number."""
    shown = _PUNCTUATION.sub(_as_number, cut_text(text, _LIMIT))
    # Some renderers end a frame at this word anywhere.
    return re.sub(r"\bend\b", "#101;n#100;", shown)


def _as_number(found: re.Match[str]) -> str:
    return f"#{ord(found[0])};"


# Joints between letters and digits stay. All else outside of words is a number.
_PUNCTUATION: Final = re.compile(
    r"(?<![^\W_])[-._/]|[-._/](?![^\W_])|[^\w\s./-]|[^\S ]"
)
