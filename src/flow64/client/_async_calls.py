"""The documented calls of an `AsyncClient`, by topic: those of a `Client`, awaited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .. import api
from ._async_run import AsyncRun, async_run_of
from ._calls import Rows
from ._direct import Given, Source, creating, starting_directly, updating
from ._settings import Settled

if TYPE_CHECKING:
    from ._async_client import AsyncClient


class AsyncWorkflows:
    """`client.workflows`: the calls about workflows, one request each.

    To put code on the service, `client.deploy(workflow)` is the better call: it plans,
    keeps what was edited there, and verifies.
    """

    __slots__ = ("_client", "_settled")

    def __init__(self, client: AsyncClient, settled: Settled) -> None:
        self._client: Final = client
        self._settled: Final = settled

    async def create(
        self,
        workflow: Given,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        allow_spend: bool = False,
    ) -> api.WorkflowInfo:
        """Create a workflow.

        It is sent again after an answer that was lost only under an id of its own, and
        if it spends nothing; it is then looked at, since it may have been created.

        Args:
            workflow: A `Workflow`, a definition, or the JSON data of one.
            env: The environment that a `Workflow` is compiled for; by default that of
                the client, then `default`.
            values: What `value("name")` stands for in a `Workflow`.
            allow_spend: Agree to blocks that spend credits as soon as they are written.

        Raises:
            ConflictError: The id is taken.
            DeployError: It was refused before anything was sent.
        """
        source = Source("workflows.create", workflow, env, values)
        del values  # an error from here on may show the locals of its frames
        talk = creating(source, self._settled, allow_spend=allow_spend)
        return await self._client.play(talk)

    async def get(self, workflow_id: str) -> api.WorkflowInfo:
        """One workflow, with its definition.

        Raises:
            NotFoundError: There is none of that id, or it is another organisation's;
                the latter may be a `ForbiddenError`.
        """
        return await self._client.play(api.workflow_info(workflow_id))

    async def list(self) -> Sequence[api.WorkflowInfo]:
        """All workflows of the organisation, without their definitions."""
        return await self._client.play(api.list_workflows())

    async def update(
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
        """Change a workflow: all of it, or its title or description alone.

        The service would create a workflow of an id that it does not know, so this
        looks first. The whole graph is replaced, and the last writer wins. It is sent
        again after an answer that was lost only if it is whole and spends nothing.

        Args:
            workflow_id: Which.
            workflow: What it is to be; None leaves its graph as it is.
            name: Its new title.
            description: Its new description; without the last line that a deploy wrote,
                no later deploy knows it as its own.
            env: The environment that a `Workflow` is compiled for.
            values: What `value("name")` stands for in a `Workflow`.
            create: Do not look, and so create a workflow that is not there.
            allow_spend: Agree to blocks that spend credits as soon as they are written.

        Raises:
            NotFoundError: There is none of that id.
            DeployError: It was refused before anything was sent.
        """
        source = Source("workflows.update", workflow, env, values)
        del values  # an error from here on may show the locals of its frames
        talk = updating(
            workflow_id,
            source,
            self._settled,
            name=name,
            description=description,
            is_new=create,
            allow_spend=allow_spend,
        )
        return await self._client.play(talk)

    async def delete(self, workflow_id: str) -> api.WorkflowInfo | None:
        """Delete a workflow for good; its runs can still be listed.

        It is sent again after an answer that was lost.

        Returns:
            What was deleted; None where a repeated request found nothing any more.

        Raises:
            NotFoundError: There is none of that id.
        """
        return await self._client.play(api.delete_workflow(workflow_id))


class AsyncRuns:
    """`client.runs`: the calls about runs, one request each.

    To start a run that must happen once, `client.run(workflow, rows, intent=...)` is
    the better call: it looks before it sends, and finds a run whose answer was lost.
    """

    __slots__ = ("_client", "_settled")

    def __init__(self, client: AsyncClient, settled: Settled) -> None:
        self._client: Final = client
        self._settled: Final = settled

    async def start(
        self,
        workflow_id: str,
        rows: Rows = (),
        *,
        idempotency_key: str | None = None,
        specs_override: Mapping[str, Any] | None = None,
        save_json: bool = True,
        result_formats: Sequence[str] = (),
    ) -> AsyncRun:
        """Start a run of what is deployed; nothing is checked against code.

        It is never sent again after an answer that was lost.

        Args:
            workflow_id: Which workflow.
            rows: Rows for a `webhook` source: any iterable, a single row, or the path
                of a CSV, JSON or NDJSON file; None leaves `webhook_payload` out.
            idempotency_key: What the service may know a repetition by (inferred); by
                default a fresh UUID, so that every call starts a run of its own.
            specs_override: What the first block is set to in this run. Whether settings
                that it does not name survive is not documented: give all of them.
            save_json: Whether results are kept as JSON too, so that types survive.
            result_formats: Further formats to keep: `csv`, `json`, `ndjson`.

        Raises:
            RowsError: The rows cannot be sent.
            OutcomeUnknownError: No answer came, so it may have been started; the error
                names the key.
        """
        talk = starting_directly(
            workflow_id,
            rows,
            idempotency_key=idempotency_key,
            specs_override=specs_override,
            save_json=save_json,
            result_formats=result_formats,
        )
        started = await self._client.play(talk)
        run = AsyncRun(started.job_id, str(workflow_id), self._client)
        run.became(started.status)
        return run

    async def get(self, run_id: str) -> AsyncRun:
        """A run to wait for and to read, as the service and the journal know it.

        Raises:
            NotFoundError: There is none of that id.
            JournalError: The journal cannot be read.
        """
        seen = await self._client.play(api.live_status(run_id))
        journal = self._settled.journal
        run = async_run_of(self._client, str(run_id), seen.workflow_id, journal=journal)
        run.saw(seen)
        return run

    async def list(
        self,
        *,
        workflow_id: str | None = None,
        status: str | None = None,
        limit: int = 100,
    ) -> Sequence[api.RunEntry]:
        """The newest runs, newest first.

        Args:
            workflow_id: Of one workflow alone.
            status: `running`, `completed`, `cancelled`, or `active` for queued and
                running ones. That others work, such as `failed`, is not documented.
            limit: How many at most, from 1 to 500; older ones cannot be listed.
        """
        return await self._client.play(api.list_runs(workflow_id, limit, status=status))

    async def status(self, run_id: str) -> api.LiveStatus:
        """How far a run has come."""
        return await self._client.play(api.live_status(run_id))

    async def cancel(self, run_id: str) -> str:
        """Cancel a run; gives the service's word for its status.

        One that has ended keeps its status. Rows that were processed are presumably
        charged. It is sent again after an answer that was lost.
        """
        return await self._client.play(api.cancel_run(run_id))

    async def download_links(
        self, run_id: str, format: str = "csv"
    ) -> Sequence[api.ResultItem]:
        """The result files of a run, one for each stage that saved something.

        The links live for 15 minutes, and need no credential: whoever has one can read
        the rows. The final file is that of the highest `block_number`.

        Args:
            run_id: Which run.
            format: `csv`, or `json` and `ndjson` where the run kept them.
        """
        return await self._client.play(api.download_links(run_id, format))


class AsyncSchedules:
    """`client.schedules`: when the service runs a workflow by itself.

    Each run that it starts is paid for. Only the Enterprise plan has schedules, one
    source says. A schedule is bound to the credential that made it.
    """

    __slots__ = ("_client",)

    def __init__(self, client: AsyncClient) -> None:
        self._client: Final = client

    async def create(
        self,
        workflow_id: str,
        name: str,
        cron_expression: str,
        *,
        timezone: str = "UTC",
        description: str | None = None,
        is_active: bool = True,
    ) -> api.Schedule:
        """Create a schedule; never sent again after an answer that was lost.

        Args:
            workflow_id: Which workflow it runs.
            name: Its name, of 1 to 120 characters.
            cron_expression: When, in five fields, such as `0 9 * * 1`.
            timezone: Where that time holds; an IANA name such as `Europe/Berlin`.
            description: What it is for.
            is_active: Whether it is on.
        """
        talk = api.create_schedule(
            workflow_id,
            name,
            cron_expression,
            timezone=timezone,
            description=description,
            is_active=is_active,
        )
        return await self._client.play(talk)

    async def get(self, schedule_id: str) -> api.Schedule:
        """One schedule."""
        return await self._client.play(api.get_schedule(schedule_id))

    async def list(self, workflow_id: str | None = None) -> Sequence[api.Schedule]:
        """The schedules of one workflow, or all."""
        return await self._client.play(api.list_schedules(workflow_id))

    async def update(
        self,
        schedule_id: str,
        *,
        name: str | None = None,
        cron_expression: str | None = None,
        timezone: str | None = None,
        description: str | None = None,
        is_active: bool | None = None,
    ) -> api.Schedule:
        """Change what is given, and nothing else.

        Switching one on binds it to the credential of this client. It is not sent again
        after an answer that was lost.
        """
        talk = api.update_schedule(
            schedule_id,
            name=name,
            cron_expression=cron_expression,
            timezone=timezone,
            description=description,
            is_active=is_active,
        )
        return await self._client.play(talk)

    async def delete(self, schedule_id: str) -> None:
        """Delete a schedule; not sent again after an answer that was lost."""
        await self._client.play(api.delete_schedule(schedule_id))


class AsyncSigningSecrets:
    """`client.signing_secret`: the one secret that signs an organisation's deliveries.

    Only admins may change it.
    """

    __slots__ = ("_client",)

    def __init__(self, client: AsyncClient) -> None:
        self._client: Final = client

    async def get(self) -> api.SigningSecret | None:
        """What may be known of it; None where there is none, so nothing is signed."""
        return await self._client.play(api.get_signing_secret())

    async def create(self) -> api.NewSigningSecret:
        """Make a secret. **This revokes the present one at once**: see `roll`.

        Receivers that know the old one alone refuse every delivery from then on. Never
        sent again after an answer that was lost: each call revokes a secret.
        """
        return await self._client.play(api.create_signing_secret())

    async def roll(self, expire_overlap_hours: int = 24) -> api.NewSigningSecret:
        """Make a secret, and let the present one sign beside it for some hours.

        It revokes the present one when they are over. Never sent again after an answer
        that was lost: each call revokes a secret.

        Args:
            expire_overlap_hours: From 0 to 72; 0 revokes it at once, as after a leak.
        """
        return await self._client.play(api.roll_signing_secret(expire_overlap_hours))

    async def delete(self) -> None:
        """Revoke the secret: deliveries are not signed at all from then on.

        Receivers that insist on a signature refuse them. Not sent again after an answer
        that was lost.
        """
        await self._client.play(api.delete_signing_secret())
