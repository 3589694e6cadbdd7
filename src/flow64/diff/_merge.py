"""Changes of several workflows as lines: what is the same once, then what differs.

Variants often change in the same places, each with a value of its own. An *outline* is
a change without its values.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from attrs import evolve, frozen

from ..definition import Path
from ..dsl import UNSET
from ..text import join_first, pluralize
from ._changes import (
    BlockAdded,
    BlockRemoved,
    Change,
    DescriptionChanged,
    FieldAdded,
    FieldChanged,
    FieldRemoved,
    ListChanged,
    TitleChanged,
    Unmanaged,
)
from ._consequences import (
    Consequence,
    EffectAppeared,
    EffectVanished,
    PassingChanged,
)
from ._data import as_data, digest_secrets
from ._items import ValuePart, read_value
from ._lines import (
    ARROW,
    CUT,
    Line,
    Section,
    Sign,
    cut_to_difference,
    format_full_value,
    shorten_name,
)
from ._sections import map_blocks, sections

MOST_VALUES: Final = 40
"""The most values of one place that are listed. JSON has all."""

FOR_EACH: Final = ", for each workflow"
"""The end of a heading above values."""

MOST_KEYS: Final = 12
"""The most workflows with the same value that are all named."""

_Described: TypeAlias = Change | Consequence

_Thing = TypeVar("_Thing")

Part: TypeAlias = tuple[Sequence[str], Sequence[_Described]]
"""Keys of workflows with the same changes, and these changes."""


@frozen
class OwnLine(Line):
    """A line about some workflows, or a heading of such lines.

    Attributes:
        keys: The workflows. Empty for a heading.
        value: The value of these workflows.
        values: The lines of all values below a heading, also those without room.
    """

    keys: Sequence[str] = ()
    value: str = ""
    values: Sequence[OwnLine] = ()


def sign_change(change: _Described) -> str:
    """Return a text for a change, without ids, and with a digest of what is masked.

    So two changes that look alike because both are masked are not taken for one.
    """
    anonymous = map_blocks(change, lambda block: evolve(block, id=""))
    return f"{json.dumps(as_data(anonymous))} {digest_secrets(change)}"


def outline_change(change: _Described) -> tuple[object, ...]:
    """Return a change without its values. Some sorts of changes have none."""
    match change:
        case TitleChanged() | DescriptionChanged():
            return (type(change),)
        case BlockAdded() | BlockRemoved() | PassingChanged():
            return type(change), str(change.block), change.block.kind
        case (
            FieldAdded() | FieldRemoved() | FieldChanged() | ListChanged() | Unmanaged()
        ):
            return type(change), str(change.block), change.path
        case EffectAppeared() | EffectVanished():
            return type(change), change.kind, change.effect
        case _:
            return type(change), change.topic[0], *map(str, change.describe())


def merge_sections(parts: Sequence[Part]) -> Sequence[Section]:
    """Return the changes of several workflows as lines.

    A line about all of them stands as that of one workflow. Other lines name theirs.
    """
    found = _match(parts, outline_change)
    members = {id(alike[0][1]): alike for alike in found}
    number = sum(len(keys) for keys, _ in parts)

    def describe(change: _Described) -> Iterator[Line]:
        alike = members[id(change)]
        is_everywhere = len(alike) == len(parts)
        if is_everywhere and len({sign_change(one) for _, one in alike}) == 1:
            return change.describe()
        lines = [(keys, [*_divide(one)]) for keys, one in alike]
        cells = _match(lines, lambda cell: (cell.line.sign, cell.heading))
        return (line for same in cells for line in _join(same, number))

    return sections([alike[0][1] for alike in found], describe)


def _match(
    parts: Sequence[tuple[Sequence[str], Sequence[_Thing]]],
    place: Callable[[_Thing], object],
) -> Sequence[Sequence[tuple[Sequence[str], _Thing]]]:
    """Return the things of all workflows, those in the same place together."""
    found: dict[object, list[tuple[Sequence[str], _Thing]]] = {}
    for keys, things in parts:
        seen = Counter[object]()
        for thing in things:
            at = place(thing)
            seen[at] += 1
            found.setdefault((at, seen[at]), []).append((keys, thing))
    return [*found.values()]


def list_shared_lines(found: Sequence[Section]) -> Sequence[Section]:
    """Return sections without the lines about some workflows; headings stay."""
    return _filter_lines(found, lambda line: not getattr(line, "keys", ()))


def list_own_lines(found: Sequence[Section]) -> Sequence[Section]:
    """Return only lines about some workflows, with their headings."""
    made = _filter_lines(found, lambda line: isinstance(line, OwnLine))
    return [
        evolve(
            section,
            lines=[evolve(line, depth=line.depth - least) for line in section.lines],
        )
        for section in made
        for least in [min(line.depth for line in section.lines)]
    ]


def _filter_lines(
    found: Sequence[Section], is_kept: Callable[[Line], bool]
) -> Sequence[Section]:
    made = [evolve(one, lines=[*filter(is_kept, one.lines)]) for one in found]
    return [section for section in made if section.lines]


@frozen
class _Cell:
    """A line of one workflow, divided.

    Attributes:
        line: The line.
        heading: The line without its value.
        value: The value, uncut, if it has one side.
        mark: Tells it from lines that look the same.
        is_derived: Whether the value follows from that of another line.
    """

    line: Line
    heading: str
    value: str | None = None
    mark: str = ""
    is_derived: bool = False


def _divide(change: _Described) -> Iterator[_Cell]:
    """Yield the lines of a change, each value with a line of its own."""
    match change:
        case BlockAdded():
            line = next(change.describe())
            yield _Cell(line, line.text)
            for name, value in change.wire.specs.items():
                for part in _divide_value(change.block.kind, (name,), value):
                    yield _make_cell(Line("+", str(part), depth=1), part)
        case FieldAdded() | FieldRemoved():
            sign: Sign = "+" if isinstance(change, FieldAdded) else "-"
            for part in _divide_value(change.block.kind, change.path, change.value):
                yield _make_cell(Line(sign, str(part)), part)
        case PassingChanged():
            (line,) = change.describe()
            yield _Cell(line, change.explain_briefly(str), is_derived=True)
        case EffectAppeared() | EffectVanished():
            (line,) = change.describe()
            target = change.target or ""
            heading = line.text.removesuffix(f": {target}")
            yield _Cell(line, heading, target or None)
        case _:
            mark = "" if isinstance(change, BlockRemoved) else digest_secrets(change)
            for line in change.describe():
                # What is cut off on both sides is the same, unless it is in the middle.
                more = sign_change(change) if CUT in line.words else ""
                yield _Cell(line, line.text, mark=f"{mark} {more}")


def _divide_value(kind: str | None, path: Path, value: Any) -> Iterator[ValuePart]:
    """Yield each value inside of a value."""
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _divide_value(kind, (*path, name), item)
    else:
        yield from read_value(kind, path, value)


def _make_cell(line: Line, part: ValuePart) -> _Cell:
    full = None if part.value is UNSET else format_full_value(part.value)
    mark = f"{full} {digest_secrets(part.value)}"
    return _Cell(line, part.words, full, mark)


def _join(cells: Sequence[tuple[Sequence[str], _Cell]], number: int) -> Iterator[Line]:
    """Yield lines that differ in their values only, the most common one first.

    Args:
        cells: The lines, each with its workflows.
        number: The number of all workflows.
    """
    found: dict[object, tuple[_Cell, list[str]]] = {}
    for some, cell in cells:
        found.setdefault((cell.line, cell.mark), (cell, []))[1].extend(some)
    values = sorted(found.values(), key=lambda one: -len(one[1]))
    first, keys = values[0]
    line = first.line
    if len(values) == 1 and len(keys) == number:
        yield line
    elif len(values) > 1 and first.is_derived:
        owners = [key for _, some in values for key in some]
        names = f"{_join_keys(owners)}: " if len(owners) < number else ""
        yield OwnLine(line.sign, f"{names}{first.heading}", keys=owners)
    elif len(values) > 1 and (line.before is not None or first.value is not None):
        own = [_own_value(*one, values) for one in values]
        text = f"{first.heading}{FOR_EACH}" if first.heading else FOR_EACH[2:]
        yield OwnLine(line.sign, text, depth=line.depth, values=own)
        yield from own[:MOST_VALUES]
        if rest := [key for _, some in values[MOST_VALUES:] for key in some]:
            more = f"{pluralize(len(rest), 'more workflow')}; JSON has all"
            yield OwnLine(line.sign, more, depth=line.depth + 1, keys=rest)
    else:
        for cell, owners in values:
            text = f"{_join_keys(owners)}: {cell.line.text}"
            yield OwnLine(
                cell.line.sign,
                text,
                cell.line.before,
                cell.line.after,
                cell.line.depth,
                cell.line.joint,
                owners,
            )


def _own_value(
    cell: _Cell, keys: Sequence[str], values: Sequence[tuple[_Cell, Sequence[str]]]
) -> OwnLine:
    """Return the line of a value under its heading."""
    line, text, depth = cell.line, _join_keys(keys), cell.line.depth + 1
    if cell.value is None:
        old, new = line.before, line.after
        value = f"{old} {ARROW} {new}"
        return OwnLine(line.sign, text, old, new, depth, keys=keys, value=value)
    # A long value is cut to what differs from another one.
    other = next(one.value for one, _ in values if one is not cell)
    value = cut_to_difference(cell.value, str(other))
    return OwnLine(line.sign, f"{text}: {value}", depth=depth, keys=keys, value=value)


def _join_keys(keys: Sequence[str]) -> str:
    most = 1 if len(keys) > MOST_KEYS else MOST_KEYS
    return join_first(sorted(keys), most, shorten_name)
