"""Facts about groups of workflows. Each is said once, with the workflows it is about.

What is sure is kept apart from what only becomes true if a workflow is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from ...text import join_first, join_words, pluralize
from ._grouping import Group
from ._view import View
from ._words import MOST_NAMED, Quote, join_groups, name_view

GroupFact: TypeAlias = tuple[Group, str]
"""A fact in words, and the group that it is about."""

MOST_FACTS: Final = 4
"""The most facts of one sort that the first lines say."""

MOST_EXCEPTED: Final = 2
"""The most workflows that are named as exceptions."""


def list_alike(
    sorts: Sequence[Sequence[GroupFact]], groups: Sequence[Group], quote: Quote
) -> Iterator[tuple[int, str]]:
    """Yield facts in words, each with the number of its sort.

    Args:
        sorts: The facts of each sort, the gravest sort first.
        groups: All groups of the review.
        quote: Writes a name that data gives.
    """
    for sort, found in enumerate(sorts):
        having: dict[str, list[Group]] = {}
        for group, fact in found:
            if not _is_refused(group):
                having.setdefault(fact, []).append(group)
        for fact, alike in [*having.items()][:MOST_FACTS]:
            yield sort, f"{_begin_fact(alike, groups, quote)}{fact}"
        if (more := len(having) - MOST_FACTS) > 0:
            yield sort, pluralize(more, "more fact")
    yield from _list_if_overwritten(sorts, quote)


def _list_if_overwritten(
    sorts: Sequence[Sequence[GroupFact]], quote: Quote
) -> Iterator[tuple[int, str]]:
    """Yield the facts about workflows that a deploy refuses, one text for each."""
    found = [(sort, *one) for sort, facts in enumerate(sorts) for one in facts]
    sure = {fact for _, group, fact in found if not _is_refused(group)}
    others = {v for _, group, _ in found if not _is_refused(group) for v in group.views}
    owners: dict[str, tuple[Group, dict[str, int]]] = {}
    for sort, group, fact in found:
        if _is_refused(group):
            facts = owners.setdefault(repr(group.keys), (group, {}))[1]
            facts.setdefault(fact, sort)
    alike: dict[tuple[str, ...], tuple[int, list[View]]] = {}
    for group, facts in owners.values():
        is_same = bool(sure) and sure <= facts.keys()
        same = [f"the same as for the other {len(others):,}"] if is_same else []
        texts = (*same, *(fact for fact in facts if not is_same or fact not in sure))
        alike.setdefault(texts, (min(facts.values()), []))[1].extend(group.views)
    for texts, (sort, views) in [*alike.items()][:MOST_FACTS]:
        named = join_words((name_view(view, quote) for view in views), MOST_NAMED)
        yield sort, f"if you overwrite {named}: {'; '.join(texts)}"
    if rest := [*alike.values()][MOST_FACTS:]:
        number = sum(len(views) for _, views in rest)
        more = pluralize(number, "more workflow")
        yield min(sort for sort, _ in rest), f"{more}, if you overwrite them"


def _is_refused(group: Group) -> bool:
    return group.one.action == "refuse"


def _begin_fact(alike: Sequence[Group], groups: Sequence[Group], quote: Quote) -> str:
    """Return the start of a fact that names its workflows, as in `a and b: `.

    It is empty if the review has no others. Many are named by the few that are missing.

    Args:
        alike: The groups that the fact is about.
        groups: All groups of the review.
        quote: Writes a name that data gives.
    """
    acting = [group for group in groups if group.one.action != "none"]
    ones = [view for group in alike for view in group.views]
    sure = [v for group in acting if not _is_refused(group) for v in group.views]
    named_ones = {*ones}
    others = [view for view in sure if view not in named_ones]
    if not others and not any(map(_is_refused, acting)):
        return ""
    if len(ones) <= MOST_NAMED:
        named = join_words(name_view(view, quote) for view in ones)
        return f"{named}: "
    number = f"{len(ones):,} workflows"
    if not others:
        return f"{number}: "
    if len(others) <= MOST_EXCEPTED:
        excepted = join_words(name_view(view, quote) for view in others)
        return f"{number} (all but {excepted}): "
    if len(alike) <= MOST_NAMED + 1:
        return f"{join_groups(alike, quote, MOST_NAMED + 1)}: "
    return f"{number} ({join_first(ones, MOST_NAMED, lambda v: name_view(v, quote))}): "
