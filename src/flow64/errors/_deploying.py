"""Errors of plans, deploys and what they are configured with."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from ..text import printable
from ._root import FlowError


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
