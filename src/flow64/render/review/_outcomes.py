"""What a review says of the changes in its first lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from ...diff import ARROW, THE_BLOCK, Line, PassingChanged, Section
from ...plan import Review, ScheduleRef
from ...text import join_first, join_words, pluralize, truncate
from ._alike import GroupFact, list_alike
from ._grouping import Group
from ._versions import get_edit, list_change_sections
from ._view import View
from ._words import (
    BECOMES,
    STATES,
    Quote,
    describe_own_values,
    join_schedules,
    join_ways,
    list_changes,
    name_view,
    title_listed_kinds,
)

MOST_GROUPS: Final = 4
"""The most groups that one answer names."""

MOST_KEYS: Final = 3
"""The most keys that the first lines name."""

MOST_TEXT: Final = 120
"""The most characters of a change in the first lines."""


def list_outcomes(
    review: Review, groups: Sequence[Group], quote: Quote, sentence: Quote
) -> Iterator[str]:
    """Yield what happens to how many workflows, and the changes if they are few.

    Args:
        review: The review.
        groups: Its groups.
        quote: Writes a name that data gives.
        sentence: Writes a sentence with words of data in it.
    """
    what = "workflow"
    for views, words in _sort_by_outcome(groups):
        if words in _ONE_BY_ONE and len(views) <= MOST_KEYS:
            describe = _ONE_BY_ONE[words]
            yield from (describe(review, view, quote) for view in views)
        else:
            number = pluralize(len(views), what) if what else f"{len(views):,}"
            yield f"{number} {words[len(views) > 1]}{_name_few(views, quote)}"
        what = ""
    if edited := _list_also_edited(groups):
        were = "was" if len(edited) == 1 else "were"
        named = join_words((name_view(view, quote) for view in edited), MOST_GROUPS)
        since = "also edited on the service since the last deploy (drifted)"
        yield f"{len(edited):,} of them {were} {since}: {named}"
    facts = (
        [*_list_changes(groups, quote, sentence)],
        list_passing(groups, quote, sentence, passes=True),
        [*_list_new_columns(groups, quote, sentence)],
    )
    yield from (text for _, text in list_alike(facts, groups, quote))
    yield from _describe_schedules(groups, quote, sentence)
    if review.listed_kinds:
        yield title_listed_kinds(review)
    unchanged = _count_unchanged(review, groups)
    if what and not review.listed_kinds:
        yield f"nothing{unchanged and f' ({unchanged})'}"
    elif unchanged:
        yield unchanged


def _sort_by_outcome(
    groups: Sequence[Group],
) -> Iterator[tuple[Sequence[View], tuple[str, str]]]:
    """Yield the workflows that have the same outcome, with words for it."""
    edited = _list_also_edited(groups)
    for action, words in BECOMES.items():
        found = [
            v for group in groups if group.one.action == action for v in group.views
        ]
        if action == "update" and edited:
            yield [*found, *edited], _CHANGES
        elif found:
            yield found, words
    left: dict[tuple[str, str], list[View]] = {
        words: [] for words in (*STATES.values(), _KEPT)
    }
    for group in groups:
        is_left = group.one.action in ("none", "refuse") and not group.is_unchanged
        words = _KEPT if group.is_only_renamed else STATES[group.one.state]
        if is_left and group.first not in edited:
            left[words] += group.views
    yield from ((views, words) for words, views in left.items() if views)


def _list_also_edited(groups: Sequence[Group]) -> Sequence[View]:
    """Return the workflows that change like others, and were edited as well."""
    return [view for group in _list_edited_groups(groups) for view in group.views]


def _list_edited_groups(groups: Sequence[Group]) -> Sequence[Group]:
    if not any(group.one.action == "update" for group in groups):
        return []
    return [
        group
        for group in groups
        if group.one.action == "refuse" and group.one.state == "conflict"
    ]


def _count_unchanged(review: Review, groups: Sequence[Group]) -> str:
    """Return how many of the workflows are unchanged; empty if none is.

    Those with a new key in the code are named, so they are not counted.
    """
    renamed = sum(len(group.views) for group in groups if group.is_only_renamed)
    number = sum(one.state == "unchanged" for one in review.workflows) - renamed
    return f"{number:,} of {len(review.workflows):,} unchanged" if number > 0 else ""


_CHANGES: Final = ("changes in the code", "change in the code")
_KEPT: Final = (
    "has a new key in the code, and stays the same workflow",
    "have new keys in the code, and stay the same workflows",
)


def _describe_new_key(review: Review, view: View, quote: Quote) -> str:
    """Return what `was=` does, of one workflow."""
    old, key = join_ways(view.old_keys, quote), quote(view.step.key)
    stays = "" if review.env is None else f". {_STAYS}"
    return f"{old} is renamed {key} in the code{stays}"


_STAYS: Final = (
    "The new key is only in the code: the workflow on the service stays as it is, "
    "with its id, history and schedules"
)


def _describe_question(_: Review, view: View, quote: Quote) -> str:
    """Return what is to be decided about a new workflow that may have an old key."""
    key = quote(view.step.key)
    if not view.old_keys:  # a saved plan has them in its reasons alone
        return f"flow64 cannot tell whether {key} is new, or was renamed"
    old = join_words(map(quote, view.old_keys), MOST_KEYS)
    are = "is" if len(view.old_keys) == 1 else "are"
    same = "new" if view.differences else "new and otherwise the same"
    return (
        f"{old} {are} gone from the code, and {key} is {same}: renamed, or a second "
        "workflow?"
    )


_ONE_BY_ONE: Final[Mapping[tuple[str, str], Callable[[Review, View, Quote], str]]] = {
    _KEPT: _describe_new_key,
    STATES["new"]: _describe_question,
}
"""Outcomes that are described for each workflow, unless there are many."""


def _name_few(views: Sequence[View], quote: Quote) -> str:
    """Return the names of a few workflows, in parentheses; empty for many."""
    if len(views) > MOST_KEYS:
        return ""
    return f" ({join_words(name_view(view, quote) for view in views)})"


def _list_changes(
    groups: Sequence[Group], quote: Quote, sentence: Quote
) -> Iterator[GroupFact]:
    """Yield the changes of written workflows, and then of those also edited."""
    written = [group for group in groups if group.one.action == "update"]
    for group in (*written, *_list_edited_groups(groups)):
        for text in _describe_changes(group, quote, sentence):
            yield group, text


def list_passing(
    groups: Sequence[Group], quote: Quote, sentence: Quote, *, passes: bool
) -> Sequence[GroupFact]:
    """Return the rows that now pass a filter, or that no longer do.

    If many workflows of a group have limits of their own, the limits are left out.
    """
    found: list[GroupFact] = []
    for group in groups:
        rows: dict[str, list[tuple[Group, PassingChanged]]] = {}
        for part in group.parts:
            for one in part.first.list_passing(passes=passes):
                rows.setdefault(str(one.block), []).append((part, one))
        for same in rows.values():
            texts = [one.explain(quote, sentence) for _, one in same]
            if len({*texts}) > MOST_LIMITS:
                texts = [one.explain_briefly(quote) for _, one in same]
            found += zip([part for part, _ in same], texts, strict=True)
    return found


MOST_LIMITS: Final = 2
"""The most pairs of limits of one filter that the first lines name for a group."""


def _list_new_columns(
    groups: Sequence[Group], quote: Quote, sentence: Quote
) -> Iterator[GroupFact]:
    """Yield the columns that outputs gain, and the blocks that take them outside."""
    for group in groups:
        view = group.first
        columns = view.added_columns if group.one.changes else ()
        several = len(columns) > 1
        it = "them" if several else "it"
        sends = f"sends {it} to another system" if group.has_targets else ""
        sent = "".join(
            f"; {quote(name)} gets {it} too, and {sends or sentence(target)}"
            for name, target in view.list_senders(is_after=True)[:MOST_KEYS]
        )
        if columns:
            named = join_first(columns, MOST_KEYS, quote)
            yield group, f"the output gains the column{'s' * several} {named}{sent}"


def list_schedules(groups: Sequence[Group]) -> Sequence[tuple[str, ScheduleRef]]:
    """Return the schedules that will run what a deploy changes, with the keys."""
    return [
        (view.step.key, schedule)
        for group in groups
        if group.one.action == "update"
        for view in group.views
        for schedule in view.step.touched.schedules or ()
    ]


def _describe_schedules(
    groups: Sequence[Group], quote: Quote, sentence: Quote
) -> Iterator[str]:
    """Yield which schedules will run what a deploy changes, if they are known."""
    if found := list_schedules(groups):
        number = pluralize(len(found), "schedule")
        listed = join_schedules(
            found, quote, sentence, is_named=len({key for key, _ in found}) > 1
        )
        yield f"{number} will run the changed version: {listed}"


def _describe_changes(group: Group, quote: Quote, sentence: Quote) -> Sequence[str]:
    """Return the changes of a group in words, without edges."""
    view = group.first
    found = list_changes(group) if group.has_values else list_change_sections(view)
    return [
        _describe_line(view, section, line, quote, sentence)
        for section in found
        if not section.is_about_edges
        for line in section.lines
        if not line.depth
    ]


def _describe_line(
    view: View, section: Section, line: Line, quote: Quote, sentence: Quote
) -> str:
    """Return a line and what it is about, in words instead of its sign."""
    block = quote(section.title.removeprefix(_BLOCK)) if section.title else ""
    text = truncate(line.text, MOST_TEXT)
    if line.is_about_block:
        place = ""
        if line.sign == "+" and section.block is not None:
            place = _describe_place(view, section.block, quote)
        return f"{_BLOCK}{block} {sentence(text.removeprefix(THE_BLOCK))}{place}"
    if values := describe_own_values(line, quote, sentence):
        return f"{block}{': ' * bool(block)}{values}"
    if line.before is None:
        if block and line.sign in _VERBS:
            return f"{block} {_VERBS[line.sign]} {quote(text)}"
        return f"{block}: {sentence(text)}" if block else sentence(text)
    old, new = (
        part if part.isdecimal() else quote(truncate(part, MOST_TEXT))
        for part in (line.before, str(line.after))
    )
    about = f"{block}: " if block else ""
    label = f"{sentence(line.label.rstrip())} " if line.label else ""
    return f"{about}{label}{old} {ARROW} {new}{_describe_edit(line, old)}"


_BLOCK: Final = "block "
"""Start of the title of lines about a block."""


def _describe_edit(line: Line, old: str) -> str:
    """Return the part of an edit in a change; empty if nothing was edited."""
    edit = get_edit(line)
    if edit is None:
        return ""
    if edit.before == line.after:
        return " (undoes an edit on the service)"
    return f" ({old} was set on the service)"


_VERBS: Final = {"+": "now has", "-": "no longer has"}
"""What a sign says of a block."""


def _describe_place(view: View, block: str, quote: Quote) -> str:
    """Return where a new block stands in the flow."""
    before, after = (
        join_words(map(quote, names), MOST_KEYS)
        for names in view.find_neighbours(block)
    )
    if before and after:
        return f", between {before} and {after}"
    if before or after:
        return f", after {before}" if before else f", before {after}"
    return ""
