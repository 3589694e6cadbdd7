"""A plan as data: what a deploy would do to each workflow, and why.

`make_plan` makes it, `as_text` and `as_data` show it, `apply_plan` carries it out.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import asdict, field, frozen

from ..analysis import Estimate, KindChange
from ..definition import (
    EMPTY,
    BoundSecret,
    Definition,
    ProjectKey,
    Stamp,
)
from ..diff import Change, Consequence, LiveSetting, as_lines
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
converged: live is what the code says, but the stamp does not say so. behind: deployed
by newer code. foreign: not deployed by this code, perhaps by another project. orphan:
deployed by this code, and no longer in it. copy: copied on the service from a workflow
of this code. removed: only in the older of two folders, and in no plan."""

Action: TypeAlias = Literal["none", "create", "update", "stamp", "delete", "refuse"]
"""What applying does. `stamp` writes only the description. `refuse` writes nothing and
stops the deploy before its first write, unless the needed consent is given."""

Consent: TypeAlias = Literal["force", "behind", "create"]
"""A consent that lifts a refusal, given for a workflow by name. `force` overwrites
edits on the service, or what other code deployed. `behind` overwrites what newer code
deployed. `create` says that a workflow is new, although a similar one becomes an
orphan."""

Flag: TypeAlias = Literal["force", "behind", "create", "allow_spend"]
"""A consent, or the consent to spend, given for a workflow by name."""

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
"""The doubt about an edited workflow without its last deployed definition."""

DIRTY_TREE: Final = (
    "whether it takes back work: it was deployed from a dirty working tree"
)
"""The doubt about a workflow that was deployed from changes in no commit."""


@frozen
class Target:
    """A workflow as code, or a file, defines it for one environment.

    Attributes:
        key: Its key, followed by its variants after slashes.
        definition: The definition, with the values of the environment filled in.
        stamp: The stamp that a deploy leaves.
        file: Its file, if that is known.
        pulled: The record of its pull, in the form of a stamp. It is used if the
            service has no genuine stamp yet.
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
        """Whether it is an imported workflow, which is never created or pruned."""
        return is_pin(self.stamp.path)


@frozen
class ScheduleRef:
    """A schedule that is active, or that the service does not call inactive."""

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
    """Schedules and active runs of a workflow that a plan changes or deletes.

    Attributes:
        schedules: The active schedules. None if they were not or cannot be read.
        runs: The runs that have not ended. None if they were not or cannot be read.
    """

    schedules: tuple[ScheduleRef, ...] | None = None
    runs: tuple[RunRef, ...] | None = None

    @property
    def is_idle(self) -> bool | None:
        """Whether there are none. None if that was not checked."""
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
"""For a workflow that does not exist yet, or that is not written."""


@frozen
class Rename:
    """A workflow that would be created, and a similar one that would be an orphan.

    Attributes:
        key: Key of the workflow that would be created.
        orphan: Key of the workflow that is no longer in the code.
        orphan_id: Its id.
        was: The argument that keeps its ids. None if that depends on more than keys.
        is_decided: Whether `--create` said that they are two workflows.
        others: Keys of other workflows that are no longer in the code and fit equally.
            With any, it is unknown which one was renamed, and `orphan` is only the
            first.
    """

    key: str
    orphan: str
    orphan_id: str
    was: str | None = None
    is_decided: bool = False
    others: tuple[str, ...] = ()

    @property
    def candidates(self) -> Sequence[str]:
        """Keys of all workflows that it may have been."""
        return (self.orphan, *self.others)

    @property
    def arguments(self) -> Sequence[str]:
        """The argument `was=` for each candidate; empty if none keeps the ids."""
        if self.was is None:
            return []
        found = [self.was, *self.others]
        return [f"was={json.dumps(key, ensure_ascii=False)}" for key in found]


@frozen
class Details:
    """The facts that a review adds to a step of a plan.

    Attributes:
        file: The file of the workflow, relative to the repository.
        before: The definition before a deploy, redacted. None if there is none, or if
            it may not be shown: see `after`.
        after: The definition after a deploy, redacted. None if nothing is written, or
            without code, as in a restore: only code says which texts are secret. The
            `sent` of a step has these texts, so it is not for display.
        cost_before: The cost of 1,000 input rows now. None if that is not known.
        cost_after: The cost of 1,000 input rows after a deploy.
        taking: The command that writes the live workflow as code.
        given: The consents that were given, and that changed the step.
        was: The key that its id was computed from, if `was=` names another one.
        differs: The changes from the workflow that it may be a rename of. None if they
            were not compared.
    """

    file: str | None = None
    before: Definition | None = field(default=None, repr=False)
    after: Definition | None = field(default=None, repr=False)
    cost_before: Estimate | None = None
    cost_after: Estimate | None = None
    taking: str = ""
    given: tuple[Flag, ...] = ()
    was: str | None = None
    differs: tuple[Change, ...] | None = None


@frozen
class Step:
    """One workflow of a plan: its state, and what applying does.

    Attributes:
        key: Its key.
        id: Its id.
        name: Its title, from the code if the code has it.
        path: The path that its id was computed from. A copy has that of its original.
        state: Its state.
        action: What applying does.
        reasons: The reasons for its state, in words. The first says the most.
        target: The workflow in the code. None for orphans and copies.
        live: The live workflow. None if there is none.
        sent: The definition that a write sends, with its stamp. It is also there if the
            write is refused. None if nothing can be written.
        lifted_by: The consent that lifts a refusal, if one can. An orphan has the
            consent that its deletion needs.
        also: Further consents that are needed to lift it.
        lost: JSON pointers of texts that a write would lose. They stand in the place of
            a secret, so they are not saved.
        base: How `edits` are known: from the `stamp` if the live workflow is unedited,
            or from the last deployed definition, if that was `found`. Else None.
        edits: Edits on the service since the last deploy. Empty without a `base`.
        changes: The changes of a write to the live workflow.
        consequences: The consequences of `changes`.
        unmanaged: Live fields that code does not set. They stay as they are.
        spends: Blocks that spend as soon as this is written, or that may if only the
            stamp is.
        effects: The effects of a run, in words. Empty if nothing is written.
        touched: Its schedules and active runs.
        not_checked: What could not be checked, in words.
        settings: The unmanaged fields that change what a run costs or does.
        details: The facts that a review adds.
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
        """Whether there is nothing to do, to decide or to prune."""
        return self.action == "none" and not self.may_prune

    @property
    def consents(self) -> tuple[Consent, ...]:
        """All consents that are needed to lift its refusal."""
        return () if self.lifted_by is None else (self.lifted_by, *self.also)

    @property
    def is_taken(self) -> bool:
        """Whether a workflow that the credential may not see has its id."""
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
    """The steps of a deploy, before it is applied.

    Attributes:
        env: Name of the environment.
        endpoint: The endpoint of the service.
        steps: One for each target in order, then orphans, then copies.
        projects: The projects with known orphans. None if orphans were not searched,
            because not all code of the projects is known.
        renames: Workflows that may have been renamed.
        not_checked: What could not be checked, in words.
        requests: The number of requests that it took, including retries.
        secrets: Secrets of live workflows that the code does not name.
        prices: Dollars for one row by kind, in place of the documented ones.
    """

    env: str
    endpoint: str
    steps: tuple[Step, ...] = field(converter=tuple[Step, ...])
    projects: tuple[ProjectKey, ...] | None = None
    renames: tuple[Rename, ...] = ()
    not_checked: tuple[str, ...] = ()
    requests: int = 0
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

        A deploy keeps such a setting until the code sets it.
        """
        return not self.is_empty or any(step.settings for step in self.steps)

    @property
    def refused(self) -> tuple[Step, ...]:
        """The steps that stop a deploy before its first write."""
        return tuple(step for step in self.steps if step.action == "refuse")

    @property
    def writes(self) -> tuple[Step, ...]:
        """The steps that write, in order."""
        idle = ("none", "refuse")
        return tuple(step for step in self.steps if step.action not in idle)

    @property
    def victims(self) -> tuple[Step, ...]:
        """The orphans that prune takes, or would take."""
        return tuple(step for step in self.steps if step.may_prune)

    def step(self, key: str) -> Step:
        """Return the step of a key.

        Raises:
            KeyError: The plan has no such key.
        """
        for step in self.steps:
            if step.key == key:
                return step
        raise KeyError(key)

    def _repr_html_(self) -> str:
        from ..notebook import Badge, Lines, as_card, as_facts, as_table

        rows = [
            (
                Badge(step.action if step.action != "none" else step.state),
                step.key,
                "; ".join(step.reasons),
                Lines([*as_lines((*step.changes, *step.consequences))]),
            )
            for step in self.steps
            if step.is_notable
        ]
        idle = sum(not step.is_notable for step in self.steps)
        facts = {
            "unchanged": idle or None,
            "not checked": "; ".join(self.not_checked),
        }
        title = f"Plan for environment {self.env} at {self.endpoint}"
        table = as_table(("", "workflow", "why", "changes"), rows)
        return as_card(title, table, as_facts(facts))


@frozen
class Review:
    """A plan, or the difference of two folders, with the details for a reviewer.

    Attributes:
        source: `plan`, or `diff` for two sets of definitions.
        workflows: All steps with their details, in the given order.
        env: Name of the environment. None for a diff.
        endpoint: Where the plan was made. None for a diff.
        renames: Workflows that may have been renamed, if that is not decided.
        not_checked: What could not be checked, in words.
        requests: The number of requests that the plan took, including retries.
        command: The command that deploys it. Empty if it is not known.
        listed_kinds: The changes of the service's list of blocks that is saved in the
            project, between two folders.
    """

    source: Literal["diff", "plan"]
    workflows: tuple[Step, ...] = field(converter=tuple[Step, ...])
    env: str | None = None
    endpoint: str | None = None
    renames: tuple[Rename, ...] = ()
    not_checked: tuple[str, ...] = ()
    requests: int = 0
    command: str = ""
    listed_kinds: Sequence[KindChange] = ()

    @property
    def notable(self) -> tuple[Step, ...]:
        """The workflows that are shown."""
        return tuple(step for step in self.workflows if step.is_notable)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes and there is nothing to decide."""
        return not self.notable

    @property
    def refused(self) -> tuple[Step, ...]:
        """The workflows that stop a deploy before its first write."""
        return tuple(step for step in self.workflows if step.action == "refuse")


# -- Words that more than one module needs ---------------------------------------------


def is_pin(path: str) -> bool:
    """Return True if the path of a stamp is that of an imported workflow."""
    return "/pin:" in path


def take_over_command(step: Step, env: str) -> str:
    """Return the command that writes a live workflow as code, or as pulled JSON."""
    if step.target is not None and step.target.pulled is not None:
        return f"{pull_command(step, env)} --overwrite"
    return f"flow64 code {env}:id:{step.id}"


def pull_command(step: Step, env: str) -> str:
    """Return the command that saves a live workflow as JSON."""
    is_ours = step.target is not None and step.state != "foreign"
    is_named = is_ours and not is_pin(step.path)
    address = f"{env}:{step.key}" if is_named else f"{env}:id:{step.id}"
    return f"flow64 pull {shlex.quote(address)} -o FOLDER"


def format_flags(key: str, flags: Iterable[Flag]) -> str:
    """Return the options that agree to something, as a shell takes them."""
    return " ".join(f"{FLAGS[flag]} {shlex.quote(key)}" for flag in flags)
