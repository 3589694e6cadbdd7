"""The client that blocks: one credential for one origin."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeVar

from ..api import (
    Balance,
    BlockInfo,
    BlockingTransport,
    Conversation,
    HttpxTransport,
    Player,
    Policy,
    TokenSource,
    Transport,
    get_balance,
    list_blocks,
)
from ..deploy import Deployable, Deployment, Preview
from ..errors import ConfigError
from ..runs import DAY, BatchSettings, Rows, launch_run, run_in_batches
from ._batch import Batch, batch_settings, facts_of, note_interrupted_batches
from ._calls import Runs, Schedules, SigningSecrets, Workflows
from ._deploying import deployment, launcher, previewing
from ._run import Run
from ._settings import DEFAULT, Settled, Terms, credential_of, settled

T = TypeVar("T")


class Client:
    """Talks to the service: one credential, one endpoint. For many threads at once.

    Use it in a `with` block, or call `close()`. A client that is dropped without is
    closed, with a `ResourceWarning`.

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
        transport: Something else than the network, such as `Emulator().transport()`.

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
        transport: Transport | None = None,
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
        self._player: Final = Player(
            channel,
            transport
            or BlockingTransport(
                lambda: HttpxTransport(trust_env=trust_env), owner=repr(self)
            ),
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

    def deploy(
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
        return self.play(talk)

    @property
    def workflows(self) -> Workflows:
        """The calls about workflows: create, get, list, update, delete."""
        return Workflows(self, self._settled)

    @property
    def runs(self) -> Runs:
        """The calls about runs: start, get, list, status, cancel, download links."""
        return Runs(self, self._settled)

    @property
    def schedules(self) -> Schedules:
        """The calls about schedules: create, get, list, update, delete."""
        return Schedules(self)

    @property
    def signing_secret(self) -> SigningSecrets:
        """The calls about the secret of deliveries: get, create, roll, delete."""
        return SigningSecrets(self)

    def blocks(self) -> Sequence[BlockInfo]:
        """The kinds of blocks, each with the JSON Schema of its specs."""
        return self.play(list_blocks())

    def balance(self) -> Balance:
        """What is left to spend."""
        return self.play(get_balance())

    def preview(
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
        return self.play(talk)

    def run(
        self,
        workflow: Deployable,
        rows: Rows = (),
        *,
        env: str | None = None,
        intent: str | None = None,
        retry: str | None = None,
        values: Mapping[str, Any] | None = None,
        stale: bool = False,
        max_rows: int | None = None,
        max_cost: float | None = None,
        allow_unpriced: bool = False,
        check_columns: bool = True,
        specs_override: Mapping[str, Any] | None = None,
        save_json: bool = True,
        result_formats: Sequence[str] = (),
        block: str | int | None = None,
    ) -> Run:
        """Start a run, once for each intent.

        Args:
            workflow: What to run; it has to be deployed.
            rows: The rows for a webhook source: a list or any iterable of mappings, or
                the path of a CSV, JSON or NDJSON file. Other sources take none, nor
                does a webhook that is to run its `webhook_input`.
            env: The environment; by default that of the client, then `default`.
            intent: Name of a run that must happen once, such as a date: the same intent
                with the same rows is the same run, on any machine.
            retry: Id of a run that ended without success, to be started again, once.
            values: What `value("name")` stands for there.
            stale: Run what is deployed even if it is not this code.
            max_rows: Rows beyond which nothing is started.
            max_cost: Dollars by documented prices beyond which nothing is started.
            allow_unpriced: Go on although something has no documented price.
            check_columns: Hold rows against the `input_schema` of the source.
            specs_override: What the first block is set to in this run; send all its
                settings, since whether those left out are kept is not documented.
            save_json: Keep the results as JSON too, so that types survive.
            result_formats: Further formats, such as `ndjson`.
            block: The block whose rows you want, by key path (`work/find_email`) or
                number: the default of `Run.rows()` and its like. A name that no block
                has is refused before the start.

        Raises:
            RunError: It was refused before anything was sent.
            ApiError: The service refused it.
            OutcomeUnknownError: No answer came, and the looks did not tell.
        """
        made = launcher(
            "run",
            workflow,
            self._settled,
            env=env,
            values=values,
            max_rows=max_rows,
            max_cost=max_cost,
            allow_unpriced=allow_unpriced,
            stale=stale,
            check_columns=check_columns,
            specs_override=specs_override,
            save_json=save_json,
            result_formats=result_formats,
            block=block,
        )
        del values  # as in `deploy`
        talk = launch_run(made, rows, intent=intent, retry=retry)
        started, facts = self.play(talk)
        return Run(started.id, started.workflow_id, self, **facts)

    def run_batches(
        self,
        workflow: Deployable,
        rows: Rows,
        *,
        size: int = 1000,
        concurrency: int = 4,
        intent: str,
        retry_failed: bool = False,
        folder: str | PathLike[str] | None = None,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        stale: bool = False,
        max_rows: int | None = None,
        max_cost: float | None = None,
        allow_unpriced: bool = False,
        check_columns: bool = True,
        block: str | int | None = None,
        every: float = 5.0,
        timeout: float = DAY,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> Iterator[Batch[Run]]:
        """Run an input of any length in batches, and give each as it has completed.

        They come in the order of the input. A batch is named by the intent, its place
        and its rows, so the same call on the same input, on any machine and after any
        accident, goes on where the last one stopped and buys no finished batch again.

        Args:
            workflow: What to run; it has to be deployed.
            rows: A list, any other iterable, or the path of a CSV, JSON or NDJSON file.
                It is read as it is needed, and must come in the same order again.
            size: Rows of each batch but the last.
            concurrency: How many runs are under way at a time.
            intent: Name of all of it together, such as a date.
            retry_failed: Start batches again that failed when this intent was run
                before, which pays for their rows again.
            folder: Where the final file of each batch is saved as soon as it is there;
                that of `block` if it is given.
            env: The environment; by default that of the client, then `default`.
            values: What `value("name")` stands for there.
            stale: Run what is deployed even if it is not this code.
            max_rows: Rows of all batches beyond which nothing is started.
            max_cost: Dollars of all batches, by documented prices, likewise.
            allow_unpriced: Go on although something has no documented price.
            check_columns: Hold rows against the `input_schema` of the source.
            block: The block whose rows you want, by key path or number; needed for
                `folder` if the workflow ends in several blocks.
            every: Seconds between looks at a run.
            timeout: Seconds after which a run is not waited for any more.
            max_bytes: The most bytes of each file in the folder; see `Run.rows`.
            allow_unproven: Keep files that nothing proves complete; see `Run.rows`.

        Raises:
            AmbiguousRowsError: `folder` is given, the workflow ends in several blocks,
                and no `block` is named; nothing was started.
            RowsError: Rows cannot be sent. Those of a list or a file are judged before
                the first batch is started.
            BudgetError: All of it may take more than was said.
            BatchesError: Batches have failed, or were not started after two failures
                in a row or for want of credits; raised when all others were handed out.
        """
        plan = batch_settings(
            workflow,
            self._settled,
            size=size,
            concurrency=concurrency,
            intent=intent,
            retry_failed=retry_failed,
            folder=folder,
            env=env,
            values=values,
            max_rows=max_rows,
            max_cost=max_cost,
            allow_unpriced=allow_unpriced,
            every=every,
            timeout=timeout,
            max_bytes=max_bytes,
            allow_unproven=allow_unproven,
            stale=stale,
            check_columns=check_columns,
            block=block,
        )
        return self._batches(plan, rows)

    def _batches(self, plan: BatchSettings, rows: Any) -> Iterator[Batch[Run]]:
        with note_interrupted_batches(plan.intent):
            for done in self.events(run_in_batches(plan, rows)):
                run = Run(done.run.id, done.run.workflow_id, self, **facts_of(done))
                yield Batch.of(done, run)

    def play(self, conversation: Conversation[T]) -> T:
        """Do what a conversation asks for until it is over, and give its result."""
        return self._player.play(self._guarded(conversation))

    def events(self, conversation: Conversation[T]) -> Generator[Any, None, T]:
        """The same, with what the conversation tells on the way."""
        return self._player.events(self._guarded(conversation))

    def _guarded(self, conversation: Conversation[T]) -> Conversation[T]:
        return self._settled.organisation.guarded(conversation)

    def close(self) -> None:
        """Close the connections, and end the thread that serves them."""
        self._player.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        # Tracebacks show also a client that was refused while it was made.
        if (made := getattr(self, "_settled", None)) is None:
            return "Client(None)"
        return f"Client({made.channel.endpoint!r})"

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "a Client is neither copied nor pickled, since it holds a credential: "
            "make another one"
        )
