"""The one credential of a client, which shows itself nowhere but in its header."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Final, NoReturn, Protocol

from attrs import field, frozen

from ..errors import ConfigError
from ..redaction import spellings
from ._steps import Conversation, Request

KEY_NAME: Final = "SIXTYFOUR_API_KEY"
"""Environment variable of the API key (documented)."""

SHORTEST: Final = 8
"""Characters of the shortest text that is masked: a shorter one, such as the made-up
key of a test, is no secret, and part of many words."""


@frozen
class Token:
    """An access token.

    Attributes:
        text: The token.
        lifetime: Seconds for which to use it; then another is asked for.
    """

    text: str = field(repr=False)
    lifetime: float

    def __reduce__(self) -> NoReturn:
        raise ConfigError("a token is neither copied nor pickled; ask for another one")


class TokenSource(Protocol):
    """What gets tokens, such as `OAuth`.

    The requests of its conversation are open ones (`is_open`), and it does not `Renew`:
    it is played while the credential is being renewed.
    """

    def obtain(self, endpoint: str) -> Conversation[Token]:
        """Ask for a token."""


class Credential:
    """An API key, or the tokens of an OAuth client: one header, of one kind.

    Nothing that lists attributes finds it, and it is neither copied nor pickled. It is
    judged by `require_usable` and not as it is made, since whoever makes it still has
    the key among the locals that a traceback may show.

    Args:
        api_key: The key; None for that of the environment, where there is no source.
        source: Gets tokens instead.
    """

    __slots__ = ("_key", "_lock", "_since", "_token", "_turn", "_was_noted", "source")

    source: TokenSource | None

    def __init__(self, api_key: str | None, source: TokenSource | None) -> None:
        self.source = source
        self._key = api_key
        if source is None and api_key is None:
            self._key = os.environ.get(KEY_NAME)
        self._lock = Lock()
        self._token: Token | None = None
        self._since = 0.0
        self._turn = 0
        self._was_noted = False

    def require_usable(self) -> None:
        """Refuse two credentials, and a key that is missing or that cannot be one.

        Raises:
            ConfigError: It is none to use; it is not shown.
        """
        if self.source is not None:
            if self._key is not None:
                raise ConfigError(
                    "both an API key and OAuth were given, and the service takes one: "
                    "pass either api_key= or oauth="
                )
            if not callable(getattr(self.source, "obtain", None)):
                raise ConfigError(
                    "oauth= takes an OAuth(...), which is not what was given"
                )
            return
        if self._key is None:
            raise ConfigError(
                f'no API key: set {KEY_NAME}, or pass Client(api_key="...")'
            )
        if not is_header_text(self._key):
            raise ConfigError(
                "the API key is empty, or has spaces, line breaks or other characters "
                "that no key has; copy it again (it is not shown here)"
            )

    @property
    def turn(self) -> int:
        """Counts the tokens, so that one that was turned away is renewed once."""
        return self._turn

    def is_due(self, now: float) -> bool:
        """Whether a token has to be asked for before anything else is."""
        if self.source is None:
            return False
        with self._lock:
            return self._token is None or now - self._since >= self._token.lifetime

    def keep(self, token: Token, now: float) -> None:
        """Use a token from now on."""
        with self._lock:
            self._token, self._since = token, now
            self._turn += 1

    def header(self) -> Mapping[str, str]:
        """The header, exactly one."""
        if self.source is None:
            return {"x-api-key": self._key or ""}
        token = self._token.text if self._token else ""
        return {"authorization": f"Bearer {token}"}

    def note(self, asked: Request) -> None:
        """Say once that not all sources let OAuth do what is asked; it goes on."""
        has_rows = isinstance(asked.body, Mapping) and "webhook_payload" in asked.body
        if self.source is not None and has_rows and not self._was_noted:
            self._was_noted = True
            logging.getLogger("flow64").info(
                "a run with webhook_payload is started under OAuth; the sources "
                "disagree on whether it needs an API key (the newer ones say no)"
            )

    def masked(self, content: bytes) -> bytes:
        """A text without the credential, in any spelling that a service may use."""
        token = self._token
        return masked(content, (self._key, token.text if token else None))

    @property
    def secrets(self) -> Sequence[str]:
        """The key or token, for what redacts it; a made-up one is too short to be."""
        token = self._token
        found = (self._key, token.text if token else None)
        return [text for text in found if text and len(text) >= SHORTEST]

    def __reduce__(self) -> NoReturn:
        raise ConfigError("a credential is neither copied nor pickled")


def is_header_text(text: object) -> bool:
    """Whether something can be a key or a token: "!" to "~", what is printed."""
    return (
        isinstance(text, str)
        and bool(text)
        and all("!" <= sign <= "~" for sign in text)
    )


def masked(content: bytes, secrets: Iterable[str | None]) -> bytes:
    """A text without secrets, in any spelling that a service may give them."""
    for secret in secrets:
        if secret is None or len(secret) < SHORTEST:
            continue
        # The longest first: a shorter one may be a part of it.
        for spelling in sorted(spellings(secret), key=len, reverse=True):
            content = content.replace(spelling, b"***")
    return content
