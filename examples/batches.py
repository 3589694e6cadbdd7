"""Batches: run a long list in parts, and go on where it stopped.

Interrupt the program and start it again: finished batches are not bought again, since
each is known by the definition, its number and its rows. With an API key in
SIXTYFOUR_API_KEY and `Client()` it does the same on the service, and spends.
"""

from __future__ import annotations

from typing import Annotated

from flow64 import LEAD, Client, Project, Workflow, returns
from flow64.blocks import LeadEnrichment, Webhook
from flow64.emulator import Emulator

growth = Project("growth", namespace="acme.example")


@returns
class Person:
    """The question about each person, and the type of the answer."""

    title: Annotated[str, "Current job title"]


flow = Webhook(
    LEAD, input_schema={"full_name": "string", "company": "string"}
) >> LeadEnrichment(return_fields=Person)
people = Workflow("Titles", flow, key="titles", project=growth)


def main() -> None:
    """Run 100 rows in batches of 30, two at a time, and count what came out."""
    rows = [{"full_name": f"Person {n}", "company": "Acme"} for n in range(100)]
    with Emulator() as emulator, Client("any", base_url=emulator.url) as client:
        people.deploy(client)
        for batch in people.run_batches(
            rows, client, size=30, concurrency=2, max_cost=20, every=0.05
        ):
            titles = [row.value.title for row in batch.run.rows(Person)]
            print(f"batch {batch.index}: {batch.run.status}, {len(titles)} titles")


if __name__ == "__main__":
    main()
