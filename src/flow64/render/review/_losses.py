"""What a review says of what breaks or is lost in its first lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ...text import join_first, join_words
from ._alike import GroupFact, list_alike
from ._grouping import Group
from ._outcomes import MOST_GROUPS, MOST_KEYS, list_passing
from ._versions import list_lost_values, replaces_edits
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
        (part, f"the service loses {join_first(found, MOST_VALUES, quote)}")
        for part in losing
        if (found := list_lost_values(part.first))
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


MOST_VALUES: Final = 2
"""The most values of a workflow that the first lines name."""
