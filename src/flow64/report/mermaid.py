"""Mermaid: a graph as a flowchart in text, which forges draw."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from ..text import pluralize, truncate
from .graph import MOST_CHARACTERS, Graph, Link, Mark, Node, Shape

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
