"""Errors about sources and addresses. The command line words them."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from ..diagnostics import Finding
from ..errors import FlowError


@frozen(repr=False)
class AddressError(FlowError):
    """A source, key or address cannot be used, and is probably mistyped.

    Attributes:
        notes: What was noticed while the source was read.
    """

    problem: str
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        return self.problem


@frozen(repr=False)
class SourceError(FlowError):
    """A source exists and cannot be read.

    Attributes:
        finding: The error as a finding of `flow64 check`.
        traceback: The traceback of the user's own code, if that failed.
    """

    problem: str
    finding: Finding
    traceback: str = ""

    def __str__(self) -> str:
        return "\n".join(filter(None, (self.problem, self.traceback)))
