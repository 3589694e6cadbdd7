"""A fleet of workflows in two environments, with runs, for tests of the page."""

from __future__ import annotations

from flow64 import LEAD, Client, Project, Workflow
from flow64.blocks import (
    AppendToNotebook,
    Filter,
    FindEmail,
    FindPhone,
    LeadEnrichment,
    OutgoingWebhook,
    Webhook,
)
from tests.emulator.pages import connected, ended
from tests.emulator.support import start

GROWTH = Project("growth", namespace="acme.example")

KEYS = {"staging": "staging-any", "prod": "prod-any"}
"""The environments, and the key of each."""

REGIONS = (
    "us", "uk", "de", "fr", "jp", "br", "ca", "au", "nl", "se",
    "no", "dk", "fi", "it", "es", "pt", "pl", "cz", "at", "ch",
)  # fmt: skip

PEOPLE = [
    {"email": f"person{n}@example.com", "company": f"Company {n}"} for n in range(12)
]


def leads(region):
    """Seven blocks that end in two sinks."""
    flow = (
        Webhook(LEAD, input_schema={"email": "string", "company": "string"})
        >> LeadEnrichment(return_fields={"title": "Current job title"})
        >> FindEmail(mode="PROFESSIONAL")
        >> Filter.where("email_status").equals("OK")
        >> FindPhone()
        >> [
            OutgoingWebhook(url="https://crm.example.com/hooks/leads"),
            AppendToNotebook(notebook_id="hot-leads"),
        ]
    )
    return Workflow(
        f"Enrich inbound leads {region.upper()}",
        flow,
        key=f"leads-{region}",
        project=GROWTH,
        description=f"Webhook, enrich the people of {region.upper()}, outgoing webhook",
    )


def deploy_fleet(emulator, regions):
    """Deploy a workflow for each region to both environments; return their ids."""
    ids = {}
    for env, key in KEYS.items():
        with Client(api_key=key, base_url=emulator.url, journal=None) as client:
            for region in regions:
                deployment = leads(region).deploy(client, env=env)
                ids[env, region] = deployment.workflow_id
    return ids


def run_in(emulator, env, workflow_id):
    """Return the id of a run that has ended."""
    with connected(emulator, KEYS[env]) as client:
        started = start(client, workflow_id, PEOPLE).json()
        return ended(client, started["job_id"])
