"""Errors of plans, deploys and what they are configured with."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from ..text import did_you_mean, join_words, printable, shortened
from ._configuring import ConfigError
from ._root import FlowError, list_lines


@frozen(repr=False)
class EmulatorStoreError(FlowError):
    """The file in which an emulator remembers cannot be used.

    Attributes:
        url: The address of the emulator that serves the file.
    """

    path: str
    problem: str
    advice: str = "name another file"
    url: str | None = None

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
            f"{self.workflow!r} has no project, so another user's workflow could have "
            f"the same id at {self.endpoint}, and it is not deployed; give it one: "
            'Workflow(..., project=Project("growth", '
            'namespace="your-domain.example"))'
        )


@frozen(repr=False)
class UnboundValueError(DeployError):
    """A workflow has values that this environment does not fill in.

    Attributes:
        workflow: Its title.
        env: The environment.
        names: The values that are missing.
        given: Names of the values that were given.
    """

    workflow: str
    env: str
    names: Sequence[str]
    given: Sequence[str] = ()

    def __str__(self) -> str:
        table = ", ".join(f'"{name}": ...' for name in self.names)
        return f"{self.describe()}; pass values={{{table}}}"

    def describe(self) -> str:
        """Return the message without advice. No content of a value is in it."""
        unused = [name for name in self.given if name not in self.names]
        names = (f"{name}{did_you_mean(name, unused)}" for name in self.names)
        gives = f"; it gives {join_words(unused, 20)}" if unused else ""
        return (
            f"{self.workflow!r} needs values that environment {self.env!r} does not "
            f"give: {', '.join(names)}{printable(gives)}"
        )


TAKEN: Final = "its id is taken by a workflow that this key may not see"
"""The reason if an id is taken, probably by another organisation."""

OTHER_ENVIRONMENT: Final = (
    "give the other organisation an environment of its own in pyproject.toml, "
    "[tool.flow64.environments.NAME], where the ids are others; or use the key of the "
    "organisation that has the workflow"
)
"""The advice if an id is taken. Nothing overwrites what a key may not see."""


@frozen(repr=False)
class StateRefusedError(DeployError):
    """The workflow changed since this code deployed it, so nothing was written.

    `state` is `foreign`, `drifted`, `conflict`, `behind`, `absent`, or `taken` by a
    workflow that the credential may not see. `changes` lists the differences.
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
                "since a pin is never created: correct the pin, or the credential"
            )
        way = (
            "Merge that code"
            if self.state == "behind"
            else "Take the edit into the code"
        )
        return (
            f"{self.workflow!r} ({self.workflow_id}) {why}; nothing was written. "
            f"{way}, or overwrite it: deploy(force=True){list_lines(self.changes)}"
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
        return (
            f"{self.workflow!r} ({self.workflow_id}) was written, but reading it back "
            "shows something else; deploy again or look at it in the editor:"
            f"{list_lines(self.differences)}"
        )


@frozen(repr=False)
class SettingsError(ConfigError):
    """`[tool.flow64]` has mistakes.

    Attributes:
        problem: The file.
        mistakes: All mistakes, one line each, with the line of the file.
    """

    mistakes: Sequence[str] = ()

    def __str__(self) -> str:
        return f"{printable(self.problem)} cannot be used:{list_lines(self.mistakes)}"


@frozen(repr=False)
class UnknownEnvironmentError(ConfigError):
    """An unknown environment was named, or none although there are several.

    Attributes:
        problem: The name; empty if none was given.
        names: The known names.
        variable: The environment variable that holds the name; empty for an argument.
    """

    names: Sequence[str] = ()
    variable: str = ""

    def __str__(self) -> str:
        names = ", ".join(map(printable, self.names))
        if not self.problem:
            one = printable(self.names[0])
            return (
                f"several environments are configured ({names}): name one of them, as "
                f"in -e {one}, or with FLOW64_ENV={one}, or always with default_env = "
                f'"{one}" under [tool.flow64]'
            )
        near = did_you_mean(self.problem, self.names)
        whose = f"{self.variable} is {self.problem!r}: " if self.variable else ""
        problem = f"there is no environment {self.problem!r}{near}"
        return f"{whose}{problem}; there are {names}"


@frozen(repr=False)
class OrganisationError(FlowError):
    """A credential belongs to another organisation than the environment says.

    Attributes:
        expected: The `org_id` of the environment.
        found: The organisation that the service named.
        what: The request.
    """

    env: str
    expected: str
    found: str
    what: str

    def __str__(self) -> str:
        return (
            f"{self.what} answered for organisation {shortened(self.found)}, and "
            f"environment {self.env!r} has org_id = {shortened(self.expected)}: no "
            "more was sent; use the key of that organisation, or correct org_id"
        )


# -- Plan and apply -------------------------------------------------------------------


@frozen(repr=False)
class HistoryError(DeployError):
    """The history cannot be read or written. Nothing is replaced without a save.

    Attributes:
        path: The folder or the file.
        problem: What is wrong, and what to do.
    """

    path: str
    problem: str

    def __str__(self) -> str:
        return f"the history {printable(self.path)}: {printable(self.problem)}"


@frozen(repr=False)
class PlanRefusedError(DeployError):
    """A plan needs more consent, so nothing was written.

    Attributes:
        problems: One line for each workflow and reason.
    """

    problems: Sequence[str]

    def __str__(self) -> str:
        listed = list_lines(self.problems)
        return f"the plan was refused, and nothing was written:{listed}"


@frozen(repr=False)
class PruneError(DeployError):
    """Workflows that are no longer in the code are not deleted.

    Attributes:
        problems: The reasons, one line each.
        victims: The keys of workflows that would be deleted.
    """

    problems: Sequence[str]
    victims: Sequence[str] = ()

    def __str__(self) -> str:
        listed = list_lines(self.problems)
        keys = ", ".join(printable(key) for key in self.victims)
        so = f"so these stay: {keys}" if keys else "and nothing was deleted"
        return f"prune was refused, {so}:{listed}"


@frozen(repr=False)
class StalePlanError(DeployError):
    """A workflow has changed since the plan was made.

    Attributes:
        workflow: Its key.
        event: The change: `edited`, `deleted`, `created`, or another word.
        edits: The changes since the plan was made.
        changes: The changes of the plan.
        others: The keys of other workflows that have changed too.
    """

    workflow: str
    workflow_id: str
    event: str
    edits: Sequence[str] = ()
    changes: Sequence[str] = ()
    others: Sequence[str] = ()

    def __str__(self) -> str:
        name = shlex.quote(printable(self.workflow))
        theirs = list_lines(self.edits, indent="    ")
        ours = list_lines(self.changes, indent="    ")
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
    """A saved plan is not applied, or a plan is not saved. Nothing was written.

    Attributes:
        path: The file of the plan.
        is_new: Whether the plan was to be saved there.
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
    """A folder of JSON, or its manifest `flow64.json`, cannot be used.

    Attributes:
        problem: What is wrong, and what to do.
        pointer: The place in the file, as a JSON pointer.
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
    """A workflow cannot be pulled. No file was written.

    Attributes:
        wanted: The id or key that was given.
        problem: What is wrong, and what to do.
    """

    wanted: str
    problem: str

    def __str__(self) -> str:
        return f"{printable(self.wanted)} was not pulled: {printable(self.problem)}"
