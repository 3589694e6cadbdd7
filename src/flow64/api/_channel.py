"""Turn requests into HTTP requests, and HTTP answers into answers."""

from __future__ import annotations

import asyncio
import json
import logging
import platform
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Final
from urllib.parse import urlencode, urlsplit

from attrs import field, frozen

from ..endpoints import host_of, is_followed, is_loopback
from ..errors import (
    AnswerError,
    ApiError,
    FlowError,
    LinkRefusedError,
    TransportError,
)
from ..http import httpx
from ..redaction import Redaction
from ._credential import Credential
from ._pace import Pace
from ._request import Answer, Request
from ._retry import Policy
from ._transport import HttpRequest

LONG: Final = 2.0
"""Seconds of a wait that is worth a warning."""

MAX_ANSWER: Final = 256 * 2**20
"""Most bytes of an answer of the API."""

MAX_ERROR: Final = 64 * 2**10
"""Most bytes to read of the body of an error."""

CONNECT_ERROR: Final = "ConnectError"
"""The error of the HTTP library if there was no connection, but no timeout either."""

_BREAKS: Final[Mapping[str, str]] = {
    CONNECT_ERROR: "no connection",
    "ConnectTimeout": "no connection in time",
    "ReadTimeout": "it took too long",
    "WriteTimeout": "sending took too long",
    "PoolTimeout": "too many connections are open",
    "DecodingError": "what came cannot be decoded",
    "RemoteProtocolError": "what came is not HTTP, or it broke off",
}
"""What happened, by the class of the error of the HTTP library."""


def describe_break(reason: str) -> str:
    """Describe why there is no answer, without the name of a class of Python."""
    is_class = reason.isidentifier() and reason.endswith("Error")
    return _BREAKS.get(reason, "the connection broke" if is_class else reason)


@frozen
class Channel:
    """One endpoint with one credential, one policy and one pace.

    Attributes:
        endpoint: Base URL.
        credential: Sent to the endpoint and nowhere else.
        policy: Deadlines, timeouts and retries.
        pace: Shared by all users of the client.
        hosts: The only hosts to open signed links of; None opens all.
        luck: Returns numbers from 0 to 1.
        secrets: Secrets that no text of an answer may show.
        renewing: Held while the credential is being renewed.
    """

    endpoint: str
    credential: Credential
    policy: Policy
    pace: Pace
    hosts: frozenset[str] | None
    luck: Callable[[], float]
    secrets: Redaction = field(factory=Redaction, repr=False, eq=False)
    renewing: asyncio.Lock = field(factory=asyncio.Lock, repr=False, eq=False)

    @property
    def is_local(self) -> bool:
        """True if the endpoint is on this machine."""
        return is_loopback(host_of(self.endpoint))

    def request(self, asked: Request, timeout: float) -> HttpRequest:
        """Return the HTTP request of a request."""
        headers = {"accept": "application/json", "user-agent": user_agent()}
        self.credential.note(asked)
        self.secrets.add(asked.secrets)
        content = None
        if asked.form is not None:
            content = urlencode(asked.form).encode()
            headers["content-type"] = "application/x-www-form-urlencoded"
        elif asked.body is not None:
            text = json.dumps(asked.body, ensure_ascii=False, separators=(",", ":"))
            content = text.encode()
            headers["content-type"] = "application/json"
        if asked.idempotency_key is not None:
            headers["idempotency-key"] = asked.idempotency_key
        query = urlencode(asked.query, doseq=True)
        url = f"{self.endpoint}{asked.path}" + (f"?{query}" if query else "")
        # Last, and in no local: a body that cannot be written ends in a traceback.
        return HttpRequest(
            asked.method,
            url,
            headers if asked.is_open else {**headers, **self.credential.header()},
            content,
            timeout,
        )

    def link(
        self, url: str, start: int, validator: str | None, timeout: float
    ) -> HttpRequest:
        """Return the HTTP request of a signed link, without credential and cookie.

        Raises:
            LinkRefusedError: The link may not be opened.
        """
        if not is_followed(url, self.endpoint, self.hosts):
            raise LinkRefusedError(host_of(url) or "no host")
        # As it is stored: a part that is asked for counts the bytes of the file.
        headers = {"accept-encoding": "identity", "user-agent": user_agent()}
        if start:
            headers["range"] = f"bytes={start}-"
            if validator:
                headers["if-range"] = validator
        return HttpRequest("GET", url, headers, None, timeout, is_signed=True)

    def answer(
        self, status: int, headers: Mapping[str, str], content: bytes, turn: int
    ) -> Answer:
        """Return an answer that knows which secrets its texts may not show.

        The headers of an error are redacted here. Its body is redacted as its texts are
        read: only then is each of them in one spelling.
        """
        self.secrets.add(self.credential.secrets)
        if status >= 300:
            headers = {
                name: self.secrets.redact(text) for name, text in headers.items()
            }
        return Answer(status, headers, content, turn, self.secrets)

    def note_failure(self, error: FlowError, now: float, wait: float | None) -> None:
        """Log a wait, and let all users of the client wait after a 429."""
        if wait is None:
            return
        level = logging.INFO if wait < LONG else logging.WARNING
        # Without its advice, which is for a caller who gets the error.
        shown = error.describe("") if isinstance(error, ApiError) else error
        _log.log(level, "%s; trying again in %.3g s", shown, wait)
        if isinstance(error, ApiError) and error.status == 429:
            self.pace.hold(now + wait)

    def lost_error(
        self, request: Request | None, reason: str, *, sent: bool
    ) -> TransportError:
        """Return the error of a request that got no answer; None is a signed link."""
        if request is None:
            where, method, path = "the store", "GET", "(signed link)"
        else:
            where = urlsplit(self.endpoint).netloc
            method, path = request.method, request.path
        # Over TLS, a certificate that is not trusted has the same error.
        is_plain = request is not None and urlsplit(self.endpoint).scheme == "http"
        is_refused = is_plain and self.is_local and reason == CONNECT_ERROR
        reason = f"no answer from {where} ({describe_break(reason)})"
        return TransportError(method, path, reason, sent, is_refused=is_refused)

    def too_large_error(self, request: Request) -> AnswerError:
        """Return the error of an answer that is too large to be read."""
        problem = f"an answer of more than {MAX_ANSWER // 2**20} MiB"
        return AnswerError(request.method, request.path, problem, is_final=True)


_log = logging.getLogger("flow64")


@cache
def user_agent() -> str:
    """Return the header: the versions of flow64, of Python and of the HTTP library."""
    flow64, python = version("flow64"), ".".join(platform.python_version_tuple()[:2])
    return f"flow64/{flow64} python/{python} {httpx.__name__}/{httpx.__version__}"
