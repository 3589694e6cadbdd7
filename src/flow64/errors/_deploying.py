"""Errors of plans, deploys and what they are configured with."""

from __future__ import annotations

from collections.abc import Sequence

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
