"""Errors of plans, deploys and what they are configured with."""

from __future__ import annotations

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
class StalePlanError(DeployError):
    """A workflow has changed since the plan was made.

    Attributes:
        workflow: Its key.
        event: The change: `edited`, `deleted` or `created`.
        edits: The changes since the plan was made, one line each.
        others: The keys of other workflows that have changed too.
    """

    workflow: str
    workflow_id: str
    event: str
    edits: Sequence[str] = ()
    others: Sequence[str] = ()

    def __str__(self) -> str:
        keys = ", ".join(printable(key) for key in (self.workflow, *self.others))
        return (
            f"{keys}: {self.event} since the plan was made, so nothing more was "
            f"written; make a new plan{list_lines(self.edits)}"
        )


@frozen(repr=False)
class SavedPlanError(DeployError):
    """A saved plan is not applied. Nothing was written."""

    path: str
    problem: str

    def __str__(self) -> str:
        return (
            f"the plan {printable(self.path)} is not applied: "
            f"{printable(self.problem)}; make a new one: flow64 plan -o FILE.json"
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
