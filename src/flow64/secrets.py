"""Secrets: which texts may not be shown, and how they are masked.

Definitions hold no secret: `definition.secrets` says how. `mask` stands where foreign
text leaves: what the service answers, literals of code, source lines. It masks what
looks like a key. A client's `Secrets` masks the secrets that it knows.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from json import dumps
from threading import Lock
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, final
from urllib.parse import quote, quote_plus

from .text import printable

T = TypeVar("T")
_Path: TypeAlias = tuple[str | int, ...]

MASK: Final = "***"
"""Replaces a secret."""

SHORTEST: Final = 4
"""Fewest characters of a secret to look for inside of other texts."""

SHORTEST_CODED: Final = 8
"""Fewest characters of a secret to look for in another spelling."""


# -- Texts that look like keys ---------------------------------------------------------

# Searched for first, since most texts have none of these.
KEY_MARKS: Final = (
    *("sk_", "sk-", "eyJ", "PRIVATE KEY-----", "AKIA", "xox", "gh", "AIza"),
)

KEY_SHAPES: Final = {
    "a webhook signing secret": re.compile(r"sk_whsec_\w{4,}"),
    "an API key": re.compile(r"(?<![A-Za-z0-9])sk[_-](?:live|test|proj)[_-][\w-]{8,}"),
    "a key": re.compile(
        r"(?<![A-Za-z0-9])sk[_-](?:(?=[\w-]{0,63}[0-9A-Z])[\w-]{16,}|[\w-]{64,})"
    ),
    "a JSON Web Token": re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{4,}\.[\w-]*"),
    "a private key": re.compile(
        r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY-----[\w+/=:,\s\\]*"
    ),
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


def mask(data: T) -> T:
    """Mask everything that looks like a key, in a text or in plain JSON data.

    In data, the names of members are texts too.
    """
    masked: Any = data
    if isinstance(data, str):
        if any(mark in data for mark in KEY_MARKS):
            for shape in KEY_SHAPES.values():
                masked = shape.sub(MASK, masked)
    elif isinstance(data, dict):
        masked = {mask(name): mask(item) for name, item in data.items()}
    elif isinstance(data, list):
        masked = [mask(item) for item in data]
    result: T = masked
    return result


def has_key(text: str) -> bool:
    """Return True if something in a text looks like a key."""
    return mask(text) != text


def clean_text(text: object) -> str:
    """Mask keys in a text, and escape characters that steer a terminal."""
    return printable(mask(str(text)))


# -- Secrets that are known ------------------------------------------------------------


@final
class Secrets:
    """Texts that are secret. No repr shows them.

    They are added as they become known, by any thread.

    Args:
        texts: The first of them.
    """

    __slots__ = ("_known", "_lock", "_spellings")

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._lock = Lock()
        self._known: frozenset[str] = frozenset()
        self._spellings: Sequence[str] = ()
        self.add(texts)

    def add(self, texts: Iterable[str]) -> None:
        """Remember more secrets. Those of fewer than 4 characters are ignored."""
        new = {text for text in texts if len(text) >= SHORTEST} - self._known
        if not new:
            return
        with self._lock:
            self._known |= new
            forms = {*self._spellings}.union(*map(spellings, new))
            # No spelling comes after a part of it.
            self._spellings = sorted(forms, key=lambda form: (-len(form), form))

    def is_in(self, text: str) -> bool:
        """Return True if a text contains a secret, in any spelling."""
        return any(map(text.__contains__, self._spellings))

    def find(self, data: Any) -> _Path | None:
        """Return the first path in JSON data at which a secret is."""
        places = texts_in(data, with_names=True)
        return next((path for path, text in places if self.is_in(text)), None)

    def mask(self, text: str) -> str:
        """Mask the secrets in a text, in any spelling."""
        for secret in self._spellings:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def __repr__(self) -> str:
        return f"Secrets(<{len(self._known)}>)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are neither copied nor pickled")


def spellings(secret: str) -> frozenset[str]:
    """Return a secret and its spellings in URLs, JSON, HTML, hex and base64."""
    try:
        octets = secret.encode()
    except UnicodeEncodeError:  # half a surrogate pair, as a variable may hold
        return frozenset({secret})
    in_json = dumps(secret)[1:-1]
    forms = {
        quote(secret, safe=""),
        quote(secret),
        quote(secret, safe="!*'()"),  # as JavaScript does
        quote_plus(secret),
        in_json,
        in_json.replace("/", "\\/"),
        dumps(secret, ensure_ascii=False)[1:-1],
        secret.replace("~", "~0").replace("/", "~1"),  # in a JSON pointer
        escape(secret),
        octets.hex(),
        *_in_base64(octets),
    }
    return frozenset({secret, *(form for form in forms if len(form) >= SHORTEST_CODED)})


def _in_base64(secret: bytes) -> Iterator[str]:
    """The forms of a text in base64, with any number of bytes before and after it."""
    for before, mixed in enumerate((0, 2, 3)):
        text = b64encode(bytes(before) + secret).rstrip(b"=").decode()
        sure = text[mixed : len(text) - bool((before + len(secret)) % 3)]
        yield sure
        yield sure.replace("+", "-").replace("/", "_")


# -- JSON data -------------------------------------------------------------------------


def map_json(data: Any, replace: Callable[[Any, _Path], Any], path: _Path = ()) -> Any:
    """Return a copy of JSON data in which values are replaced, from the outside in.

    Args:
        data: Dicts, lists and other values, plain or frozen.
        replace: Returns the replacement of a value, which may be at a path. If it
            returns the same object, the values inside of it are replaced.
        path: The path of `data`.
    """
    item = replace(data, path)
    if item is not data:
        return item
    if isinstance(data, dict):
        members = {k: map_json(v, replace, (*path, k)) for k, v in data.items()}
        return type(data)(members)
    if isinstance(data, list):
        items = enumerate(data)
        return type(data)([map_json(v, replace, (*path, at)) for at, v in items])
    return data


def walk(data: Any, path: _Path = ()) -> Iterator[tuple[_Path, Any]]:
    """Yield every value inside JSON data with its path, keys in order.

    Args:
        data: The data, plain or frozen.
        path: Its path.
    """
    todo = [(path, data)]
    while todo:
        here, item = todo.pop()
        yield here, item
        if isinstance(item, dict):
            todo += [((*here, key), item[key]) for key in reversed(item)]
        elif isinstance(item, list):
            todo += [((*here, at), item[at]) for at in reversed(range(len(item)))]


def texts_in(data: Any, *, with_names: bool = False) -> Iterator[tuple[_Path, str]]:
    """Yield all texts in JSON data with their paths.

    Args:
        data: The data, plain or frozen.
        with_names: Include the names of members, at the path of their object.
    """
    for place, item in walk(data):
        if isinstance(item, str):
            yield place, item
        elif with_names and isinstance(item, dict):
            yield from ((place, name) for name in item)
