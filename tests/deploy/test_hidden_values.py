"""What comes from variables is a secret wherever it is live, whatever code says."""

from __future__ import annotations

import pytest

from flow64 import LEAD, Client, Project, RawBlock, Workflow, value
from flow64.blocks import OutgoingWebhook, Webhook
from flow64.client import Terms
from flow64.definition import (
    BoundSecret,
    Value,
    dumps,
    redact_for_display,
)
from flow64.emulator import Emulator

HOOK = "https://crm.acme.example/hooks/quiet-otter-SENTINEL"
OTHER = "https://crm.acme.example/hooks/loud-heron-SENTINEL"


def leads(url):
    return Workflow(
        "Leads",
        Webhook(LEAD, input_schema={"company": "string"}) >> OutgoingWebhook(url=url),
        key="leads",
        project=Project("growth", namespace="acme.example"),
    )


def test_values_of_a_call_hide_nothing_less():
    """Those of the environment are secret too where a call gives others."""
    terms = Terms(values={"hook": HOOK}, hidden=frozenset({"hook"}))
    secret, plain = leads(value("hook", secret=True)), leads("https://new.example/in")
    with Client(
        "sk_test_not_a_real_key",
        base_url="http://127.0.0.1",
        transport=Emulator().transport(),
        journal=None,
        terms=terms,
    ) as client:
        client.deploy(secret)
        told = [
            client.preview(plain),
            client.preview(plain, values={}),
            client.preview(plain, values={"hook": OTHER}),
        ]

    assert [one.state for one in told] == ["update"] * 3
    assert all("~ url" in str(one.changes) for one in told)
    assert "SENTINEL" not in str(told)


def test_secret_inside_of_a_field_is_masked():
    """Also where code says something else, plain as it is, in its place."""

    def held(token):
        specs = {"headers": {"token": token, "kind": "json"}}
        flow = Webhook(LEAD) >> RawBlock("send", specs=specs)
        return Workflow("Leads", flow, key="leads").compile()

    shown = redact_for_display(
        held(HOOK), held("x"), [BoundSecret(Value("hook"), HOOK)]
    )

    assert "SENTINEL" not in dumps(shown)
    assert '"token": "***"' in dumps(shown)
    assert '"kind": "json"' in dumps(shown)


def test_name_that_is_a_secret_is_masked():
    """A member that somebody called by it hides all that is beside it."""

    def held(**headers):
        flow = Webhook(LEAD) >> RawBlock("send", specs={"headers": headers})
        return Workflow("Leads", flow, key="leads").compile()

    live, code = held(**{HOOK: "x", "kind": "json"}), held(kind="text")

    shown = redact_for_display(live, code, [BoundSecret(Value("hook"), HOOK)])

    assert "SENTINEL" not in dumps(shown)
    assert '"***": "***"' in dumps(shown)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    "texts",
    [
        {"title": HOOK},
        {"description": HOOK},
        {"title": HOOK, "description": f"posts to {HOOK}"},
    ],
)
def test_title_that_equals_a_secret_is_deployed_and_replaced(tmp_path, texts, force):
    """A value is filled in only in specs: no other text is taken for one."""

    def named(title="Leads", description=""):
        flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))
        project = Project("growth", namespace="acme.example")
        return Workflow(
            title, flow, key="leads", project=project, description=description
        )

    history = tmp_path / "history"
    with Client(
        "sk_test_not_a_real_key",
        base_url="http://127.0.0.1",
        transport=Emulator().transport(),
        journal=None,
        history=history,
    ) as client:
        states = [
            client.deploy(workflow, values={"hook": HOOK}, force=force).state
            for workflow in (named(), named(**texts), named(**texts), named())
        ]

    saved = [file.read_text("utf-8") for file in history.glob("*.json")]
    assert states == ["new", "update", "unchanged", "update"]
    assert len(saved) == 2
    assert "SENTINEL" not in "".join(saved)
