"""Workflows that change alike, and the sentence of each change (`_format_line`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

from ..diff import words
from ..diff.compare import Change
from ..diff.facts import ANY, MISSING, UNKNOWN, DefinitionFacts, Path
from ..diff.replay import Passage
from ..secrets import mask
from ..text import MOST_NAMES, format_dollars, join_names, pluralize, truncate
from .lines import (
    MOST_VALUES,
    TWO_SIDED,
    Entries,
    Entry,
    Group,
    Line,
    LineSign,
    count_most,
    cut_names,
    find_condition,
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
        return find_condition(entry.comparison, change.path)
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
    was, place = first.subject.was, first.subject.place
    if was and len(group) == 1:
        title += f" (was {words.format_name(was)})"
    is_told = first.state != "changed" and (first.state != "update" or len(group) == 1)
    if state := ", ".join(filter(None, (first.state * is_told, first.subject.note))):
        title += f": {state}"
    if place and len(group) == 1:
        title += f"  {place}"
    if is_new:
        lines = [*_list_blocks(group)]
    elif first.state in TWO_SIDED:
        lines = _cut([*_list_sides(group, plain)])
    else:
        lines = _cut([*_list_lines(group, first.shown)])
    return Group(title, [*lines, *_list_rows(group)], first.comparison)


def _list_blocks(group: Entries) -> Iterator[Line]:
    """Yield the blocks of workflows that came or went; each list of blocks once."""
    rows: dict[tuple[str, ...], list[str]] = {}
    is_new = group[0].subject.before is None
    for entry in group:
        side = entry.comparison.after if is_new else entry.comparison.before
        names = side.names if side else []
        between = " >> " if side and _is_chain(side) else ", "
        text = cut_names(names, between=between) or "no blocks"
        rows.setdefault((text, *names), []).append(entry.subject.key)
    yield from _list_texts(group, rows, "other list")
    timed: dict[tuple[str, ...], list[str]] = {}
    for entry in group:
        for path, change in entry.changes.items():
            if path[0] == "schedule":
                text = f"{words.format_path(path)}: {words.format_change(change)}"
                timed.setdefault((text,), []).append(entry.subject.key)
    yield from _list_texts(group, timed, "other schedule")


def _list_texts(
    group: Entries, rows: Mapping[tuple[str, ...], Sequence[str]], what: str
) -> Iterator[Line]:
    """Yield the first texts, each with the workflows that have it, if not all do."""
    folder = find_folder([entry.subject.key for entry in group])
    sign: LineSign = "+" if group[0].subject.before is None else "-"
    for (text, *_), keys in [*rows.items()][:MOST_NEW]:
        owners = name_few([key.removeprefix(folder) for key in keys])
        yield Line(text + f" ({owners})" * (len(keys) < len(group)), sign)
    if (more := len(rows) - MOST_NEW) > 0:
        yield Line(f"  and {pluralize(more, what)}")


def _is_chain(side: DefinitionFacts) -> bool:
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
        text = f"new ids, so new blocks to the service: {join_names(ids)}"
        yield "new id", Line(text, "!")
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
            label = name if kinds == [name] else f"{name} ({kinds[0]})"
            return label if joins == name else f"{label}: {joins}"
        case "moved":
            name = words.format_name(parts[0])
            before, after = (_join_ends(name, ends) for ends in sides)
            return f"{name} moved: {after} (was {before})"
        case "edge":
            text = " >> ".join(map(words.format_name, parts))
            return text + _format_conditions(change)
        case "order":
            orders = words.ARROW.join(map(cut_names, sides))
            return f"{words.format_path((*parts,))} order: {orders}"
        case "finding":
            if change.after is MISSING:
                return words.format_finding(change)
            text = truncate(mask(find_message(first, change)), MOST_MESSAGE)
            return f"{words.format_finding(change)}: {text}"
        case "spends":
            return f"spends {words.format_name(parts[0])}" + ": unknown" * (
                UNKNOWN in sides
            )
        case "output":
            types = words.ARROW.join(map(words.format_type, sides))
            return f"output {words.format_name(parts[0])}{_format_to(group)}: {types}"
        case _:
            values = _merge_values(group, change.path)
            return f"{_format_label(first, change.path)}: {values}"


def _format_label(entry: Entry, path: Path) -> str:
    """Return a path; that of the value of a condition as `filter.filters[age >]`."""
    head, *parts = path
    if condition := find_condition(entry.comparison, path):
        item = words.format_path((*parts[:-1],)).removesuffix("]")
        return f"{item}{condition}]"
    if head in ("schedule", "extra"):
        return words.format_path(path)
    return words.format_path((*parts,)) if head == "block" else str(head)


def _format_new_id(entry: Entry, name: Any) -> str:
    was = entry.comparison.old_names.get(name)
    return words.format_name(name) + (f" (was {words.format_name(was)})" if was else "")


def _format_joins(entry: Entry, name: Any, *, is_new: bool) -> str:
    """Return a block that came or went, between its neighbours: `[a, b] >> x >> c`.

    `beside y` stands behind it if the blocks before it feed others too.
    """
    side = entry.comparison.after if is_new else entry.comparison.before
    near = side.neighbours if side else {}
    parents, children = near.get(str(name), [[], []])
    twins = {child for parent in parents for child in near[parent][1]}
    others = sorted(twins - {name, *children})
    beside = f", beside {cut_names(others)}" if others else ""
    return _join_ends(words.format_name(name), [parents, children]) + beside


def _join_ends(name: str, ends: Sequence[Sequence[str]]) -> str:
    before, behind = (
        f"[{cut_names(names)}]" if len(names) > 1 else cut_names(names)
        for names in ends
    )
    return " >> ".join(filter(None, (before, name, behind)))


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
        what = "not known any more" if after is UNKNOWN else "known now"
        label = f"output {what}:"
        return label, "" if name == ANY else words.format_name(name)
    value = change.before if after is MISSING else after
    return f"{change.sign} output", words.format_column(name, value)


def _format_outputs(group: Entries, label: str, names: Sequence[str]) -> Line:
    listed = join_names([name for name in names if name])
    if label[0] not in "+-":
        return Line(f"{label} {listed or 'all'}", "!")
    is_new = label[0] == "+"
    to = _format_to(group, is_new=is_new)
    return Line(f"{label[2:]} {listed}{to}", "+" if is_new else "-")


def _format_to(group: Entries, *, is_new: bool = True) -> str:
    """Return ` to ADDRESS` if the rows of all workflows go there."""
    targets = {
        _find_target(entry.comparison.after if is_new else entry.comparison.before)
        for entry in group
    }
    target = targets.pop() if len(targets) == 1 else ""
    return f" to {target}" if target else ""


def _find_target(side: DefinitionFacts | None) -> str:
    """Return where all rows that come out go to; empty if they have several ends."""
    near = side.neighbours if side else {}
    ends = [name for name, (_, children) in near.items() if not children]
    if side is None or len(ends) != 1:
        return ""
    target = str(side.facts.get(("delivers", ends[0]), ""))
    return target.removeprefix("adds rows to ")


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
        rises = {key: each for key, each in changes.items() if each.after > each.before}
        falls = {key: each for key, each in changes.items() if key not in rises}
        if rises and falls:
            return "; ".join(
                f"{word} ({name_few([*way])}): {_merge(way)}"
                for word, way in (("rises", rises), ("falls", falls))
            )
    return count_most(values)


def _is_number_change(change: Change) -> bool:
    return {type(change.before), type(change.after)} <= {int, float}


# -- Rows of a run ---------------------------------------------------------------------


def _list_rows(group: Entries) -> Iterator[Line]:
    """Yield what the change does with the rows of a run; of several, in one line."""
    replays = [entry.comparison.replay for entry in group if entry.comparison.replay]
    counted: dict[tuple[str, str], list[Passage]] = {}
    reasons: dict[str, dict[str, None]] = {}
    for passage in (passage for each in replays for passage in each.passages):
        if passage.unknown:
            reasons.setdefault(passage.unknown, {})[passage.block] = None
        else:
            counted.setdefault((passage.block, passage.what), []).append(passage)
    texts = [_format_passages(*key, alike) for key, alike in counted.items()]
    if len(group) > 1 and replays:
        names = cut_names({name: None for names in reasons.values() for name in names})
        ran = [replay for replay in replays if replay.run]
        unknown = [r for r in ran if r.unknown or any(p.unknown for p in r.passages)]
        texts += [f"{names} unknown in {len(unknown):,}".strip()] * bool(unknown)
        if len(ran) < len(replays):
            texts.append(f"{len(replays) - len(ran):,} without a run")
        yield Line(f"  rows of {pluralize(len(ran), 'run')}: {'; '.join(texts)}")
        return
    texts += [f"{cut_names(names)}: unknown: {why}" for why, names in reasons.items()]
    for replay in replays:
        yield Line(f"  rows of run {replay.run[:8] or 'none'}")
        texts += [f"unknown: {replay.unknown}"] * bool(replay.unknown)
        yield from (Line(f"  {text}") for text in texts or [_AS_BEFORE])


_AS_BEFORE: Final = "as many rows pass, as many look-ups"


def _format_passages(block: str, what: str, passages: Sequence[Passage]) -> str:
    counts = [sum(p.before or 0 for p in passages), sum(p.after or 0 for p in passages)]
    numbers = dict.fromkeys(f"{count:,}" for count in counts)
    text = f"{words.format_name(block)}: {words.ARROW.join(numbers)} {what}"
    dollars = [passage.dollars for passage in passages if passage.dollars]
    if len(dollars) < len(passages):
        return text
    prices = map(format_dollars, map(sum, zip(*dollars, strict=True)))
    return f"{text}, at most {words.ARROW.join(dict.fromkeys(prices))}"


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
            yield from _list_both(_format_label(first, path), change)
        elif path not in covered:
            one_sided[path] = change
    yield from _list_lines(group, one_sided)
    if others is not None:
        many = f"the {len(others):,}" if len(others) > 1 else others[0].subject.key
        yield "other", Line(f"  and the changes of {many} above")


def _is_value(path: Path) -> bool:
    is_text = path[0] in ("title", "description", "schedule")
    return is_text or (path[0] == "block" and len(path) > 2)


def _list_both(label: str, change: Change) -> Iterator[_Labelled]:
    """Yield the value of the service and that of code."""
    texts = [
        f"{label}: {words.format_value(side)}" if side is not MISSING else ""
        for side in (change.before, change.after)
    ]
    width = max(map(len, texts))
    if texts[0]:
        text = f"{texts[0]:{width}}  on the service, lost with --force"
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
