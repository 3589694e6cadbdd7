"""HTTP as a client sees it: one method to send, parts to read. No library's types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen


@frozen
class HttpRequest:
    """One HTTP request, ready to send. Its parts may be secret, so no repr shows them.

    Attributes:
        method: HTTP method.
        url: The whole URL.
        headers: In lower case.
        content: The body; None for none.
        timeout: Seconds until an answer must have begun.
        is_signed: Whether the URL is a signed link: what is written of it, if anything,
            leaves out path and query.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)
    timeout: float = 60.0
    is_signed: bool = False


class HttpAnswer(Protocol):
    """An answer whose body is still to be read."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers, in lower case."""

    def read(self, timeout: float) -> bytes:
        """The next part of the body, decoded; empty at its end."""

    def close(self) -> None:
        """Let it go, read to its end or not."""


class AsyncHttpAnswer(Protocol):
    """The same, awaited."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers, in lower case."""

    async def read(self, timeout: float) -> bytes:  # noqa: ASYNC109 - what a transport has to keep
        """The next part of the body, decoded; empty at its end."""

    async def close(self) -> None:
        """Let it go, read to its end or not."""


class Transport(Protocol):
    """What carries the requests of a `Client`: the network, or something else.

    Where no answer comes, `send` and `read` raise `NoAnswerError` (or any `OSError`,
    after which the request counts as sent). A redirect is an answer like any other.
    """

    def send(self, request: HttpRequest) -> HttpAnswer:
        """Send a request."""

    def close(self) -> None:
        """Let everything go."""


class AsyncTransport(Protocol):
    """The same for an `AsyncClient`."""

    async def send(self, request: HttpRequest) -> AsyncHttpAnswer:
        """Send a request."""

    async def close(self) -> None:
        """Let everything go."""
