"""A kind that the catalogue does not know yet, and a new field of a known kind.

`RawBlock` sends any block as it is. Nothing in it is checked, and its row kinds are
trusted. It may add any columns, so no column is called unknown after it. `extra=` does
the same for single fields of a block that the catalogue knows.
"""

from __future__ import annotations

from flow64 import LEAD, Project, RawBlock, Workflow
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook

growth = Project("growth", namespace="acme.example")

flow = (
    Webhook(LEAD, input_schema={"full_name": "string", "company": "string"})
    >> RawBlock("score_lead", key="score", specs={"model": "fit-2", "scale": [0, 100]})
    >> FindEmail(extra={"region": "emea"})
    >> OutgoingWebhook(url="https://crm.acme.example/hooks/scored")
)
workflow = Workflow("Score with a new kind", flow, key="new-kind", project=growth)

if __name__ == "__main__":
    print(workflow.to_json(), end="")
