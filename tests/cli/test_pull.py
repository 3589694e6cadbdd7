"""`flow64 pull`: what is live becomes a folder of JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from flow64 import LEAD, Client, Workflow
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.loading import load_source
from tests.cli.pipelines import settings


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

    assert (code, printed) == (0, "live/inbound.json\nlive/outbound.json\n")
    assert {one.method for one in service.requests} == {"GET"}
    loaded = load_source("live", code=False)
    assert {one.workflow.id("prod") for one in loaded.workflows} == ids
    assert loaded.names == ["inbound", "outbound"]
    assert not loaded.is_whole
    assert all(one.stamp_in("prod") for one in loaded.workflows)


def test_pulled_folder_is_what_is_live(put, flow64):
    """Also if people made the workflows, so that no project has them."""
    Path("pyproject.toml").write_text(settings(prod=[]), "utf-8")
    put("Inbound")
    put("Outbound")
    flow64("pull", "prod", "-o", "live")

    for options in ((), ("-o", "-")):
        equal = flow64("diff", "prod", "live", *options)[:2]
        assert equal == (0, "prod → live: 2 equal\n")


def test_dash_is_no_file_or_folder(put, flow64):
    put("Inbound")
    for command in (("pull", "prod"), ("plan", "prod"), ("doctor",)):
        option = "--report" if command == ("doctor",) else "-o"
        assert flow64(*command, option, "-")[0] == 64
    assert not Path("-").exists()


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
    assert "there already: live/inbound.json, live/outbound.json" in told
    assert "add --overwrite" in told
    assert "Mine" in file.read_text("utf-8")
    assert flow64("pull", "prod", "-o", "live", "--overwrite")[0] == 0
    assert file.read_text("utf-8") == text


def test_variables_that_are_not_set(put, service, flow64):
    """Without them secrets cannot be recognised, so nothing is sent."""
    put("Inbound")
    values = [
        'values.hook = { env = "PROD_HOOK" }',
        'values.account = { tokens = [{ env = "PROD_TOKEN" }, "x"] }',
    ]
    Path("pyproject.toml").write_text(settings(prod=values), "utf-8")
    service.requests.clear()

    code, printed, told = flow64("pull", "prod", "-o", "live")

    assert (code, printed, service.requests) == (1, "", [])
    assert "set PROD_HOOK, PROD_TOKEN first" in told
    assert not Path("live").exists()
