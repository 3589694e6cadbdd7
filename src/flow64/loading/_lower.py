"""Definitions of workflows, also if a rule finds errors in them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..definition import Definition, Values
from ..errors import ConfigError
from ..workflow import Workflow


def lower_leniently(
    workflow: Workflow, env: str | None = None, values: Mapping[str, Any] | None = None
) -> Definition:
    """Return as much of a definition as can be made. By default values stay unbound."""
    return workflow._lower(env, values).definition  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - `compile` refuses what has errors


def lower(
    workflow: Workflow, env: str | None = None, values: Mapping[str, Any] | None = None
) -> Definition:
    """Return the definition of a workflow, without checking it by the rules.

    Raises:
        CompileError: It cannot be made.
    """
    lowered = workflow._lower(env, values)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - see above
    if any(finding.severity == "error" for finding in lowered.findings):
        return workflow.compile(env, values)
    return lowered.definition


def select_set_values(values: Mapping[str, Any]) -> Values:
    """Return the values of an environment, without those of variables that are not set.

    Args:
        values: The values, each read from its variables when it is looked up.
    """
    contents: dict[str, Any] = {}
    for name in values:
        with suppress(ConfigError):
            contents[name] = values[name]
    return Values(contents, getattr(values, "hidden", ()))
