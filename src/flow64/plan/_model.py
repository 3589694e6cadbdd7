"""A plan as data: what a deploy would do to each workflow, and what it rests on.

`make_plan` makes it, `as_text` and `as_data` show it, `apply_plan` carries it out.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol, TypeAlias

from attrs import asdict, field, frozen

from ..definition import (
    EMPTY,
    BoundSecret,
    Definition,
    ProjectKey,
    Stamp,
    digest,
)
from ..diff import Change, Consequence, Estimate, LiveSetting
from ._live import Held, Live

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
"""new: not there. absent: pinned, and not there. unchanged: live and stamp are the
code's. update: the code has changed. drifted: edited on the service. conflict: both.
converged: live is what the code says, and the stamp does not say so. behind: deployed
by newer code. foreign: not deployed by this code; by that of another project, perhaps.
orphan: deployed by this code, which has it no more. copy: of one that was, made on the
service. removed: only the older of two folders has it; no plan says this."""

Action: TypeAlias = Literal["none", "create", "update", "stamp", "delete", "refuse"]
"""What applying does: `stamp` writes the description alone; `refuse` writes nothing,
and stops the deploy before its first write unless what lifts it is given."""

Consent: TypeAlias = Literal["force", "behind", "create"]
"""What lifts a refusal, given by the workflow's name: `force` overwrites what somebody
did on the service, or what other code deployed, `behind` what newer code deployed,
`create` says that a workflow is new although one like it would be left behind."""

Flag: TypeAlias = Literal["force", "behind", "create", "allow_spend"]
"""Something that is agreed to by the workflow's name: a consent, or spending."""

FLAGS: Final[Mapping[Flag, str]] = {
    "force": "--force",
    "behind": "--allow-behind",
    "create": "--create",
    "allow_spend": "--allow-spend",
}
"""The option of `flow64 deploy` for each."""

SKIPPED: Final = frozenset({"drifted", "conflict", "behind", "foreign"})
"""States that `skip_drifted` leaves alone."""

ABSENT_BASE: Final = "cannot show the edit: the last deployed version was not found"
"""Said of an edited workflow if its last deployed definition was not found."""


@frozen
class Target:
    """A workflow as code, or a file, wants it in one environment.

    Attributes:
        key: What people call it: its key, and its variants behind slashes.
        definition: What is wanted, with the values of the environment filled in.
        stamp: What a deploy of it leaves behind.
        file: The file it was written in, where that is known.
        pulled: What was recorded when it was pulled, in the form of a stamp; stands in
            where the service has no genuine stamp yet.
    """

    key: str
    definition: Definition
    stamp: Stamp
    file: str | None = None
    pulled: Stamp | None = None

    @property
    def id(self) -> str:
        """The workflow's id."""
        return str(self.definition.id)

    @property
    def name(self) -> str:
        """The title."""
        return self.definition.name

    @property
    def is_pinned(self) -> bool:
        """Whether it names an imported workflow, which is never created or pruned."""
        return is_pin(self.stamp.path)


@frozen
class ScheduleRef:
    """A schedule that is on, or of which the service does not say that it is off."""

    id: str
    name: str
    cron_expression: str
    timezone: str = ""


@frozen
class RunRef:
    """A run that has not ended."""

    id: str
    status: str


@frozen
class Touched:
    """What is at work with a workflow while it is changed or deleted.

    Attributes:
        schedules: Those that are on; None where nobody looked, or was let look.
        runs: Those that have not ended; None as well.
    """

    schedules: tuple[ScheduleRef, ...] | None = None
    runs: tuple[RunRef, ...] | None = None

    @property
    def is_idle(self) -> bool | None:
        """Whether nothing is at work; None where that was not checked."""
        if self.schedules or self.runs:
            return False
        return None if self.schedules is None or self.runs is None else True

    def as_data(self) -> dict[str, Any]:
        """Return the schedules and runs as plain JSON data."""
        schedules, runs = self.schedules, self.runs
        return {
            "schedules": None if schedules is None else [*map(asdict, schedules)],
            "runs": None if runs is None else [*map(asdict, runs)],
        }


UNTOUCHED: Final = Touched((), ())
"""Of a workflow that is not there yet, or that nothing is written to."""


@frozen
class Rename:
    """A workflow that would be created, and one like it that would be left behind.

    Attributes:
        key: Key of the workflow that would be created.
        orphan: Key of the one that code has no more.
        orphan_id: Its id.
        was: The argument that keeps its ids; None where keys alone do not tell.
        is_decided: Whether `--create` has said that they are two workflows.
    """

    key: str
    orphan: str
    orphan_id: str
    was: str | None = None
    is_decided: bool = False


@frozen
class Details:
    """What a review adds to a step of a plan.

    Attributes:
        file: The file that the workflow is written in, as people name it.
        before: What is there, secrets redacted. None if it is not drawn.
        after: What a deploy leaves there, likewise.
        cost_before: What 1,000 input rows may cost now. None if that is not known.
        cost_after: What they may cost after a deploy.
        taking: The command that writes the live workflow as code.
        given: What was agreed to by name: it lifted a refusal, or allows to spend.
    """

    file: str | None = None
    before: Definition | None = field(default=None, repr=False)
    after: Definition | None = field(default=None, repr=False)
    cost_before: Estimate | None = None
    cost_after: Estimate | None = None
    taking: str = ""
    given: tuple[Flag, ...] = ()


@frozen
class Step:
    """What becomes of one workflow.

    Attributes:
        key: What people call it.
        id: Its id.
        name: Its title, in the code where the code has it.
        path: The path that its id was computed from; of a copy, that of its original.
        state: What is the case.
        action: What applying does.
        reasons: Why it is in this state, in words; the first says the most.
        target: What is wanted; None for orphans and copies.
        live: What is there; None where nothing is, or a cache vouched for it.
        sent: What a write sends, the stamp in its description; also where it is refused
            and would have to be allowed. None where nothing can be written.
        lifted_by: What lifts a refusal; None where nothing does. Of an orphan, what its
            deletion needs.
        also: What has to be given as well, to lift it.
        lost: JSON pointers of texts that a write would lose, since they stand where a
            secret does and so are not saved.
        base: How `edits` are known: `stamp` where live is as it was deployed last,
            `found` where the last deployed definition was at hand, else None.
        edits: What somebody did on the service since the last deploy; empty where
            `base` is None.
        changes: What a write changes in what is live.
        consequences: What follows from `changes`.
        unmanaged: Live fields that code does not set: left as they are.
        spends: Blocks that spend as soon as this is written; of a stamp, that may.
        effects: What it spends or touches, in words; empty where nothing is written.
        touched: Schedules and runs that are at work with it.
        not_checked: What nobody could check, in words.
        settings: The unmanaged fields that change what a run costs or does.
        details: What a review adds.
    """

    key: str
    id: str
    name: str
    path: str
    state: State
    action: Action = "none"
    reasons: tuple[str, ...] = ()
    target: Target | None = None
    live: Live | None = None
    sent: Held | None = None
    lifted_by: Consent | None = None
    also: tuple[Consent, ...] = ()
    lost: tuple[str, ...] = ()
    base: Literal["stamp", "found"] | None = None
    edits: tuple[Change, ...] = ()
    changes: tuple[Change, ...] = ()
    consequences: tuple[Consequence, ...] = ()
    unmanaged: tuple[str, ...] = ()
    spends: tuple[str, ...] = ()
    effects: str = ""
    touched: Touched = UNTOUCHED
    not_checked: tuple[str, ...] = ()
    settings: tuple[LiveSetting, ...] = ()
    details: Details = Details()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do, to decide, or to prune."""
        return self.action == "none" and not self.may_prune

    @property
    def consents(self) -> tuple[Consent, ...]:
        """All that has to be given to lift its refusal."""
        return () if self.lifted_by is None else (self.lifted_by, *self.also)

    @property
    def is_taken(self) -> bool:
        """Whether its id is taken by a workflow that the credential may not see."""
        return self.state == "foreign" and self.lifted_by is None

    @property
    def may_skip(self) -> bool:
        """Return True if `--skip-drifted` can leave it alone and deploy the rest."""
        return self.state in SKIPPED or (self.state == "update" and bool(self.consents))

    @property
    def are_edits_known(self) -> bool:
        """Return True if it is known what was edited on the service."""
        return self.base is not None or self.state not in ("drifted", "conflict")

    @property
    def is_notable(self) -> bool:
        """Return True if there is more to say than that nothing changes."""
        is_idle = self.state == "unchanged" and self.action == "none"
        return not is_idle or bool(self.settings)

    @property
    def may_prune(self) -> bool:
        """Whether it is an orphan that prune takes: genuine, and not pinned."""
        return self.state == "orphan" and not is_pin(self.path)


@frozen
class Plan:
    """What a deploy would do.

    Attributes:
        env: Name of the environment.
        endpoint: Where it was made.
        steps: One for each target in their order, then orphans, then copies.
        projects: Whose orphans were looked for; None where they were not, because not
            all of their code is at hand.
        renames: Workflows that may have been renamed.
        not_checked: What nobody could check, in words.
        requests: How many requests it took, repetitions counted.
        vouched: How many workflows a cache vouched for.
        secrets: What is secret in what is live, whatever code says.
        prices: Dollars for one row by kind, in place of the documented ones.
    """

    env: str
    endpoint: str
    steps: tuple[Step, ...] = field(converter=tuple[Step, ...])
    projects: tuple[ProjectKey, ...] | None = None
    renames: tuple[Rename, ...] = ()
    not_checked: tuple[str, ...] = ()
    requests: int = 0
    vouched: int = 0
    secrets: tuple[BoundSecret, ...] = field(
        default=(), repr=False, eq=False, converter=tuple[BoundSecret, ...]
    )
    prices: Mapping[str, float] = field(default=EMPTY, repr=False, eq=False)

    @property
    def is_empty(self) -> bool:
        """Whether a deploy would do nothing, and there is nothing to decide."""
        return all(step.is_empty for step in self.steps)

    @property
    def has_changes(self) -> bool:
        """Whether it is not empty, or a live setting changes what a run costs or does.

        A deploy leaves such a setting alone: the code has to say it first.
        """
        return not self.is_empty or any(step.settings for step in self.steps)

    @property
    def refused(self) -> tuple[Step, ...]:
        """The steps that stop a deploy before its first write."""
        return tuple(step for step in self.steps if step.action == "refuse")

    @property
    def writes(self) -> tuple[Step, ...]:
        """The steps that write, in their order."""
        idle = ("none", "refuse")
        return tuple(step for step in self.steps if step.action not in idle)

    @property
    def victims(self) -> tuple[Step, ...]:
        """The orphans that prune takes, or would take."""
        return tuple(step for step in self.steps if step.may_prune)

    def step(self, key: str) -> Step:
        """The step of a key.

        Raises:
            KeyError: There is none.
        """
        for step in self.steps:
            if step.key == key:
                return step
        raise KeyError(key)


@frozen
class Review:
    """What a deploy or a change of two folders does, with all that a reviewer needs.

    Attributes:
        source: `plan`, or `diff` for two sets of definitions.
        workflows: All steps with their details, in the order in which they were given.
        env: Name of the environment. None for a diff.
        endpoint: Where the plan was made. None for a diff.
        renames: Workflows that may have been renamed, if that is not decided.
        not_checked: What could not be checked, in words.
        requests: How many requests the plan took, repetitions counted.
        cached: How many workflows a cache knew to be unchanged.
    """

    source: Literal["diff", "plan"]
    workflows: tuple[Step, ...] = field(converter=tuple[Step, ...])
    env: str | None = None
    endpoint: str | None = None
    renames: tuple[Rename, ...] = ()
    not_checked: tuple[str, ...] = ()
    requests: int = 0
    cached: int = 0

    @property
    def notable(self) -> tuple[Step, ...]:
        """The workflows of which there is something to say."""
        return tuple(step for step in self.workflows if step.is_notable)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes and there is nothing to decide."""
        return not self.notable

    @property
    def refused(self) -> tuple[Step, ...]:
        """The workflows that stop a deploy before its first write."""
        return tuple(step for step in self.workflows if step.action == "refuse")


# -- What a cache may vouch for --------------------------------------------------------


@frozen
class Sighting:
    """A workflow as the list shows it, and what was wanted of it.

    All of it is hashable text: a cache may use `digest` as its key. It holds no spec.

    Attributes:
        endpoint: Where.
        id: Which.
        name: The title, as listed.
        description: The description, as listed, with its stamp.
        updated_at: When it was last changed, as listed.
        wanted: The stamp that a deploy would leave, as text, without its commit.
    """

    endpoint: str
    id: str
    name: str
    description: str
    updated_at: str
    wanted: str

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of all of it."""
        parts = [self.endpoint, self.id, self.name, self.description]
        return digest([*parts, self.updated_at, self.wanted])


class Cache(Protocol):
    """Remembers which sightings were found to be `unchanged`, so that no GET is needed.

    Losing it, or answering None to everything, changes the number of requests and
    nothing else. Only what was `unchanged` is ever kept.
    """

    def vouched(self, sighting: Sighting) -> Sequence[str] | None:
        """The unmanaged fields of a workflow that is unchanged; None: not known."""

    def keep(self, sighting: Sighting, unmanaged: Sequence[str]) -> None:
        """Remember that a workflow was read after this sighting, and was unchanged."""


# -- Words that more than one module needs ---------------------------------------------


def is_pin(path: str) -> bool:
    """Whether a stamp's path is that of an imported workflow."""
    return "/pin:" in path


def take_over_command(step: Step, env: str) -> str:
    """Return the command that writes a live workflow as code, or as pulled JSON."""
    if step.target is not None and step.target.pulled is not None:
        return f"flow64 pull {env}:{step.id} -o FOLDER --overwrite"
    return f"flow64 code {env}:id:{step.id}"


def format_flags(key: str, flags: Iterable[Flag]) -> str:
    """Return the options that agree to something, as a shell takes them."""
    return " ".join(f"{FLAGS[flag]} {shlex.quote(key)}" for flag in flags)
