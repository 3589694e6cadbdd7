"""Deploying and running over real sockets, against the emulator."""

from __future__ import annotations

import gc
import logging
import traceback
from functools import partial
from typing import Annotated
from uuid import uuid4

import pytest

from flow64 import COMPANY, LEAD, Client, Project, Workflow, errors, returns, tap, value
from flow64.api import list_runs
from flow64.blocks import (
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    Filter,
    FindEmail,
    LeadEnrichment,
    OutgoingWebhook,
    ReadNotebook,
    Search,
    Webhook,
)
from flow64.compiler import lower
from flow64.emulator import Emulator, Switches
from tests.service.clients import BOTH, use
from tests.service.support import leads, specs_of

ROWS = [{"email": "ada@example.com"}, {"email": "grace@example.com"}]


@pytest.fixture
def serve():
    """An emulator as asked, and a client of it."""
    made = []

    def serving(**switches):
        emulator = Emulator(switches=Switches(**switches)).start()
        client = Client(f"sk_SENTINEL-{uuid4()}", base_url=emulator.url)
        made.extend((client.close, emulator.stop))
        return emulator, client

    yield serving
    for close in made:
        close()


def writes(emulator):
    return [r.path.rpartition("/")[2] for r in emulator.requests if r.method == "POST"]


@pytest.mark.parametrize("name", ["deploy", "preview", "run", "workflow"])
def test_a_workflow_is_lowered_once(serve, monkeypatch, name):
    """Its stamp needs the unbound fingerprint, which comes from the same lowering."""
    emulator, client = serve()
    workflow = leads()
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "obviously-fake")
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", emulator.url)
    if name != "workflow":
        workflow.deploy(client)
    calls = []

    def count(*args):
        calls.append(args)
        return lower(*args)

    monkeypatch.setattr("flow64.workflow.lower", count)
    match name:
        case "workflow":
            workflow.deploy()
        case "run":
            client.run(workflow, ROWS)
        case _:
            getattr(client, name)(workflow)

    assert len(calls) == 1


def test_deploy_creates_once_updates_and_writes_nothing_when_nothing_changed(serve):
    """The requests say so."""
    emulator, client = serve()

    states = [leads().deploy(client).state for _ in range(2)]
    done = leads(mode="PERSONAL").deploy(client)

    assert (states, done.state) == (["new", "unchanged"], "update")
    assert list(done.changes) == [
        "block find_email",
        '    ~ mode: "PROFESSIONAL" → "PERSONAL"',
    ]
    assert writes(emulator) == ["create_workflow", "update_workflow"]


@pytest.mark.parametrize(
    "switches",
    [
        {"fill_defaults": True},
        {"reorder": True},
        {"drop_unknown": True},
        {"fill_defaults": True, "reorder": True, "drop_unknown": True},
    ],
)
def test_service_that_normalises_leaves_nothing_to_deploy(serve, switches):
    """What it fills in is unmanaged, and an update sends it back."""
    _, client = serve(**switches)
    flow = (
        Webhook(COMPANY, input_schema={"company_name": "string"})
        >> CompanyEnrichment(return_fields={"headcount": "int"}, find_people=True)
        >> [CompanyToLeads() >> FindEmail(), Deduplicate()]
    )

    def made(name):
        return Workflow(name, flow, key="n", project=Project("p", "acme.example"))

    assert made("A").deploy(client).state == "new"
    assert made("A").deploy(client).state == "unchanged"
    assert made("B").deploy(client).state == "update"
    again = made("B").deploy(client)
    assert (again.state, bool(again.unmanaged)) == (
        "unchanged",
        bool(switches.get("fill_defaults")),
    )


def test_edit_on_the_service_is_refused_and_overwritten_by_force(serve):
    """And a field that is not the code's survives it."""
    emulator, client = serve()
    workflow_id = leads().deploy(client).workflow_id
    emulator.edit(workflow_id, specs={"find_email": {"mode": "PERSONAL", "more": 1}})

    with pytest.raises(
        errors.StateRefusedError, match="edited on the service"
    ) as caught:
        leads().deploy(client)
    assert caught.value.state == "drifted"
    with pytest.raises(errors.StaleDeploymentError, match="edited"):
        leads().run(ROWS, client)
    done = leads().deploy(client, force=True)
    assert done.replaced.blocks[1].specs["mode"] == "PERSONAL"
    live = emulator.edit(workflow_id)
    assert specs_of(live, "find_email") == {"mode": "PROFESSIONAL", "more": 1}


def test_copy_made_in_the_editor_is_foreign(serve):
    """Its stamp is that of another workflow."""
    emulator, client = serve()
    copy_id = emulator.copy(leads().deploy(client).workflow_id)
    pinned = Workflow("x", leads().flows[0], id=copy_id)

    with pytest.raises(errors.StateRefusedError, match="not deployed by this code"):
        pinned.deploy(client)
    assert pinned.deploy(client, force=True).state == "foreign"
    assert pinned.deploy(client).state == "unchanged"


def test_workflow_that_was_read_is_deployed_to_its_own_id(serve):
    """Its id is a pin: it is never created. Once it is stamped, it is unchanged."""
    _, client = serve()
    read = Workflow.from_json(leads().to_json())

    with pytest.raises(errors.StateRefusedError, match="a pin is never created"):
        read.deploy(client)
    leads().deploy(client)
    assert [read.deploy(client).state for _ in range(2)] == ["converged", "unchanged"]


def test_environments_have_ids_of_their_own(serve):
    """And bind values of their own; the same code runs in each."""
    emulator, client = serve()
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook"))
    made = Workflow("x", flow, key="x", project=Project("p", "acme.example"))
    urls = {env: {"hook": f"https://{env}.example.com"} for env in ("staging", "prod")}

    with pytest.raises(errors.UnboundValueError):
        made.deploy(client, env="staging")
    assert emulator.requests == []
    ids = {
        env: made.deploy(client, env=env, values=urls[env]).workflow_id for env in urls
    }

    assert ids == {env: made.id(env) for env in urls}
    assert len(set(ids.values())) == 2
    run = made.run(ROWS, client, env="prod", values=urls["prod"])
    was_ended = run.is_ended
    run.wait(every=0.01)
    assert (was_ended, run.is_ended) == (False, True)
    assert run.workflow_id == ids["prod"]
    assert [entry.target for entry in emulator.outbox] == ["https://prod.example.com"]


@returns
class Person:
    title: Annotated[str, "Current job title"]
    skills: Annotated[list[str] | None, "Key skills"]


def six_blocks():
    flow = (
        Webhook(LEAD, input_schema={"email": "string"})
        >> Deduplicate()
        >> LeadEnrichment(return_fields=Person)
        >> FindEmail()
        >> Filter.where("email_status").is_not_empty()
        >> OutgoingWebhook(url="https://example.com/hook")
    )
    return Workflow("Six", flow, key="six", project=Project("p", "acme.example"))


def test_pipeline_runs_and_gives_typed_rows(serve):
    """From rows in to rows out, with every column beside."""
    _, client = serve()
    workflow = six_blocks()
    workflow.deploy(client)

    run = workflow.run(ROWS, client, intent="today")
    events = list(run.watch(every=0.01))
    rows = list(run.rows(Person))

    assert str(events[-1]) == "completed"
    assert sorted(row.raw["email"] for row in rows) == [row["email"] for row in ROWS]
    assert all(isinstance(row.value, Person) and not row.misfits for row in rows)
    assert [row.value for row in run.rows()] == [row.raw for row in rows]
    numbers = [item.block_number for item in run.results()]
    assert numbers == sorted(numbers)


def test_repeated_intent_is_the_same_run(serve):
    """On any machine; another intent, or none, is another run."""
    _, client = serve()
    leads().deploy(client)

    def run_id(**more):
        return leads().run(ROWS, client, **more).id

    first = run_id(intent="a")
    assert run_id(intent="a") == first
    others = [run_id(intent="b"), run_id(), run_id()]
    assert len({first, *others}) == 4


def test_failed_run_of_an_intent_is_not_repeated(serve):
    """It is reported with its status; another intent starts anew."""
    emulator, client = serve()
    emulator.fail_block("find_email", "out of credits")
    leads().deploy(client)

    run = leads().run(ROWS, client, intent="a")
    with pytest.raises(errors.RunFailedError, match="out of credits"):
        run.wait(every=0.01)
    with pytest.raises(errors.IntentFailedError):
        leads().run(ROWS, client, intent="a")
    assert len(list(client.call(list_runs, leads().id()))) == 1
    emulator.fail_block("find_email", None)
    assert leads().run(ROWS, client, intent="b").wait(every=0.01).status == "completed"


def waited(client, run_id):
    """Wait for a run by either client."""
    run = client.runs.get(run_id)
    if isinstance(client, Client):
        return run.wait(every=0.01)

    async def awaited():
        return await (await run).wait(every=0.01)

    return awaited()


@BOTH
@pytest.mark.parametrize(
    "source",
    [
        Search(LEAD, query="people", max_results=3),
        ReadNotebook(),
        Webhook(LEAD, webhook_input='[{"email": "ada@example.com"}]'),
    ],
    ids=lambda source: source.kind,
)
def test_source_that_finds_its_rows_is_run_without_rows(serve, kind, source):
    """No payload is sent then, which the service may refuse for such a source."""
    emulator, _ = serve()
    made = Workflow(
        "s", source >> FindEmail(), key="s", project=Project("p", "acme.example")
    )
    use(kind, emulator.url, lambda client: client.deploy(made))

    run = use(kind, emulator.url, lambda client: client.run(made))

    ended = use(kind, emulator.url, lambda client: waited(client, run.id))
    assert ended.status == "completed"


@BOTH
def test_run_without_rows_is_refused_if_they_come_from_the_start(serve, kind):
    """Nothing is sent for it."""
    emulator, client = serve()
    leads().deploy(client)
    before = len(emulator.requests)

    with pytest.raises(errors.RowsError, match="there are no rows"):
        use(kind, emulator.url, lambda each: each.run(leads(), []))

    assert len(emulator.requests) == before


def test_stale_deployment_is_run_only_where_that_is_said(serve):
    """What is deployed is not the code any more."""
    _, client = serve()
    with pytest.raises(errors.StaleDeploymentError, match="not deployed"):
        leads().run(ROWS, client)
    leads().deploy(client)
    code = leads(mode="PERSONAL")

    with pytest.raises(errors.StaleDeploymentError, match="code has changed"):
        code.run(ROWS, client)
    assert code.run(ROWS, client, stale=True).wait(every=0.01).status == "completed"


def test_cancelled_run_keeps_its_status(serve):
    """`canceled` and `cancelled` are one word; a run that has ended keeps its own."""
    _, client = serve(speed=5.0)
    leads().deploy(client)
    run = leads().run(ROWS, client)

    assert run.cancel() == "cancelled"
    with pytest.raises(errors.RunFailedError, match="cancelled"):
        run.wait(every=0.01)
    assert run.cancel() == "cancelled"


def test_run_that_is_not_done_in_time_goes_on(serve):
    """Waiting ends, the run does not."""
    _, client = serve(speed=5.0)
    leads().deploy(client)
    run = leads().run(ROWS, client)

    with pytest.raises(errors.WaitTimeoutError):
        run.wait(timeout=0.02, every=0.01)
    run.cancel()


def test_key_is_in_nothing_that_is_shown_logged_or_raised(serve, caplog):
    """With every logger at DEBUG, and tracebacks that show locals."""
    caplog.set_level(logging.DEBUG)
    emulator, client = serve()
    shown = [client, vars(client)]

    done = leads().deploy(client)
    run = leads().run(ROWS, client, intent="a")
    shown += [done, run, run.wait(every=0.01), *run.results(), *run.rows()]
    with Emulator(api_keys=["other"]) as closed:
        refused = Client("sk_SENTINEL-refused", base_url=closed.url)
        with pytest.raises(errors.AuthError) as caught:
            leads().deploy(refused)
        refused.close()
    told = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    signed = [item.download_url.partition("?")[2] for item in run.results()]

    shown += [str(caught.value), caught.value, *told.format(), caplog.text]
    assert "httpcore" in caplog.text
    assert "SENTINEL" not in "".join(map(repr, shown))
    assert not [link for link in signed if link and link in caplog.text]
    assert all(
        request.org_id for request in emulator.requests if "/workflows" in request.path
    )


def test_a_client_made_by_run_is_closed_with_its_run(serve, monkeypatch):
    """Nobody else can close it, and what is left open would be warned of."""
    _emulator, client = serve()
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "obviously-fake")
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", client.endpoint)
    leads().deploy()
    run = leads().run(ROWS)
    thread = run._client._thread

    del run
    gc.collect()

    with pytest.raises(errors.ConfigError, match="closed"):
        thread.run(None)


def branched(key):
    """A side branch that ends in a sink of its own, under any key."""
    person = {"title": {"description": "Job title", "type": "str"}}
    aside = OutgoingWebhook(key=key, url="https://archive.acme.example/x")
    deliver = OutgoingWebhook(key="deliver", url="https://crm.acme.example/x")
    flow = (
        Webhook(LEAD) >> tap(aside) >> LeadEnrichment(return_fields=person) >> deliver
    )
    project = Project("growth", namespace="acme.example")
    return Workflow("Branched", flow, key="branched", project=project)


@pytest.mark.parametrize("key", ["archive", "zz"])
def test_rows_of_several_ends_are_named_and_never_guessed(serve, key):
    """Which file is the last one turns on the spelling of keys; so none is taken."""
    _emulator, client = serve()
    workflow = branched(key)
    workflow.deploy(client)
    run = workflow.run(ROWS, client).wait(every=0.01)

    with pytest.raises(errors.AmbiguousRowsError) as caught:
        run.rows()

    assert sorted(caught.value.ends) == sorted([key, "deliver"])
    assert ["title" in row.raw for row in run.rows(block=key)] == [False, False]
    assert ["title" in row.raw for row in run.rows(block="deliver")] == [True, True]
    with pytest.raises(errors.ArgumentError, match="did you mean 'deliver'"):
        run.rows(block="deliverr")


def rows_of(client, run, block=None):
    """The columns of each row of a run by either client."""
    if isinstance(client, Client):
        return [sorted(row.raw) for row in run.wait(every=0.01).rows(block=block)]

    async def awaited():
        done = await run
        rows = await (await done.wait(every=0.01)).rows(block=block)
        return [sorted(row.raw) for row in rows]

    return awaited()


@BOTH
def test_block_that_is_named_with_the_start_is_the_one_to_read(serve, kind):
    """A slip is found before anything is sent."""
    emulator, _ = serve()
    workflow = branched("archive")
    use(kind, emulator.url, lambda client: client.deploy(workflow))
    before = len(emulator.requests)

    with pytest.raises(errors.ArgumentError, match="did you mean 'archive'"):
        use(kind, emulator.url, lambda each: each.run(workflow, ROWS, block="archives"))
    sent = len(emulator.requests) - before
    columns = use(
        kind,
        emulator.url,
        lambda each: rows_of(each, each.run(workflow, ROWS, block="archive")),
    )

    assert (sent, columns) == (0, [["email"], ["email"]])


@BOTH
@pytest.mark.parametrize("block", ["archive", 2], ids=str)
def test_rows_of_a_run_that_is_got_by_its_id_are_not_guessed(serve, kind, block):
    """Its blocks are named by the service, and a key path by the id that it gives."""
    emulator, _ = serve()
    workflow = branched("archive")
    use(kind, emulator.url, lambda client: client.deploy(workflow))
    run_id = use(kind, emulator.url, lambda each: each.run(workflow, ROWS)).id
    got = partial(use, kind, emulator.url)

    with pytest.raises(errors.AmbiguousRowsError) as caught:
        got(lambda client: rows_of(client, client.runs.get(run_id)))
    columns = got(lambda client: rows_of(client, client.runs.get(run_id), block))

    assert [name.rpartition("-")[0] for name in caught.value.ends] == [
        "outgoing_webhook",
        "outgoing_webhook",
    ]
    assert columns == [["email"], ["email"]]


@pytest.mark.parametrize("call", ["deploy", "run"])
def test_the_name_of_an_environment_is_no_client(call):
    """The commonest slip of the two is named."""
    arguments = ("staging",) if call == "deploy" else (ROWS, "staging")

    with pytest.raises(errors.ArgumentError) as caught:
        getattr(leads(), call)(*arguments)

    assert str(caught.value) == (
        f"{call}: client is 'staging', no Client; did you mean env='staging'?"
    )
