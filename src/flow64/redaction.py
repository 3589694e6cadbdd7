"""Redaction: which texts are secret, and how they are masked.

It handles plain texts and JSON data, frozen or not, and has three uses. Show:
`Secrets.redact` and `Secrets.hide` mask secrets. Store: `Secrets.find` finds a secret
that would be stored. Compare: `Secrets.is_one` checks whether a value is a secret.
Definitions are redacted by `redact_for_display` and `redact_for_storage` of
`definition`, with the same classes.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from json import dumps
from threading import Lock
from typing import Any, Final, NoReturn, TypeAlias, final
from urllib.parse import quote, quote_plus

from .text import printable

_Path: TypeAlias = tuple[str | int, ...]

MASK: Final = "***"
"""Replaces a secret."""

SHORTEST: Final = 4
"""Minimum characters of a secret to be searched for inside other texts."""

SHORTEST_CODED: Final = 8
"""Minimum characters of a secret to be searched for in another spelling."""


def map_json(data: Any, replace: Callable[[Any], Any]) -> Any:
    """Return a copy of JSON data in which values are replaced, from the outside in.

    Args:
        data: Dicts, lists and other values, plain or frozen.
        replace: Returns the replacement of a value. If it returns the same object, the
            values inside it are replaced.
    """
    made = replace(data)
    if made is not data:
        return made
    if isinstance(data, dict):
        return type(data)({k: map_json(item, replace) for k, item in data.items()})
    if isinstance(data, list):
        return type(data)([map_json(item, replace) for item in data])
    return data


def map_json_pairs(
    data: Any,
    other: Any,
    replace: Callable[[Any, Any, _Path], Any],
    path: _Path = (),
) -> Any:
    """Copy JSON data like `map_json`, along with other data of a similar shape.

    Args:
        data: The data to copy.
        other: The other data.
        replace: Takes a value, the value in the same place of the other data, and this
            place. The second one is None if the other data lacks that place, or if two
            lists have different lengths.
        path: The place of `data`.
    """
    made = replace(data, other, path)
    if made is not data:
        return made
    if isinstance(data, dict):
        members = other if isinstance(other, dict) else {}
        return type(data)(
            {
                name: map_json_pairs(item, members.get(name), replace, (*path, name))
                for name, item in data.items()
            }
        )
    if isinstance(data, list):
        items = other if is_aligned(data, other) else [None] * len(data)
        return type(data)(
            [
                map_json_pairs(item, items[at], replace, (*path, at))
                for at, item in enumerate(data)
            ]
        )
    return data


def is_aligned(one: Any, other: Any) -> bool:
    """Return True for two dicts, and for two lists of one length."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other)
    return isinstance(one, dict) and isinstance(other, dict)


def map_texts(data: Any, change: Callable[[str], str]) -> Any:
    """Change all texts of plain JSON data, including names of members."""
    if isinstance(data, str):
        return change(data)
    if isinstance(data, dict):
        return {change(name): map_texts(item, change) for name, item in data.items()}
    if isinstance(data, list):
        return [map_texts(item, change) for item in data]
    return data


def texts_in(
    data: Any, path: _Path = (), *, with_names: bool = False
) -> Iterator[tuple[_Path, str]]:
    """All texts in JSON data, each with its place.

    Args:
        data: The data, plain or frozen.
        path: Its place.
        with_names: Include the names of members, at the place of their object and
            before its members. So each name in a place was yielded before.
    """
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, Mapping):
        if with_names:
            yield from ((path, name) for name in data)
        for name, item in data.items():
            yield from texts_in(item, (*path, name), with_names=with_names)
    elif isinstance(data, list):
        for at, item in enumerate(data):
            yield from texts_in(item, (*path, at), with_names=with_names)


@final
class Secrets:
    """JSON values that are secret, and the texts that would reveal one.

    It shows (`redact`, `hide`), finds (`is_in`, `find`) and compares (`is_one`). No
    repr shows a secret.

    Args:
        contents: The secrets: texts, or other JSON data. Empty texts and nulls are
            ignored. Texts inside other data are ignored if they have fewer than 4
            characters.
    """

    __slots__ = ("texts", "wholes")

    def __init__(self, contents: Iterable[Any] = ()) -> None:
        known = [item for item in contents if item is not None and item != ""]
        self.wholes: Sequence[Any] = [
            item for item in known if not isinstance(item, str)
        ]
        found = {
            spelling
            for content in known
            for path, text in texts_in(content)
            if len(text) >= SHORTEST or (text and not path)
            for spelling in list_spellings(text)
        }
        self.texts: Sequence[str] = _longest_first(found)

    def __bool__(self) -> bool:
        return bool(self.texts or self.wholes)

    def is_in(self, text: str) -> bool:
        """Return True if a text contains a secret, in any spelling."""
        return any(map(text.__contains__, self.texts))

    def is_one(self, item: Any) -> bool:
        """Return True if a value is a secret, or a text that contains one."""
        if isinstance(item, str):
            return self.is_in(item)
        return any(item == whole for whole in self.wholes)

    def find(self, data: Any) -> _Path | None:
        """Return the first place in JSON data that contains a secret text."""
        if not self.texts:
            return None
        found = texts_in(data, with_names=True)
        return next((path for path, text in found if self.is_in(text)), None)

    def redact(self, text: str) -> str:
        """Mask the secrets in a text."""
        return _mask_texts(text, self.texts)

    def hide(self, data: Any, stand_in: Callable[[Any], Any] | None = None) -> Any:
        """Mask the secret values in JSON data.

        Args:
            data: The data.
            stand_in: Returns the replacement of a value, instead of the mask.
        """

        def replace(item: Any) -> Any:
            if self.is_one(item):
                return stand_in(item) if stand_in else MASK
            if isinstance(item, dict) and any(map(self.is_in, item)):
                return stand_in(item) if stand_in else type(item)({MASK: MASK})
            return item

        return map_json(data, replace)

    def __repr__(self) -> str:
        return f"Secrets(<{len(self.texts)}>)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are neither copied nor pickled")


class Redaction:
    """The secrets that a client knows. It takes them out of texts and JSON data.

    Secrets are added as they become known, by any thread. No repr shows them, and
    nothing that lists attributes finds them.

    Args:
        secrets: Texts that are secret.
    """

    __slots__ = ("_lock", "_secrets", "_texts")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = Lock()
        self._secrets: frozenset[str] = frozenset()
        self._texts: Sequence[str] = ()
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Remember more secrets. Those of fewer than 4 characters are ignored."""
        new = {text for text in secrets if len(text) >= SHORTEST} - self._secrets
        if not new:
            return
        with self._lock:
            self._secrets |= new
            self._texts = _longest_first(
                {*self._texts}.union(*map(list_spellings, new))
            )

    def redact(self, text: str) -> str:
        """Mask the secrets in a text, in any spelling."""
        return _mask_texts(text, self._texts)

    def redact_json(self, data: Any) -> Any:
        """Mask the secrets in JSON data, including names of members."""
        return map_texts(data, self.redact) if self._texts else data

    def __repr__(self) -> str:
        return f"Redaction(<{len(self._secrets)}>)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("the secrets of a client are neither copied nor pickled")


def _longest_first(texts: Iterable[str]) -> Sequence[str]:
    """Sort texts so that none comes after a part of it."""
    return sorted(texts, key=lambda text: (-len(text), text))


def _mask_texts(text: str, texts: Iterable[str]) -> str:
    for secret in texts:
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def list_spellings(secret: str) -> frozenset[str]:
    """Return a secret and its other spellings."""
    try:
        made = [form.decode() for form in spellings(secret)]
    except UnicodeEncodeError:
        made = []  # half a surrogate pair, as a variable of the environment may hold
    return frozenset({secret, *(form for form in made if len(form) >= SHORTEST_CODED)})


def spellings(secret: str) -> set[bytes]:
    """Return the spellings of a text in URLs, in JSON, and in base64.

    Raises:
        UnicodeEncodeError: It has half a surrogate pair.
    """
    in_json = dumps(secret)[1:-1]
    forms = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote(secret, safe="!*'()"),  # as JavaScript does
        quote_plus(secret),
        in_json,
        in_json.replace("/", "\\/"),
        dumps(secret, ensure_ascii=False)[1:-1],
    }
    return {text.encode() for text in forms} | {*_in_base64(secret.encode())}


def _in_base64(secret: bytes) -> Iterator[bytes]:
    """The forms of a text in base64, with any number of bytes before and after it."""
    for before, mixed in enumerate((0, 2, 3)):
        text = b64encode(bytes(before) + secret).rstrip(b"=")
        sure = text[mixed : len(text) - bool((before + len(secret)) % 3)]
        yield sure
        yield sure.translate(_URL_SAFE)


_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


# -- Texts that look like keys --------------------------------------------------------

# Searched for first, since most texts have none of these.
KEY_MARKS: Final = (
    "sk_",
    "sk-",
    "eyJ",
    "PRIVATE KEY-----",
    "AKIA",
    "xox",
    "gh",
    "AIza",
)

KEY_SHAPES: Final = {
    "a webhook signing secret": re.compile(r"sk_whsec_\w{4,}"),
    "an API key": re.compile(r"(?<![A-Za-z0-9])sk[_-](?:live|test|proj)[_-][\w-]{8,}"),
    "a key": re.compile(
        r"(?<![A-Za-z0-9])sk[_-](?:(?=[\w-]{0,63}[0-9A-Z])[\w-]{16,}|[\w-]{64,})"
    ),
    "a JSON Web Token": re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{4,}\.[\w-]*"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"(?<![A-Za-z0-9])AKIA[0-9A-Z]{16}(?![A-Za-z0-9])"),
    "a Google API key": re.compile(r"(?<![\w-])AIza[\w-]{35}(?![\w-])"),
    "a Slack token": re.compile(r"(?<![A-Za-z0-9])xox[abeoprs]-[\w-]{10,}"),
    "a GitHub token": re.compile(r"(?<!\w)(?:gh[opsur]_|github_pat_)\w{20,}"),
}
"""Patterns of keys.

Each pattern takes linear time. So "a key" looks for its digit or capital only in the
first 64 characters: without that limit, `sk_sk_sk_` is read again from each `sk_`. A
longer word counts as a key without one.
"""


def redact_keys(text: str) -> str:
    """Mask everything in a text that looks like a key."""
    if not any(mark in text for mark in KEY_MARKS):
        return text
    for shape in KEY_SHAPES.values():
        text = shape.sub(MASK, text)
    return text


def has_key(text: str) -> bool:
    """Return True if something in a text looks like a key."""
    return redact_keys(text) != text


def clean_text(text: object) -> str:
    """Mask keys in a text, and escape characters that steer a terminal."""
    return printable(redact_keys(str(text)))


def redact_keys_in_json(data: Any) -> Any:
    """Mask everything in plain JSON data that looks like a key."""
    return map_texts(data, redact_keys)


def blot_keys(text: str) -> str:
    """Replace each character of a key by `*`, so that positions stay the same."""
    if not any(mark in text for mark in KEY_MARKS):
        return text
    for shape in KEY_SHAPES.values():
        text = shape.sub(lambda found: "*" * len(found[0]), text)
    return text
