"""Errors of settings and of packages, which every room may raise."""

from __future__ import annotations

from ..diagnostics import Finding
from ._root import FlowError


class ConfigError(FlowError, ValueError):
    """A key, endpoint, setting, store or package is missing or cannot be used.

    No secret is shown.

    Attributes:
        url: The address of the emulator that has a store open, if one has.
        is_usage: Whether a name that was given is wrong, such as that of `--env`.
    """

    url: str | None = None
    is_usage: bool = False


class SourceError(FlowError):
    """An address names nothing, or a source cannot be read, pulled or written.

    Attributes:
        finding: The error as a finding of `flow64 check`, if the source exists.
        is_usage: Whether the address is wrong, and not what it names.
    """

    finding: Finding | None = None
    is_usage: bool = False


def missing_extra(part: str, extra: str) -> ConfigError:
    """Return the error of a part of flow64 whose packages are not installed."""
    return ConfigError(
        f"{part} needs more packages",
        hint=f"install flow64 again with the extra {extra}, from where it came (in a "
        f"clone: pip install '.[{extra}]')",
    )
