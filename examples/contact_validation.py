"""Contact validation: which addresses of an old list still reach somebody.

`verify_email` is known by name alone, so its settings would go whole into `specs=`;
they are left to the service here. What it adds is undocumented too: the filter reads
the column `email_status`, of whose words sources agree on `OK` only. Rows without an
address are dropped before anything is paid for.
"""

from __future__ import annotations

from flow64 import LEAD, Project, Workflow
from flow64.blocks import Deduplicate, Filter, OutgoingWebhook, VerifyEmail, Webhook

growth = Project("growth", namespace="acme.example")

flow = (
    Webhook(LEAD, input_schema={"email": "string", "full_name": "string"})
    >> Filter.where("email", key="with_address")
    .is_not_empty()
    .and_("email")
    .not_contains("@acme.example")
    >> Deduplicate()
    >> VerifyEmail()
    >> Filter.where("email_status", key="reachable").equals("OK")
    >> OutgoingWebhook(url="https://crm.acme.example/hooks/valid-contacts")
)
workflow = Workflow(
    "Validate contacts",
    flow,
    key="contact-validation",
    project=growth,
    description="Drops our own and dead addresses from an imported list",
)

if __name__ == "__main__":
    print(workflow.to_json(), end="")
