"""The client: one credential for one endpoint, and the options of its calls."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict, Unpack
from uuid import uuid4
from weakref import finalize

from attrs import field, frozen

from ..analysis.live import LiveCatalogue
from ..api import answers, calls
from ..api.auth import Key, OAuth, from_environment
from ..api.network import Policy
from ..api.session import Session, normalize_endpoint
from ..definition import DEFAULT_ENV, EMPTY, Values, secret_names, secret_texts
from ..deploy.apply import apply_plan
from ..deploy.history import History
from ..deploy.make import make_plan
from ..deploy.plan import Consents, Plan, Step
from ..deploy.target import Deployable, Ready, prepare, require_namespace
from ..endpoints import endpoint_of
from ..errors import BuildError, ConfigError, require_type
from ..runs import batches, inputs
from ..runs.journal import Journal
from ..runs.launch import Launch
from ..runs.payload import Budget, Rows
from ..runs.starter import make_starter
from .topics import Run, Runs, Schedules, SigningSecrets, Workflows

if TYPE_CHECKING:
    import httpx

PLACE: Final = Path(".flow64", "runs.jsonl")
"""Path of the journal, relative to the working folder."""

PLACE_NAME: Final = "FLOW64_JOURNAL"
"""Environment variable for another path of the journal; empty for no journal."""


_log = logging.getLogger("flow64")

DEFAULT: Final[Any] = ...
"""Default of an argument that the environment or the working folder decides."""


@frozen
class Terms:
    """Settings of an environment, for every call of its client.

    Attributes:
        was: The name that the environment had before, which ids are computed from.
        values: Values for `value("name")`, for calls that give no values.
        suffix: Text to append to titles, such as `(staging)`.
        max_rows: Start no run of more rows, unless a call says otherwise.
        max_cost: Start no run that costs more dollars, unless a call says otherwise.
        prices: Dollars for one row by kind, in place of the documented ones.
        org_id: The organisation that the credential must belong to; None for any.
    """

    values: Mapping[str, Any] | None = field(default=None, repr=False)
    suffix: str = ""
    schedules: bool = True
    max_rows: int | None = None
    max_cost: float | None = None
    prices: Mapping[str, float] = EMPTY
    org_id: str | None = None
    was: str | None = None


class _SharedOptions(TypedDict, total=False):
    env: str | None
    """The environment. The default is that of the client, then `default`."""
    values: Mapping[str, Any] | None
    """Values for `value("name")`."""
    max_rows: int | None
    """Start nothing if the run, or all batches together, may take more rows."""
    max_cost: float | None
    """Start nothing if it may cost more dollars, by known prices."""
    intent: str | None
    """Name of what must happen once, such as a date. The same intent with the same rows
    is the same run, on any machine."""


class RunOptions(_SharedOptions, total=False):
    """The options of `Client.run`."""

    new: bool
    """Start another run of the same definition and rows, and pay again. With
    `new_since`: only of rows that no completed run had."""
    retry: str | None
    """Id of a run that ended without success, to start it again, once."""
    attach: str | None
    """Id of the run that a start whose answer was lost has started."""
    new_since: Run | str | None
    """Leave out rows that agree in the columns of `by` with an input row of this run
    or of a later one of the workflow. `latest` counts all of its runs."""
    by: Sequence[str]
    """Columns to compare by. Each row needs a value in each of them."""
    specs_override: Mapping[str, Any] | None
    """Fields of the source block for this run, such as `dict(max_results=50)`. They are
    checked like code, and sent with all other fields that the code sets."""
    result_formats: Sequence[str]
    """Further formats, such as `ndjson`."""


class BatchOptions(_SharedOptions, total=False):
    """The options of `Client.run_batches`."""

    size: int
    """Rows of each batch but the last; 1,000 by default."""
    concurrency: int
    """The most runs under way at a time; 4 by default."""
    retry_failed: bool
    """Start batches again that failed when they were run before, and pay again."""
    every: float
    """Seconds between polls of a run; 5 by default."""
    timeout: float
    """Seconds after which to stop waiting for a run; a day by default."""


def open_journal(journal: str | PathLike[str] | None) -> Journal:
    """Return the journal of an argument, or else that of the environment."""
    if journal is DEFAULT:
        journal = os.environ.get(PLACE_NAME, PLACE) or None
    return Journal(None if journal is None else Path(journal).absolute())


class Client:
    """Talks to the service with one credential at one endpoint. Threads may share it.

    Use it in a `with` block, or call `close()`.

    Args:
        api_key: The key. The default is `SIXTYFOUR_API_KEY` of the environment.
        base_url: The endpoint. The default is `SIXTYFOUR_API_ENDPOINT`, then
            `SIXTYFOUR_API_BASE_URL`, then the service itself.
        oauth: An `OAuth` client instead of a key.
        policy: Deadline, time-outs, retries and pace.
        journal: The file that remembers runs. The default is `FLOW64_JOURNAL`, then
            `.flow64/runs.jsonl`. None remembers nothing.
        history: The folder that keeps what a deploy replaces. The default is
            `FLOW64_HISTORY`, then `.flow64/history` in the working folder.
        env: The environment of the client; a call for another one is refused. None
            takes any.
        allow_http: Allow an http endpoint that is not on this machine, such as an
            emulator in another container.
        terms: Values, suffix, limits and organisation of an environment, for every
            call. `flow64.environments` reads them from `[tool.flow64]`.
        transport: Sends requests instead of the network, such as
            `httpx.MockTransport(...)` or `Emulator().transport()`.
        place: Name of the endpoint in journals and plans. The default is the endpoint;
            in the journal of a client with a transport, a name of its own.

    Raises:
        ConfigError: The credential or the endpoint cannot be used. No key is shown.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        oauth: OAuth | None = None,
        policy: Policy | None = None,
        journal: str | PathLike[str] | None = DEFAULT,
        history: str | PathLike[str] | None = None,
        env: str | None = None,
        allow_http: bool = False,
        terms: Terms | None = None,
        transport: httpx.BaseTransport | None = None,
        place: str | None = None,
    ) -> None:
        auth: Key | OAuth | None = None if api_key is None else Key(api_key)
        del api_key  # an error from here on may show the locals of its frames
        if auth is not None and oauth is not None:
            problem = "both an API key and OAuth were given, and the service takes one"
            raise ConfigError(problem, hint="pass either api_key= or oauth=")
        auth = auth or oauth or from_environment()
        if isinstance(auth, Key):
            auth.require_usable()
        self.endpoint: Final = endpoint_of(base_url, allow_http=allow_http)
        """The base URL."""
        self.env: Final = env
        """The environment of the client; None for any."""
        self.terms: Final = terms or Terms()
        self.journal: Final = open_journal(journal)
        self.history: Final = History.of(history)
        self.place: Final = place or normalize_endpoint(self.endpoint)
        self.session: Final = Session(
            self.endpoint,
            auth,
            policy or Policy(),
            transport,
            organisation=self.terms.org_id,
            place=place or (None if transport is None else _name_place(transport)),
        )
        self.session.secrets.add(secret_texts(self._bind(None)))
        self.workflows: Final = Workflows(self.session, self.journal)
        """The calls about workflows: create, get, list, update, delete."""
        self.runs: Final = Runs(self.session, self.journal)
        """The calls about runs: start, get, list, status, cancel, download links."""
        self.schedules: Final = Schedules(self.session, self.journal)
        """The calls about schedules: create, get, list, update, delete."""
        self.signing_secrets: Final = SigningSecrets(self.session, self.journal)
        """The calls about the signing secret: get, create, roll, delete."""

    # -- What a pipeline needs every day ----------------------------------------------

    def deploy(
        self,
        workflow: Deployable,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        force: bool = False,
        create: bool = False,
        allow_spend: bool = False,
    ) -> Step:
        """Plan and apply one workflow. Nothing is written if nothing has changed.

        Args:
            workflow: What to deploy.
            env: The environment. The default is that of the client, then `default`.
            values: Values for `value("name")`.
            force: Overwrite a workflow that was edited on the service, that newer code
                deployed, or that flow64 did not deploy.
            create: Create a workflow although it may be one that was renamed.
            allow_spend: Agree to blocks that spend credits as soon as they are written.

        Returns:
            What was done: its `state` before, the `action`, both sides and their ids.

        Raises:
            CompileError: The workflow has errors.
            DeployError: The workflow was refused before anything was written.
            ApiError: The service refused it.
            OutcomeUnknownError: No answer came, and reading the workflow did not tell.
        """
        ready = self._compile(workflow, env, values)
        del values  # some may be secret, and an error may show the locals of its frames
        plan = self._plan(ready)
        step = plan.steps[0]
        key = (step.key,)
        consents = Consents(
            force=key if force else (),
            create=key if create else (),
            allow_spend=key if allow_spend else (),
        )
        result = apply_plan(
            self.session, plan, consents, history=self.history, values=ready.values
        )
        for error in result.errors:
            raise error
        return step

    def plan(
        self,
        workflow: Deployable,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Plan:
        """Say what a deploy would do now. Nothing is written.

        Args:
            workflow: What would be deployed.
            env: The environment. The default is that of the client, then `default`.
            values: Values for `value("name")`.

        Raises:
            CompileError: The workflow has errors.
            DeployError: The workflow cannot be deployed there at all.
            ApiError: The service refused to answer.
        """
        ready = self._compile(workflow, env, values)
        del values  # as in `deploy`
        return self._plan(ready)

    def _plan(self, ready: Ready) -> Plan:
        return make_plan(
            self.session,
            [ready.target],
            env=ready.env,
            label=self.env,
            endpoint=self.place,
            values=ready.values,
            prices=self.terms.prices,
        )

    def run(
        self, workflow: Deployable, rows: Rows = (), **options: Unpack[RunOptions]
    ) -> Run:
        """Start a run, once for each intent.

        Without an intent, the same definition and rows are the same intent: a repeat
        attaches to the run that there is, and buys nothing.

        Args:
            workflow: What to run; it has to be deployed.
            rows: The rows for a webhook source: a list or any iterable of mappings, or
                the path of a CSV, JSON or NDJSON file. Other sources take no rows. Nor
                does a webhook that runs its `webhook_input`.
            **options: See `RunOptions`.

        Raises:
            RunError: The run was refused before anything was sent.
            NoNewRowsError: `new_since` leaves out all rows.
            ApiError: The service refused it.
            OutcomeUnknownError: No answer came, and the list of runs did not tell.
        """
        launch, extras = self.make_launch(workflow, options)
        del options  # as in `deploy`
        chosen = extras.pop("new_since", None), extras.pop("by", ())
        what = self.session, launch
        rows, snapshot = inputs.select_rows(*what, rows, *chosen, **extras)
        run = make_starter(*what, rows, compared=snapshot, **extras).run()
        if run.is_attached and not extras.get("intent"):
            text = "same rows and definition as run %s: nothing bought; new=True pays"
            _log.warning(text, run.id)
        return Run(run, self.session)

    def run_batches(
        self, workflow: Deployable, rows: Rows, **options: Unpack[BatchOptions]
    ) -> Iterator[batches.Batch[Run]]:
        """Run an input of any length in batches, and yield each batch that has ended.

        Batches come in the order of the input. Each is a run that happens once, so the
        same call on the same input goes on where the last one stopped, and buys no
        finished batch again. To stop, leave the loop.

        Args:
            workflow: What to run; it has to be deployed.
            rows: A list, any other iterable, or the path of a CSV, JSON or NDJSON file.
                It is read as it is needed, and must come in the same order again.
            **options: See `BatchOptions`.

        Raises:
            RowsError: Rows cannot be sent.
            BudgetError: The whole input may exceed a limit.
            FlowError: A batch was not started. It is raised after those before it.
        """
        launch, extras = self.make_launch(workflow, options)
        del options  # as in `deploy`
        ended = batches.run_batches(self.session, launch, rows, **extras)
        session = self.session
        return (
            batches.Batch(each.index, each.first, each.count, Run(each.run, session))
            for each in ended
        )

    def make_launch(
        self, workflow: Deployable, options: Mapping[str, Any]
    ) -> tuple[Launch, dict[str, Any]]:
        """Compile a workflow, and check that this client may run it; see `run`.

        Returns:
            What to run and how, and the options that are not of that.
        """
        extras, terms = dict(options), self.terms
        rows, dollars = extras.pop("max_rows", None), extras.pop("max_cost", None)
        budget = Budget(
            terms.max_rows if rows is None else rows,
            terms.max_cost if dollars is None else dollars,
            terms.prices,
        )
        env, values = extras.pop("env", None), extras.pop("values", None)
        ready = self._compile(workflow, env, values)
        names = ("specs_override", "result_formats")
        own = {name: extras.pop(name) for name in names if name in extras}
        return Launch(ready, self.journal, budget, **own), extras

    def _compile(
        self, workflow: Deployable, env: str | None, values: Mapping[str, Any] | None
    ) -> Ready:
        """Compile a workflow with the values of the environment.

        Raises:
            BuildError: The client is for another environment.
            CompileError: The workflow has errors.
            DeployError: The environment does not give all its values.
            ConsentError: Another user's workflow may have the same id there.
        """
        require_type("workflow", workflow, Deployable, "write a Workflow")
        if env is not None and self.env not in (None, env):
            problem = f"env is {env!r}, and this client is for {self.env!r}"
            raise BuildError(problem, hint=f"make one for {env!r}")
        bound, terms = self._bind(values), self.terms
        name = self.terms.was or env or self.env or DEFAULT_ENV
        ready = prepare(workflow, name, bound, terms.suffix, schedules=terms.schedules)
        is_local = self.session.is_local
        require_namespace(ready.target, ready.name, self.endpoint, is_local=is_local)
        names = secret_names(ready.definition)
        self.session.secrets.add(secret_texts(ready.values, names))
        return ready

    def _bind(self, values: Mapping[str, Any] | None) -> Values:
        """Return the values of a call, or else those of the environment.

        What is secret in the environment is secret in those of a call too.
        """
        own = Values(self.terms.values)
        if values is None:
            return own
        return Values(values, own.hidden | Values(values).hidden)

    def blocks(self) -> LiveCatalogue:
        """Return the kinds of blocks, each with the JSON Schema of its specs."""
        return calls.list_blocks(self.session)

    def balance(self) -> answers.Balance:
        """Return the credits that are left."""
        return calls.get_balance(self.session)

    # -- The client itself ------------------------------------------------------------

    def close(self) -> None:
        """Close the connections; closing twice does nothing."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        # Tracebacks show also a client that was refused while it was made.
        session = getattr(self, "session", None)
        return f"{type(self).__name__}({session and session.endpoint!r})"

    def __reduce__(self) -> Any:
        return self.session.__reduce__()


def _name_place(transport: httpx.BaseTransport) -> str:
    """Return what stands for a transport: it leads elsewhere than its addresses."""
    return getattr(transport, "place", None) or f"transport:{uuid4()}"


def choose_client(callee: str, client: Client | None) -> Client:
    """Return the given client, or a new one that closes once it is unused.

    Raises:
        BuildError: It is something else, such as the name of an environment.
    """
    hint = "write Client(...); an AsyncClient has awaited methods of its own"
    require_type(f"{callee}: client", client, Client | None, hint)
    if client is None:
        client = Client()
        session = client.session  # its runs hold that, and not the client
        finalize(session, session._http.close)  # noqa: SLF001 - not through the session
    return client
