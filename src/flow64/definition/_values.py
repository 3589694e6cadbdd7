"""A value that differs by environment: unbound it is a name, bound it is JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Never, NoReturn, final

from attrs import frozen

from ..errors import ValueInTextError
from ..redaction import MASK as MASK  # noqa: PLC0414 - one mask for all

VALUE_KEY: Final = "flow64:value"
"""The key that marks an unbound value in unbound JSON."""


@frozen
class Value:
    """A whole value of a spec that each environment fills in.

    Attributes:
        name: The name that environments fill in.
        secret: Whether the value filled in is masked in everything printed or saved.
    """

    name: str
    secret: bool = False

    def __str__(self) -> str:
        raise ValueInTextError(self.name)

    def __format__(self, _: str) -> str:
        raise ValueInTextError(self.name)

    def __add__(self, _: Never) -> NoReturn:
        raise ValueInTextError(self.name)

    def __radd__(self, _: Never) -> NoReturn:
        raise ValueInTextError(self.name)

    def as_data(self) -> dict[str, Any]:
        """Return the form in unbound JSON."""
        data: dict[str, Any] = {VALUE_KEY: self.name}
        if self.secret:
            data["secret"] = True
        return data


@final
class BoundSecret:
    """A secret value that was filled in: shown by its name, sent as its text.

    Not an attrs class, so that `asdict` and `vars` do not find the text. A pickle holds
    the unbound value.
    """

    __slots__ = ("_content", "_value")

    def __init__(self, value: Value, content: Any) -> None:
        self._value = value
        self._content = content

    @property
    def value(self) -> Value:
        """The value that was filled in."""
        return self._value

    @property
    def content(self) -> Any:
        """The content that was filled in: frozen JSON, only for the request."""
        return self._content

    def __repr__(self) -> str:
        return f"BoundSecret({self._value.name!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundSecret):
            return NotImplemented
        return (self._value, self._content) == (other._value, other._content)

    def __hash__(self) -> int:
        return hash((self._value, self._content))

    def __copy__(self) -> BoundSecret:
        return self

    def __deepcopy__(self, memo: object) -> BoundSecret:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Value, (self._value.name, self._value.secret)


def as_value(data: Mapping[str, Any]) -> Value | None:
    """Return the unbound value that a mapping of unbound JSON means, or None."""
    if VALUE_KEY not in data or not set(data) <= {VALUE_KEY, "secret"}:
        return None
    name, secret = data[VALUE_KEY], data.get("secret", False)
    if not isinstance(name, str) or not name or not isinstance(secret, bool):
        return None
    return Value(name, secret)
