"""Contact validation: find the addresses of an old list that still work.

Only the name of `verify_email` is known, so you would give its settings as `specs=`.
Here the service decides them. The columns that it adds are not documented either. The
filter reads `email_status`, because all sources agree on the word `OK`. Rows without an
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
