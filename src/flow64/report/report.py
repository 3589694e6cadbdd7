"""A report: what changes in workflows, as lines and as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..definition import EMPTY
from ..diff.compare import Change
from ..diff.facts import MISSING, UNKNOWN, Item, Path
from ..secrets import mask
from . import first_lines
from .groups import group_alike
from .lines import Line, Report, align
from .subjects import QUIET, Entry, Subject, compare_subject, find_message


def make_report(
    subjects: Sequence[Subject],
    *,
    label: str = "",
    prices: Mapping[str, float] = EMPTY,
    needs: Sequence[str] = (),
    not_checked: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Report:
    """Return the report on some workflows.

    Args:
        subjects: The workflows, each with both sides.
        label: What the earlier side is called, such as an environment.
        prices: Dollars a row by kind, in place of those that are documented.
        needs: Consents that no single workflow needs.
        not_checked: What could not be found out of the whole.
        notes: Further lines, after the first ones.
    """
    entries = [compare_subject(subject, prices) for subject in subjects]
    loud = [entry for entry in entries if entry.state not in QUIET]
    counts = Counter(entry.state for entry in entries)
    words = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    labelled = [
        *first_lines.list_first(loud, is_alone=len(entries) == 1),
        *first_lines.list_costs(loud),
        *first_lines.list_needs(entries),
        *(("needs", need) for need in needs),
        *first_lines.list_notes(
            "not checked", entries, lambda subject: subject.not_checked
        ),
        *(("not checked", text) for text in not_checked),
        *first_lines.list_notes("unmanaged", loud, lambda subject: subject.unmanaged),
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
        **({} if entry.edited is None else {"edited": _list_edited(entry.edited)}),
    }


def _list_edited(paths: frozenset[Path]) -> list[Any]:
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
