"""The documented calls of a client, by topic: one request each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import uuid4

from ..api import calls, policy
from ..definition import Definition, as_body
from ..deploy import (
    Deployable,
    fields_of,
    keep_fields,
    short_fingerprint,
    spends_when_written,
)
from ..errors import (
    ArgumentError,
    ConflictError,
    ConsentError,
    FlowError,
    OutcomeUnknownError,
)
from ..runs import payload
from ..runs.state import RunState, recall_run

if TYPE_CHECKING:
    from .client import Client
    from .run import Run

GivenWorkflow: TypeAlias = Deployable | Definition | Mapping[str, Any]
"""A workflow as a caller gives it: a `Workflow`, a definition, or its JSON data."""

GivenRows: TypeAlias = (
    Iterable[Mapping[str, Any]] | Mapping[str, Any] | str | PathLike[str] | None
)
"""Rows of a run: any iterable, one row, or the path of a CSV, JSON or NDJSON file."""


class _Topic:
    """Some calls of a client."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client: Final = client


class Workflows(_Topic):
    """`client.workflows`: the calls about workflows.

    To deploy code, use `client.deploy(workflow)` instead. It plans, keeps edits that
    were made on the service, and verifies.
    """

    __slots__ = ()

    def create(
        self,
        workflow: GivenWorkflow,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        allow_spend: bool = False,
    ) -> calls.WorkflowInfo:
        """Create a workflow. Without an id, the service assigns one.

        If the answer is lost, the request is sent again only if the workflow has an id
        and spends nothing. If the id is taken then, it is read and compared.

        Args:
            workflow: A `Workflow`, a definition, or the JSON data of one.
            env: The environment to compile a `Workflow` for. The default is that of the
                client, then `default`.
            values: Values for `value("name")` in a `Workflow`.
            allow_spend: Agree to blocks that spend credits as soon as they are written.

        Raises:
            ConflictError: The id is taken.
            DeployError: The workflow was refused before anything was sent.
            OutcomeUnknownError: No answer came, so it may have been created.
        """
        session, settings = self._client.session, self._client.settings
        definition = settings.read("workflows.create", workflow, env, values)
        body = _make_body(workflow, definition)
        del workflow, values  # an error may show the locals of its frames
        session.secrets.add(settings.list_secrets(definition))
        spends = _require_consent(definition, allow_spend=allow_spend)
        may_repeat = "id" in body and not spends
        try:
            return calls.create_workflow(
                session, body, may_repeat=may_repeat or (False if spends else None)
            )
        except ConflictError as error:
            # An attempt before may have been carried out although its answer was lost.
            if error.attempts == 1 or not may_repeat:
                raise
            live = calls.get_workflow(session, body["id"])
            if live is None or not _is_equal(live, definition):
                raise
        except FlowError as error:
            if policy.is_refusal(error) or may_repeat:
                raise
            what = f"creating {definition.name!r}"
            raise OutcomeUnknownError(what, str(error)) from error
        return calls.read_workflow(session, body["id"])

    def get(self, workflow_id: str) -> calls.WorkflowInfo:
        """Return one workflow, with its definition.

        Raises:
            NotFoundError: No workflow has that id, or it belongs to another
                organisation. The latter may be a `ForbiddenError`.
        """
        return calls.read_workflow(self._client.session, workflow_id)

    def list(self) -> list[calls.WorkflowInfo]:
        """Return all workflows of the organisation, without their definitions."""
        return calls.list_workflows(self._client.session)

    def update(
        self,
        workflow_id: str,
        workflow: GivenWorkflow | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        allow_spend: bool = False,
    ) -> calls.WorkflowInfo:
        """Change a workflow: all of it, or only its title or description.

        The service creates a workflow if it does not know the id, so this reads the
        workflow first. The whole graph is replaced, and the last writer wins. If the
        answer is lost, the request is sent again only if it has a whole workflow and
        spends nothing.

        Args:
            workflow_id: Id of the workflow.
            workflow: The new workflow. None keeps its graph.
            name: The new title.
            description: The new description. Without the last line that a deploy wrote,
                no later deploy takes the workflow for its own.
            env: The environment to compile a `Workflow` for.
            values: Values for `value("name")` in a `Workflow`.
            allow_spend: Agree to blocks that spend credits as soon as they are written.
                A workflow that has such blocks may spend with each change.

        Raises:
            NotFoundError: No workflow has that id.
            DeployError: The workflow was refused before anything was sent.
        """
        session, settings = self._client.session, self._client.settings
        texts = {"workflow_name": name, "workflow_description": description}
        changes = {key: text for key, text in texts.items() if text is not None}
        if workflow is None and not changes:
            names = ("workflow", "name", "description")
            raise ArgumentError(
                "workflows.update", "nothing to change was given", names
            )
        definition, body = None, calls.Body()
        if workflow is not None:
            definition = settings.read("workflows.update", workflow, env, values)
            body = _make_body(workflow, definition)
            session.secrets.add(settings.list_secrets(definition))
            _require_consent(definition, allow_spend=allow_spend)
        del workflow, values  # an error may show the locals of its frames
        live = calls.read_workflow(session, workflow_id).definition
        written = definition or live
        spends = written and _require_consent(written, allow_spend=allow_spend)
        body.update(changes)
        if body.get("id"):
            body["id"] = str(workflow_id)
        may_repeat = False if spends else (True if definition else None)
        return calls.update_workflow(session, workflow_id, body, may_repeat=may_repeat)

    def delete(self, workflow_id: str) -> calls.WorkflowInfo | None:
        """Delete a workflow for good. Its runs can still be listed.

        If the answer is lost, the request is sent again.

        Returns:
            The deleted workflow. None if a repeated request found it gone.

        Raises:
            NotFoundError: No workflow has that id.
        """
        return calls.delete_workflow(self._client.session, workflow_id)


class Runs(_Topic):
    """`client.runs`: the calls about runs.

    To start a run that must happen once, use `client.run(workflow, rows)` instead. It
    looks before it sends, and finds a run after a lost answer.
    """

    __slots__ = ()

    def start(
        self,
        workflow_id: str,
        rows: GivenRows = None,
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
        session = self._client.session
        body: dict[str, Any] = {}
        if rows is not None:
            body["webhook_payload"] = payload.as_rows(rows)
        if specs_override is not None:
            body["specs_override"] = specs_override
        key = str(uuid4()) if idempotency_key is None else str(idempotency_key)
        try:
            started = calls.start_run(
                session,
                workflow_id,
                body,
                key,
                save_json=save_json,
                result_formats=result_formats,
            )
        except FlowError as error:
            if isinstance(error, ArgumentError) or policy.is_refusal(error):
                raise
            what = f"starting a run of {workflow_id} under idempotency_key={key!r}"
            raise OutcomeUnknownError(what, str(error)) from error
        journal = self._client.settings.journal
        ledger = journal.of(session.place, str(workflow_id))
        run = RunState(started.job_id, ledger)
        run.record_status(started.status)
        return self._client.make_run(run)

    def get(self, run_id: str) -> Run:
        """Return the handle of a run, to wait for it and to read its rows.

        Raises:
            NotFoundError: No run has that id.
            JournalError: The journal cannot be read.
        """
        session, journal = self._client.session, self._client.settings.journal
        run = self._client.make_run(recall_run(str(run_id), journal, session.place))
        run.refresh()
        return run

    def list(
        self,
        *,
        workflow_id: str | None = None,
        status: str | None = None,
        limit: int = 100,
    ) -> list[calls.RunEntry]:
        """Return the newest runs, newest first.

        Args:
            workflow_id: Only runs of this workflow.
            status: `running`, `completed`, `cancelled`, or `active` for queued and
                running ones. Other words, such as `failed`, are not documented.
            limit: The most runs to return, from 1 to 500. Older ones cannot be listed.
        """
        return calls.list_runs(self._client.session, workflow_id, limit, status=status)

    def status(self, run_id: str) -> calls.LiveStatus:
        """Return the status of a run."""
        return calls.live_status(self._client.session, run_id)

    def cancel(self, run_id: str) -> str:
        """Cancel a run, and return the word of the service for its status.

        A run that has ended keeps its status. Rows that were processed are presumably
        charged. If the answer is lost, the request is sent again.
        """
        return calls.cancel_run(self._client.session, run_id)

    def download_links(
        self, run_id: str, format: str = "csv"
    ) -> Sequence[calls.ResultItem]:
        """Return the result files of a run, one for each stage that saved something.

        The links live for 15 minutes and need no credential: anyone who has a link can
        read the rows. The final file has the highest `block_number`.

        Args:
            run_id: Id of the run.
            format: `csv`, or `json` and `ndjson` if the run saved them.
        """
        return calls.download_links(self._client.session, run_id, format)


class Schedules(_Topic):
    """`client.schedules`: the calls about schedules, which start runs at fixed times.

    Each run that a schedule starts is paid for. One source says that only the
    Enterprise plan has schedules. A schedule is bound to the credential that made it.
    A change is not sent again if its answer is lost.
    """

    __slots__ = ()

    def create(
        self,
        workflow_id: str,
        name: str,
        cron_expression: str,
        *,
        timezone: str = "UTC",
        description: str | None = None,
        is_active: bool = True,
    ) -> calls.Schedule:
        """Create a schedule.

        Args:
            workflow_id: Id of the workflow to run.
            name: Its name, of 1 to 120 characters.
            cron_expression: Five fields, such as `0 9 * * 1`.
            timezone: An IANA name, such as `Europe/Berlin`.
            description: A text for people.
            is_active: False creates a schedule that is off.
        """
        return calls.create_schedule(
            self._client.session,
            workflow_id,
            name,
            cron_expression,
            timezone=timezone,
            description=description,
            is_active=is_active,
        )

    def get(self, schedule_id: str) -> calls.Schedule:
        """Return one schedule."""
        return calls.get_schedule(self._client.session, schedule_id)

    def list(self, workflow_id: str | None = None) -> list[calls.Schedule]:
        """Return the schedules of one workflow, or all."""
        return calls.list_schedules(self._client.session, workflow_id)

    def update(
        self,
        schedule_id: str,
        *,
        name: str | None = None,
        cron_expression: str | None = None,
        timezone: str | None = None,
        description: str | None = None,
        is_active: bool | None = None,
    ) -> calls.Schedule:
        """Change the given fields, and no others.

        Switching a schedule on binds it to the credential of this client.
        """
        return calls.update_schedule(
            self._client.session,
            schedule_id,
            name=name,
            cron_expression=cron_expression,
            timezone=timezone,
            description=description,
            is_active=is_active,
        )

    def delete(self, schedule_id: str) -> None:
        """Delete a schedule."""
        calls.delete_schedule(self._client.session, schedule_id)


class SigningSecrets(_Topic):
    """`client.signing_secrets`: the secret that signs an organisation's deliveries.

    An organisation has one. Only admins may change it. A change is not sent again if
    its answer is lost, since each call revokes a secret.
    """

    __slots__ = ()

    def get(self) -> calls.SigningSecret | None:
        """Return what may be known of the secret. None if deliveries are not signed."""
        return calls.get_signing_secret(self._client.session)

    def create(self) -> calls.NewSigningSecret:
        """Make a secret. **This revokes the present one at once**: see `roll`.

        Receivers that know only the old secret refuse every delivery from then on.
        """
        return calls.create_signing_secret(self._client.session)

    def roll(self, expire_overlap_hours: int = 24) -> calls.NewSigningSecret:
        """Make a secret, and let the present one sign as well for some hours.

        Args:
            expire_overlap_hours: From 0 to 72. 0 revokes the present secret at once, as
                after a leak.
        """
        return calls.roll_signing_secret(self._client.session, expire_overlap_hours)

    def delete(self) -> None:
        """Revoke the secret. Receivers that need a signature refuse deliveries then."""
        calls.delete_signing_secret(self._client.session)


def _make_body(workflow: GivenWorkflow, definition: Definition) -> calls.Body:
    """Return the body of a write. JSON data is sent as it is."""
    if not isinstance(workflow, Mapping):
        return calls.Body(as_body(definition, reveal=True))
    # An answer has other names for title and description.
    names = {"name": "workflow_name", "description": "workflow_description"}
    fields = ("id", *names.values(), "workflow_definition")
    data = {names.get(name, name): item for name, item in workflow.items()}
    return calls.Body(
        {name: data[name] for name in fields if data.get(name) is not None}
    )


def _require_consent(definition: Definition, *, allow_spend: bool) -> bool:
    """Return True if a definition spends as soon as it is written.

    Raises:
        ConsentError: It does, and `allow_spend` is not set.
    """
    spends = spends_when_written(definition)
    if spends and not allow_spend:
        raise ConsentError(definition.name, spends)
    return bool(spends)


def _is_equal(live: Definition, sent: Definition) -> bool:
    """Return True if what is live has all that was sent."""
    managed = keep_fields(live, fields_of(sent))
    return short_fingerprint(managed) == short_fingerprint(sent)
