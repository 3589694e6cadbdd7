"""Faults on demand: what goes wrong, with which requests, and how often."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from fnmatch import fnmatchcase
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeAlias, get_args

import httpx
from attrs import asdict, define, field, frozen
from werkzeug.wrappers import Response

from ..errors import ConfigError
from .records import JsonObject

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FaultKind: TypeAlias = Literal[
    "status_before",
    "status_after",
    "slow",
    "reset_before",
    "reset_after",
    "truncate",
]
"""What goes wrong. With `before` in its name, the request is not handled, so nothing is
changed. Any other fault happens after the request was handled.

- `status_before`, `status_after`: the response has `status`, `headers` and `body`.
- `reset_before`, `reset_after`: the connection is reset, without a response.
- `slow`: the body is sent after `seconds`; with `size`, that many bytes at a time,
  with `seconds` before each.
- `truncate`: the connection is reset after a part of the body.
"""

FaultBody: TypeAlias = str | bytes | Callable[[bytes], str | bytes] | None

SOCKET: Final = "flow64.socket"
"""Key in the environment of requests that came over a socket."""

TIMEOUT: ContextVar[float | None] = ContextVar("TIMEOUT", default=None)
"""Seconds that an in-process client waits for a part of the response."""

ADMIN_PREFIX: Final = "/_emulator/"
"""Path prefix of the routes about the emulator itself, which have no faults."""


@frozen(kw_only=True)
class Fault:
    """A fault, and the requests that it happens to.

    Attributes:
        kind: What goes wrong.
        method: HTTP method of the requests; None for all.
        path: Glob pattern of their paths, such as `/workflows/runs*`; None for all.
        times: How often it happens; None for no limit.
        after: How many matching requests succeed first.
        status: Status of the response.
        headers: Further headers of the response.
        body: Body of the response; None for an error like the service's. A function
            gets the true body and returns another one; the status then stays.
        seconds: How long `slow` waits.
        size: Bytes that `slow` sends at a time, or that `truncate` sends in total.
    """

    kind: FaultKind = field(kw_only=False)
    method: str | None = None
    path: str | None = None
    times: int | None = 1
    after: int = 0
    status: int = 503
    headers: Mapping[str, str] = field(factory=dict)
    body: FaultBody = None
    seconds: float = 1.0
    size: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            kinds = ", ".join(get_args(FaultKind))
            raise ConfigError(f"there is no fault {self.kind!r}; there are {kinds}")
        if self.path is not None and not self.path.startswith(("/", "*")):
            # It would never happen.
            raise ConfigError(f"the path {self.path!r} of a fault begins with / or *")

    def applies_to(self, method: str, path: str) -> bool:
        """Return True if the fault can happen to such a request."""
        return fnmatchcase(method, (self.method or "*").upper()) and (
            fnmatchcase(path, self.path or "*")
        )


@define(eq=False)
class _ActiveFault:
    """A fault that was added, with its counters."""

    fault: Fault
    seen: int = 0
    fired: int = 0

    @property
    def is_used_up(self) -> bool:
        return self.fault.times is not None and self.fired >= self.fault.times


class Faults:
    """The faults of an emulator: none, until some are added. Any thread may use it."""

    def __init__(self) -> None:
        self._rules: list[_ActiveFault] = []
        self._lock = Lock()
        self._released = Event()

    def add(self, *faults: Fault) -> None:
        """Add faults. Only the first one that applies happens to a request."""
        with self._lock:
            self._rules += map(_ActiveFault, faults)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._rules.clear()
        self.release()

    def release(self) -> None:
        """Continue all requests that `slow` holds up now."""
        released, self._released = self._released, Event()
        released.set()

    @property
    def active(self) -> list[Fault]:
        """The faults that can still happen, in the order in which they were added."""
        with self._lock:
            return [rule.fault for rule in self._rules if not rule.is_used_up]

    def data(self) -> list[JsonObject]:
        """Return the faults that can still happen as JSON data, with their counts."""
        standard = asdict(Fault("slow"))
        with self._lock:
            rules = [rule for rule in self._rules if not rule.is_used_up]
        return [
            {
                name: "a function" if callable(value) else value
                for name, value in asdict(rule.fault).items()
                if name == "kind" or value != standard[name]
            }
            | {"fired": rule.fired}
            for rule in rules
        ]

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that happens to a request, and count it."""
        if path == "/" or path.startswith(ADMIN_PREFIX):
            return None
        with self._lock:
            for rule in self._rules:
                if rule.is_used_up or not rule.fault.applies_to(method, path):
                    continue
                rule.seen += 1
                if rule.seen > rule.fault.after:
                    rule.fired += 1
                    return rule.fault
            return None

    def pause(self, seconds: float) -> None:
        """Wait until the time is over, or `release` is called.

        Raises:
            httpx.ReadTimeout: A client in this process has waited long enough.
        """
        timeout = TIMEOUT.get()
        is_released = self._released.wait(
            seconds if timeout is None else min(seconds, timeout)
        )
        if timeout is not None and timeout < seconds and not is_released:
            raise httpx.ReadTimeout("the emulator did not answer in time")


@frozen
class FaultyApp:
    """The WSGI app with its faults. Without any, it only calls the inner app."""

    app: WSGIApplication
    faults: Faults

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        """Answer a request, or apply a fault to it."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        fault = self.faults.take(method, path)
        if fault is None:
            return self.app(environ, start_response)
        if fault.kind == "reset_before":
            _reset(environ)
        if fault.kind == "status_before":
            return _make_response(fault, Response())(environ, start_response)
        response = Response.from_app(self.app, environ, buffered=True)
        match fault.kind:
            case "reset_after":
                _reset(environ)
            case "status_after":
                response = _make_response(fault, response)
            case "slow":
                body = response.get_data()
                response.response = self._send_slowly(fault, body)
            case _:
                body = response.get_data()
                size = len(body) // 2 if fault.size is None else fault.size
                response.response = _cut(body[:size], environ)
        return response(environ, start_response)

    def _send_slowly(self, fault: Fault, body: bytes) -> Iterator[bytes]:
        size = fault.size or len(body) or 1
        for start in range(0, max(len(body), 1), size):
            self.faults.pause(fault.seconds)
            yield body[start : start + size]


def _make_response(fault: Fault, response: Response) -> Response:
    """Return a response with the status and the body of a fault."""
    headers = {"content-type": "application/json", **fault.headers}
    if callable(fault.body):
        body = fault.body(response.get_data())
        return Response(body, response.status_code, headers)
    text = json.dumps({"detail": f"A fault of the emulator: {fault.status}"})
    body = text if fault.body is None else fault.body
    return Response(body, fault.status, headers)


def _cut(part: bytes, environ: WSGIEnvironment) -> Iterator[bytes]:
    yield part
    _reset(environ)


def _reset(environ: WSGIEnvironment) -> NoReturn:
    """Reset the connection of a request.

    Raises:
        ConnectionResetError: The server closes the socket then, which sends the reset.
        httpx.ReadError: The client is in this process.
    """
    connection = environ.get(SOCKET)
    if connection is None:
        raise httpx.ReadError("the emulator reset the connection")
    # Without lingering, closing sends a reset.
    lingering = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
    raise ConnectionResetError
