"""Workflows that change alike, and the sentence of each change (`_format_line`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

from ..diff import words
from ..diff.compare import Change
from ..diff.facts import ANY, MISSING, UNKNOWN, Path, Side
from ..secrets import mask
from ..text import truncate
from .lines import (
    MOST_NAMES,
    MOST_VALUES,
    TWO_SIDED,
    Entries,
    Entry,
    Group,
    Line,
    count_most,
    cut_names,
    find_folder,
    find_message,
    name_few,
    name_keys,
)

MOST_LINES: Final = 40
"""The most lines of a group. The others are counted by kind, and JSON has them."""
MOST_NEW: Final = 3
"""The most new workflows that are named in a row."""
MOST_MESSAGE: Final = 200
"""The most characters of the message of a finding."""

_KINDS: Final = {"block": "field", "id": "new id", "finding": "warning"}


def group_alike(entries: Entries) -> list[Group]:
    """Group workflows in which the same paths change with the same signs.

    Those that the service has changed come last, since they refer to the others.
    """
    alike: dict[Hashable, list[Entry]] = {}
    for entry in entries:
        signature = tuple(
            (path, change.sign, _mark_value(entry, change))
            for path, change in entry.shown.items()
        )
        is_whole = None in (entry.subject.before, entry.subject.after)
        mark = (entry.state, entry.subject.note, is_whole or signature)
        alike.setdefault(mark, []).append(entry)
    groups = sorted(alike.values(), key=lambda group: group[0].state in TWO_SIDED)
    plain = [group for group in groups if group[0].state not in TWO_SIDED]
    return [_make_group(group, plain) for group in groups]


def _mark_value(entry: Entry, change: Change) -> Hashable:
    """Return what a line says of a change besides values, which are counted in it."""
    head, *parts = change.path
    if _is_value(change.path):
        return None
    if head == "id":
        return entry.comparison.old_names.get(str(parts[0]))
    if head == "block":
        joins = _format_joins(entry, parts[0], is_new=change.sign == "+")
        return str(change.before), str(change.after), joins
    return repr((change.before, change.after))


def _make_group(group: Entries, plain: Sequence[Entries]) -> Group:
    first = group[0]
    keys = [entry.subject.key for entry in group]
    is_new = None in (first.subject.before, first.subject.after)
    title = name_keys(keys, MOST_NEW if is_new else MOST_NAMES)
    if first.state != "changed" and (first.state != "update" or len(group) == 1):
        title += f" {first.state}"
    title += f": {first.subject.note}" * bool(first.subject.note)
    if len(group) == 1:
        was, place = first.subject.was, first.subject.place
        title += f" was {words.format_name(was)}" * bool(was) + f"  {place}" * bool(
            place
        )
    if is_new:
        lines = [*_list_blocks(group)]
    elif first.state in TWO_SIDED:
        lines = _cut([*_list_sides(group, plain)])
    else:
        lines = _cut([*_list_lines(group, first.shown)])
    return Group(title, lines, keys, first.comparison)


def _list_blocks(group: Entries) -> Iterator[Line]:
    """Yield the blocks of workflows that came or went; each list of blocks once."""
    rows: dict[tuple[str, ...], str] = {}
    is_new = group[0].subject.before is None
    for entry in group:
        side = entry.comparison.after if is_new else entry.comparison.before
        names = side.names if side else []
        between = " >> " if side and _is_chain(side) else " "
        rows[(*names,)] = cut_names(names, between=between) or "no blocks"
    for text in [*rows.values()][:MOST_NEW]:
        yield Line(text, "+" if is_new else "-")
    if (more := len(rows) - MOST_NEW) > 0:
        yield Line(f"  and {more:,} other lists of blocks")


def _is_chain(side: Side) -> bool:
    """Whether each block feeds the next one alone."""
    near = side.neighbours
    return all(
        near[before][1] == [behind] and near[behind][0] == [before]
        for before, behind in pairwise(side.names)
    )


_Labelled: TypeAlias = tuple[str, Line]
"""A line with its kind."""


def _cut(lines: Sequence[_Labelled]) -> list[Line]:
    """Return the first lines, and the number of the others by kind."""
    first_lines = [line for _, line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        kinds = Counter(kind for kind, _ in lines[MOST_LINES:])
        counted = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
        first_lines.append(
            Line(f"  and {len(lines) - MOST_LINES:,} lines more: {counted}")
        )
    return first_lines


def _list_lines(group: Entries, changes: Mapping[Path, Change]) -> Iterator[_Labelled]:
    """Yield the lines of workflows that change alike."""
    first, count = group[0], 0
    ids: list[str] = []
    columns: dict[str, list[str]] = {}
    for path, change in changes.items():
        head, *parts = path
        kind = _KINDS.get(str(head), str(head))
        kind = "block" if head == "block" and len(parts) == 1 else kind
        if head == "id":
            ids.append(_format_new_id(first, parts[0]))
        elif head == "output" and _is_folded(change):
            label, name = _format_output(change)
            columns.setdefault(label, []).append(name)
        else:
            count += 1  # a line that is cut needs no words
            text = _format_line(group, change) if count <= MOST_LINES else ""
            yield kind, Line(text, change.sign)
    if ids:
        more = len(ids) - 12
        listed = ", ".join(ids[:12]) + f", {more:,} more" * (more > 0)
        yield "new id", Line(f"new ids: {listed}", "!")
    for label, names in columns.items():
        yield "output", _format_outputs(group, label, names)


def _format_line(group: Entries, change: Change) -> str:
    first = group[0]
    head, *parts = change.path
    sides = [change.before, change.after]
    match head:
        case "block" if len(parts) == 1:
            kinds = [words.format_name(side) for side in sides if side is not MISSING]
            name = words.format_name(parts[0])
            if change.sign == "!":
                return f"{name}: {words.ARROW.join(kinds)}"
            joins = _format_joins(first, parts[0], is_new=change.sign == "+")
            others = [kind for kind in kinds if kind != name]
            facts = ", ".join(filter(None, [*others, joins]))
            return f"{name}: {facts}" if facts else name
        case "moved":
            places = words.ARROW.join(map(_format_ends, sides))
            return f"{words.format_name(parts[0])} moved: {places}"
        case "edge":
            text = " >> ".join(map(words.format_name, parts))
            return text + _format_conditions(change)
        case "order":
            orders = words.ARROW.join(map(cut_names, sides))
            return f"{words.format_path((*parts,))} order: {orders}"
        case "finding":
            name = f" {words.format_name(parts[1])}" if parts[1] else ""
            if change.after is MISSING:
                return f"{parts[0]}{name}"
            text = truncate(mask(find_message(first, change)), MOST_MESSAGE)
            return f"{parts[0]}{name}: {change.after}: {text}"
        case "spends":
            return f"spends {words.format_name(parts[0])}" + ": unknown" * (
                UNKNOWN in sides
            )
        case "output":
            types = words.ARROW.join(map(words.format_type, sides))
            return f"output {words.format_name(parts[0])}: {types}"
        case _:
            label = words.format_path((*parts,)) if head == "block" else str(head)
            return f"{label}: {_merge_values(group, change.path)}"


def _format_new_id(entry: Entry, name: Any) -> str:
    was = entry.comparison.old_names.get(name)
    return words.format_name(name) + (f" (was {words.format_name(was)})" if was else "")


def _format_joins(entry: Entry, name: Any, *, is_new: bool) -> str:
    """Return the blocks before and behind one that came or went."""
    side = entry.comparison.after if is_new else entry.comparison.before
    if side is None:
        return ""
    parents, children = side.neighbours.get(str(name), ([], []))
    return _format_ends([parents, children])


def _format_ends(ends: Sequence[Sequence[str]]) -> str:
    before, behind = (cut_names(names) for names in ends)
    return f"{before} >> {behind}".strip()


def _format_conditions(change: Change) -> str:
    sides = [change.before, change.after]
    if all(side in (MISSING, [None]) for side in sides):
        return ""
    there = [side for side in sides if side is not MISSING]
    texts = [" or ".join(map(words.format_value, side)) for side in there]
    return f": condition {words.ARROW.join(texts)}"


def _is_folded(change: Change) -> bool:
    return change.sign != "!" or UNKNOWN in (change.before, change.after)


def _format_output(change: Change) -> tuple[str, str]:
    """Return the label of the line that a column is named in, and the column."""
    name, after = change.path[1], change.after
    if UNKNOWN in (change.before, after):
        label = "output unknown now:" if after is UNKNOWN else "output known now:"
        return label, "" if name == ANY else words.format_name(name)
    value = change.before if after is MISSING else after
    return f"{change.sign} output", words.format_column(name, value)


def _format_outputs(group: Entries, label: str, names: Sequence[str]) -> Line:
    columns = [name for name in names if name]
    more = len(columns) - 12
    listed = ", ".join(columns[:12]) + f", {more:,} more" * (more > 0)
    if label[0] not in "+-":
        return Line(f"{label} {listed or 'all'}", "!")
    hosts = {
        value
        for side in [entry.comparison.after for entry in group]
        for path, value in (side.facts.items() if side else ())
        if path[0] == "delivers"
    }
    to = f"{words.ARROW}{hosts.pop()}" if label[0] == "+" and len(hosts) == 1 else ""
    return Line(f"{label[2:]} {listed}{to}", "+" if label[0] == "+" else "-")


def _merge_values(group: Entries, path: Path) -> str:
    """Return values, counted if workflows have others; what rises and falls apart."""
    folder = find_folder([entry.subject.key for entry in group])
    changes = {
        entry.subject.key.removeprefix(folder): entry.changes[path] for entry in group
    }
    return _merge(changes)


def _merge(changes: Mapping[str, Change]) -> str:
    values: dict[str, list[str]] = {}
    for key, change in changes.items():
        values.setdefault(words.format_change(change), []).append(key)
    if len(values) > MOST_VALUES and all(map(_is_number_change, changes.values())):
        ways = [
            {
                key: change
                for key, change in changes.items()
                if (change.after > change.before) is up
            }
            for up in (True, False)
        ]
        if all(ways):
            return "; ".join(
                f"{word} ({name_few([*way])}): {_merge(way)}"
                for word, way in zip(("rises", "falls"), ways, strict=True)
            )
    return count_most(values)


def _is_number_change(change: Change) -> bool:
    return {type(change.before), type(change.after)} <= {int, float}


# -- Conflicts -------------------------------------------------------------------------


def _list_sides(group: Entries, plain: Sequence[Entries]) -> Iterator[_Labelled]:
    """Yield what the service has and what code has, of workflows that both edited."""
    first = group[0]
    others = _find_contained_group(first, plain)
    covered = {} if others is None else others[0].shown
    one_sided: dict[Path, Change] = {}
    for path, change in first.shown.items():
        is_edited = first.edited is None or path in first.edited
        if is_edited and _is_value(path) and (first.edited or path not in covered):
            yield from _list_both(change)
        elif path not in covered:
            one_sided[path] = change
    yield from _list_lines(group, one_sided)
    if others is not None:
        many = f"the {len(others):,}" if len(others) > 1 else others[0].subject.key
        yield "other", Line(f"  and the changes of {many}")


def _is_value(path: Path) -> bool:
    return path[0] in ("title", "description") or (path[0] == "block" and len(path) > 2)


def _list_both(change: Change) -> Iterator[_Labelled]:
    """Yield the value of the service and that of code."""
    head, *parts = change.path
    label = words.format_path((*parts,)) if head == "block" else str(head)
    texts = [
        f"{label}: {words.format_value(side)}" if side is not MISSING else ""
        for side in (change.before, change.after)
    ]
    width = max(map(len, texts))
    if texts[0]:
        text = f"{texts[0]:{width}}  on the service, will be lost"
        yield "field", Line(text, "-")
    if texts[1]:
        yield "field", Line(f"{texts[1]:{width}}  in code", "+")


def _find_contained_group(entry: Entry, plain: Sequence[Entries]) -> Entries | None:
    """Return the largest group with no change that a workflow lacks."""
    covered = [
        group
        for group in plain
        if group[0].shown
        and None not in (group[0].subject.before, group[0].subject.after)
        and all(
            path in entry.shown and entry.shown[path].sign == change.sign
            for path, change in group[0].shown.items()
        )
    ]
    return max(covered, key=len, default=None)
