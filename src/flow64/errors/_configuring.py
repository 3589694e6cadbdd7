"""Errors of settings and of packages, which every room may raise."""

from __future__ import annotations

from attrs import frozen

from ._root import FlowError


@frozen(repr=False)
class ConfigError(FlowError, ValueError):
    """A key, endpoint or setting is missing or cannot be used. It is never shown."""

    problem: str

    def __str__(self) -> str:
        return self.problem


@frozen(repr=False)
class MissingExtraError(FlowError, ImportError):
    """A part of flow64 needs packages that are not installed."""

    part: str
    extra: str

    def __str__(self) -> str:
        return (
            f"{self.part} needs more packages: install flow64 again with the extra "
            f"{self.extra}, from where it came (in a clone: pip install "
            f"'.[{self.extra}]')"
        )
