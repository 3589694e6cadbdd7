"""Mermaid: a definition as the text of a flowchart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import field, frozen

from ..definition import Definition
from ._layout import Label, Shape, cut, labels

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
