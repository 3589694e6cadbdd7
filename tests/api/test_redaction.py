"""No text of an answer shows a secret that the call knows, whatever repeats it."""

from __future__ import annotations

import json
import pickle
from base64 import b64encode
from urllib.parse import quote

import pytest

from flow64 import LEAD, Client, Project, Workflow, value
from flow64.blocks import OutgoingWebhook, Webhook
from flow64.client import Terms
from flow64.definition import BoundSecret, Value, secret_texts
from flow64.deploy import make_plan, prepare_deploy
from flow64.emulator import Emulator
from flow64.errors import ApiError
from flow64.redaction import Redaction
from tests.service.clients import job
from tests.service.credentials import QUICK, run_jobs
from tests.service.fault_server import FaultServer, Reply

HOOK = 'https://crm.acme.example/in?k="quiet otter"/SENTINEL+é'
KEY = "sk_test_not_a_real_key"
GROWTH = Project("growth", namespace="acme.example")
VALUES = {"hook": HOOK}


def leads(title="Leads"):
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))
    return Workflow(title, flow, key="leads", project=GROWTH)


def client_of(server, **more):
    return Client(KEY, base_url=server.url, journal=None, policy=QUICK, **more)


def spelled(text):
    return {
        "plain": text,
        "url": quote(text, safe=""),
        "json": json.dumps(text)[1:-1],
        "base64": b64encode(f"x{text}".encode()).decode(),
        "escapes": text.replace("S", "\\u0053"),
    }


def bodies(text):
    """The error bodies of the service, each with the text in it."""
    return {
        "422": (422, {"detail": [{"loc": ["body", "url"], "msg": f"bad {text}"}]}),
        "400 detail": (400, {"detail": f"cannot reach {text}"}),
        "400 error": (400, {"error": {"message": f"cannot reach {text}"}}),
        "403": (403, {"error": "locked", "message": f"{text} is locked"}),
        "place": (422, {"detail": [{"loc": ["body", text], "msg": "unknown"}]}),
    }


def forms():
    return [
        pytest.param(status, body, id=f"{shape}, {spelling}")
        for spelling, text in spelled(HOOK).items()
        for shape, (status, body) in bodies(text).items()
    ]


def refused(status, body):
    """An answer whose JSON may hold other escapes than `json.dumps` writes."""
    text = json.dumps(body).replace("\\\\u0053", "\\u0053")
    return Reply(status, text, {"content-type": "application/json"})


@pytest.mark.slow
@pytest.mark.parametrize(("status", "body"), forms())
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_error_of_a_deploy_shows_no_secret(method, status, body):
    """The one that reads before the write knows the secret as well."""
    if (method, status) == ("GET", 403):
        status = 400  # a read takes a 403 for "not there"
    with Emulator() as emulator, FaultServer(emulator) as server:
        server.always(method, "*", refused(status, body))
        with client_of(server) as client, pytest.raises(ApiError) as caught:
            client.deploy(leads(), values=VALUES)

    shown = f"{caught.value} {caught.value!r} {vars_of(caught.value)}"
    assert "***" in shown
    assert not any(form in shown for form in [*spelled(HOOK).values(), "SENTINEL"])


def vars_of(error):
    return [getattr(error, name) for name in ("message", "fields", "args")]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("path", ["/workflows", "/workflows/*"])
def test_error_of_a_plan_shows_no_secret(kind, path):
    """Neither one of the list, nor one of what is read, before anything was written."""
    target = prepare_deploy(leads(), "default", VALUES).target
    with Emulator() as emulator, FaultServer(emulator) as server:
        server.always("GET", path, Reply(400, {"detail": f"cannot list {HOOK}"}))
        planning = job(make_plan)(
            [target],
            env="default",
            endpoint=server.url,
            projects=[] if path == "/workflows" else None,
        )
        (error,) = run_jobs(kind, planning, api_key=KEY, base_url=server.url)

    assert isinstance(error, ApiError)
    assert error.message == "cannot list ***"


def test_error_of_any_call_shows_no_value_of_the_environment():
    """Also of a call that has nothing to do with the workflow that holds it."""
    terms = Terms(values=VALUES, hidden=frozenset(VALUES))
    with FaultServer() as server:
        server.always("*", "*", Reply(400, {"error": f"no {HOOK}", "message": KEY}))
        with (
            client_of(server, terms=terms) as client,
            pytest.raises(ApiError) as caught,
        ):
            client.balance()

    assert caught.value.message == "no ***: ***"


def test_answers_are_redacted_but_what_programs_read_is_not():
    """Titles, descriptions and reasons; the stamp of the deploy stays."""
    with (
        Emulator() as emulator,
        FaultServer(emulator) as server,
        client_of(server) as client,
    ):
        client.deploy(leads(), values=VALUES)
        (before,) = client.workflows.list()
        named = {"name": f"x {HOOK}", "description": f"to {HOOK}\n{KEY}"}
        stamp = before.description
        told = client.workflows.update(
            before.id,
            name=named["name"],
            description=f"{named['description']}\n{stamp}",
        )
        status = {
            "overall_status": "failed",
            "run_id": "r",
            "blocks": [{"error_message": f"no {HOOK}", "status": "failed"}],
            "note": [HOOK],
        }
        server.on("GET", "*/live_status", Reply(200, status))
        live = client.runs.status("6f1f3f0e-0000-4000-8000-000000000000")
        listed = client.workflows.list()
        read = client.workflows.get(before.id)
        state = client.preview(leads(), values=VALUES).state

    assert [one.name for one in (told, *listed, read)] == ["x ***"] * 3
    assert [one.description for one in listed] == [f"to ***\n***\n{stamp}"]
    assert (live.overall_status, live.blocks[0].status) == ("failed", "failed")
    assert (live.blocks[0].error_message, live.extra["note"]) == ("no ***", ["***"])
    assert state == "drifted"


def test_new_signing_secret_is_known_from_then_on():
    with (
        Emulator() as emulator,
        FaultServer(emulator) as server,
        client_of(server) as client,
    ):
        made = client.signing_secret.create().plaintext
        server.always("*", "*", Reply(400, {"detail": f"{made} is revoked"}))
        with pytest.raises(ApiError) as caught:
            client.balance()

    assert caught.value.message == "*** is revoked"


def test_secret_across_the_cut_of_a_message_is_redacted_whole():
    with FaultServer() as server:
        server.always("*", "*", Reply(400, {"detail": "x" * 480 + HOOK}))
        terms = Terms(values=VALUES, hidden=frozenset(VALUES))
        with (
            client_of(server, terms=terms) as client,
            pytest.raises(ApiError) as caught,
        ):
            client.balance()

    assert caught.value.message == "x" * 480 + "***"


# -- What knows the secrets -----------------------------------------------------------


def test_longer_secret_is_replaced_first():
    redaction = Redaction(["otter", "quiet otter"])

    assert redaction.redact("a quiet otter, an otter") == "a ***, an ***"


def test_short_and_unwritable_secrets_are_no_mistake():
    redaction = Redaction(["abc", "", "half \ud800 of it"])

    assert redaction.redact("abc half \ud800 of it") == "abc ***"


def test_json_is_redacted_in_texts_and_names():
    redaction = Redaction(["quiet otter"])
    data = {"a quiet otter": ["quiet otter", 1, None, {"b": "c"}]}

    assert redaction.redact_json(data) == {"a ***": ["***", 1, None, {"b": "c"}]}
    assert Redaction().redact_json(data) is data


def test_nothing_shows_what_it_knows():
    redaction = Redaction(["quiet otter"])
    redaction.add(["quiet otter"])

    assert repr(redaction) == "Redaction(<1>)"
    with pytest.raises(TypeError, match="neither copied nor pickled"):
        pickle.dumps(redaction)


def test_texts_of_secrets_are_found_at_any_depth():
    target = prepare_deploy(leads(), "default", VALUES).target
    more = BoundSecret(Value("account", secret=True), {"key": ["inner", 1]})

    assert secret_texts([target.definition], [more]) == (HOOK, "inner")
