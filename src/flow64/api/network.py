"""The network: a total deadline for each exchange, and bounds for what comes back.

The time-outs of httpx begin again with each byte, so a server that drips headers, or
sends "100 Continue" for ever, outlasts them. Here each wait is capped by the time that
is left.
"""

from __future__ import annotations

import socket
import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from queue import Empty, SimpleQueue
from ssl import SSLContext
from threading import Lock, Thread
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from . import threads

CONNECTIONS: Final = 32
"""Most open connections. Further requests wait for one."""

CONNECTING: Final = 10.0
"""Seconds for one attempt to connect, before the next attempt."""

SLICE: Final = 0.25
"""Seconds of a read between two looks at whether it was given up."""

PIECE: Final = 2**18
"""Most bytes that one step decodes."""

MAX_ANSWER: Final = 256 * 2**20
"""Most bytes of an answer of the API."""


class Network(httpx.BaseTransport):
    """Sends requests within the deadline, and bounds what is decoded.

    Args:
        transport: Sends in place of the network, such as `httpx.MockTransport`.
        uses_proxies: Use the proxies that the environment names.
    """

    def __init__(
        self, transport: httpx.BaseTransport | None, *, uses_proxies: bool
    ) -> None:
        self._transport: Final = transport
        self._uses_proxies: Final = uses_proxies
        self._transports: dict[str | None, httpx.BaseTransport] = {}
        self._lock: Final = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, without a redirect, and return its answer."""
        seconds = request.extensions.get("timeout", {}).get("read", CONNECTING)
        request.extensions = {
            **request.extensions,
            "timeout": {
                "connect": min(CONNECTING, seconds),
                "read": seconds,
                "write": seconds,
                "pool": seconds,
            },
        }
        response = self._choose(request.url).handle_request(request)
        headers = response.headers
        encodings = [
            word.strip().lower()
            for word in headers.pop("content-encoding", "").split(",")
            if word.strip().lower() not in ("", "identity")
        ]
        is_chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        is_framed = bool(encodings) or is_chunked or "content-length" in headers
        if encodings:
            headers.pop("content-length", None)
        parts: Any = response.stream
        return httpx.Response(
            response.status_code,
            headers=headers,
            stream=_Body(parts, encodings, request.extensions.get("most_bytes")),
            extensions={**response.extensions, "is_framed": is_framed},
        )

    def _choose(self, url: httpx.URL) -> httpx.BaseTransport:
        if self._transport is not None:
            return self._transport
        proxy = _find_proxy(url) if self._uses_proxies else None
        with self._lock:  # of two that are made at once, one would never be closed
            if proxy not in self._transports:
                self._transports[proxy] = _make_transport(proxy)
            return self._transports[proxy]

    def close(self) -> None:
        """Close all connections."""
        for transport in [self._transport, *self._transports.values()]:
            if transport is not None:
                transport.close()


def _find_proxy(url: httpx.URL) -> str | None:
    """Return the proxy that the environment names for an address."""
    if not (proxies := getproxies()) or proxy_bypass(url.host):
        return None
    found = proxies.get(url.scheme) or proxies.get("all")
    return found if not found or "://" in found else f"http://{found}"


@cache
def load_certificates() -> SSLContext:
    """Return the trusted certificates, read from the disk once."""
    return httpx.create_ssl_context()


def _make_transport(proxy: str | None) -> httpx.BaseTransport:
    transport = httpx.HTTPTransport(
        verify=load_certificates(),
        trust_env=False,
        proxy=proxy,
        limits=httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=30),
    )
    pool: Any = transport._pool  # noqa: SLF001 - httpx has no other way to its network
    pool._network_backend = _Backend()  # noqa: SLF001 - as above
    return transport


# -- Waits ----------------------------------------------------------------------------


def _seconds_left(
    timeout: float | None, error: type[Exception] = httpcore.ReadTimeout
) -> float:
    """Return the shorter of a time-out and the time until the deadline."""
    left = threads.ENDS.get() - threads.now()
    if left <= 0:
        raise error("the deadline is over")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    """A connection that knows the deadline of the call that uses it."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        ends = threads.now() + _seconds_left(timeout)
        while True:
            left = ends - threads.now()
            if left <= 0:
                raise httpcore.ReadTimeout("nothing came in time")
            if threads.IS_READ.get() and threads.is_stopped():
                raise httpcore.ReadError("it was given up")
            try:
                return self._stream.read(max_bytes, min(left, SLICE))
            except httpcore.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces, so that a slow receiver cannot hold it up beyond the deadline.
        for at in range(0, len(buffer), PIECE):
            seconds = _seconds_left(timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[at : at + PIECE], seconds)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        seconds = _seconds_left(timeout, httpcore.ConnectTimeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        return _Stream(stream)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = _seconds_left(timeout, httpcore.ConnectTimeout)
        error: Exception = httpcore.ConnectError("the name has no address")
        for address in _look_up(host, port, seconds):
            seconds = _seconds_left(timeout, httpcore.ConnectTimeout)
            try:
                return _Stream(
                    super().connect_tcp(
                        address, port, seconds, local_address, socket_options
                    )
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failure:
                error = failure
        raise error


def _look_up(host: str, port: int, seconds: float) -> list[str]:
    """Return the addresses of a name. The system's look-up knows no deadline."""
    results: SimpleQueue[list[str] | OSError | UnicodeError] = SimpleQueue()

    def work() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            results.put(error)
        else:
            results.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))

    with threads.interrupts_deferred():
        Thread(target=work, name="flow64-lookup", daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except Empty:
        raise httpcore.ConnectTimeout("the name was not looked up in time") from None
    if not isinstance(result, list):
        raise httpcore.ConnectError(str(result))
    return result


# -- Bodies ---------------------------------------------------------------------------


class _Body(httpx.SyncByteStream):
    """The body of an answer, decoded in bounded steps.

    Only gzip, once, is decoded: three layers of it turn 278 bytes into 3 GB.
    """

    def __init__(
        self, stream: httpx.SyncByteStream, encodings: list[str], most: int | None
    ) -> None:
        self._stream = stream
        self._encodings = encodings
        self._most = most

    def __iter__(self) -> Iterator[bytes]:
        if self._encodings not in ([], ["gzip"], ["x-gzip"]):
            raise httpx.DecodingError("it is compressed in a way that is not gzip")
        parts, size = self._read(), 0
        for part in _decode_gzip(parts) if self._encodings else parts:
            size += len(part)
            if self._most is not None and size > self._most:
                raise httpx.DecodingError("it is too large")
            yield part

    def _read(self) -> Iterator[bytes]:
        for part in self._stream:
            yield part
            _require_time()

    def close(self) -> None:
        self._stream.close()


def _require_time() -> None:
    if threads.now() >= threads.ENDS.get():
        raise httpx.ReadTimeout("the deadline is over")


def _decode_gzip(parts: Iterable[bytes]) -> Iterator[bytes]:
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
    is_empty = True
    try:
        for part in parts:
            coded, is_full = part, True
            is_empty = is_empty and not part
            while (coded or is_full) and not decoder.eof:
                piece = decoder.decompress(coded, PIECE)
                coded, is_full = decoder.unconsumed_tail, len(piece) == PIECE
                yield piece
                _require_time()
    except zlib.error:
        raise httpx.DecodingError("it is not gzip") from None
    if not decoder.eof and not is_empty:
        raise httpx.DecodingError("it was cut off")
