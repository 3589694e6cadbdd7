"""`flow64 pull`: what is live becomes a folder of JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from flow64 import LEAD, Client, Workflow
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.loading import load_source

SECRET = "https://example.com/hook?key=sk_live_not_a_real_key_SENTINEL"


@pytest.fixture
def put(service):
    """Put a workflow there as the web editor does, and give its id."""

    def putting(title, url="https://example.com/hook"):
        flow = (
            Webhook(LEAD, input_schema={"email": "string"})
            >> FindEmail()
            >> OutgoingWebhook(url=url)
        )
        definition = Workflow("w", flow, key="w").compile()
        with Client(journal=None) as client:
            made = client.workflows.create(evolve(definition, id=None, name=title))
        return made.id

    return putting


def test_all(put, service, flow64):
    """F19: each is a file, with GETs and nothing else."""
    ids = {put("Inbound"), put("Outbound")}
    service.requests.clear()

    code, printed, _ = flow64("pull", "prod", "-o", "live")

    assert (code, printed.splitlines()) == (
        0,
        ["live/inbound.json", "live/outbound.json"],
    )
    assert {one.method for one in service.requests} == {"GET"}
    loaded = load_source("live", code=False)
    assert {one.workflow.id("prod") for one in loaded.workflows} == ids
    assert loaded.names == ["inbound", "outbound"]
    assert not loaded.is_whole
    assert all(one.stamp_in("prod") for one in loaded.workflows)


def test_nothing_is_overwritten(put, flow64):
    """Files that are there stay as they are, unless they are to be replaced."""
    put("Inbound")
    put("Outbound")
    flow64("pull", "prod", "-o", "live")
    file = Path("live/inbound.json")
    text = file.read_text("utf-8")
    file.write_text(text.replace("Inbound", "Mine"), "utf-8")

    code, _, told = flow64("pull", "prod", "-o", "live")

    assert code == 1
    assert "live/inbound.json, live/outbound.json is there already" in told
    assert "add --overwrite" in told
    assert "Mine" in file.read_text("utf-8")
    assert flow64("pull", "prod", "-o", "live", "--overwrite")[0] == 0
    assert file.read_text("utf-8") == text


def test_key_is_not_saved(put, flow64):
    """What looks like a key is written and shown nowhere; its place is named."""
    put("Inbound", SECRET)
    put("Outbound")

    code, printed, told = flow64("pull", "prod", "-o", "live")

    everything = "".join(path.read_text("utf-8") for path in Path("live").iterdir())
    assert (code, printed) == (1, "live/outbound.json\n")
    assert ") at /url holds what looks like a key" in told
    assert "SENTINEL" not in printed + told + everything


SETTINGS = """
[tool.flow64.environments.prod]
endpoint = "{endpoint}"
api_key = {{ env = "SIXTYFOUR_API_KEY" }}

[tool.flow64.environments.prod.values]
crm_hook = {{ env = "PROD_CRM_HOOK" }}
account = {{ region = "eu-central-1", tokens = [{{ env = "PROD_TOKEN" }}, "x"] }}
notebook = "nb_8f2c11d0"
"""
HOOK = "https://crm.example.com/hooks/SENTINEL"


@pytest.fixture
def prod(service, monkeypatch):
    """An environment with values from variables."""
    settings = SETTINGS.format(endpoint=service.url)
    Path("pyproject.toml").write_text(settings, "utf-8")
    monkeypatch.setenv("PROD_CRM_HOOK", HOOK)
    monkeypatch.setenv("PROD_TOKEN", "token-SENTINEL")
    return service


def test_values_of_the_environment_stay_values(put, prod, flow64):
    """F26: pulled, planned, deployed and replaced, a secret is in no file."""
    workflow_id = put("Inbound", HOOK)

    code, printed, told = flow64("pull", f"prod:{workflow_id}", "-o", "live", "--json")
    (one,) = json.loads(printed)["workflows"]
    planned = json.loads(flow64("plan", "live", "--env", "prod", "--format", "json")[1])
    deployed = flow64("deploy", "live", "--env", "prod", "--yes")
    Path("live/inbound.json").write_text(
        Path("live/inbound.json").read_text("utf-8").replace('"Inbound"', '"New"'),
        "utf-8",
    )
    again = flow64("deploy", "live", "--env", "prod", "--yes")

    assert (code, deployed[0], again[0]) == (0, 0, 0)
    assert one["values"] == ["crm_hook"]
    assert "inbound.json: texts that equal values are values: crm_hook" in told
    assert [(step["id_after"], step["state"]) for step in planned["workflows"]] == [
        (workflow_id, "update")
    ]
    files = [path for path in Path().rglob("*") if path.is_file()]
    assert len([path for path in files if "history" in path.parts]) == 2
    told_of = [path for path in files if "SENTINEL" in path.read_text("utf-8")]
    assert told_of == []
    assert "SENTINEL" not in printed + told + "".join(map(str, (deployed, again)))
    assert HOOK in json.dumps(prod.edit(workflow_id, name="seen"))


def test_variables_that_are_not_set(put, prod, flow64, monkeypatch):
    """Without them secrets cannot be recognised, so nothing is sent."""
    put("Inbound", HOOK)
    prod.requests.clear()
    for name in ("PROD_CRM_HOOK", "PROD_TOKEN"):
        monkeypatch.delenv(name)

    code, printed, told = flow64("pull", "prod", "-o", "live")

    assert (code, printed, prod.requests) == (1, "", [])
    assert "set PROD_CRM_HOOK, PROD_TOKEN first" in told
    assert not Path("live").exists()
