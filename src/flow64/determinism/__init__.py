"""Determinism: compile a source in different processes, and find what differs."""

from __future__ import annotations

from ._processes import (
    ALWAYS,
    Cause,
    Compilation,
    Difference,
    ProcessSettings,
    find_causes,
    vary_settings,
)

__all__ = [
    "ALWAYS",
    "Cause",
    "Compilation",
    "Difference",
    "ProcessSettings",
    "find_causes",
    "vary_settings",
]
