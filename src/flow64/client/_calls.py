# Written by scripts/unasync.py from _async_calls.py. Change that file instead.
"""The documented calls of a client, by topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

from .. import api
from ..runs import (
    CSV,
    Report,
    ResultRows,
    Tracked,
    Writable,
    label_rows,
    report_rows,
    require_ending,
    require_free,
    write_csv,
)
from ._direct import (
    Given,
    GivenRows,
    GivenWorkflow,
    body_of,
    create_workflow,
    start_directly,
    update_workflow,
)
from ._run import Run, run_of
from ._settings import ClientSettings

if TYPE_CHECKING:
    from ._batch import Batch
    from ._client import Client


class Workflows:
    """`client.workflows`: the calls about workflows, one request each.

    To deploy code, use `client.deploy(workflow)` instead. It plans, keeps edits that
    were made on the service, and verifies.
    """

    __slots__ = ("_client", "_settings")

    def __init__(self, client: Client, settings: ClientSettings) -> None:
        self._client: Final = client
        self._settings: Final = settings

    def create(
        self,
        workflow: Given,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        allow_spend: bool = False,
    ) -> api.WorkflowInfo:
        """Create a workflow.

        If the answer is lost, the request is sent again only if the workflow has an id
        and spends nothing. If the id is taken then, the workflow may have been created,
        so it is read and compared.

        Args:
            workflow: A `Workflow`, a definition, or the JSON data of one.
            env: The environment to compile a `Workflow` for. The default is that of the
                client, then `default`.
            values: Values for `value("name")` in a `Workflow`.
            allow_spend: Agree to blocks that spend credits as soon as they are written.

        Raises:
            ConflictError: The id is taken.
            DeployError: The workflow was refused before anything was sent.
        """
        given = GivenWorkflow("workflows.create", workflow, env, values)
        del values  # an error from here on may show the locals of its frames
        sent = given.definition(self._settings)
        return self._client.call(create_workflow, sent, allow_spend=allow_spend)

    def get(self, workflow_id: str) -> api.WorkflowInfo:
        """Return one workflow, with its definition.

        Raises:
            NotFoundError: No workflow has that id, or it belongs to another
                organisation. The latter may be a `ForbiddenError`.
        """
        return self._client.call(api.workflow_info, workflow_id)

    def list(self) -> Sequence[api.WorkflowInfo]:
        """Return all workflows of the organisation, without their definitions."""
        return self._client.call(api.list_workflows)

    def update(
        self,
        workflow_id: str,
        workflow: Given | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        create: bool = False,
        allow_spend: bool = False,
    ) -> api.WorkflowInfo:
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
            create: Do not read first, and so create a workflow that does not exist.
            allow_spend: Agree to blocks that spend credits as soon as they are written.

        Raises:
            NotFoundError: No workflow has that id.
            DeployError: The workflow was refused before anything was sent.
        """
        given = GivenWorkflow("workflows.update", workflow, env, values)
        del values  # an error from here on may show the locals of its frames
        sent = None if workflow is None else given.definition(self._settings)
        return self._client.call(
            update_workflow,
            workflow_id,
            sent,
            name=name,
            description=description,
            is_new=create,
            allow_spend=allow_spend,
        )

    def delete(self, workflow_id: str) -> api.WorkflowInfo | None:
        """Delete a workflow for good. Its runs can still be listed.

        If the answer is lost, the request is sent again.

        Returns:
            The deleted workflow. None if a repeated request found it gone.

        Raises:
            NotFoundError: No workflow has that id.
        """
        return self._client.call(api.delete_workflow, workflow_id)


class Runs:
    """`client.runs`: the calls about runs, one request each.

    To start a run that must happen once, use `client.run(workflow, rows, intent=...)`
    instead. It looks before it sends, and finds a run after a lost answer.
    """

    __slots__ = ("_client", "_settings")

    def __init__(self, client: Client, settings: ClientSettings) -> None:
        self._client: Final = client
        self._settings: Final = settings

    def start(
        self,
        workflow_id: str,
        rows: GivenRows = (),
        *,
        idempotency_key: str | None = None,
        specs_override: Mapping[str, Any] | None = None,
        save_json: bool = True,
        result_formats: Sequence[str] = (),
    ) -> Run:
        """Start a run of the deployed workflow. Nothing is compared with code.

        If the answer is lost, the request is not sent again.

        Args:
            workflow_id: Id of the workflow.
            rows: Rows for a `webhook` source: any iterable, a single row, or the path
                of a CSV, JSON or NDJSON file. None leaves `webhook_payload` out.
            idempotency_key: Key by which the service may recognise a repeated request
                (inferred). The default is a fresh UUID, so every call starts a run of
                its own.
            specs_override: Settings of the first block in this run. Give all of its
                settings, since whether the others are kept is not documented.
            save_json: Save results as JSON too, which keeps types.
            result_formats: Further formats to save: `csv`, `json`, `ndjson`.

        Raises:
            RowsError: The rows cannot be sent.
            OutcomeUnknownError: No answer came, so the run may have been started. The
                error names the key.
        """
        started = self._client.call(
            start_directly,
            workflow_id,
            body_of(rows, specs_override),
            idempotency_key=idempotency_key,
            save_json=save_json,
            result_formats=result_formats,
        )
        endpoint = self._client.endpoint
        tracked = Tracked(started.job_id, str(workflow_id), endpoint=endpoint)
        tracked.record_status(started.status)
        return Run(tracked, self._client)

    def get(self, run_id: str) -> Run:
        """Return the handle of a run, to wait for it and to read its rows.

        Raises:
            NotFoundError: No run has that id.
            JournalError: The journal cannot be read.
        """
        seen = self._client.call(api.live_status, run_id)
        journal = self._settings.journal
        return run_of(self._client, str(run_id), journal=journal, seen=seen)

    def list(
        self,
        *,
        workflow_id: str | None = None,
        status: str | None = None,
        limit: int = 100,
    ) -> Sequence[api.RunEntry]:
        """Return the newest runs, newest first.

        Args:
            workflow_id: Only runs of this workflow.
            status: `running`, `completed`, `cancelled`, or `active` for queued and
                running ones. Other words, such as `failed`, are not documented.
            limit: The most runs to return, from 1 to 500. Older ones cannot be listed.
        """
        return self._client.call(api.list_runs, workflow_id, limit, status=status)

    def status(self, run_id: str) -> api.LiveStatus:
        """Return the status of a run."""
        return self._client.call(api.live_status, run_id)

    def to_csv(
        self,
        runs: Iterable[Run | Batch[Run] | str],
        path: str | PathLike[str] | Writable,
        *,
        run_column: str = "run_id",
        block: str | int | None = None,
        safe: bool = False,
        overwrite: bool = False,
        progress: Report | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> int:
        """Save the rows of several runs as one CSV, and return their number.

        The first column has the id of the run of each row. Other columns are those of
        all runs. All files are downloaded before anything is written.

        Args:
            runs: Completed runs, their ids, or the batches of `run_batches`.
            path: A file that will be complete or absent, or an open text file.
            run_column: Name of the first column.
            block: See `Run.rows`, as all that follows.
            safe: See `Run.to_csv`.
            overwrite: See `Run.to_csv`.
            progress: See `Run.to_csv`.
            max_bytes: The most bytes of each file.
            allow_unproven: See `Run.rows`.

        Raises:
            ArgumentError: The rows have a column called `run_column`.
            SaveError: The file exists, or cannot be written.
            FlowError: The rows of a run cannot be read; see `Run.rows`.
        """
        require_ending(path, CSV)
        require_free(path, overwrite=overwrite)
        parts: dict[str, ResultRows[Any]] = {}
        for given in runs:
            found: Any = getattr(given, "run", given)
            run: Run = self.get(found) if isinstance(found, str) else found
            parts[run.id] = run.rows(
                block=block, max_bytes=max_bytes, allow_unproven=allow_unproven
            )
        totals = [rows.total for rows in parts.values()]
        total = None if None in totals else sum(filter(None, totals))
        raw = ((run_id, (row.raw for row in rows)) for run_id, rows in parts.items())
        table = report_rows(label_rows(raw, run_column), total, progress)
        return write_csv(table, path, safe=safe, overwrite=overwrite)

    def cancel(self, run_id: str) -> str:
        """Cancel a run, and return the word of the service for its status.

        A run that has ended keeps its status. Rows that were processed are presumably
        charged. If the answer is lost, the request is sent again.
        """
        return self._client.call(api.cancel_run, run_id)

    def download_links(
        self, run_id: str, format: str = "csv"
    ) -> Sequence[api.ResultItem]:
        """Return the result files of a run, one for each stage that saved something.

        The links live for 15 minutes and need no credential: anyone who has a link can
        read the rows. The final file has the highest `block_number`.

        Args:
            run_id: Id of the run.
            format: `csv`, or `json` and `ndjson` if the run saved them.
        """
        return self._client.call(api.download_links, run_id, format)


class Schedules:
    """`client.schedules`: the calls about schedules, which start runs at fixed times.

    Each run that a schedule starts is paid for. One source says that only the
    Enterprise plan has schedules. A schedule is bound to the credential that made it.
    """

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client: Final = client

    def create(
        self,
        workflow_id: str,
        name: str,
        cron_expression: str,
        *,
        timezone: str = "UTC",
        description: str | None = None,
        is_active: bool = True,
    ) -> api.Schedule:
        """Create a schedule. If the answer is lost, the request is not sent again.

        Args:
            workflow_id: Id of the workflow to run.
            name: Its name, of 1 to 120 characters.
            cron_expression: Five fields, such as `0 9 * * 1`.
            timezone: An IANA name, such as `Europe/Berlin`.
            description: A text for people.
            is_active: False creates a schedule that is off.
        """
        return self._client.call(
            api.create_schedule,
            workflow_id,
            name,
            cron_expression,
            timezone=timezone,
            description=description,
            is_active=is_active,
        )

    def get(self, schedule_id: str) -> api.Schedule:
        """Return one schedule."""
        return self._client.call(api.get_schedule, schedule_id)

    def list(self, workflow_id: str | None = None) -> Sequence[api.Schedule]:
        """Return the schedules of one workflow, or all."""
        return self._client.call(api.list_schedules, workflow_id)

    def update(
        self,
        schedule_id: str,
        *,
        name: str | None = None,
        cron_expression: str | None = None,
        timezone: str | None = None,
        description: str | None = None,
        is_active: bool | None = None,
    ) -> api.Schedule:
        """Change the given fields, and no others.

        Switching a schedule on binds it to the credential of this client. If the answer
        is lost, the request is not sent again.
        """
        return self._client.call(
            api.update_schedule,
            schedule_id,
            name=name,
            cron_expression=cron_expression,
            timezone=timezone,
            description=description,
            is_active=is_active,
        )

    def delete(self, schedule_id: str) -> None:
        """Delete a schedule. If the answer is lost, the request is not sent again."""
        self._client.call(api.delete_schedule, schedule_id)


class SigningSecrets:
    """`client.signing_secret`: the secret that signs the deliveries of an organisation.

    An organisation has one. Only admins may change it.
    """

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client: Final = client

    def get(self) -> api.SigningSecret | None:
        """Return what may be known of the secret. None if deliveries are not signed."""
        return self._client.call(api.get_signing_secret)

    def create(self) -> api.NewSigningSecret:
        """Make a secret. **This revokes the present one at once**: see `roll`.

        Receivers that know only the old secret refuse every delivery from then on. If
        the answer is lost, the request is not sent again, since each call revokes a
        secret.
        """
        return self._client.call(api.create_signing_secret)

    def roll(self, expire_overlap_hours: int = 24) -> api.NewSigningSecret:
        """Make a secret, and let the present one sign as well for some hours.

        Then the present one is revoked. If the answer is lost, the request is not sent
        again, since each call revokes a secret.

        Args:
            expire_overlap_hours: From 0 to 72. 0 revokes the present secret at once, as
                after a leak.
        """
        return self._client.call(api.roll_signing_secret, expire_overlap_hours)

    def delete(self) -> None:
        """Revoke the secret. Deliveries are no longer signed.

        Receivers that need a signature refuse them. If the answer is lost, the request
        is not sent again.
        """
        self._client.call(api.delete_signing_secret)
