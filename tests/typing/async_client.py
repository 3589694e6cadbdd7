"""A method of `AsyncClient` has the types of the method of `Client`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, assert_type

from flow64 import AsyncClient, Workflow, returns
from flow64.client import AsyncRun, Balance, Batch, Event, Plan, Row, Schedule, Step


@returns
class Person:
    title: Annotated[str, "Current job title"]


async def use_client(client: AsyncClient, workflow: Workflow) -> None:
    rows = [{"email": "ada@example.com"}]
    assert_type(await client.deploy(workflow, force=True), Step)
    assert_type(await client.plan(workflow, env="prod"), Plan)
    assert_type(await client.balance(), Balance)
    async for batch in client.run_batches(workflow, rows, size=10):
        assert_type(batch, Batch[AsyncRun])
    assert_type(await client.runs.get("r"), AsyncRun)
    assert_type(await client.schedules.create("w", "Weekly", "0 9 * * 1"), Schedule)
    assert_type(await client.schedules.delete("s"), None)
    await client.close()


async def use_run(client: AsyncClient, workflow: Workflow) -> None:
    run = await client.run(workflow, intent="2026-W20", max_cost=5)
    assert_type(await run.wait(60, every=1), AsyncRun)
    assert_type(await run.to_csv("rows.csv", safe=True), int)
    async for event in run.watch(every=1):
        assert_type(event, Event)
    async for row in run.rows():
        assert_type(row, Row[Mapping[str, Any]])
    async for person in run.rows(Person):
        assert_type(person.value, Person)


async def misuse(client: AsyncClient, workflow: Workflow) -> None:
    await client.deploy(workflow, forced=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.workflows.get(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AsyncClient("k", url="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
