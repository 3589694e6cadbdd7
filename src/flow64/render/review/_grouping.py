"""Group workflows that change alike, such as 38 of 40 variants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from attrs import evolve, frozen

from ...diff import (
    Change,
    Consequence,
    Section,
    list_shared_lines,
    merge_sections,
    outline_change,
)
from ...plan import WHY, Action, Review, Step, format_rename_reason
from ._view import View

SHARED: Final = 2
"""Workflows that must share a change before another group refers to it."""


_ORDER: Final[Sequence[Action]] = (
    "delete",
    "update",
    "create",
    "stamp",
    "refuse",
    "none",
)


_LEFT: Final = ("orphan", "removed")
"""States of workflows that are no longer in the code."""


@frozen(eq=False)
class Group:
    """Workflows that are shown as one, since they change alike, but for values.

    Attributes:
        views: The workflows, in the order of the review.
        alike: The same workflows, those with the same values together.
        like: Another group with most of the same changes. None if there is none.
        besides: Changes here and not in the other group.
        without: Changes in the other group and not here.
        follows: The consequences; with another group, only those that it does not have.
    """

    views: Sequence[View]
    alike: Sequence[Sequence[View]] = ()
    like: Group | None = None
    besides: Sequence[Section] = ()
    without: Sequence[Section] = ()
    follows: Sequence[Section] = ()

    @property
    def first(self) -> View:
        """The workflow that stands for all."""
        return self.views[0]

    @property
    def one(self) -> Step:
        """The step of that workflow."""
        return self.first.step

    @property
    def parts(self) -> Sequence[Group]:
        """Workflows with the same values, each as a group."""
        return [Group(views) for views in self.alike] if self.has_values else [self]

    @property
    def by_cost(self) -> Sequence[Group]:
        """Workflows that cost the same before and after, each as a group."""
        found: dict[str, list[View]] = {}
        for part in self.parts:
            details = part.one.details
            costs = repr((details.cost_before, details.cost_after))
            found.setdefault(costs, []).extend(part.views)
        return [Group(views) for views in found.values()] if len(found) > 1 else [self]

    @property
    def has_values(self) -> bool:
        """Whether some of the workflows have values of their own."""
        return len(self.alike) > 1

    @property
    def has_targets(self) -> bool:
        """Whether the workflows have effects of their own, such as other targets."""
        return len({view.step.effects for view in self.views}) > 1

    def merge(
        self, list_changes: Callable[[View], Sequence[Change | Consequence]]
    ) -> Sequence[Section]:
        """Return changes of all the workflows as lines."""
        return merge_sections(
            [(part.keys, list_changes(part.first)) for part in self.parts]
        )

    @cached_property
    def sections(self) -> Sequence[Section]:
        """The changes of all the workflows; what is in them, if they are new."""
        if self.first.is_new:
            return self.merge(lambda view: view.contents)
        return self.merge(lambda view: view.changes)

    @property
    def is_drawn(self) -> bool:
        """Whether a picture shows more than that of the other group."""
        if self.like is None:
            return self.first.is_new or self.first.is_drawn
        found = (*self.besides, *self.without)
        return any(section.title for section in found)

    @property
    def has_source(self) -> bool:
        """Whether the changes are shown as code."""
        has_changes = self.first.is_new or bool(self.one.changes)
        return self.like is None and self.one.details.after is not None and has_changes

    @property
    def is_unchanged(self) -> bool:
        """Whether there is nothing to say but which fields the code does not set."""
        one = self.one
        is_idle = one.state == "unchanged" and one.action == "none"
        return is_idle and not one.settings and not one.details.was

    @property
    def is_only_renamed(self) -> bool:
        """Whether nothing is written, and the code says that the key is another one."""
        one = self.one
        is_kept = one.action == "none" and one.details.was is not None
        return is_kept and not one.settings

    @property
    def keys(self) -> Sequence[str]:
        """The keys of the workflows."""
        return [view.step.key for view in self.views]

    @property
    def label(self) -> str:
        """A short name for all of them."""
        if len(self.keys) == 1:
            return self.keys[0]
        return self.folder or f"{self.keys[0]}, ..."

    @property
    def folder(self) -> str | None:
        """The folder that all keys are in, as in `companies/*`."""
        heads = {key.split("/")[0] for key in self.keys}
        is_shared = len(heads) == 1 and all("/" in key for key in self.keys)
        return f"{heads.pop()}/*" if is_shared else None

    @property
    def reasons(self) -> Sequence[tuple[str, int]]:
        """The reasons that headings do not say, each with its number of workflows."""
        return count_texts(map(_list_reasons, self.views))

    @property
    def doubts(self) -> Sequence[tuple[str, int]]:
        """Facts that were not checked, each with the number of workflows."""
        return count_texts(one.not_checked for view in self.views for one in view.steps)

    @property
    def files(self) -> Sequence[str]:
        """The files of the workflows."""
        found = (view.step.details.file for view in self.views)
        return [*dict.fromkeys(file for file in found if file is not None)]


def group_review(
    review: Review, *, in_full: bool = False, has_unmanaged: bool = False
) -> Sequence[Group]:
    """Group what a review shows. Both workflows of a possible rename are one.

    Args:
        review: The review.
        in_full: Give each workflow a group of its own.
        has_unmanaged: Also show unchanged workflows with fields that code does not set.
    """
    stopped = {one.key for one in review.refused}
    renames = {one.key: one for one in review.renames if one.key in stopped}
    # If several fit equally, each is shown by itself.
    old = {one.orphan for one in renames.values() if not one.others}
    orphans = {
        one.key: one
        for one in review.workflows
        if one.state in _LEFT and one.action == "none" and one.key in old
    }
    views: list[View] = []
    for one in review.workflows:
        is_shown = (
            one.is_notable or one.details.was or (has_unmanaged and one.unmanaged)
        )
        if is_shown and one.key not in orphans:
            rename = renames.get(one.key)
            orphan = None if rename is None else orphans.get(rename.orphan)
            views.append(View(one, rename, orphan))
    return _group(views, in_full=in_full)


def group_alike(workflows: Iterable[Step], *, in_full: bool = False) -> Sequence[Group]:
    """Group the workflows that change alike.

    Args:
        workflows: The workflows to show.
        in_full: Give each workflow a group of its own.
    """
    return _group(map(View, workflows), in_full=in_full)


def _group(views: Iterable[View], *, in_full: bool) -> Sequence[Group]:
    """Group what is alike: first what a deploy writes, then what stops it."""
    order = sorted(views, key=lambda view: _ORDER.index(view.step.action))
    if in_full:
        groups = [Group([view]) for view in order]
    else:
        groups = [
            Group(alike, [*_sort_by(lambda view: view.signature, alike).values()])
            for alike in _sort_by(lambda view: view.outline, order).values()
        ]
    groups = [
        evolve(group, follows=group.merge(lambda view: view.shown_consequences))
        for group in groups
    ]
    # Others refer to one group: the change that most workflows have.
    common = max(groups, key=_weight, default=None)
    if in_full or common is None or len(common.views) < SHARED:
        return groups
    found = [_compare_with(group, common) for group in groups]
    return sorted(found, key=_order)


def _sort_by(
    text: Callable[[View], str], views: Iterable[View]
) -> Mapping[str, Sequence[View]]:
    """Return the workflows that have the same text, by this text."""
    found: dict[str, list[View]] = {}
    for view in views:
        found.setdefault(text(view), []).append(view)
    return found


def _list_reasons(view: View) -> Sequence[str]:
    """Return the reasons of a workflow, without those that its heading says."""
    said = {WHY["conflict"], WHY["drifted"]}
    if view.step.action == "update":
        said.add(WHY["update"])
    if view.rename is not None:
        said |= {WHY["new"], format_rename_reason(view.rename)}
    return [reason for reason in view.step.reasons if reason not in said]


def count_texts(found: Iterable[Iterable[str]]) -> Sequence[tuple[str, int]]:
    """Return texts in order of appearance, each with its count."""
    return [*Counter(text for texts in found for text in texts).items()]


def _order(group: Group) -> tuple[int, bool]:
    """Return the place of a group. One that refers to another one comes after it."""
    return _ORDER.index(group.one.action), group.like is not None


def _weight(group: Group) -> tuple[bool, int]:
    return bool(group.first.changes), len(group.views)


def _compare_with(group: Group, common: Group) -> Group:
    """Describe a group by its difference from the most common one.

    To decide about a group, one needs to see all of it.
    """
    if group is common or group.one.action == "refuse":
        return group
    here, there = (
        set.intersection(*(set(part.first.change_signatures) for part in one.parts))
        for one in (group, common)
    )
    # A group with little in common is clearer by itself.
    most = max(len(one.first.changes) for one in (group, common))
    if len(here & there) * 2 < max(most, 1):
        return group
    places = {*map(outline_change, group.first.changes)}

    def list_others(view: View) -> Sequence[Change]:
        """Return what the group has not, or has with another value than all."""
        return [
            change
            for change, signature in _sign_changes(view)
            if signature not in here
            and (signature in there or outline_change(change) not in places)
        ]

    return evolve(
        group,
        like=common,
        besides=group.merge(
            lambda view: [c for c, sign in _sign_changes(view) if sign not in there]
        ),
        without=list_shared_lines(common.merge(list_others)),
        follows=[*_list_new(group.follows, common.follows)],
    )


def _sign_changes(view: View) -> Iterable[tuple[Change, str]]:
    return zip(view.changes, view.change_signatures, strict=True)


def _list_new(found: Sequence[Section], known: Sequence[Section]) -> Iterator[Section]:
    """Yield the consequences that the other group does not have."""
    there = {section.title: section.lines for section in known}
    for section in found:
        seen = there.get(section.title, ())
        lines = [line for line in section.lines if line not in seen]
        if lines:
            yield Section(section.title, lines)
