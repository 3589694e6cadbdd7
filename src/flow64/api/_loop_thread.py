"""Run coroutines from blocking code, on an event loop in a daemon thread.

A thread can be stopped neither while it looks up a host nor while headers come in byte
by byte; a task can. So a `Client` has the same deadlines as an `AsyncClient`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from threading import RLock, Thread, current_thread
from typing import Any, Final, TypeVar
from warnings import warn

from ..errors import ConfigError
from ._transport import AsyncTransport

T = TypeVar("T")


class StopNow(KeyboardInterrupt):
    """A Ctrl-C that does not wait for the end of a write under way."""


class LoopThread:
    """An event loop in a thread, and the transport that lives on it.

    It starts with the first call, and ends with `close()`.

    Args:
        make: Makes the async transport, at the first call.
        owner: Name of the client, for the warning if it is dropped without `close()`.
        is_given: True if the transport exists already, so that it has to be closed.
    """

    def __init__(
        self,
        make: Callable[[], AsyncTransport],
        owner: str = "LoopThread",
        *,
        is_given: bool = False,
    ) -> None:
        self._make: Final = make
        self._owner: Final = owner
        self._is_given: Final = is_given
        # The garbage collector may end a call in a thread that has it.
        self._lock: Final = RLock()
        self._pid: Final = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transport: AsyncTransport | None = None
        self._thread: Thread | None = None
        self._is_closed = False

    def run(self, job: Callable[[AsyncTransport], Awaitable[T]]) -> T:
        """Run a coroutine, and wait for its result.

        A Ctrl-C cancels it, and is raised when it has ended. A second one does not wait
        for that.

        Raises:
            ConfigError: It is closed, or belongs to the process that forked this one,
                or this is the thread of its own loop.
        """
        if current_thread() is self._thread:
            raise ConfigError(
                "a Client cannot be called from code that one of its own calls runs; "
                "use another Client there"
            )
        call: _Call | None = None
        try:
            with self._lock:  # so that `close` ends whatever has begun
                loop, transport = self._start()
                call = _Call(lambda: job(transport), loop)
                call.begin()
            result: T = call.wait()
        except BaseException as error:  # also a Ctrl-C on the way to the wait
            if call is not None:
                call.end(is_awaited=not isinstance(error, StopNow))
            if isinstance(error, CancelledError) and self._is_closed:
                raise ConfigError(_NOT_HERE) from None
            raise
        return result

    @property
    def transport(self) -> AsyncTransport:
        """The transport, for code that runs on the loop."""
        assert self._transport is not None, "the loop is running"
        return self._transport

    def run_at_end(
        self, job: Callable[[], Coroutine[Any, Any, Any]], *, is_awaited: bool = True
    ) -> None:
        """Run a coroutine as the last one of a call, if the loop is still there.

        The garbage collector may call this in any thread, and at exit.
        """
        if os.getpid() != self._pid or sys.is_finalizing():
            return
        with self._lock:
            call = None if self._loop is None else _Call(job, self._loop)
            if call is not None:
                call.begin()
        is_here = current_thread() is self._thread
        if call is not None and is_awaited and not is_here:
            with suppress(CancelledError):
                try:
                    call.wait()
                except KeyboardInterrupt:
                    call.end(is_awaited=False)
                    raise

    def close(self) -> None:
        """Close the connections and end the thread; closing twice does nothing."""
        with self._lock:
            is_ours = os.getpid() == self._pid
            if self._is_given and is_ours and not self._is_closed:
                self._start()
            loop, self._loop = self._loop, None
            self._is_closed = True
        if loop is None or not is_ours or self._thread is None:
            return
        if self._thread is current_thread():  # the garbage collector calls from it
            loop.create_task(_stop(loop, self.transport))
            return
        asyncio.run_coroutine_threadsafe(_close(self.transport), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()

    def __del__(self) -> None:
        """End the thread of a client that was dropped without `close()`.

        The garbage collector runs in any thread, so nothing is waited for.
        """
        transport: AsyncTransport | None = getattr(self, "_transport", None)
        if sys.is_finalizing() or transport is None:
            return
        if self._loop is None or os.getpid() != self._pid:
            return  # it is closed, or its thread is in the process that forked this one
        try:
            text = f"unclosed {self._owner}: use `with`, or call close()"
            warn(text, ResourceWarning, stacklevel=2, source=self)
        finally:
            asyncio.run_coroutine_threadsafe(_stop(self._loop, transport), self._loop)

    def _start(self) -> tuple[asyncio.AbstractEventLoop, AsyncTransport]:
        """Start the thread, if it is not running; the caller holds the lock."""
        if self._is_closed or os.getpid() != self._pid:
            raise ConfigError(_NOT_HERE)
        if self._loop is None or self._transport is None:
            transport, loop = self._make(), asyncio.new_event_loop()
            # The thread does not know this object, so that it can be dropped.
            thread = Thread(
                target=_run_loop, args=(loop,), name="flow64-client", daemon=True
            )
            thread.start()
            self._transport, self._thread, self._loop = transport, thread, loop
        return self._loop, self._transport


class _Call:
    """A coroutine that runs on a loop, while a thread waits for it."""

    def __init__(
        self, job: Callable[[], Awaitable[Any]], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._job: Final = job
        self._loop: Final = loop
        self._done: Final = Future[Any]()
        self._task: asyncio.Task[tuple[Any, BaseException | None]] | None = None

    def begin(self) -> None:
        """Let it begin, in the context of this thread."""
        self._loop.call_soon_threadsafe(self._begin)

    def wait(self) -> Any:
        """Wait for the result."""
        return self._done.result()

    def end(self, *, is_awaited: bool) -> None:
        """Cancel the task if it has not ended, and wait for its end if asked to.

        A Ctrl-C meanwhile cancels it again, and is raised.
        """
        if self._done.done():
            return
        self._loop.call_soon_threadsafe(self._cancel)
        if is_awaited:
            try:
                self._done.exception()
            except BaseException:
                self._loop.call_soon_threadsafe(self._cancel)
                raise

    def _begin(self) -> None:
        if not self._done.done():
            self._task = self._loop.create_task(_catch(self._job))
            self._task.add_done_callback(self._end)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:  # a Ctrl-C came before it was to begin
            with suppress(InvalidStateError):
                self._done.set_exception(CancelledError())

    def _end(self, task: asyncio.Task[tuple[Any, BaseException | None]]) -> None:
        # Here, since a task that is cancelled at once runs none of its code.
        result, error = (None, None) if task.cancelled() else task.result()
        if task.cancelled() or isinstance(error, asyncio.CancelledError):
            self._done.set_exception(CancelledError())
        elif error is not None:
            self._done.set_exception(error)
        else:
            self._done.set_result(result)


async def _catch(
    job: Callable[[], Awaitable[T]],
) -> tuple[T | None, BaseException | None]:
    """Return the result and the error of a job, which begins here.

    A KeyboardInterrupt that leaves a task would end the loop.
    """
    try:
        return await job(), None
    except BaseException as error:  # noqa: BLE001 - raised where it is waited for
        return None, error


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped, and close it."""
    is_stopped = False
    try:
        while not is_stopped:
            # A part of a call may end in a KeyboardInterrupt, which asyncio passes on.
            with suppress(KeyboardInterrupt, SystemExit):
                loop.run_forever()
                is_stopped = True
    finally:
        loop.close()


async def _stop(loop: asyncio.AbstractEventLoop, transport: AsyncTransport) -> None:
    """Close a transport, and end the loop."""
    try:
        await _close(transport)
    finally:
        loop.stop()


async def _close(transport: AsyncTransport) -> None:
    """End what is under way, and close a transport, while there is a loop for it."""
    here = asyncio.current_task()
    tasks = {task for task in asyncio.all_tasks() if task is not here}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    await transport.close()
    await asyncio.get_running_loop().shutdown_asyncgens()
    await asyncio.sleep(0)


_NOT_HERE: Final = (
    "this client is closed, or belongs to another process (a forked one has to make "
    "its own): make another Client"
)
