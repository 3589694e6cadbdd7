"""Each method of `AsyncClient` has the types of the method of `Client`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, assert_type

from flow64 import AsyncClient, Workflow, returns
from flow64.analysis.live import LiveCatalogue
from flow64.client import (
    AsyncRun,
    Balance,
    Batch,
    Event,
    LiveStatus,
    NewSigningSecret,
    Plan,
    ResultItem,
    Row,
    RunEntry,
    Schedule,
    SigningSecret,
    Step,
    WorkflowInfo,
)


@returns
class Person:
    title: Annotated[str, "Current job title"]


async def use_client(client: AsyncClient, workflow: Workflow) -> None:
    rows = [{"email": "ada@example.com"}]
    assert_type(await client.deploy(workflow, force=True), Step)
    assert_type(await client.plan(workflow, env="prod"), Plan)
    assert_type(await client.blocks(), LiveCatalogue)
    assert_type(await client.balance(), Balance)
    run = await client.run(workflow, rows, intent="2026-W20", max_cost=5)
    assert_type(run, AsyncRun)
    async for batch in client.run_batches(workflow, rows, size=10):
        assert_type(batch, Batch[AsyncRun])
    await client.close()


async def use_run(run: AsyncRun) -> None:
    assert_type(await run.wait(60, every=1), AsyncRun)
    assert_type(await run.refresh(), str)
    assert_type(await run.cancel(), str)
    assert_type(await run.results(), Sequence[ResultItem])
    assert_type(await run.to_csv("rows.csv", safe=True), int)
    assert_type(await run.download("results", every_stage=True), Sequence[Path])
    async for event in run.watch(every=1):
        assert_type(event, Event)
    async for row in run.rows():
        assert_type(row, Row[Mapping[str, Any]])
    async for person in run.rows(Person):
        assert_type(person.value, Person)


async def use_topics(client: AsyncClient, workflow: Workflow) -> None:
    assert_type(await client.workflows.create(workflow.compile()), WorkflowInfo)
    assert_type(await client.workflows.get("w"), WorkflowInfo)
    assert_type(await client.workflows.list(), list[WorkflowInfo])
    assert_type(await client.workflows.update("w", name="Leads"), WorkflowInfo)
    assert_type(await client.workflows.delete("w"), WorkflowInfo | None)
    assert_type(await client.runs.start("w", [{}], save_json=False), AsyncRun)
    assert_type(await client.runs.get("r"), AsyncRun)
    assert_type(await client.runs.list(workflow_id="w", limit=5), list[RunEntry])
    assert_type(await client.runs.status("r"), LiveStatus)
    assert_type(await client.runs.cancel("r"), str)
    assert_type(await client.runs.download_links("r", "json"), list[ResultItem])
    assert_type(await client.schedules.create("w", "Weekly", "0 9 * * 1"), Schedule)
    assert_type(await client.schedules.get("s"), Schedule)
    assert_type(await client.schedules.list(), list[Schedule])
    assert_type(await client.schedules.update("s", is_active=False), Schedule)
    assert_type(await client.schedules.delete("s"), None)
    assert_type(await client.signing_secrets.get(), SigningSecret | None)
    assert_type(await client.signing_secrets.create(), NewSigningSecret)
    assert_type(await client.signing_secrets.roll(0), NewSigningSecret)
    assert_type(await client.signing_secrets.delete(), None)


async def misuse(client: AsyncClient, workflow: Workflow) -> None:
    await client.deploy(workflow, forced=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.workflows.get(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AsyncClient("k", url="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
