"""Compare values as a fingerprint does."""

from __future__ import annotations

import json
from typing import Any, Final

from attrs import frozen

from ..definition import BoundSecret, FrozenDict, Value, rfc8785, thaw

_NUMBERS: Final = (int, float)


@frozen
class Reading:
    """A way to read values.

    Attributes:
        bound: Whether a secret that was filled in is read as its text, or as its name.
    """

    bound: bool

    def plain(self, value: Any) -> Any:
        """Return the JSON for a value of an environment. Other values stay."""
        kind = type(value)
        if kind is BoundSecret:
            return value.content if self.bound else FrozenDict(value.value.as_data())
        return FrozenDict(value.as_data()) if kind is Value else value

    def canonical(self, value: Any) -> bytes:
        """Return the RFC 8785 form of a value, as a fingerprint has it."""
        return rfc8785(thaw(value, lambda item: thaw(self.plain(item))))

    def content(self, value: Any) -> str:
        """Return a text that is equal only for values that are the same.

        A number may have two such texts, as an integer and as a fraction. That is good
        enough to find what did not change.
        """
        return _ENCODERS[self.bound].encode(value)

    def same(self, one: Any, other: Any) -> bool:
        """Whether two values have the same RFC 8785 form."""
        if one is other:
            return True
        one, other = self.plain(one), self.plain(other)
        if isinstance(one, dict) and isinstance(other, dict):
            return self._same_members(one, other)
        if isinstance(one, list) and isinstance(other, list):
            return self._same_items(one, other)
        if type(one) is type(other):
            return bool(one == other)
        if type(one) in _NUMBERS and type(other) in _NUMBERS:
            return rfc8785(one) == rfc8785(other)
        return False

    # With loops instead of generators, since values may be nested very deeply.

    def _same_members(self, one: dict[str, Any], other: dict[str, Any]) -> bool:
        if len(one) != len(other):
            return False
        for key, inner in one.items():
            if key not in other or not self.same(inner, other[key]):
                return False
        return True

    def _same_items(self, one: list[Any], other: list[Any]) -> bool:
        if len(one) != len(other):
            return False
        for inner, beside in zip(one, other, strict=True):
            if not self.same(inner, beside):
                return False
        return True


def _encoder(reading: Reading) -> json.JSONEncoder:
    return json.JSONEncoder(
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=True,
        default=reading.plain,
    )


_ENCODERS: Final = {bound: _encoder(Reading(bound)) for bound in (False, True)}
