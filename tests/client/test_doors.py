"""What a workflow's own methods lead to, and what a client says of itself."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from uuid import uuid4

import pytest

from flow64 import errors
from flow64.api import HttpRequest, HttpxTransport, _named_locks
from flow64.client import AsyncClient, Client, Policy
from flow64.emulator import Fault
from tests.service import clients
from tests.service.clients import BOTH, use
from tests.service.fault_server import FaultServer, Reply
from tests.service.support import leads, searched

ROWS = [{"email": "ada@example.com"}, {"email": "grace@example.com"}]


@pytest.fixture
def surroundings(emulator, monkeypatch):
    """What a user sets, so that a workflow needs no client."""
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "sk_test_not_a_real_key")
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", emulator.url)
    return emulator


OWN_CLIENTS = """
from tests.service.support import leads

rows = [{"email": "ada@example.com"}]
print(leads().deploy().state)
run = leads().run(rows).wait(every=0.01)
batches = [*leads().run_batches(rows, intent="x", every=0.01)]
print(run.status, len(batches))
if DROPS:
    del run, batches
"""


@pytest.mark.parametrize("drops", [True, False])
def test_clients_that_nobody_else_can_close_are_closed_silently(surroundings, drops):
    """When their runs are dropped, and when the program ends."""
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error::ResourceWarning", "-c"),
            OWN_CLIENTS.replace("DROPS", str(drops)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    said = (done.stdout.split(), done.stderr, done.returncode)
    assert said == (["new", "completed", "1"], "", 0)


def test_batches_without_a_client_make_one(surroundings):
    leads().deploy()

    done = list(leads().run_batches(ROWS, size=1, intent="x", every=0.01))
    gc.collect()

    assert [batch.first for batch in done] == [1, 2]
    assert len({entry.run_id for entry in surroundings.outbox}) == 2


def test_batches_with_a_client_use_it(emulator):
    with Client("k", base_url=emulator.url, journal=None) as client:
        leads().deploy(client)
        done = leads().run_batches(ROWS, client, size=2, intent="x", every=0.01)

        assert [batch.count for batch in done] == [2]


def test_client_of_a_run_that_was_refused_is_closed(surroundings):
    """Nothing is left open, which Python would warn of."""
    with pytest.raises(errors.StaleDeploymentError):
        leads().run(ROWS)
    assert surroundings.outbox == []


@pytest.mark.parametrize("call", ["deploy", "run", "run_batches"])
def test_client_that_awaits_is_named(call):
    async def attempt():
        async with AsyncClient("k", base_url="http://127.0.0.1:9") as client:
            arguments = (client,) if call == "deploy" else (ROWS, client)
            more = {"intent": "x"} if call == "run_batches" else {}
            getattr(leads(), call)(*arguments, **more)

    with pytest.raises(errors.ArgumentError, match=rf"await client\.{call}\("):
        asyncio.run(attempt())


@BOTH
def test_client_tells_its_settings(kind):
    policy = Policy(deadline=7)

    def tell(client):
        found = (client.policy, client.env, client.is_local, repr(client))
        return done(found) if kind == "async" else found

    async def done(found):
        return found

    found = use(kind, "http://127.0.0.1:9", tell, policy=policy, env="staging")

    name = "Client" if kind == "sync" else "AsyncClient"
    assert found == (policy, "staging", True, f"{name}('http://127.0.0.1:9')")


@BOTH
def test_client_of_one_environment_refuses_another(kind):
    with pytest.raises(errors.ArgumentError, match="make one for 'prod'"):
        use(
            kind,
            "http://127.0.0.1:9",
            lambda client: client.deploy(leads(), env="prod"),
            env="staging",
        )


def test_address_that_is_none_was_not_sent():
    async def attempt():
        transport = HttpxTransport(trust_env=False)
        try:
            await transport.send(HttpRequest("GET", "http://127.0.0.1:port", {}))
        finally:
            await transport.close()

    with pytest.raises(errors.NoAnswerError, match="not a URL") as caught:
        asyncio.run(attempt())
    assert caught.value.sent is False


def test_what_broke_off_has_no_end():
    """Reading on does not look like the end of the body."""

    async def attempt(url):
        transport = HttpxTransport(trust_env=False)
        answer = await transport.send(HttpRequest("GET", url, {}))
        found = []
        try:
            for _ in range(4):
                try:
                    found.append(await answer.read(5))
                except errors.NoAnswerError as error:
                    found.append(error.reason)
        finally:
            await answer.close()
            await answer.close()
            await transport.close()
        return found

    with FaultServer() as server:
        server.then(Reply(200, b"abcdef", cut=3))
        found = asyncio.run(attempt(server.url))

    assert b"" not in found
    assert found[-1] == found[-2] == "RemoteProtocolError"


def test_forked_process_forgets_who_held_a_turn():
    turns = _named_locks.Turns()
    assert turns.take("x")
    assert not turns.take("x")

    turns.forget()

    assert turns.take("x")


def test_runs_of_batches_may_be_read_when_the_batches_are_over(surroundings):
    leads().deploy()

    (batch,) = list(leads().run_batches(ROWS, size=2, intent="y", every=0.01))
    gc.collect()

    assert len(list(batch.run.rows())) == 2


def test_row_that_is_none_is_numbered_in_the_whole_input(emulator):
    with (
        Client("k", base_url=emulator.url, journal=None) as client,
        pytest.raises(errors.RowsError, match="row 3: a row is a mapping"),
    ):
        list(client.run_batches(leads(), [*ROWS, 1], size=2, intent="z"))


@BOTH
def test_closed_client_says_so(kind):
    """Whatever httpx would say of it."""

    def late(client):
        if kind == "sync":
            client.close()
            return client.balance()

        async def awaited():
            await client.close()
            return await client.balance()

        return awaited()

    with pytest.raises(errors.ConfigError, match="closed"):
        use(kind, "http://127.0.0.1:9", late)


@BOTH
def test_waits_are_told(kind, caplog):
    """Nobody sits before a silent screen."""
    caplog.set_level("INFO", "flow64")
    with FaultServer() as server:
        server.then(Reply(503), Reply(429, headers={"retry-after": "1"}))
        server.always("*", "*", Reply(200, {"credits": 1}))
        policy = Policy(first_wait=0.01, first_rest=0.01)
        use(kind, server.url, lambda client: client.balance(), policy=policy)

    assert [line.partition("; trying")[0] for line in caplog.messages] == [
        "GET /check-balance answered 503: without saying why",
        "GET /check-balance answered 429: without saying why; it asks to wait 1 s",
    ]


def test_rows_are_saved_to_a_file_and_not_over_a_folder(emulator, tmp_path):
    with Client("k", base_url=emulator.url, journal=None) as client:
        leads().deploy(client)
        run = leads().run(ROWS, client).wait(every=0.01)

        with pytest.raises(errors.SaveError, match="it is a folder"):
            run.to_csv(tmp_path)
        with pytest.raises(errors.SaveError) as caught:
            run.to_csv(tmp_path / "none" / "a.csv")

    assert ".part" not in str(caught.value)


@BOTH
@pytest.mark.parametrize(("block", "count"), [(None, 1), ("webhook", 0)])
def test_where_a_key_may_be_lost_is_said(kind, emulator, block, count):
    """By the code of the run, on the way to the rows that are wanted."""
    with Client(clients.KEY, base_url=emulator.url, journal=None) as setting_up:
        leads().deploy(setting_up)

    def join_rows(client):
        if kind == "sync":
            run = client.run(leads(), ROWS).wait(every=0.01)
            return run.join_rows(ROWS, row_key="email", block=block)

        async def awaited():
            run = await (await client.run(leads(), ROWS)).wait(every=0.01)
            return await run.join_rows(ROWS, row_key="email", block=block)

        return awaited()

    lines = use(kind, emulator.url, join_rows).may_be_lost

    assert ["find_email" in line for line in lines] == [True] * count


def test_where_a_key_may_be_lost_is_not_known_without_code(emulator):
    with Client("k", base_url=emulator.url, journal=None) as client:
        leads().deploy(client)
        run = leads().run(ROWS, client).wait(every=0.01)
        stale = leads().run(ROWS, client, stale=True).wait(every=0.01)
        others = [client.runs.get(run.id), stale]

        found = [run.join_rows(ROWS, row_key="email").may_be_lost for run in others]
        assert found == [(), ()]


@BOTH
def test_preview_says_what_a_deploy_would_do_and_writes_nothing(kind, emulator):
    def seen(workflow):
        return use(kind, emulator.url, lambda client: client.preview(workflow))

    first = seen(leads())
    use(kind, emulator.url, lambda client: client.deploy(leads()))
    same, other = seen(leads()), seen(leads(mode="PERSONAL"))
    emulator.edit(leads().id(), specs={"find_email": {"mode": "PERSONAL"}})
    drifted = seen(leads())

    found = [preview.state for preview in (first, same, other, drifted)]
    assert found == ["new", "unchanged", "update", "drifted"]
    assert [same.is_empty, other.is_empty, drifted.needs_force] == [True, False, True]
    assert list(other.changes) == [
        "block find_email",
        '    ~ mode: "PROFESSIONAL" → "PERSONAL"',
    ]
    assert len([r for r in emulator.requests if r.method == "POST"]) == 1


@BOTH
def test_preview_says_that_an_id_is_taken(kind, emulator, monkeypatch):
    """It needs no force then, which would do nothing."""
    workflow = searched()
    use(kind, emulator.url, lambda client: client.deploy(workflow, allow_spend=True))
    monkeypatch.setattr(clients, "KEY", f"sk_test_{uuid4().hex}")
    path = f"/workflows/{workflow.id()}"
    emulator.faults.add(Fault("status_before", status=403, path=path, times=None))
    found = use(kind, emulator.url, lambda client: client.preview(workflow))
    emulator.faults.clear()

    facts = (found.state, found.is_taken, found.needs_force, found.is_empty)
    assert facts == ("foreign", True, False, False)


@BOTH
def test_preview_says_what_would_be_bought(kind, emulator):
    found = use(kind, emulator.url, lambda client: client.preview(searched()))

    assert ["buys at creation" in line for line in found.spends] == [True]
