"""Values of an environment, recognised in its live workflows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from attrs import field, frozen

from ..definition import Value, thaw
from ..secrets import Secrets, has_key, texts_in


@frozen
class Known:
    """A value of an environment.

    Attributes:
        content: Its content, as JSON data.
        secrets: The texts in it that come from variables. They make it secret.
    """

    name: str
    content: Any = field(repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)


@frozen
class KnownValues:
    """The values of an environment, prepared for a search.

    Attributes:
        values: The values that can be recognised by their content.
        names: The names of all values.
    """

    values: Sequence[tuple[Value, Any]] = field(repr=False)
    names: Sequence[str]
    secrets: Secrets

    @classmethod
    def of(cls, given: Iterable[Known]) -> KnownValues:
        """Select the values that can be recognised: secret ones first, by name.

        If several values have the same content, the first secret one is used. If all of
        them are plain, none is used.
        """
        known = sorted(given, key=lambda one: (not one.secrets, one.name))
        found: list[tuple[Value, Any]] = []
        for one in known:
            texts = [text for _, text in texts_in(one.content)]
            is_secret = bool(one.secrets) or any(map(has_key, texts))
            is_clear = _is_long if is_secret else _is_distinctive
            twins = [other for other in known if _is_same(other.content, one.content)]
            if any(map(is_clear, texts)) and (is_secret or len(twins) == 1):
                found.append((Value(one.name, secret=is_secret), one.content))
        secrets = [text for one in known for text in one.secrets if _is_long(text)]
        return cls(found, [one.name for one in known], Secrets(secrets))

    def value_of(self, item: Any) -> Value | None:
        """Return the value with this content, if there is one."""
        if not self.values:
            return None
        plain = thaw(item)
        return next(
            (value for value, content in self.values if _is_same(content, plain)), None
        )


_SHORTEST: Final = 8
"""Fewest characters of a text that is recognised by itself."""

# A word such as PROFESSIONAL may be in many fields by chance.
_DISTINCTIVE: Final = re.compile(r"(?=\S*(?:\d|://|@))\S+")


def _is_long(text: str) -> bool:
    return len(text) >= _SHORTEST


def _is_distinctive(text: str) -> bool:
    """Return True if the same live text can hardly be a coincidence."""
    return _is_long(text) and _DISTINCTIVE.fullmatch(text) is not None


def _is_same(one: Any, other: Any) -> bool:
    """Compare JSON data. Unlike in Python, 1 is neither 1.0 nor True."""
    if one != other:
        return False
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
