"""A request to the service, and its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ..errors import AnswerError
from ..redaction import Redaction


@frozen
class Request:
    """One request to the API; the reply is an `Answer`.

    Attributes:
        path: Path below the base URL, with ids quoted.
        query: Query parameters; a list repeats its parameter.
        body: JSON data, or None for a request without body.
        form: Form fields instead of a JSON body.
        is_harmless: True if sending it again does no harm, although it is not a read.
        is_open: True if it is sent without a credential, as the request for a token is.
        is_once: True if it may spend, and its outcome is not looked for before a
            repetition. It is not sent again after any answer, not even a 429.
        secrets: Secrets that its answer, or a later one, may repeat.
    """

    method: str
    path: str
    query: Mapping[str, str | Sequence[str]] = field(factory=dict)
    body: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    is_harmless: bool = False
    is_open: bool = False
    is_once: bool = False
    secrets: Sequence[str] = field(default=(), repr=False, eq=False)

    @property
    def may_repeat(self) -> bool:
        """True if it may be sent again when its outcome is unknown."""
        return self.method == "GET" or self.is_harmless


@frozen
class Answer:
    """An answer: status, headers in lower case, and the body.

    Attributes:
        turn: Number of the credential that it was requested with, so that a refused
            credential is renewed once.
        redaction: Knows the secrets that no text of the answer may show.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    turn: int = 0
    redaction: Redaction = field(factory=Redaction, repr=False, eq=False)

    def redact(self, text: str) -> str:
        """Return a text of it as it may be shown."""
        return self.redaction.redact(text)

    def json(self, request: Request) -> Any:
        """The body as JSON data.

        Raises:
            AnswerError: The body is not JSON.
        """
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            kind = self.redact(self.headers.get("content-type", "no content type"))
            problem = f"it is not JSON ({kind}, {len(self.content)} bytes)"
            raise AnswerError(request.method, request.path, problem) from error
