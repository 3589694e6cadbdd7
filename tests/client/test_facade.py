"""The documented calls through both clients: at the emulator, and over real sockets."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import time
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from attrs import evolve

from flow64 import Workflow, errors
from flow64.api import Clock
from flow64.client import AsyncClient, Client, _async_calls, _calls
from flow64.emulator import Emulator, Switches
from flow64.emulator.document import DOCUMENT
from tests.service.credentials import frames
from tests.service.fault_server import (
    LOST,
    Drop,
    FaultServer,
    Reply,
    answered,
    location,
)
from tests.service.mishaps import Fault
from tests.service.support import SECRET, flow, leads, searched, secret_leads

ROWS = [{"email": "ada@example.com"}, {"email": "grace@example.com"}]
NOBODY = "00000000-0000-4000-8000-000000000000"
CRON = "0 9 * * 1"
GIVEN = leads().compile()


class Moved:
    """A clock that moves when somebody waits, so that nobody does."""

    def __init__(self):
        self.ahead = 0.0
        self.waits = []

    def now(self):
        return time.monotonic() + self.ahead

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.ahead += seconds

    async def awaited(self, seconds):
        self.sleep(seconds)
        await asyncio.sleep(0)


class Blocking:
    """A `Client`, and how its calls are made."""

    def __init__(self, key, **more):
        self.client = Client(key, journal=None, **more)
        self.moved = Moved()
        self.client._clock = Clock(self.moved.now, self.moved.awaited)

    def do(self, call):
        return call(self.client)

    def close(self):
        self.client.close()


class Awaiting:
    """An `AsyncClient`, the same."""

    def __init__(self, key, **more):
        self.runner = asyncio.Runner()
        self.moved = Moved()
        self.client = self.runner.run(self._made(key, more))

    async def _made(self, key, more):
        client = AsyncClient(key, journal=None, **more)
        client._clock = Clock(self.moved.now, self.moved.awaited)
        return client

    async def _done(self, call):
        return await call(self.client)

    def do(self, call):
        return self.runner.run(self._done(call))

    def close(self):
        self.runner.run(self.client.close())
        self.runner.close()


@pytest.fixture
def key():
    """A key, which is an organisation of its own."""
    return f"sk_SENTINEL-{uuid4()}"


@pytest.fixture(params=[Blocking, Awaiting], ids=["sync", "async"])
def user(request, key):
    """Makes somebody who calls, with a client of either kind."""
    made = []

    def of(url, **more):
        made.append(request.param(key, base_url=url, **more))
        return made[-1]

    yield of
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def served():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(served):
    """One that has no workflow, serves as it does by itself, and breaks nothing."""
    yield served
    served.switches = Switches()
    served.faults.clear()
    for workflow in served.store.workflows.all():
        served.store.workflows.remove(workflow.id)


@pytest.fixture
def deployed(emulator, key):
    """The id of a workflow that was deployed."""
    with Client(key, base_url=emulator.url, journal=None) as client:
        return client.deploy(leads()).workflow_id


VARIANTS = {
    "plain": Switches(),
    "fills defaults": Switches(fill_defaults=True),
    "reorders": Switches(reorder=True),
    "drops unknown": Switches(drop_unknown=True),
    "lists late": Switches(list_runs_late=2, honour_idempotency=False),
}
over_switches = pytest.mark.parametrize("variant", VARIANTS)


# -- Workflows ------------------------------------------------------------------------


@over_switches
def test_workflow_from_its_creation_to_its_end(user, emulator, variant):
    emulator.switches = VARIANTS[variant]
    one = user(emulator.url)
    made = one.do(lambda c: c.workflows.create(leads()))
    assert (made.id, made.name, len(made.definition.blocks)) == (
        leads().id(),
        "Leads",
        3,
    )

    (listed,) = one.do(lambda c: c.workflows.list())
    assert (listed.id, listed.name, listed.definition) == (made.id, "Leads", None)

    one.do(lambda c: c.workflows.update(made.id, name="New", description="Why"))
    seen = one.do(lambda c: c.workflows.get(made.id))
    assert (seen.name, seen.description) == ("New", "Why")
    assert {b.id for b in seen.definition.blocks} == {
        b.id for b in made.definition.blocks
    }

    changed = one.do(
        lambda c: c.workflows.update(made.id, leads(mode="PERSONAL"), name="Newer")
    )
    assert changed.name == "Newer"
    assert "PERSONAL" in str([b.specs for b in changed.definition.blocks])

    assert one.do(lambda c: c.workflows.delete(made.id)).id == made.id
    with pytest.raises(errors.NotFoundError):
        one.do(lambda c: c.workflows.get(made.id))
    with pytest.raises(errors.NotFoundError):
        one.do(lambda c: c.workflows.delete(made.id))


def test_workflow_is_given_in_any_form(user, emulator):
    """A `Workflow`, a definition, or the JSON data of one."""
    one = user(emulator.url)
    data = json.loads(leads(key="data").to_json())
    definition = leads(key="definition").compile()
    for given in (data, definition, leads(key="workflow")):
        one.do(lambda c, given=given: c.workflows.create(given))
    assert len(one.do(lambda c: c.workflows.list())) == 3


def test_stamp_of_a_deploy_goes_back_as_it_came(user, emulator, deployed):
    one = user(emulator.url)
    stamped = one.do(lambda c: c.workflows.get(deployed))
    back = one.do(lambda c: c.workflows.update(stamped.id, stamped.definition))
    assert back.description == stamped.description
    assert "[flow64:1 " in back.description


def test_update_of_nothing_creates_only_where_that_is_asked_for(user, emulator):
    """The service would take a slip in an id for a new workflow."""
    one = user(emulator.url)
    with pytest.raises(errors.NotFoundError):
        one.do(lambda c: c.workflows.update(leads().id(), leads()))
    assert one.do(lambda c: c.workflows.list()) == []

    one.do(lambda c: c.workflows.update(leads().id(), leads(), create=True))
    assert len(one.do(lambda c: c.workflows.list())) == 1


def test_create_whose_answer_is_lost_is_found(user, emulator):
    """It is sent again under its id, and the 409 is looked into."""
    emulator.switches = Switches(fill_defaults=True, reorder=True)
    with FaultServer(emulator) as server:
        server.on("POST", "*/create_workflow", LOST, LOST)
        made = user(server.url).do(lambda c: c.workflows.create(leads()))
    assert made.id == leads().id()
    assert [seen.line for seen in server.requests] == [
        *["POST /workflows/create_workflow"] * 3,
        f"GET /workflows/{made.id}",
    ]


def test_create_of_an_id_that_others_have_is_a_conflict(user, emulator):
    """Also where a repetition is what finds out."""
    one = user(emulator.url)
    one.do(lambda c: c.workflows.create(leads(mode="PERSONAL")))
    with pytest.raises(errors.ConflictError) as caught:
        one.do(lambda c: c.workflows.create(leads()))
    assert caught.value.attempts == 1

    emulator.faults.add(Fault("reset_before", path="*/create_workflow"))
    with pytest.raises(errors.ConflictError) as caught:
        one.do(lambda c: c.workflows.create(leads()))
    assert caught.value.attempts == 2


@pytest.mark.parametrize("look", [200, 403, 404])
def test_create_that_cannot_be_seen_is_a_conflict(user, emulator, look):
    """Another organisation has the id, or what it is for is not told."""
    with FaultServer(emulator) as server:
        server.on("POST", "*/create_workflow", LOST)
        server.on("GET", "*", Reply(look, {"id": leads().id()}))
        one = user(server.url)
        with pytest.raises(errors.ConflictError):
            one.do(lambda c: c.workflows.create(leads()))


@pytest.mark.parametrize("is_new", [True, False])
def test_what_spends_needs_consent_and_is_sent_once(user, emulator, is_new):
    """A create, and an update, may buy at once."""

    def write(client, **more):
        calls = client.workflows
        if is_new:
            return calls.create(searched(), **more)
        return calls.update(searched().id(), searched(), create=True, **more)

    with FaultServer(emulator) as server:
        one = user(server.url)
        with pytest.raises(errors.ConsentError):
            one.do(write)
        assert server.requests == []

        server.then(LOST)
        with pytest.raises(errors.TransportError):
            one.do(lambda c: write(c, allow_spend=True))
        assert len(server.applied()) == 1


@pytest.mark.parametrize("is_new", [True, False])
def test_direct_write_that_spends_is_not_sent_again_after_a_429(user, emulator, is_new):
    """Nobody looks whether it was carried out."""

    def write(client):
        if is_new:
            return client.workflows.create(searched(), allow_spend=True)
        more = {"create": True, "allow_spend": True}
        return client.workflows.update(searched().id(), searched(), **more)

    with FaultServer(emulator) as server:
        one = user(server.url)
        server.on("POST", "*", answered(429))
        with pytest.raises(errors.RateLimitedError):
            one.do(write)
    assert len(server.of("POST")) == 1


@pytest.mark.parametrize("code", [429, 408])
def test_direct_start_is_not_sent_again(user, emulator, code):
    """Whether the service honours the key is inferred."""
    with FaultServer(emulator) as server:
        one = user(server.url)
        one.do(lambda c: c.workflows.create(leads()))
        server.on("POST", "*/run", answered(code))
        kind = errors.RateLimitedError if code == 429 else errors.OutcomeUnknownError
        with pytest.raises(kind):
            one.do(lambda c: c.runs.start(leads().id(), [{"email": "a@b.example"}]))
    assert len(server.applied("POST", "*/run")) == 1


def test_whole_update_is_sent_again_and_a_partial_one_is_not(user, emulator):
    with FaultServer(emulator) as server:
        one = user(server.url)
        one.do(lambda c: c.workflows.create(leads()))
        server.on("POST", "*/update_workflow", LOST)
        one.do(lambda c: c.workflows.update(leads().id(), leads(name="New")))
        assert len(server.of("POST", "*/update_workflow")) == 2

        server.on("POST", "*/update_workflow", LOST)
        with pytest.raises(errors.TransportError):
            one.do(lambda c: c.workflows.update(leads().id(), name="Newer"))
    assert len(server.of("POST", "*/update_workflow")) == 3


def test_definition_without_an_id_is_sent_once(user, emulator):
    """Each create would make another workflow."""
    definition = evolve(leads().compile(), id=None, path=None)
    with FaultServer(emulator) as server:
        server.then(LOST)
        one = user(server.url)
        with pytest.raises(errors.TransportError):
            one.do(lambda c: c.workflows.create(definition))
    assert [(seen.applied, "id" in seen.json) for seen in server.requests] == [
        (1, False)
    ]


def test_update_is_of_the_workflow_that_is_named(user, emulator):
    """Whatever id the definition has that it becomes."""
    with FaultServer(emulator) as server:
        one = user(server.url)
        made = one.do(lambda c: c.workflows.create(leads()))
        other = leads(name="Other", key="other")
        one.do(lambda c: c.workflows.update(made.id, other))
    (seen,) = server.of("POST", "*/update_workflow")
    assert (seen.query["workflow_id"], seen.json["id"]) == ([made.id], made.id)
    assert [record.id for record in emulator.store.workflows.all()] == [made.id]


REFUSED_WORKFLOWS = {
    "class": (lambda c: c.workflows.create(Workflow), errors.ArgumentError),
    "text": (lambda c: c.workflows.create("leads"), errors.ArgumentError),
    "flow": (lambda c: c.workflows.create(flow()), errors.ArgumentError),
    "none": (lambda c: c.workflows.create(None), errors.ArgumentError),
    "data": (lambda c: c.workflows.create({"id": "x"}), errors.ReadError),
    "env of data": (
        lambda c: c.workflows.create(leads().compile(), env="prod"),
        errors.ArgumentError,
    ),
    "values of data": (
        lambda c: c.workflows.create(leads().compile(), values={}),
        errors.ArgumentError,
    ),
    "unbound": (lambda c: c.workflows.create(secret_leads()), errors.UnboundValueError),
    "unbound data": (
        lambda c: c.workflows.create(secret_leads().compile()),
        errors.UnboundValueError,
    ),
    "no project": (
        lambda c: c.workflows.create(leads(project=None)),
        errors.LocalNamespaceError,
    ),
    "no change": (lambda c: c.workflows.update(NOBODY), errors.ArgumentError),
    "no whole": (
        lambda c: c.workflows.update(NOBODY, name="x", create=True),
        errors.ArgumentError,
    ),
    "no name": (lambda c: c.workflows.update(NOBODY, name=" "), errors.ArgumentError),
    "no text": (
        lambda c: c.workflows.update(NOBODY, description=3),
        errors.ArgumentError,
    ),
    "no id": (lambda c: c.workflows.update("", leads()), errors.ArgumentError),
    "other env": (
        lambda c: c.workflows.create(leads(), env="prod"),
        errors.ArgumentError,
    ),
}


@pytest.mark.parametrize("name", REFUSED_WORKFLOWS)
def test_workflow_that_cannot_be_sent_is_refused(user, name):
    """Before anything is sent: nothing listens at this address."""
    call, kind = REFUSED_WORKFLOWS[name]
    with pytest.raises(kind):
        user("https://api.example.com", env="staging").do(call)


def test_values_and_environment_are_for_a_workflow(user, emulator):
    """A secret value goes out, and comes back in no error."""
    one = user(emulator.url, env="staging")
    made = one.do(
        lambda c: c.workflows.create(
            secret_leads(), values={"hook": "https://a.example"}
        )
    )
    assert made.id == secret_leads().compile("staging").id
    assert made.definition.blocks[-1].specs["url"] == "https://a.example"


@pytest.mark.parametrize("answer", [400, 500])
@pytest.mark.parametrize("is_new", [True, False])
def test_secret_value_of_a_workflow_is_in_no_traceback(user, answer, is_new):
    """Whether it was sent or not: only what a caller holds is the caller's."""
    values = {"hook": SECRET}

    def write(client, **more):
        calls = client.workflows
        if is_new:
            return calls.create(secret_leads(), **more)
        return calls.update(NOBODY, secret_leads(), create=True, **more)

    with FaultServer() as server:
        server.always("*", "*", Reply(answer, {"detail": "no"}))
        one = user(server.url)
        with pytest.raises(errors.ApiError) as sent:
            one.do(lambda c: write(c, values=values))
        with pytest.raises(errors.ArgumentError) as refused:
            one.do(lambda c: c.workflows.create(GIVEN, values=values))
    assert SECRET in server.requests[0].body.decode()
    for caught in (sent, refused):
        assert "SENTINEL-VALUE" not in frames(caught.value)


# -- Runs -----------------------------------------------------------------------------


def files_of_rows(folder):
    """The same rows in every form that is taken."""
    (folder / "rows.csv").write_text("email\nada@example.com\ngrace@example.com\n")
    (folder / "rows.json").write_text(json.dumps(ROWS))
    (folder / "rows.ndjson").write_text("\n".join(map(json.dumps, ROWS)))
    return {
        "list": ROWS,
        "tuple": tuple(ROWS),
        "generator": (row for row in ROWS),
        "csv": folder / "rows.csv",
        "json": str(folder / "rows.json"),
        "ndjson": folder / "rows.ndjson",
    }


def test_rows_come_from_lists_iterables_and_files(user, emulator, tmp_path):
    with FaultServer(emulator) as server:
        one = user(server.url)
        made = one.do(lambda c: c.workflows.create(leads()))
        for given in files_of_rows(tmp_path).values():
            one.do(lambda c, given=given: c.runs.start(made.id, given))
        one.do(lambda c: c.runs.start(made.id, ROWS[0]))
        one.do(lambda c: c.runs.start(made.id))
        one.do(lambda c: c.runs.start(made.id, None))
    bodies = [seen.json for seen in server.of("POST", "/workflows/run")]
    assert bodies[:6] == [{"webhook_payload": ROWS}] * 6
    assert bodies[6:] == [{"webhook_payload": ROWS[:1]}, {"webhook_payload": []}, {}]


def test_start_says_what_it_is_told(user, emulator):
    with FaultServer(emulator) as server:
        one = user(server.url)
        made = one.do(lambda c: c.workflows.create(leads()))
        override = {"dataframe_type": "LEAD"}
        run = one.do(
            lambda c: c.runs.start(
                made.id,
                ROWS,
                idempotency_key="mine",
                specs_override=override,
                save_json=False,
                result_formats=["csv", "ndjson"],
            )
        )
        assert (run.workflow_id, bool(run.id)) == (made.id, True)
        again = one.do(
            lambda c: c.runs.start(
                made.id,
                ROWS,
                idempotency_key="mine",
                specs_override=override,
                save_json=False,
                result_formats=["csv", "ndjson"],
            )
        )
        assert again.id == run.id
    first, second = server.of("POST", "/workflows/run")
    assert first.query == {
        "workflow_id": [made.id],
        "save_json": ["false"],
        "result_formats": ["csv", "ndjson"],
    }
    assert second.query == first.query
    assert first.json == {"webhook_payload": ROWS, "specs_override": override}
    assert first.header("idempotency-key") == "mine"


def test_each_start_has_a_key_of_its_own(user, emulator):
    with FaultServer(emulator) as server:
        one = user(server.url)
        made = one.do(lambda c: c.workflows.create(leads()))
        runs = {one.do(lambda c: c.runs.start(made.id, ROWS)).id for _ in range(3)}
    starts = server.of("POST", "/workflows/run")
    keys = {seen.header("idempotency-key") for seen in starts}
    assert (len(runs), len(keys)) == (3, 3)
    assert starts[0].query == {"workflow_id": [made.id], "save_json": ["true"]}


@pytest.mark.parametrize(
    "fault",
    [LOST, Drop(), Reply(503), Reply(200, b""), Reply(200, "<html>"), Reply(200, {})],
    ids="abcdef",
)
def test_start_whose_answer_is_lost_is_never_sent_again(user, emulator, fault):
    """It may have been started, and the error names the key it was started under."""
    with FaultServer(emulator) as server:
        one = user(server.url)
        made = one.do(lambda c: c.workflows.create(leads()))
        server.on("POST", "/workflows/run", fault)
        with pytest.raises(errors.OutcomeUnknownError) as caught:
            one.do(lambda c: c.runs.start(made.id, ROWS))
    (seen,) = server.of("POST", "/workflows/run")
    assert f"idempotency_key='{seen.header('idempotency-key')}'" in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422])
def test_start_that_is_turned_away_says_so(user, status):
    with FaultServer() as server:
        server.then(Reply(status, {"detail": "no"}))
        with pytest.raises(errors.ApiError) as caught:
            user(server.url).do(lambda c: c.runs.start("w", ROWS))
    assert (caught.value.status, len(server.requests)) == (status, 1)


@pytest.mark.parametrize(
    ("rows", "more", "kind"),
    [
        ([{"a": {1, 2}}], {}, errors.RowsError),
        ([{"a": float("nan")}], {}, errors.RowsError),
        (["a"], {}, errors.RowsError),
        ("rows.xlsx", {}, errors.RowsError),
        (3, {}, errors.RowsError),
        (ROWS, {"specs_override": {"a": object()}}, errors.RowsError),
        (ROWS, {"specs_override": "x"}, errors.ArgumentError),
        (ROWS, {"idempotency_key": ""}, errors.ArgumentError),
        (ROWS, {"result_formats": "csv"}, errors.ArgumentError),
    ],
    ids="abcdefghi",
)
def test_start_that_cannot_be_sent_is_refused(user, rows, more, kind):
    with pytest.raises(kind):
        user("https://api.example.com").do(lambda c: c.runs.start("w", rows, **more))


@over_switches
def test_run_from_its_start_to_its_files(user, emulator, variant):
    emulator.switches = VARIANTS[variant]
    one = user(emulator.url)
    made = one.do(lambda c: c.workflows.create(leads()))
    run = one.do(lambda c: c.runs.start(made.id, ROWS, result_formats=["ndjson"]))
    found = one.do(lambda c: c.runs.get(run.id))
    assert (found.id, found.workflow_id, bool(found.status)) == (run.id, made.id, True)
    while one.do(lambda c: c.runs.status(run.id)).overall_status != "completed":
        time.sleep(0.005)
    assert one.do(lambda c: c.runs.cancel(run.id)) == "completed"

    for _ in range(emulator.switches.list_runs_late):
        assert one.do(lambda c: c.runs.list()) == []
    for filters in ({}, {"workflow_id": made.id, "limit": 1}, {"status": "completed"}):
        (entry,) = one.do(lambda c, filters=filters: c.runs.list(**filters))
        assert (entry.job_id, entry.status) == (run.id, "completed")
    assert one.do(lambda c: c.runs.list(status="active")) == []

    for kept in ("csv", "json", "ndjson"):
        items = one.do(lambda c, kept=kept: c.runs.download_links(run.id, kept))
        assert max(item.block_number for item in items) == 3
        assert all(item.download_url for item in items)


def test_run_that_is_not_there_is_an_error(user, emulator):
    with pytest.raises(errors.NotFoundError):
        user(emulator.url).do(lambda c: c.runs.get(NOBODY))


# -- The other calls ------------------------------------------------------------------


def test_schedule_from_its_creation_to_its_end(user, emulator):
    one = user(emulator.url)
    made = one.do(lambda c: c.workflows.create(leads()))
    schedule = one.do(
        lambda c: c.schedules.create(
            made.id, "Weekly", CRON, timezone="Europe/Berlin", description="Why"
        )
    )
    assert (schedule.workflow_id, schedule.is_active) == (made.id, True)
    assert len(schedule.next_run_times) == 5
    assert one.do(lambda c: c.schedules.get(schedule.id)) == schedule
    assert one.do(lambda c: c.schedules.list(made.id)) == [schedule]
    changed = one.do(lambda c: c.schedules.update(schedule.id, is_active=False))
    assert (changed.is_active, changed.name) == (False, "Weekly")
    assert one.do(lambda c: c.schedules.delete(schedule.id)) is None
    assert one.do(lambda c: c.schedules.list()) == []
    with pytest.raises(errors.NotFoundError):
        one.do(lambda c: c.schedules.get(schedule.id))


def test_signing_secret_from_its_creation_to_its_end(user, emulator):
    one = user(emulator.url)
    assert one.do(lambda c: c.signing_secret.get()) is None
    first = one.do(lambda c: c.signing_secret.create())
    assert re.fullmatch("sk_whsec_[0-9a-f]{64}", first.plaintext)
    rolled = one.do(lambda c: c.signing_secret.roll(expire_overlap_hours=1))
    assert rolled.plaintext != first.plaintext
    seen = one.do(lambda c: c.signing_secret.get())
    assert seen.preview.endswith(rolled.plaintext[-4:])
    assert first.plaintext not in f"{first!r}{first}{seen}"
    assert one.do(lambda c: c.signing_secret.delete()) is None
    assert one.do(lambda c: c.signing_secret.get()) is None


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda c: c.signing_secret.create(), "/webhooks/signing-secret"),
        (lambda c: c.signing_secret.roll(), "/webhooks/signing-secret/roll"),
        (lambda c: c.schedules.create("w", "n", CRON), "/schedules"),
    ],
    ids=["create", "roll", "schedule"],
)
def test_what_revokes_or_adds_is_sent_once(user, emulator, call, path):
    """Whether its answer was lost or cannot be read."""
    for fault in (LOST, Drop(), Reply(502), Reply(201, b""), Reply(201, {})):
        with FaultServer(emulator) as server:
            server.then(fault)
            with pytest.raises(errors.FlowError) as caught:
                user(server.url).do(call)
        assert [seen.line for seen in server.requests] == [f"POST {path}"]
        assert caught.value.attempts == 1


ODD_SECRETS = {
    "cut": b'{"plaintext": "sk_whsec_SENTINEL"',
    "of another type": {"plaintext": ["sk_whsec_SENTINEL"]},
    "of another name": {"secret": "sk_whsec_SENTINEL"},
    "list": ["sk_whsec_SENTINEL"],
    "text": '"sk_whsec_SENTINEL"',
}


@pytest.mark.parametrize("shape", ODD_SECRETS)
def test_secret_in_an_odd_answer_is_in_no_traceback(user, shape):
    """Not with the locals of any frame, and not in a cause."""
    with FaultServer() as server:
        server.then(Reply(201, ODD_SECRETS[shape]))
        with pytest.raises(errors.AnswerError) as caught:
            user(server.url).do(lambda c: c.signing_secret.create())
    assert "whsec_SENTINEL" not in frames(caught.value)


def test_blocks_are_a_live_catalogue_of_today(user, emulator):
    live = user(emulator.url).do(lambda c: c.blocks())
    today = datetime.now(UTC).date()
    assert "find_email" in live.blocks
    assert today - date.fromisoformat(live.date) <= timedelta(days=1)


def test_balance(user, emulator):
    emulator.switches = Switches(credits=12.5)
    assert user(emulator.url).do(lambda c: c.balance()).credits == 12.5


def test_too_many_requests_are_waited_out(user, emulator):
    emulator.switches = Switches(rate_limit=1)
    one = user(emulator.url)
    one.do(lambda c: c.workflows.list())

    def advanced(seconds):
        emulator.clock.advance(seconds)
        Moved.sleep(one.moved, seconds)

    one.moved.sleep = advanced
    assert one.do(lambda c: c.workflows.list()) == []
    assert len(one.moved.waits) >= 1


# -- Nothing of the published document is out of reach --------------------------------

LEFT_OUT = {
    "/oauth/token": "a client made with OAuth(...) calls it",
    "/.well-known/oauth-authorization-server": "the same",
    "/check-balance": "not one of the calls of workflows",
    "/storage/csv/upload": "the form of its request is a guess",
}


def test_every_documented_operation_is_within_reach(user, emulator):
    with FaultServer(emulator) as server:
        one = user(server.url)
        calls = one.do
        made = calls(lambda c: c.workflows.create(leads()))
        calls(lambda c: c.workflows.get(made.id))
        calls(lambda c: c.workflows.list())
        calls(lambda c: c.workflows.update(made.id, leads()))
        calls(lambda c: c.blocks())
        run = calls(lambda c: c.runs.start(made.id, ROWS))
        calls(lambda c: c.runs.list())
        calls(lambda c: c.runs.status(run.id))
        calls(lambda c: c.runs.download_links(run.id))
        calls(lambda c: c.runs.cancel(run.id))
        schedule = calls(lambda c: c.schedules.create(made.id, "n", CRON))
        calls(lambda c: c.schedules.get(schedule.id))
        calls(lambda c: c.schedules.list())
        calls(lambda c: c.schedules.update(schedule.id, name="m"))
        calls(lambda c: c.schedules.delete(schedule.id))
        calls(lambda c: c.signing_secret.create())
        calls(lambda c: c.signing_secret.get())
        calls(lambda c: c.signing_secret.roll())
        calls(lambda c: c.signing_secret.delete())
        calls(lambda c: c.workflows.delete(made.id))
    reached = {(seen.method, seen.path) for seen in server.requests}
    missing = [
        f"{method.upper()} {template}"
        for template, operations in DOCUMENT["paths"].items()
        for method in operations
        if not template.startswith(tuple(LEFT_OUT))
        and not any(
            asked == method.upper() and fits(template, path) for asked, path in reached
        )
    ]
    assert missing == []


def fits(template, path):
    """Whether a path is one of a template; a fixed segment wins over a variable one."""
    if path in DOCUMENT["paths"]:
        return path == template
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None


# -- F7: refusals ---------------------------------------------------------------------

SCHEMA = [
    {
        "loc": ["body", "workflow_definition", "blocks", 0, "block_name"],
        "msg": "missing",
    }
]
REFUSALS = {
    "text": ({"detail": "Not so"}, "Not so"),
    "fields": (
        {"detail": SCHEMA},
        "/body/workflow_definition/blocks/0/block_name: miss",
    ),
    "message": ({"error": "Bad", "message": "Not so"}, "Bad: Not so"),
    "code": ({"error": {"code": "c", "message": "Not so"}}, "Not so"),
    "html": ("<html><script>SENTINEL</script>", "without saying why"),
    "empty": (b"", "without saying why"),
    "10 MB": ({"detail": "long " + "x" * 10_000_000}, "long x"),
    "10 MB of html": (b"<p>" * 3_500_000, "without saying why"),
}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
@pytest.mark.parametrize("shape", REFUSALS)
def test_f7_refusal_is_one_attempt_that_says_where(user, status, shape):
    body, words = REFUSALS[shape]
    with FaultServer() as server:
        server.always("*", "*", Reply(status, body))
        with pytest.raises(errors.ApiError) as caught:
            user(server.url).do(lambda c: c.workflows.create(leads()))
    assert type(caught.value) is errors.API_ERRORS[status]
    assert (len(server.requests), caught.value.attempts) == (1, 1)
    # Of ten megabytes the beginning is read, which is no JSON any more.
    expected = words if shape != "10 MB" else "without saying why"
    assert expected in str(caught.value)
    assert "SENTINEL" not in str(caught.value)
    assert len(str(caught.value)) < 2_000


# -- F8: a 200 that is none -----------------------------------------------------------

NO_ANSWERS = {
    "truncated": b'{"id": "x", "name": ',
    "invalid": b"{'id': 'x'}",
    "null": b"null",
    "list": b"[1]",
    "html": b"<html>log in</html>",
    "empty": b"",
}


@pytest.mark.parametrize("shape", NO_ANSWERS)
def test_f8_read_is_repeated_until_it_is_an_answer(user, emulator, deployed, shape):
    with FaultServer(emulator) as server:
        server.then(*[Reply(200, NO_ANSWERS[shape])] * 2)
        seen = user(server.url).do(lambda c: c.workflows.get(deployed))
    assert (seen.name, len(server.requests)) == ("Leads", 3)


@pytest.mark.parametrize("shape", NO_ANSWERS)
def test_f8_write_is_never_taken_for_done(user, emulator, shape):
    """What may be repeated is, and a look decides; what may not is an error."""
    with FaultServer(emulator) as server:
        one = user(server.url)
        server.then(Reply(200, NO_ANSWERS[shape]))
        made = one.do(lambda c: c.workflows.create(leads()))
        assert len(server.applied("POST")) == 1

        server.on("POST", "*", Reply(200, NO_ANSWERS[shape]))
        with pytest.raises(errors.AnswerError):
            one.do(lambda c: c.workflows.update(made.id, name="New"))
    assert emulator.store.workflows.get(made.id).name == "Leads"


@pytest.mark.parametrize("shape", NO_ANSWERS)
def test_f8_that_never_ends_is_an_error(user, shape):
    with FaultServer() as server:
        server.always("*", "*", Reply(200, NO_ANSWERS[shape]))
        with pytest.raises(errors.AnswerError) as caught:
            user(server.url).do(lambda c: c.workflows.create(leads()))
    assert caught.value.attempts == len(server.requests) == 7


# -- F18: redirects -------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_f18_redirect_is_named_and_not_followed(user, status, method):
    """Nothing leaves for the other host: no request, no key, no body."""
    with FaultServer() as elsewhere, FaultServer() as server:
        target = f"{elsewhere.url}/steal?x=SENTINEL-QUERY"
        server.always("*", "*", location(status, target))
        one = user(server.url)
        calls = {
            "GET": lambda c: c.workflows.list(),
            "POST": lambda c: c.runs.start("w", ROWS, idempotency_key="mine"),
        }
        with pytest.raises(errors.ApiError) as caught:
            one.do(calls[method])
    host = urlsplit(elsewhere.url).hostname
    assert f"a redirect to {host}, which flow64 never follows" in str(caught.value)
    assert "SENTINEL" not in str(caught.value)
    assert (elsewhere.connections, len(server.requests)) == (0, 1)


@pytest.mark.parametrize(
    "target",
    [
        "/workflows/runs",
        "workflows",
        "//evil.example/x",
        "http://evil.example",
        "https://127.0.0.1@evil.example/",
        "https://[",
        "",
    ],
    ids="abcdefg",
)
def test_f18_no_kind_of_redirect_is_followed(user, target):
    with FaultServer() as server:
        server.always("*", "*", location(307, target))
        with pytest.raises(errors.ApiError, match="never follows") as caught:
            user(server.url).do(lambda c: c.workflows.list())
    assert ("evil.example" in caught.value.message) == ("evil" in target)
    assert len(server.requests) == 1


# -- Both clients alike ----------------------------------------------------------------

FACADES = [
    (_calls.Workflows, _async_calls.AsyncWorkflows),
    (_calls.Runs, _async_calls.AsyncRuns),
    (_calls.Schedules, _async_calls.AsyncSchedules),
    (_calls.SigningSecrets, _async_calls.AsyncSigningSecrets),
]


@pytest.mark.parametrize(("plain", "awaited"), FACADES)
def test_both_clients_have_the_same_calls(plain, awaited):
    """Each has the words of its twin, or names it."""

    def calls(kind):
        return {name: c for name, c in vars(kind).items() if not name.startswith("_")}

    def signatures(kind):
        found = {n: str(inspect.signature(call)) for n, call in calls(kind).items()}
        return {n: text.replace("AsyncRun", "Run") for n, text in found.items()}

    assert signatures(plain) == signatures(awaited)
    for name, call in calls(awaited).items():
        words, twin = inspect.getdoc(call), inspect.getdoc(calls(plain)[name])
        assert words == twin or f"; see `{plain.__name__}.{name}`." in words
        assert inspect.iscoroutinefunction(call)


# -- A1: one credential ---------------------------------------------------------------


def test_every_call_carries_one_credential(user, emulator, key):
    with FaultServer(emulator) as server:
        one = user(server.url)
        made = one.do(lambda c: c.workflows.create(leads()))
        one.do(lambda c: c.runs.start(made.id, ROWS))
        one.do(lambda c: c.blocks())
        one.do(lambda c: c.signing_secret.create())
    for seen in server.requests:
        assert (seen.all("x-api-key"), seen.all("authorization")) == ([key], [])
        assert seen.all("cookie") == []
