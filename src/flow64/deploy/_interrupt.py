"""Ctrl-C while a plan is applied: once, the write that is under way is ended first.

The first asks the conversation to stop before its next step; the second stops at once,
and leaves open whether what was under way was carried out.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, TypeVar

from attrs import define

T = TypeVar("T")


@define
class Stop:
    """Whether somebody asked to stop; what `apply_plan` takes as `stopped`."""

    is_asked: bool = False

    def __call__(self) -> bool:
        return self.is_asked


@contextmanager
def first_interrupt_waits(told: Callable[[], None] | None = None) -> Generator[Stop]:
    """Turn the first Ctrl-C into a wish; in other threads nothing is changed.

    Args:
        told: Called at the first Ctrl-C, such as to say that a second one stops at
            once.
    """
    stop = Stop()
    if current_thread() is not main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT) or signal.SIG_DFL

    def asked(number: int, frame: FrameType | None) -> None:
        if stop.is_asked:
            if callable(before):
                before(number, frame)
            raise KeyboardInterrupt
        stop.is_asked = True
        if told is not None:
            told()

    signal.signal(signal.SIGINT, asked)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


async def first_cancel_waits(
    work: Callable[[Stop], Coroutine[Any, Any, T]],
) -> T:
    """Let the first cancellation of a task wait until the step under way has ended.

    Args:
        work: Does it, and asks what it is given whether to stop.

    Raises:
        CancelledError: It was cancelled; at the first time after the step has ended.
    """
    stop = Stop()
    task = asyncio.ensure_future(work(stop))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if task.cancelled():
            raise
        stop.is_asked = True
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            raise
        raise
