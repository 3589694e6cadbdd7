"""Reads alone, once each; what they say may be shown, what was answered may not."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from flow64 import Client, Project, Workflow
from flow64.api import Answer, Request
from flow64.blocks import CATALOGUE
from flow64.doctor import (
    ASSUMPTIONS,
    Examination,
    RequestRecord,
    RequestRecords,
    examine,
    judge_assumptions,
)
from flow64.emulator import Emulator, Switches
from flow64.errors import TokenError, TransportError
from tests.catalogue.answer import ANSWER
from tests.service.support import Script, flow

SENTINEL = "SENTINEL-ada@acme.example"


class Recording:
    """A transport that keeps what it carries."""

    def __init__(self, inner):
        self.inner = inner
        self.requests = []

    def send(self, request):
        self.requests.append(request)
        return self.inner.send(request)

    def close(self):
        self.inner.close()


@pytest.fixture
def emulator():
    emulator = Emulator()
    yield emulator
    emulator.stop()


@pytest.fixture
def client(emulator, tmp_path):
    """A client with a recording transport, and without a journal."""
    transport = Recording(emulator.transport())
    client = Client(
        "sk_test_not_a_real_key",
        base_url="http://127.0.0.1",
        transport=transport,
        journal=None,
        history=tmp_path / "history",
    )
    client.recording = transport
    with client:
        yield client


def deployed(client, count=2):
    """Deploy workflows, and let the last one run and fail or complete."""
    for at in range(count):
        workflow = Workflow(
            SENTINEL,
            flow(),
            key=f"w{at}",
            project=Project("growth", namespace="acme.example"),
        )
        client.deploy(workflow)
    for at in range(3):
        run = client.run(workflow, [{"email": SENTINEL}], intent=f"{at}")
        with suppress(Exception):
            run.wait(every=0.01)
    client.recording.requests.clear()


def verdicts(seen):
    return {one.name: one.verdict for one in judge_assumptions(seen.replies)}


def test_reads_alone(client):
    """Only reads are sent, each once."""
    deployed(client)

    seen = client.call(examine)

    sent = client.recording.requests
    assert {request.method for request in sent} == {"GET"}
    assert [request.content for request in sent] == [None] * len(sent)
    assert len({request.url for request in sent}) == len(sent) == len(seen.requests)
    assert len(sent) == 16  # 13 of every service, two workflows, a run


def test_emulated(client):
    """The emulator confirms all that its documents say, and contradicts nothing."""
    deployed(client)

    found = verdicts(client.call(examine))

    assert {name for name, verdict in found.items() if verdict != "confirmed"} == {
        "list-whole",  # two workflows may be one page
        "runs-failed",  # none has failed
        "retry-after",  # nothing was turned away
    }
    assert "contradicted" not in found.values()


@pytest.mark.parametrize(
    ("switches", "name"),
    [
        ({"reorder": True}, "stored-order"),
        ({"fill_defaults": True}, "spec-defaults"),
    ],
)
def test_switched(switches, name, emulator, client):
    """If the emulator behaves differently, the opposite is reported."""
    emulator.switches = Switches(**switches)
    deployed(client)

    found = verdicts(client.call(examine))

    assert [one for one, verdict in found.items() if verdict == "contradicted"] == [
        name
    ]


@pytest.mark.parametrize(
    ("retry_after", "verdict"), [(True, "confirmed"), (False, "contradicted")]
)
def test_too_often(retry_after, verdict, emulator, client):
    """After a 429, no more requests are sent."""
    emulator.switches = Switches(rate_limit=5, retry_after=retry_after)

    seen = client.call(examine)

    assert [status for _, status in seen.requests][-2:] == [200, 429]
    assert verdicts(seen)["retry-after"] == verdict
    assert ("retry-after" in seen.rates) == retry_after
    assert verdicts(seen)["missing-run"] == "not seen"


def test_what_may_be_shown(client):
    """The shared parts have no id, title, text, or row."""
    deployed(client)

    seen = client.call(examine)

    told = repr(
        [seen, seen.requests, judge_assumptions(seen.replies), seen.rates, seen.problem]
    )
    assert SENTINEL not in told
    assert "w0" not in told
    ids = [one["id"] for one in seen.replies["workflows"].items]
    assert ids
    assert not any(one in told for one in ids)
    (organisation,) = seen.organisations
    assert organisation not in told


def test_what_is_said(client):
    """The balance, the organisation, and that the key is accepted."""
    deployed(client)

    seen = client.call(examine)

    assert (seen.state, seen.problem) == ("accepted", None)
    assert seen.credits == 1_000_000
    assert seen.skew is None
    assert ("/workflows/{id}", 404) in seen.requests
    assert ("/workflows/runs?workflow_id={id}", 404) in seen.requests


LIST = Answer(200, {}, b"[]")


def lost(step):
    return TransportError("GET", "/workflows", "ConnectError", sent=False)


@pytest.mark.parametrize(
    ("first", "state", "problem"),
    [
        (Answer(401, {}, b"{}"), "refused", "it answered 401"),
        (Answer(403, {}, b"{}"), "forbidden", "it answered 403"),
        (Answer(429, {}, b"{}"), "too-often", "it answered 429"),
        (Answer(404, {}, b"{}"), "not-the-service", "it answered 404"),
        (Answer(302, {}, b""), "not-the-service", "it answered 302"),
        (lost, "unreachable", "ConnectError"),
        (lambda _: TokenError("none"), "no-token", "no access token: none"),
    ],
)
def test_not_accepted(first, state, problem):
    """The first read that is not accepted is the last one."""
    script = Script(first)

    seen = script.play(examine)

    assert (seen.state, seen.problem) == (state, problem)
    assert [step.path for step in script.asked] == ["/workflows"]


def test_another_page():
    """An answer that is not a list is not from the service, even with a 200."""
    script = Script(*[Answer(200, {}, b"<html>")] * 13)

    seen = script.play(examine)

    assert (seen.state, seen.problem) == ("not-the-service", "it answered 200")
    assert seen.credits is None


def test_lost_later():
    """If no more answers come, it ends with what it has."""
    script = Script(LIST, lost)

    seen = script.play(examine)

    assert seen.state == "accepted"
    assert [status for _, status in seen.requests] == [200, None]


def test_lost_at_last():
    """Also if it is one of the whole workflows."""
    one = Answer(200, {}, json.dumps([{"id": ID}]).encode())
    script = Script(one, *[LIST] * 12, lost)

    seen = script.play(examine)

    assert [status for _, status in seen.requests] == [200] * 13 + [None]
    assert seen.requests[-1] == ("/workflows/{id}", None)


def test_renewed():
    """A token that was turned away is renewed once."""
    renewed = []

    class Renewing(Script):
        async def renew(self, turn):
            renewed.append(turn)
            return True

    script = Renewing(Answer(401, {}, b"{}", 3), LIST, lost)

    assert script.play(examine).state == "accepted"
    assert renewed == [3]


@pytest.mark.parametrize(
    ("date", "skew"),
    [
        ("Thu, 01 Jan 1970 00:16:40 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:18:20 GMT", 100.0),
        ("Thu, 01 Jan 1970 00:15:00 GMT", -100.0),
        ("yesterday", None),
        ("Thu, 01 Jan 99999999999 00:00:00 GMT", None),
    ],
)
def test_skew(date, skew):
    """How far its clock is from ours is read from the header that says its time."""
    script = Script(Answer(200, {"date": date}, b"[]"), lost)

    assert script.play(lambda session: examine(session, lambda: 1000.4)).skew == skew


# -- Each assumption ------------------------------------------------------------------

ID = "6b1d7c1e-4c1f-4f0a-9a55-0d9b1f1f2a01"
OTHER = "b1a5a5a0-0000-4000-8000-000000000001"
TIME = "2026-06-01T10:00:12.5Z"


def reply(data, status=200, **headers):
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return RequestRecord(Request("GET", "/x"), Answer(status, named, content))


def workflow(**more):
    known = {"id": ID, "name": "n", "status": "ready", "org_id": "org"}
    return {**known, "created_at": TIME, "updated_at": TIME, **more}


def whole(*blocks, **more):
    return workflow(workflow_definition={"blocks": list(blocks), "edges": []}, **more)


def block(**more):
    known = {"block_id": OTHER, "block_name": "find_email", "specs": {}}
    return {**known, "block_type": "enrichment", "sequence_number": 1, **more}


def runs(*words, **more):
    return [{"status": word, **more} for word in words]


def queued(*hours):
    return [{"queued_at": f"2026-06-01T{hour:02}:00:00Z"} for hour in hours]


STAMP = f"[flow64:1 ns:a/project:b/workflow:c/pin:{ID} {'0' * 16} {'0' * 16} - "
EMAILS = [
    {
        "block_name": "find_email",
        "specs_schema": {"properties": {"mode": {}, "id 5": {}, "a.b": {}}},
    }
]
UNLIKE = (
    "without find_email.verify_emails and find_email.providers; others are too: "
    "(a name that is not shown)"
)
ALL_KINDS = [{"block_name": kind} for kind in CATALOGUE]

CASES = [
    (
        "missing-workflow",
        {"missing-workflow": reply({}, 403)},
        "contradicted",
        "403",
    ),
    ("missing-workflow", {"missing-workflow": reply({}, 401)}, "not seen", "401"),
    (
        "error-shape",
        {"missing-workflow": reply({"detail": "x"}, 404)},
        "confirmed",
        "",
    ),
    (
        "error-shape",
        {"missing-workflow": reply({"error": "x"}, 404)},
        "contradicted",
        "",
    ),
    ("error-shape", {"missing-workflow": reply(b"<html>", 404)}, "contradicted", ""),
    ("error-shape", {"missing-workflow": reply({})}, "not seen", "200"),
    ("id-form", {"no-uuid": reply({}, 404)}, "contradicted", "404"),
    ("list-whole", {"workflows": reply([workflow()] * 101)}, "confirmed", "101"),
    (
        "list-whole",
        {"workflows": reply({"items": []})},
        "contradicted",
        "not a list",
    ),
    ("list-whole", {"workflows": reply([], link="<next>")}, "contradicted", "Link"),
    ("list-whole", {"workflows": reply([], 500)}, "not seen", "500"),
    (
        "list-keys",
        {"workflows": reply([{"id": ID}])},
        "contradicted",
        "name, status",
    ),
    ("list-keys", {"workflows": reply(["x"])}, "not seen", "none"),
    (
        "list-without-definitions",
        {"workflows": reply([whole()])},
        "contradicted",
        "1 of 1",
    ),
    (
        "organisation",
        {"workflows": reply([workflow(org_id=None)])},
        "contradicted",
        "",
    ),
    (
        "workflow-status",
        {"workflows": reply([workflow(status="paused"), workflow()])},
        "contradicted",
        "there is also paused",
    ),
    (
        "workflow-status",
        {"workflows": reply([workflow(status=5)])},
        "contradicted",
        "not a plain word",
    ),
    (
        "workflow-status",
        {"workflows": reply([workflow(status=f"s{at}") for at in range(10)])},
        "contradicted",
        "s7 and 2 more",
    ),
    ("times", {"workflows": reply([workflow(updated_at=5)])}, "contradicted", ""),
    (
        "times",
        {"workflows": reply([workflow(updated_at="new")])},
        "contradicted",
        "",
    ),
    (
        "time-zones",
        {"workflows": reply([workflow(updated_at="2026-06-01T10:00:12")])},
        "contradicted",
        "",
    ),
    (
        "time-precision",
        {"workflows": reply([workflow(updated_at="2026-06-01T10:00:12Z")])},
        "contradicted",
        "none of 1",
    ),
    ("time-precision", {"workflows": reply([workflow()])}, "confirmed", "1 digits"),
    (
        "time-of-both",
        {
            "workflows": reply([workflow()]),
            "workflow-0": reply(workflow(updated_at="2027-06-01T10:00:12Z")),
        },
        "contradicted",
        "",
    ),
    (
        "block-ids",
        {"workflow-0": reply(whole(block(block_id="a")))},
        "contradicted",
        "",
    ),
    ("block-ids", {"workflow-0": reply(whole(block(), 5))}, "confirmed", ": 1"),
    ("block-ids", {"workflow-0": reply([])}, "not seen", ""),
    (
        "stored-order",
        {"workflow-0": reply(whole(block(sequence_number=2), block()))},
        "contradicted",
        "",
    ),
    ("stored-order", {"workflow-0": reply(whole(block()))}, "not seen", ""),
    (
        "block-type",
        {"workflow-0": reply(whole(block(block_type="x"), description=f"{STAMP}-]"))},
        "contradicted",
        "1 of 1",
    ),
    ("block-type", {"workflow-0": reply(whole(block()))}, "not seen", "of flow64"),
    (
        "block-type",
        {"workflow-0": reply(whole(block(), id=OTHER, description=f"{STAMP}-]"))},
        "not seen",
        "of flow64",
    ),
    (
        "block-type",
        {"workflow-0": reply(whole(block(block_name="new"), description=f"{STAMP}-]"))},
        "not seen",
        "",
    ),
    (
        "spec-defaults",
        {
            "workflow-0": reply(
                whole(
                    block(specs={"mode": "x", "tier": "low"}),
                    block(block_id=ID),
                    description=f"{STAMP}mode=b1a5a5a0]",
                )
            )
        },
        "contradicted",
        "1 of 1",
    ),
    (
        "spec-defaults",
        {"workflow-0": reply(whole(block(), description=f"{STAMP}-]"))},
        "not seen",
        "",
    ),
    (
        "blocks-keys",
        {"blocks": reply([{"block_name": "x", "price": 5, "a b": 1}])},
        "contradicted",
        "price, (something that is not a plain word)",
    ),
    ("blocks-keys", {"blocks": reply({})}, "not seen", ""),
    ("blocks-known", {"blocks": reply(ALL_KINDS[1:])}, "contradicted", "webhook"),
    (
        "blocks-known",
        {"blocks": reply([*ALL_KINDS, {"block_name": "new"}])},
        "confirmed",
        "; listed too: new",
    ),
    ("blocks-known", {"blocks": reply([], 403)}, "not seen", "403"),
    (
        "blocks-known",
        {"blocks": reply([*ALL_KINDS, {"block_name": "acme_12345678"}])},
        "confirmed",
        "; listed too: (something that is not a plain word)",
    ),
    (
        "blocks-fields",
        {"blocks": reply(ANSWER)},
        "confirmed",
        (
            "; others are too: search.freshness, company_to_leads.max_people and "
            "deduplicate.columns"
        ),
    ),
    ("blocks-fields", {"blocks": reply(EMAILS)}, "contradicted", UNLIKE),
    ("blocks-fields", {"blocks": reply(ALL_KINDS)}, "not seen", ""),
    ("blocks-fields", {"blocks": reply({})}, "not seen", ""),
    ("blocks-fields", {"blocks": reply([], 403)}, "not seen", "403"),
    (
        "blocks-words",
        {"blocks": reply(ANSWER)},
        "contradicted",
        "not those of find_email.mode",
    ),
    ("blocks-words", {"blocks": reply(EMAILS)}, "not seen", ""),
    (
        "blocks-required",
        {"blocks": reply(ANSWER)},
        "contradicted",
        "not those of read_csv.dataframe_type, read_notebook.notebook_id",
    ),
    ("blocks-required", {"blocks": reply(EMAILS)}, "confirmed", "those of 1 field"),
    ("runs-order", {"runs": reply(queued(1, 2))}, "contradicted", "by 2"),
    ("runs-order", {"runs": reply(queued(2, 1))}, "confirmed", "by 2"),
    (
        "runs-order",
        {"runs": reply([{"queued_at": None}, *queued(1)])},
        "not seen",
        "1",
    ),
    (
        "runs-limit",
        {"runs": reply(queued(1, 1, 1)), "few-runs": reply(queued(1, 1, 1))},
        "contradicted",
        "3 came",
    ),
    (
        "runs-limit",
        {"runs": reply(queued(1)), "few-runs": reply(queued(1))},
        "not seen",
        "only 1",
    ),
    ("runs-limit", {"runs": reply([])}, "not seen", "not asked"),
    (
        "runs-limit",
        {"few-runs": reply([]), "runs": reply([], 500)},
        "not seen",
        "500",
    ),
    ("runs-too-many", {"too-many-runs": reply([])}, "contradicted", "200"),
    ("runs-of-missing", {"runs-of-nobody": reply([])}, "contradicted", "200"),
    ("runs-failed", {"failed-runs": reply({}, 422)}, "contradicted", "422"),
    ("runs-failed", {"failed-runs": reply({}, 500)}, "not seen", "500"),
    (
        "runs-failed",
        {"failed-runs": reply(runs("failed", "FAILED"))},
        "confirmed",
        "2",
    ),
    (
        "runs-failed",
        {"failed-runs": reply(runs("failed", "running"))},
        "contradicted",
        "1 of 2",
    ),
    (
        "runs-without-blocks",
        {"runs": reply(runs("failed", blocks=[]))},
        "contradicted",
        "",
    ),
    ("run-status", {"runs": reply(runs("resting"))}, "contradicted", "resting"),
    ("run-status", {"runs": reply(runs("CANCELED"))}, "confirmed", ""),
    (
        "run-status",
        {"runs": reply(runs(SENTINEL))},
        "contradicted",
        "there is also (something that is not a plain word)",
    ),
    ("missing-run", {"missing-run": reply({}, 403)}, "contradicted", ""),
    (
        "live-status",
        {
            "live-status": reply(
                {"overall_status": "running", "blocks": [{"status": "lost"}]}
            )
        },
        "contradicted",
        "lost",
    ),
    ("live-status", {"live-status": reply({}, 404)}, "not seen", "404"),
    ("balance", {"balance": reply({"credits": "5"})}, "contradicted", "200"),
    ("balance", {"balance": reply({"credits": True})}, "contradicted", "200"),
    ("balance", {"balance": reply({}, 404)}, "contradicted", "404"),
    ("balance", {}, "not seen", ""),
    ("schedules", {"schedules": reply({}, 403)}, "contradicted", "403"),
    ("discovery", {"discovery": reply({}, 404)}, "contradicted", "404"),
    ("discovery", {}, "not seen", ""),
    (
        "rate-headers",
        {"runs": reply([], x_ratelimit_remaining="5")},
        "contradicted",
        "there is x-ratelimit-remaining",
    ),
    ("rate-headers", {"runs": reply([], 429, retry_after="5")}, "confirmed", ""),
    ("rate-headers", {}, "not seen", ""),
]


@pytest.mark.parametrize(("name", "replies", "verdict", "because"), CASES)
def test_assumption(name, replies, verdict, because):
    """Each is held against what was answered."""
    (judgement,) = [
        one for one in judge_assumptions(RequestRecords(replies)) if one.name == name
    ]

    assert judgement.verdict == verdict
    assert because in judgement.because
    assert SENTINEL not in judgement.because


def test_every_assumption():
    """Each can be confirmed by the emulator or above, and contradicted above."""
    contradicted = {name for name, _, verdict, _ in CASES if verdict == "contradicted"}

    names = [one.name for one, _ in ASSUMPTIONS]
    assert len({*names}) == len(names)
    assert {*names} - contradicted == {"retry-after"}  # which the switch contradicts
    assert {one.mark for one, _ in ASSUMPTIONS} == {"D", "D1", "C", "I", "U"}


def test_rates():
    """Headers about rates are shown, unless they hold something else."""
    replies = RequestRecords(
        {
            "runs": reply([], x_ratelimit_limit="500", ratelimit_policy="500;w=60"),
            "blocks": reply([], x_ratelimit_owner=SENTINEL),
            "balance": RequestRecord(Request("GET", "/check-balance")),
        }
    )

    assert Examination(replies).rates == {
        "x-ratelimit-limit": "500",
        "ratelimit-policy": "500;w=60",
        "x-ratelimit-owner": "(something else)",
    }
