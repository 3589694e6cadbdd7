"""The credential of a client. It is shown nowhere but in its header."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from attrs import field, frozen

from ..errors import ConfigError
from ._request import Request

if TYPE_CHECKING:
    from ._session import Session

KEY_NAME: Final = "SIXTYFOUR_API_KEY"
"""Environment variable of the API key (documented)."""

SHORTEST: Final = 8
"""Fewest characters of a text that is masked. A shorter one, such as the made-up key of
a test, is not a secret, and is part of many words."""


@frozen
class Token:
    """An access token.

    Attributes:
        lifetime: Seconds to use the token for.
    """

    text: str = field(repr=False)
    lifetime: float

    def __reduce__(self) -> NoReturn:
        raise ConfigError("a token is neither copied nor pickled; ask for another one")


class TokenSource(Protocol):
    """A source of tokens, such as `OAuth`.

    Its requests are open (`is_open`), since they are sent while the credential is being
    renewed.
    """

    async def obtain(self, session: Session) -> Token:
        """Request a token from the endpoint of a session."""


class Credential:
    """An API key, or the tokens of an OAuth client: one header of one kind.

    Nothing that lists attributes finds it, and it is neither copied nor pickled.
    `require_usable` checks it, and not its constructor: the caller has the key among
    its locals, which a traceback may show.

    Args:
        api_key: The key. None takes that of the environment, unless there is a source.
        source: Obtains tokens instead.
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
        """Refuse two credentials, a missing key, and a key that cannot be one.

        Raises:
            ConfigError: The credential cannot be used. It is not shown.
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
                f'no API key: set {KEY_NAME}, or pass Client(api_key="..."); '
                "-e local is an emulator on this machine, which needs none"
            )
        if not is_header_text(self._key):
            raise ConfigError(
                "the API key is empty, or has spaces, line breaks or other characters "
                "that no key has; copy it again (it is not shown here)"
            )

    @property
    def turn(self) -> int:
        """Number of tokens so far, so that a refused token is renewed once."""
        return self._turn

    def is_due(self, now: float) -> bool:
        """Return True if a token has to be requested first."""
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
        """Return the one header."""
        if self.source is None:
            return {"x-api-key": self._key or ""}
        token = self._token.text if self._token else ""
        return {"authorization": f"Bearer {token}"}

    def note(self, asked: Request) -> None:
        """Log once that the sources disagree on whether OAuth may do this."""
        has_rows = isinstance(asked.body, Mapping) and "webhook_payload" in asked.body
        if self.source is not None and has_rows and not self._was_noted:
            self._was_noted = True
            logging.getLogger("flow64").info(
                "a run with webhook_payload is started under OAuth; the sources "
                "disagree on whether it needs an API key (the newer ones say no)"
            )

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
