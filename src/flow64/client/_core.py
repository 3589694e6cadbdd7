"""The base of both clients, and how each of them runs calls.

A call is an `async` function of `api`, `deploy` or `runs` that takes a session first.
An `AsyncClient` awaits it. A `Client` runs it on an event loop in a thread.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
)
from inspect import isawaitable, iscoroutine
from os import PathLike
from typing import (
    Any,
    Concatenate,
    Final,
    Generic,
    NoReturn,
    ParamSpec,
    Self,
    TypeVar,
)
from warnings import warn

from ..api import (
    AsyncTransport,
    Clock,
    Feed,
    HttpxTransport,
    InCaller,
    LoopThread,
    Policy,
    Session,
    StopNow,
    TokenSource,
    Transport,
    as_async,
    configure_logging,
)
from ..errors import ArgumentError, ConfigError, shortened
from ._settings import DEFAULT, ClientSettings, Terms, credential_of, resolve_settings

P = ParamSpec("P")
T = TypeVar("T")


_NOT_A_FUNCTION: Final = (
    "is not an async function that takes a session, such as make_plan of flow64.deploy"
)


class _BoundFunction(Generic[T]):
    """A function with its arguments, which no traceback shows: they may be secret."""

    __slots__ = ("_args", "_function", "_kwargs")

    def __init__(
        self,
        function: Callable[..., Awaitable[T]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        _require_function(function)
        self._function: Final = function
        self._args: Final = args
        self._kwargs: Final = kwargs

    async def __call__(self, session: Session) -> T:
        """Call the function with a session in front."""
        running: Any = self._function(session, *self._args, **self._kwargs)
        if not isawaitable(running):
            name = getattr(self._function, "__name__", "the function")
            raise ArgumentError("call", f"{name} {_NOT_A_FUNCTION}")
        result: T = await running
        return result


def _require_function(given: Any) -> None:
    """Refuse what is not a function, or needs no session.

    Raises:
        ArgumentError: It is a coroutine, a method of a client, or not callable.
    """
    if iscoroutine(given):
        given.close()
        name = given.__name__
        problem = f"{name}(...) was called already; write call({name}, ...)"
    elif isinstance(getattr(given, "__self__", None), ClientCore):
        name = given.__name__
        problem = f"{name} is a method of the client; write client.{name}(...)"
    elif not callable(given):
        problem = f"{shortened(given)} {_NOT_A_FUNCTION}"
    else:
        return
    raise ArgumentError("call", problem)


class ClientCore(ABC):
    """The settings of a client; see `Client` for its arguments."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        oauth: TokenSource | None = None,
        policy: Policy | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
        journal: str | PathLike[str] | None = DEFAULT,
        history: str | PathLike[str] | None = None,
        env: str | None = None,
        hosts: Iterable[str] | None = None,
        allow_http: bool = False,
        terms: Terms | None = None,
        transport: Transport | AsyncTransport | None = None,
    ) -> None:
        configure_logging()
        credential = credential_of(api_key, oauth)
        del api_key  # an error from here on may show the locals of its frames
        self._settings: Final[ClientSettings] = resolve_settings(
            credential,
            base_url=base_url,
            policy=policy,
            timeout=timeout,
            max_retries=max_retries,
            journal=journal,
            history=history,
            env=env,
            hosts=hosts,
            allow_http=allow_http,
            terms=terms,
        )
        _require_transport(transport)
        self._clock: Clock = Clock()
        self._owner: ClientCore | None = None
        self._connect(transport)

    @abstractmethod
    def _connect(self, transport: Transport | AsyncTransport | None) -> None:
        """Prepare the transport. Nothing is sent."""

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        deadline: float | None = None,
    ) -> Self:
        """Return a client with other limits, which shares the rest with this one.

        Both have the same connections, credential, pace and journal. The connections
        belong to this client: closing it closes both, and closing the other does
        nothing.

            quick = client.with_options(timeout=5, max_retries=0)

        Args:
            timeout: Seconds for one request. None keeps that of this client, and so on.
            max_retries: How often a request is repeated.
            deadline: Seconds for one call, with all its requests and waits.

        Raises:
            ConfigError: A limit is not a number, or out of its range.
        """
        made = object.__new__(type(self))
        settings = self._settings.with_limits(timeout, max_retries, deadline)
        vars(made).update(vars(self), _settings=settings, _owner=self)
        return made

    def _make_session(self, transport: AsyncTransport, **more: Any) -> Session:
        settings = self._settings
        return Session(
            settings.channel, transport, self._clock, settings.organisation, **more
        )

    def _make_feed(
        self, bound: _BoundFunction[T], transport: Callable[[], AsyncTransport]
    ) -> Feed[T]:
        """Return the events of a call. Its transport may exist only when it begins."""

        def run(emit: Any, call_in_caller: Any) -> Awaitable[T]:
            session = self._make_session(
                transport(), emit=emit, call_in_caller=call_in_caller
            )
            return session.run(bound)

        return Feed(run)

    @property
    def endpoint(self) -> str:
        """The base URL."""
        return self._settings.channel.endpoint

    @property
    def is_local(self) -> bool:
        """True if the endpoint is on this machine."""
        return self._settings.channel.is_local

    @property
    def policy(self) -> Policy:
        """Deadline, timeouts, retries and pace."""
        return self._settings.channel.policy

    @property
    def env(self) -> str | None:
        """The environment of the client; None for any."""
        return self._settings.env

    def __repr__(self) -> str:
        # Tracebacks show also a client that was refused while it was made.
        made: ClientSettings | None = getattr(self, "_settings", None)
        shown = None if made is None else made.channel.endpoint
        return f"{type(self).__name__}({shown!r})"

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            f"a {type(self).__name__} is neither copied nor pickled, since it holds a "
            "credential: make another one"
        )


class AsyncCore(ClientCore):
    """Runs calls on the event loop of the caller."""

    def _connect(self, transport: Transport | AsyncTransport | None) -> None:
        self._transport: AsyncTransport = _make_transport(
            transport, is_local=self.is_local
        )

    async def call(
        self,
        job: Callable[Concatenate[Session, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run an async function that takes a session first, and return its result.

        Examples are `make_plan` and `apply_plan` of `flow64.deploy`.

        Raises:
            ArgumentError: It is not such a function.
        """
        bound = _BoundFunction(job, args, kwargs)
        del args, kwargs
        return await self._make_session(self._transport).run(bound)

    async def stream(
        self,
        job: Callable[Concatenate[Session, P], Awaitable[Any]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> AsyncGenerator[Any]:
        """Run a call as `call` does, and yield its events as they happen."""
        bound = _BoundFunction(job, args, kwargs)
        del args, kwargs
        feed = self._make_feed(bound, lambda: self._transport)
        try:
            item = await feed.next()
            while item is not None:
                if isinstance(item, InCaller):
                    item = await feed.next((item, item()))
                else:
                    yield item.value
                    item = await feed.next()
            feed.result()
        finally:
            await feed.close()

    async def close(self) -> None:
        """Close the connections. A client of `with_options` leaves them open."""
        if self._owner is None:
            await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __del__(self) -> None:
        transport = getattr(self, "_transport", None)
        is_ours = getattr(self, "_owner", None) is None
        is_open = isinstance(transport, HttpxTransport) and transport.is_in_use
        if is_ours and is_open and not sys.is_finalizing():
            text = f"unclosed {self!r}: use `async with`, or await close()"
            warn(text, ResourceWarning, stacklevel=2, source=self)


class Core(ClientCore):
    """Runs calls on an event loop in a thread, and waits for them."""

    def _connect(self, transport: Transport | AsyncTransport | None) -> None:
        is_local = self.is_local
        # The thread does not know this object, so that it can be dropped.
        self._thread: LoopThread = LoopThread(
            lambda: _make_transport(transport, is_local=is_local),
            owner=repr(self),
            is_given=transport is not None,
        )

    def call(
        self,
        job: Callable[Concatenate[Session, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run an async function that takes a session first, and return its result.

        Examples are `make_plan` and `apply_plan` of `flow64.deploy`.

        Raises:
            ArgumentError: It is not such a function.
        """
        bound = _BoundFunction(job, args, kwargs)
        del args, kwargs
        return self._thread.run(
            lambda transport: self._make_session(transport).run(bound)
        )

    def stream(
        self,
        job: Callable[Concatenate[Session, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Generator[Any, None, T]:
        """Run a call as `call` does, and yield its events as they happen.

        The generator returns the result of the call.
        """
        bound, thread = _BoundFunction(job, args, kwargs), self._thread
        del args, kwargs
        feed, is_patient = self._make_feed(bound, lambda: thread.transport), True
        try:
            item = thread.run(lambda _: feed.next())
            while item is not None:
                if isinstance(item, InCaller):
                    reply = item, item()
                    item = thread.run(lambda _: feed.next(reply))  # noqa: B023
                else:
                    yield item.value
                    item = thread.run(lambda _: feed.next())
            return feed.result()
        except StopNow:
            is_patient = False
            raise
        finally:
            thread.run_at_end(feed.close, is_awaited=is_patient)

    def close(self) -> None:
        """Close the connections, and end the thread; closing twice does nothing.

        A client of `with_options` leaves them open.
        """
        if self._owner is None:
            self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _require_transport(given: Any) -> None:
    if given is not None and not callable(getattr(given, "send", None)):
        raise ConfigError(
            f"transport is {shortened(given)}, which has no method send; give for "
            "example Emulator().transport()"
        )


def _make_transport(
    given: Transport | AsyncTransport | None, *, is_local: bool
) -> AsyncTransport:
    if given is not None:
        return as_async(given)
    # What is sent to this machine does not pass through a proxy.
    return HttpxTransport(trust_env=not is_local)
