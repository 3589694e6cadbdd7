"""Workflows to send, and helpers that wait."""

from __future__ import annotations

import ssl
import time
from uuid import NAMESPACE_URL, uuid5

# Loopback is plain http: reading all certificates would take longer than most tests.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def block(kind, number=1, /, **specs):
    """A block whose id is computed from its kind and number."""
    return {
        "block_id": str(uuid5(NAMESPACE_URL, f"{kind}/{number}")),
        "sequence_number": number,
        "block_type": "any",
        "block_name": kind,
        "specs": specs,
    }


def graph(*blocks, edges=None):
    """Blocks in a chain, or joined by the edges given as pairs of positions."""
    numbered = [{**b, "sequence_number": n} for n, b in enumerate(blocks, start=1)]
    pairs = edges
    if pairs is None:
        pairs = [(at, at + 1) for at in range(len(blocks) - 1)]
    return {
        "blocks": numbered,
        "edges": [
            {
                "from_block_id": numbered[source]["block_id"],
                "to_block_id": numbered[target]["block_id"],
            }
            for source, target in pairs
        ],
    }


def body(*blocks, edges=None, name="Test", **more):
    """A create body."""
    return {
        "workflow_name": name,
        "workflow_description": "A test",
        "workflow_definition": graph(*blocks, edges=edges),
        **more,
    }


WEBHOOK = block("webhook", dataframe_type="LEAD")
EMAIL = block("find_email")
OUT = block("outgoing_webhook", url="https://example.com/hook")

LEADS = body(WEBHOOK, EMAIL, OUT)
"""Three blocks that take people."""

ACCOUNTS = body(
    block("webhook", dataframe_type="COMPANY"),
    block("deduplicate"),
    block(
        "company_enrichment",
        find_people=True,
        return_fields={"headcount": {"description": "Employees", "type": "int"}},
        lead_struct={"seniority": "How senior"},
    ),
    block("company_to_leads"),
    block("find_email"),
    block(
        "filter",
        filters=[{"column": "email_status", "operator": "equals", "value": "OK"}],
    ),
)
"""Six blocks that make people out of companies."""


def create(client, data):
    """The id of a workflow just created."""
    reply = client.post("/workflows/create_workflow", json=data)
    assert reply.status_code == 200, reply.text
    return reply.json()["id"]


def start(client, workflow_id, rows=None, headers=None, **query):
    """The answer to starting a run."""
    return client.post(
        "/workflows/run",
        params={"workflow_id": workflow_id, **query},
        json={"webhook_payload": rows},
        headers=headers,
    )


def status_of(client, run_id):
    """The live status of a run."""
    return client.get(f"/workflows/runs/{run_id}/live_status").json()


def wait(client, run_id, until=("completed", "failed", "cancelled"), seconds=20.0):
    """Return the live status of a run once it has the wanted status."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = status_of(client, run_id)
        if found["overall_status"] in until:
            return found
        time.sleep(0.005)
    raise AssertionError(found)


def run_rows(client, data, rows):
    """The id of a run of a workflow just created, once it has ended."""
    run_id = start(client, create(client, data), rows).json()["job_id"]
    wait(client, run_id)
    return run_id


def links(client, run_id, **query):
    """The download items of a run."""
    path = f"/workflows/runs/{run_id}/results/download-links"
    return client.get(path, params=query).json()
