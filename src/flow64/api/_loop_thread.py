"""The network without `await`: an event loop in a thread of its own.

A thread can be stopped neither while it looks up a host nor while headers come in byte
by byte; a task can. So a `Client` has the same deadlines as an `AsyncClient`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Generator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from threading import Lock, Thread, current_thread
from typing import Any, Final, TypeVar
from warnings import warn

from ..errors import ConfigError
from ._transport import AsyncHttpAnswer, AsyncTransport, HttpRequest

T = TypeVar("T")


class Cut:
    """Ends from outside what threads wait for, since no Ctrl-C comes to them.

    Attributes:
        is_made: Whether it is over: nothing more is sent or read.
    """

    def __init__(self) -> None:
        self._lock: Final = Lock()
        self._waits: Final = set[Future[Any]]()
        self.is_made = False

    def make(self) -> None:
        """End all that is waited for."""
        with self._lock:
            self.is_made = True
            waits = [*self._waits]
        for wait in waits:
            wait.cancel()

    @contextmanager
    def over(self, wait: Future[Any]) -> Generator[None]:
        """Something is waited for."""
        with self._lock:
            self._waits.add(wait)
            is_late = self.is_made
        if is_late:
            wait.cancel()
        try:
            yield
        finally:
            with self._lock:
                self._waits.discard(wait)


CUT: Final = ContextVar[Cut | None]("CUT", default=None)
"""What may end the requests of this thread."""


class BlockingTransport:
    """Carries requests through an async transport, from any thread.

    Args:
        make: Makes the async transport, on its loop.
        owner: Name of the client, for the warning if it is dropped without `close()`.
    """

    def __init__(
        self, make: Callable[[], AsyncTransport], owner: str = "BlockingTransport"
    ) -> None:
        self._make: Final = make
        self._owner: Final = owner
        self._lock: Final = Lock()
        self._pid: Final = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._inner: AsyncTransport | None = None
        self._thread: Thread | None = None
        self._is_closed = False

    def send(self, request: HttpRequest) -> BlockingAnswer:
        """Send a request."""
        answer: AsyncHttpAnswer = self._waited(lambda inner: inner.send(request))
        return BlockingAnswer(self, answer)

    def close(self) -> None:
        """Close the connections and end the thread; closing twice does nothing."""
        with self._lock:
            is_ours = os.getpid() == self._pid
            loop, self._loop = self._loop, None
            self._is_closed = True
        if loop is not None and is_ours and self._inner and self._thread:
            if self._thread is current_thread():  # the garbage collector calls from it
                loop.create_task(_stopped(loop, self._inner))
                return
            asyncio.run_coroutine_threadsafe(_closed(self._inner), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()

    def __del__(self) -> None:
        """End the thread of a client that was dropped without `close()`.

        The garbage collector runs in any thread, so nothing is waited for.
        """
        inner: AsyncTransport | None = getattr(self, "_inner", None)
        if sys.is_finalizing() or inner is None:
            return
        if self._loop is None or os.getpid() != self._pid:
            return  # it is closed, or its thread is in the process that forked this one
        try:
            text = f"unclosed {self._owner}: use `with`, or call close()"
            warn(text, ResourceWarning, stacklevel=2, source=self)
        finally:
            asyncio.run_coroutine_threadsafe(_stopped(self._loop, inner), self._loop)

    def waited(self, job: Coroutine[Any, Any, T], *, is_closing: bool = False) -> T:
        """Let the loop do something, and wait; a cut ends that, but no closing."""
        loop = self._loop
        if loop is None or os.getpid() != self._pid:
            job.close()
            raise ConfigError(_NOT_HERE)
        future: Future[T] | None = None
        try:
            future = asyncio.run_coroutine_threadsafe(job, loop)
            cut = None if is_closing else CUT.get()
            with nullcontext() if cut is None else cut.over(future):
                return future.result()
        except BaseException as error:
            if future is not None:
                future.cancel()  # a Ctrl-C ends the request as well
            if isinstance(error, CancelledError) and self._is_closed:
                raise ConfigError(_NOT_HERE) from None
            raise

    def _waited(self, job: Callable[[AsyncTransport], Coroutine[Any, Any, T]]) -> T:
        self._begin()
        if (inner := self._inner) is None:  # pragma: no cover - closed in between
            raise ConfigError(_NOT_HERE)
        return self.waited(job(inner))

    def _begin(self) -> None:
        """Start the thread, when there is something to send."""
        with self._lock:
            if self._is_closed or os.getpid() != self._pid:
                raise ConfigError(_NOT_HERE)
            if self._loop is not None:
                return
            loop = asyncio.new_event_loop()
            # The thread does not know this object, so that it can be dropped.
            thread = Thread(target=_run, args=(loop,), name="flow64-http", daemon=True)
            thread.start()
            self._inner = asyncio.run_coroutine_threadsafe(
                _made(self._make), loop
            ).result()
            self._thread, self._loop = thread, loop


class BlockingAnswer:
    """An answer that is read from any thread."""

    def __init__(self, transport: BlockingTransport, inner: AsyncHttpAnswer) -> None:
        self.status: Final = inner.status
        self.headers: Final[Mapping[str, str]] = inner.headers
        self._transport: Final = transport
        self._inner: Final = inner
        self._reading: asyncio.Task[Any] | None = None  # known to the loop alone

    def read(self, timeout: float) -> bytes:
        """The next part of the body; empty at its end."""
        return self._transport.waited(self._read(timeout))

    def close(self) -> None:
        """Let it go."""
        self._transport.waited(self._close(), is_closing=True)

    async def _read(self, timeout: float) -> bytes:  # noqa: ASYNC109 - as the protocol says
        self._reading = asyncio.current_task()
        return await self._inner.read(timeout)

    async def _close(self) -> None:
        # A Ctrl-C may leave a read under way, and what is being read cannot be closed.
        if self._reading is not None and not self._reading.done():
            await _ended({self._reading})
        await self._inner.close()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped, and close it."""
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _stopped(loop: asyncio.AbstractEventLoop, inner: AsyncTransport) -> None:
    """Close a transport, and end the loop."""
    try:
        await _closed(inner)
    finally:
        loop.stop()


async def _made(make: Callable[[], AsyncTransport]) -> AsyncTransport:
    return make()


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait until they are over."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


async def _closed(inner: AsyncTransport) -> None:
    """Close a transport, and what was left half read, while there is a loop for it."""
    here = asyncio.current_task()
    await _ended({task for task in asyncio.all_tasks() if task is not here})
    await inner.close()
    await asyncio.get_running_loop().shutdown_asyncgens()
    await asyncio.sleep(0)


_NOT_HERE: Final = (
    "this client is closed, or belongs to another process (a forked one has to make "
    "its own): make another Client"
)
