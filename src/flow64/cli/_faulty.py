"""Definitions of workflows with errors: they are shown and compared all the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..definition import Definition
from ..workflow import Workflow


def even_faulty(
    workflow: Workflow, env: str | None = None, values: Mapping[str, Any] | None = None
) -> Definition:
    """What a workflow does, as far as it could be made; values unbound by default."""
    return workflow._lowered(env, values).definition  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - `compile` refuses what has errors


def made_of(
    workflow: Workflow, env: str | None = None, values: Mapping[str, Any] | None = None
) -> Definition:
    """What a workflow does, also where rules find errors in it.

    Raises:
        CompileError: It could not be made.
    """
    lowered = workflow._lowered(env, values)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - see above
    if any(finding.severity == "error" for finding in lowered.findings):
        return workflow.compile(env, values)
    return lowered.definition
