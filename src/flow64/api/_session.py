"""One call: its requests, with the credential, pace, retries and total deadline.

Each documented call is an `async` function that takes a session first. `Session.send`
is the one place that repeats requests, and `Session.exchange` the one that paces them.

Errors are returned from the frames that hold headers, bodies and signed links, and are
raised where only a session and a request are left. So no traceback shows them.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias, TypeVar

from attrs import define, evolve, field, frozen

from ..errors import (
    AnswerError,
    ApiError,
    FlowError,
    HeldBackError,
    LinkRefusedError,
    NoAnswerError,
    TransportError,
)
from ._answer_errors import api_error
from ._channel import MAX_ANSWER, MAX_ERROR, Channel
from ._logging import log_request
from ._named_locks import TURNS
from ._organisation import Organisation
from ._request import Answer, Request
from ._retry import is_unsent
from ._stream import Stream, close_answer
from ._transport import AsyncHttpAnswer, AsyncTransport

T = TypeVar("T")

WAITING: Final = 0.02
"""Seconds between two looks at a turn that another call has."""

PARALLEL: Final = 4
"""Most jobs of `Session.gather` at a time, by default."""

Lookup: TypeAlias = Callable[[FlowError], Awaitable[T | None]]
"""Looks for the outcome of a request. None means that there is none, so it is sent
again."""

Job: TypeAlias = Callable[["Session"], Awaitable[T]]
"""A part of a call, with a session of its own."""


@frozen
class Clock:
    """Time as it passes. Tests replace it.

    Attributes:
        now: Returns seconds, from any point in time.
        sleep: Waits for seconds.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@define
class _CallState:
    """Facts of a whole call, shared by all its parts.

    Attributes:
        error: Why it must end: then nothing more is sent.
        requests: How many requests it has sent, with repetitions.
    """

    error: BaseException | None = None
    requests: int = 0

    def check(self) -> None:
        """Raise the reason, if there is one."""
        if isinstance(self.error, asyncio.CancelledError):
            raise asyncio.CancelledError  # one for each part of the call
        if self.error is not None:
            raise self.error


async def _emit_nothing(_: Any) -> None:
    """Drop an event that nothing waits for."""


async def _call_here(function: Callable[[], Any]) -> Any:
    """Call a function in this thread."""
    return function()


@define(eq=False)
class Session:
    """One call of a client.

    Attributes:
        channel: Endpoint, credential, policy and pace.
        transport: Sends requests.
        clock: Time as it passes.
        organisation: Compares answers with the expected organisation.
        ends: Moment of the deadline, as `now` counts.
        paced: Moment until which a request may wait for the client's own pace.
        is_part: True if it is one of several that run at a time.
    """

    channel: Channel
    transport: AsyncTransport = field(repr=False)
    clock: Clock = field(factory=Clock, repr=False)
    organisation: Organisation = field(factory=Organisation, repr=False)
    _emit: Callable[[Any], Awaitable[None]] = field(default=_emit_nothing, repr=False)
    _call_in_caller: Callable[[Callable[[], Any]], Awaitable[Any]] = field(
        default=_call_here, repr=False
    )
    ends: float = field(default=math.inf, init=False)
    paced: float = field(default=math.inf, init=False)
    is_part: bool = field(default=False, kw_only=True)
    _whole: _CallState = field(factory=_CallState, kw_only=True, repr=False)

    def __attrs_post_init__(self) -> None:
        self.begin()

    async def run(self, job: Job[T]) -> T:
        """Run a whole call, and return its result.

        A call that must end raises its reason, even if the job returns or fails.
        """
        try:
            result = await job(self)
        except FlowError:
            self._whole.check()
            raise
        self._whole.check()
        return result

    @property
    def requests(self) -> int:
        """Number of requests that the whole call has sent, with repetitions."""
        return self._whole.requests

    def check(self) -> None:
        """Raise the reason if the whole call has to end."""
        self._whole.check()

    # -- Time -------------------------------------------------------------------------

    def now(self) -> float:
        """Return the time in seconds."""
        return self.clock.now()

    def begin(
        self, seconds: float | None = None, *, patience: float | None = None
    ) -> float:
        """Start a new deadline, and return its moment.

        Args:
            seconds: Its length; None takes that of the policy, which is never exceeded.
            patience: Seconds that a request may wait for the client's own pace; None
                waits up to the deadline.
        """
        now, most = self.now(), self.channel.policy.deadline
        self.ends = now + (most if seconds is None else min(seconds, most))
        self.paced = math.inf if patience is None else now + patience
        return self.ends

    async def sleep(self, seconds: float, *, is_apart: bool = False) -> None:
        """Wait.

        Args:
            seconds: How long; not beyond the deadline.
            is_apart: True if it is not part of a call, such as the wait between two
                polls of a run, so that no deadline cuts it.
        """
        self._whole.check()
        left = seconds if is_apart else min(seconds, self.ends - self.now())
        await self.clock.sleep(max(left, 0))
        self._whole.check()

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Hold a name that one call of this process may hold at a time.

        Raises:
            TransportError: Another call held it up to the deadline.
        """
        while not TURNS.take(name):
            if self.now() >= self.ends:
                reason = "another start of this workflow in this process is not over"
                raise TransportError("POST", "/workflows/run", reason, sent=False)
            await self.sleep(WAITING)
        try:
            yield
        finally:
            TURNS.release(name)

    async def gather(self, jobs: Sequence[Job[T]], limit: int = PARALLEL) -> list[T]:
        """Run several jobs, each with a deadline of its own, and return their results.

        They begin in their order. As soon as one raises a `FlowError`, no further one
        begins; those under way go on to their end. Then the error of the first of them
        is raised. Any other exception cancels all of them. The time that they take is
        not part of the deadline of this call. Inside a part of another `gather`, they
        run one after the other.
        """
        began = self.now()
        results, failures = dict[int, T](), dict[int, FlowError]()
        waiting = iter(enumerate(jobs))

        async def work() -> None:
            while not failures and (found := next(waiting, None)) is not None:
                at, job = found
                try:
                    results[at] = await job(self._part())
                except FlowError as error:
                    failures[at] = error

        workers = 1 if self.is_part else min(limit, len(jobs))
        if workers == 1:
            await work()
        else:
            await _run_together([work() for _ in range(workers)])
        self.ends += self.now() - began
        if failures:
            raise failures[min(failures)]
        return [results[at] for at in sorted(results)]

    def _part(self) -> Session:
        return evolve(self, is_part=True)

    async def emit(self, event: Any) -> None:
        """Hand an event to the caller, and wait until the next one is wanted."""
        self._whole.check()
        await self._emit(event)
        self._whole.check()

    async def call_in_caller(self, function: Callable[[], T]) -> T:
        """Call a function in the caller's thread, such as to read the caller's rows."""
        self._whole.check()
        result: T = await self._call_in_caller(function)
        self._whole.check()
        return result

    # -- Requests ---------------------------------------------------------------------

    async def send(
        self,
        request: Request,
        read: Callable[[Answer], T],
        look: Lookup[T] | None = None,
    ) -> T:
        """Send a request, and return the result of reading its answer.

        A request that was not sent is repeated. So is one that was answered 429, unless
        it `is_once`. After any other failure, only reads and harmless writes are
        repeated.

        Args:
            request: The request.
            read: Makes the result from an answer. An `AnswerError` counts as no answer.
            look: Called before a sent request is sent again. If it returns a result,
                that is the result of the request.

        Raises:
            ApiError: The service answered with an error.
            TransportError: No answer came.
            AnswerError: The answer cannot be read.
        """
        began, failures = self.now(), 0
        while True:
            try:
                answer = await self.exchange(request)
                is_ours = answer.status == 401 and not request.is_open
                if is_ours and await self.renew(answer.turn):
                    if look is not None:
                        found = await look(api_error(request, answer))
                        if found is not None:
                            return found
                    answer = await self.exchange(request)
                if answer.status >= 300:
                    raise api_error(request, answer)
                return read(answer)
            except (TransportError, ApiError, AnswerError) as caught:
                error = caught
            failures += 1
            wait = self.retry_wait(request, error, failures)
            if wait is None:
                raise evolve(error, attempts=failures, elapsed=self.now() - began)
            await self.sleep(wait)
            if look is not None and not is_unsent(error):
                found = await look(error)
                if found is not None:
                    return found

    async def ask(self, request: Request, look: Lookup[Any] | None = None) -> Any:
        """Send a request, and return the JSON of its answer; see `send`."""
        return await self.send(request, lambda answer: answer.json(request), look)

    def retry_wait(
        self,
        request: Request,
        error: ApiError | TransportError | AnswerError,
        failures: int,
    ) -> float | None:
        """Return the seconds until a request is sent again; None to give up."""
        channel, now = self.channel, self.now()
        wait = channel.policy.wait(
            request, error, failures, left=self.ends - now, luck=channel.luck()
        )
        channel.note_failure(error, now, wait)
        return wait

    async def exchange(self, request: Request) -> Answer:
        """Send a request once, at the client's pace, and return any answer.

        Raises:
            TransportError: No answer came.
            AnswerError: The answer is too large.
            TokenError: It needs a token, and none could be had.
        """
        channel, credential = self.channel, self.channel.credential
        self._whole.check()
        if self.organisation.is_needed_for(request):
            await self._learn_organisation()
        # Read first: a token that comes between these lines is not asked for again.
        turn = credential.turn
        if not request.is_open and credential.is_due(self.now()):
            await self.renew(turn)
        now = self.now()
        if now >= self.ends:
            raise self._too_late(request)
        wait = channel.pace.reserve(now, min(self.ends, self.paced) - now)
        if wait is None:
            raise self._held_back(request)
        if wait:
            await self.sleep(wait)
        self._whole.requests += 1
        if request.may_repeat:
            outcome = await self._transfer(request)
        else:
            outcome = await self._finish(self._transfer(request))
        if isinstance(outcome, FlowError):
            raise outcome
        error = self.organisation.compare(request, outcome)
        if error is not None:
            self._whole.error = error
            raise error
        return outcome

    async def _learn_organisation(self) -> None:
        """Read a list that names the organisation, before the first write."""
        await self.ask(Request("GET", "/workflows"))
        self.organisation.is_known = True  # or there is no workflow to compare

    async def renew(self, turn: int) -> bool:
        """Replace a refused or expired token; return False if a key is used.

        Args:
            turn: Number of the token, so that several calls renew it once.

        Raises:
            TokenError: The service gave no other token.
        """
        credential = self.channel.credential
        if credential.source is None:
            return False
        async with self.channel.renewing:
            if credential.turn <= turn or credential.is_due(self.now()):
                token = await credential.source.obtain(self)
                credential.keep(token, self.now())
            return True

    async def _finish(self, write: Coroutine[Any, Any, T]) -> T:
        """Let a write end before a first cancellation ends the call."""
        task = asyncio.ensure_future(write)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError as error:
            self._whole.error = error
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def _transfer(self, request: Request) -> Answer | FlowError:
        """Send a request, and return its answer, or the error as a value."""
        began = self.now()
        outcome = await self._receive(request)
        status = outcome.status if isinstance(outcome, Answer) else "no answer"
        log_request(status, f"{request.method} {request.path}", self.now() - began)
        return outcome

    async def _receive(self, request: Request) -> Answer | FlowError:
        channel = self.channel
        now = self.now()
        timeout = min(channel.policy.timeout, self.ends - now)
        turn = channel.credential.turn
        try:
            answer = await self.transport.send(channel.request(request, timeout))
            try:
                content = await self._read_body(answer, now + timeout)
            finally:
                await close_answer(answer)
        except NoAnswerError as error:
            return channel.lost_error(request, error.reason, sent=error.sent)
        except OSError as error:
            return channel.lost_error(request, type(error).__name__, sent=True)
        if content is None:
            return channel.too_large_error(request)
        return channel.answer(answer.status, answer.headers, content, turn)

    async def _read_body(self, answer: AsyncHttpAnswer, ends: float) -> bytes | None:
        """Return the body; None if it is too large. Errors are cut instead."""
        content, is_error = bytearray(), answer.status >= 300
        limit = MAX_ERROR if is_error else MAX_ANSWER
        while True:
            left = ends - self.now()
            if left <= 0:
                raise NoAnswerError("the answer took too long")
            part = await answer.read(left)
            content += part
            if len(content) > limit:
                return bytes(content[:limit]) if is_error else None
            if not part:
                return bytes(content)

    async def open(
        self, url: str, start: int = 0, validator: str | None = None
    ) -> Stream:
        """Open a signed link, without a credential. Close the stream, or use `with`.

        Args:
            url: The link.
            start: Byte to begin at; 0 requests the whole file.
            validator: A strong ETag. The rest is given only while it still matches.

        Raises:
            LinkRefusedError: The link may not be opened.
            TransportError: No answer came.
        """
        self._whole.check()
        opened = await self._open(url, start, validator)
        del url  # no traceback shows it
        if isinstance(opened, FlowError):
            raise opened
        return opened

    async def _open(
        self, url: str, start: int, validator: str | None
    ) -> Stream | FlowError:
        channel = self.channel
        left = self.ends - self.now()
        if left <= 0:
            return self._too_late(None)
        try:
            timeout = min(channel.policy.timeout, left)
            answer = await self.transport.send(
                channel.link(url, start, validator, timeout)
            )
        except NoAnswerError as error:
            return channel.lost_error(None, error.reason, sent=error.sent)
        except OSError as error:
            return channel.lost_error(None, type(error).__name__, sent=True)
        except LinkRefusedError as error:
            return error.with_traceback(None)
        log_request(answer.status, "GET (signed link)", self.now() + left - self.ends)
        policy = channel.policy
        return Stream(answer, min(policy.timeout, policy.deadline))

    def _too_late(self, request: Request | None) -> TransportError:
        reason = f"the deadline of {self.channel.policy.deadline:g} s is over"
        return self.channel.lost_error(request, reason, sent=False)

    def _held_back(self, request: Request) -> TransportError:
        rate = self.channel.policy.requests_per_minute
        limit = "" if rate is None else f"at most {rate} requests in any minute, "
        reason = f"{limit}none before the time that a 429 asks for"
        return HeldBackError(request.method, request.path, reason, sent=False)


async def _run_together(parts: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run coroutines to their ends. The first exception cancels the others."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
