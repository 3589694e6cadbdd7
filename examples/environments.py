"""Values that differ by environment, one of them a secret.

`value("notebook")` stands for a whole value. Without values the JSON holds its name, so
it is the same for every environment and can be committed. A deploy fills it in:

    workflow.deploy(env="staging", values=STAGING)

A secret is sent, and masked in everything that is printed or saved. A deploy
without one of its values is refused before anything is written.
"""

from __future__ import annotations

from flow64 import LEAD, Project, Workflow, value
from flow64.blocks import AppendToNotebook, LeadEnrichment, OutgoingWebhook, Webhook

growth = Project("growth", namespace="acme.example")

# The secret of production comes from a secret store, never from a file like this.
STAGING = {
    "notebook": "2f6c1b7e-3f0a-4c55-9f0e-8c1a5d7b9e21",
    "crm_hook": "https://crm-staging.acme.example/hooks/not-a-real-token",
}

flow = (
    Webhook(LEAD, input_schema={"email": "string"})
    >> LeadEnrichment(
        return_fields={"title": {"description": "Current job title", "type": "str"}}
    )
    >> [
        AppendToNotebook(notebook_id=value("notebook")),
        OutgoingWebhook(url=value("crm_hook", secret=True)),
    ]
)
workflow = Workflow("Enrich everywhere", flow, key="everywhere", project=growth)

if __name__ == "__main__":
    print(workflow.to_json(), end="")
