"""Errors of plans, deploys and what they are configured with."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from ..text import did_you_mean, printable
from ._configuring import ConfigError
from ._root import FlowError, list_lines


class DeployError(FlowError):
    """A deploy was refused or failed. Its message says whether anything was written.

    Attributes:
        names: The values that are missing, if that is why.
        differences: What differs from what was written, one line each.
    """

    names: Sequence[str] = ()
    differences: Sequence[str] = ()


class ConsentError(DeployError):
    """Something more has to be agreed to. Nothing was written.

    Attributes:
        problems: One line for each workflow and reason.
    """

    problems: Sequence[str] = ()


@frozen(repr=False)
class SettingsError(ConfigError):
    """`[tool.flow64]` has mistakes.

    Attributes:
        problem: The file.
        mistakes: All mistakes, one line each, with the line of the file.
    """

    problem: str
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

    problem: str
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


class StalePlanError(DeployError):
    """A plan is not applied: code or service have changed, or a file is no plan.

    Nothing more was written.

    Attributes:
        event: The change of a workflow: `edited`, `deleted` or `created`.
        edits: The changes since the plan was made, one line each.
    """

    event: str = ""
    edits: Sequence[str] = ()


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
