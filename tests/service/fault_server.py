"""A loopback TCP server that does to each connection what a script says.

Real sockets, and everything written down: what came in, and what reached the emulator
behind it. So "applied, but the answer was lost" is exact. One connection carries one
request and one answer.

    with Emulator() as emulator, FaultServer(emulator) as server:
        server.on("POST", "/workflows/run", LOST)      # applied, then a reset, once
        server.on("GET", "*", Reply(503), Reply(503))  # the next two reads
        server.always("GET", "*/live_status", Hang())  # from now on
        client = Client("k", base_url=server.url, journal=None)
        ...
    assert len(server.applied("POST")) == 1

What a script consists of:

- `Reply(status, body, headers, ...)`: an answer, whole, cut, dripping, endless, or with
  a length that is not so. `body` is bytes, text, JSON data, or a function that gives
  the parts one by one.
- `Drop(ending, after)`: no answer; `ending` is "reset" or "close", and `after` says
  what is read before: "headers", or the whole "request".
- `Hang(seconds)`: no answer for that long (None: until the server stops), then `Drop`.
- `Forward(then=...)`: the emulator handles the request, then `then(reply)` says what is
  done with its `Reply`. `PASS` hands it on, `LOST` resets, `CLOSED` closes, `cut(n)`
  resets after n bytes of the body, `after(seconds)` answers late, `answered(429)`
  answers with another status.
- A function that takes the `Received` and gives one of these.

Scripts of `on` come first, then what `always` says (the last one that fits), then
`PASS`, or a 501 where there is no emulator. `server.refuse()` closes the port, so that
connecting fails. Signed links lead here too, since the emulator takes their host from
the request.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from http.client import HTTPConnection, HTTPException, responses
from threading import Event, Lock, Thread
from typing import Any, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from attrs import define, evolve, field, frozen

Ending: TypeAlias = Literal["close", "reset"]

SECONDS = 20.0
"""The longest that a socket of this server waits for anything."""


# -- What came in ---------------------------------------------------------------------


@define
class Received:
    """One request, as it came in.

    Attributes:
        method: HTTP method.
        target: What its first line asks for: path and query.
        headers: Name in lower case and text of each header, in order, repeated or not.
        body: The bytes of its body.
        connection: Number of its connection, from 0.
        applied: How often the emulator has handled it.
    """

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""
    connection: int = 0
    applied: int = 0

    @property
    def path(self) -> str:
        """The path alone, as it was sent."""
        return urlsplit(self.target).path

    @property
    def json(self) -> Any:
        """The body as data; None where there is none."""
        return json.loads(self.body) if self.body else None

    def header(self, name: str) -> str | None:
        """The text of a header that comes once at most."""
        found = [text for known, text in self.headers if known == name]
        assert len(found) <= 1, f"{name} came {len(found)} times"
        return found[0] if found else None


# -- What is done ---------------------------------------------------------------------


@frozen
class Reply:
    """An answer, written as it is told.

    Attributes:
        status: HTTP status.
        body: Bytes, text, JSON data, or a function that gives the parts.
        headers: Beside `content-length` and `connection`.
        length: The `content-length` that is said: the true one ("body"), another
            number, or None for none, so that the end of the connection is that of the
            body.
        is_chunked: Whether the body goes in chunks.
        size: Bytes that are written at a time.
        pause: Seconds before each of them.
        delay: Seconds before the first byte of the answer.
        cut: Bytes of the body after which the connection ends; None for all.
        ending: How it ends.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(factory=dict)
    length: int | Literal["body"] | None = "body"
    is_chunked: bool = False
    size: int = 65_536
    pause: float = 0.0
    delay: float = 0.0
    cut: int | None = None
    ending: Ending = "close"

    @property
    def content(self) -> bytes:
        """The body, put together."""
        return b"".join(_parts(self.body))


@frozen
class Drop:
    """The connection ends without an answer.

    Attributes:
        ending: How it ends.
        after: What is read before: "headers", or the whole "request".
    """

    ending: Ending = "reset"
    after: Literal["headers", "request"] = "request"


@frozen
class Hang:
    """Nothing comes, for a time, and then the connection ends.

    Attributes:
        seconds: How long; None until the server stops.
        ending: How it ends.
    """

    seconds: float | None = None
    ending: Ending = "close"


@frozen
class Forward:
    """The emulator handles the request.

    Attributes:
        then: What is done with its answer; None hands it on.
        change: Makes another request of the one that came in, for the emulator.
    """

    then: Callable[[Reply], Act] | None = None
    change: Callable[[Received], Received] | None = None


Act: TypeAlias = "Reply | Drop | Hang | Forward | Callable[[Received], Act]"


def cut(at: int) -> Forward:
    """Handled; the answer breaks off after some bytes of its body."""
    return Forward(lambda reply: evolve(reply, cut=at, ending="reset"))


def after(seconds: float) -> Forward:
    """Handled; the answer comes late."""
    return Forward(lambda reply: evolve(reply, delay=seconds))


def answered(status: int) -> Forward:
    """Handled; the answer has another status."""
    return Forward(lambda _: Reply(status, {"detail": "no"}))


PASS = Forward()
LOST = Forward(lambda _: Drop("reset"))
CLOSED = Forward(lambda _: Drop("close"))


# -- The server -----------------------------------------------------------------------


@frozen
class _Rule:
    """For which requests something is meant."""

    method: str
    path: str
    acts: list[Act]

    def is_for(self, seen: Received) -> bool:
        """Whether it is for a request."""
        return self.method in {"*", seen.method} and fnmatchcase(seen.path, self.path)


class FaultServer:
    """Serves scripts on a loopback port; see the top of this file.

    Attributes:
        requests: What came in, in order of arrival.
        connections: How many connections were accepted.
        errors: What went wrong in this server itself; `stop` raises the first.
    """

    requests: list[Received]
    connections: int
    errors: list[BaseException]

    def __init__(self, emulator: Any = None) -> None:
        """Make a server.

        Args:
            emulator: A served `Emulator`, or the URL of one, that `Forward` leads to.
        """
        self.requests = []
        self.connections = 0
        self.errors = []
        self._emulator = emulator
        self._rules: list[_Rule] = []
        self._always: list[tuple[_Rule, Act]] = []
        self._lock = Lock()
        self._stopped = Event()
        self._threads: list[Thread] = []
        self._open: set[socket.socket] = set()
        self._port = 0
        self._listener: socket.socket | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    # -- Its script -------------------------------------------------------------------

    def on(self, method: str, path: str, *acts: Act) -> Self:
        """Play these, once each, for the next requests of a method and path.

        Args:
            method: HTTP method; `*` for any.
            path: Pattern of paths, such as `/workflows/runs/*`.
            acts: One a request.
        """
        self._rules.append(_Rule(method, path, list(acts)))
        return self

    def always(self, method: str, path: str, act: Act) -> Self:
        """Play this whenever nothing else is left for a request of this kind."""
        self._always.insert(0, (_Rule(method, path, []), act))
        return self

    def of(self, method: str = "*", path: str = "*") -> Sequence[Received]:
        """The requests of a method and path."""
        rule = _Rule(method, path, [])
        with self._lock:
            return [seen for seen in self.requests if rule.is_for(seen)]

    def applied(self, method: str = "*", path: str = "*") -> Sequence[Received]:
        """Those of them that reached the emulator, as often as they did."""
        return [seen for seen in self.of(method, path) for _ in range(seen.applied)]

    # -- Serving ----------------------------------------------------------------------

    def listen(self) -> None:
        """Open a port."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        self._port = listener.getsockname()[1]
        self._listener = listener
        self._spawn(self._accept, listener)

    def refuse(self) -> None:
        """Close the port: connecting is refused from now on."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):  # what waits in accept() is woken on Linux
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def settle(self) -> None:
        """Wait until all that was accepted is over."""
        ends = time.monotonic() + SECONDS
        # Whoever ends may have begun something before.
        while busy := [t for t in self._threads if t.name != "accept" and t.is_alive()]:
            busy[0].join(max(ends - time.monotonic(), 0))
            assert time.monotonic() < ends, "a connection of the fault server is open"

    def stop(self) -> None:
        """End everything, and raise what went wrong in here."""
        self.refuse()
        self._stopped.set()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(SECONDS)
        if self.errors:
            raise self.errors[0]

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- One connection ---------------------------------------------------------------

    def _spawn(self, job: Callable[..., None], *args: Any) -> None:
        name = "accept" if job == self._accept else "connection"
        thread = Thread(target=job, args=args, name=name, daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                number = self.connections
                self.connections += 1
                self._open.add(connection)
            self._spawn(self._serve, connection, number)

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.settimeout(SECONDS)
        ending: Ending = "close"
        try:
            ending = self._answered(connection, number)
        except OSError:
            pass  # the client has left
        except BaseException as error:  # noqa: BLE001 - shown by stop()
            self.errors.append(error)
        finally:
            _end(connection, ending)
            with self._lock:
                self._open.discard(connection)

    def _answered(self, connection: socket.socket, number: int) -> Ending:
        seen, rest = _head(connection, number)
        if seen is None:
            return "close"
        with self._lock:
            act = self._chosen(seen)
            self.requests.append(seen)
        if isinstance(act, Drop) and act.after == "headers":
            return act.ending
        seen.body = _body(connection, seen, rest)
        return self._done(connection, seen, act)

    def _chosen(self, seen: Received) -> Act:
        for rule in self._rules:
            if rule.acts and rule.is_for(seen):
                return rule.acts.pop(0)
        for rule, act in self._always:
            if rule.is_for(seen):
                return act
        return PASS if self._emulator is not None else Reply(501, {"detail": "none"})

    def _done(self, connection: socket.socket, seen: Received, act: Act) -> Ending:
        match act:
            case Reply():
                return self._written(connection, act)
            case Drop():
                return act.ending
            case Hang():
                self._stopped.wait(act.seconds)
                return act.ending
            case Forward():
                return self._forwarded(connection, seen, act)
            case _:
                return self._done(connection, seen, act(seen))

    def _forwarded(
        self, connection: socket.socket, seen: Received, act: Forward
    ) -> Ending:
        asked = act.change(seen) if act.change else seen
        reply = self._handled(seen, asked)
        next_act = act.then(reply) if act.then else reply
        return self._done(connection, seen, next_act)

    def _handled(self, seen: Received, asked: Received) -> Reply:
        base = getattr(self._emulator, "url", self._emulator)
        to = HTTPConnection(urlsplit(str(base)).netloc, timeout=SECONDS)
        try:
            to.putrequest(
                asked.method, asked.target, skip_host=True, skip_accept_encoding=True
            )
            for name, text in asked.headers:
                if name != "connection":
                    to.putheader(name, text)
            to.putheader("connection", "close")
            to.endheaders(asked.body or None)
            with self._lock:
                seen.applied += 1
            answer = to.getresponse()
            content = answer.read()
        except (HTTPException, OSError) as error:
            self.errors.append(error)  # a fault of the emulator is none of ours
            raise
        finally:
            to.close()
        left_out = {"content-length", "connection", "transfer-encoding"}
        headers = {
            name.lower(): text
            for name, text in answer.getheaders()
            if name.lower() not in left_out
        }
        return Reply(answer.status, content, headers)

    def _written(self, connection: socket.socket, reply: Reply) -> Ending:
        if reply.delay and self._stopped.wait(reply.delay):
            return "close"
        connection.sendall(_start(reply))
        left = reply.cut
        for part in _pieces(reply):
            if reply.pause and self._stopped.wait(reply.pause):
                return "close"
            if self._stopped.is_set():
                return "close"
            sent = part if left is None else part[:left]
            connection.sendall(_framed(sent) if reply.is_chunked else sent)
            if left is not None:
                left -= len(sent)
                if left <= 0:
                    return reply.ending
        if reply.is_chunked:
            connection.sendall(b"0\r\n\r\n")
        return reply.ending


# -- Bytes ----------------------------------------------------------------------------


def _head(connection: socket.socket, number: int) -> tuple[Received | None, bytes]:
    """The request without its body, and what of the body came with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65_536)
        if not part:
            return None, b""
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = [line.partition(":") for line in lines]
    headers = [(name.lower(), text.strip()) for name, _, text in pairs]
    return Received(method, target, headers, connection=number), rest


def _body(connection: socket.socket, seen: Received, rest: bytes) -> bytes:
    length = int(seen.header("content-length") or 0)
    while len(rest) < length:
        part = connection.recv(65_536)
        if not part:
            raise ConnectionError("the client left in the middle of its request")
        rest += part
    return rest


def _start(reply: Reply) -> bytes:
    headers = dict(reply.headers)
    if isinstance(reply.body, dict | list):
        headers.setdefault("content-type", "application/json")
    if reply.is_chunked:
        headers["transfer-encoding"] = "chunked"
    elif reply.length == "body":
        if not callable(reply.body):
            headers.setdefault("content-length", str(len(reply.content)))
    elif reply.length is not None:
        headers["content-length"] = str(reply.length)
    headers.setdefault("connection", "close")
    lines = [f"HTTP/1.1 {reply.status} {responses.get(reply.status, 'Odd')}"]
    lines += [f"{name}: {text}" for name, text in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _parts(body: Any) -> Iterable[bytes]:
    if callable(body):
        parts: Iterable[bytes] = body()
        return parts
    if isinstance(body, bytes):
        return [body]
    return [body.encode() if isinstance(body, str) else json.dumps(body).encode()]


def _pieces(reply: Reply) -> Iterator[bytes]:
    for part in _parts(reply.body):
        for at in range(0, len(part), reply.size):
            yield part[at : at + reply.size]


def _framed(part: bytes) -> bytes:
    return f"{len(part):x}\r\n".encode() + part + b"\r\n"


def _end(connection: socket.socket, ending: Ending) -> None:
    with suppress(OSError):
        if ending == "reset":
            now = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
        else:
            connection.shutdown(socket.SHUT_WR)
    connection.close()
