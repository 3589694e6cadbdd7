"""Redaction: which texts are secret, and what stands in their place.

This is the one owner. It knows plain texts and JSON data, frozen or not, and it has
three uses. Show: `Secrets.redact` and `Secrets.hide` put the mask in the place of a
secret. Store: `Secrets.find` says where a secret would be stored. Compare:
`Secrets.is_one` says whether a value is a secret. What a definition holds is redacted
by `redact_for_display` and `redact_for_storage` of `definition`, with the same classes.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from json import dumps
from threading import Lock
from typing import Any, Final, NoReturn, TypeAlias, final
from urllib.parse import quote, quote_plus

_Path: TypeAlias = tuple[str | int, ...]

MASK: Final = "***"
"""Stands in the place of a secret."""

SHORTEST: Final = 4
"""Characters of the shortest secret that is looked for inside other texts."""

SHORTEST_CODED: Final = 8
"""Characters of the shortest secret that is looked for in another spelling."""


def map_json(data: Any, replace: Callable[[Any], Any]) -> Any:
    """Return a copy of JSON data in which values are replaced, from the outside in.

    Args:
        data: Dicts, lists and other values, plain or frozen.
        replace: Returns what takes the place of a value. If it returns the same object,
            the copy goes on inside of it.
    """
    made = replace(data)
    if made is not data:
        return made
    if isinstance(data, dict):
        return type(data)({k: map_json(item, replace) for k, item in data.items()})
    if isinstance(data, list):
        return type(data)([map_json(item, replace) for item in data])
    return data


def map_json_beside(
    data: Any,
    other: Any,
    replace: Callable[[Any, Any, _Path], Any],
    path: _Path = (),
) -> Any:
    """Copy JSON data like `map_json`, beside other data that may look like it.

    Args:
        data: The data to copy.
        other: What stands on the other side.
        replace: Is given a value, what stands in the same place on the other side, and
            that place. Without a counterpart the second one is None: the member is not
            there, or two lists have different lengths.
        path: The place of `data`.
    """
    made = replace(data, other, path)
    if made is not data:
        return made
    if isinstance(data, dict):
        members = other if isinstance(other, dict) else {}
        return type(data)(
            {
                name: map_json_beside(item, members.get(name), replace, (*path, name))
                for name, item in data.items()
            }
        )
    if isinstance(data, list):
        items = other if is_aligned(data, other) else [None] * len(data)
        return type(data)(
            [
                map_json_beside(item, items[at], replace, (*path, at))
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
    """Return plain JSON data with all texts changed, names of members too."""
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
        with_names: Include the names of members, at the place of their object. They
            come before its members: so no place has a name in it that was not seen.
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
    """JSON values that are secret, and the texts that would give one away.

    It shows (`redact`, `hide`), finds (`is_in`, `find`) and compares (`is_one`). No
    repr shows a secret.

    Args:
        contents: What is secret: texts, or other JSON data. Empty texts and nulls are
            ignored. Of the texts inside of other data, those of fewer than 4 characters
            are not looked for.
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
            for spelling in spelled(text)
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
        """Return a text with the mask in the place of each secret."""
        return _mask_texts(text, self.texts)

    def hide(self, data: Any, stand_in: Callable[[Any], Any] | None = None) -> Any:
        """Return JSON data with the mask in the place of each value that is secret.

        Args:
            data: The data.
            stand_in: Returns what takes the place of a value instead of the mask.
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
            self._texts = _longest_first({*self._texts}.union(*map(spelled, new)))

    def redact(self, text: str) -> str:
        """Return a text with the mask in the place of each secret, in any spelling."""
        return _mask_texts(text, self._texts)

    def redact_json(self, data: Any) -> Any:
        """Return JSON data in which all texts are redacted, names of members too."""
        return map_texts(data, self.redact) if self._texts else data

    def __repr__(self) -> str:
        return f"Redaction(<{len(self._secrets)}>)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("the secrets of a client are neither copied nor pickled")


def _longest_first(texts: Iterable[str]) -> Sequence[str]:
    """Sort texts so that a text comes before all that may be a part of it."""
    return sorted(texts, key=lambda text: (-len(text), text))


def _mask_texts(text: str, texts: Iterable[str]) -> str:
    for secret in texts:
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def spelled(secret: str) -> frozenset[str]:
    """Return a secret as it is, and the other spellings that it is looked for in."""
    try:
        made = [form.decode() for form in spellings(secret)]
    except UnicodeEncodeError:
        made = []  # half a surrogate pair, as a variable of the environment may hold
    return frozenset({secret, *(form for form in made if len(form) >= SHORTEST_CODED)})


def spellings(secret: str) -> set[bytes]:
    """Return a text as it is, in URLs, in JSON, and inside of base64.

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


# -- What looks like a key ------------------------------------------------------------

# Looked for first, in all texts at once: most definitions have none of these.
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
    """Return a text with the mask in the place of all that looks like a key."""
    if not any(mark in text for mark in KEY_MARKS):
        return text
    for shape in KEY_SHAPES.values():
        text = shape.sub(MASK, text)
    return text


def has_key(text: str) -> bool:
    """Return True if something in a text looks like a key."""
    return redact_keys(text) != text


def redact_keys_in_json(data: Any) -> Any:
    """Return plain JSON data with the mask for all that looks like a key."""
    return map_texts(data, redact_keys)


def blot_keys(text: str) -> str:
    """Return a text of the same length with `*` for each character of a key.

    So what points into the text still points to the right place.
    """
    if not any(mark in text for mark in KEY_MARKS):
        return text
    for shape in KEY_SHAPES.values():
        text = shape.sub(lambda found: "*" * len(found[0]), text)
    return text
