"""Runs that users hold, and the documented calls of a client, by topic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from operator import attrgetter
from typing import Any, Concatenate, Final, ParamSpec
from uuid import uuid4

from typing_extensions import TypeVar

from ..api import answers, calls, network
from ..api.network import DAY
from ..api.session import Session
from ..definition import Definition, as_body, from_data, secret_names, unbound_names
from ..deploy.judge import list_purchases
from ..diagnostics import Badge, Cell, as_card, as_facts
from ..errors import BuildError, ConsentError, FlowError, unknown_error
from ..runs import frames, payload
from ..runs import results as result_files
from ..runs import watch as watching
from ..runs.journal import Journal
from ..runs.state import RunState, fetch_run
from ..runs.typed import ResultRows

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T", default=Mapping[str, Any])


def _fact(name: str) -> Any:
    """Return a property that reads a fact of the state of a run."""
    return property(attrgetter(f"state.{name}"))


def _call_of_run(
    function: Callable[Concatenate[Session, RunState, P], R],
) -> Callable[Concatenate[Any, P], R]:
    """Return a function of a session and the state of a run as a method of `Run`."""

    @wraps(function)
    def method(run: Any, /, *args: P.args, **options: P.kwargs) -> R:
        return function(run.session, run.state, *args, **options)

    return method


class RunFacts:
    """The facts about a run."""

    id: Final[str] = _fact("id")
    """Id of the run (`job_id`)."""
    workflow_id: Final[str] = _fact("workflow_id")
    """Id of its workflow."""
    last_status: Final[str] = _fact("status")
    """The last known status; empty if none is known yet."""
    is_ended: Final[bool] = _fact("is_ended")
    """True if it is known to have ended."""
    is_attached: Final[bool] = _fact("is_attached")
    """True if it was there before, and nothing was started now."""
    is_presumed: Final[bool] = _fact("is_presumed")
    """True if the answer to its start was lost. It was the only new run, so it is taken
    for ours. You get its rows once they prove that."""
    reason: Final[str | None] = _fact("reason")
    """Why it did not complete, if the service says so."""
    empty: Final[str | None] = _fact("empty")
    """That it completed without a row, in words; None if not known."""
    started_at: Final[str | None] = _fact("started_at")
    """When it was started, if the journal knows it."""
    count: Final[int | None] = _fact("count")
    """Rows that came out; None until it has completed, or if not known."""

    def __init__(self, state: RunState) -> None:
        self.state = state

    def _repr_html_(self) -> str:
        facts: dict[str, Cell] = {
            "status": Badge(self.state.status or "not known yet"),
            "workflow": self.workflow_id,
            "start": Badge("presumed") if self.is_presumed else None,
            "why": self.reason or self.state.empty,
        }
        return as_card(f"Run {self.id}", as_facts(facts))

    def __repr__(self) -> str:
        presumed = ", is_presumed=True" if self.is_presumed else ""
        facts = f"id={self.id!r}, workflow_id={self.workflow_id!r}"
        return f"{type(self).__name__}({facts}, status={self.state.status!r}{presumed})"


class Run(RunFacts):
    """A run on the service, and what is known of it."""

    def __init__(self, state: RunState, session: Session) -> None:
        super().__init__(state)
        self.session: Final = session

    @property
    def status(self) -> str:
        """The status. Unless the run is known to have ended, the service is asked."""
        return self.state.status if self.is_ended else self.refresh()

    def refresh(self) -> str:
        """Ask the service for the status, and return it."""
        watching.poll(self.session, self.state)
        return self.state.status

    watch: Final = _call_of_run(watching.watch)
    steps: Final = _call_of_run(watching.steps)
    cancel: Final = _call_of_run(watching.cancel)
    results: Final = _call_of_run(result_files.list_files)
    to_csv: Final = _call_of_run(result_files.save_csv)
    download: Final = _call_of_run(result_files.download)

    def wait(self, timeout: float = DAY, *, every: float = 5.0) -> Run:
        """Wait until the run has completed, and return the run.

        Args:
            timeout: Seconds after which to give up. The last poll may take 10 s more.
            every: Seconds between polls.

        Raises:
            ApiError: Polling again cannot help: the key is refused, or the run does not
                exist.
            RunFailedError: The run did not complete.
            WaitTimeoutError: The run had not ended in time. The error says how to wait
                again.
        """
        watching.wait(self.session, self.state, every=every, timeout=timeout)
        return self

    def rows(
        self, type: type[T] | None = None, *, block: str | int | None = None
    ) -> ResultRows[T]:
        """Yield the rows of a completed run: `value`, and `raw` as it came.

        Args:
            type: The type of each value, such as a class of `@returns`. None gives the
                row itself.
            block: The block that the rows come from: its key path or number. The
                default is the final one.

        Raises:
            ResultError: There is no such file, or it is damaged.
            OutcomeUnknownError: The run was taken for ours, and nothing proves it.
        """
        return result_files.read_rows(self.session, self.state, type, block=block)

    def to_dicts(self, *, block: str | int | None = None) -> list[dict[str, Any]]:
        """Return the rows of a completed run as they came; see `rows`."""
        return self._read(lambda raw: [*map(dict, raw)], block)

    def to_polars(self, *, block: str | int | None = None) -> Any:
        """Return the rows of a completed run as a `polars.DataFrame`; see `rows`.

        Cells of CSV are text, and empty ones are null. Lists and objects stay what they
        are. A column of several types becomes JSON text.

        Raises:
            ConfigError: polars is not installed.
        """
        frames.load("polars")  # before anything is downloaded
        return self._read(frames.to_polars, block)

    def to_arrow(self, *, block: str | int | None = None) -> Any:
        """Return the rows of a completed run as a `pyarrow.Table`; see `to_polars`."""
        frames.load("pyarrow")
        return self._read(frames.to_arrow, block)

    def to_pandas(self, *, block: str | int | None = None) -> Any:
        """Return the rows of a completed run as a `pandas.DataFrame`.

        It has the types of pandas with a null, such as `Int64`. Lists, objects and
        columns of several types are objects. Cells of CSV are text.
        """
        frames.load("pandas")
        return self._read(frames.to_pandas, block)

    def _read(self, make: Callable[[Any], R], block: str | int | None) -> R:
        rows = self.rows(block=block)  # its file goes with it
        return make(rows.raw)


class Topic:
    """Some calls of a client."""

    def __init__(self, session: Session, journal: Journal) -> None:
        self.session: Final = session
        self.journal: Final = journal


def _call(
    function: Callable[Concatenate[Session, P], R],
) -> Callable[Concatenate[Any, P], R]:
    """Return a function of a session as a method of a topic."""

    @wraps(function)
    def method(topic: Any, /, *args: P.args, **options: P.kwargs) -> R:
        return function(topic.session, *args, **options)

    return method


class Workflows(Topic):
    """`client.workflows`: the calls about workflows.

    To deploy code, use `client.deploy(workflow)` instead. It plans, keeps edits that
    were made on the service, and verifies.
    """

    get: Final = _call(calls.read_workflow)
    list: Final = _call(calls.list_workflows)
    delete: Final = _call(calls.delete_workflow)

    def create(
        self, workflow: Definition | Mapping[str, Any], *, allow_spend: bool = False
    ) -> answers.WorkflowInfo:
        """Create a workflow. Without an id, the service assigns one.

        It is sent once: a service that answers with an error, or not at all, may have
        created it all the same.

        Args:
            workflow: A definition without values to fill in, as `compile()` returns it,
                or JSON data, which is sent as it is.
            allow_spend: Agree to blocks that spend credits as soon as they are written.

        Raises:
            ConflictError: The id is taken.
            ConsentError: It spends as soon as it is written.
            OutcomeUnknownError: No answer came, so it may have been created.
        """
        body, definition = _read("workflows.create", workflow)
        del workflow  # an error may show the locals of its frames
        _require_consent(definition, allow_spend=allow_spend)
        try:
            return calls.create_workflow(self.session, body, repeat="never")
        except FlowError as error:
            if network.is_refusal(error):
                raise
            what = f"creating {definition.name!r}"
            raise unknown_error(what, error.message) from error

    def update(
        self,
        workflow_id: str,
        workflow: Definition | Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        allow_spend: bool = False,
    ) -> answers.WorkflowInfo:
        """Change a workflow: all of it, or only its title or description.

        The service creates a workflow if it does not know the id, so this reads the
        workflow first. The whole graph is replaced, and the last writer wins. If the
        answer is lost, the request is sent again only if it has a whole workflow and
        spends nothing.

        Args:
            workflow_id: Id of the workflow.
            workflow: The new workflow, as for `create`. None keeps its graph.
            name: The new title.
            description: The new description. Without the last line that a deploy wrote,
                no later deploy takes the workflow for its own.
            allow_spend: Agree to blocks that spend credits as soon as they are written.
                A workflow that has such blocks may spend with each change.

        Raises:
            NotFoundError: No workflow has that id.
            ConsentError: It spends as soon as it is written.
        """
        body, definition = answers.Body(), None
        if workflow is not None:
            body, definition = _read("workflows.update", workflow)
        is_whole = workflow is not None
        del workflow  # an error may show the locals of its frames
        texts = {"workflow_name": name, "workflow_description": description}
        body.update({key: text for key, text in texts.items() if text is not None})
        live = calls.read_workflow(self.session, workflow_id).definition
        written = definition or live
        spends = written and _require_consent(written, allow_spend=allow_spend)
        return calls.update_workflow(
            self.session,
            workflow_id,
            body,
            repeat="never" if spends else "always" if is_whole else "if refused",
        )


class Runs(Topic):
    """`client.runs`: the calls about runs.

    To start a run that must happen once, use `client.run(workflow, rows)` instead. It
    looks before it sends, and finds a run after a lost answer.
    """

    list: Final = _call(calls.list_runs)
    status: Final = _call(calls.live_status)
    cancel: Final = _call(calls.cancel_run)
    download_links: Final = _call(calls.download_links)

    def start(
        self,
        workflow_id: str,
        rows: payload.Rows | None = None,
        *,
        idempotency_key: str | None = None,
        specs_override: Mapping[str, Any] | None = None,
        save_json: bool = True,
        result_formats: Sequence[str] = (),
    ) -> Run:
        """Start a run of the deployed workflow. Nothing is compared with code.

        Each call starts a run of its own. If the answer is lost, the request is not
        sent again.

        Args:
            workflow_id: Id of the workflow.
            rows: Rows for a `webhook` source: any iterable, a single row, or the path
                of a CSV, JSON or NDJSON file. None leaves `webhook_payload` out.
            idempotency_key: Key by which the service may recognise a repeated request
                (inferred). The default is a fresh UUID.
            specs_override: Settings of the first block in this run. Give all of its
                settings, since whether the others are kept is not documented.
            save_json: Save results as JSON too, which keeps types.
            result_formats: Further formats to save: `csv`, `json`, `ndjson`.

        Raises:
            RowsError: The rows cannot be sent.
            OutcomeUnknownError: No answer came, so the run may have been started. The
                error names the key.
        """
        body: dict[str, Any] = {}
        if rows is not None:
            body["webhook_payload"] = payload.as_rows(rows)
        if specs_override is not None:
            body["specs_override"] = specs_override
        key = str(uuid4()) if idempotency_key is None else str(idempotency_key)
        try:
            started = calls.start_run(
                self.session,
                workflow_id,
                body,
                key,
                save_json=save_json,
                result_formats=result_formats,
            )
        except FlowError as error:
            if isinstance(error, BuildError) or network.is_refusal(error):
                raise
            what = f"starting a run of {workflow_id} under idempotency_key={key!r}"
            raise unknown_error(what, error.message) from error
        ledger = self.journal.of(self.session.place, str(workflow_id))
        run = RunState(started.job_id, ledger)
        run.record_status(started.status)
        return Run(run, self.session)

    def get(self, run_id: str) -> Run:
        """Return the handle of a run, to wait for it and to read its rows.

        Raises:
            NotFoundError: No run has that id.
            RunError: The journal cannot be read.
        """
        return Run(fetch_run(self.session, self.journal, str(run_id)), self.session)


class Schedules(Topic):
    """`client.schedules`: the calls about schedules, which start runs at fixed times.

    Each run that a schedule starts is paid for. One source says that only the
    Enterprise plan has schedules. A schedule is bound to the credential that made it,
    or that switched it on. A change is not sent again if its answer is lost.
    """

    create: Final = _call(calls.create_schedule)
    get: Final = _call(calls.get_schedule)
    list: Final = _call(calls.list_schedules)
    update: Final = _call(calls.update_schedule)
    delete: Final = _call(calls.delete_schedule)


class SigningSecrets(Topic):
    """`client.signing_secrets`: the secret that signs an organisation's deliveries.

    An organisation has one. Only admins may change it. A change is not sent again if
    its answer is lost, since each call revokes a secret.
    """

    get: Final = _call(calls.get_signing_secret)
    create: Final = _call(calls.create_signing_secret)
    roll: Final = _call(calls.roll_signing_secret)
    delete: Final = _call(calls.delete_signing_secret)


def _require_consent(definition: Definition, *, allow_spend: bool) -> bool:
    """Return True if a definition spends as soon as it is written.

    Raises:
        ConsentError: It does, and `allow_spend` is not set.
    """
    spends = list_purchases(definition)
    if spends and not allow_spend:
        problem = f"{definition.name!r} may spend credits at once: {'; '.join(spends)}"
        raise ConsentError(
            problem, hint="to allow it: allow_spend=True", problems=spends
        )
    return bool(spends)


def _read(
    callee: str, workflow: Definition | Mapping[str, Any]
) -> tuple[answers.Body, Definition]:
    """Return the body of a write, and what it says. JSON data is sent as it is."""
    if isinstance(workflow, Definition):
        definition = workflow
    elif isinstance(workflow, Mapping):
        definition = from_data(workflow, source=callee)
    else:
        message = f"{callee}: {type(workflow).__name__} is not a definition"
        raise BuildError(message, hint="give what compile() returns, or JSON data")
    if unbound_names(definition) or secret_names(definition):
        problem = "it has values that are not filled in"
        raise BuildError(f"{callee}: {problem}", hint="deploy() fills them in")
    if isinstance(workflow, Definition):
        return answers.Body(as_body(workflow)), definition
    # An answer has other names for title and description.
    titles = {"name": "workflow_name", "description": "workflow_description"}
    fields = ("id", *titles.values(), "workflow_definition")
    data = {titles.get(name, name): item for name, item in workflow.items()}
    body = {name: data[name] for name in fields if data.get(name) is not None}
    return answers.Body(body), definition
