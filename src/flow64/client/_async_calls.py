"""The documented calls of an `AsyncClient`, by topic: those of a `Client`, awaited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .. import api
from ._async_run import AsyncRun, async_run_of
from ._calls import GivenRows
from ._direct import (
    Given,
    GivenWorkflow,
    create_workflow,
    start_directly,
    update_workflow,
)
from ._settings import ClientSettings

if TYPE_CHECKING:
    from ._async_client import AsyncClient


class AsyncWorkflows:
    """`client.workflows`: the calls about workflows; see `Workflows`."""

    __slots__ = ("_client", "_settings")

    def __init__(self, client: AsyncClient, settings: ClientSettings) -> None:
        self._client: Final = client
        self._settings: Final = settings

    async def create(
        self,
        workflow: Given,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        allow_spend: bool = False,
    ) -> api.WorkflowInfo:
        """Create a workflow; see `Workflows.create`."""
        source = GivenWorkflow("workflows.create", workflow, env, values)
        del values  # an error from here on may show the locals of its frames
        talk = create_workflow(source, self._settings, allow_spend=allow_spend)
        return await self._client.play(talk)

    async def get(self, workflow_id: str) -> api.WorkflowInfo:
        """Return one workflow, with its definition; see `Workflows.get`."""
        return await self._client.play(api.workflow_info(workflow_id))

    async def list(self) -> Sequence[api.WorkflowInfo]:
        """Return all workflows of the organisation, without their definitions."""
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
        """Change a workflow; see `Workflows.update`."""
        source = GivenWorkflow("workflows.update", workflow, env, values)
        del values  # an error from here on may show the locals of its frames
        talk = update_workflow(
            workflow_id,
            source,
            self._settings,
            name=name,
            description=description,
            is_new=create,
            allow_spend=allow_spend,
        )
        return await self._client.play(talk)

    async def delete(self, workflow_id: str) -> api.WorkflowInfo | None:
        """Delete a workflow for good; see `Workflows.delete`."""
        return await self._client.play(api.delete_workflow(workflow_id))


class AsyncRuns:
    """`client.runs`: the calls about runs; see `Runs`."""

    __slots__ = ("_client", "_settings")

    def __init__(self, client: AsyncClient, settings: ClientSettings) -> None:
        self._client: Final = client
        self._settings: Final = settings

    async def start(
        self,
        workflow_id: str,
        rows: GivenRows = (),
        *,
        idempotency_key: str | None = None,
        specs_override: Mapping[str, Any] | None = None,
        save_json: bool = True,
        result_formats: Sequence[str] = (),
    ) -> AsyncRun:
        """Start a run of the deployed workflow; see `Runs.start`."""
        talk = start_directly(
            workflow_id,
            rows,
            idempotency_key=idempotency_key,
            specs_override=specs_override,
            save_json=save_json,
            result_formats=result_formats,
        )
        started = await self._client.play(talk)
        run = AsyncRun(started.job_id, str(workflow_id), self._client)
        run.record_status(started.status)
        return run

    async def get(self, run_id: str) -> AsyncRun:
        """Return the handle of a run; see `Runs.get`."""
        seen = await self._client.play(api.live_status(run_id))
        journal = self._settings.journal
        run = async_run_of(self._client, str(run_id), seen.workflow_id, journal=journal)
        run.record_look(seen)
        return run

    async def list(
        self,
        *,
        workflow_id: str | None = None,
        status: str | None = None,
        limit: int = 100,
    ) -> Sequence[api.RunEntry]:
        """Return the newest runs, newest first; see `Runs.list`."""
        return await self._client.play(api.list_runs(workflow_id, limit, status=status))

    async def status(self, run_id: str) -> api.LiveStatus:
        """Return the status of a run."""
        return await self._client.play(api.live_status(run_id))

    async def cancel(self, run_id: str) -> str:
        """Cancel a run, and return its status; see `Runs.cancel`."""
        return await self._client.play(api.cancel_run(run_id))

    async def download_links(
        self, run_id: str, format: str = "csv"
    ) -> Sequence[api.ResultItem]:
        """Return the result files of a run; see `Runs.download_links`."""
        return await self._client.play(api.download_links(run_id, format))


class AsyncSchedules:
    """`client.schedules`: the calls about schedules; see `Schedules`."""

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
        """Create a schedule; see `Schedules.create`."""
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
        """Return one schedule."""
        return await self._client.play(api.get_schedule(schedule_id))

    async def list(self, workflow_id: str | None = None) -> Sequence[api.Schedule]:
        """Return the schedules of one workflow, or all."""
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
        """Change the given fields, and no others; see `Schedules.update`."""
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
        """Delete a schedule. If the answer is lost, the request is not sent again."""
        await self._client.play(api.delete_schedule(schedule_id))


class AsyncSigningSecrets:
    """`client.signing_secret`: the signing secret; see `SigningSecrets`."""

    __slots__ = ("_client",)

    def __init__(self, client: AsyncClient) -> None:
        self._client: Final = client

    async def get(self) -> api.SigningSecret | None:
        """Return what may be known of the secret. None if deliveries are not signed."""
        return await self._client.play(api.get_signing_secret())

    async def create(self) -> api.NewSigningSecret:
        """Make a secret. This revokes the present one; see `SigningSecrets.create`."""
        return await self._client.play(api.create_signing_secret())

    async def roll(self, expire_overlap_hours: int = 24) -> api.NewSigningSecret:
        """Make a secret, and keep the old one for hours; see `SigningSecrets.roll`."""
        return await self._client.play(api.roll_signing_secret(expire_overlap_hours))

    async def delete(self) -> None:
        """Revoke the secret; see `SigningSecrets.delete`."""
        await self._client.play(api.delete_signing_secret())
