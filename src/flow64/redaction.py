"""Secrets: which texts are secret, and the mask that stands in their place."""

from __future__ import annotations

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
