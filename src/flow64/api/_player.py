"""Play conversations: without and with `await`, in the same steps.

Failures come back as values and are thrown into the conversation, so that no traceback
leads into frames that hold headers, bodies or signed links.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, suppress
from threading import Lock
from typing import Any, Final, TypeVar, assert_never

from attrs import define, field, frozen

from ..errors import (
    FlowError,
    HeldBackError,
    LinkRefusedError,
    NoAnswerError,
    TransportError,
)
from ._channel import MAX_ANSWER, MAX_ERROR, Channel
from ._concurrency import Hands, Part, Parts
from ._loop_thread import CUT
from ._steps import (
    Begin,
    Close,
    Conversation,
    Emit,
    Fetch,
    Leave,
    Now,
    Read,
    Renew,
    Request,
    Retry,
    Sleep,
    Stream,
    Together,
    Turn,
)
from ._transport import AsyncHttpAnswer, AsyncTransport, HttpAnswer, Transport
from ._turns import TURNS, TurnLock

T = TypeVar("T")

WAITING: Final = 0.02
"""Seconds between two looks of a task at a turn that somebody else has."""


@frozen
class Clock:
    """Time as it passes, for a client that blocks."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@frozen
class AsyncClock:
    """Time as it passes, for a client that awaits."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@define
class _Scene:
    """One conversation that is being played: until when, and what it holds.

    Attributes:
        ends: The deadline.
        streams: Open streams.
        turns: Turns that it has.
        result: What it gave.
        paced: Until when a request may wait for the client's own pace.
    """

    ends: float
    streams: list[Stream] = field(factory=list)
    turns: list[TurnLock] = field(factory=list)
    result: Any = None
    paced: float = math.inf

    def begin(self, now: float, policy_deadline: float, step: Begin) -> float:
        """A call of its own begins; return the moment at which it ends."""
        given = policy_deadline if step.seconds is None else step.seconds
        self.ends = now + min(given, policy_deadline)
        self.paced = math.inf if step.patience is None else now + step.patience
        return self.ends

    def release(self) -> None:
        """Let the turns go."""
        while self.turns:
            self.turns.pop().release()


def _next(conversation: Conversation[T], reply: Any) -> Any:
    """The next step; throws a failure in."""
    if isinstance(reply, FlowError):
        return conversation.throw(reply)
    return conversation.send(reply)


class _Playing:
    """The part of a player that does not wait, so both players share it."""

    def __init__(self, channel: Channel) -> None:
        self.channel: Final = channel

    def _scene(self, now: float, ends: float | None = None) -> _Scene:
        return _Scene(now + self.channel.policy.deadline if ends is None else ends)

    def _retry(self, step: Retry, left: float) -> float | None:
        channel = self.channel
        return channel.policy.wait(
            step.request, step.error, step.failures, left=left, luck=channel.luck()
        )

    def _too_late(self, step: Request | Fetch) -> TransportError:
        reason = f"the deadline of {self.channel.policy.deadline:g} s is over"
        return self.channel.lost_error(step, reason, sent=False)

    def _held_back(self, step: Request) -> TransportError:
        rate = self.channel.policy.requests_per_minute
        limit = "" if rate is None else f"at most {rate} requests in any minute, "
        reason = f"{limit}none before the time that a 429 asks for"
        return HeldBackError(step.method, step.path, reason, sent=False)

    def _busy(self) -> TransportError:
        reason = "another start of this workflow in this process is not over"
        return TransportError("POST", "/workflows/run", reason, sent=False)

    @property
    def _patience(self) -> float:
        """Seconds without a byte after which a download breaks off."""
        policy = self.channel.policy
        return min(policy.timeout, policy.deadline)

    @staticmethod
    def _failed(error: NoAnswerError | OSError) -> TransportError:
        reason = error.reason if isinstance(error, NoAnswerError) else _named(error)
        return TransportError("GET", "(signed link)", f"it broke off ({reason})")


_AT_ONCE: Final = (Now, Begin, Retry, Leave)
"""Steps whose replies nobody waits for."""


def _named(error: BaseException) -> str:
    return type(error).__name__


def _limit(status: int) -> int:
    """Bytes that are read of an answer."""
    return MAX_ANSWER if status < 300 else MAX_ERROR


class Player(_Playing):
    """Plays conversations, and blocks until they are over. Threads may share it."""

    def __init__(
        self, channel: Channel, transport: Transport, clock: Clock | None = None
    ) -> None:
        super().__init__(channel)
        self.transport: Final = transport
        self.clock: Clock = clock or Clock()
        self._renewing: Final = Lock()

    def play(self, conversation: Conversation[T], ends: float | None = None) -> T:
        """Play a conversation to its end, and return its result."""
        events = self.events(conversation, ends)
        while True:
            try:
                next(events)
            except StopIteration as stop:
                result: T = stop.value
                return result

    def events(
        self, conversation: Conversation[T], ends: float | None = None
    ) -> Generator[Any, None, T]:
        """Play a conversation, and yield what it emits."""
        scene = self._scene(self.clock.now(), ends)
        reply: Any = None
        try:
            while True:
                try:
                    step = _next(conversation, reply)
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                if isinstance(step, Emit):
                    yield step.event
                    reply = None
                elif isinstance(step, Together):
                    began = self.clock.now()
                    reply = yield from self._together(step)
                    scene.ends += self.clock.now() - began
                else:
                    reply = self._reply(step, scene)
        finally:
            conversation.close()
            self._left(scene)

    def _left(self, scene: _Scene) -> None:
        scene.release()
        for stream in scene.streams:
            self._closed(stream.source)

    def _together(self, step: Together) -> Generator[Any, None, Any]:
        """Play conversations here, and let threads wait for what is slow."""
        hands = Hands[_Scene](self._reply, self._left)
        parts = Parts(step, lambda: self._scene(self.clock.now()))
        try:
            while (turn := parts.turn() or hands.next()) is not None:
                part, asked = parts.advanced(*turn)
                if asked is None:
                    self._left(part.scene)
                elif isinstance(asked, Emit):
                    yield asked.event
                    parts.give(part, None)
                elif isinstance(asked, _AT_ONCE):
                    parts.give(part, self._reply(asked, part.scene))
                else:
                    hands.take(part, asked)
            return parts.reply()
        finally:
            busy = hands.ended()
            for part in parts.closed():
                if part not in busy:  # else whoever is at it lets it go
                    self._left(part.scene)

    def _reply(self, step: Any, scene: _Scene) -> Any:  # noqa: C901 - one case a step
        now, channel = self.clock.now(), self.channel
        left = scene.ends - now
        match step:
            case Request():
                return self._asked(step, scene)
            case Fetch():
                return self._fetched(step, scene)
            case Read():
                return self._read(step)
            case Close():
                scene.streams.remove(step.stream)
                return self._closed(step.stream.source)
            case Sleep():
                seconds = step.seconds if step.is_apart else min(step.seconds, left)
                return self.clock.sleep(max(seconds, 0))
            case Now():
                return now
            case Begin():
                return scene.begin(now, channel.policy.deadline, step)
            case Retry():
                wait = self._retry(step, left)
                channel.note(step, now, wait)
                return wait
            case Renew():
                return self._renewed(step.turn, scene)
            case Turn():
                return self._turn(step, scene, left)
            case Leave():
                return scene.release()
            case _:
                assert_never(step)

    def _turn(self, step: Turn, scene: _Scene, left: float) -> TransportError | None:
        held = TURNS.of(step.name)
        if not held.take(left):
            return self._busy()
        scene.turns.append(held)
        return None

    def _renewed(self, turn: int, scene: _Scene) -> Any:
        credential = self.channel.credential
        if credential.source is None:
            return False
        with self._renewing:
            now = self.clock.now()
            if credential.turn > turn and not credential.is_due(now):
                return True
            talk = credential.source.obtain(self.channel.endpoint)
            try:
                token = self.play(talk, scene.ends)
            except FlowError as error:
                return error
            credential.keep(token, self.clock.now())
            return True

    def _asked(self, step: Request, scene: _Scene) -> Any:
        channel, credential = self.channel, self.channel.credential
        # Read first: a token that comes between these lines is not asked for again.
        turn = credential.turn
        if not step.is_open and credential.is_due(self.clock.now()):
            reply = self._renewed(turn, scene)
            if reply is not True:
                return reply
        now = self.clock.now()
        if now >= scene.ends:
            return self._too_late(step)
        wait = channel.pace.reserve(now, min(scene.ends, scene.paced) - now)
        if wait is None:
            return self._held_back(step)
        if wait:
            self.clock.sleep(wait)
            now = self.clock.now()
        timeout = min(channel.policy.timeout, scene.ends - now)
        turn = credential.turn
        if (cut := CUT.get()) is not None and cut.is_made:
            return channel.lost_error(step, "it was ended before", sent=False)
        try:
            answer = self.transport.send(channel.request(step, timeout))
            try:
                content = self._body(answer, now + timeout)
            finally:
                self._closed(answer)
        except NoAnswerError as error:
            return channel.lost_error(step, error.reason, sent=error.sent)
        except OSError as error:
            return channel.lost_error(step, _named(error), sent=True)
        if content is None:
            return channel.too_large_error(step)
        return channel.answer(answer.status, answer.headers, content, turn)

    def _body(self, answer: HttpAnswer, ends: float) -> bytes | None:
        """The body; None where it is too large. Of an error, its beginning."""
        content, limit = bytearray(), _limit(answer.status)
        while True:
            left = ends - self.clock.now()
            if left <= 0:
                raise NoAnswerError("the answer took too long")
            part = answer.read(left)
            content += part
            if len(content) > limit:
                return None if answer.status < 300 else bytes(content[:limit])
            if not part:
                return bytes(content)

    def _fetched(self, step: Fetch, scene: _Scene) -> Any:
        left = scene.ends - self.clock.now()
        if left <= 0:
            return self._too_late(step)
        try:
            timeout = min(self.channel.policy.timeout, left)
            answer = self.transport.send(self.channel.link(step, timeout))
        except NoAnswerError as error:
            return self.channel.lost_error(step, error.reason, sent=error.sent)
        except OSError as error:
            return self.channel.lost_error(step, _named(error), sent=True)
        except LinkRefusedError as error:
            return error
        stream = Stream(answer.status, answer.headers, answer)
        scene.streams.append(stream)
        return stream

    def _read(self, step: Read) -> Any:
        source: Any = step.stream.source
        try:
            return source.read(self._patience)
        except (NoAnswerError, OSError) as error:
            return self._failed(error)

    @staticmethod
    def _closed(source: Any) -> None:
        """Let an answer go; what goes wrong with that hides no Ctrl-C."""
        with suppress(NoAnswerError, OSError):
            source.close()


class AsyncPlayer(_Playing):
    """Plays conversations on an event loop. Tasks may share it."""

    def __init__(
        self,
        channel: Channel,
        transport: AsyncTransport,
        clock: AsyncClock | None = None,
    ) -> None:
        super().__init__(channel)
        self.transport: Final = transport
        self.clock: AsyncClock = clock or AsyncClock()
        self._renewing: Final = asyncio.Lock()

    async def play(self, conversation: Conversation[T], ends: float | None = None) -> T:
        """Play a conversation to its end, and return its result."""
        scene = self._scene(self.clock.now(), ends)
        async for _ in self._events(conversation, scene):
            pass
        result: T = scene.result
        return result

    def events(self, conversation: Conversation[Any]) -> AsyncGenerator[Any]:
        """Play a conversation, and yield what it emits."""
        return self._events(conversation, self._scene(self.clock.now()))

    async def _events(
        self, conversation: Conversation[Any], scene: _Scene
    ) -> AsyncGenerator[Any]:
        reply: Any = None
        try:
            while True:
                try:
                    step = _next(conversation, reply)
                except StopIteration as stop:
                    scene.result = stop.value
                    return
                if isinstance(step, Emit):
                    yield step.event
                    reply = None
                elif isinstance(step, Together):
                    began = self.clock.now()
                    parts = Parts(step, lambda: self._scene(self.clock.now()))
                    async with aclosing(self._together(parts)) as events:
                        async for event in events:
                            yield event
                    reply = parts.reply()
                    scene.ends += self.clock.now() - began
                else:
                    reply = await self._reply(step, scene)
        finally:
            conversation.close()
            await self._left(scene)

    async def _left(self, scene: _Scene) -> None:
        scene.release()
        for stream in scene.streams:
            await self._closed(stream.source)

    async def _together(self, parts: Parts[_Scene]) -> AsyncGenerator[Any]:
        """Play conversations here, and let tasks wait for what is slow."""
        tasks: dict[asyncio.Task[Any], Part[_Scene]] = {}
        try:
            while True:
                if (turn := parts.turn()) is None:
                    if not tasks:
                        return
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    for task in [task for task in tasks if task.done()]:
                        parts.give(tasks.pop(task), task.result())
                    continue
                part, asked = parts.advanced(*turn)
                if asked is None:
                    await self._left(part.scene)
                elif isinstance(asked, Emit):
                    yield asked.event
                    parts.give(part, None)
                elif isinstance(asked, _AT_ONCE):
                    parts.give(part, await self._reply(asked, part.scene))
                else:
                    task = asyncio.create_task(self._reply(asked, part.scene))
                    tasks[task] = part
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for part in parts.closed():
                await self._left(part.scene)

    async def _reply(self, step: Any, scene: _Scene) -> Any:  # noqa: C901 - one case a step
        now, channel = self.clock.now(), self.channel
        left = scene.ends - now
        match step:
            case Request():
                return await self._asked(step, scene)
            case Fetch():
                return await self._fetched(step, scene)
            case Read():
                return await self._read(step)
            case Close():
                scene.streams.remove(step.stream)
                return await self._closed(step.stream.source)
            case Sleep():
                seconds = step.seconds if step.is_apart else min(step.seconds, left)
                return await self.clock.sleep(max(seconds, 0))
            case Now():
                return now
            case Begin():
                return scene.begin(now, channel.policy.deadline, step)
            case Retry():
                wait = self._retry(step, left)
                channel.note(step, now, wait)
                return wait
            case Renew():
                return await self._renewed(step.turn, scene)
            case Turn():
                return await self._turn(step, scene)
            case Leave():
                return scene.release()
            case _:
                assert_never(step)

    async def _turn(self, step: Turn, scene: _Scene) -> TransportError | None:
        held = TURNS.of(step.name)
        while not held.take_now():
            if self.clock.now() >= scene.ends:
                return self._busy()
            await self.clock.sleep(WAITING)
        scene.turns.append(held)
        return None

    async def _renewed(self, turn: int, scene: _Scene) -> Any:
        credential = self.channel.credential
        if credential.source is None:
            return False
        async with self._renewing:
            now = self.clock.now()
            if credential.turn > turn and not credential.is_due(now):
                return True
            talk = credential.source.obtain(self.channel.endpoint)
            try:
                token = await self.play(talk, scene.ends)
            except FlowError as error:
                return error
            credential.keep(token, self.clock.now())
            return True

    async def _asked(self, step: Request, scene: _Scene) -> Any:
        channel, credential = self.channel, self.channel.credential
        if not step.is_open and credential.is_due(self.clock.now()):
            reply = await self._renewed(credential.turn, scene)
            if reply is not True:
                return reply
        now = self.clock.now()
        if now >= scene.ends:
            return self._too_late(step)
        wait = channel.pace.reserve(now, min(scene.ends, scene.paced) - now)
        if wait is None:
            return self._held_back(step)
        if wait:
            await self.clock.sleep(wait)
            now = self.clock.now()
        timeout = min(channel.policy.timeout, scene.ends - now)
        turn = credential.turn
        try:
            answer = await self.transport.send(channel.request(step, timeout))
            try:
                content = await self._body(answer, now + timeout)
            finally:
                await self._closed(answer)
        except NoAnswerError as error:
            return channel.lost_error(step, error.reason, sent=error.sent)
        except OSError as error:
            return channel.lost_error(step, _named(error), sent=True)
        if content is None:
            return channel.too_large_error(step)
        return channel.answer(answer.status, answer.headers, content, turn)

    async def _body(self, answer: AsyncHttpAnswer, ends: float) -> bytes | None:
        """The body; None where it is too large. Of an error, its beginning."""
        content, limit = bytearray(), _limit(answer.status)
        while True:
            left = ends - self.clock.now()
            if left <= 0:
                raise NoAnswerError("the answer took too long")
            part = await answer.read(left)
            content += part
            if len(content) > limit:
                return None if answer.status < 300 else bytes(content[:limit])
            if not part:
                return bytes(content)

    async def _fetched(self, step: Fetch, scene: _Scene) -> Any:
        left = scene.ends - self.clock.now()
        if left <= 0:
            return self._too_late(step)
        try:
            timeout = min(self.channel.policy.timeout, left)
            answer = await self.transport.send(self.channel.link(step, timeout))
        except NoAnswerError as error:
            return self.channel.lost_error(step, error.reason, sent=error.sent)
        except OSError as error:
            return self.channel.lost_error(step, _named(error), sent=True)
        except LinkRefusedError as error:
            return error
        stream = Stream(answer.status, answer.headers, answer)
        scene.streams.append(stream)
        return stream

    async def _read(self, step: Read) -> Any:
        source: Any = step.stream.source
        try:
            return await source.read(self._patience)
        except (NoAnswerError, OSError) as error:
            return self._failed(error)

    @staticmethod
    async def _closed(source: Any) -> None:
        """Let an answer go; what goes wrong with that hides no cancellation."""
        with suppress(NoAnswerError, OSError):
            await source.close()
