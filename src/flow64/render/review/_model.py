"""What a reviewer is told of each workflow: data, from a plan or from two folders.

Nothing of the service is known here: a plan is turned into this where plans are made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from ...definition import Definition
from ...diff import Change, Consequence, Estimate, LiveSetting
from ...plan import Flag

Action: TypeAlias = Literal["none", "create", "update", "stamp", "delete", "refuse"]
"""What a deploy does: `stamp` writes the description alone; `refuse` writes nothing and
stops the deploy before its first write."""

State: TypeAlias = Literal[
    "new",
    "absent",
    "unchanged",
    "update",
    "drifted",
    "conflict",
    "converged",
    "behind",
    "foreign",
    "orphan",
    "copy",
    "removed",
]
"""What is the case: what a plan finds, and `removed` of what only one folder has."""

Source: TypeAlias = Literal["diff", "plan"]
"""What a review was made from: two sets of definitions, or a plan against a service."""

Consent: TypeAlias = Literal["force", "behind", "create"]
"""What lifts a refusal, given by the workflow's key."""

NOTHING: Final = Definition("", "", (), ())
"""What a workflow is compared with that was not there."""


@frozen
class Schedule:
    """A schedule that is on while its workflow is changed."""

    id: str
    name: str
    cron_expression: str
    timezone: str = ""


@frozen
class InFlight:
    """A run that has not ended while its workflow is changed."""

    id: str
    status: str


@frozen
class Rename:
    """A workflow that would be created, and one like it that would be left behind.

    Attributes:
        key: Key of the workflow that would be created.
        orphan: Key of the one that code has no more.
        was: The argument that keeps its ids; None where keys alone do not tell.
    """

    key: str
    orphan: str
    was: str | None = None


@frozen
class Reviewed:
    """What becomes of one workflow.

    Attributes:
        key: What people call it: its key, and its variants behind slashes.
        state: What is the case.
        id: Its id, where it has one.
        title: Its title.
        action: What a deploy does.
        reasons: Why, in words; the first says the most.
        lifted_by: What lifts a refusal; None where nothing does.
        also: What has to be given as well, to lift it.
        may_skip: Whether it can be left as it is, and the rest deployed.
        file: The file it is written in, where that is known.
        before: What is there, secrets veiled; None where nothing is or it is no matter.
        after: What is there then, secrets veiled; None as well.
        are_edits_known: Whether it is known what was edited on the service.
        edits: What somebody did on the service since the last deploy.
        changes: What a deploy changes, or what differs.
        consequences: What follows from it.
        cost_before: What 1,000 input rows may cost now; None where nothing is there.
        cost_after: What they may cost then; None as well.
        unmanaged: Live fields that code does not set: left as they are.
        spends: Blocks that spend as soon as this is written.
        effects: What it spends or touches, in words.
        schedules: Those that are on; None where nobody looked.
        runs: Those that have not ended; None as well.
        not_checked: What nobody could check, in words.
        settings: The unmanaged fields that change what a run costs or does.
        taking: The command that writes it as it is live; empty without `settings`.
        given: What was agreed to by name: it lifted a refusal, or allows to spend.
    """

    key: str
    state: State
    id: str | None = None
    title: str = ""
    action: Action = "none"
    reasons: tuple[str, ...] = ()
    lifted_by: Consent | None = None
    also: tuple[Consent, ...] = ()
    may_skip: bool = True
    file: str | None = None
    before: Definition | None = field(default=None, repr=False)
    after: Definition | None = field(default=None, repr=False)
    are_edits_known: bool = True
    edits: tuple[Change, ...] = ()
    changes: tuple[Change, ...] = ()
    consequences: tuple[Consequence, ...] = ()
    cost_before: Estimate | None = None
    cost_after: Estimate | None = None
    unmanaged: tuple[str, ...] = ()
    spends: tuple[str, ...] = ()
    effects: str = ""
    schedules: tuple[Schedule, ...] | None = ()
    runs: tuple[InFlight, ...] | None = ()
    not_checked: tuple[str, ...] = ()
    settings: tuple[LiveSetting, ...] = ()
    taking: str = ""
    given: tuple[Flag, ...] = ()

    @property
    def is_told(self) -> bool:
        """Whether there is more to say of it than that nothing changes."""
        is_as_it_was = self.state == "unchanged" and self.action == "none"
        return not is_as_it_was or bool(self.settings)


@frozen
class Review:
    """What a reviewer is told.

    Attributes:
        source: What it was made from.
        workflows: All of them, in the order in which they were given.
        env: Name of the environment, of a plan.
        endpoint: Where the plan was made.
        renames: Workflows that may have been renamed, where that is not decided.
        not_checked: What nobody could check, in words.
        requests: How many requests the plan took, repetitions counted.
        cached: How many workflows a cache knew to be unchanged.
    """

    source: Source
    workflows: tuple[Reviewed, ...] = field(converter=tuple[Reviewed, ...])
    env: str | None = None
    endpoint: str | None = None
    renames: tuple[Rename, ...] = ()
    not_checked: tuple[str, ...] = ()
    requests: int = 0
    cached: int = 0

    @property
    def told(self) -> tuple[Reviewed, ...]:
        """The workflows of which there is something to say."""
        return tuple(one for one in self.workflows if one.is_told)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes and there is nothing to decide."""
        return not self.told

    @property
    def refused(self) -> tuple[Reviewed, ...]:
        """The workflows that stop a deploy before its first write."""
        return tuple(one for one in self.workflows if one.action == "refuse")


@frozen
class Pair:
    """One workflow before and after a change.

    Attributes:
        key: What people call it.
        before: What it was; None where it was not there.
        after: What it is now; None where it is there no more.
        file: The file it is written in, where that is known.
    """

    key: str
    before: Definition | None = field(repr=False)
    after: Definition | None = field(repr=False)
    file: str | None = None


def in_order(workflows: Iterable[Reviewed]) -> list[Reviewed]:
    """What stops a deploy first, then what is deleted, changed and created."""
    return sorted(workflows, key=lambda one: _ORDER.index(one.action))


_ORDER: Final = ("refuse", "delete", "update", "create", "stamp", "none")
