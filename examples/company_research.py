"""Company research: from a list of accounts to the people who decide there.

Company rows cannot flow into blocks about people, so `CompanyToLeads` converts them.
It makes a row for each person that `find_people` found. The number of people, and so
the price, is unknown before the run. So the accounts are deduplicated first.
"""

from __future__ import annotations

from typing import Annotated

from flow64 import COMPANY, Project, Workflow, returns
from flow64.blocks import (
    AppendToNotebook,
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    Filter,
    FindEmail,
    FindPhone,
    Webhook,
)

growth = Project("growth", namespace="acme.example")


@returns
class Account:
    """The questions about each company, and the type of each answer."""

    headcount: Annotated[int | None, "Number of employees"]
    industry: Annotated[str, "Industry in two or three words"]
    technologies: Annotated[list[str], "Software that job posts ask for"]


flow = (
    Webhook(COMPANY, input_schema={"company_name": "string", "website": "string"})
    >> Deduplicate()
    >> CompanyEnrichment(
        return_fields=Account,
        find_people=True,
        people_focus_prompt="Heads of finance and their deputies",
    )
    >> CompanyToLeads()
    >> FindEmail(mode="PROFESSIONAL")
    >> Filter.where("email_status", key="reachable").equals("OK")
    >> FindPhone()
    >> AppendToNotebook(notebook_id="7d0c2c52-6d0b-4f2e-9d53-1d7b0e8a4f11")
)
workflow = Workflow(
    "Research companies",
    flow,
    key="company-research",
    project=growth,
    description="Accounts in, heads of finance with address and phone out",
)

if __name__ == "__main__":
    print(workflow.to_json(), end="")
