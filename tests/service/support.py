"""Workflows to deploy, and answers about them."""

from __future__ import annotations

from flow64 import LEAD, Project, Workflow, value
from flow64.blocks import FindEmail, OutgoingWebhook, Search, Webhook
from flow64.definition import as_body, with_stamp
from flow64.deploy.target import prepare
from flow64.errors import TransportError
from tests.service.script import (
    Script,  # noqa: F401 - imported from here
    answer,
)

GROWTH = Project("growth", namespace="acme.example")
SECRET = "https://hooks.example.com/SENTINEL-VALUE"


OK = answer({})
BROKEN = answer({"detail": "oops"}, 500)


def lost(sent=True):
    return TransportError("POST /x: no answer", sent=sent)


def flow(mode="PROFESSIONAL", url="https://example.com/hook", schema=None, **more):
    return (
        Webhook(LEAD, input_schema=schema or {"email": "string"})
        >> FindEmail(mode=mode, **more)
        >> OutgoingWebhook(url=url)
    )


def leads(name="Leads", project=GROWTH, key="leads", description="", **more):
    return Workflow(
        name, flow(**more), key=key, project=project, description=description
    )


def secret_leads(name="Leads"):
    flow_ = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))
    return Workflow(name, flow_, key="secret", project=GROWTH)


def searched(name="Found"):
    made = Search(LEAD, query="people", auto_execute=True) >> FindEmail()
    return Workflow(name, made, key="found", project=GROWTH)


def ready_of(workflow, **values):
    return prepare(workflow, "default", values or None)


def deployed(workflow, **values):
    """What GET answers once a workflow is deployed, as data that may be edited."""
    ready = ready_of(workflow, **values)
    body = as_body(ready.definition, values)
    return {
        "id": body["id"],
        "name": body["workflow_name"],
        "description": with_stamp(body["workflow_description"], ready.stamp),
        "workflow_definition": body["workflow_definition"],
        "status": "ready",
        "step": "completed",
    }


def specs_of(data, kind):
    """The specs of the block of a kind, to look at or to edit."""
    blocks = data["workflow_definition"]["blocks"]
    return next(block["specs"] for block in blocks if block["block_name"] == kind)


def stored(script):
    """What GET answers after the last write of a script was stored."""

    def answered(_):
        sent = next(step.body for step in reversed(script.asked) if step.body)
        return answer(
            {
                "id": sent["id"],
                "name": sent["workflow_name"],
                "description": sent["workflow_description"],
                "workflow_definition": sent["workflow_definition"],
            }
        )

    return answered
