"""Mermaid: a definition, or what differs between two, as the text of a flowchart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from attrs import field, frozen

from ..definition import Definition
from ..diff import Change
from ..text import pluralize
from ._graph import Graph, Link, Mark, Node, graph_between
from ._layout import Label, Shape, cut, labels

MAX_CHARACTERS: Final = 50_000
"""The longest text that Mermaid draws, unless it is told otherwise (`maxTextSize`)."""

MAX_EDGES: Final = 500
"""The most edges that Mermaid draws, unless it is told otherwise (`maxEdges`)."""

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


def mermaid(definition: Definition) -> str:
    """The graph as the text of a Mermaid flowchart.

    Sources are stadiums, converters hexagons, sinks cylinders and unknown kinds have
    double sides; scopes are frames around their blocks. Blocks are `n1`, `n2`... in the
    order of the definition. No name can be anything but a label. By their own limits
    renderers refuse more than 500 edges unless they are told otherwise.
    """
    topology = definition.topology
    lines = ["flowchart TD", *_nodes(labels(definition))]
    pairs = zip(topology.sources, topology.targets, strict=True)
    lines += [f"    n{source + 1} --> n{target + 1}" for source, target in pairs]
    return "\n".join(lines) + "\n"


def mermaid_changed(
    before: Definition | None,
    after: Definition | None,
    *,
    changes: Iterable[Change] | None = None,
    max_blocks: int = MAX_BLOCKS,
    max_edges: int = MAX_EDGES,
    max_characters: int = MAX_CHARACTERS,
) -> str:
    """What differs between two definitions, as the text of one Mermaid flowchart.

    Signs stand before the names, beside colours: `+` came, `-` went, `~` is another,
    `>` stands elsewhere. Edges that came are thick, edges that went are dotted. Of a
    graph with more blocks than `max_blocks` only what changed and what stands beside
    it is shown; blocks that say how many more there are stand for the rest.

    Args:
        before: What was there; None for nothing.
        after: What is there instead; None for nothing.
        changes: What `diff` said of these two, where that is at hand already.
        max_blocks: The most blocks that are shown.
        max_edges: The most edges that the text may have.
        max_characters: The longest that the text may be.
    """
    graph = graph_between(before, after, changes)
    while True:
        part = _shown_part(graph, max_blocks)
        text = _changed(graph, part)
        fits = len(text) <= max_characters and len(part.links) <= max_edges
        if fits or max_blocks <= 0:
            return text
        # From what is shown, since more may be allowed than there is.
        max_blocks = min(max_blocks, len(part.shown)) // 2


# -- Changes ---------------------------------------------------------------------------

_MOST_RESTS: Final = 8

_SHORT: Final = 40

_LINES: Final[Mapping[Mark, str]] = {
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
    "rest": "fill:none,stroke:#818b98,stroke-dasharray:2 3",
}


@frozen
class _Part:
    """The part of a graph that is shown.

    Attributes:
        shown: Positions of the blocks that are shown.
        rests: The positions that each further block stands for.
        links: Edges between what is shown; a rest is one of the numbers past all nodes.
    """

    shown: Sequence[int]
    rests: Sequence[Sequence[int]]
    links: Sequence[Link]


def _shown_part(graph: Graph, limit: int) -> _Part:
    """What changed and what stands beside it; all of it where it is few."""
    count = len(graph.nodes)
    if count <= limit:
        return _Part(range(count), [], graph.links)
    kept: dict[int, None] = {}
    for at in (*_changed_ones(graph), *_beside(graph)):
        if len(kept) >= limit:
            break
        kept.setdefault(at)
    return _with_rests(graph, sorted(kept))


def _changed_ones(graph: Graph) -> Sequence[int]:
    return [at for at, node in enumerate(graph.nodes) if node.mark != "unchanged"]


def _beside(graph: Graph) -> Iterator[int]:
    """The ends of edges that changed, then what stands beside blocks that changed."""
    for link in graph.links:
        if link.mark != "unchanged":
            yield from (link.source, link.target)
    changed = {*_changed_ones(graph)}
    for link in graph.links:
        if link.source in changed or link.target in changed:
            yield from (link.source, link.target)


def _with_rests(graph: Graph, shown: Sequence[int]) -> _Part:
    """The blocks that are not shown as few rests, joined to what they stand beside."""
    kept = {*shown}
    groups = _groups(graph, kept)
    count = len(graph.nodes)
    place = {at: count + number for number, rest in enumerate(groups) for at in rest}
    place.update((at, at) for at in shown)
    marks: dict[tuple[int, int], Mark] = {}
    for link in graph.links:
        ends = place[link.source], place[link.target]
        if ends[0] == ends[1] >= count:
            continue
        # What is not the same for all that a line stands for is not told by it.
        if marks.setdefault(ends, link.mark) != link.mark:
            marks[ends] = "unchanged"
    return _Part(shown, groups, [Link(*ends, mark) for ends, mark in marks.items()])


def _groups(graph: Graph, kept: set[int]) -> Sequence[Sequence[int]]:
    """What is not shown: joined pieces, and as one those beside the same blocks."""
    leaders = _leaders(graph, kept)
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


def _leaders(graph: Graph, kept: set[int]) -> Mapping[int, int]:
    """One block of each joined piece for all blocks that are not shown."""
    above = [*range(len(graph.nodes))]

    def leader(at: int) -> int:
        while above[at] != at:
            above[at] = at = above[above[at]]
        return at

    for link in graph.links:
        if link.source not in kept and link.target not in kept:
            above[leader(link.target)] = leader(link.source)
    return {at: leader(at) for at in range(len(graph.nodes)) if at not in kept}


def _changed(graph: Graph, part: _Part) -> str:
    names = {at: f"n{number}" for number, at in enumerate(part.shown, 1)}
    lines = ["flowchart TD"]
    used: dict[str, None] = {}
    for at in part.shown:
        node = graph.nodes[at]
        lines.append(f"    {names[at]}{_changed_node(node)}")
        if node.mark != "unchanged":
            used.setdefault(node.mark)
    for number, rest in enumerate(part.rests):
        name = names[len(graph.nodes) + number] = f"r{number + 1}"
        lines.append(f'    {name}["{_escaped(_rest(graph, rest))}"]:::rest')
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


_STROKES: Final[Mapping[Mark, str]] = {
    "added": "#1a7f37",
    "removed": "#cf222e",
    "changed": "#9a6700",
}


def _changed_node(node: Node) -> str:
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
        rows.append(", ".join(cut(field, _SHORT) for field in shown))
    left, right = _SHAPES[label.shape]
    text = "<br>".join(_escaped(row) for row in rows)
    mark = "" if node.mark == "unchanged" else f":::{node.mark}"
    return f'{left}"{text}"{right}{mark}'


def _rest(graph: Graph, rest: Sequence[int]) -> str:
    """How many blocks are not shown, and how many of them changed."""
    marks = Counter(graph.nodes[at].mark for at in rest)
    changed = [f"{n} {mark}" for mark, n in marks.items() if mark != "unchanged"]
    told = f" ({', '.join(changed)})" if changed else ""
    return f"… {pluralize(len(rest), 'more block')}{told}"


# -- Labels ----------------------------------------------------------------------------


@frozen
class _Frame:
    """A scope and what stands in it: blocks as text, scopes as frames."""

    name: str
    lines: list[str] = field(factory=list)
    frames: dict[str, _Frame] = field(factory=dict)


def _nodes(labels: Iterable[Label]) -> Iterator[str]:
    root = _Frame("")
    for number, label in enumerate(labels, 1):
        frame = root
        for scope in label.scopes:
            frame = frame.frames.setdefault(scope, _Frame(scope))
        left, right = _SHAPES[label.shape]
        rows = [label.name, label.kind] if label.kind else [label.name]
        text = "<br>".join(_escaped(row) for row in rows)
        frame.lines.append(f'n{number}{left}"{text}"{right}')
    yield from (f"    {line}" for line in root.lines)
    # Iteratively, since scopes may stand in scopes without end; None ends a frame.
    todo: list[_Frame | None] = [*reversed(root.frames.values())]
    number = depth = 0
    while todo:
        at = todo.pop()
        if at is None:
            depth -= 1
            yield f"{_indent(depth)}end"
            continue
        number += 1
        yield f'{_indent(depth)}subgraph s{number}["{_escaped(at.name)}"]'
        depth += 1
        yield from (f"{_indent(depth)}{line}" for line in at.lines)
        todo += [None, *reversed(at.frames.values())]


def _indent(depth: int) -> str:
    return "    " * min(depth + 1, 10)


def _escaped(text: str) -> str:
    """A label: what could mean something to Mermaid, Markdown or HTML as a number."""
    shown = _PUNCTUATION.sub(_number, cut(text, _LIMIT))
    # Some renderers end a frame at this word, wherever it stands.
    return re.sub(r"\bend\b", "#101;n#100;", shown)


def _number(found: re.Match[str]) -> str:
    return f"#{ord(found[0])};"


# Joints between letters and digits stay; all else outside of words is a number.
_PUNCTUATION: Final = re.compile(
    r"(?<![^\W_])[-._/]|[-._/](?![^\W_])|[^\w\s./-]|[^\S ]"
)
