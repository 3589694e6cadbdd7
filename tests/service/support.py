"""A player that answers from a script, and workflows to deploy."""

from __future__ import annotations

import json

from flow64 import LEAD, Project, Workflow, value
from flow64.api import (
    Answer,
    Begin,
    Emit,
    Leave,
    Now,
    Policy,
    Renew,
    Request,
    Retry,
    Sleep,
    Turn,
    in_turn,
)
from flow64.blocks import FindEmail, OutgoingWebhook, Search, Webhook
from flow64.definition import as_body, with_stamp
from flow64.deploy import prepare_deploy
from flow64.errors import TransportError

GROWTH = Project("growth", namespace="acme.example")
SECRET = "https://hooks.example.com/SENTINEL-VALUE"


class Script:
    """Plays conversations by hand: answers in order, and keeps what was asked.

    Its clock moves by the waits alone, and by `seconds` with each request.
    """

    def __init__(self, *answers, policy=None, seconds=0.0):
        self.answers = list(answers)
        self.asked = []
        self.waits = []
        self.events = []
        self.turns = []
        self.policy = policy or Policy()
        self.now = 0.0
        self.seconds = seconds

    def play(self, conversation):
        conversation, reply = in_turn(conversation), None
        while True:
            try:
                if isinstance(reply, Exception):
                    step = conversation.throw(reply)
                else:
                    step = conversation.send(reply)
            except StopIteration as stop:
                return stop.value
            reply = self.reply(step)

    def reply(self, step):
        match step:
            case Request():
                self.asked.append(step)
                self.now += self.seconds
                reply = self.answers.pop(0)
                return reply(step) if callable(reply) else reply
            case Sleep():
                self.waits.append(step.seconds)
                self.now += step.seconds
            case Now():
                return self.now
            case Retry():
                left = self.policy.deadline - self.now
                facts = (step.request, step.error, step.failures)
                return self.policy.wait(*facts, left=left, luck=0.5)
            case Renew():
                return False
            case Emit():
                self.events.append(step.event)
            case Turn():
                self.turns.append(step.name)
            case Leave():
                self.turns.clear()
            case Begin():
                pass
        return None

    @property
    def lines(self):
        """What was asked, as `GET` for a look, else the last part of the path."""
        return [
            "GET" if step.method == "GET" else step.path.rpartition("/")[2]
            for step in self.asked
        ]


def answer(data=None, status=200, **headers):
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Answer(status, named, content)


OK = answer({})
MISSING = answer({"detail": "not found"}, 404)
BROKEN = answer({"detail": "oops"}, 500)
TAKEN = answer({"detail": "taken"}, 409)
HTML = answer(b"<html>log in</html>", content_type="text/html")


def lost(sent=True):
    return TransportError("POST", "/x", "no answer (ReadError)", sent=sent)


def unreachable():
    return lost(sent=False)


def flow(mode="PROFESSIONAL", url="https://example.com/hook", **more):
    return (
        Webhook(LEAD, input_schema={"email": "string"})
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
    return prepare_deploy(workflow, "default", values or None)


def deployed(workflow, **values):
    """What GET answers once a workflow is deployed, as data that may be edited."""
    ready = ready_of(workflow, **values)
    body = as_body(ready.definition, reveal=True)
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
