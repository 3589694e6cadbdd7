"""Airflow: a task starts a run once for each run of its DAG, and waits by deferring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, BaseOperator, Context
from airflow.triggers.base import BaseTrigger, TriggerEvent

from flow64 import LEAD, AsyncClient, Client, Project, Workflow
from flow64.blocks import FindEmail, Webhook

growth = Project("growth", namespace="acme.example")
flow = Webhook(LEAD, input_schema={"full_name": "string"}) >> FindEmail()
leads = Workflow("Leads", flow, key="leads", project=growth)


class RunEnds(BaseTrigger):
    """Waits for a run in the triggerer. Airflow stores its id alone."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run_id = run

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Name the class as the triggerer imports it, and its arguments."""
        return "airflow_leads.RunEnds", {"run": self.run_id}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until the run has ended, well or not."""
        async with AsyncClient() as client:
            run = await client.runs.get(self.run_id)
            async for _ in run.watch():
                pass
        yield TriggerEvent(run.id)


class RunWorkflow(BaseOperator):
    """Runs the workflow. A second try of the task attaches to the run of the first."""

    def execute(self, context: Context) -> None:
        """Start the run, once for this run of the DAG, and free the worker."""
        with Client() as client:
            run = leads.run("people.csv", client, intent=context["run_id"])
        self.defer(trigger=RunEnds(run.id), method_name="save")

    def save(self, _: Context, event: str) -> str:
        """Save the rows, or raise what the run says; the path goes to XCom."""
        path = Path(f"leads-{event}.csv")
        with Client() as client:
            client.runs.get(event).wait().to_csv(path, overwrite=True)
        return str(path)


with DAG("leads", schedule="@weekly") as dag:
    RunWorkflow(task_id="run", retries=2)
