"""The emulator as an object: serving, stopping, reporting."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time

import attrs
import pytest

from flow64.emulator import (
    GUESSES,
    Clock,
    Emulator,
    Fault,
    Store,
    Switches,
    _app,
    _server,
    _serving,
)
from flow64.errors import EmulatorStoreError
from flow64.http import httpx
from tests.emulator.support import (
    LEADS,
    create,
    in_process,
    links,
    run_rows,
    start,
    wait,
)


def test_context_manager_serves_on_loopback():
    """It uses a free port of 127.0.0.1 inside the block."""
    with Emulator() as emulator:
        url = emulator.url
        reply = httpx.get(f"{url}/workflows", headers={"x-api-key": "k"})

    assert url.startswith("http://127.0.0.1:")
    assert reply.json() == []
    assert emulator.url == ""
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_answers_do_not_wait_for_acknowledgements():
    """Fifty requests over one connection are fast."""
    with Emulator() as emulator, httpx.Client(base_url=emulator.url) as client:
        client.get("/workflows")
        began = time.monotonic()
        for _ in range(50):
            client.get("/workflows")
        took = time.monotonic() - began

    assert took < 50 * 0.04


def test_two_emulators_are_two_worlds():
    """Each has its own port and store; starting twice changes nothing."""
    with Emulator() as first, Emulator() as second:
        assert first.url != second.url
        assert first.store is not second.store
        assert first.start().url == first.url


def test_stopped_emulator_can_be_started_again():
    """It keeps its data."""
    emulator = Emulator()
    for _ in range(2):
        with emulator:
            reply = httpx.get(f"{emulator.url}/workflows", headers={"x-api-key": "k"})
            assert reply.status_code == 200

    assert len(emulator.requests) == 2


def test_taken_port_is_an_error():
    """A port in use cannot be used."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            Emulator(port=port).start()


def test_file_is_let_go_when_it_stops(tmp_path):
    """Another emulator can open it, and then the first one again."""
    path = tmp_path / "emulator.db"
    key = {"x-api-key": "k"}
    first, second = Emulator(store=path), None
    with first, httpx.Client(base_url=first.url, headers=key) as client:
        own = create(client, LEADS)

    second = Emulator(store=str(path))
    for emulator in (second, first):
        with emulator:
            found = httpx.get(f"{emulator.url}/workflows", headers=key).json()
            assert [item["id"] for item in found] == [own]


def test_file_is_open_in_one_emulator_at_a_time(tmp_path):
    """A second one is refused at once."""
    path = tmp_path / "emulator.db"
    with Emulator(store=path) as first:
        with pytest.raises(EmulatorStoreError, match="another program has it open"):
            Emulator(store=path)

        reply = httpx.get(f"{first.url}/workflows", headers={"x-api-key": "k"})
    assert reply.status_code == 200


def test_store_that_was_given_stays_open():
    """Its owner closes it."""
    with Store() as store:
        with Emulator(store=store) as emulator:
            assert emulator.store is store

        assert store.workflows.all() == []


def test_store_that_cannot_be_used_is_503(serve):
    """The error names the problem, and the emulator keeps serving."""
    emulator, client = serve()
    own = create(client, LEADS)
    emulator.store.close()

    replies = [client.get("/workflows"), client.get(f"/workflows/{own}")]

    assert [reply.status_code for reply in replies] == [503, 503]
    assert "the emulator's store" in replies[0].json()["detail"]
    assert client.get("/workflows/blocks").status_code == 200


def test_run_goes_on_where_it_was(tmp_path):
    """A run that was interrupted by a stop ends after the next start."""
    path, key = tmp_path / "emulator.db", {"x-api-key": "k"}
    with (
        Emulator(store=path, switches=Switches(speed=30)) as emulator,
        httpx.Client(base_url=emulator.url, headers=key) as client,
    ):
        run_id = start(client, create(client, LEADS), [{"name": "Ada"}]).json()[
            "job_id"
        ]

    again = Emulator(store=path)
    with in_process(again, base_url="http://localhost", headers=key) as client:
        assert wait(client, run_id)["overall_status"] == "completed"
    again.stop()


def test_stopping_hangs_up_on_who_stalls(capfd):
    """Within about a second, without output."""
    with contextlib.ExitStack() as open_ones:
        with Emulator() as emulator:
            port = int(emulator.url.rpartition(":")[2])
            for _ in range(10):
                raw = socket.create_connection(("127.0.0.1", port))
                open_ones.enter_context(raw)
                raw.sendall(b"POST /workflows/run HTTP/1.1\r\nHost: localhost\r\n")
                raw.sendall(b"Content-Length: 9\r\n\r\n{")
            httpx.get(f"{emulator.url}/workflows", headers={"x-api-key": "k"})
            began = time.monotonic()
        took = time.monotonic() - began

    assert took < 3
    assert capfd.readouterr() == ("", "")


def test_fault_of_the_emulator_is_500_in_the_same_shape(monkeypatch, caplog):
    """The response is JSON, and the error is logged."""

    def broken(*_):
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(_app, "compute_balance", broken)
    with Emulator() as emulator:
        reply = httpx.get(f"{emulator.url}/check-balance", headers={"x-api-key": "k"})

    assert (reply.status_code, list(reply.json())) == (500, ["detail"])
    assert "ZeroDivisionError: a fault" in caplog.text


def test_long_logs_of_requests_lose_their_first_half(monkeypatch):
    """So an emulator can run for days."""
    monkeypatch.setattr(_server, "MAX_REQUESTS", 10)
    emulator = Emulator()
    with in_process(emulator, base_url="http://localhost") as client:
        for number in range(11):
            client.get("/workflows", params={"n": number})
    emulator.stop()

    seen = [int(request.query["n"]) for request in emulator.requests]
    assert seen == [5, 6, 7, 8, 9, 10]


def test_what_the_page_asks_for_is_not_recorded(serve, connect):
    """Only requests to the API are recorded."""
    emulator, client = serve()
    for path in ("/", "/_emulator/page/summary", "/openapi.json"):
        assert client.get(path).status_code == 200

    assert [request.path for request in emulator.requests] == ["/openapi.json"]


def test_nobody_in_between_says_where_requests_come_from(serve):
    """Proxy headers do not change links."""
    _, client = serve()
    client.headers["x-forwarded-proto"] = "https"
    client.headers["x-forwarded-host"] = "evil.example"
    run_id = run_rows(client, LEADS, [])

    assert links(client, run_id)[0]["download_url"].startswith(str(client.base_url))


def test_app_can_be_used_in_process():
    """The ASGI app answers without a socket."""
    emulator = Emulator()

    async def ask():
        transport = httpx.ASGITransport(app=emulator.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://emulator", headers={"x-api-key": "k"}
        ) as client:
            return await client.get("/workflows/blocks")

    import asyncio

    assert asyncio.run(ask()).status_code == 200


def test_clock_goes_forward():
    """It is real time plus the seconds that it was moved."""
    clock = Clock()
    before = clock.now()

    clock.advance(900)

    assert 900 <= (clock.now() - before).total_seconds() < 960


@pytest.mark.parametrize(
    "missing", ["starlette", "uvicorn", "jwt", "cryptography", "cronsim"]
)
def test_missing_extra_says_what_to_install(missing):
    """The import raises one error with the command to run."""
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from flow64.errors import MissingExtraError\n"
        "try:\n    import flow64.emulator\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "pip install '.[emulator]'" in done.stdout


def test_guesses_name_switches_that_exist():
    """Every switch belongs to a guess, and every guess has one name."""
    switches = [guess.switch for guess in GUESSES if guess.switch]

    assert sorted(switches) == sorted(field.name for field in attrs.fields(Switches))
    assert len({guess.name for guess in GUESSES}) == len(GUESSES)
    assert {guess.mark for guess in GUESSES} == {"C", "I", "U"}


# -- Connections that stall, and names that are for tests ------------------------------

HEAD = b"POST /workflows/run HTTP/1.1\r\nHost: localhost\r\nx-api-key: k\r\n"
STALLED = {
    "nothing": b"",
    "request line": b"GET /work",
    "headers": b"GET /workflows HTTP/1.1\r\nHost: lo",
    "body": HEAD + b"Content-Length: 1000\r\n\r\n{",
    "chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "second request": HEAD + b"Content-Length: 2\r\n\r\n{}" + b"GET /work",
}


def test_time_that_a_request_may_stall_is_stated():
    assert (_serving.STALLED, _serving.KEEP_ALIVE) == (10.0, 5)


@pytest.mark.slow
@pytest.mark.parametrize("sent", STALLED.values(), ids=STALLED)
def test_connection_that_stalls_is_closed(sent, monkeypatch, capfd):
    """The next request is served, and nothing is printed."""
    monkeypatch.setattr(_serving, "STALLED", 1)
    monkeypatch.setattr(_serving, "KEEP_ALIVE", 1)
    with Emulator() as emulator:
        address = ("127.0.0.1", int(emulator.url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=10) as raw:
            raw.sendall(sent)
            while raw.recv(65_536):
                pass
        assert httpx.get(emulator.url, trust_env=False).status_code == 200

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("sent", "is_answered"),
    [
        # Each byte of a head is no reason to wait longer; those of a body are.
        (STALLED["headers"] + b"calhost\r\nx-api-key: k\r\n\r\n", False),
        (HEAD + b"Content-Length: 6\r\n\r\n" + b'{"a":1}', True),
    ],
)
def test_head_has_a_time_in_all_and_a_body_as_long_as_it_comes(
    sent, is_answered, monkeypatch
):
    monkeypatch.setattr(_serving, "STALLED", 0.4)
    began = sent.index(b"\r\n\r\n") + 4 if is_answered else 30
    with Emulator() as emulator:
        address = ("127.0.0.1", int(emulator.url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=10) as raw:
            raw.sendall(sent[:began])
            with contextlib.suppress(ConnectionError):
                for at in range(began, len(sent)):
                    time.sleep(0.1)
                    raw.sendall(sent[at : at + 1])
            try:
                got = raw.recv(65_536)
            except ConnectionError:
                got = b""

    assert got.startswith(b"HTTP/1.1 4") == is_answered
    assert bool(got) == is_answered


def test_request_that_the_emulator_is_at_does_not_stall(monkeypatch):
    """A complete request may take longer."""
    monkeypatch.setattr(_serving, "STALLED", 0.1)
    with Emulator() as emulator:
        emulator.faults.add(Fault("hang_before", seconds=0.5))
        reply = httpx.get(
            f"{emulator.url}/workflows", headers={"x-api-key": "k"}, trust_env=False
        )
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("name", "status"), [("localhost", 200), ("testserver", 400), ("evil", 400)]
)
def test_name_of_test_clients_is_for_this_process_alone(name, status):
    """A page in a browser could resolve that name to this machine."""
    more = {"headers": {"x-api-key": "k", "host": name}}
    with Emulator() as emulator:
        served = httpx.get(f"{emulator.url}/workflows", trust_env=False, **more)
        with in_process(emulator, base_url="http://testserver") as client:
            inside = client.get("/workflows", headers={"x-api-key": "k"})

    assert (served.status_code, inside.status_code) == (status, 200)
