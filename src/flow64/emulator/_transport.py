"""A transport that calls an ASGI app in this process, without a socket."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from starlette.types import ASGIApp, Message

from ..http import httpx


class InProcessTransport(httpx.BaseTransport):
    """Sends requests of httpx, or of a flow64 client, to an app.

    The app runs on an event loop in a thread of the transport. If a response is missing
    or incomplete, httpx raises the same error as over a socket: a
    `RemoteProtocolError`, or a `ReadError` if the connection was reset.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        # The thread has no reference to this object, so that it can be dropped.
        self._thread = Thread(
            target=_run, args=(self._loop,), name="flow64-in-process", daemon=True
        )
        self._thread.start()

    def __del__(self) -> None:
        """End the thread of a transport that was dropped without `close()`."""
        if os.getpid() == self._pid and not sys.is_finalizing():
            with suppress(RuntimeError):  # it is closed
                self._loop.call_soon_threadsafe(self._loop.stop)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of httpx."""
        timeout = request.extensions.get("timeout", {}).get("read")
        answer = _ResponseStream(request, timeout)
        asyncio.run_coroutine_threadsafe(answer.run(self._app), self._loop)
        start = answer.next_message()
        return httpx.Response(
            start["status"], headers=start["headers"], stream=answer, request=request
        )

    def send(self, request: Any) -> InProcessAnswer:
        """Send a request of a flow64 client.

        Args:
            request: Has `method`, `url`, `headers`, `content` and `timeout`.

        Raises:
            ConnectionError: No answer came.
        """
        asked = httpx.Request(
            request.method,
            request.url,
            headers=dict(request.headers),
            content=request.content,
            extensions={"timeout": {"read": request.timeout}},
        )
        try:
            return InProcessAnswer(self.handle_request(asked))
        except httpx.TransportError as error:
            raise ConnectionError(type(error).__name__) from None

    def close(self) -> None:
        """End the thread; closing twice does nothing."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped, and close it."""
    try:
        loop.run_forever()
    finally:
        loop.close()


class InProcessAnswer:
    """A response as a flow64 client reads it, part by part."""

    def __init__(self, response: httpx.Response) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = {
            name.lower(): text for name, text in response.headers.items()
        }
        self._response = response
        self._parts = response.iter_bytes()

    def read(self, timeout: float) -> bytes:  # noqa: ARG002 - the app has one already
        """Return the next part of the body; empty at its end."""
        try:
            return next((part for part in self._parts if part), b"")
        except httpx.TransportError as error:
            raise ConnectionError(type(error).__name__) from None

    def close(self) -> None:
        """Close the response."""
        self._response.close()


class _ResponseStream(httpx.SyncByteStream):
    """One response: the app sends it on its loop, the client reads it in its thread."""

    def __init__(self, request: httpx.Request, timeout: float | None) -> None:
        self._make_scope = _make_scope(request)
        self._messages: SimpleQueue[Message | None] = SimpleQueue()
        self._timeout = timeout
        self._is_reset = False
        self._request: list[Message] = [
            {"type": "http.request", "body": request.read(), "more_body": False}
        ]

    async def run(self, app: ASGIApp) -> None:
        """Run the app for this request."""
        is_over = asyncio.Event()

        async def receive() -> Message:
            if self._request:
                return self._request.pop()
            await is_over.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            self._messages.put(message)

        try:
            await app(self._make_scope, receive, send)
        except ConnectionResetError:
            self._is_reset = True
        finally:
            is_over.set()
            self._messages.put(None)

    def next_message(self) -> Message:
        """Wait for the next message of the app."""
        try:
            found = self._messages.get(timeout=self._timeout)
        except Empty:
            raise httpx.ReadTimeout("the emulator did not answer in time") from None
        if found is None and self._is_reset:
            raise httpx.ReadError("the emulator reset the connection")
        if found is None:
            raise httpx.RemoteProtocolError("the emulator ended without an answer")
        return found

    def __iter__(self) -> Iterator[bytes]:
        is_more = True
        while is_more:
            message = self.next_message()
            is_more = message.get("more_body", False)
            yield message.get("body", b"")


def _make_scope(request: httpx.Request) -> Message:
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 0),
        "server": (request.url.host, request.url.port),
    }
