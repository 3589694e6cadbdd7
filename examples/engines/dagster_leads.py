"""Dagster: one asset for each variant of a workflow.

To materialize an asset again with the same rows attaches to its run, and buys nothing.
"""

from __future__ import annotations

import dagster as dg

from flow64 import LEAD, Client, Project, Workflow, variants
from flow64.blocks import FindEmail, Webhook

growth = Project("growth", namespace="acme.example")


def leads(region: str) -> Workflow:
    """Return the workflow of a region."""
    flow = Webhook(LEAD, input_schema={"full_name": "string"}) >> FindEmail()
    return Workflow(f"Leads, {region}", flow, key="leads", project=growth)


def asset_of(region: str, workflow: Workflow) -> dg.AssetsDefinition:
    """Return an asset: the rows of a region as a file."""

    @dg.asset(name=region, key_prefix="leads", description=workflow.name)
    def rows() -> dg.MaterializeResult[None]:
        with Client() as client:
            run = workflow.run(f"people-{region}.csv", client, max_cost=50).wait()
            count = run.to_csv(f"leads-{region}.csv", overwrite=True)
        return dg.MaterializeResult(metadata={"run": run.id, "rows": count})

    return rows


fleet = variants(leads, region=["de", "fr", "us"])
assets = [asset_of(region, workflow) for (region,), workflow in fleet.items()]
definitions = dg.Definitions(assets=assets)
