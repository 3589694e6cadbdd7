"""One fragment under two scopes: work and private addresses, looked up in parallel.

A fragment is a function that returns a flow. If you use it twice, its blocks would have
the same keys and so the same ids. `.scoped("work")` puts the keys inside under a name.
Each use then has ids of its own, and a change of one does not change the other.
"""

from __future__ import annotations

from flow64 import LEAD, Flow, Lead, Project, Workflow
from flow64.blocks import EmailMode, Filter, FindEmail, OutgoingWebhook, Webhook

growth = Project("growth", namespace="acme.example")


def contact(mode: EmailMode, found: str) -> Flow[Lead, Lead]:
    """Find an address, and keep only rows with an address in its column."""
    return FindEmail(mode=mode) >> Filter.where(found).is_not_empty()


source = Webhook(LEAD, input_schema={"full_name": "string", "company": "string"})
deliver = OutgoingWebhook(url="https://crm.acme.example/hooks/contacts")
flow = (
    source
    >> [
        contact("PROFESSIONAL", "email").scoped("work"),
        contact("PERSONAL", "personal_email").scoped("private"),
    ]
    >> deliver
)
workflow = Workflow("Work and private addresses", flow, key="two-ways", project=growth)

if __name__ == "__main__":
    print(workflow.to_json(), end="")
