"""Hooks of Schemathesis: the parts of a good request that no schema describes.

They run in a process of their own. Environment variables say where the emulator is, and
how to sign for its OAuth client.
"""

from __future__ import annotations

import os
import time
from uuid import uuid4

import httpx
import jwt
import schemathesis

from tests.emulator.support import LEADS, NO_CERTIFICATES, create

CLIENT = "fuzzing"


def another_workflow(case):
    """Something to delete, so that there is always something."""
    with client() as asked:
        case.query["workflow_id"] = create(asked, LEADS)


def another_schedule(case):
    """The same for schedules."""
    with client() as asked:
        body = {
            "workflow_id": create(asked, LEADS),
            "name": "To delete",
            "cron_expression": "0 9 * * 1",
        }
        made = asked.post("/schedules", json=body).json()
    case.path_parameters["schedule_id"] = made["id"]


def that_is_there(case):
    """The workflow that exists."""
    for place in (case.query, case.body):
        if isinstance(place, dict) and "workflow_id" in place:
            place["workflow_id"] = os.environ["FUZZ_WORKFLOW"]


def a_good_graph(case):
    """Edges between existing blocks, and blocks with fitting rows."""
    if case.body.get("workflow_definition") is not None:
        case.body["workflow_definition"] = LEADS["workflow_definition"]


def a_good_time(case):
    """A cron expression, and a time zone."""
    for name, value in (("cron_expression", "0 9 * * 1"), ("timezone", "Asia/Tokyo")):
        if case.body.get(name) is not None:
            case.body[name] = value


def a_good_assertion(case):
    """Signed, and used once."""
    now = int(time.time())
    claims = {
        "iss": CLIENT,
        "sub": CLIENT,
        "aud": os.environ["FUZZ_URL"],
        "jti": str(uuid4()),
    }
    times = {"iat": now, "exp": now + 60}
    case.body = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_assertion_type": (
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        ),
        "client_assertion": jwt.encode(
            {**claims, **times}, os.environ["FUZZ_SIGNING_KEY"], "RS256"
        ),
    }


def client():
    """A client that prepares data next to the run."""
    return httpx.Client(
        base_url=os.environ["FUZZ_URL"],
        headers={"x-api-key": os.environ["FUZZ_KEY"]},
        verify=NO_CERTIFICATES,
    )


MADE_GOOD = {
    "POST /workflows/create_workflow": a_good_graph,
    "POST /workflows/update_workflow": a_good_graph,
    "POST /schedules": a_good_time,
    "PATCH /schedules/{schedule_id}": a_good_time,
    "POST /oauth/token": a_good_assertion,
}
BESIDE = {
    "POST /workflows/run": that_is_there,
    "POST /workflows/update_workflow": that_is_there,
    "POST /schedules": that_is_there,
    "POST /workflows/delete_workflow": another_workflow,
    "DELETE /schedules/{schedule_id}": another_schedule,
}


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Correct a request that should be good."""
    meta = case.meta
    if meta is None or meta.generation.mode.is_negative:
        return
    label = case.operation.label
    if label in MADE_GOOD and isinstance(case.body, dict):
        MADE_GOOD[label](case)
    # Where requests follow each other, what was made is deleted, and asked for again.
    if label in BESIDE and meta.phase.name.value != "stateful":
        BESIDE[label](case)
