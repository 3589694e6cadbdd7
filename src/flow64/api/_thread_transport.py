"""Blocking transports for async code: each call runs in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from inspect import iscoroutinefunction
from threading import Lock, Thread
from typing import Any, Final, TypeVar, cast

from ..errors import NoAnswerError
from ._transport import AsyncTransport, HttpAnswer, HttpRequest, Transport

T = TypeVar("T")

CLOSING: Final = 5.0
"""Most seconds to wait until something is closed."""


def as_async(transport: Transport | AsyncTransport) -> AsyncTransport:
    """Return an async transport that sends through the given one."""
    if iscoroutinefunction(transport.send):
        return cast("AsyncTransport", transport)
    return ThreadTransport(cast("Transport", transport))


class ThreadTransport:
    """Sends through a blocking transport. At its timeout a request ends.

    Its thread may go on waiting. Threads are daemons, so that they do not keep the
    process from exiting.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner: Final = inner

    async def send(self, request: HttpRequest) -> ThreadAnswer:
        """Send a request."""
        answer = await _in_time(
            lambda: self._inner.send(request), request.timeout, drop=_close
        )
        return ThreadAnswer(answer)

    async def close(self) -> None:
        """Close the transport."""
        with suppress(NoAnswerError):
            await _in_time(self._inner.close, CLOSING)


class ThreadAnswer:
    """An answer that is read in threads."""

    def __init__(self, inner: HttpAnswer) -> None:
        self.status: Final = inner.status
        self.headers: Final[Mapping[str, str]] = inner.headers
        self._inner: Final = inner
        self._lock: Final = Lock()
        self._is_read = False
        self._is_closed = False

    async def read(self, timeout: float) -> bytes:  # noqa: ASYNC109 - as the protocol says
        """Return the next part of the body; empty at its end."""
        with self._lock:
            self._is_read = True
        return await _in_time(lambda: self._read(timeout), timeout)

    def _read(self, timeout: float) -> bytes:
        try:
            return self._inner.read(timeout)
        finally:
            with self._lock:
                self._is_read = False
                is_left = self._is_closed
            if is_left:
                _close(self._inner)

    async def close(self) -> None:
        """Release it. If a thread still reads it, that thread releases it."""
        with self._lock:
            self._is_closed = True
            is_free = not self._is_read
        if is_free:
            await _in_time(self._inner.close, CLOSING)


async def _in_time(
    call: Callable[[], T], seconds: float, drop: Callable[[T], None] | None = None
) -> T:
    try:
        async with asyncio.timeout(max(seconds, 0)):
            return await _in_thread(call, drop)
    except TimeoutError:
        raise NoAnswerError(f"no answer within {seconds:.3g} s") from None


async def _in_thread(
    call: Callable[[], T], drop: Callable[[T], None] | None = None
) -> T:
    """Call a function in a new thread.

    Args:
        call: The function.
        drop: Takes the result, if nothing waits for it any longer.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def give(result: Any, error: BaseException | None) -> None:
        if future.done():
            if error is None and drop is not None:
                Thread(target=drop, args=(result,), daemon=True).start()
        elif error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = call()
        except StopIteration:  # cannot be raised through a future
            error = RuntimeError("the transport raised StopIteration")
        except BaseException as caught:  # noqa: BLE001 - raised where it is awaited
            error = caught
        try:
            loop.call_soon_threadsafe(give, result, error)
        except RuntimeError:  # the loop is closed
            if error is None and drop is not None:
                drop(result)

    Thread(target=work, name="flow64-transport", daemon=True).start()
    return await future


def _close(answer: HttpAnswer) -> None:
    with suppress(NoAnswerError, OSError):
        answer.close()
