"""Secrets: which texts are secret, and the mask that stands in their place."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from json import dumps
from threading import Lock
from typing import Any, Final, NoReturn
from urllib.parse import quote, quote_plus

MASK: Final = "***"
"""Stands in the place of a secret."""

SHORTEST: Final = 4
"""Characters of the shortest secret that is looked for inside other texts."""

SHORTEST_CODED: Final = 8
"""Characters of the shortest secret that is looked for in another spelling."""


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
        self._texts: tuple[str, ...] = ()
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Remember more secrets. Those of fewer than 4 characters are ignored."""
        new = {text for text in secrets if len(text) >= SHORTEST} - self._secrets
        if not new:
            return
        with self._lock:
            self._secrets |= new
            found = {*self._texts}.union(*map(spelled, new))
            # The longest first: a shorter one may be a part of it.
            self._texts = tuple(sorted(found, key=lambda text: (-len(text), text)))

    def redact(self, text: str) -> str:
        """Return a text with the mask in the place of each secret, in any spelling."""
        for secret in self._texts:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def redact_json(self, data: Any) -> Any:
        """Return JSON data in which all texts are redacted, names of members too."""
        if not self._texts:
            return data
        if isinstance(data, str):
            return self.redact(data)
        if isinstance(data, dict):
            return {
                self.redact(name): self.redact_json(item) for name, item in data.items()
            }
        if isinstance(data, list):
            return [self.redact_json(item) for item in data]
        return data

    def __repr__(self) -> str:
        return f"Redaction(<{len(self._secrets)}>)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("the secrets of a client are neither copied nor pickled")


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
    """What is seen of a text in base64, with any number of bytes before and after."""
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
"""What secrets look like.

Each pattern takes linear time. So "a key" looks for its digit or capital only in the
first 64 characters: without that limit, `sk_sk_sk_` is read again from each `sk_`. A
longer word counts as a key without one.
"""


def redact_keys(text: str) -> str:
    """Return a text with the mask in the place of whatever looks like a key."""
    if not any(mark in text for mark in KEY_MARKS):
        return text
    for shape in KEY_SHAPES.values():
        text = shape.sub(MASK, text)
    return text


def redact_keys_in_json(data: Any) -> Any:
    """Return JSON data without whatever in it looks like a key, in names too."""
    if isinstance(data, str):
        return redact_keys(data)
    if isinstance(data, dict):
        return {redact_keys(k): redact_keys_in_json(item) for k, item in data.items()}
    if isinstance(data, list):
        return [redact_keys_in_json(item) for item in data]
    return data


def blot_keys(text: str) -> str:
    """Return a text of the same length with `*` for each character of a key.

    So what points into the text still points to the right place.
    """
    if not any(mark in text for mark in KEY_MARKS):
        return text
    for shape in KEY_SHAPES.values():
        text = shape.sub(lambda found: "*" * len(found[0]), text)
    return text
