"""Workflows whose changes are the same, shown once: one change in 38 of 40 variants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from ...diff import Change, Section, sections
from ...plan import Action, Step
from ._view import View

SHARED: Final = 2
"""Workflows that a change has to be shared by, before another group refers to it."""


_ORDER: Final[Sequence[Action]] = (
    "refuse",
    "delete",
    "update",
    "create",
    "stamp",
    "none",
)


@frozen(eq=False)
class Group:
    """Workflows that are shown as one, since the same becomes of them.

    Attributes:
        views: They, in the order of the review.
        like: The group of which this one has a change in common; None where it has
            none, or where it is that group.
        besides: What changes here beyond what changes there.
        without: What changes there and not here.
        follows: What follows; beyond what follows there, where it is like a group.
    """

    views: Sequence[View]
    like: Group | None = None
    besides: Sequence[Section] = ()
    without: Sequence[Section] = ()
    follows: Sequence[Section] = ()

    @property
    def first(self) -> View:
        """The one that stands for all."""
        return self.views[0]

    @property
    def one(self) -> Step:
        """What becomes of each of them."""
        return self.first.step

    @property
    def is_drawn(self) -> bool:
        """Whether a picture shows more than the one of the group that it is like."""
        if self.like is None:
            return self.first.is_new or self.first.is_drawn
        found = (*self.besides, *self.without)
        return any(section.title for section in found)

    @property
    def has_source(self) -> bool:
        """Whether it is shown as code: what changes, where it is told by itself."""
        is_told = self.first.is_new or bool(self.one.changes)
        return self.like is None and self.one.details.after is not None and is_told

    @property
    def keys(self) -> Sequence[str]:
        """What they are called."""
        return [view.step.key for view in self.views]

    @property
    def label(self) -> str:
        """What they are called together, in a few words."""
        keys = self.keys
        if len(keys) == 1:
            return keys[0]
        heads = {key.split("/")[0] for key in keys}
        if len(heads) == 1 and all("/" in key for key in keys):
            return f"{heads.pop()}/*"
        return f"{keys[0]}, ..."

    @property
    def reasons(self) -> Sequence[tuple[str, int]]:
        """Why, in words, each with how many it is true of."""
        return count_texts(view.step.reasons for view in self.views)

    @property
    def doubts(self) -> Sequence[tuple[str, int]]:
        """What nobody could check, each with how many it is true of."""
        return count_texts(view.step.not_checked for view in self.views)

    @property
    def files(self) -> Sequence[str]:
        """The files they are written in."""
        found = (view.step.details.file for view in self.views)
        return [*dict.fromkeys(file for file in found if file is not None)]


def group_alike(workflows: Iterable[Step], *, in_full: bool = False) -> Sequence[Group]:
    """Group the workflows that change alike.

    What stops a deploy comes first, then what is deleted, changed, created.

    Args:
        workflows: Those of which there is something to say.
        in_full: Give each workflow a group of its own.
    """
    found: dict[str, list[View]] = {}
    for one in sorted(workflows, key=lambda one: _ORDER.index(one.action)):
        view = View(one)
        found.setdefault(one.key if in_full else view.signature, []).append(view)
    groups = [
        Group(views, follows=views[0].follow_sections) for views in found.values()
    ]
    # One is enough to refer to: the change that most workflows have.
    common = max(groups, key=_weight, default=None)
    if in_full or common is None or len(common.views) < SHARED:
        return groups
    return [_compared(group, common) for group in groups]


def count_texts(found: Iterable[Iterable[str]]) -> Sequence[tuple[str, int]]:
    """Return texts in the order they come, each with its number."""
    return [*Counter(text for texts in found for text in texts).items()]


def _weight(group: Group) -> tuple[bool, int]:
    return bool(group.first.changes), len(group.views)


def _compared(group: Group, common: Group) -> Group:
    """The group, told by what it does otherwise than most."""
    if group is common:
        return group
    ours, theirs = group.first, common.first
    here, there = set(ours.change_signatures), set(theirs.change_signatures)
    # What has little in common is plainer told by itself.
    if len(here & there) * 2 < max(len(here), len(there), 1):
        return group
    return Group(
        group.views,
        common,
        besides=sections(_beyond(ours, there)),
        without=sections(_beyond(theirs, here)),
        follows=[*_more(ours.follow_sections, theirs.follow_sections)],
    )


def _more(found: Sequence[Section], known: Sequence[Section]) -> Iterator[Section]:
    """What follows here, without what follows there as well."""
    there = {section.title: set(section.lines) for section in known}
    for section in found:
        seen = there.get(section.title, set())
        lines = [line for line in section.lines if line not in seen]
        if lines:
            yield Section(section.title, lines)


def _beyond(view: View, known: set[str]) -> Iterable[Change]:
    pairs = zip(view.changes, view.change_signatures, strict=True)
    return [change for change, signature in pairs if signature not in known]
