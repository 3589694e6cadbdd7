"""Reasons for the state of a workflow, in words.

A plan has them as data. A review leaves out those that its headings say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..text import join_first
from ._model import Rename, State

WHY: Final[Mapping[State, str]] = {
    "new": "it is not on the service yet",
    "converged": "it is what the code says, and its stamp does not say so",
    "update": "the code has changed since it was deployed",
    "drifted": "it was edited on the service since it was deployed",
    "conflict": "it was edited on the service, and the code has changed as well",
    "foreign": "no code of yours deployed it, and it is not what the code says",
    "behind": "newer code, or that of another branch, deployed it",
}
"""The first reason for each state."""

MOST_NAMES: Final = 3
"""Most orphans that a reason names."""


def format_rename_reason(rename: Rename) -> str:
    """Return the reason why a new workflow is not created at once."""
    found = rename.candidates
    named = " or ".join(found)
    if len(found) > MOST_NAMES:
        named = f"any of {join_first(found, MOST_NAMES)}"
    return f"it may be {named} under another key"
