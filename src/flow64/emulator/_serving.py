"""Serving an ASGI app on a loopback port, from a thread."""

from __future__ import annotations

import asyncio
import socket
import time
from threading import Thread
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

HOST: Final = "127.0.0.1"

PATIENCE: Final = 0.5
"""Seconds that requests under way get to end once serving ends."""


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
        self._server = _Server(_configuration(app))
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


def _configuration(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,  # nobody in between may say where requests come from
        lifespan="off",
        loop="asyncio",
        http="h11",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
