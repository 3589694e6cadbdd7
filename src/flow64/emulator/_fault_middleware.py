"""Middleware that applies faults to requests."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from gzip import compress
from http import HTTPStatus
from typing import Any, Final, NoReturn, TypeAlias, cast
from zlib import MAX_WBITS, Z_FULL_FLUSH, compressobj, crc32

from attrs import evolve, frozen
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..definition import load_json
from ._faults import ActiveFault, Fault, FaultKind, Faults
from ._records import JsonObject

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]

LARGE_BYTES: Final = 2**29
"""Default size of a body that is too long, in bytes."""

_USER_CONTENT: Final = frozenset({"results", "specs"})
"""Members with contents of users, which are not rewritten."""


class FaultyApp:
    """The outermost app. Without faults, it only calls the inner one."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or apply a fault to it."""
        is_request = scope["type"] == "http"
        # Before the fault is visible to other threads, which may call release at once.
        before = self._faults.released
        rule = self._faults.take(scope["method"], scope["path"]) if is_request else None
        if rule is None:
            await self._app(scope, receive, send)
            return
        body = await _read_body(receive)
        if body is not None:
            exchange = _FaultyExchange(
                self._app,
                scope,
                receive,
                send,
                rule,
                body,
                lambda: self._faults.released > before,
            )
            await _HANDLERS[rule.fault.kind](exchange)


@frozen
class _CapturedResponse:
    status: int
    headers: RawHeaders
    body: bytes

    def with_body(self, body: bytes, **headers: str) -> _CapturedResponse:
        """Replace the body and its length."""
        changed = {"content-length": str(len(body)), **headers}
        names = {name.replace("_", "-").encode(): changed[name] for name in changed}
        others = [pair for pair in self.headers if pair[0].lower() not in names]
        added = [(name, value.encode()) for name, value in names.items()]
        return _CapturedResponse(self.status, others + added, body)

    def without_length(self) -> _CapturedResponse:
        """Remove the length, so that the body is sent in chunks."""
        others = [pair for pair in self.headers if pair[0].lower() != b"content-length"]
        return evolve(self, headers=others)


@frozen
class _FaultyExchange:
    """A request with its body, and the ways to answer it."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    rule: ActiveFault
    body: bytes
    is_released: Callable[[], bool]

    @property
    def fault(self) -> Fault:
        return self.rule.fault

    async def answer(self) -> _CapturedResponse:
        """Handle the request, and return the response without sending it."""
        sent: list[Message] = []
        unread = [{"type": "http.request", "body": self.body, "more_body": False}]

        async def receive() -> Message:
            if not unread:  # the client does not see this request, so it cannot end it
                await asyncio.Event().wait()
            return unread.pop()

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(self.scope, receive, send)
        start, *parts = sent
        body = b"".join(part.get("body", b"") for part in parts)
        return _CapturedResponse(start["status"], list(start["headers"]), body)

    async def answer_if_after(self) -> _CapturedResponse | None:
        """Handle the request if the fault happens after that."""
        return await self.answer() if self.fault.kind.endswith("_after") else None

    async def give(self, answer: _CapturedResponse) -> None:
        """Send a response."""
        await self.begin(answer)
        await self.go_on(answer.body, is_last=True)

    async def begin(self, answer: _CapturedResponse) -> None:
        """Send the start of a response."""
        start = {"status": answer.status, "headers": answer.headers}
        await self.send({"type": "http.response.start", **start})

    async def go_on(self, body: bytes, *, is_last: bool = False) -> None:
        """Send a part of the body."""
        more = {"body": body, "more_body": not is_last}
        await self.send({"type": "http.response.body", **more})

    async def wait_for_client(self, seconds: float) -> bool:
        """Wait; return True if the client is still connected."""
        leaving = asyncio.ensure_future(self._wait_for_disconnect())
        waiting = asyncio.ensure_future(self.wait(seconds))
        try:
            await asyncio.wait({leaving, waiting}, return_when=asyncio.FIRST_COMPLETED)
            return not leaving.done()
        finally:
            leaving.cancel()
            waiting.cancel()

    async def wait(self, seconds: float) -> None:
        """Wait, at most until `Faults.release` is called."""
        ends = asyncio.get_running_loop().time() + seconds
        while not self.is_released():
            left = ends - asyncio.get_running_loop().time()
            if left <= 0:
                break
            await asyncio.sleep(min(left, 0.05))

    async def reset(self) -> None:
        """Reset the connection, so that the client gets ECONNRESET."""
        transport = await self._flush()
        if not transport.is_closing():
            connection = transport.get_extra_info("socket")
            # Without lingering, closing sends a reset.
            lingering = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
            transport.abort()
        await self._wait_for_disconnect()

    async def close(self) -> None:
        """Close the connection as if the response were complete."""
        (await self._flush()).close()
        await self._wait_for_disconnect()

    async def _flush(self) -> asyncio.Transport:
        """Return the connection once its write buffer is empty."""
        # uvicorn has no public way. In process, and behind other apps, there is none.
        found = getattr(getattr(self.send, "__self__", None), "transport", None)
        if not isinstance(found, asyncio.Transport):
            _break_off(self.fault.kind)
        for _ in range(1000):
            if found.is_closing() or not found.get_write_buffer_size():
                break
            await asyncio.sleep(0.001)
        return found

    async def _wait_for_disconnect(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


def _break_off(kind: FaultKind) -> NoReturn:
    raise ConnectionResetError(f"the fault {kind}")


async def _read_body(receive: Receive) -> bytes | None:
    """Read the whole body; return None if the request ended before it did."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


# -- No response, or a late one -------------------------------------------------------


async def _reset(exchange: _FaultyExchange) -> None:
    await exchange.answer_if_after()
    await exchange.reset()


async def _close(exchange: _FaultyExchange) -> None:
    await exchange.answer_if_after()
    await exchange.close()


async def _hang(exchange: _FaultyExchange) -> None:
    answer = await exchange.answer_if_after()
    if await exchange.wait_for_client(_seconds(exchange.fault, 60)):
        await exchange.give(answer or await exchange.answer())


# -- Another response -----------------------------------------------------------------


async def _status(exchange: _FaultyExchange) -> None:
    await exchange.answer_if_after()
    await exchange.give(_make_response(exchange.fault))


def _make_response(fault: Fault) -> _CapturedResponse:
    words = json.dumps({"detail": _PHRASES.get(fault.status, "A fault")})
    headers = {name.lower(): value for name, value in fault.headers.items()}
    if fault.retry_after is not None:
        headers["retry-after"] = fault.retry_after
    body = (words if fault.body is None else fault.body).encode()
    if fault.status in {204, 304}:  # these have no body
        body = b""
    bare = _CapturedResponse(
        fault.status, [(b"content-type", b"application/json")], b""
    )
    return bare.with_body(body, **headers)


async def _html(exchange: _FaultyExchange) -> None:
    page = b"<!doctype html><title>Log in</title><h1>Log in</h1>\n"
    bare = _CapturedResponse(200, [(b"content-type", b"text/html; charset=utf-8")], b"")
    await exchange.give(bare.with_body(page))


async def _empty(exchange: _FaultyExchange) -> None:
    answer = await exchange.answer()
    await exchange.give(evolve(answer, status=200).with_body(b""))


# -- A damaged response ---------------------------------------------------------------


async def _truncate(exchange: _FaultyExchange) -> None:
    answer = await exchange.answer()
    is_chunked = exchange.fault.kind == "truncate_chunked"
    await exchange.begin(answer.without_length() if is_chunked else answer)
    await exchange.go_on(_cut(answer.body, exchange.fault))
    await exchange.reset()


async def _cut_json(exchange: _FaultyExchange) -> None:
    answer = await exchange.answer()
    await exchange.give(answer.with_body(_cut(answer.body, exchange.fault)))


async def _slow(exchange: _FaultyExchange) -> None:
    answer, size = await exchange.answer(), exchange.fault.size or 1
    pause = _seconds(exchange.fault, 0.05)
    await exchange.begin(answer)
    for start in range(0, len(answer.body), size):
        await exchange.go_on(answer.body[start : start + size])
        if not await exchange.wait_for_client(pause):
            return
    await exchange.go_on(b"", is_last=True)


async def _endless(exchange: _FaultyExchange) -> None:
    answer, left = await exchange.answer(), _size(exchange.fault)
    part, pause = b" " * 2**16, _seconds(exchange.fault, 0)
    await exchange.begin(answer.without_length())
    while left > 0:
        await exchange.go_on(part[:left])
        left -= len(part)
        if not await exchange.wait_for_client(pause):
            return
        if exchange.is_released():
            await exchange.reset()
            return
    await exchange.go_on(b"", is_last=True)


async def _bad_gzip(exchange: _FaultyExchange) -> None:
    answer = await exchange.answer()
    cut = _cut(compress(answer.body, mtime=0), exchange.fault)
    await exchange.give(answer.with_body(cut, content_encoding="gzip"))


async def _gzip_bomb(exchange: _FaultyExchange) -> None:
    answer = await exchange.answer()
    bomb = await asyncio.to_thread(_make_gzip_bomb, _size(exchange.fault))
    await exchange.give(answer.with_body(bomb, content_encoding="gzip"))


def _make_gzip_bomb(size: int) -> bytes:
    """Compress `size` blanks by repeating one compressed block."""
    many, count, rest = b" " * 2**20, size // 2**20, b" " * (size % 2**20)
    packer = compressobj(wbits=-MAX_WBITS)
    # After a full flush the block has no references back, so it may be repeated.
    block = packer.compress(many) + packer.flush(Z_FULL_FLUSH)
    end = packer.compress(rest) + packer.flush()
    checksum = 0
    for _ in range(count):
        checksum = crc32(many, checksum)
    trailer = struct.pack("<II", crc32(rest, checksum), size % 2**32)
    return compress(b"")[:10] + block * count + end + trailer


# -- Handled twice, or an old response ------------------------------------------------


async def _duplicate(exchange: _FaultyExchange) -> None:
    await exchange.answer()
    await exchange.give(await exchange.answer())


async def _late_duplicate(exchange: _FaultyExchange) -> None:
    await exchange.give(await exchange.answer())
    await exchange.wait(_seconds(exchange.fault, 1))
    await exchange.answer()


async def _stale_read(exchange: _FaultyExchange) -> None:
    scope, memory = exchange.scope, exchange.rule.memory
    credentials = (b"x-api-key", b"authorization")
    who = [value for name, value in scope["headers"] if name in credentials]
    asked = (scope["method"], scope["path"], scope["query_string"], *who)
    if asked not in memory:
        memory[asked] = await exchange.answer()
    await exchange.give(memory[asked])


# -- Other data -----------------------------------------------------------------------


async def _unknown_status(exchange: _FaultyExchange) -> None:
    word = exchange.fault.word or "paused"
    await _give_rewritten(exchange, {"status": word, "overall_status": word})


async def _null_download_url(exchange: _FaultyExchange) -> None:
    await _give_rewritten(exchange, {"download_url": None})


async def _rewrite(exchange: _FaultyExchange) -> None:
    await _give_rewritten(exchange, exchange.fault.members)


async def _missing_field(exchange: _FaultyExchange) -> None:
    await _give_rewritten(exchange, {exchange.fault.word or "status": _REMOVED})


async def _give_rewritten(
    exchange: _FaultyExchange, members: Mapping[str, Any]
) -> None:
    answer = await exchange.answer()
    data = load_json(answer.body)
    if data is not None:
        answer = answer.with_body(json.dumps(_replace_members(data, members)).encode())
    await exchange.give(answer)


_REMOVED: Final = object()


def _replace_members(data: Any, members: Mapping[str, Any]) -> Any:
    """Replace members of data, at any depth."""
    if isinstance(data, list):
        return [_replace_members(item, members) for item in cast(Iterable[Any], data)]
    if not isinstance(data, dict):
        return data
    changed: JsonObject = {
        name: members[name]
        if name in members
        else value
        if name in _USER_CONTENT
        else _replace_members(value, members)
        for name, value in cast(JsonObject, data).items()
    }
    return {name: value for name, value in changed.items() if value is not _REMOVED}


async def _drop_spec_field(exchange: _FaultyExchange) -> None:
    def lose(data: Any) -> None:
        for block in data["workflow_definition"]["blocks"]:
            specs = block["specs"]
            name = exchange.fault.word or next(iter(specs), None)
            if name in specs:
                del specs[name]
                if exchange.fault.word is None:
                    return

    await _give_after_changing_request(exchange, lose)


async def _other_name(exchange: _FaultyExchange) -> None:
    def rename(data: Any) -> None:
        data["workflow_name"] = exchange.fault.word or "Renamed"

    await _give_after_changing_request(exchange, rename)


async def _give_after_changing_request(
    exchange: _FaultyExchange, change: Callable[[Any], None]
) -> None:
    data = load_json(exchange.body)
    try:
        change(data)
    except (KeyError, TypeError):  # not a workflow, so it is refused unchanged
        changed = exchange
    else:
        changed = evolve(exchange, body=json.dumps(data).encode())
    await exchange.give(await changed.answer())


# -- Parts ----------------------------------------------------------------------------


def _cut(body: bytes, fault: Fault) -> bytes:
    size = int(len(body) * fault.fraction) if fault.size is None else fault.size
    return body[:size]


def _seconds(fault: Fault, standard: float) -> float:
    return standard if fault.seconds is None else fault.seconds


def _size(fault: Fault) -> int:
    return LARGE_BYTES if fault.size is None else fault.size


_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}

_HANDLERS: Final[Mapping[FaultKind, Callable[[_FaultyExchange], Awaitable[None]]]] = {
    "reset_before": _reset,
    "reset_after": _reset,
    "close_before": _close,
    "close_after": _close,
    "hang_before": _hang,
    "hang_after": _hang,
    "status_before": _status,
    "status_after": _status,
    "html": _html,
    "empty": _empty,
    "truncate": _truncate,
    "truncate_chunked": _truncate,
    "cut_json": _cut_json,
    "slow": _slow,
    "endless": _endless,
    "bad_gzip": _bad_gzip,
    "gzip_bomb": _gzip_bomb,
    "duplicate": _duplicate,
    "late_duplicate": _late_duplicate,
    "stale_read": _stale_read,
    "unknown_status": _unknown_status,
    "null_download_url": _null_download_url,
    "rewrite": _rewrite,
    "missing_field": _missing_field,
    "drop_spec_field": _drop_spec_field,
    "other_name": _other_name,
}
