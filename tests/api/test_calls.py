"""The documented calls: what each sends, and how its answer is read."""

from __future__ import annotations

import traceback

import pytest

from flow64 import errors
from flow64.api import calls
from tests.service.script import Script, answer

WORKFLOW = {"id": "w", "name": "Leads"}
BODY = {"workflow_name": "Leads"}
SECRET = {"plaintext": "sk_whsec_1", "meta": {}}

CALLS = [
    (calls.list_workflows, "GET /workflows", {}, None, []),
    (lambda s: calls.read_workflow(s, "w"), "GET /workflows/w", {}, None, WORKFLOW),
    (
        lambda s: calls.create_workflow(s, BODY),
        "POST /workflows/create_workflow",
        {},
        BODY,
        WORKFLOW,
    ),
    (
        lambda s: calls.update_workflow(s, "w", BODY),
        "POST /workflows/update_workflow",
        {"workflow_id": "w"},
        BODY,
        WORKFLOW,
    ),
    (
        lambda s: calls.delete_workflow(s, "w"),
        "POST /workflows/delete_workflow",
        {"workflow_id": "w"},
        None,
        WORKFLOW,
    ),
    (calls.list_blocks, "GET /workflows/blocks", {}, None, []),
    (
        lambda s: calls.start_run(
            s, "w", {"webhook_payload": []}, "k", result_formats=["csv", "ndjson"]
        ),
        "POST /workflows/run",
        {"workflow_id": "w", "save_json": "true", "result_formats": "csv"},
        {"webhook_payload": []},
        {"job_id": "r"},
    ),
    (
        lambda s: calls.list_runs(s, "w", 5, status="active"),
        "GET /workflows/runs",
        {"workflow_id": "w", "limit": "5", "status": "active"},
        None,
        [],
    ),
    (
        lambda s: calls.live_status(s, "r"),
        "GET /workflows/runs/r/live_status",
        {},
        None,
        {"overall_status": "queued"},
    ),
    (
        lambda s: calls.cancel_run(s, "r"),
        "POST /workflows/cancel",
        {"job_id": "r"},
        None,
        {"status": "canceled"},
    ),
    (
        lambda s: calls.download_links(s, "r", "json"),
        "GET /workflows/runs/r/results/download-links",
        {"format": "json"},
        None,
        [],
    ),
    (
        lambda s: calls.create_schedule(s, "w", "Weekly", "0 9 * * 1"),
        "POST /schedules",
        {},
        {
            "workflow_id": "w",
            "name": "Weekly",
            "cron_expression": "0 9 * * 1",
            "timezone": "UTC",
            "is_active": True,
        },
        {"id": "s"},
    ),
    (lambda s: calls.get_schedule(s, "s"), "GET /schedules/s", {}, None, {"id": "s"}),
    (
        lambda s: calls.list_schedules(s, "w"),
        "GET /schedules",
        {"workflow_id": "w"},
        None,
        [],
    ),
    (
        lambda s: calls.update_schedule(s, "s", is_active=False),
        "PATCH /schedules/s",
        {},
        {"is_active": False},
        {"id": "s"},
    ),
    (lambda s: calls.delete_schedule(s, "s"), "DELETE /schedules/s", {}, None, {}),
    (
        calls.get_signing_secret,
        "GET /webhooks/signing-secret",
        {},
        None,
        None,
    ),
    (
        calls.create_signing_secret,
        "POST /webhooks/signing-secret",
        {},
        None,
        SECRET,
    ),
    (
        lambda s: calls.roll_signing_secret(s, 0),
        "POST /webhooks/signing-secret/roll",
        {},
        {"expire_overlap_hours": 0},
        SECRET,
    ),
    (
        calls.delete_signing_secret,
        "DELETE /webhooks/signing-secret",
        {},
        None,
        {},
    ),
    (calls.get_balance, "GET /check-balance", {}, None, {"credits": 1}),
]


@pytest.mark.parametrize(
    ("call", "line", "query", "body", "reply"), CALLS, ids=[c[1] for c in CALLS]
)
def test_each_call_sends_what_is_documented(call, line, query, body, reply):
    """One request, with the credential in one header."""
    script = Script(answer(reply))
    script.play(call)
    (asked,) = script.asked
    assert f"{asked.method} {asked.path}" == line
    assert (asked.query, asked.body) == (query, body)
    assert asked.headers["x-api-key"] == "sk_test_not_a_real_key"
    assert "authorization" not in asked.headers


def test_a_start_has_its_key_and_repeats_each_format():
    script = Script(answer({"job_id": "r"}))
    script.play(
        lambda s: calls.start_run(s, "w", {}, "key-1", result_formats=["csv", "json"])
    )
    assert script.asked[0].headers["idempotency-key"] == "key-1"


@pytest.mark.parametrize("given", ["", " ", "..", "a\nb", None, 7])
def test_what_is_no_id_is_refused_before_anything_is_sent(given):
    script = Script()
    for call in (calls.read_workflow, calls.live_status, calls.delete_schedule):
        with pytest.raises(errors.BuildError):
            script.play(lambda s, call=call: call(s, given))
    assert script.asked == []


def test_an_id_is_one_segment_of_a_path():
    script = Script(answer({"id": "s"}))
    script.play(lambda s: calls.get_schedule(s, "a/../b?c"))
    assert script.asked[0].path == "/schedules/a/../b?c"
    assert script.asked[0].query == {}


def test_an_answer_may_lack_and_add_fields_and_have_odd_ones():
    """A run that was paid for is not lost because a field is null or odd."""
    data = {
        "job_id": "r",
        "status": None,
        "queued_at": 7,
        "metrics": {"rows": 1},
        "brand_new": 7,
    }
    (run,) = Script(answer([data])).play(calls.list_runs)
    assert (run.job_id, run.status, run.queued_at) == ("r", "", None)
    assert run.extra == {"queued_at": 7, "metrics": {"rows": 1}, "brand_new": 7}


@pytest.mark.parametrize(
    "data", [{}, {"job_id": ""}, {"job_id": None}, {"job_id": 7}, [], "text", None]
)
def test_a_start_without_an_id_is_not_taken_for_one(data):
    with pytest.raises(errors.AnswerError) as raised:
        Script(answer(data)).play(lambda s: calls.start_run(s, "w", {}, "k"))
    assert not isinstance(raised.value, errors.TransportError)


def test_a_workflow_has_its_definition_and_its_secrets_stay_in_it():
    block = {
        "block_id": "b1a5a5a0-0000-4000-8000-000000000001",
        "sequence_number": 1,
        "block_type": "io",
        "block_name": "webhook",
        "specs": {},
    }
    graph = {"blocks": [block], "edges": []}
    uuid = "11111111-1111-4111-8111-111111111111"
    data = {**WORKFLOW, "id": uuid, "workflow_definition": graph}
    info = Script(answer(data)).play(lambda s: calls.read_workflow(s, uuid))
    assert info.definition.blocks[0].kind == "webhook"
    data["workflow_definition"] = {"blocks": [{"block_name": 7, "specs": "SENTINEL"}]}
    with pytest.raises(errors.AnswerError) as raised:
        Script(answer(data)).play(lambda s: calls.read_workflow(s, uuid))
    assert "SENTINEL" not in str(raised.value)
    del data["id"]
    with pytest.raises(errors.AnswerError) as raised:
        Script(answer(data)).play(lambda s: calls.read_workflow(s, uuid))
    inner = raised.value.__traceback__.tb_next.tb_next  # below what the test has
    facts = type(raised.value), raised.value, inner
    trace = traceback.TracebackException(*facts, capture_locals=True)
    assert "SENTINEL" not in "".join(trace.format())


def test_a_workflow_of_another_id_is_not_taken_for_ours():
    with pytest.raises(errors.AnswerError, match="another id"):
        Script(answer({"id": "other"})).play(lambda s: calls.read_workflow(s, "w"))


@pytest.mark.parametrize("status", [403, 404])
def test_a_workflow_that_is_not_ours_is_none(status):
    script = Script(answer({}, status))
    assert script.play(lambda s: calls.get_workflow(s, "w")) is None


def test_a_schedule_is_created_with_one_request():
    """A 429 may come although it was created, and each schedule buys runs."""
    script = Script(answer({}, 429))
    with pytest.raises(errors.ApiError):
        script.play(lambda s: calls.create_schedule(s, "w", "Weekly", "0 9 * * 1"))
    assert script.lines == ["schedules"]


def test_a_repeated_delete_that_finds_it_gone_has_deleted_it():
    gone = answer({}, 404)
    delete = lambda s: calls.delete_workflow(s, "w")  # noqa: E731 - a job
    assert Script(answer({}, 503), gone).play(delete) is None
    with pytest.raises(errors.NotFoundError):
        Script(gone).play(delete)


def test_a_new_secret_is_masked_in_what_comes_later():
    script = Script(answer(SECRET), answer({"detail": "sk_whsec_1"}, 400))
    secret = script.play(calls.create_signing_secret)
    assert "sk_whsec_1" not in repr(secret)
    with pytest.raises(errors.ApiError) as raised:
        script.play(calls.create_signing_secret)
    assert "sk_whsec_1" not in str(raised.value)


@pytest.mark.parametrize(
    ("before", "now", "later"),
    [
        ("queued", "running", "running"),
        ("running", "queued", "running"),
        ("completed", "running", "completed"),
        ("running", "", "running"),
        ("", "failed", "failed"),
    ],
)
def test_a_status_never_goes_back(before, now, later):
    assert calls.later(before, now) == later
