"""Serving the WSGI app: on a port, or to clients in this process."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

import httpx
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask

from ..definition import MAX_BYTES
from .faults import SOCKET, TIMEOUT

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

LOOPBACK: Final = "127.0.0.1"
"""Where the emulator listens unless told otherwise."""

LOOPBACK_NAMES: Final = frozenset({LOOPBACK, "localhost", "[::1]"})
"""Names under which the emulator always answers."""

ANY_ADDRESS: Final = {"0.0.0.0": LOOPBACK, "::": "[::1]"}  # noqa: S104 - only told about
"""Addresses that mean all of this machine, and how this machine reaches them."""

STALLED: Final = 10
"""Seconds after which a silent connection is closed, in a request or between two."""

THREADS: Final = 16

TICK: Final = 1.0
"""Seconds between two calls of the tick."""

# Requests that wait for a thread, or that a stop ends, are of no interest here.
logging.getLogger("waitress").setLevel(logging.ERROR)


class _Task(WSGITask):
    """A request, with its connection, which faults can reset."""

    def get_environment(self) -> WSGIEnvironment:
        environ: WSGIEnvironment = super().get_environment()
        environ[SOCKET] = self.channel.socket
        return environ


class _Channel(HTTPChannel):
    task_class = _Task


class _Server(TcpWSGIServer):
    channel_class = _Channel


class Serving:
    """An app that is served until it is stopped."""

    url: str

    def __init__(
        self, app: WSGIApplication, host: str, port: int, tick: Callable[[], None]
    ) -> None:
        """Serve an app.

        Args:
            host: The address or the name to listen on.
            port: The port; 0 for a free one.
            tick: Is called about once a second.

        Raises:
            OSError: The port is in use, or the host is not an address of this machine.
        """
        listener = _listen(host, port)
        address, number = listener.getsockname()[:2]
        self.url = f"http://{ANY_ADDRESS.get(address, as_url_host(host))}:{number}"
        settings = Adjustments(
            host=LOOPBACK,  # looked up, and not used: the listener is bound already
            ident=None,
            channel_timeout=STALLED,
            cleanup_interval=1,
            connection_limit=1_000,
            max_request_header_size=2**16,
            max_request_body_size=MAX_BYTES + 2**20,
            asyncore_use_poll=True,
            log_socket_errors=False,
            clear_untrusted_proxy_headers=True,
        )
        self._threads = ThreadedTaskDispatcher()
        self._threads.set_thread_count(THREADS)
        self._connections: dict[int, Any] = {}
        self._server = _Server(
            app,
            map=self._connections,
            _sock=listener,
            dispatcher=self._threads,
            adj=settings,
            bind_socket=False,
            sockinfo=(
                listener.family,
                listener.type,
                listener.proto,
                (address, number),
            ),
        )
        self._tick = tick
        self._is_over = Event()
        self._thread = Thread(target=self._run, name="flow64-emulator", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        next_tick = time.monotonic()
        while not self._is_over.is_set():
            wasyncore.loop(TICK, use_poll=True, map=self._connections, count=1)
            if time.monotonic() >= next_tick:
                self._tick()
                next_tick = time.monotonic() + TICK

    def stop(self) -> None:
        """Stop serving, and wait until active requests have ended."""
        self._threads.shutdown(timeout=1)
        self._is_over.set()
        self._server.pull_trigger()
        self._thread.join()
        wasyncore.close_all(self._connections, ignore_all=True)


def as_url_host(host: str) -> str:
    """Write a host as in URLs and in the header `Host`."""
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    """Open a socket that is bound, but does not accept connections yet."""
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


class InProcessTransport(httpx.WSGITransport):
    """Sends requests to the app of an emulator, without a socket.

    Attributes:
        place: What stands for the store in journals and plans.
    """

    def __init__(self, app: WSGIApplication, place: str) -> None:
        super().__init__(app)
        self.place = place

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, whose time-out holds for injected waits."""
        TIMEOUT.set(request.extensions.get("timeout", {}).get("read"))
        return super().handle_request(request)


def find_place(url: str) -> str:
    """Return what stands for the store that an emulator serves."""
    health = httpx.get(f"{url}/_emulator/health", trust_env=False).json()
    return name_place(health["id"])


def name_place(store_id: str) -> str:
    """Return what stands for a store in journals and plans.

    It is the same whether the store is served or not, and whatever the port.
    """
    return f"http://127.0.0.1/emulator-{store_id.replace('-', '')[:12]}"
