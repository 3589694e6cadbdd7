"""Events of a call, handed over one at a time, to async and to blocking code.

The call goes on when the next event is wanted, as a generator does. So a loop that is
left early starts nothing more. Functions that need the caller's thread are handed over
in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

from attrs import frozen

T = TypeVar("T")


@frozen(eq=False)
class Emitted:
    """An event for the caller."""

    value: Any


@frozen(eq=False)
class InCaller:
    """A function to call in the caller's thread.

    Attributes:
        function: The function.
        answer: Takes its result, or the exception that it raised, on the loop.
    """

    function: Callable[[], Any]
    answer: asyncio.Future[tuple[Any, BaseException | None]]

    def __call__(self) -> tuple[Any, BaseException | None]:
        """Call the function, and return its result and its exception."""
        try:
            return self.function(), None
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            return None, error


class Feed(Generic[T]):
    """The events of one call.

    Args:
        job: The call. It is given functions to emit an event, and to call a function in
            the caller's thread.
    """

    def __init__(
        self,
        job: Callable[
            [
                Callable[[Any], Awaitable[None]],
                Callable[[Callable[[], Any]], Awaitable[Any]],
            ],
            Awaitable[T],
        ],
    ) -> None:
        self._job: Final = job
        self._task: asyncio.Task[T] | None = None
        self._ready: Final = asyncio.Queue[Emitted | InCaller]()
        self._wanted: Final = asyncio.Semaphore(0)

    async def next(
        self, reply: tuple[InCaller, Any] | None = None
    ) -> Emitted | InCaller | None:
        """Return the next event, or None at the end; see `result`.

        Args:
            reply: The last function that was handed over, and what calling it gave.
        """
        if self._task is None:
            self._task = asyncio.ensure_future(self._run())
        elif reply is not None:
            with suppress(asyncio.InvalidStateError):  # the call has ended
                reply[0].answer.set_result(reply[1])
        else:
            self._wanted.release()
        getting = asyncio.ensure_future(self._ready.get())
        try:
            await asyncio.wait(
                (getting, self._task), return_when=asyncio.FIRST_COMPLETED
            )
            return getting.result() if getting.done() else None
        finally:
            getting.cancel()

    def result(self) -> T:
        """Return the result of the call, or raise its error, after its last event."""
        assert self._task is not None, "it was read to its end"
        return self._task.result()

    async def close(self) -> None:
        """End the call."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _run(self) -> T:
        return await self._job(self._emit, self._call_in_caller)

    async def _emit(self, event: Any) -> None:
        self._ready.put_nowait(Emitted(event))
        await self._wanted.acquire()

    async def _call_in_caller(self, function: Callable[[], Any]) -> Any:
        answer = asyncio.get_running_loop().create_future()
        self._ready.put_nowait(InCaller(function, answer))
        result, error = await answer
        if error is not None:
            raise error
        return result
