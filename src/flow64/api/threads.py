"""Threads of calls: when they end, what they may not send, and how they are waited for.

A Ctrl-C and a cancelled task must leave no half-used connection behind, so requests run
in daemon threads, and only the wait for them is interrupted.
"""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import Context, ContextVar, copy_context
from queue import SimpleQueue
from threading import Event, Thread, current_thread, main_thread
from types import FrameType
from typing import Final, TypeVar

from attrs import frozen

from ..errors import ConfigError, FlowError

T = TypeVar("T")

PARALLEL: Final = 4
"""Most jobs of `gather` at a time, by default."""

ENDS: Final[ContextVar[float]] = ContextVar("ENDS", default=math.inf)
"""When the current call has to end, by the monotonic clock."""

STOP: Final[ContextVar[Event | None]] = ContextVar("STOP", default=None)
"""Set once nothing more may be sent: after a Ctrl-C, or once a task is cancelled."""

IS_READ: Final[ContextVar[bool]] = ContextVar("IS_READ", default=False)
"""True while the request under way changes nothing, so that it may be given up."""

_LOADED: Final[list[str]] = []
"""The modules that are being loaded. They may send in threads of their own, so this is
for the whole process."""

_IS_PART: Final[ContextVar[bool]] = ContextVar("_IS_PART", default=False)


class StopNow(KeyboardInterrupt):
    """A Ctrl-C that does not wait for the end of a write under way: the second one."""


@frozen
class _Failure:
    error: BaseException


# -- What may be sent -----------------------------------------------------------------


@contextmanager
def refuse_requests(module: str) -> Generator[None]:
    """Refuse each request while flow64 loads a module of the user.

    Args:
        module: Its name or path, for the error. Its frames may be hidden by a thread.
    """
    _LOADED.append(module)
    try:
        yield
    finally:
        _LOADED.remove(module)


def require_sending() -> None:
    """Refuse to send while a module is being loaded, or after an interrupt.

    Raises:
        ConfigError: flow64 is loading the module that sends.
        KeyboardInterrupt: The call was interrupted.
    """
    if _LOADED:
        place = _find_caller() or _LOADED[-1]
        raise ConfigError(
            f"{place} sends requests while flow64 loads it, and nothing was sent; put "
            'this code below `if __name__ == "__main__":`'
        )
    if is_stopped():
        raise KeyboardInterrupt


def is_stopped() -> bool:
    """Return True if nothing more may be sent."""
    stop = STOP.get()
    return stop is not None and stop.is_set()


def _find_caller() -> str | None:
    """Return the file and line of the innermost code that is not of a package."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        file = frame.f_code.co_filename
        is_library = "site-packages" in file or file.startswith(("<frozen", sys.prefix))
        if name.partition(".")[0] not in _OWN and not is_library:
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment] # None at the end
    return None


_OWN: Final = frozenset({"flow64", "asyncio", "contextlib", "threading", "concurrent"})


# -- Time -----------------------------------------------------------------------------


def now() -> float:
    """Return the time in seconds, from any point in time."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait. Once the call is interrupted, the wait ends.

    Raises:
        KeyboardInterrupt: The call was interrupted.
    """
    stop = STOP.get()
    if stop is None:
        time.sleep(max(seconds, 0))
    elif stop.wait(max(seconds, 0)):
        raise KeyboardInterrupt


@contextmanager
def setting(variable: ContextVar[T], value: T) -> Generator[None]:
    """Set a variable inside, such as `IS_READ`."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


def deadline(seconds: float) -> AbstractContextManager[None]:
    """End all calls inside after some seconds, or at an earlier deadline around it."""
    return setting(ENDS, min(ENDS.get(), now() + seconds))


# -- Waiting --------------------------------------------------------------------------


@contextmanager
def defer_interrupts() -> Generator[None]:
    """Let a Ctrl-C wait until the end of a block, which starts threads.

    Inside `Thread.start`, it would not be known whether the thread runs. Where the last
    reference to a thread is dropped, Python would print it and go on.
    """
    handler = signal.getsignal(signal.SIGINT)
    if current_thread() is not main_thread() or not callable(handler):
        yield
        return
    interrupts: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda *facts: interrupts.append(facts))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    for facts in interrupts:
        handler(*facts)


def run_aside(call: Callable[[], T], *, is_patient: bool) -> T:
    """Run a call so that a Ctrl-C interrupts only the wait for it.

    Only the main thread can be interrupted, so any other one runs it itself.

    Args:
        call: The call. It checks `require_sending` before it sends.
        is_patient: A first Ctrl-C waits for its end.
    """
    if current_thread() is not main_thread():
        return call()
    (result,) = _run_all(call, 1, STOP.get() or Event(), is_patient=is_patient)
    return _unwrap(result)


def gather(jobs: Sequence[Callable[[], T]], limit: int = PARALLEL) -> list[T]:
    """Run jobs in a few threads, and return their results in order.

    As soon as one raises a `FlowError`, no further one begins. Those under way go on to
    their end, and then the error of the first of them is raised. After a Ctrl-C nothing
    more is sent, and what is being sent is waited for; a second one does not wait.
    Inside a job of another `gather`, they run one after the other.
    """
    if _IS_PART.get() or limit == 1 or len(jobs) < 2:
        return [job() for job in jobs]
    stop, failed = STOP.get() or Event(), Event()
    results: dict[int, T | _Failure] = {}
    waiting = iter(range(len(jobs)))  # it gives each number to one thread

    def work() -> None:
        _IS_PART.set(True)
        for at in waiting:
            if failed.is_set() or stop.is_set():
                return
            try:
                results[at] = jobs[at]()
            except FlowError as error:
                results[at] = _Failure(error)
                failed.set()

    for end in _run_all(work, min(limit, len(jobs)), stop, is_patient=True):
        _unwrap(end)  # what flow64 does not expect
    failed_at = [at for at in sorted(results) if isinstance(results[at], _Failure)]
    return [_unwrap(results[at]) for at in (failed_at or sorted(results))]


def _run_all(
    call: Callable[[], T], count: int, stop: Event, *, is_patient: bool
) -> list[T | _Failure]:
    """Run a call in a number of daemon threads, and return how they ended.

    Each runs in a copy of this context.
    """
    results: list[T | _Failure] = []
    ends = SimpleQueue[None]()

    def work(context: Context) -> None:
        try:
            results.append(context.run(call))
        except KeyboardInterrupt as error:
            # Its frames lead to `results`: garbage with a thread in it, see above.
            results.append(_Failure(error.with_traceback(None)))
        except BaseException as error:  # noqa: BLE001 - raised by the caller
            results.append(_Failure(error))
        ends.put(None)

    def wait_for(number: int) -> None:
        # An interrupt may lose what it has got from the queue, but not a result.
        while len(results) < number:
            ends.get()

    begun = 0
    try:
        with defer_interrupts():
            for _ in range(count):
                context = copy_context()
                context.run(STOP.set, stop)
                Thread(target=work, args=[context], name="flow64", daemon=True).start()
                begun += 1
        wait_for(count)
    except KeyboardInterrupt as interrupt:
        stop.set()
        if is_patient and not isinstance(interrupt, StopNow):
            try:
                wait_for(begun)
            except KeyboardInterrupt:
                raise StopNow from None
        raise
    return results


def _unwrap(result: T | _Failure) -> T:
    if isinstance(result, _Failure):
        raise result.error
    return result
