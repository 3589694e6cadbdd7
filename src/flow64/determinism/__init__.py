"""Determinism: compile a source in different processes, and find what differs."""

from __future__ import annotations

from ._processes import (
    ALWAYS,
    Cause,
    Compilation,
    CompiledWorkflow,
    Difference,
    ProcessOutcome,
    ProcessSettings,
    find_causes,
    list_differences,
    vary_settings,
)

__all__ = [
    "ALWAYS",
    "Cause",
    "Compilation",
    "CompiledWorkflow",
    "Difference",
    "ProcessOutcome",
    "ProcessSettings",
    "find_causes",
    "list_differences",
    "vary_settings",
]
