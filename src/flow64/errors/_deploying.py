"""Errors in settings, and reasons why nothing, or not all, was deployed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from ..text import did_you_mean, printable, shortened
from ._root import FlowError


@frozen(repr=False)
class ConfigError(FlowError, ValueError):
    """A key, endpoint or setting is missing or cannot be used. It is never shown."""

    problem: str

    def __str__(self) -> str:
        return self.problem


@frozen(repr=False)
class MissingExtraError(FlowError, ImportError):
    """A part of flow64 needs packages that are not installed."""

    part: str
    extra: str

    def __str__(self) -> str:
        return f"{self.part} needs more packages: pip install 'flow64[{self.extra}]'"


@frozen(repr=False)
class EmulatorStoreError(FlowError):
    """The file in which an emulator remembers cannot be used, or not any more."""

    path: str
    problem: str
    advice: str = "name another file"

    def __str__(self) -> str:
        return f"the emulator's store {self.path}: {self.problem}; {self.advice}"


class DeployError(FlowError):
    """A deploy was refused before anything was written."""


@frozen(repr=False)
class LocalNamespaceError(DeployError):
    """A workflow without a project would get an id that others may share."""

    workflow: str
    endpoint: str

    def __str__(self) -> str:
        return (
            f"{self.workflow!r} has no project: anybody who uses its key without one "
            f"gets the same id, so it is not deployed to {self.endpoint}; name what is "
            'yours: Workflow(..., project=Project("growth", '
            'namespace="your-domain.example"))'
        )


@frozen(repr=False)
class UnboundValueError(DeployError):
    """A workflow has values that this environment does not fill in."""

    workflow: str
    env: str
    names: Sequence[str]

    def __str__(self) -> str:
        table = ", ".join(f'"{name}": ...' for name in self.names)
        return (
            f"{self.workflow!r} needs values that environment {self.env!r} does not "
            f"give: {', '.join(self.names)}; pass values={{{table}}}"
        )


TAKEN: Final = "its id is taken by a workflow that this key may not see"
"""Why nothing can be written to an id: another organisation probably has it."""

OTHER_ENVIRONMENT: Final = (
    "give the other organisation an environment of its own in pyproject.toml, "
    "[tool.flow64.environments.NAME], where the ids are others; or use the key of the "
    "organisation that has the workflow"
)
"""The way on if an id is taken. Nothing overwrites what a key may not see."""


@frozen(repr=False)
class StateRefusedError(DeployError):
    """The workflow changed since this code deployed it, so nothing was written.

    `state` is `foreign`, `drifted`, `conflict`, `behind`, `absent`, or `taken` by what
    the credential may not see; `changes` says what differs.
    """

    workflow: str
    workflow_id: str
    state: str
    changes: Sequence[str] = ()

    def __str__(self) -> str:
        if self.state == "taken":
            facts = f"{self.workflow!r} ({self.workflow_id}) was not written"
            return f"{facts}: {TAKEN}; {OTHER_ENVIRONMENT}"
        why = {
            "absent": "is pinned to a workflow that is not there, or not shown to you",
            "behind": "was deployed by newer code, which yours does not have",
            "foreign": "was not deployed by this code",
            "drifted": "was edited on the service since it was deployed",
            "conflict": "was edited on the service, and the code has changed as well",
        }[self.state]
        if self.state == "absent":
            return (
                f"{self.workflow!r} ({self.workflow_id}) {why}; nothing was written, "
                "since a pin is never created: mend the pin, or the credential"
            )
        way = (
            "Merge that code"
            if self.state == "behind"
            else "Take the edit into the code"
        )
        listed = "".join(f"\n  {printable(change)}" for change in self.changes)
        return (
            f"{self.workflow!r} ({self.workflow_id}) {why}; nothing was written. "
            f"{way}, or overwrite it: deploy(force=True){listed}"
        )


@frozen(repr=False)
class ConsentError(DeployError):
    """A deploy may spend credits when it is written, without consent."""

    workflow: str
    reasons: Sequence[str]

    def __str__(self) -> str:
        return (
            f"deploying {self.workflow!r} may spend credits at once: "
            f"{'; '.join(self.reasons)}; to allow it: deploy(allow_spend=True)"
        )


@frozen(repr=False)
class VerificationError(DeployError):
    """The service accepted a write and then showed something else."""

    workflow: str
    workflow_id: str
    differences: Sequence[str]

    def __str__(self) -> str:
        listed = "".join(f"\n  {printable(line)}" for line in self.differences)
        return (
            f"{self.workflow!r} ({self.workflow_id}) was written, but reading it back "
            f"shows something else; deploy again or look at it in the editor:{listed}"
        )


@frozen(repr=False)
class SettingsError(ConfigError):
    """`[tool.flow64]` has mistakes; all of them are in `mistakes`.

    Attributes:
        problem: The file.
        mistakes: What is wrong, one line each, with the line of the file.
    """

    mistakes: Sequence[str] = ()

    def __str__(self) -> str:
        listed = "".join(f"\n  {printable(mistake)}" for mistake in self.mistakes)
        return f"{printable(self.problem)} cannot be used:{listed}"


@frozen(repr=False)
class UnknownEnvironmentError(ConfigError):
    """An environment is named that is not configured, or none where there are several.

    Attributes:
        problem: The name; empty where none was given.
        names: Those that there are.
    """

    names: Sequence[str] = ()

    def __str__(self) -> str:
        names = ", ".join(map(printable, self.names))
        if not self.problem:
            return (
                f"several environments are configured ({names}): say which one is "
                f"meant, as in --env {printable(self.names[0])}"
            )
        near = did_you_mean(self.problem, self.names)
        return f"there is no environment {self.problem!r}{near}; there are {names}"


@frozen(repr=False)
class OrganisationError(FlowError):
    """A credential belongs to another organisation than the environment says.

    Attributes:
        env: The environment.
        expected: Its `org_id`.
        found: What the service said.
        what: The request that was answered so.
    """

    env: str
    expected: str
    found: str
    what: str

    def __str__(self) -> str:
        return (
            f"{self.what} answered for organisation {shortened(self.found)}, and "
            f"environment {self.env!r} has org_id = {shortened(self.expected)}: no "
            "more was sent; use the key of that organisation, or mend org_id"
        )


# -- Plan and apply -------------------------------------------------------------------


@frozen(repr=False)
class HistoryError(DeployError):
    """The history cannot be read, or cannot be written: no save, no write.

    Attributes:
        path: The folder or the file.
        problem: What is the matter with it, and the way out.
    """

    path: str
    problem: str

    def __str__(self) -> str:
        return f"the history {printable(self.path)}: {printable(self.problem)}"


@frozen(repr=False)
class PlanRefusedError(DeployError):
    """A plan needs more than was agreed to, so nothing was written.

    Attributes:
        problems: What is missing, one line for each workflow and reason.
    """

    problems: Sequence[str]

    def __str__(self) -> str:
        listed = "".join(f"\n  {printable(problem)}" for problem in self.problems)
        return f"the plan was refused, and nothing was written:{listed}"


@frozen(repr=False)
class PruneError(DeployError):
    """Workflows that are no longer in the code are not deleted.

    Attributes:
        problems: Why, one line each.
        victims: Keys of those that would be deleted.
    """

    problems: Sequence[str]
    victims: Sequence[str] = ()

    def __str__(self) -> str:
        listed = "".join(f"\n  {printable(problem)}" for problem in self.problems)
        keys = ", ".join(printable(key) for key in self.victims) or "anything"
        return f"prune was refused, and did not delete {keys}:{listed}"


@frozen(repr=False)
class StalePlanError(DeployError):
    """Something that a plan would write to has changed since the plan was made.

    Attributes:
        workflow: Key of the workflow.
        workflow_id: Its id.
        event: What became of it: `edited`, `deleted`, `created`, or what else.
        edits: Changes since the plan was made.
        changes: What the plan would have changed.
        others: Keys of further workflows that it is so with.
    """

    workflow: str
    workflow_id: str
    event: str
    edits: Sequence[str] = ()
    changes: Sequence[str] = ()
    others: Sequence[str] = ()

    def __str__(self) -> str:
        name = shlex.quote(printable(self.workflow))
        theirs = "".join(f"\n    {printable(line)}" for line in self.edits)
        ours = "".join(f"\n    {printable(line)}" for line in self.changes)
        more = ", ".join(printable(key) for key in self.others)
        return (
            f"{self.workflow!r} ({self.workflow_id}) was {self.event} since the plan "
            "was made; it was not written. Make a new plan, and then take their edit "
            f"into the code, overwrite it with --force {name}, or leave it with "
            "--skip-drifted"
            + (f"\n  their edit:{theirs}" if theirs else "")
            + (f"\n  our change:{ours}" if ours else "")
            + (f"\n  also changed since: {more}" if more else "")
        )


@frozen(repr=False)
class SavedPlanError(DeployError):
    """A saved plan is not applied, or a plan is not saved; nothing was written.

    Attributes:
        path: Its file.
        problem: Why.
        is_new: Whether it was to be saved there.
    """

    path: str
    problem: str
    is_new: bool = False

    def __str__(self) -> str:
        if self.is_new:
            return (
                f"the plan was not saved in {printable(self.path)}: "
                f"{printable(self.problem)}; name another file"
            )
        return (
            f"the plan {printable(self.path)} is not applied: "
            f"{printable(self.problem)}; make a new one: flow64 plan SOURCE -o FILE"
        )


@frozen(repr=False)
class ManifestError(FlowError, ValueError):
    """A folder of JSON, or its manifest `flow64.json`, cannot be used as it is.

    Attributes:
        path: The file.
        problem: What is the matter, and the way out.
        pointer: Where in the file, as a JSON pointer.
    """

    path: str
    problem: str
    pointer: str | None = None

    def __str__(self) -> str:
        place = printable(self.path)
        if self.pointer is not None:
            place += f" at {printable(self.pointer) or '/'}"
        return f"{place}: {printable(self.problem)}"


@frozen(repr=False)
class PullError(FlowError):
    """A workflow cannot be pulled; no file was written.

    Attributes:
        wanted: What was asked for, an id or a key.
        problem: Why it was not pulled, and the way out.
    """

    wanted: str
    problem: str

    def __str__(self) -> str:
        return f"{printable(self.wanted)} was not pulled: {printable(self.problem)}"
