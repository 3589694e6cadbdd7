"""What a review says of what breaks or is lost in its first lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ...text import join_first, join_words
from ._grouping import Group
from ._outcomes import MOST_GROUPS, MOST_KEYS, list_rows
from ._versions import list_lost_values, replaces_edits
from ._words import Quote, join_groups, list_alike


def list_breaks(groups: Sequence[Group], quote: Quote) -> Iterator[str]:
    """Yield what breaks: reads, columns that are gone, and new errors."""

    def explain(group: Group) -> Iterator[str]:
        view = group.first
        if view.broken_reads:
            yield join_first(
                view.broken_reads, MOST_KEYS, lambda one: one.explain(quote)
            )

    def lose(group: Group) -> Iterator[str]:
        view = group.first
        if columns := view.dropped_columns:
            what = "column" if len(columns) == 1 else "columns"
            yield f"the output loses the {what} {join_first(columns, MOST_KEYS, quote)}"

    def report(group: Group) -> Iterator[str]:
        view = group.first
        if view.errors:
            yield f"new error in checks: {join_first(view.errors, MOST_KEYS, quote)}"

    for describe in (explain, lose, report):
        yield from list_alike(groups, groups, quote, describe, is_conditional=True)


def list_losses(groups: Sequence[Group], quote: Quote) -> Iterator[str]:
    """Yield what a deploy takes away from the service, or would if it is allowed."""

    def lose_values(group: Group) -> Iterator[str]:
        if found := list_lost_values(group.first):
            yield f"the service loses {join_first(found, MOST_VALUES, quote)}"

    losing = [part for group in groups if replaces_edits(group) for part in group.parts]
    yield from list_rows(groups, quote, passes=False)
    yield from list_alike(losing, groups, quote, lose_values, is_conditional=True)
    deleted = [group for group in groups if group.one.action == "delete"]
    if deleted:
        their = "its" if len(deleted) == len(deleted[0].views) == 1 else "their"
        named = join_groups(deleted, quote, MOST_GROUPS)
        yield f"{named}: deleted, with {their} history and schedules"
    for view in [one for group in groups for one in group.views if one.rename][
        :MOST_GROUPS
    ]:
        old = join_words(map(quote, view.old_keys), MOST_KEYS)
        keeps = "keeps" if len(view.old_keys) == 1 else "keep"
        yield (
            f"as another workflow, {quote(view.step.key)} starts without history and "
            f"schedules, and {old} {keeps} running"
        )


MOST_VALUES: Final = 2
"""The most values of a workflow that the first lines name."""
