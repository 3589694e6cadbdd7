"""Changes and consequences, grouped under what they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from attrs import evolve, fields, has

from ..diagnostics import Finding
from ._changes import BlockRef, BlockRenamed, Change, EdgeRef
from ._consequences import Consequence
from ._lines import Line, Section, format_sections, join_names
from ._live_settings import LiveSetting

_Described = TypeVar("_Described", bound=Change | Consequence)
_Change = TypeVar("_Change", bound=Change | Consequence | LiveSetting)


def as_lines(changes: Iterable[Change | Consequence]) -> Iterator[str]:
    """Return changes and consequences as lines of text, the title of each group first.

    `+` added, `-` removed, `~` changed, `>` moved, `?` not managed by code,
    `!` breaks.
    """
    return format_sections(sections(changes))


def sections(
    changes: Iterable[_Described],
    describe: Callable[[_Described], Iterable[Line]] | None = None,
) -> Sequence[Section]:
    """Return changes and consequences as lines, those of one block under its name.

    Args:
        changes: The changes, or consequences.
        describe: Returns the lines of one. By default it describes itself.
    """
    found: dict[str, tuple[str, str | None, list[Line]]] = {}
    same_name: list[BlockRef] = []
    others: list[_Described] = []
    for change in changes:
        if isinstance(change, BlockRenamed) and not change.has_new_name:
            same_name.append(change.block)
        else:
            others.append(change)
    if same_name:
        found[""] = "", None, [_describe_new_ids(same_name)]
    for change in others:
        title, block = change.topic
        group = found.setdefault(block or title, (title, block, []))
        group[2].extend(change.describe() if describe is None else describe(change))
    return [Section(title, lines, block) for title, block, lines in found.values()]


def _describe_new_ids(blocks: Sequence[BlockRef]) -> Line:
    """Return one line about blocks that have another id and the same name."""
    names = join_names(blocks)
    if len(blocks) == 1:
        return Line("~", f"block {names} has another id")
    return Line("~", f"{len(blocks):,} blocks have other ids: {names}")


def map_blocks(change: _Change, turn: Callable[[BlockRef], BlockRef]) -> _Change:
    """Return a change, or a consequence, with `turn` applied to each block in it."""
    made: _Change = _map_parts(change, turn)
    return made


def _map_parts(part: Any, turn: Callable[[BlockRef], BlockRef]) -> Any:
    if isinstance(part, BlockRef):
        return turn(part)
    if isinstance(part, EdgeRef):
        return EdgeRef(turn(part.source), turn(part.target), part.condition)
    if isinstance(part, Finding):
        if part.block_id is None:
            return part
        return evolve(part, where=turn(BlockRef(part.block_id, path=part.where)).path)
    if type(part) is tuple:
        return tuple([_map_parts(item, turn) for item in part])
    if not has(type(part)):
        return part
    parts = {one.name: getattr(part, one.name) for one in fields(type(part))}
    return evolve(part, **{name: _map_parts(one, turn) for name, one in parts.items()})
