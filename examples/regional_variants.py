"""Forty regional variants from one function. One of them differs.

The table holds what varies. Each variant is a workflow of its own. Its ids come only
from its name in the table, so adding, removing or sorting rows changes no other ids.
Germany needs consent first, and its row says so.

Run as a script it prints a JSON array with one workflow a line.
"""

from __future__ import annotations

from typing import Any

from flow64 import LEAD, Project, Workflow, include_if, variants
from flow64.blocks import Filter, FindEmail, LeadEnrichment, OutgoingWebhook, Webhook

growth = Project("growth", namespace="acme.example")

# fmt: off
REGIONS = [
    "ae", "ar", "at", "au", "be", "bg", "br", "ca", "ch", "cl",
    "co", "cz", "de", "dk", "ee", "es", "fi", "fr", "gb", "gr",
    "hk", "hr", "hu", "ie", "il", "in", "it", "jp", "kr", "lt",
    "lv", "mx", "nl", "no", "nz", "pl", "pt", "ro", "se", "us",
]
# fmt: on


def inbound(region: str, *, consent: bool = False) -> Workflow:
    """Return the workflow of one region."""
    title = {"description": f"Job title, as it is written in {region.upper()}"}
    flow = (
        Webhook(LEAD, input_schema={"email": "string", "consent": "bool"})
        >> include_if(consent, Filter.where("consent").equals(True))
        >> LeadEnrichment(return_fields={"title": title | {"type": "str"}})
        >> FindEmail()
        >> OutgoingWebhook(url=f"https://crm.acme.example/hooks/{region}")
    )
    return Workflow(
        f"Inbound leads, {region.upper()}", flow, key="regional", project=growth
    )


table: dict[str, dict[str, Any]] = {region: {"region": region} for region in REGIONS}
table["de"]["consent"] = True
workflows = variants(inbound, table)

if __name__ == "__main__":
    bodies = [workflow.to_json(indent=None).strip() for workflow in workflows.values()]
    print("[" + ",\n".join(bodies) + "]")
