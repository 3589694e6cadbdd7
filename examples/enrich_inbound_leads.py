"""Enrich inbound leads: a form sends people, each is researched, rows are posted on.

This is the example of the service's guide, block for block. Its `return_fields` give a
type word as plain text, which the service reads as a description. It is kept here, and
`check()` says what to write instead.
"""

from __future__ import annotations

from flow64 import LEAD, Project, Workflow
from flow64.blocks import LeadEnrichment, OutgoingWebhook, Webhook

growth = Project("growth", namespace="acme.example")

flow = (
    Webhook(LEAD, input_schema={"email": "string", "company": "string"})
    >> LeadEnrichment(return_fields={"title": "string", "linkedin_url": "string"})
    >> OutgoingWebhook(url="https://example.com/hooks/sixtyfour", timeout_seconds=10)
)
workflow = Workflow(
    "Enrich inbound leads",
    flow,
    key="inbound",
    project=growth,
    description="Webhook → enrich people → outgoing webhook",
)

if __name__ == "__main__":
    print(workflow.to_json(), end="")
