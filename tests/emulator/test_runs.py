"""Starting, watching, listing and cancelling runs."""

from __future__ import annotations

from uuid import uuid4

import pytest

from flow64.emulator import Switches
from flow64.errors import ConfigError
from tests.emulator.support import (
    ACCOUNTS,
    EMAIL,
    LEADS,
    OUT,
    WEBHOOK,
    block,
    body,
    create,
    run_rows,
    start,
    status_of,
    wait,
)

ADA = {"email": "ada@example.com", "company": "Acme"}
READ = body(block("read_csv"), EMAIL)
NOTEBOOK = body(block("read_notebook"), EMAIL)
SEARCH = body(block("search", dataframe_type="LEAD", query="x", max_results=2), EMAIL)
DECLARED = body(
    block(
        "webhook",
        dataframe_type="LEAD",
        input_schema={"email": "string", "note": {"type": "str", "required": False}},
    )
)


def runs(client, **query):
    reply = client.get("/workflows/runs", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


def cancel(client, **arguments):
    return client.post("/workflows/cancel", **arguments)


# -- Starting -------------------------------------------------------------------------


def test_six_block_pipeline_runs_to_its_end(shared, client):
    """Companies become people with an address; every block reports what it did."""
    rows = [{"company_name": name, "website": f"{name}.example"} for name in "abcab"]

    run_id = run_rows(client, ACCOUNTS, rows)

    live = status_of(client, run_id)
    assert live["overall_status"] == "completed"
    assert live["overall_progress_percentage"] == 100
    assert live["completed_blocks"] == live["total_blocks"] == 6
    assert live["current_block"] is None
    assert {b["status"] for b in live["blocks"]} == {"completed"}
    kinds = [b["metrics"]["dataframe_type"] for b in live["blocks"]]
    assert kinds == ["COMPANY"] * 3 + ["LEAD"] * 3
    counts = [b["metrics"]["row_count"] for b in live["blocks"]]
    assert counts[:3] == [5, 3, 3]
    assert counts[3] == counts[4] >= counts[5] > 0
    found = shared.rows(run_id, "filter")
    assert {row["email_status"] for row in found} == {"OK"}
    assert {row["company"] for row in found} <= set("abc")
    assert all(row["seniority"].startswith("synthetic ") for row in found)


def test_start_answers_queued(client):
    """The answer names the run, and no more is promised."""
    own = create(client, LEADS)

    found = start(client, own, [ADA]).json()

    assert (found["status"], found["workflow_id"]) == ("queued", own)
    assert found["already_started"] is None


def test_one_object_is_one_row(shared, client):
    """A payload that is an object is one row."""
    run_id = run_rows(client, LEADS, ADA)

    assert shared.rows(run_id, "webhook") == [ADA]


@pytest.mark.parametrize("content", [None, b"{}"])
def test_body_of_a_run_is_optional(shared, client, content):
    """Without a payload the sample rows of the webhook stand in."""
    own = create(
        client, body(block("webhook", webhook_input='{"email": "a@b.example"}'))
    )
    headers = {"content-type": "application/json"}

    reply = client.post(
        "/workflows/run", params={"workflow_id": own}, content=content, headers=headers
    )

    run_id = reply.json()["job_id"]
    wait(client, run_id)
    assert shared.rows(run_id, "webhook") == [{"email": "a@b.example"}]


@pytest.mark.parametrize(
    ("data", "payload", "override", "words"),
    [
        (SEARCH, [ADA], None, "webhook_payload is only for"),
        (SEARCH, ADA, None, "webhook_payload is only for"),
        (READ, None, None, "resource_handle_id"),
        (DECLARED, [ADA, {"name": "x"}], None, "Missing required columns: email"),
        (SEARCH, [], None, None),
        (READ, None, {"resource_handle_id": "handle"}, None),
        (DECLARED, [], None, None),
        (DECLARED, [{"email": "x", "more": 1}], None, None),
    ],
)
def test_rules_of_starting(client, data, payload, override, words):
    """The rules of the run route answer 400 with a sentence."""
    reply = client.post(
        "/workflows/run",
        params={"workflow_id": create(client, data)},
        json={"webhook_payload": payload, "specs_override": override},
    )

    assert reply.status_code == (400 if words else 200)
    assert (words or "") in reply.json().get("detail", "")


def test_columns_need_not_be_required(serve):
    """With the switch off, a listed column is advice."""
    _, client = serve(switches=Switches(require_columns=False))

    assert start(client, create(client, DECLARED), [{}]).status_code == 200


@pytest.mark.parametrize(
    ("data", "payload", "status"),
    [
        (SEARCH, [], 200),
        (NOTEBOOK, [], 400),
        (NOTEBOOK, None, 200),
        (LEADS, [], 400),
        (LEADS, [ADA], 200),
    ],
)
def test_empty_payload_may_be_refused(serve, data, payload, status):
    """With the switch on, an empty list starts a search and nothing else."""
    _, client = serve(switches=Switches(refuse_empty_payload=True))
    sent = {} if payload is None else {"webhook_payload": payload}

    reply = client.post(
        "/workflows/run", params={"workflow_id": create(client, data)}, json=sent
    )

    assert reply.status_code == status
    assert ("is empty" in reply.text) == (status == 400)


def test_override_is_for_one_run(shared, client):
    """Specs of the first block are laid over for this run, and stay as they were."""
    own = create(client, SEARCH)
    before = client.get(f"/workflows/{own}").json()

    reply = client.post(
        "/workflows/run",
        params={"workflow_id": own},
        json={"specs_override": {"max_results": 4}},
    )

    run_id = reply.json()["job_id"]
    wait(client, run_id)
    assert len(shared.rows(run_id, "search")) == 4
    after = client.get(f"/workflows/{own}").json()
    assert after["workflow_definition"] == before["workflow_definition"]
    assert (before["last_run_date"], after["last_run_date"] is None) == (None, False)


@pytest.mark.parametrize("rows", ["x", [1], [[]], 3])
def test_payload_is_rows(client, rows):
    """Something else than rows is 422."""
    assert start(client, create(client, LEADS), rows).status_code == 422


def test_unknown_workflow_cannot_run(client):
    """A workflow that is not there is 404."""
    assert start(client, str(uuid4())).status_code == 404


# -- Idempotency ----------------------------------------------------------------------

KEY = {"idempotency-key": "once"}


def test_same_key_is_the_same_run(client):
    """A repeated start answers the first run and says so."""
    own = create(client, LEADS)

    first, second = (start(client, own, [ADA], KEY).json() for _ in range(2))

    assert second["job_id"] == first["job_id"]
    assert (first["already_started"], second["already_started"]) == (None, True)
    assert len(runs(client)) == 1


def test_other_keys_are_other_runs(client):
    """Another key, no key, and another workflow start runs of their own."""
    own, other = create(client, LEADS), create(client, LEADS)
    starts = [
        (own, KEY),
        (own, {"idempotency-key": "twice"}),
        (own, None),
        (own, None),
        (other, KEY),
    ]

    ids = {start(client, w, [ADA], headers).json()["job_id"] for w, headers in starts}

    assert len(ids) == 5


@pytest.mark.parametrize(
    ("clash", "status"), [("409", 409), ("422", 422), ("replay", 200)]
)
def test_one_key_with_two_bodies(serve, clash, status):
    """No second run is started, whatever the answer is."""
    _, client = serve(switches=Switches(key_clash=clash))
    own = create(client, LEADS)
    start(client, own, [ADA], KEY)

    reply = start(client, own, [], KEY)

    assert reply.status_code == status
    assert len(runs(client)) == 1


def test_key_can_be_ignored(serve):
    """With the switch off, each start is a run."""
    _, client = serve(switches=Switches(honour_idempotency=False))
    own = create(client, LEADS)

    ids = {start(client, own, [ADA], KEY).json()["job_id"] for _ in range(2)}

    assert len(ids) == 2


# -- Watching -------------------------------------------------------------------------


def test_progress_moves_block_by_block(serve):
    """With a speed, blocks run one after the other and nothing goes backwards."""
    _, client = serve(switches=Switches(speed=0.1))
    run_id = start(
        client, create(client, ACCOUNTS), [{"company_name": "a"}] * 4
    ).json()["job_id"]
    seen = [status_of(client, run_id)]

    while seen[-1]["overall_status"] != "completed":
        seen.append(status_of(client, run_id))

    progress = [found["overall_progress_percentage"] for found in seen]
    assert progress == sorted(progress)
    assert len(set(progress)) > 6
    currents = list(
        dict.fromkeys(f["current_block"] for f in seen if f["current_block"])
    )
    names = [b["block_name"] for b in ACCOUNTS["workflow_definition"]["blocks"]]
    assert currents == names
    blocked = {f["estimation_blocked_by"] for f in seen if f["completed_blocks"] < 3}
    assert blocked == {"company_to_leads"}
    assert seen[-1]["estimation_blocked_by"] is None


def test_unknown_run_is_404(client):
    """A run that is not there has no status."""
    run_id = uuid4()

    assert client.get(f"/workflows/runs/{run_id}/live_status").status_code == 404


# -- Failing --------------------------------------------------------------------------


def test_run_fails_in_a_block(serve):
    """The block says why, the run names it, and what follows never starts."""
    emulator, client = serve()
    emulator.fail_block("find_email", "Out of credits")

    run_id = run_rows(client, LEADS, [ADA])

    live = status_of(client, run_id)
    assert live["overall_status"] == "failed"
    assert [b["status"] for b in live["blocks"]] == ["completed", "failed", "pending"]
    assert live["blocks"][1]["error_message"] == "Out of credits"
    listed = runs(client)[0]
    assert listed["error_message"] == "find_email: Out of credits"
    assert listed["status_reason"] == "block_failed"
    assert emulator.outbox == []


def test_one_block_of_a_kind_fails(serve):
    """Named by its id, it alone does; a kind that is none is refused."""
    emulator, client = serve()
    emulator.fail_block(EMAIL["block_id"], "Out of credits")
    first = block("find_email", 2)

    run_id = run_rows(client, body(WEBHOOK, first, EMAIL), [ADA])

    statuses = [b["status"] for b in status_of(client, run_id)["blocks"]]
    assert statuses == ["completed", "completed", "failed"]
    with pytest.raises(ConfigError, match=r"'find_emial' \(did you mean 'find_email'"):
        emulator.fail_block("find_emial", "Out of credits")


def test_block_can_work_again(serve):
    """A fault is taken back with None."""
    emulator, client = serve()
    emulator.fail_block("find_email", "Out of credits")
    emulator.fail_block("find_email", None)

    run_id = run_rows(client, LEADS, [ADA])

    assert status_of(client, run_id)["overall_status"] == "completed"


@pytest.mark.parametrize(("fails", "ends"), [(True, "failed"), (False, "completed")])
def test_kind_that_the_catalogue_lacks(serve, fails, ends):
    """It passes rows on, or fails with the documented words."""
    emulator, client = serve(switches=Switches(unknown_kind_fails=fails))

    run_id = run_rows(client, body(WEBHOOK, block("new_kind"), OUT), [ADA])

    live = status_of(client, run_id)
    assert live["overall_status"] == ends
    message = "Unknown block type: new_kind" if fails else None
    assert live["blocks"][1]["error_message"] == message
    assert emulator.rows(run_id, "new_kind") == ([] if fails else [ADA])


def test_listed_kind(serve):
    """A kind of the emulator's own list of blocks is known, and no other one."""
    _emulator, client = serve(
        switches=Switches(unknown_kind_fails=True),
        blocks=[{"block_name": "webhook"}, {"block_name": "new_kind"}, None],
    )

    ends = [
        status_of(client, run_rows(client, body(WEBHOOK, more), [ADA]))[
            "overall_status"
        ]
        for more in (block("new_kind"), OUT)
    ]

    assert ends == ["completed", "failed"]


# -- Listing --------------------------------------------------------------------------


def test_runs_are_listed_newest_first(client):
    """The list is by start, the newest first, and cut at the limit."""
    own, other = create(client, LEADS), create(client, LEADS)
    ids = [start(client, w, []).json()["job_id"] for w in (own, other, own)]
    for run_id in ids:
        wait(client, run_id)

    assert [run["job_id"] for run in runs(client)] == ids[::-1]
    assert [run["job_id"] for run in runs(client, limit=1)] == ids[2:]
    of_one = runs(client, workflow_id=own.upper())
    assert [run["job_id"] for run in of_one] == [ids[2], ids[0]]
    assert {run["blocks_count"] for run in of_one} == {3}


def test_runs_of_an_unknown_workflow_are_404(client):
    """A workflow that is not there has no list."""
    reply = client.get("/workflows/runs", params={"workflow_id": str(uuid4())})

    assert reply.status_code == 404


def test_runs_outlive_their_workflow(client):
    """Deleting a workflow keeps its runs."""
    own = create(client, LEADS)
    run_id = start(client, own, []).json()["job_id"]

    client.post("/workflows/delete_workflow", params={"workflow_id": own})

    assert wait(client, run_id)["overall_status"] == "completed"
    assert [run["job_id"] for run in runs(client, workflow_id=own)] == [run_id]


def test_runs_are_filtered_by_status(serve):
    """`active` is queued and running; other words are that status."""
    emulator, client = serve()
    done = run_rows(client, LEADS, [])
    emulator.fail_block("find_email", "no")
    failed = run_rows(client, LEADS, [])
    emulator.switches = Switches(speed=60)
    active = start(client, create(client, LEADS), []).json()["job_id"]
    wait(client, active, until=["running"])

    found = {
        word: [run["job_id"] for run in runs(client, status=word)]
        for word in ("completed", "failed", "active", "running", "cancelled", "x")
    }

    assert found == {
        "completed": [done],
        "failed": [failed],
        "active": [active],
        "running": [active],
        "cancelled": [],
        "x": [],
    }


def test_runs_can_be_listed_late(serve):
    """With the switch, the first lists do not have a run that was just started."""
    _, client = serve(switches=Switches(list_runs_late=2))
    start(client, create(client, LEADS), [])

    assert [len(runs(client)) for _ in range(4)] == [0, 0, 1, 1]


def test_runs_can_be_listed_late_by_time(serve):
    """The same by the emulator's clock."""
    emulator, client = serve(switches=Switches(list_runs_late_seconds=30))
    start(client, create(client, LEADS), [])
    before = len(runs(client))

    emulator.clock.advance(31)

    assert (before, len(runs(client))) == (0, 1)


# -- Cancelling -----------------------------------------------------------------------


@pytest.mark.parametrize("by_body", [False, True])
def test_cancel_ends_a_run(serve, by_body):
    """The reply has one l, all else two; what follows never runs."""
    emulator, client = serve(switches=Switches(speed=60))
    run_id = start(client, create(client, LEADS), [ADA]).json()["job_id"]
    wait(client, run_id, until=["running"])
    named = {"job_id": run_id}

    reply = cancel(client, **({"json": named} if by_body else {"params": named}))

    assert reply.json() == {"job_id": run_id, "status": "canceled"}
    live = status_of(client, run_id)
    assert (live["overall_status"], live["current_block"]) == ("cancelled", None)
    emulator.stop()
    assert emulator.outbox == []


def test_cancel_of_a_finished_run_changes_nothing(client):
    """It answers the status that the run has."""
    run_id = run_rows(client, LEADS, [])

    reply = cancel(client, params={"job_id": run_id})

    assert reply.json()["status"] == "completed"
    assert status_of(client, run_id)["overall_status"] == "completed"


def test_cancel_needs_a_run(client):
    """No id is 422, an unknown one 404."""
    replies = [cancel(client), cancel(client, params={"job_id": "unknown"})]

    assert [reply.status_code for reply in replies] == [422, 404]


def test_stopping_leaves_runs_where_they_are(serve):
    """A stopped emulator works no more, and says nothing that is not so."""
    emulator, client = serve(switches=Switches(speed=60))
    run_id = start(client, create(client, LEADS), [ADA]).json()["job_id"]
    wait(client, run_id, until=["running"])

    emulator.stop()

    assert emulator.store.runs.get(run_id).status == "running"
