"""Values of an environment, found again in what is live there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from attrs import field, frozen

from ..definition import SHORTEST_VALUE, Value, thaw
from ..redaction import Secrets, has_key, texts_in


@frozen
class Known:
    """A value of an environment.

    Attributes:
        name: Its name.
        content: What it stands for, as JSON data.
        secrets: The texts in it that come from variables; with one, it is secret.
    """

    name: str
    content: Any = field(repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)


@frozen
class KnownValues:
    """The values of an environment, as they are looked for.

    Attributes:
        values: Those that are told by what they stand for.
        names: The names of all of them.
        secrets: The secret texts.
    """

    values: Sequence[tuple[Value, Any]] = field(repr=False)
    names: Sequence[str]
    secrets: Secrets

    @classmethod
    def of(cls, given: Iterable[Known]) -> KnownValues:
        """Those that are long enough to be told, the secret ones first, by name.

        Of values that stand for the same, the first secret one is taken; of plain ones
        that do, none.
        """
        known = sorted(given, key=lambda one: (not one.secrets, one.name))
        found: list[tuple[Value, Any]] = []
        for one in known:
            texts = [text for _, text in texts_in(one.content)]
            is_secret = bool(one.secrets) or any(map(has_key, texts))
            is_told = _is_long if is_secret else _is_telling
            twins = [other for other in known if _is_same(other.content, one.content)]
            if any(map(is_told, texts)) and (is_secret or len(twins) == 1):
                found.append((Value(one.name, secret=is_secret), one.content))
        secrets = [text for one in known for text in one.secrets if _is_long(text)]
        return cls(found, [one.name for one in known], Secrets(secrets))

    def value_of(self, item: Any) -> Value | None:
        """The value that something which is live equals; None where there is none."""
        if not self.values:
            return None
        plain = thaw(item)
        return next(
            (value for value, content in self.values if _is_same(content, plain)), None
        )


# Of words such as PROFESSIONAL there are few, and many fields that hold one.
_DISTINCTIVE: Final = re.compile(r"(?=\S*(?:\d|://|@))\S+")


def _is_long(text: str) -> bool:
    return len(text) >= SHORTEST_VALUE


def _is_telling(text: str) -> bool:
    """Whether that the same text is live can hardly be a coincidence."""
    return _is_long(text) and _DISTINCTIVE.fullmatch(text) is not None


def _is_same(one: Any, other: Any) -> bool:
    """Whether JSON data is the same; unlike in Python, 1 is neither 1.0 nor True."""
    if one != other:
        return False
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
