"""Conversations that are played together: their order, and threads that wait.

All conversations are played in one thread; nothing but the replies to their steps, such
as the answer to a request, is waited for elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any, Final, Generic, TypeAlias, TypeVar

from attrs import frozen

from ..errors import FlowError
from ._conversation import in_turn
from ._loop_thread import CUT, Cut
from ._steps import Conversation, Together

S = TypeVar("S")

GRACE: Final = 1.0
"""Seconds that threads are given to end, once their requests were ended for them."""


@frozen(eq=False)
class Part(Generic[S]):
    """One of several conversations.

    Attributes:
        at: Its place among them.
        conversation: What is played.
        scene: What the player knows of it.
    """

    at: int
    conversation: Conversation[Any]
    scene: S


Ready: TypeAlias = tuple[Part[S], Any]
"""A conversation, and the reply that it waits for."""


class Parts(Generic[S]):
    """Several conversations, with a limit of how many are under way.

    Args:
        step: The step that asked for them.
        scene: Makes the scene of a conversation that begins.
    """

    def __init__(self, step: Together, scene: Callable[[], S]) -> None:
        self._waiting: Final = deque(enumerate(map(in_turn, step.conversations)))
        self._limit: Final = step.limit
        self._scene: Final = scene
        self._under_way: Final = dict[int, Part[S]]()
        self._ready: Final = deque[Ready[S]]()
        self._results: Final = dict[int, Any]()
        self._failures: Final = dict[int, FlowError]()

    def turn(self) -> Ready[S] | None:
        """Who goes on, if anybody can: one that has its reply, or another one."""
        if self._ready:
            return self._ready.popleft()
        is_full = len(self._under_way) == self._limit
        if is_full or self._failures or not self._waiting:
            return None
        at, conversation = self._waiting.popleft()
        part = self._under_way[at] = Part(at, conversation, self._scene())
        return part, None

    def advanced(self, part: Part[S], reply: Any) -> tuple[Part[S], Any]:
        """Go on with one; gives its next step, or None where it is over."""
        try:
            if isinstance(reply, FlowError):
                return part, part.conversation.throw(reply)
            return part, part.conversation.send(reply)
        except StopIteration as stop:
            self._results[part.at] = stop.value
        except FlowError as error:
            self._failures[part.at] = error
        del self._under_way[part.at]
        return part, None

    def give(self, part: Part[S], reply: Any) -> None:
        """One has its reply."""
        self._ready.append((part, reply))

    def reply(self) -> Any:
        """The results in order, or the first failure, once all are over."""
        if self._failures:
            return self._failures[min(self._failures)]
        return [self._results[at] for at in sorted(self._results)]

    def closed(self) -> Sequence[Part[S]]:
        """Close all that are not over, and return those that had begun."""
        for part in self._under_way.values():
            part.conversation.close()
        for _, conversation in self._waiting:
            conversation.close()
        return [*self._under_way.values()]


class Hands(Generic[S]):
    """Threads that wait for replies, as many as are needed at a time.

    If all of it ends early, requests that are under way end as after a Ctrl-C: they are
    cut off and their connections closed, so that no thread goes on writing. A request
    of another transport cannot be cut off, and ends by its timeout.

    Args:
        reply: Returns the reply to a step.
        left: Releases what a conversation holds, if all ended while it waited.
    """

    def __init__(
        self, reply: Callable[[Any, S], Any], left: Callable[[S], None]
    ) -> None:
        self._reply: Final = reply
        self._left: Final = left
        self._cut: Final = Cut()
        self._lock: Final = Lock()
        self._jobs: Final = SimpleQueue[tuple[Context, Part[S], Any] | None]()
        self._done: Final = SimpleQueue[tuple[Part[S], Any, BaseException | None]]()
        self._busy: Final = set[Part[S]]()
        self._threads: Final = list[Thread]()

    def take(self, part: Part[S], step: Any) -> None:
        """Let a thread wait for the reply to a step."""
        if len(self._busy) == len(self._threads):
            # Daemons: where one cannot be cut off, the process ends all the same.
            thread = Thread(target=self._work, name="flow64-together", daemon=True)
            thread.start()
            self._threads.append(thread)
        context = copy_context()
        context.run(CUT.set, self._cut)
        self._busy.add(part)
        self._jobs.put((context, part, step))

    def next(self) -> Ready[S] | None:
        """Wait for a reply; None if none is awaited."""
        if not self._busy:
            return None
        part, reply, error = self._done.get()
        self._busy.discard(part)
        if error is not None:
            raise error
        return part, reply

    def ended(self) -> Collection[Part[S]]:
        """End the threads, and return the conversations that they still wait for."""
        with self._lock:  # what is not done by now is let go by its thread
            if self._busy:
                self._cut.make()
            while not self._done.empty():
                self._busy.discard(self._done.get()[0])
        for _ in self._threads:
            self._jobs.put(None)
        ends = monotonic() + GRACE
        for thread in self._threads:
            thread.join(max(ends - monotonic(), 0))
        return self._busy

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            context, part, step = job
            reply, raised = None, None
            try:
                reply = context.run(self._reply, step, part.scene)
            except BaseException as error:  # noqa: BLE001 - raised where all are played
                raised = error
            with self._lock:
                is_over = self._cut.is_made
                if not is_over:
                    self._done.put((part, reply, raised))
            if is_over:
                self._left(part.scene)
