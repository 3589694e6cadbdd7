"""What a review says of what breaks or is lost, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ...diff import ReadBroken
from ...text import join_first, join_words
from ._alike import GroupFact, list_alike
from ._grouping import Group
from ._outcomes import MOST_GROUPS, MOST_KEYS, list_passing
from ._versions import list_lost_values, replaces_edits
from ._view import View
from ._words import Quote, join_groups


def list_losses(
    groups: Sequence[Group], quote: Quote, sentence: Quote
) -> Iterator[tuple[bool, str]]:
    """Yield what breaks or is lost, each with whether it breaks.

    A deploy may also take something away from the service, or would if it is allowed.
    """
    breaks = [
        (group, text)
        for group in groups
        for text in _list_breaks(group, quote, sentence)
    ]
    losing = [part for group in groups if replaces_edits(group) for part in group.parts]
    values: list[GroupFact] = [
        (part, f"the service loses {join_first(found, MOST_VALUES)}")
        for part in losing
        if (found := list_lost_values(part.first, quote, sentence))
    ]
    sorts = breaks, list_passing(groups, quote, sentence, passes=False), values
    yield from ((not sort, text) for sort, text in list_alike(sorts, groups, quote))
    deleted = [group for group in groups if group.one.action == "delete"]
    if deleted:
        their = "its" if len(deleted) == len(deleted[0].views) == 1 else "their"
        named = join_groups(deleted, quote, MOST_GROUPS)
        yield True, f"{named}: deleted, with {their} history and schedules"
    for view in [one for group in groups for one in group.views if one.rename][
        :MOST_GROUPS
    ]:
        old = join_words(map(quote, view.old_keys), MOST_KEYS)
        stays = "stays on the service and keeps running"
        if len(view.old_keys) > 1:
            stays = "stay on the service and keep running"
        key = quote(view.step.key)
        yield False, f"if {key} is a second workflow: {_BEGINS}; {old} {stays}"


_BEGINS: Final = "it starts without history and schedules"


def _list_breaks(group: Group, quote: Quote, sentence: Quote) -> Iterator[str]:
    """Yield what breaks: reads, columns that are gone, and new errors."""
    view = group.first
    if reads := view.broken_reads:
        yield join_first(reads, MOST_KEYS, lambda one: one.explain(quote))
    unfed = [
        f"{quote(name)}{which} probably gets no row"
        for one in reads
        if one.stops_rows
        for name, target in view.list_senders_behind(one.block)
        for which in ["" if group.has_targets else f", which {sentence(target)},"]
    ]
    yield from [*dict.fromkeys(unfed)][:MOST_KEYS]
    if columns := view.dropped_columns:
        what, it = ("column", "it") if len(columns) == 1 else ("columns", "them")
        senders = [name for name, _ in view.list_senders(is_after=False)]
        misses = ""
        if senders := [*dict.fromkeys(senders)]:
            get = "gets" if len(senders) == 1 else "get"
            misses = f"; {join_first(senders, MOST_KEYS, quote)} no longer {get} {it}"
        named = join_first(columns, MOST_KEYS, quote)
        yield f"the output loses the {what} {named}{misses}"
    if view.errors:
        yield f"new error in checks: {join_first(view.errors, MOST_KEYS, quote)}"


def list_fixes(views: Sequence[View], quote: Quote) -> Iterator[str]:
    """Yield what the author can do about what breaks."""
    found = dict.fromkeys(
        _describe_fix(view, one, quote) for view in views for one in view.broken_reads
    )
    yield from [*found][:MOST_KEYS]
    if found:
        return
    columns = [*dict.fromkeys(c for view in views for c in view.dropped_columns)]
    if columns:
        names = join_first(columns, MOST_GROUPS, quote)
        yield f"keep {names} in the output if something reads it there"
    else:
        yield "correct what the checks call an error"


def _describe_fix(view: View, read: ReadBroken, quote: Quote) -> str:
    """Return how the author can bring a column to the block that reads it."""
    block, column = quote(str(read.block)), quote(read.name)
    gone = view.list_removed_producers(read.name)
    if read.later is not None:
        back = f"move {block} after {quote(str(read.later))}"
    elif gone:
        back = f"put {join_words(map(quote, gone), MOST_GROUPS, last='or')} back"
    else:
        back = f"put back what added {column} before {block}"
    return f"{back}, or change {block}, which reads {column}"


MOST_VALUES: Final = 2
"""The most values of a workflow that the first lines name."""
