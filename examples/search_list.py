"""A list from a search: find people, enrich them, and keep them in a notebook.

A search spends credits. flow64 sends `auto_execute: false` by default, so a deploy buys
nothing, and the search happens at the run. The notebook is a new one. It is not
documented if the service makes it once or at each run, and `check()` says so.
"""

from __future__ import annotations

from flow64 import LEAD, Project, Workflow
from flow64.blocks import (
    CREATE_NEW,
    AppendToNotebook,
    Deduplicate,
    FindEmail,
    LeadEnrichment,
    Search,
)

growth = Project("growth", namespace="acme.example")

flow = (
    Search(
        LEAD,
        query="Heads of revenue operations at Stripe, Adyen, Mollie and Checkout.com",
        max_results=300,
    )
    >> Deduplicate()
    >> LeadEnrichment(
        return_fields={
            "title": {"description": "Current job title", "type": "str"},
            "years_in_role": {"description": "Years in that job", "type": "int"},
        }
    )
    >> FindEmail()
    >> AppendToNotebook(notebook_id=CREATE_NEW, notebook_name="Revenue operations")
)
workflow = Workflow("List from a search", flow, key="search-list", project=growth)

if __name__ == "__main__":
    print(workflow.to_json(), end="")
