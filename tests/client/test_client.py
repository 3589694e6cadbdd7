"""Clients: settings, the low-level calls, and the calls of every day on an emulator."""

from __future__ import annotations

import gc
import json
import pickle
import sys
import traceback

import httpx
import pytest
from attrs import frozen

from flow64 import LEAD, Client, Workflow, errors, value
from flow64.blocks import OutgoingWebhook, Webhook
from flow64.client import Policy, Terms
from flow64.emulator import Emulator
from tests.service.fault_server import LOST, FaultServer, Reply, answered
from tests.service.support import SECRET, leads, searched, secret_leads

KEY = "sk_SENTINEL-key"
ROWS = [{"email": "ada@example.com"}, {"email": "grace@example.com"}]
GRAPH = {
    "blocks": [
        {
            "block_name": "webhook",
            "block_type": "io",
            "sequence_number": 1,
            "specs": {"dataframe_type": "LEAD"},
        }
    ],
    "edges": [],
}
DATA = {"workflow_name": "A", "workflow_description": "", "workflow_definition": GRAPH}
QUICK = Policy(first_wait=0.001, first_rest=0.001)


@pytest.fixture
def emulator():
    made = Emulator()
    yield made
    made.stop()


@pytest.fixture
def client(emulator):
    transport = emulator.transport()
    with Client(
        KEY, base_url="http://127.0.0.1", transport=transport, journal=None
    ) as made:
        yield made


@pytest.fixture
def faulty():
    """A fault server before an emulator, and a client of it."""
    with (
        Emulator() as emulator,
        FaultServer(emulator) as server,
        Client(KEY, base_url=server.url, journal=None, policy=QUICK) as client,
    ):
        yield server, client


def writes(emulator):
    return [r.path.rpartition("/")[2] for r in emulator.requests if r.method == "POST"]


@frozen
class Person:
    email: str


# -- Every day ------------------------------------------------------------------------


def test_deploy_run_and_read(client, emulator, caplog):
    """A second deploy and a second run of the same rows send and buy nothing."""
    workflow = leads()
    assert client.plan(workflow).steps[0].state == "new"
    assert [client.deploy(workflow).state for _ in range(2)] == ["new", "unchanged"]
    run = client.run(workflow, ROWS)
    assert run.wait(every=0.01).status == "completed"
    assert [row.value for row in run.rows(Person)] == [
        Person(row["email"]) for row in ROWS
    ]
    again = client.run(workflow, ROWS)
    assert (again.id, again.is_attached) == (run.id, True)
    assert f"same rows and definition as run {run.id}" in caplog.text
    assert client.run(workflow, ROWS, new=True).id != run.id
    assert writes(emulator) == ["create_workflow", "run", "run"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"attach": "latest"}, errors.IntentError),
        ({"retry": "latest"}, errors.IntentError),
        ({"result_formats": "ndjson"}, errors.BuildError),
        ({"specs_override": "max_results=5"}, errors.BuildError),
    ],
)
def test_wrong_options_of_a_run_are_refused(client, emulator, options, error):
    client.deploy(leads())
    with pytest.raises(error):
        client.run(leads(), ROWS, **options)
    assert writes(emulator) == ["create_workflow"]


def test_a_run_shows_that_it_has_finished_without_being_watched(client):
    client.deploy(leads())
    run = client.run(leads(), ROWS)
    assert "queued" in repr(run)
    run.wait(every=0.01)
    fresh = client.runs.get(run.id)
    assert (fresh.status, fresh.is_ended) == ("completed", True)


def test_rows_are_dicts_and_frames_need_their_library(client, monkeypatch):
    """`nox -s frames` runs the real libraries."""
    monkeypatch.setitem(sys.modules, "polars", None)
    client.deploy(leads())
    run = client.run(leads(), ROWS).wait(every=0.01)
    assert [row["email"] for row in run.to_dicts()] == [row["email"] for row in ROWS]
    assert [dict(row) for row in run.rows(Person)] == run.to_dicts()
    with pytest.raises(errors.ConfigError, match="pip install polars"):
        run.to_polars()


def test_the_terms_of_an_environment_hold_for_each_call(emulator):
    """Values, suffix and limits; an organisation that is another one ends it."""
    facts = {"base_url": "http://127.0.0.1", "journal": None, "env": "staging"}
    terms = Terms(values={"hook": SECRET}, suffix="(staging)", max_rows=1)
    workflow = secret_leads()
    with Client(KEY, terms=terms, transport=emulator.transport(), **facts) as client:
        workflow_id = client.deploy(workflow).id
        live = client.workflows.get(workflow_id)
        assert live.name == "Leads (staging)"
        with pytest.raises(errors.BudgetError):
            client.run(workflow, ROWS)
        with pytest.raises(errors.BuildError, match="staging"):
            client.deploy(workflow, env="prod")
    other = Terms(org_id="org-other")
    with (
        Client(KEY, terms=other, transport=emulator.transport(), **facts) as client,
        pytest.raises(errors.ConfigError),
    ):
        client.deploy(leads())


def test_a_run_without_a_client_can_be_waited_for(tmp_path, monkeypatch):
    """The client is made from the variables, and nobody holds it afterwards."""
    with Emulator() as emulator:
        monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", emulator.url)
        monkeypatch.setenv("SIXTYFOUR_API_KEY", KEY)
        monkeypatch.chdir(tmp_path)
        workflow = leads()
        workflow.deploy()
        run = workflow.run(ROWS)
        gc.collect()
        assert run.wait(every=0.01).count == len(ROWS)
        assert [row.raw["email"] for row in run.rows()] == [r["email"] for r in ROWS]


def test_journal_stays_where_it_was_when_the_working_folder_changes(
    emulator, tmp_path, monkeypatch
):
    """As in a notebook. Elsewhere, the run would not be known."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "a")
    transport = emulator.transport()
    with Client(KEY, base_url="http://127.0.0.1", transport=transport) as client:
        client.deploy(leads())
        runs = [client.run(leads(), ROWS)]
        monkeypatch.chdir(tmp_path / "b")
        runs.append(client.run(leads(), ROWS))

    assert [run.is_attached for run in runs] == [False, True]
    assert not [*(tmp_path / "b").iterdir()]


# -- Low-level calls ------------------------------------------------------------------


def test_data_is_sent_as_it_is_and_the_service_assigns_ids(client, emulator):
    """The second user of a title gets a workflow of its own."""
    first, second = client.workflows.create(DATA), client.workflows.create(DATA)
    assert first.id != second.id
    ids = {
        client.workflows.get(each.id).definition.blocks[0].id
        for each in (first, second)
    }
    assert len(ids) == 2
    copy = client.workflows.get(first.id)
    answered_data = {
        "name": copy.name,
        "description": copy.description,
        "workflow_definition": copy.workflow_definition,
    }
    assert client.workflows.create(answered_data).name == "A"


def test_a_lost_create_is_unknown_and_not_sent_again(faulty):
    server, client = faulty
    server.on("POST", "*", LOST)
    with pytest.raises(errors.OutcomeUnknownError):
        client.workflows.create(DATA)
    assert len(server.applied("POST")) == 1


def test_a_create_is_not_sent_again_after_a_429(faulty):
    """It may have been created all the same, and a second one has another id."""
    server, client = faulty
    server.on("POST", "*", answered(429))
    with pytest.raises(errors.ApiError):
        client.workflows.create(DATA)
    assert len(server.of("POST", "/workflows/create_workflow")) == 1


@pytest.mark.parametrize("reply", [LOST, answered(429), answered(401), Reply(503)])
def test_a_start_is_sent_once(faulty, reply):
    """Without rows it has no payload; without a key it has one of its own."""
    server, client = faulty
    made = client.workflows.create(DATA)
    server.on("POST", "/workflows/run", reply)
    with pytest.raises(errors.FlowError):
        client.runs.start(made.id)
    (sent,) = server.of("POST", "/workflows/run")
    assert sent.json == {}
    assert sent.header("idempotency-key")


def test_what_buys_at_once_needs_consent_also_to_be_renamed(faulty):
    """It is not sent again after any answer, not even a 429."""
    server, client = faulty
    workflow = searched().compile()
    with pytest.raises(errors.ConsentError):
        client.workflows.create(workflow)
    made = client.workflows.create(workflow, allow_spend=True)
    with pytest.raises(errors.ConsentError):
        client.workflows.update(made.id, name="Other")
    server.on("POST", "*", answered(429))
    with pytest.raises(errors.ApiError):
        client.workflows.update(made.id, name="Other", allow_spend=True)
    assert len(server.of("POST", "/workflows/update_workflow")) == 1


def test_an_update_of_an_unknown_id_creates_nothing(client, emulator):
    for more in ({"name": "B"}, {"workflow": DATA}):
        with pytest.raises(errors.NotFoundError):
            client.workflows.update("00000000-0000-4000-8000-000000000000", **more)
    assert writes(emulator) == []
    made = client.workflows.create(DATA)
    assert client.workflows.update(made.id, name="B").name == "B"
    assert client.workflows.update(made.id, {**DATA, "workflow_name": "C"}).name == "C"
    assert client.workflows.delete(made.id).id == made.id
    assert client.workflows.list() == []


def test_what_is_no_workflow_is_refused_before_anything_is_sent(client, emulator):
    unbound = Workflow("x", Webhook(LEAD) >> OutgoingWebhook(url=value("hook")))
    for given, error in (
        ("leads", errors.BuildError),
        (leads(), errors.BuildError),
        ({"blocks": 7}, errors.ReadError),
        (json.loads(unbound.to_json()), errors.BuildError),
    ):
        with pytest.raises(error):
            client.workflows.create(given)
    assert emulator.requests == []


def test_schedules_secrets_blocks_and_balance(client):
    """Each topic reaches the service, and no repr shows a secret."""
    made = client.workflows.create(DATA)
    schedule = client.schedules.create(made.id, "Weekly", "0 9 * * 1")
    assert client.schedules.update(schedule.id, name="Other").name == "Other"
    assert client.schedules.get(schedule.id).cron_expression == "0 9 * * 1"
    assert [each.id for each in client.schedules.list(made.id)] == [schedule.id]
    client.schedules.delete(schedule.id)
    assert client.signing_secrets.get() is None
    secret = client.signing_secrets.create()
    assert secret.plaintext not in repr(secret)
    assert client.signing_secrets.roll(0).plaintext != secret.plaintext
    client.signing_secrets.delete()
    assert "webhook" in client.blocks().blocks
    assert client.balance().credits > 0
    run = client.runs.start(made.id, ROWS)
    assert client.runs.status(run.id).run_id == run.id
    assert [each.job_id for each in client.runs.list(workflow_id=made.id)] == [run.id]
    run.wait(every=0.01)
    assert client.runs.download_links(run.id)
    assert client.runs.cancel(run.id) == "completed"


# -- The client itself ----------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "http://api.example.com"},
        {"base_url": "https://user:hunter2@api.example.com"},
        {"base_url": "ftp://api.example.com"},
    ],
)
def test_settings_that_cannot_be_used_are_refused(options):
    with pytest.raises(errors.ConfigError) as raised:
        Client(KEY, **options)
    error = raised.value
    trace = traceback.TracebackException(
        type(error), error, error.__traceback__.tb_next, capture_locals=True
    )
    assert "SENTINEL" not in "".join(trace.format())
    assert "hunter2" not in str(error)


def test_a_client_shows_no_key_and_is_neither_copied_nor_pickled(client):
    assert "SENTINEL" not in repr(client)
    with pytest.raises(errors.ConfigError):
        pickle.dumps(client)


def test_a_closed_client_says_so_and_closing_twice_is_fine(client):
    client.close()
    client.close()
    with pytest.raises(errors.ConfigError, match="closed"):
        client.balance()


def test_a_mock_transport_answers_in_place_of_the_service():
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"credits": 5}))
    with Client("k", transport=transport, journal=None) as client:
        assert client.balance().credits == 5
