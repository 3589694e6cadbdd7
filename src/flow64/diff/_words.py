"""Changes as JSON data and as lines of text; what looks like a secret is masked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from typing import Any, Final

from attrs import fields

from ..definition import BoundSecret, Value, WireBlock, pointer
from ..diagnostics import Finding
from ..dsl import UNSET
from ..redaction import MASK
from ..redaction import redact_keys as without_keys
from ..text import printable, truncate
from ._changes import (
    EFFECT_WORDS,
    BlockAdded,
    BlockMoved,
    BlockRef,
    BlockRemoved,
    BlockRenamed,
    Change,
    ColumnAdded,
    ColumnDropped,
    ColumnRetyped,
    Consequence,
    CostChanged,
    DescriptionChanged,
    EdgeAdded,
    EdgeRef,
    EdgeRemoved,
    EffectAppeared,
    EffectVanished,
    FieldAdded,
    FieldChange,
    FieldChanged,
    FieldRemoved,
    FindingAppeared,
    Hidden,
    ItemAdded,
    ItemChanged,
    ItemMoved,
    ItemRemoved,
    KindChanged,
    ListChanged,
    LiveSetting,
    OtherColumnsChanged,
    RowsChanged,
    TitleChanged,
    Unmanaged,
)
from ._prices import Estimate

LONGEST: Final = 100
"""Characters of a value in a line of text; JSON has all of it."""

MOST_NAMES: Final = 5
"""Blocks that one line of text names."""


def as_data(change: Change | Consequence | LiveSetting) -> dict[str, Any]:
    """A change, or what follows from one, as plain JSON data.

    `change` says which class it is, in kebab-case; the other keys are its attributes.
    A path is a JSON pointer into the specs; a value that is not shown is `"***"`.
    """
    if isinstance(change, LiveSetting):
        return {**_members(change), "dollars": change.dollars}
    return {"change": _code(change), **_members(change)}


def estimate_data(estimate: Estimate) -> dict[str, Any]:
    """What 1,000 input rows may cost as plain JSON data."""
    return _members(estimate)


def as_lines(changes: Iterable[Change | Consequence]) -> Iterator[str]:
    """Changes, and what follows from them, as lines of text.

    `+` came, `-` went, `~` is another, `>` stands elsewhere, `?` is not managed by
    code. What changed in a block stands under it.
    """
    texts: list[Change | Consequence] = []
    renamed: list[BlockRenamed] = []
    others: list[Change | Consequence] = []
    for change in changes:
        if isinstance(change, TitleChanged | DescriptionChanged):
            texts.append(change)
        elif isinstance(change, BlockRenamed) and not _has_new_name(change):
            renamed.append(change)
        else:
            others.append(change)
    for change in texts:
        yield from map(_clean, _lines(change))
    if renamed:
        yield _clean(f"~ {_new_ids(renamed)}")
    for block, group in groupby(others, _changed_block):
        if block is not None:
            yield _clean(f"~ block {block}")
        indent = "" if block is None else "    "
        for change in group:
            yield from (_clean(f"{indent}{line}") for line in _lines(change))


def setting_lines(setting: LiveSetting, name: str | None = None) -> Iterator[str]:
    """A live field that code does not set, as lines of text.

    Args:
        setting: The field.
        name: What its block is called; None takes its path.
    """
    yield from map(_clean, _setting_lines(setting, name or str(setting.block)))


def _setting_lines(setting: LiveSetting, name: str) -> Iterator[str]:
    default = setting.default or "not documented"
    field = ".".join(map(str, setting.path))
    yield f"{name}.{field} is {_text(setting.value)}; default: {default}"
    if setting.price:
        old, new = map(_price, setting.price)
        yield f"    price of a row: {old} -> {new}"
    old, new = setting.before.describe(), setting.after.describe()
    if old != new:
        more = "" if setting.dollars is None else f" ({_more(setting.dollars)})"
        yield f"    cost of 1,000 input rows, at most: {old} -> {new}{more}"
    if setting.rows:
        old, new = (kind or "unknown" for kind in setting.rows)
        yield f"    rows: {old} -> {new}"
    for sign, effects in (("+", setting.appeared), ("-", setting.vanished)):
        yield from (f"    {sign} effect: {EFFECT_WORDS[effect]}" for effect in effects)
    yield f"    to keep it, write: {setting.code}"


def _more(dollars: float) -> str:
    return f"{'-' if dollars < 0 else '+'}${abs(dollars):,.2f}"


def _price(dollars: float | None) -> str:
    return "unknown" if dollars is None else f"${dollars:,.2f}"


# -- JSON ------------------------------------------------------------------------------


def _code(thing: object) -> str:
    """`field-added` of a `FieldAdded`."""
    return _kebab(type(thing).__name__)


@cache
def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def _members(thing: Any) -> dict[str, Any]:
    """The attributes of a change; those for `apply` alone are left out."""
    names = [a.name for a in fields(type(thing)) if a.repr]
    found = {name: getattr(thing, name) for name in names}
    return {
        _KEYS.get(name, name): _pointer(value) if name == "path" else _data(value)
        for name, value in found.items()
        if value is not UNSET
    }


_KEYS: Final[Mapping[str, str]] = {"wire": "specs"}
"""Attributes of which less is shown than they hold."""


def _pointer(path: Any) -> Any:
    """A path as a pointer; the key path of a block, which is text already, as it is."""
    return _data(pointer(path) if isinstance(path, tuple) else path)


def _data(value: Any) -> Any:
    """A value as it is shown: what is hidden, or looks like a key, is masked."""
    if isinstance(value, str):
        return without_keys(value)
    if isinstance(value, dict):
        return {without_keys(key): _data(item) for key, item in value.items()}
    if isinstance(value, WireBlock):
        return _data(value.specs)
    if isinstance(value, EdgeRef):
        return {name: _data(part) for name, part in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [_data(item) for item in value]
    if type(value) is Hidden:
        return MASK
    return _thing(value) if type(value).__module__ in _OURS else value


def _thing(value: Any) -> Any:
    """What is no JSON: a value of an environment, a finding, a part of a change."""
    if type(value) is BoundSecret:
        return value.value.as_data()
    if isinstance(value, Value | Finding):
        return _data(value.as_data())
    if type(value) in _EDITS:
        return {"edit": _code(value), **_members(value)}
    return as_data(value) if type(value) in _FIELDS else _members(value)


_OURS: Final = frozenset(
    cls.__module__ for cls in (Value, BoundSecret, Finding, ItemAdded, Estimate)
)
_EDITS: Final = (ItemAdded, ItemRemoved, ItemMoved, ItemChanged)
_FIELDS: Final = (FieldAdded, FieldRemoved, FieldChanged, ListChanged)


# -- Text ------------------------------------------------------------------------------


def _clean(line: str) -> str:
    return printable(without_keys(line))


def _changed_block(change: Change | Consequence) -> BlockRef | None:
    """The block under which a change is told."""
    if isinstance(change, (*_FIELDS, KindChanged, Unmanaged)):
        return change.block
    return None


def _has_new_name(change: BlockRenamed) -> bool:
    return None not in (change.before.path, change.block.path) and (
        change.before.path != change.block.path
    )


def _new_ids(renamed: list[BlockRenamed]) -> str:
    """Blocks that are called as before and have other ids, in one line."""
    if len(renamed) == 1:
        return f"block {renamed[0].block} has another id"
    names = [str(change.block) for change in renamed[:MOST_NAMES]]
    more = len(renamed) - len(names)
    told = ", ".join([*names, *([f"{more} more"] if more else [])])
    return f"{len(renamed)} blocks have other ids: {told}"


def _lines(change: Change | Consequence) -> Iterator[str]:  # noqa: C901 - one case a change
    match change:
        case TitleChanged():
            yield f"~ title: {_became(change.before, change.after)}"
        case DescriptionChanged():
            yield f"~ description: {_became(change.before, change.after)}"
        case BlockAdded():
            yield f"+ block {_with_kind(change.block)}"
            yield from _specs(change.wire.specs)
        case BlockRemoved():
            yield f"- block {_with_kind(change.block)}"
        case BlockRenamed():
            old, new = change.before.path, change.block.path
            yield f"~ block {old} is {new} now, with another id (was= keeps it)"
        case KindChanged():
            yield f"~ kind: {change.before} -> {change.after}"
        case BlockMoved():
            yield from _moved(change)
        case EdgeAdded():
            yield f"+ edge {change.edge}"
        case EdgeRemoved():
            yield f"- edge {change.edge}"
        case Unmanaged():
            yield f"? {pointer(change.path)}: {_unmanaged(change)}"
        case FieldAdded() | FieldRemoved() | FieldChanged() | ListChanged():
            yield from _field(change)
        case _:
            yield _followed(change)


def _with_kind(block: BlockRef) -> str:
    """A block by its path, and its kind where the path does not say it."""
    if block.path is None or block.path.split("/")[-1] == block.kind:
        return str(block)
    return f"{block.path} ({block.kind})"


def _specs(specs: Mapping[str, Any]) -> Iterator[str]:
    for name, value in specs.items():
        yield f"    {pointer((name,))}: {_text(value)}"


def _moved(change: BlockMoved) -> Iterator[str]:
    places = [", ".join(map(str, of)) for of in (change.before, change.after)]
    old, new = (f"after {place}" if place else "first" for place in places)
    yield f"> block {change.block}: {old} -> {new}"
    yield from (f"    - edge {edge}" for edge in change.removed)
    yield from (f"    + edge {edge}" for edge in change.added)


def _unmanaged(change: Unmanaged) -> str:
    if change.after is UNSET:
        return f"{_text(change.before)} is not managed"
    if change.before is UNSET:
        return f"{_text(change.after)} is not managed"
    return f"{_became(change.before, change.after)} is not managed"


def _field(change: FieldChange) -> Iterator[str]:
    where = pointer(change.path)
    match change:
        case FieldAdded():
            yield f"+ {where}: {_text(change.value)}"
        case FieldRemoved():
            yield f"- {where}: {_text(change.value)}"
        case FieldChanged():
            yield f"~ {where}: {_became(change.before, change.after)}"
        case _:
            yield from _list(change)


def _list(change: ListChanged) -> Iterator[str]:
    for edit in change.edits:
        match edit:
            case ItemAdded():
                where = pointer((*change.path, edit.at))
                yield f"+ {where}: {_text(edit.value)}"
            case ItemRemoved():
                where = pointer((*change.path, edit.at))
                yield f"- {where}: {_text(edit.value)}"
            case ItemMoved():
                where = pointer((*change.path, edit.before))
                yield f"> {where}: {_text(edit.value)} -> position {edit.after}"
            case _:
                for inner in edit.changes:
                    yield from _field(inner)


def _became(before: Any, after: Any) -> str:
    if type(before) is BoundSecret and type(after) is BoundSecret:
        return f"{_text(after)} is another text"
    return f"{_text(before)} -> {_text(after)}"


def _text(value: Any) -> str:
    """A value as JSON on one line; a value of an environment by its name."""
    if type(value) is BoundSecret:
        value = value.value
    if type(value) is Value:
        return f"{'secret' if value.secret else 'value'} {_json(value.name)}"
    if type(value) is Hidden:
        return MASK
    text = _json(_data(value))
    return truncate(text, LONGEST)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# -- What follows ----------------------------------------------------------------------


def _followed(change: Consequence) -> str:
    match change:
        case RowsChanged():
            of = "out of the workflow" if change.block is None else f"of {change.block}"
            old, new = map(_rows, (change.before, change.after))
            return f"~ rows {of}: {old} -> {new}"
        case ColumnAdded():
            return f"+ column {_column(change)}"
        case ColumnDropped():
            return f"- column {_column(change)}"
        case ColumnRetyped():
            types = f"{change.before or 'unknown'} -> {change.after or 'unknown'}"
            return f"~ column {change.name}: {types}"
        case OtherColumnsChanged():
            sign = "+" if change.after else "-"
            return f"{sign} columns that nobody knows"
        case CostChanged():
            old, new = change.before.describe(), change.after.describe()
            return f"~ cost of 1,000 input rows, at most: {old} -> {new}"
        case EffectAppeared():
            return f"+ effect: {_effect(change)}"
        case EffectVanished():
            return f"- effect: {_effect(change)}"
        case FindingAppeared():
            return f"+ {_finding(change.finding)}"
        case _:
            return f"- {_finding(change.finding)}"


def _rows(kinds: tuple[str | None, ...]) -> str:
    return " and ".join(kind or "unknown" for kind in kinds) or "none"


def _column(change: ColumnAdded | ColumnDropped) -> str:
    return f"{change.name}: {change.type}" if change.type else change.name


def _effect(change: EffectAppeared | EffectVanished) -> str:
    if change.effect is None:
        return f"what {change.kind} does is unknown"
    what = f"{change.kind} {EFFECT_WORDS[change.effect]}"
    return f"{what}: {change.target}" if change.target else what


def _finding(finding: Finding) -> str:
    where = f" ({finding.where})" if finding.where else ""
    return f"{finding.severity} {finding.code}{where}: {finding.message}"
