"""Serving an ASGI app on a loopback port, from a thread."""

from __future__ import annotations

import asyncio
import socket
import time
from threading import Thread
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HOST: Final = "127.0.0.1"

PATIENCE: Final = 0.5
"""Seconds that requests under way get to end once serving ends."""

STALLED: Final = 10.0
"""Seconds that a connection may keep the emulator waiting: for the whole head of a
request, and for the next byte of its body. Then it is closed."""

SERVED: Final = "flow64.is_served"
"""Key in the scope of a request that has come over a socket."""


class Serving:
    """An app that is served until it is stopped.

    Attributes:
        url: Where.
    """

    url: str

    def __init__(self, app: ASGIApp, port: int) -> None:
        """Serve an app.

        Args:
            app: The app.
            port: Where; 0 for a free port.

        Raises:
            OSError: The port is in use.
        """
        # With its protocol named, asyncio sets TCP_NODELAY on what it accepts; without
        # it each answer waits 40 ms for an acknowledgement.
        listener = socket.socket(proto=socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            listener.close()
            raise
        self.url = f"http://{HOST}:{listener.getsockname()[1]}"
        self._server = _Server(_make_config(_mark_served(app)))
        self._thread = Thread(
            target=self._server.run,
            args=([listener],),
            name="flow64-emulator",
            daemon=True,
        )
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.002)

    def stop(self) -> None:
        """End serving, and wait for that."""
        self._server.should_exit = True
        self._thread.join()


class _Server(uvicorn.Server):
    """A server that hangs up on who stalls, before it would cancel what they hold up.

    What is cancelled leaves a trace on stderr; a request that ends early does not.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End serving."""
        hanging_up = asyncio.get_running_loop().call_later(PATIENCE, self._hang_up)
        await super().shutdown(sockets)
        hanging_up.cancel()

    def _hang_up(self) -> None:
        for connection in list(self.server_state.connections):
            transport: Any = connection.transport
            transport.abort()


class _Protocol(H11Protocol):
    """HTTP that hangs up on a client that stops in the middle of a request."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait longer only if this has ended a head, or belongs to a body."""
        super().data_received(data)
        is_whole_head = self.cycle is not None and not self.cycle.response_complete
        if is_whole_head:
            self._stop()
        if self._timer is None and not (is_whole_head and not self.cycle.more_body):
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        self._stop()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(STALLED, self._give_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if self.flow.read_paused:  # the emulator is slow, and not the client
            self._wait()
        else:
            self.transport.close()


def _mark_served(app: ASGIApp) -> ASGIApp:
    """The same app, to which requests say that they came over a socket."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        scope[SERVED] = True
        await app(scope, receive, send)

    return call


def _make_config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,  # nobody in between may say where requests come from
        lifespan="off",
        loop="asyncio",
        http=_Protocol,
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
