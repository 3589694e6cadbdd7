"""The client that awaits: one credential for one endpoint."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from os import PathLike
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeVar, Unpack
from warnings import warn

from ..api import (
    AsyncPlayer,
    AsyncTransport,
    Balance,
    BlockInfo,
    Conversation,
    HttpxTransport,
    Policy,
    TokenSource,
    get_balance,
    list_blocks,
)
from ..deploy import Deployable, Deployment, Preview
from ..errors import ConfigError
from ..runs import BatchSettings, Rows, launch_run, run_in_batches
from ._async_calls import AsyncRuns, AsyncSchedules, AsyncSigningSecrets, AsyncWorkflows
from ._async_run import AsyncRun
from ._batch import Batch, batch_settings, facts_of, note_interrupted_batches
from ._deploying import deploy_workflow, make_launcher, preview_workflow
from ._settings import (
    DEFAULT,
    BatchOptions,
    ClientSettings,
    RunOptions,
    Terms,
    credential_of,
    resolve_settings,
)

T = TypeVar("T")


class AsyncClient:
    """Talks to the service with one credential at one endpoint, in one event loop.

    It has the arguments and methods of `Client`, and you await each method. Use it in
    an `async with` block, or await `close()`. A client that was used and is dropped
    without is a `ResourceWarning`, and stays open.

    Args:
        transport: Sends requests instead of the network, with awaited methods.

    Raises:
        ConfigError: The credential or the endpoint cannot be used. No key is shown.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        oauth: TokenSource | None = None,
        policy: Policy | None = None,
        journal: str | PathLike[str] | None = DEFAULT,
        history: str | PathLike[str] | None = None,
        env: str | None = None,
        hosts: Iterable[str] | None = None,
        allow_http: bool = False,
        terms: Terms | None = None,
        transport: AsyncTransport | None = None,
    ) -> None:
        credential = credential_of(api_key, oauth)
        del api_key  # an error from here on may show the locals of its frames
        self._settings: Final[ClientSettings] = resolve_settings(
            credential,
            base_url=base_url,
            policy=policy,
            journal=journal,
            history=history,
            env=env,
            hosts=hosts,
            allow_http=allow_http,
            terms=terms,
        )
        channel = self._settings.channel
        # What is sent to this machine does not pass through anybody's proxy.
        trust_env = not channel.is_local
        self._player: Final = AsyncPlayer(
            channel, transport or HttpxTransport(trust_env=trust_env)
        )

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

    async def deploy(
        self,
        workflow: Deployable,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        force: bool = False,
        allow_spend: bool = False,
    ) -> Deployment:
        """Plan and apply one workflow; see `Client.deploy`."""
        talk = deploy_workflow(
            workflow,
            self._settings,
            env=env,
            values=values,
            force=force,
            allow_spend=allow_spend,
        )
        del values  # some may be secret, and an error may show the locals of its frames
        return await self.play(talk)

    @property
    def workflows(self) -> AsyncWorkflows:
        """The calls about workflows: create, get, list, update, delete."""
        return AsyncWorkflows(self, self._settings)

    @property
    def runs(self) -> AsyncRuns:
        """The calls about runs: start, get, list, status, cancel, download links."""
        return AsyncRuns(self, self._settings)

    @property
    def schedules(self) -> AsyncSchedules:
        """The calls about schedules: create, get, list, update, delete."""
        return AsyncSchedules(self)

    @property
    def signing_secret(self) -> AsyncSigningSecrets:
        """The calls about the signing secret: get, create, roll, delete."""
        return AsyncSigningSecrets(self)

    async def blocks(self) -> Sequence[BlockInfo]:
        """Return the kinds of blocks, each with the JSON Schema of its specs."""
        return await self.play(list_blocks())

    async def balance(self) -> Balance:
        """Return the credits that are left."""
        return await self.play(get_balance())

    async def preview(
        self,
        workflow: Deployable,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Preview:
        """Say what a deploy would do now; see `Client.preview`."""
        talk = preview_workflow(workflow, self._settings, env=env, values=values)
        del values  # as in `deploy`
        return await self.play(talk)

    async def run(
        self, workflow: Deployable, rows: Rows = (), **options: Unpack[RunOptions]
    ) -> AsyncRun:
        """Start a run, once for each intent; see `Client.run`.

        Args:
            workflow: What to run; it has to be deployed.
            rows: The rows for a webhook source, or the path of a file of rows. Other
                sources take no rows.
            **options: `env`, `intent`, `retry`, `values`, `stale`, `max_rows`,
                `max_cost`, `allow_unpriced`, `check_columns`, `specs_override`,
                `save_json`, `result_formats`, `block`.
        """
        intent, retry = options.pop("intent", None), options.pop("retry", None)
        made = make_launcher("run", workflow, self._settings, **options)
        del options  # with the values, as in `deploy`
        talk = launch_run(made, rows, intent=intent, retry=retry)
        started, facts = await self.play(talk)
        return AsyncRun(started.id, started.workflow_id, self, **facts)

    def run_batches(
        self, workflow: Deployable, rows: Rows, **options: Unpack[BatchOptions]
    ) -> AsyncIterator[Batch[AsyncRun]]:
        """Run an input of any length in batches; see `Client.run_batches`.

        Args:
            workflow: What to run; it has to be deployed.
            rows: A list, any other iterable, or the path of a CSV, JSON or NDJSON file.
            **options: `size`, `concurrency`, `intent`, `retry_failed`, `folder`, `env`,
                `values`, `stale`, `max_rows`, `max_cost`, `allow_unpriced`,
                `check_columns`, `block`, `every`, `timeout`, `max_bytes`,
                `allow_unproven`.
        """
        return self._batches(batch_settings(workflow, self._settings, **options), rows)

    async def _batches(
        self, plan: BatchSettings, rows: Any
    ) -> AsyncIterator[Batch[AsyncRun]]:
        with note_interrupted_batches(plan.intent):
            talk = self._check_answers(run_in_batches(plan, rows))
            async with aclosing(self._player.events(talk)) as events:
                async for done in events:
                    run = AsyncRun(
                        done.run.id, done.run.workflow_id, self, **facts_of(done)
                    )
                    yield Batch.of(done, run)

    async def play(self, conversation: Conversation[T]) -> T:
        """Run a conversation to its end, and return its result."""
        return await self._player.play(self._check_answers(conversation))

    def events(self, conversation: Conversation[Any]) -> AsyncIterator[Any]:
        """Run a conversation, and yield what it emits."""
        return self._player.events(self._check_answers(conversation))

    def _check_answers(self, conversation: Conversation[T]) -> Conversation[T]:
        return self._settings.organisation.guard(conversation)

    async def close(self) -> None:
        """Close the connections."""
        await self._player.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        transport = getattr(getattr(self, "_player", None), "transport", None)
        is_ours = isinstance(transport, HttpxTransport) and transport.is_in_use
        if is_ours and not sys.is_finalizing():
            text = f"unclosed {self!r}: use `async with`, or await close()"
            warn(text, ResourceWarning, stacklevel=2, source=self)

    def __repr__(self) -> str:
        # Tracebacks show also a client that was refused while it was made.
        if (made := getattr(self, "_settings", None)) is None:
            return "AsyncClient(None)"
        return f"AsyncClient({made.channel.endpoint!r})"

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "an AsyncClient is neither copied nor pickled, since it holds a "
            "credential: make another one"
        )
