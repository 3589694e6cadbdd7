"""Text: definitions as trees of lines, for terminals, notebooks and reviews."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from ..analysis import ColumnSet, Stage, lineage
from ..definition import BoundSecret, Definition, Value
from ..diff import Change
from ..redaction import redact_keys
from ..text import pluralize, wrap_text
from ._graph import SIGNS, ChangeMark, Graph, GraphNode, graph_between
from ._layout import Label, TreeLine, cut_text, list_tree, name_blocks

_NAME: Final = 60
_SPEC: Final = 40
_MOST: Final = 6


def draw_text(definition: Definition, *, width: int | None = None) -> str:
    """Return the graph as a tree of lines, with row kinds and columns.

    A block stands under the one that feeds it. Branches are indented, and the line goes
    on where they join. `←` names the blocks that feed a block, if its place does not.
    After `→` come the rows that leave it, if they differ from those that came in: their
    kind, the columns that were added (`+`) or dropped (`-`), all columns (`=`) at the
    ends of the graph, and `…` if there may be others.

    Args:
        definition: The definition to draw.
        width: The most characters of a line. Longer lines go on below, under the rails
            of their block.
    """
    names = name_blocks(definition)
    stages = lineage(definition)
    topology = definition.topology
    lines = [
        (cut_text(definition.name, 2 * _NAME), ""),
        (_format_counts(definition), ""),
    ]
    for line in list_tree(topology):
        at = line.position
        parents = topology.parents[at]
        rows = _format_rows(stages, at, parents, is_end=not topology.children[at])
        below = f"{line.below}    "
        lines.append((f"{line.before}{_format_block(definition, names, line)}", below))
        if rows:
            lines.append((f"{line.below}  → {rows}", below))
    return _join_lines(lines, width)


def draw_text_changes(
    before: Definition | None,
    after: Definition | None,
    *,
    changes: Iterable[Change] | None = None,
    width: int | None = None,
) -> str:
    """Return the changes between two definitions as one tree of lines.

    A sign stands before each changed block: `+` added, `-` removed, `~` changed, `>`
    moved. After the block come its fields that differ, and the blocks that feed it,
    each with its sign.

    Args:
        before: The definition before the changes, if there was one.
        after: The definition with the changes, if there is one.
        changes: The result of `diff`, if it is already known.
        width: The most characters of a line.
    """
    graph = graph_between(before, after, changes)
    marks: Mapping[tuple[int, int], ChangeMark] = {
        (link.source, link.target): link.mark for link in graph.links
    }
    lines = [(cut_text(graph.name, 2 * _NAME), ""), (_format_changed_counts(graph), "")]
    for line in list_tree(graph.topology):
        node = graph.nodes[line.position]
        block = _format_changed_block(node) + _format_feeders(graph, line, marks)
        text = f"{node.sign:<{_MARGIN}}{line.before}{block}"
        lines.append((text, f"{' ' * _MARGIN}{line.below}    "))
    return _join_lines([(line.rstrip(), below) for line, below in lines], width)


_MARGIN: Final = 3


def _join_lines(lines: Iterable[tuple[str, str]], width: int | None) -> str:
    """Join lines to a text. Each comes with the beginning of its further lines."""
    if width is None:
        return "".join(f"{line}\n" for line, _ in lines)
    limit = max(width, _NARROWEST)
    return "".join(
        f"{part}\n" for line, below in lines for part in wrap_text(line, limit, below)
    )


_NARROWEST: Final = 10


def _format_changed_counts(graph: Graph) -> str:
    counted = [
        f"{number} {mark}"
        for mark in _MARKS
        if (number := sum(node.mark == mark for node in graph.nodes))
    ]
    edges = sum(link.mark != "unchanged" for link in graph.links)
    counted += [f"{pluralize(edges, 'edge')} changed"] if edges else []
    ids = sum(node.has_new_id for node in graph.nodes)
    counted += [f"{ids} with another id"] if ids else []
    blocks = pluralize(len(graph.nodes), "block")
    return f"{blocks}: {', '.join(counted) or 'nothing changed'}"


_MARKS: Final[Sequence[ChangeMark]] = (
    "added",
    "removed",
    "changed",
    "moved",
    "unchanged",
)


def _format_changed_block(node: GraphNode) -> str:
    label = node.label
    parts = [cut_text(label.path, _NAME)]
    if label.kind:
        parts.append(f"({cut_text(label.kind, _NAME)})")
    if node.was is not None:
        parts.append(f"was {cut_text(node.was, _NAME)}")
    parts += _list_first(node.fields)
    return " ".join(parts)


def _format_feeders(
    graph: Graph, line: TreeLine, marks: Mapping[tuple[int, int], ChangeMark]
) -> str:
    """Return what feeds a block, if its place does not say it or if it changed."""
    parents = sorted({*graph.topology.parents[line.position]})
    found: Sequence[tuple[int, ChangeMark]] = [
        (parent, marks[parent, line.position]) for parent in parents
    ]
    if line.feeders is None and all(mark == "unchanged" for _, mark in found):
        return ""
    # The edges of an added or removed block have the same mark.
    own = graph.nodes[line.position].mark
    text = [
        f"{'' if mark == own else SIGNS[mark]}{graph.nodes[parent].label.path}"
        for parent, mark in found
    ]
    if line.feeders is None and all(mark == own for _, mark in found):
        return ""
    return f" ← {', '.join(_list_first(text)) or 'nothing'}"


def _format_counts(definition: Definition) -> str:
    topology = definition.topology
    blocks, edges = len(definition.blocks), len(topology.sources)
    parts = [
        pluralize(blocks, "block"),
        pluralize(edges, "edge"),
    ]
    if lost := len(definition.edges) - edges:
        parts.append(f"{lost} to a block that is not there")
    return ", ".join(parts)


def _format_block(
    definition: Definition, names: Sequence[Label], line: TreeLine
) -> str:
    label = names[line.position]
    parts = [cut_text(label.path, _NAME)]
    if label.kind:
        parts.append(f"({cut_text(label.kind, _NAME)})")
    specs = definition.blocks[line.position].specs
    # The row kind is shown with the rows that leave.
    shown = [name for name in specs if name != "dataframe_type"]
    parts += [
        f"{cut_text(name, _SPEC)}={_format_value(specs[name])}"
        for name in shown[:_MOST]
    ]
    if len(shown) > _MOST:
        parts.append(f"and {len(shown) - _MOST} more")
    if line.feeders is not None:
        paths = _list_first([names[feeder].path for feeder in line.feeders])
        parts.append(f"← {', '.join(paths) or 'nothing'}")
    return " ".join(parts)


def _format_value(value: Any) -> str:
    """Write a value on one line: names of an object's fields, conditions in words."""
    if isinstance(value, Value | BoundSecret):
        name = value.name if isinstance(value, Value) else value.value.name
        return f"<{cut_text(name, _SPEC)}>"
    if isinstance(value, Mapping):
        return f"{{{', '.join(_list_first(value))}}}"
    if isinstance(value, list | tuple):
        more = [f"and {len(value) - _MOST} more"] if len(value) > _MOST else []
        return f"[{', '.join([*map(_format_item, value[:_MOST]), *more])}]"
    return _format_item(value)


def _format_item(value: Any) -> str:
    match value:
        case {"column": column, "operator": operator}:
            words = [value.get("logic"), column, operator, value.get("value")]
            shown = [str(word) for word in words[:3] if word is not None]
            if "value" in value:
                shown.append(_format_item(value["value"]))
            return cut_text(" ".join(shown), 2 * _SPEC)
        case Value() | BoundSecret():
            return _format_value(value)
        case Mapping():
            return "{…}" if value else "{}"
        case list() | tuple():
            return "[…]" if value else "[]"
        case str():
            # As JSON, so that text and numbers differ. Cut before it is quoted.
            shown_text = redact_keys(value)
            if len(shown_text) > _SPEC:
                shown_text = shown_text[: _SPEC - 1] + "…"
            return cut_text(json.dumps(shown_text, ensure_ascii=False), 8 * _SPEC)
        case _:
            return cut_text(json.dumps(value), _SPEC)


def _format_rows(
    stages: Sequence[Stage], at: int, parents: Sequence[int], *, is_end: bool
) -> str:
    """Return the rows that leave a block. Empty if they are those that came in."""
    stage = stages[at]
    kind = stage.rows or "rows"
    rest = ["…"] if stage.columns.is_open else []
    every = f"{kind} = {', '.join([*_list_first(stage.columns), *rest]) or 'nothing'}"
    feeding = {*parents} - {at}
    if is_end or len(feeding) != 1:
        return every
    before = stages[feeding.pop()]
    changes = _list_column_changes(before.columns, stage.columns)
    if not changes and (before.rows, before.columns.is_open) == (
        stage.rows,
        stage.columns.is_open,
    ):
        return ""
    # In an open set, a dropped column may still be there.
    if rest and any(change.startswith("-") for change in changes):
        return every
    return f"{kind} {', '.join([*_list_first(changes), *rest])}"


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


def _list_first(items: Collection[Any], most: int = _MOST) -> list[str]:
    """Return the first of some texts, and how many more there are."""
    shown = [cut_text(item, _NAME) for item in islice(items, most)]
    if len(items) > most:
        shown.append(f"and {len(items) - most} more")
    return shown
