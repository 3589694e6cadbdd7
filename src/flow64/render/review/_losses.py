"""What a review says of what breaks or is lost in its first lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ...text import join_first, join_words, pluralize
from ._grouping import Group
from ._outcomes import MOST_GROUPS, MOST_KEYS
from ._versions import list_lost_values, replaces_edits
from ._view import View
from ._words import Quote, join_groups, name_group


def list_breaks(groups: Sequence[Group], quote: Quote) -> Iterator[str]:
    """Yield what breaks: reads, columns that are gone, and new errors."""

    def join(things: Sequence[str]) -> str:
        return join_first(things, MOST_KEYS, quote)

    def lose(columns: Sequence[str]) -> str:
        what = "column" if len(columns) == 1 else "columns"
        return f"the output loses the {what} {join(columns)}" if columns else ""

    yield from _list_alike(
        groups,
        quote,
        lambda view: join_first(
            view.broken_reads, MOST_KEYS, lambda one: one.explain(quote)
        ),
    )
    yield from _list_alike(groups, quote, lambda view: lose(view.dropped_columns))
    yield from _list_alike(
        groups,
        quote,
        lambda view: join(view.errors) and f"new error in checks: {join(view.errors)}",
    )


def _list_alike(
    groups: Sequence[Group], quote: Quote, describe: Callable[[View], str]
) -> Iterator[str]:
    """Yield what some groups have. Groups with the same are named together."""
    having: dict[str, list[Group]] = {}
    for group in groups:
        if described := describe(group.first):
            is_refused = group.one.action == "refuse"
            condition = "if you overwrite, " if is_refused else ""
            having.setdefault(f"{condition}{described}", []).append(group)
    for described, alike in [*having.items()][:MOST_GROUPS]:
        yield f"{join_groups(alike, quote, MOST_GROUPS)}: {described}"
    if (more := len(having) - MOST_GROUPS) > 0:
        yield pluralize(more, "more group")


def list_losses(groups: Sequence[Group], quote: Quote) -> Iterator[str]:
    """Yield what a deploy takes away from the service, or would if it is allowed."""
    yield from _list_alike(
        [group for group in groups if group.one.action == "update"],
        quote,
        lambda view: join_first(
            view.lost_rows, MOST_KEYS, lambda one: one.explain(quote)
        ),
    )
    for is_refused in (False, True):
        losing = [
            group
            for group in groups
            if (group.one.action == "refuse") == is_refused and replaces_edits(group)
        ]
        lost = [
            f"{name_group(group, quote)}: {join_first(found, 2, quote)}"
            for group in losing
            if (found := list_lost_values(group.first))
        ]
        if lost:
            more = len(lost) - MOST_GROUPS
            rest = [pluralize(more, "more group")] if more > 0 else []
            listed = "; ".join([*lost[:MOST_GROUPS], *rest])
            condition = "if you overwrite, " if is_refused else ""
            yield f"{condition}this is lost on the service: {listed}"
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
