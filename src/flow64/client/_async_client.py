"""The client that awaits: one credential for one origin."""

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
from ._deploying import deployment, launcher, previewing
from ._options import BatchOptions, RunOptions
from ._settings import DEFAULT, Settled, Terms, credential_of, settled

T = TypeVar("T")


class AsyncClient:
    """Talks to the service: one credential, one endpoint. For one event loop.

    The same as `Client`, method by method, each awaited. Use it in an `async with`
    block, or await `close()`. Nobody else can close it: a client that was used and is
    dropped without is a `ResourceWarning`.

    Args:
        api_key: The key; by default that of `SIXTYFOUR_API_KEY`.
        base_url: The endpoint; by default that of `SIXTYFOUR_API_ENDPOINT`, then
            `SIXTYFOUR_API_BASE_URL`, then the service itself.
        oauth: An `OAuth` client instead of a key.
        policy: How patient it is: deadline, time-outs, repetitions, pace.
        journal: File in which runs are remembered; by default that of
            `FLOW64_JOURNAL`, then `.flow64/runs.jsonl`; None for none.
        history: Folder that keeps what a deploy replaces; by default that of
            `FLOW64_HISTORY`, else `.flow64/history` in the working folder.
        env: The environment that it is for; another is refused. None is for any.
        hosts: The only hosts whose signed result links are opened; None opens all.
        allow_http: Whether an http endpoint that is not on this machine is meant,
            such as an emulator in the next container.
        terms: What its environment says for every call: values, suffix, limits, and
            whose key it is; `flow64.environments` makes them of `[tool.flow64]`.
        transport: Something else than the network, with the same methods.

    Raises:
        ConfigError: The credential or the endpoint cannot be used; no key is shown.
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
        self._settled: Final[Settled] = settled(
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
        channel = self._settled.channel
        # What is sent to this machine does not pass through anybody's proxy.
        trust_env = not channel.is_local
        self._player: Final = AsyncPlayer(
            channel, transport or HttpxTransport(trust_env=trust_env)
        )

    @property
    def endpoint(self) -> str:
        """The base URL."""
        return self._settled.channel.endpoint

    @property
    def is_local(self) -> bool:
        """Whether the endpoint is on this machine."""
        return self._settled.channel.is_local

    @property
    def policy(self) -> Policy:
        """How patient it is."""
        return self._settled.channel.policy

    @property
    def env(self) -> str | None:
        """The environment that it is for; None for any."""
        return self._settled.env

    async def deploy(
        self,
        workflow: Deployable,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        force: bool = False,
        allow_spend: bool = False,
    ) -> Deployment:
        """Plan and apply of one workflow; nothing is sent when nothing changed.

        Args:
            workflow: What to deploy.
            env: The environment to deploy to; by default that of the client, then
                `default`.
            values: What `value("name")` stands for there.
            force: Overwrite a workflow that was edited on the service, or that no code
                of ours deployed.
            allow_spend: Agree to blocks that spend credits as soon as they are written.

        Raises:
            CompileError: The workflow has errors.
            DeployError: It was refused before anything was written.
            ApiError: The service refused it.
            OutcomeUnknownError: No answer came, and a look did not tell.
        """
        talk = deployment(
            workflow,
            self._settled,
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
        return AsyncWorkflows(self, self._settled)

    @property
    def runs(self) -> AsyncRuns:
        """The calls about runs: start, get, list, status, cancel, download links."""
        return AsyncRuns(self, self._settled)

    @property
    def schedules(self) -> AsyncSchedules:
        """The calls about schedules: create, get, list, update, delete."""
        return AsyncSchedules(self)

    @property
    def signing_secret(self) -> AsyncSigningSecrets:
        """The calls about the secret of deliveries: get, create, roll, delete."""
        return AsyncSigningSecrets(self)

    async def blocks(self) -> Sequence[BlockInfo]:
        """The kinds of blocks, each with the JSON Schema of its specs."""
        return await self.play(list_blocks())

    async def balance(self) -> Balance:
        """What is left to spend."""
        return await self.play(get_balance())

    async def preview(
        self,
        workflow: Deployable,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Preview:
        """See what a deploy would do, as things are now; nothing is written.

        Args:
            workflow: What would be deployed.
            env: The environment; by default that of the client, then `default`.
            values: What `value("name")` stands for there.

        Raises:
            CompileError: The workflow has errors.
            DeployError: It cannot be deployed there at all.
            ApiError: The service refused to say.
        """
        talk = previewing(workflow, self._settled, env=env, values=values)
        del values  # as in `deploy`
        return await self.play(talk)

    async def run(
        self, workflow: Deployable, rows: Rows = (), **options: Unpack[RunOptions]
    ) -> AsyncRun:
        """Start a run, once for each intent; `Client.run` says what each option is.

        Args:
            workflow: What to run; it has to be deployed.
            rows: The rows for a webhook source, or the path of a file of rows. Other
                sources take none.
            **options: `env`, `intent`, `retry`, `values`, `stale`, `max_rows`,
                `max_cost`, `allow_unpriced`, `check_columns`, `specs_override`,
                `save_json`, `result_formats`, `block`.

        Raises:
            RunError: It was refused before anything was sent.
            ApiError: The service refused it.
            OutcomeUnknownError: No answer came, and the looks did not tell.
        """
        intent, retry = options.pop("intent", None), options.pop("retry", None)
        made = launcher("run", workflow, self._settled, **options)
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
            **options: `intent`, which is needed, `size`, `concurrency`,
                `retry_failed`, `folder`, `env`, `values`, `stale`, `max_rows`,
                `max_cost`, `allow_unpriced`, `check_columns`, `block`, `every`,
                `timeout`, `max_bytes`, `allow_unproven`.

        Raises:
            RowsError: Rows cannot be sent.
            BudgetError: All of it may take more than was said.
            BatchesError: Batches have failed, or were not started after that.
        """
        return self._batches(batch_settings(workflow, self._settled, **options), rows)

    async def _batches(
        self, plan: BatchSettings, rows: Any
    ) -> AsyncIterator[Batch[AsyncRun]]:
        with note_interrupted_batches(plan.intent):
            talk = self._guarded(run_in_batches(plan, rows))
            async with aclosing(self._player.events(talk)) as events:
                async for done in events:
                    run = AsyncRun(
                        done.run.id, done.run.workflow_id, self, **facts_of(done)
                    )
                    yield Batch.of(done, run)

    async def play(self, conversation: Conversation[T]) -> T:
        """Do what a conversation asks for until it is over, and give its result."""
        return await self._player.play(self._guarded(conversation))

    def events(self, conversation: Conversation[Any]) -> AsyncIterator[Any]:
        """What the conversation tells on the way."""
        return self._player.events(self._guarded(conversation))

    def _guarded(self, conversation: Conversation[T]) -> Conversation[T]:
        return self._settled.organisation.guarded(conversation)

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
        if (made := getattr(self, "_settled", None)) is None:
            return "AsyncClient(None)"
        return f"AsyncClient({made.channel.endpoint!r})"

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "an AsyncClient is neither copied nor pickled, since it holds a "
            "credential: make another one"
        )
