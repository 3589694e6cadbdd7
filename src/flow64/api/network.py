"""The network: deadlines, limits, what is repeated and when, and the pace of a client.

The time-outs of httpx begin again with each byte, so a server that drips headers, or
sends "100 Continue" for ever, outlasts them. Here each wait is capped by the time that
is left.
"""

from __future__ import annotations

import random
import socket
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache
from queue import Empty, SimpleQueue
from ssl import SSLContext
from threading import Lock, Thread
from typing import Any, Final, Literal, TypeAlias
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx
from attrs import field, frozen
from attrs.validators import ge, gt, instance_of, le, optional

from ..errors import AnswerError, ApiError, FlowError, TransportError
from . import threads

DAY: Final = 86_400.0
MINUTE: Final = 60.0

LEFT_OPEN: Final = frozenset({408, 425, 499})
"""Statuses below 500 of proxies, although the service may have got the request."""

PASSING: Final = LEFT_OPEN | {429, 500, 502, 503, 504}
"""Statuses after which the same request may succeed a little later."""


Repeat: TypeAlias = Literal["always", "if refused", "never"]
"""When to send again what was sent: also if it may have arrived, or after 429, 401."""

_SECONDS: Final[Any] = [instance_of((int, float)), gt(0), le(365 * DAY)]
_COUNT: Final[Any] = [instance_of(int), ge(0)]
_PACE: Final[Any] = optional(ge(1))


@frozen
class Policy:
    """Deadlines, time-outs, retries and pace of a client.

    Attributes:
        deadline: Seconds for one request, with its repetitions and the waits between
            them, and for one try of a download; a large file has more.
        timeout: Seconds for one try of a request, or without a byte of a download.
        retries: How often a request is repeated. It is once at most if nothing listens
            at an endpoint of this machine.
        first_wait: Seconds before the first repetition. Each further wait is twice as
            long, give or take a quarter.
        first_rest: Seconds before the first repetition after a 429 that does not say
            how long to wait. The service advises 60 s.
        longest_wait: The longest wait in seconds, unless the service asks for more.
        requests_per_minute: The pace that all users of a client share. The service
            allows 500 a minute and key (documented). None keeps no pace.
    """

    deadline: float = field(default=300.0, validator=_SECONDS)
    timeout: float = field(default=60.0, validator=_SECONDS)
    retries: int = field(default=6, validator=_COUNT)
    first_wait: float = field(default=0.5, validator=_SECONDS)
    first_rest: float = field(default=8.0, validator=_SECONDS)
    longest_wait: float = field(default=60.0, validator=_SECONDS)
    requests_per_minute: int | None = field(default=480, validator=_PACE)

    def choose_wait(
        self, error: FlowError, failures: int, *, repeat: Repeat
    ) -> float | None:
        """Return the seconds before a request is sent again; None to give up.

        Args:
            error: How it ended.
            failures: How often it has failed by now.
            repeat: When to send it again if it was sent.
        """
        is_refused = isinstance(error, TransportError) and error.is_refused
        retries = min(self.retries, 1) if is_refused else self.retries
        is_limit = isinstance(error, ApiError) and error.status == 429
        is_free = is_unsent(error) or (is_limit and repeat != "never")
        may_repeat = is_free or repeat == "always"
        if failures > retries or not may_pass(error) or not may_repeat:
            return None
        asked = error.wait if isinstance(error, ApiError) else None
        first = self.first_rest if is_limit and asked is None else self.first_wait
        wait = first * 2.0 ** (failures - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        return max(min(wait, self.longest_wait), asked or 0.0)


class Pace:
    """Allows a number of requests in any minute, for all threads of a client.

    Requests go out at once until the minute is full, and then as its oldest ones pass.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._lock: Final = Lock()
        self._sent: Final = deque[float](maxlen=per_minute)
        self._per_minute: Final = per_minute
        self._held_until = float("-inf")

    def reserve(self, now: float, longest: float) -> float | None:
        """Reserve a place, and return the seconds to wait for it.

        Args:
            now: The time.
            longest: The wait must be shorter than this. Otherwise no place is reserved,
                and None is returned.
        """
        with self._lock:
            at = max(now, self._held_until)
            if len(self._sent) == self._per_minute:
                at = max(at, self._sent[0] + MINUTE)
            if at > now and at - now >= longest:
                return None
            if self._per_minute is not None:
                self._sent.append(at)
            return at - now

    def hold(self, until: float) -> None:
        """Let all requests wait until a time, after the service has answered 429."""
        with self._lock:
            self._held_until = max(self._held_until, until)


def is_unsent(error: FlowError) -> bool:
    """Return True if nothing of a request has left this machine."""
    return isinstance(error, ApiError | TransportError) and not error.sent


def is_refusal(error: FlowError) -> bool:
    """Return True if a request was not sent, or was refused with a documented status.

    It does not prove that nothing was done: an attempt before may have arrived.
    """
    if isinstance(error, ApiError):
        return 400 <= error.status < 500 and error.status not in LEFT_OPEN
    return is_unsent(error)


def may_pass(error: FlowError) -> bool:
    """Return True if the same request may succeed a little later."""
    if isinstance(error, ApiError):
        return error.status in PASSING
    if isinstance(error, AnswerError | TransportError):
        return not error.is_final
    return False


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
            stream=_DecodedBody(parts, encodings, request.extensions.get("most_bytes")),
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
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


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


def _cap_timeout(
    timeout: float | None, error: type[Exception] = httpcore.ReadTimeout
) -> float:
    """Return the shorter of a time-out and the time until the deadline."""
    remaining = threads.ENDS.get() - threads.now()
    if remaining <= 0:
        raise error("the deadline is over")
    return remaining if timeout is None else min(timeout, remaining)


class _Stream(httpcore.NetworkStream):
    """A connection that knows the deadline of the call that uses it."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        ends = threads.now() + _cap_timeout(timeout)
        while True:
            remaining = ends - threads.now()
            if remaining <= 0:
                raise httpcore.ReadTimeout("nothing came in time")
            if threads.IS_READ.get() and threads.is_stopped():
                raise httpcore.ReadError("it was given up")
            try:
                return self._stream.read(max_bytes, min(remaining, SLICE))
            except httpcore.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces, so that a slow receiver cannot hold it up beyond the deadline.
        for at in range(0, len(buffer), PIECE):
            seconds = _cap_timeout(timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[at : at + PIECE], seconds)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        seconds = _cap_timeout(timeout, httpcore.ConnectTimeout)
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
        seconds = _cap_timeout(timeout, httpcore.ConnectTimeout)
        error: Exception = httpcore.ConnectError("the name has no address")
        for address in _look_up(host, port, seconds):
            seconds = _cap_timeout(timeout, httpcore.ConnectTimeout)
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
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            results.put(error)
        else:
            results.put(list(dict.fromkeys(str(entry[4][0]) for entry in entries)))

    with threads.defer_interrupts():
        Thread(target=work, name="flow64-lookup", daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except Empty:
        raise httpcore.ConnectTimeout("the name was not looked up in time") from None
    if not isinstance(result, list):
        raise httpcore.ConnectError(str(result))
    return result


# -- Bodies ---------------------------------------------------------------------------


class _DecodedBody(httpx.SyncByteStream):
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
