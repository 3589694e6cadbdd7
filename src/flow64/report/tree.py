"""Text: a workflow as lines, with the rows that leave each block."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any, Final

from ..analysis.columns import ColumnSet, Stage, lineage
from ..definition import Definition, Hidden, Value
from ..diff.facts import name_blocks
from ..diff.words import format_value
from ..secrets import mask
from ..text import pluralize, printable, truncate

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
