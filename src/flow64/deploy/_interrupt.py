"""Ctrl-C while a plan is applied: writes that are under way finish first.

The first Ctrl-C stops before the next step. The second stops at once. Then it is not
known whether the writes under way were applied.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

from attrs import define

from ..api.threads import StopNow


@define
class Stop:
    """The wish to stop. `apply_plan` takes it as `stopped`."""

    is_asked: bool = False

    def __call__(self) -> bool:
        return self.is_asked


@contextmanager
def first_interrupt_waits(notify: Callable[[], None] | None = None) -> Generator[Stop]:
    """Turn the first Ctrl-C into a wish to stop. Only the main thread can do this.

    Args:
        notify: Called at the first Ctrl-C, such as to say that a second one stops at
            once.
    """
    stop = Stop()
    if current_thread() is not main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT) or signal.SIG_DFL

    def interrupt(number: int, frame: FrameType | None) -> None:
        if stop.is_asked:
            if callable(before) and before is not signal.default_int_handler:
                before(number, frame)
            raise StopNow
        stop.is_asked = True
        if notify is not None:
            notify()

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
