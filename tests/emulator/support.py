"""Workflows to send, helpers that wait, and the contract for responses."""

from __future__ import annotations

import json
import re
import ssl
import time
from functools import cache
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from jsonschema import Draft202012Validator, FormatChecker

from flow64.emulator import Emulator
from flow64.http import httpx

# Loopback is plain http: reading all certificates would take longer than most tests.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

CONTRACT = Path(__file__).parents[3] / "shared" / "api" / "openapi-workflows.json"


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


# -- The contract ---------------------------------------------------------------------


@cache
def contract():
    """The published document, or None if it is not available."""
    return json.loads(CONTRACT.read_text()) if CONTRACT.exists() else None


def in_process(emulator, **settings):
    """A client of httpx for an emulator that has no port."""
    return httpx.Client(transport=emulator.transport(), **settings)


@cache
def own_contract():
    """The emulator's own document."""
    with in_process(Emulator()) as client:
        return client.get("http://emulator/openapi.json").json()


@cache
def validator(document, path, method, status):
    """Return a validator for a response, or None for an unknown path."""
    found = document()
    templates = sorted(found["paths"], key=lambda template: template.count("{"))
    for template in templates:
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method in found["paths"][template]:
            responses = found["paths"][template][method]["responses"]
            assert status in responses, f"{status} is not documented for {template}"
            content = responses[status].get("content")
            if content is None:
                return Draft202012Validator(False)
            schema = content["application/json"]["schema"]
            whole = {**schema, "components": found["components"]}
            return Draft202012Validator(whole, format_checker=FormatChecker())
    return None


def hold_to_contract(response):
    """Fail if a response violates our document or the published one."""
    status, path = response.status_code, response.request.url.path
    if status == 405:
        return
    documents = [own_contract]
    # What its prose says and its schemas leave out: limits, and strangers' schedules.
    is_said = status in {413, 429, 503} or (status == 404 and "/schedules" in path)
    if contract() is not None and not is_said:
        documents.append(contract)
    response.read()
    for document in documents:
        found = validator(document, path, response.request.method.lower(), str(status))
        if found is not None and response.content:
            found.validate(response.json())
