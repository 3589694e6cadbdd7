"""Text: a definition as a tree of lines, for terminals, notebooks and reviews."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from ..analysis import ColumnSet, Stage, lineage
from ..definition import BoundSecret, Definition, Value
from ._layout import Label, Line, cut, labels, tree

_NAME: Final = 60
_SPEC: Final = 40
_MOST: Final = 6


def text_tree(definition: Definition) -> str:
    """The graph as a tree of lines, with row kinds and columns.

    A block stands under the one that feeds it. Branches are indented, and the line goes
    on where they join: `←` names the blocks that feed a block where its place does not.
    After `→` come the rows that leave it, where they are other than those that came in:
    their kind, the columns that were added (`+`) or dropped (`-`), all of them (`=`) at
    the ends of the graph, and `…` where there may be others.
    """
    names = labels(definition)
    stages = lineage(definition)
    topology = definition.topology
    lines = [cut(definition.name, 2 * _NAME), _counts(definition)]
    for line in tree(topology):
        at = line.position
        parents = topology.parents[at]
        rows = _rows(stages, at, parents, is_end=not topology.children[at])
        lines.append(f"{line.before}{_block(definition, names, line)}")
        if rows:
            lines.append(f"{line.below}  → {rows}")
    return "".join(f"{line}\n" for line in lines)


def _counts(definition: Definition) -> str:
    topology = definition.topology
    blocks, edges = len(definition.blocks), len(topology.sources)
    parts = [
        f"{blocks} block{'s' * (blocks != 1)}",
        f"{edges} edge{'s' * (edges != 1)}",
    ]
    if lost := len(definition.edges) - edges:
        parts.append(f"{lost} to a block that is not there")
    return ", ".join(parts)


def _block(definition: Definition, names: Sequence[Label], line: Line) -> str:
    label = names[line.position]
    parts = [cut(label.path, _NAME)]
    if label.kind:
        parts.append(f"({cut(label.kind, _NAME)})")
    specs = definition.blocks[line.position].specs
    # The rows that leave say the row kind.
    shown = [name for name in specs if name != "dataframe_type"]
    parts += [f"{cut(name, _SPEC)}={_value(specs[name])}" for name in shown[:_MOST]]
    if len(shown) > _MOST:
        parts.append(f"and {len(shown) - _MOST} more")
    if line.feeders is not None:
        paths = _several([names[feeder].path for feeder in line.feeders])
        parts.append(f"← {', '.join(paths) or 'nothing'}")
    return " ".join(parts)


def _value(value: Any) -> str:
    """A value on one line: names of an object's fields, conditions in words."""
    if isinstance(value, Value | BoundSecret):
        name = value.name if isinstance(value, Value) else value.value.name
        return f"<{cut(name, _SPEC)}>"
    if isinstance(value, Mapping):
        return f"{{{', '.join(_several(value))}}}"
    if isinstance(value, list | tuple):
        more = [f"and {len(value) - _MOST} more"] if len(value) > _MOST else []
        return f"[{', '.join([*map(_item, value[:_MOST]), *more])}]"
    return _item(value)


def _item(value: Any) -> str:
    match value:
        case {"column": column, "operator": operator}:
            words = [value.get("logic"), column, operator, value.get("value")]
            shown = [str(word) for word in words[:3] if word is not None]
            if "value" in value:
                shown.append(_item(value["value"]))
            return cut(" ".join(shown), 2 * _SPEC)
        case Value() | BoundSecret():
            return _value(value)
        case Mapping():
            return "{…}" if value else "{}"
        case list() | tuple():
            return "[…]" if value else "[]"
        case str():
            # As JSON, so that text and numbers differ, and cut before it is quoted.
            shown_text = value if len(value) <= _SPEC else value[: _SPEC - 1] + "…"
            return cut(json.dumps(shown_text, ensure_ascii=False), 8 * _SPEC)
        case _:
            return cut(json.dumps(value), _SPEC)


def _rows(
    stages: Sequence[Stage], at: int, parents: Sequence[int], *, is_end: bool
) -> str:
    """What leaves a block, or nothing where that is what came in."""
    stage = stages[at]
    kind = stage.rows or "rows"
    rest = ["…"] if stage.columns.is_open else []
    every = f"{kind} = {', '.join([*_several(stage.columns), *rest]) or 'nothing'}"
    feeding = {*parents} - {at}
    if is_end or len(feeding) != 1:
        return every
    before = stages[feeding.pop()]
    changes = _changes(before.columns, stage.columns)
    if not changes and (before.rows, before.columns.is_open) == (
        stage.rows,
        stage.columns.is_open,
    ):
        return ""
    # In an open set a column that is gone may still be there: nobody knows.
    if rest and any(change.startswith("-") for change in changes):
        return every
    return f"{kind} {', '.join([*_several(changes), *rest])}"


def _changes(before: ColumnSet, after: ColumnSet) -> Sequence[str]:
    """Columns that were added or written (`+`) and dropped (`-`)."""
    if before is after:
        return []
    # Both share most of their layers, and only what they do not share can differ.
    old, new = list(before.layers), list(after.layers)
    while old and new and old[0] is new[0]:
        del old[0], new[0]
    names = dict.fromkeys(name for layer in (*old, *new) for name in layer)
    changed = [name for name in names if before.get(name) != after.get(name)]
    return [f"{'+' if name in after else '-'}{name}" for name in changed]


def _several(items: Collection[Any], most: int = _MOST) -> list[str]:
    """The first of some texts, and how many more there are."""
    shown = [cut(item, _NAME) for item in islice(items, most)]
    if len(items) > most:
        shown.append(f"and {len(items) - most} more")
    return shown
