"""The network, with one total deadline a request.

Redirects, cookies and credentials of the environment are switched off.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import Any, Final, cast

from ..errors import ConfigError, NoAnswerError
from ..http import httpx
from ._transport import HttpRequest

CONNECTIONS: Final = 32
"""Most open connections. Further requests wait for one."""

CONNECTING: Final = 10.0
"""Seconds for one attempt to connect, before the next attempt."""


class HttpxTransport:
    """Sends over httpx, without redirects, cookies and other credentials."""

    def __init__(self, *, trust_env: bool) -> None:
        self._http: Final = httpx.AsyncClient(
            timeout=None,  # each request has a deadline, below
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            trust_env=trust_env,
            verify=_certificates(trust_env=trust_env),
            limits=httpx.Limits(max_connections=CONNECTIONS),
        )
        # Nobody waits inside the pool: what is cancelled there is never given back.
        self._slots: Final = asyncio.Semaphore(CONNECTIONS)
        self._is_closed = False
        self._pid: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_in_use(self) -> bool:
        """True if it may have open connections of this process."""
        return self._pid == os.getpid() and not self._is_closed

    async def send(self, request: HttpRequest) -> HttpxAnswer:
        """Send a request, and return its answer once the answer has begun."""
        if self._is_closed:
            raise ConfigError("this client is closed: make another one")
        if not self._is_on_its_loop():
            raise ConfigError(
                "this client was used on another event loop: make and close a client "
                "inside each asyncio.run(...)"
            )
        self._loop, self._pid = asyncio.get_running_loop(), os.getpid()
        attempt = _Attempt()
        async with attempt.raise_no_answer(request.timeout):
            await self._slots.acquire()
            try:
                response = await self._http.send(
                    self._build(request, attempt), auth=httpx.Auth(), stream=True
                )
            except BaseException:
                self._slots.release()
                raise
        return HttpxAnswer(response, self._slots)

    def _build(self, request: HttpRequest, attempt: _Attempt) -> httpx.Request:
        try:
            url = _SignedURL(request.url) if request.is_signed else request.url
            built = self._http.build_request(
                request.method,
                url,
                content=request.content,
                headers=dict(request.headers),
                timeout=httpx.Timeout(None, connect=CONNECTING),
                extensions={"trace": attempt.trace},
            )
        except (httpx.InvalidURL, ValueError):
            raise NoAnswerError("the address is not a URL", sent=False) from None
        if isinstance(url, httpx.URL):
            built.url = url
        return built

    async def close(self) -> None:
        """Close the connections. Those of another event loop ended with it."""
        self._is_closed = True
        if self._is_on_its_loop():
            await self._http.aclose()

    def _is_on_its_loop(self) -> bool:
        """Return True if no other event loop has the connections."""
        return self._loop in (None, asyncio.get_running_loop())


class HttpxAnswer:
    """An answer of httpx, read part by part."""

    def __init__(self, response: httpx.Response, slots: asyncio.Semaphore) -> None:
        self.status: Final = response.status_code
        self.headers: Final[Mapping[str, str]] = {
            name.lower(): text for name, text in response.headers.items()
        }
        self._response: Final = response
        self._parts: Final = cast("AsyncGenerator[bytes]", response.aiter_bytes())
        self._slots: asyncio.Semaphore | None = slots
        self._failed: NoAnswerError | None = None

    async def read(self, timeout: float) -> bytes:  # noqa: ASYNC109 - as the protocol says
        """Return the next part of the body; empty at its end."""
        if self._failed is not None:  # what broke off has no end
            raise self._failed
        try:
            async with _Attempt(was_sent=True).raise_no_answer(timeout):
                return await anext(self._parts, b"")
        except NoAnswerError as error:
            self._failed = error
            raise

    async def close(self) -> None:
        """Return the connection, or close it if the body was not read completely."""
        slots, self._slots = self._slots, None
        if slots is not None:
            try:
                with suppress(httpx.HTTPError, httpx.StreamError, OSError):
                    await self._parts.aclose()
                    await self._response.aclose()
            finally:
                slots.release()


@cache
def _certificates(*, trust_env: bool) -> SSLContext:
    """Return the trusted certificates, read from the disk once for all clients."""
    return httpx.create_ssl_context(trust_env=trust_env)


class _Attempt:
    """One exchange: whether anything of it was sent, and how it ended."""

    def __init__(self, *, was_sent: bool = False) -> None:
        self._was_sent = was_sent

    async def trace(self, event: str, _: Mapping[str, Any]) -> None:
        """Take note of events that httpcore reports."""
        if event.endswith("send_request_headers.started"):
            self._was_sent = True

    @asynccontextmanager
    async def raise_no_answer(self, seconds: float) -> AsyncIterator[None]:
        """Turn errors and a timeout into a `NoAnswerError`."""
        try:
            async with asyncio.timeout(max(seconds, 0)):
                yield
        except TimeoutError:
            reason = f"no answer within {seconds:.3g} s"
            raise NoAnswerError(reason, sent=self._was_sent) from None
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            # httpx repeats addresses in its errors, and an address may be signed.
            reason = type(error).__name__
            raise NoAnswerError(reason, sent=self._was_sent) from None


class _SignedURL(httpx.URL):
    """A link with a secret query, hidden from httpx, which logs addresses."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}/(signed link)"

    __repr__ = __str__
