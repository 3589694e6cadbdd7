"""Serve an ASGI app on a port, in a thread."""

from __future__ import annotations

import asyncio
import socket
import time
from threading import Thread
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

LOOPBACK: Final = "127.0.0.1"
"""Where the emulator listens unless told otherwise."""

ANY_ADDRESS: Final = {"0.0.0.0": LOOPBACK, "::": "[::1]"}  # noqa: S104 - only told about
"""Addresses that mean all of this machine, and how this machine reaches them."""

PATIENCE: Final = 0.5
"""Seconds that active requests get when serving ends."""

STALLED: Final = 10.0
"""Seconds after which a silent connection is closed: while it sends the head of a
request, or between two parts of its body."""

KEEP_ALIVE: Final = 5
"""Seconds after which a connection without a new request is closed."""

SERVED: Final = "flow64.is_served"
"""Key in the scope of requests that came over a socket."""


class Serving:
    """An app that is served until it is stopped."""

    url: str

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        """Serve an app.

        Args:
            host: The address or the name to listen on.
            port: The port; 0 for a free one.

        Raises:
            OSError: The port is in use, or the host is not an address of this machine.
        """
        listener = _listen(host, port)
        found, number = listener.getsockname()[:2]
        self.url = f"http://{ANY_ADDRESS.get(found, as_url_host(host))}:{number}"
        self._server = _Server(_make_config(_mark_requests(app)))
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
        """Stop serving, and wait until it has ended."""
        self._server.should_exit = True
        self._thread.join()


class _Server(uvicorn.Server):
    """A server that closes stalled connections when it stops.

    uvicorn would cancel their requests, which prints a traceback on stderr.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        timer = asyncio.get_running_loop().call_later(PATIENCE, self._abort_connections)
        await super().shutdown(sockets)
        timer.cancel()

    def _abort_connections(self) -> None:
        for connection in list(self.server_state.connections):
            transport: Any = connection.transport
            transport.abort()


class _Protocol(H11Protocol):
    """HTTP that closes the connection if a client stops in the middle of a request."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Start the timer for the head of a request."""
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Restart the timer if the head is complete, or this is a part of the body."""
        super().data_received(data)
        is_whole_head = self.cycle is not None and not self.cycle.response_complete
        if is_whole_head:
            self._stop_timer()
        if self._timer is None and not (is_whole_head and not self.cycle.more_body):
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        super().connection_lost(exc)
        self._stop_timer()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(STALLED, self._close_if_stalled)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close_if_stalled(self) -> None:
        if self.flow.read_paused:  # the emulator is slow, not the client
            self._start_timer()
        else:
            self.transport.close()


def as_url_host(host: str) -> str:
    """Write a host as in URLs and in the header `Host`."""
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    """Open a socket that is bound, but does not accept connections yet."""
    # If the protocol is named, asyncio sets TCP_NODELAY on accepted connections.
    # Without it, each response waits 40 ms for an acknowledgement.
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # so that `::` is all addresses, IPv4 too
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _mark_requests(app: ASGIApp) -> ASGIApp:
    """Mark the requests of an app as coming over a socket."""

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
        proxy_headers=False,  # no proxy may say where requests come from
        lifespan="off",
        loop="asyncio",
        http=_Protocol,
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=KEEP_ALIVE,
    )
