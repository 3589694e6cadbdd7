"""A report: what changes in workflows, as lines and as data.

Its first lines say what breaks, delivers, costs and needs a consent. They are never
cut. Those that differ only in their values share a line.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from math import inf
from typing import Any, Final

from attrs import asdict

from ..definition import EMPTY
from ..diff import words
from ..diff.compare import Change
from ..diff.facts import ANY, MISSING, UNKNOWN, Item, Part, Path
from ..schedules import DAYS, Spending
from ..secrets import mask
from ..text import MOST_NAMES, format_dollars, pluralize
from .groups import group_alike
from .lines import (
    QUIET,
    Entries,
    Entry,
    Line,
    RecordingReader,
    Report,
    Subject,
    align,
    compare_subject,
    count_most,
    cut_names,
    find_folder,
    find_message,
    name_few,
    name_keys,
)

_LABELS: Final = ("breaks", "may break", "delivers", "buys", "source", "inputs")


def list_first(entries: Entries, *, is_alone: bool) -> Iterator[tuple[str, str]]:
    """Yield what breaks, and what is delivered and expected elsewhere.

    Those that differ only in their values share a line, and every value is named.
    """
    lines: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for entry in entries:
        for label, subject, value in dict.fromkeys(_find_first(entry)):
            head, arrow, tail = value.rpartition(words.ARROW)
            values = lines.setdefault((label, subject, head + arrow), {})
            values.setdefault(tail, []).append(entry.subject.key)
    for (label, subject, head), values in sorted(
        lines.items(), key=lambda item: _LABELS.index(item[0][0])
    ):
        keys = [key for owners in values.values() for key in owners]
        shown = sorted(values, key=lambda value: _find_site(value) == _find_site(head))
        ordered = {value: values[value] for value in shown}
        text = f"{subject} {head}{_list_values(ordered)}".strip()
        many = name_keys(keys, 0 if len(values) > 1 else MOST_NAMES)
        yield label, text if is_alone else f"{many}: {text}"


def _find_site(host: str) -> list[str]:
    """Return the end of a host: deliveries to another site stand first."""
    return host.removesuffix(words.ARROW).split(".")[-2:]


def _list_values(values: Mapping[str, Sequence[str]]) -> str:
    """Return all values; if there are several, each with its workflows."""
    if len(values) == 1:
        return next(iter(values))
    folder = find_folder([key for keys in values.values() for key in keys])
    return ", ".join(
        f"{value} ({name_few([key.removeprefix(folder) for key in keys])})"
        for value, keys in values.items()
    )


def _find_first(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """Yield label, subject and value of what belongs into the first lines."""
    after = entry.comparison.after
    is_change = None not in (entry.subject.before, entry.subject.after)
    yield from _find_broken_reads(entry)
    if is_change:
        yield from _find_sources(entry)
    for (head, *parts), change in entry.changes.items():
        match head:
            case "finding" if str(change.after).startswith("error"):
                text = f"{words.format_finding(change)}:"
                yield "breaks", text, find_message(entry, change)
            case "delivers":
                sides = [change.before, change.after]
                there = [mask(str(side)) for side in sides if side is not MISSING]
                text = f"{change.sign} {words.format_path((*parts,))}:"
                yield "delivers", text, words.ARROW.join(there)
            case "block" if after and ("delivers", *parts[:1]) not in entry.changes:
                place = after.facts.get(("delivers", parts[0]))
                # Another number, such as a time limit, does not send rows elsewhere.
                is_text = {type(change.before), type(change.after)} & {str, dict, list}
                if place and parts[1:] and is_text:
                    text = f"{place}, {words.format_name(parts[1])} differs"
                    yield "delivers", f"! {words.format_name(parts[0])}:", text
            case "buys" if change.after is True:
                yield "buys", f"+ {words.format_name(parts[0])}", "when it is created"
            case "inputs" if is_change:
                yield "inputs", *_format_input(change)
            case _:
                pass


def _find_broken_reads(entry: Entry) -> Iterator[tuple[str, str, str]]:
    readers: dict[tuple[str, Part], list[Part]] = defaultdict(list)
    for (head, *parts), change in entry.changes.items():
        if head == "reads" and change.after is False:
            readers["breaks", parts[1]].append(parts[0])
        elif head == "reads" and change.after is UNKNOWN and change.before is True:
            readers["may break", parts[1]].append(parts[0])
    for (label, column), blocks in readers.items():
        verb = "reads" if len(blocks) == 1 else "read"
        why = "no block adds it" if label == "breaks" else "which may be missing"
        text = f"{cut_names(blocks)} {verb} {words.format_name(column)}, {why}"
        yield label, text, ""


def _find_sources(entry: Entry) -> Iterator[tuple[str, str, str]]:
    kinds: dict[str, list[str]] = {"-": [], "+": []}
    for (head, *parts), change in entry.changes.items():
        if head == "source":
            kinds[change.sign].append(words.format_name(parts[0]))
    if any(kinds.values()):
        sides = (", ".join(names) or "none" for names in kinds.values())
        yield "source", words.ARROW.join(sides), ""


def _format_input(change: Change) -> tuple[str, str]:
    name, sides = change.path[1], [change.before, change.after]
    if name == ANY:
        return f"{change.sign} any others", ""
    there = [words.format_type(side) for side in sides if side is not MISSING]
    text = words.ARROW.join(there)
    subject = f"{change.sign} {words.format_name(name)}"
    return (subject, "") if text == "untyped" else (f"{subject}:", text)


def list_spending(entries: Entries) -> Iterator[tuple[str, str]]:
    """Yield what schedules spend: those of one name together, with the sum."""
    groups: dict[str, list[tuple[str, Spending]]] = defaultdict(list)
    for entry in entries:
        for spending in entry.subject.spends:
            groups[spending.schedule].append((entry.subject.key, spending))
    for name, group in groups.items():
        times = f" ({group[0][1].text})" * (len({each.text for _, each in group}) == 1)
        label = f"schedule {words.format_name(name)}{times}"
        facts = "; ".join(_sum_spending(group))
        keys = name_keys([key for key, _ in group])
        yield "spends", f"{keys}: {label}{': ' * bool(facts)}{facts}"


def _sum_spending(group: Sequence[tuple[str, Spending]]) -> Iterator[str]:
    """Yield the runs of schedules with their cost, the next time, and what is open."""
    every = [spending for _, spending in group]
    costs = [each.dollars for each in every if each.dollars is not None]
    cost = "unknown costs"
    if len(costs) == len(every):
        most = format_dollars(max(each.dollars_a_run or 0 for each in every))
        cost = f"at most {format_dollars(sum(costs))} (at most {most} a run)"
    if runs := [each.runs for each in every if each.runs is not None]:
        before = [each.runs_before or 0 for each in every]
        change = f"{sum(before):,}{words.ARROW}"
        change *= all(before) and sum(before) != sum(runs)
        yield f"{change}{pluralize(sum(runs), 'run')} in {DAYS} days, {cost}"
    if due := {each.next: key for key, each in reversed(group) if each.next}:
        first = min(due, key=datetime.fromisoformat)
        owner = due[first].removeprefix(find_folder([key for key, _ in group]))
        yield f"next {first[:16].replace('T', ' ')}" + f" ({owner})" * (len(due) > 1)
    yield from dict.fromkeys(f"next {each.unknown}" for each in every if each.unknown)


def list_costs(entries: Entries) -> Iterator[tuple[str, str]]:
    """Yield the cost of those that change, for each unit, and the sum of several."""
    groups: dict[str, list[tuple[str, Sequence[Any]]]] = defaultdict(list)
    for entry in entries:
        sides = entry.comparison.before, entry.comparison.after
        costs = [None if side is None else side.facts["cost",] for side in sides]
        units = dict.fromkeys(cost["unit"] for cost in costs if cost)
        groups[words.ARROW.join(units)].append((entry.subject.key, costs))
    for unit, group in groups.items():
        owners = f"{name_keys([key for key, _ in group], 0)}: " * (len(groups) > 1)
        yield "cost", owners + _sum_costs(unit, group)


def _sum_costs(unit: str, group: Sequence[tuple[str, Sequence[Any]]]) -> str:
    values: dict[str, list[str]] = {}
    rises: dict[str, float] = {}
    is_known = all(_is_whole(cost) for _, costs in group for cost in costs if cost)
    is_same, is_mixed = True, words.ARROW in unit
    for key, costs in group:
        texts = [words.format_cost(c) + f" {c and c['unit']}" * is_mixed for c in costs]
        is_same = is_same and texts[0] == texts[1]
        if None in costs:
            text = f"-{texts[0]}" if costs[1] is None else f"+{texts[1]}"
        else:
            text = words.ARROW.join(dict.fromkeys(texts))
        values.setdefault(text, []).append(key)
        before, after = (cost["dollars"] or 0 if cost else 0 for cost in costs)
        is_open = texts[0] != texts[1] and costs[1] and not _is_whole(costs[1])
        rises[text] = inf if is_open else after - before
    text = count_most(values, rises) + f" {unit}" * (not is_mixed)
    if len(group) > 1:
        text += f" in each of {len(group):,}" * (len(values) == 1)
        if is_known and not is_mixed and not is_same:
            sides = zip(*(costs for _, costs in group), strict=True)
            sums = [sum(cost["dollars"] for cost in side if cost) for side in sides]
            total = words.ARROW.join(dict.fromkeys(map(format_dollars, sums)))
            text += f"; together {total}"
    return "at most " * is_known + text + ", unchanged" * (is_known and is_same)


def _is_whole(cost: Mapping[str, Any]) -> bool:
    is_known: bool = cost["dollars"] is not None
    return is_known and not cost["open"] and not cost["unpriced"]


def list_needs(entries: Entries) -> Iterator[tuple[str, str]]:
    """Yield the consents, each with the keys of all that need it."""
    for need, owners in _find_owners(entries, lambda subject: subject.needs):
        yield "needs", need.replace("{keys}", ",".join(map(words.format_name, owners)))


def list_notes(
    label: str, entries: Entries, notes: Callable[[Subject], Sequence[str]]
) -> Iterator[tuple[str, str]]:
    """Yield notes on workflows, each with the keys of all that it is about."""
    for text, owners in _find_owners(entries, notes):
        yield label, f"{name_keys(owners)}: {text}"


def _find_owners(
    entries: Entries, notes: Callable[[Subject], Sequence[str]]
) -> Iterable[tuple[str, Sequence[str]]]:
    keys: dict[str, list[str]] = {}
    for entry in entries:
        for text in notes(entry.subject):
            keys.setdefault(text, []).append(entry.subject.key)
    return keys.items()


def make_report(
    subjects: Sequence[Subject],
    *,
    label: str = "",
    prices: Mapping[str, float] = EMPTY,
    needs: Sequence[str] = (),
    not_checked: Sequence[str] = (),
    notes: Sequence[str] = (),
    record: RecordingReader | None = None,
) -> Report:
    """Return the report on some workflows.

    Args:
        subjects: The workflows, each with both sides.
        label: What is compared, such as an environment or `old.py → new.py`.
        prices: Dollars a row by kind, in place of those that are documented.
        needs: Consents that no single workflow needs.
        not_checked: What could not be found out of the whole.
        notes: Further lines, after the first ones.
        record: Reads the rows of a run, which are sent through both sides.
    """
    entries = [compare_subject(subject, prices, record) for subject in subjects]
    loud = [entry for entry in entries if entry.state not in QUIET]
    counts = Counter(entry.state for entry in entries)
    words = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    labelled = [
        *list_first(loud, is_alone=len(entries) == 1),
        *list_spending(loud),
        *list_costs(loud),
        *list_needs(entries),
        *(("needs", need) for need in needs),
        *list_notes("to keep ids", entries, lambda s: [*map(str, s.advice)]),
        *list_notes("not checked", entries, _list_doubts),
        *(("not checked", text) for text in not_checked),
        *list_notes("unmanaged", loud, lambda subject: subject.unmanaged),
    ]
    headline = f"{label}: {words}" if label and words else words or "no workflows"
    data = {
        "label": label,
        "counts": {**counts},
        "needs": [*needs],
        "not_checked": [*not_checked],
        "workflows": [_as_data(entry) for entry in entries],
    }
    return Report(
        headline,
        [*align(labelled), *map(Line, notes)],
        group_alike(loud),
        mask(data),
        bool(loud),
    )


def _list_doubts(subject: Subject) -> Sequence[str]:
    """Return what could not be found out. One side may not tell its schedules."""
    sides = [side.schedules for side in (subject.before, subject.after) if side]
    is_open = None in sides and any(sides)
    doubt = "schedules, since one side does not list them"
    return [*subject.not_checked, *[doubt] * is_open]


def _as_data(entry: Entry) -> dict[str, Any]:
    """Return a workflow with all its changes. What is not there has no key."""
    subject, comparison = entry.subject, entry.comparison
    sides = {"before": subject.before, "after": subject.after}
    ids = {f"id_{name}": side.id for name, side in sides.items() if side is not None}
    facts = {"before": comparison.before, "after": comparison.after}
    costs = {name: side.facts["cost",] for name, side in facts.items() if side}
    return {
        "key": subject.key,
        "state": entry.state,
        "note": subject.note,
        "place": subject.place,
        "was": subject.was,
        **ids,
        "needs": [*subject.needs],
        "not_checked": [*subject.not_checked],
        "unmanaged": [*subject.unmanaged],
        "old_names": {**comparison.old_names},
        "cost": costs,
        "changes": [_change_data(entry, change) for change in entry.changes.values()],
        **({"spends": [*map(asdict, subject.spends)]} if subject.spends else {}),
        **({} if entry.edited is None else {"edited": _as_path_lists(entry.edited)}),
        **({"rows": comparison.replay.as_data()} if comparison.replay else {}),
        **({"advice": [*map(asdict, subject.advice)]} if subject.advice else {}),
    }


def _as_path_lists(paths: frozenset[Path]) -> list[Any]:
    return sorted(map(_path_data, paths), key=str)


def _path_data(path: Path) -> list[Any]:
    return [[part.name] if isinstance(part, Item) else part for part in path]


def _change_data(entry: Entry, change: Change) -> dict[str, Any]:
    data: dict[str, Any] = {"path": _path_data(change.path)}
    for name, side in (("before", change.before), ("after", change.after)):
        if side is UNKNOWN:
            data[f"{name}_unknown"] = True
        elif side is not MISSING:
            data[name] = side
    if change.default is not MISSING:
        data["default"] = change.default
    if change.path[0] == "finding":
        data["message"] = find_message(entry, change)
    return data
