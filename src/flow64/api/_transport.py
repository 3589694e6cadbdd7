"""HTTP as a client uses it: one method to send, parts to read. It names no library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen


@frozen
class HttpRequest:
    """One HTTP request, ready to send. Its parts may be secret, so no repr shows them.

    Attributes:
        url: The whole URL.
        headers: Headers, in lower case.
        content: The body; None for none.
        timeout: Seconds until an answer must have begun.
        is_signed: True if the URL is a signed link. Logs leave out its path and query.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)
    timeout: float = 60.0
    is_signed: bool = False


class HttpAnswer(Protocol):
    """An answer with a body that is not read yet."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers, in lower case."""

    def read(self, timeout: float) -> bytes:
        """Return the next part of the body, decoded; empty at its end."""

    def close(self) -> None:
        """Release it, read to its end or not."""


class AsyncHttpAnswer(Protocol):
    """An answer with awaited methods; see `HttpAnswer`."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers, in lower case."""

    async def read(self, timeout: float) -> bytes:  # noqa: ASYNC109 - what a transport has to keep
        """Return the next part of the body, decoded; empty at its end."""

    async def close(self) -> None:
        """Release it, read to its end or not."""


class Transport(Protocol):
    """Sends the requests of a `Client`, over the network or otherwise.

    If no answer comes, `send` and `read` raise `NoAnswerError`, or any `OSError`, after
    which the request counts as sent. A redirect is an answer like any other.
    """

    def send(self, request: HttpRequest) -> HttpAnswer:
        """Send a request."""

    def close(self) -> None:
        """Release all connections."""


class AsyncTransport(Protocol):
    """Sends the requests of an `AsyncClient`; see `Transport`."""

    async def send(self, request: HttpRequest) -> AsyncHttpAnswer:
        """Send a request."""

    async def close(self) -> None:
        """Release all connections."""
