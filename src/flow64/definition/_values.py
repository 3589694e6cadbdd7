"""A value that differs by environment: a name, until JSON is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Never

from attrs import frozen

from ..errors import BuildError
from ..secrets import MASK as MASK  # noqa: PLC0414 - one mask for all

VALUE_KEY: Final = "flow64:value"
"""The key that marks an unbound value in unbound JSON."""


@frozen
class Value:
    """A whole value of a spec that each environment fills in.

    Attributes:
        name: The name that environments fill in.
        secret: Whether it is filled in for requests alone, and hidden in answers.
    """

    name: str
    secret: bool = False

    def __format__(self, _: str) -> str:
        message = f"value({self.name!r}) stands for a whole value, not a part of a text"
        raise BuildError(message, hint="let the environment fill in the whole text")

    def __str__(self) -> str:
        return format(self)

    def __add__(self, _: Never) -> str:
        return format(self)

    __radd__ = __add__

    def as_data(self) -> dict[str, Any]:
        """Return the form in unbound JSON."""
        data: dict[str, Any] = {VALUE_KEY: self.name}
        if self.secret:
            data["secret"] = True
        return data


@frozen
class Hidden:
    """A text of the service that is not shown, since it is or contains a secret."""

    def as_data(self) -> str:
        """Return the form in JSON."""
        return MASK


def as_value(data: Mapping[str, Any]) -> Value | None:
    """Return the unbound value that a mapping of unbound JSON means, or None."""
    if VALUE_KEY not in data or not set(data) <= {VALUE_KEY, "secret"}:
        return None
    name, secret = data[VALUE_KEY], data.get("secret", False)
    if not isinstance(name, str) or not name or not isinstance(secret, bool):
        return None
    return Value(name, secret)
