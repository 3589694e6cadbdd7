"""What the documents state of the service, as tests that hold for the emulator.

With a key they run against the service itself:

    SIXTYFOUR_API_KEY=... pytest tests/emulator/test_contract.py --service

Only free calls are made then, unless `--spend DOLLARS` allows more. Each workflow that
is created is deleted again. A failure says where the service differs.
"""

from __future__ import annotations

import time
from contextlib import suppress
from uuid import uuid4

import httpx
import pytest
from attrs import define, field

from flow64.emulator import Emulator
from tests.emulator.conftest import connect, hold_to_document
from tests.emulator.support import EMAIL, WEBHOOK, block, body, graph

PRICE = 0.05
"""Dollars of one row of find_email in PROFESSIONAL mode (documented)."""


@define
class Service:
    """The service that is judged, and what was created there."""

    client: httpx.Client
    is_live: bool
    spend: float
    created: list[str] = field(factory=list)

    def create(self, data):
        """Create a workflow, which is deleted at the end."""
        response = self.client.post("/workflows/create_workflow", json=data)
        if response.is_success:
            self.created.append(response.json()["id"])
        return response

    def run(self, workflow_id, rows=None, key=None, **query):
        """Start a run."""
        payload = {} if rows is None else {"webhook_payload": rows}
        return self.client.post(
            "/workflows/run",
            params={"workflow_id": workflow_id, **query},
            json=payload,
            headers={} if key is None else {"Idempotency-Key": key},
        )

    def wait(self, run_id):
        """Return the live status of a run that has ended."""
        ends = time.monotonic() + (300 if self.is_live else 20)
        while time.monotonic() < ends:
            status = self.client.get(f"/workflows/runs/{run_id}/live_status").json()
            if status["overall_status"] in {"completed", "failed", "cancelled"}:
                return status
            time.sleep(5 if self.is_live else 0.005)
        raise AssertionError(status)

    def pay(self, dollars):
        """Skip a test that costs more than was allowed."""
        if self.is_live and dollars > self.spend:
            pytest.skip(f"it costs up to ${dollars:.2f}; allow it with --spend")
        self.spend -= dollars


@pytest.fixture(scope="module")
def service(request):
    """The emulator, or the service if the flag and a key are there."""
    if request.config.getoption("--service"):
        stash = request.config.stash
        if not stash["SIXTYFOUR_API_KEY"]:
            pytest.fail("--service needs a key in SIXTYFOUR_API_KEY")
        client = httpx.Client(
            base_url=stash["SIXTYFOUR_API_ENDPOINT"] or "https://api.sixtyfour.ai",
            headers={"x-api-key": stash["SIXTYFOUR_API_KEY"]},
            event_hooks={"response": [hold_to_document]},
            timeout=60,
        )
        judged = Service(client, True, request.config.getoption("--spend"))
    else:
        judged = Service(connect(Emulator()), False, 0.0)
    yield judged
    for workflow_id in judged.created:
        with suppress(httpx.HTTPError, KeyError):
            judged.client.post(
                "/workflows/delete_workflow", params={"workflow_id": workflow_id}
            )
    judged.client.close()


FREE = body(WEBHOOK, block("deduplicate"), name="flow64 contract test")
"""Only blocks for which no source names a price, and none looks anything up."""


@pytest.fixture(scope="module")
def workflow(service):
    """A workflow of blocks that cost nothing."""
    return service.create(FREE).json()


@pytest.fixture(scope="module")
def finished(service, workflow):
    """A run of it that has ended, with two rows."""
    rows = [{"email": "ada@example.com"}, {"email": "grace@example.com"}]
    run_id = service.run(workflow["id"], rows, save_json=True).json()["job_id"]
    return service.wait(run_id)


# -- Workflows ------------------------------------------------------------------------


def test_create_answers_name_and_description(workflow):
    assert workflow["name"] == FREE["workflow_name"]
    assert workflow["description"] == FREE["workflow_description"]


def test_own_id_is_kept_and_a_taken_one_is_refused(service):
    data = {**FREE, "id": str(uuid4())}

    assert service.create(data).json()["id"] == data["id"]
    assert (
        service.client.post("/workflows/create_workflow", json=data).status_code == 409
    )


def test_get_has_the_definition_and_the_list_has_none(service, workflow):
    live = service.client.get(f"/workflows/{workflow['id']}").json()
    listed = {one["id"]: one for one in service.client.get("/workflows").json()}

    assert live["workflow_definition"]["blocks"]
    assert listed[workflow["id"]].get("workflow_definition") is None


def test_stored_definition_may_be_sent_back(service, workflow):
    live = service.client.get(f"/workflows/{workflow['id']}").json()
    data = {
        "workflow_name": live["name"],
        "workflow_description": live["description"],
        "workflow_definition": live["workflow_definition"],
    }
    response = service.client.post(
        "/workflows/update_workflow", params={"workflow_id": workflow["id"]}, json=data
    )

    assert response.json()["workflow_definition"] == live["workflow_definition"]


def test_uuids_of_blocks_are_kept_and_other_ids_are_replaced(service):
    named = graph({**WEBHOOK, "block_id": "start"}, block("deduplicate"))
    stored = service.create({**FREE, "workflow_definition": named}).json()
    blocks = service.client.get(f"/workflows/{stored['id']}").json()[
        "workflow_definition"
    ]["blocks"]
    (edge,) = stored["workflow_definition"]["edges"]
    ids = {one["block_name"]: one["block_id"] for one in blocks}

    assert ids["deduplicate"] == block("deduplicate")["block_id"]
    assert ids["webhook"] != "start"
    assert edge["from_block_id"] == ids["webhook"]


def test_update_creates_what_does_not_exist(service):
    workflow_id = str(uuid4())
    response = service.client.post(
        "/workflows/update_workflow", params={"workflow_id": workflow_id}, json=FREE
    )
    service.created.append(workflow_id)

    assert (response.status_code, response.json()["id"]) == (200, workflow_id)


def test_update_of_a_field_keeps_the_others(service):
    before = service.create(FREE).json()
    after = service.client.post(
        "/workflows/update_workflow",
        params={"workflow_id": before["id"]},
        json={"workflow_name": "Other"},
    ).json()

    assert after["name"] == "Other"
    assert after["description"] == before["description"]
    assert after["workflow_definition"] == before["workflow_definition"]


def test_delete_answers_the_workflow_and_it_is_gone(service):
    workflow_id = service.create(FREE).json()["id"]
    query = {"workflow_id": workflow_id}
    response = service.client.post("/workflows/delete_workflow", params=query)

    assert response.json()["id"] == workflow_id
    assert service.client.get(f"/workflows/{workflow_id}").status_code == 404


@pytest.mark.parametrize(
    "definition",
    [
        graph(),
        {**graph(WEBHOOK), "edges": [{"from_block_id": "a", "to_block_id": "b"}]},
        graph(WEBHOOK, block("company_enrichment", return_fields={"a": "b"})),
        graph(WEBHOOK, block("outgoing_webhook", url="nowhere")),
        {"blocks": [{"specs": {}}], "edges": []},
    ],
    ids=["no block", "dangling edge", "row kinds", "url", "schema"],
)
def test_invalid_graph_is_refused_before_it_is_saved(service, definition):
    """With 400 or 422: the sources disagree."""
    response = service.create({**FREE, "workflow_definition": definition})

    assert response.status_code in {400, 422}


def test_violations_have_a_place(service):
    response = service.create(
        {**FREE, "workflow_definition": {"blocks": [{}], "edges": []}}
    )
    places = [error["loc"] for error in response.json()["detail"]]

    assert ["body", "workflow_definition", "blocks", 0, "block_name"] in places


def test_id_that_is_no_uuid_is_refused(service):
    assert service.client.get("/workflows/nothing").status_code == 422


def test_blocks_are_listed_with_schemas_of_their_specs(service):
    blocks = service.client.get("/workflows/blocks").json()

    assert {"webhook", "find_email"} <= {one["block_name"] for one in blocks}
    assert all(isinstance(one["specs_schema"], dict) for one in blocks)


# -- Access ---------------------------------------------------------------------------


def test_wrong_or_missing_key_is_refused(service):
    if not service.is_live:
        service = Service(connect(Emulator(api_keys=["right"]), "wrong"), False, 0.0)
    wrong = service.client.get("/workflows", headers={"x-api-key": "wrong"})
    missing = service.client.get("/workflows", headers={"x-api-key": ""})

    assert (wrong.status_code, missing.status_code) == (401, 401)


def test_malformed_json_is_refused(service):
    headers = {"content-type": "application/json"}
    response = service.client.post(
        "/workflows/create_workflow", content=b"{", headers=headers
    )

    assert response.status_code in {400, 422}


# -- Runs -----------------------------------------------------------------------------


def test_start_answers_a_run_id_at_once(service, workflow):
    started = service.run(workflow["id"], {"email": "ada@example.com"}).json()
    service.wait(started["job_id"])

    assert started["workflow_id"] == workflow["id"]
    assert started["status"] == "queued"


def test_live_status_tells_of_each_block(finished):
    assert finished["overall_status"] == "completed"
    assert finished["completed_blocks"] == finished["total_blocks"] == 2
    assert finished["overall_progress_percentage"] == 100
    assert [one["metrics"]["row_count"] for one in finished["blocks"]] == [2, 2]


def test_runs_are_listed_newest_first(service, workflow, finished):
    query = {"workflow_id": workflow["id"]}
    runs = service.client.get("/workflows/runs", params=query).json()
    times = [run["queued_at"] for run in runs]

    assert finished["run_id"] in {run["job_id"] for run in runs}
    assert times == sorted(times, reverse=True)


def test_runs_are_filtered_by_status(service, workflow, finished):
    query = {"workflow_id": workflow["id"], "status": "completed"}
    runs = service.client.get("/workflows/runs", params=query).json()

    assert {run["status"] for run in runs} == {"completed"}


def test_unknown_workflow_has_no_runs(service):
    for path, method in (("/workflows/runs", "GET"), ("/workflows/run", "POST")):
        response = service.client.request(
            method, path, params={"workflow_id": str(uuid4())}
        )
        assert response.status_code == 404


def test_results_have_links_that_need_no_key(service, finished):
    path = f"/workflows/runs/{finished['run_id']}/results/download-links"
    last = max(
        service.client.get(path).json(), key=lambda item: item["block_number"] or 0
    )
    response = service.client.get(last["download_url"], headers={"x-api-key": ""})

    assert last["row_count"] == 2
    assert last["download_expires_in_seconds"] == 900
    assert b"ada@example.com" in response.content


def test_json_results_need_a_run_that_saved_json(service, finished):
    path = f"/workflows/runs/{finished['run_id']}/results/download-links"
    items = service.client.get(path, params={"format": "json"}).json()

    assert service.client.get(items[-1]["download_url"]).json()[0] == {
        "email": "ada@example.com"
    }


def test_repeated_key_starts_nothing(service, workflow):
    """That the header works here is inferred from `already_started`."""
    rows, key = [{"email": "ada@example.com"}], str(uuid4())
    first = service.run(workflow["id"], rows, key).json()
    second = service.run(workflow["id"], rows, key).json()

    assert second["job_id"] == first["job_id"]
    assert (first["already_started"] or False, second["already_started"]) == (
        False,
        True,
    )


def test_cancel_of_a_finished_run_answers_its_status(service, finished):
    response = service.client.post(
        "/workflows/cancel", params={"job_id": finished["run_id"]}
    )

    assert response.json() == {"job_id": finished["run_id"], "status": "completed"}


def test_missing_columns_and_payload_of_other_sources_are_refused(service):
    typed = block("webhook", dataframe_type="LEAD", input_schema={"email": "string"})
    columns = service.create(body(typed, name=FREE["workflow_name"])).json()["id"]
    source = block("read_csv", dataframe_type="LEAD")
    files = service.create(body(source, name=FREE["workflow_name"])).json()["id"]

    assert service.run(columns, [{"name": "Ada"}]).status_code == 400
    assert service.run(files, [{"name": "Ada"}]).status_code == 400
    assert service.run(files).status_code == 400


def test_find_email_adds_address_and_status(service):
    service.pay(PRICE)
    workflow_id = service.create(
        body(WEBHOOK, EMAIL, name=FREE["workflow_name"])
    ).json()
    row = {"name": "Ada Lovelace", "company": "Example"}
    run_id = service.run(workflow_id["id"], [row]).json()["job_id"]
    assert service.wait(run_id)["overall_status"] == "completed"
    path = f"/workflows/runs/{run_id}/results/download-links"
    last = max(service.client.get(path).json(), key=lambda item: item["block_number"])
    header = service.client.get(last["download_url"]).text.splitlines()[0]

    assert {"email", "email_status"} <= set(header.split(","))


# -- Schedules and the signing secret -------------------------------------------------


def test_schedule_lists_its_next_times_and_can_be_switched_off(service, workflow):
    """Only some plans have schedules."""
    data = {"workflow_id": workflow["id"], "name": "n", "cron_expression": "0 3 1 1 *"}
    response = service.client.post("/schedules", json=data)
    if service.is_live and response.status_code == 403:
        pytest.skip("this plan has no schedules")
    schedule = response.json()
    path = f"/schedules/{schedule['id']}"
    off = service.client.patch(path, json={"is_active": False}).json()
    listed = service.client.get("/schedules", params={"workflow_id": workflow["id"]})
    deleted = service.client.delete(path)

    assert (response.status_code, schedule["timezone"]) == (201, "UTC")
    assert schedule["next_run_times"]
    assert off["is_active"] is False
    assert schedule["id"] in {one["id"] for one in listed.json()}
    assert deleted.is_success
    assert service.client.get(path).status_code == 404


def test_signing_secret_is_shown_once_and_rolled(service):
    """Not at the service: a new secret would end that of the organisation."""
    if service.is_live:
        pytest.skip("it would revoke the secret of the organisation")
    path = "/webhooks/signing-secret"
    secret = service.client.post(path).json()
    shown = service.client.get(path).json()
    rolled = service.client.post(
        f"{path}/roll", json={"expire_overlap_hours": 1}
    ).json()

    assert secret["plaintext"].startswith("sk_whsec_")
    assert len(secret["plaintext"]) == len("sk_whsec_") + 64
    assert shown["preview"].endswith(secret["plaintext"][-4:])
    assert rolled["plaintext"] != secret["plaintext"]
    assert service.client.delete(path).status_code == 204
    assert service.client.get(path).json() is None
