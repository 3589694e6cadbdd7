"""The async client: the methods of `Client`, each call in a daemon thread of its own.

A daemon thread for each call: no pool that is full of waits, none that Python joins at
its exit. The service allows 500 requests a minute, so there are never many.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextvars import Context, copy_context
from functools import partial
from itertools import islice
from typing import (
    Any,
    Concatenate,
    Final,
    Generic,
    ParamSpec,
    Self,
    TypeVar,
    Unpack,
    overload,
)

from ..api import threads
from ..api.network import DAY
from ..deploy.target import Deployable
from ..runs.batches import Batch
from ..runs.payload import Rows
from ..runs.typed import Row
from ..runs.watch import Event
from .client import BatchOptions, Client
from .topics import Run, RunFacts, Runs, Schedules, SigningSecrets, T, Workflows

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
P = ParamSpec("P")
R = TypeVar("R")

CHUNK: Final = 1000
"""Rows that are read at a time in a thread."""


async def in_daemon_thread(call: Callable[[], R], context: Context | None = None) -> R:
    """Run a blocking call in a thread, so that the loop goes on.

    If the task is cancelled, the call begins no further request, and its result is
    dropped.
    """
    threads.require_sending()
    loop = asyncio.get_running_loop()
    future: asyncio.Future[R] = loop.create_future()
    stop = threading.Event()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def run() -> tuple[Any, BaseException | None]:
        token = threads.STOP.set(stop)
        try:
            return call(), None
        except BaseException as raised:  # noqa: BLE001 - handed over to the task
            return None, raised
        finally:
            threads.STOP.reset(token)

    def work() -> None:
        # The context is left before the task goes on, and may enter it again.
        outcome = own_context.run(run)
        try:
            loop.call_soon_threadsafe(settle, *outcome)
        except RuntimeError:  # the loop is closed, so nobody waits
            return

    own_context = context or copy_context()
    with threads.defer_interrupts():
        threading.Thread(target=work, name="flow64", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        stop.set()
        raise


async def iterate(
    make: Callable[[], Iterable[T | float]], size: int = 1
) -> AsyncIterator[T]:
    """Yield the items of a blocking iterator. A number in it is a wait in seconds."""
    context = copy_context()
    iterator = iter(await in_daemon_thread(make, context))
    while True:
        call = partial(list[T | float], islice(iterator, size))
        items = await in_daemon_thread(call, context)
        for item in items:
            if isinstance(item, float):
                await asyncio.sleep(item)
            else:
                yield item
        if len(items) < size:
            return


class AsyncSide(Generic[S_co]):
    """The async face of a blocking object."""

    def __init__(self, blocking: S_co) -> None:
        self.blocking: Final = blocking


class _Bound(partial[R]):
    """A call with its arguments. They may be secret, so its repr shows none."""

    def __repr__(self) -> str:
        return f"<call of {self.func.__name__}>"


class awaited(Generic[S, P, R]):  # noqa: N801 - it stands where a function would
    """A blocking method as an async one: `list = awaited(Workflows.list)`.

    A `Run` becomes an `AsyncRun`.
    """

    def __init__(self, method: Callable[Concatenate[S, P], R]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, side: None, owner: object = None) -> Self: ...
    @overload
    def __get__(
        self: awaited[S, P, Run], side: AsyncSide[S], owner: object = None
    ) -> Callable[P, Coroutine[Any, Any, AsyncRun]]: ...
    @overload
    def __get__(
        self, side: AsyncSide[S], owner: object = None
    ) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(self, side: AsyncSide[S] | None, owner: object = None) -> Any:
        if side is None:
            return self
        method, blocking = self.method, side.blocking

        async def call(*args: P.args, **options: P.kwargs) -> Any:
            bound = _Bound(method, blocking, *args, **options)
            del args, options  # they may be secret, and a traceback shows locals
            result = await in_daemon_thread(bound)
            return AsyncRun(result) if isinstance(result, Run) else result

        return call


class AsyncRun(AsyncSide[Run], RunFacts):
    """A run on the service, and what is known of it; see `Run`."""

    def __init__(self, run: Run) -> None:
        AsyncSide.__init__(self, run)
        RunFacts.__init__(self, run.state)

    @property
    def status(self) -> str:
        """The last known status; `refresh` asks the service."""
        return self.last_status

    refresh: Final = awaited(Run.refresh)
    cancel: Final = awaited(Run.cancel)
    results: Final = awaited(Run.results)
    to_csv: Final = awaited(Run.to_csv)
    download: Final = awaited(Run.download)
    to_dicts: Final = awaited(Run.to_dicts)
    to_polars: Final = awaited(Run.to_polars)
    to_arrow: Final = awaited(Run.to_arrow)
    to_pandas: Final = awaited(Run.to_pandas)

    def watch(
        self, *, every: float = 5.0, timeout: float = DAY
    ) -> AsyncIterator[Event]:
        """Yield what happens to the run until it ends; see `Run.watch`."""
        return iterate(partial(self.blocking.steps, every=every, timeout=timeout))

    async def wait(
        self,
        timeout: float = DAY,  # noqa: ASYNC109 - of the run, not of this call
        *,
        every: float = 5.0,
    ) -> Self:
        """Wait until the run has completed, and return the run; see `Run.wait`."""
        async for _ in self.watch(every=every, timeout=timeout):
            pass
        # It has ended, so this asks nothing, but raises if it did not complete.
        await in_daemon_thread(partial(self.blocking.wait, timeout, every=every))
        return self

    def rows(
        self, type: type[T] | None = None, *, block: str | int | None = None
    ) -> AsyncIterator[Row[T]]:
        """Yield the rows of a completed run; see `Run.rows`."""
        rows: Callable[[], Iterable[Row[T]]]
        rows = partial(self.blocking.rows, type, block=block)
        return iterate(rows, CHUNK)

    def __repr__(self) -> str:
        return f"Async{self.blocking!r}"


class AsyncWorkflows(AsyncSide[Workflows]):
    """`client.workflows`; see `Workflows`."""

    create: Final = awaited(Workflows.create)
    get: Final = awaited(Workflows.get)
    list: Final = awaited(Workflows.list)
    update: Final = awaited(Workflows.update)
    delete: Final = awaited(Workflows.delete)


class AsyncRuns(AsyncSide[Runs]):
    """`client.runs`; see `Runs`."""

    start: Final = awaited(Runs.start)
    get: Final = awaited(Runs.get)
    list: Final = awaited(Runs.list)
    status: Final = awaited(Runs.status)
    cancel: Final = awaited(Runs.cancel)
    download_links: Final = awaited(Runs.download_links)


class AsyncSchedules(AsyncSide[Schedules]):
    """`client.schedules`; see `Schedules`."""

    create: Final = awaited(Schedules.create)
    get: Final = awaited(Schedules.get)
    list: Final = awaited(Schedules.list)
    update: Final = awaited(Schedules.update)
    delete: Final = awaited(Schedules.delete)


class AsyncSigningSecrets(AsyncSide[SigningSecrets]):
    """`client.signing_secrets`; see `SigningSecrets`."""

    get: Final = awaited(SigningSecrets.get)
    create: Final = awaited(SigningSecrets.create)
    roll: Final = awaited(SigningSecrets.roll)
    delete: Final = awaited(SigningSecrets.delete)


def _with_arguments_of(
    _: Callable[Concatenate[Client, P], None],
) -> Callable[[Callable[..., None]], Callable[Concatenate[AsyncClient, P], None]]:
    """Give a function the arguments of the constructor of `Client`, for checkers."""
    return lambda init: init


class AsyncClient(AsyncSide[Client]):
    """`Client` for asyncio, with the same arguments and awaited methods.

    Use it in an `async with` block, or call `close()`. A cancelled task begins no
    further request. A start that was sent is in the journal, so the same call finds it.
    """

    @_with_arguments_of(Client.__init__)
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(Client(*args, **options))
        self.workflows: Final = AsyncWorkflows(self.blocking.workflows)
        """See `Client.workflows`."""
        self.runs: Final = AsyncRuns(self.blocking.runs)
        """See `Client.runs`."""
        self.schedules: Final = AsyncSchedules(self.blocking.schedules)
        """See `Client.schedules`."""
        self.signing_secrets: Final = AsyncSigningSecrets(self.blocking.signing_secrets)
        """See `Client.signing_secrets`."""

    deploy: Final = awaited(Client.deploy)
    plan: Final = awaited(Client.plan)
    run: Final = awaited(Client.run)
    blocks: Final = awaited(Client.blocks)
    balance: Final = awaited(Client.balance)

    async def run_batches(
        self, workflow: Deployable, rows: Rows, **options: Unpack[BatchOptions]
    ) -> AsyncIterator[Batch[AsyncRun]]:
        """Run an input of any length in batches; see `Client.run_batches`."""
        batches = _Bound(self.blocking.run_batches, workflow, rows, **options)
        del options  # as in `awaited`
        async for batch in iterate(batches):
            yield Batch(batch.index, batch.first, batch.count, AsyncRun(batch.run))

    async def close(self) -> None:
        """Close the connections; closing twice does nothing."""
        self.blocking.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"Async{getattr(self, 'blocking', None)!r}"
