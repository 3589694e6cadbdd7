"""Suggestions for mistyped options and commands: none that may cost or destroy."""

from __future__ import annotations

from typing import Final

import click

from ..errors import did_you_mean

RISKY_OPTIONS: Final = frozenset(
    {
        "--allow-behind",
        "--allow-spend",
        "--allow-unpriced",
        "--create",
        "--force",
        "--new",
        "--no-check-columns",
        "--overwrite",
        "--prune",
        "--retry",
        "--skip-drifted",
        "--stale",
        "--yes",
    }
)
"""Options with which more is deleted, overwritten or bought than without them. Someone
who mistyped a harmless option must not be led to one of these."""

RISKY_COMMANDS: Final = frozenset({"cancel", "deploy", "restore", "run"})
"""Commands that overwrite, delete, spend, or end a run."""


def describe_unknown_option(error: click.NoSuchOption) -> str:
    """Say that there is no such option, and suggest a harmless one if it is close."""
    params = [] if error.ctx is None else error.ctx.command.get_params(error.ctx)
    options = [one for one in params if isinstance(one, click.Option)]
    # `-y` is as risky as `--yes`, but `--check-columns` is not `--no-check-columns`.
    spellings = [names for one in options for names in (one.opts, one.secondary_opts)]
    safe = [names for names in spellings if RISKY_OPTIONS.isdisjoint(names)]
    near = did_you_mean(error.option_name, [name for names in safe for name in names])
    return f"there is no option {error.option_name!r}{near}"


def describe_unknown_command(name: str, known: set[str]) -> str:
    """Say that there is no such command, and suggest a harmless one if it is close."""
    return f"there is no command {name!r}{did_you_mean(name, known - RISKY_COMMANDS)}"
