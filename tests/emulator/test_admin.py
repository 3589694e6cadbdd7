"""Routes about the emulator itself: access and effects."""

from __future__ import annotations

import json
import socket

import attrs
import pytest

from flow64.emulator import GUESSES, Emulator, Switches
from flow64.http import httpx
from tests.emulator.support import (
    ACCOUNTS,
    LEADS,
    NO_CERTIFICATES,
    create,
    links,
    run_rows,
)

FAULTS = "/_emulator/faults"
SWITCHES = "/_emulator/switches"
CLOCK = "/_emulator/clock"
NOBODY = "00000000-0000-4000-8000-000000000000"

ROUTES = [
    ("GET", FAULTS, None),
    ("POST", FAULTS, {"kind": "html"}),
    ("DELETE", FAULTS, None),
    ("GET", SWITCHES, None),
    ("PATCH", SWITCHES, {}),
    ("GET", CLOCK, None),
    ("POST", CLOCK, {"advance": 0}),
    ("GET", "/_emulator/guesses", None),
    ("GET", "/_emulator/outbox", None),
    ("POST", "/_emulator/workflows/{id}/edit", {}),
    ("POST", "/_emulator/workflows/{id}/copy", None),
]


@pytest.fixture(scope="module")
def served():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(served):
    yield served
    served.faults.clear()
    served.switches = Switches()


@pytest.fixture
def admin(emulator):
    """A client without a credential."""
    with httpx.Client(
        base_url=emulator.url, timeout=20, verify=NO_CERTIFICATES
    ) as made:
        yield made


@pytest.fixture
def client(emulator, connect):
    return connect(emulator)


def complaints(reply):
    assert reply.status_code == 422, reply.text
    return [(".".join(map(str, e["loc"])), e["msg"]) for e in reply.json()["detail"]]


# -- Who may --------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_no_credential_is_needed(admin, client, method, path, body):
    """These routes are not part of the API."""
    path = path.format(id=create(client, LEADS)) if "{" in path else path

    assert admin.request(method, path, json=body).status_code in {200, 201}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1"])
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_page_of_another_origin_is_refused(admin, client, route, origin):
    """Another port of this machine is another origin too."""
    method, path, body = route
    path = path.format(id=create(client, LEADS)) if "{" in path else path
    reply = admin.request(method, path, json=body, headers={"origin": origin})

    assert reply.status_code == 403
    assert reply.json() == {"detail": "No other page may use the emulator's routes"}
    assert admin.get(FAULTS).json()["active"] == []


def test_page_of_the_emulator_is_let_in(emulator, admin):
    """Its own origin is the address of the request."""
    reply = admin.post(FAULTS, json={"kind": "html"}, headers={"origin": emulator.url})

    assert reply.status_code == 201


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("path", [FAULTS, CLOCK])
def test_body_must_be_json(admin, path, media):
    """A page can send other types without a preflight request."""
    body = json.dumps({"kind": "html", "advance": 1})
    reply = admin.post(path, content=body, headers={"content-type": media})

    assert reply.status_code == 422


@pytest.mark.parametrize("path", [FAULTS, SWITCHES, CLOCK])
def test_pages_that_ask_first_are_not_let_in(admin, path):
    """There is no OPTIONS method, and no header that allows other origins."""
    reply = admin.options(
        path,
        headers={
            "origin": "https://evil.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type",
        },
    )

    assert reply.status_code == 405
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_foreign_host_is_refused(admin):
    """A name that resolves to this machine is refused too."""
    reply = admin.get(FAULTS, headers={"host": "evil.example"})

    assert reply.status_code == 400


def test_document_of_the_api_leaves_them_out(admin):
    """The service does not have these routes."""
    paths = admin.get("/openapi.json").json()["paths"]

    assert [path for path in paths if path.startswith("/_emulator")] == []


def test_requests_are_not_written_down(emulator, admin):
    """They are not requests to the API."""
    before = len(emulator.requests)
    admin.get(SWITCHES)

    assert len(emulator.requests) == before


# -- Faults ---------------------------------------------------------------------------


def ending(client):
    """Return how a raw connection ends that creates a workflow."""
    body = json.dumps(LEADS).encode()
    head = (
        "POST /workflows/create_workflow HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"x-api-key: {client.headers['x-api-key']}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    address = client.base_url.host, client.base_url.port
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(head.encode() + body)
        got = b""
        try:
            while part := connection.recv(65536):
                got += part
        except ConnectionResetError:
            return got[9:12], "reset"
    return got[9:12], "closed"


@pytest.mark.parametrize(
    ("fault", "end", "applied"),
    [
        (None, (b"200", "closed"), 1),
        ({"kind": "reset_after"}, (b"", "reset"), 1),
        ({"kind": "reset_before"}, (b"", "reset"), 0),
        ({"kind": "truncate"}, (b"200", "reset"), 1),
        ({"kind": "status_before", "status": 429}, (b"429", "closed"), 0),
        ({"kind": "slow", "size": 50, "seconds": 0.001}, (b"200", "closed"), 1),
        ({"kind": "duplicate"}, (b"200", "closed"), 2),
    ],
    ids=str,
)
def test_faults_happen_on_demand(admin, client, fault, end, applied):
    """Set by a route, they happen over real sockets."""
    if fault:
        assert admin.post(FAULTS, json=fault).status_code == 201

    assert ending(client) == end
    assert len(client.get("/workflows").json()) == applied


def test_faults_are_told_and_taken_away(admin, client):
    """The list has the fault, its count and the requests."""
    fault = {"kind": "status_before", "times": 3, "status": 500, "method": "GET"}
    added = admin.post(FAULTS, json=fault).json()
    client.get("/workflows/blocks")
    told = admin.get(FAULTS).json()
    cleared = admin.delete(FAULTS).json()

    assert added == {"active": [{**fault, "fired": 0}]}
    assert told == {
        "active": [{**fault, "fired": 1}],
        "log": [
            {"kind": "status_before", "method": "GET", "path": "/workflows/blocks"}
        ],
    }
    assert cleared == {"active": []}
    assert admin.get(FAULTS).json() == {"active": [], "log": []}


def test_every_field_of_a_fault_can_be_sent(emulator, admin):
    """The result is the same fault."""
    sent = {
        "kind": "rewrite",
        "method": "POST",
        "path": "/x*",
        "times": None,
        "after": 1,
        "probability": 0.5,
        "status": 500,
        "retry_after": "soon",
        "headers": {"a": "b"},
        "body": "",
        "seconds": 1.5,
        "fraction": 0.1,
        "size": 2,
        "word": "w",
        "members": {"a": None},
    }
    admin.post(FAULTS, json=sent)

    assert attrs.asdict(emulator.faults.active[0]) == sent
    assert admin.get(FAULTS).json()["active"] == [{**sent, "fired": 0}]


@pytest.mark.parametrize(
    ("body", "place", "words"),
    [
        ({}, "body.kind", "Field required"),
        ({"kind": "reset"}, "body.kind", "'reset_before' or 'reset_after' or"),
        (
            {"kind": "html", "often": 2},
            "body.often",
            "its fields are kind, method, path, times",
        ),
        ({"kind": "html", "path": "run"}, "body.path", "did you mean '/run'"),
        ({"kind": "html", "times": 0}, "body.times", "greater than or equal to 1"),
        ({"kind": "html", "headers": []}, "body.headers", "valid dictionary"),
        ({"kind": "html", "retry_after": "\n"}, "body.headers", "retry-after"),
    ],
    ids=str,
)
def test_wrong_fault_is_refused(emulator, admin, body, place, words):
    """The message names what is allowed."""
    found = complaints(admin.post(FAULTS, json=body))

    assert [found[0][0], words in found[0][1]] == [place, True]
    assert emulator.faults.active == []


# -- Switches and the clock -----------------------------------------------------------


def test_switches_are_told_and_turned(emulator, admin, client):
    """The named switches change at once; the others stay."""
    before = admin.get(SWITCHES).json()
    turned = admin.patch(SWITCHES, json={"bad_graph_status": 422, "speed": 2})
    bad = {**LEADS, "workflow_definition": {"blocks": [], "edges": []}}
    bad["workflow_definition"] = {
        **LEADS["workflow_definition"],
        "edges": [{"from_block_id": NOBODY, "to_block_id": NOBODY}],
    }

    assert before == attrs.asdict(Switches())
    assert turned.json() == {**before, "bad_graph_status": 422, "speed": 2}
    assert emulator.switches == Switches(bad_graph_status=422, speed=2)
    assert client.post("/workflows/create_workflow", json=bad).status_code == 422


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"sped": 1},
            "There is no such switch; the switches are speed, ",
        ),
        ({"speed": "fast"}, "Input should be a number (0 or more)"),
        ({"speed": -1}, "Input should be a number (0 or more)"),
        ({"speed": True}, "Input should be a number (0 or more)"),
        ({"speed": None}, "Input should be a number (0 or more)"),
        ({"reorder": 1}, "Input should be true or false"),
        ({"list_runs_late": 1.5}, "Input should be a whole number (0 or more)"),
        ({"list_runs_late": -1}, "Input should be a whole number (0 or more)"),
        ({"bad_graph_status": 418}, "Input should be 400 or 422"),
        ({"bad_graph_status": "400"}, "Input should be 400 or 422"),
        ({"key_clash": "410"}, "Input should be '409' or '422' or 'replay'"),
        ({"key_clash": []}, "Input should be '409' or '422' or 'replay'"),
        ({"rate_limit": -1}, "Input should be a whole number (0 or more) or null"),
    ],
    ids=str,
)
def test_wrong_switch_is_refused(emulator, admin, body, words):
    """The message names what is allowed, and nothing changes."""
    found = complaints(admin.patch(SWITCHES, json={"fill_defaults": True, **body}))

    assert found[0][0] == f"body.{next(iter(body))}"
    assert found[0][1].startswith(words)
    assert emulator.switches == Switches()


@pytest.mark.parametrize(
    "body", [{"rate_limit": 10}, {"rate_limit": None}, {"key_clash": "replay"}, {}]
)
def test_right_switch_is_turned(emulator, admin, body):
    """Null is allowed if a switch can be off."""
    assert admin.patch(SWITCHES, json=body).status_code == 200
    assert emulator.switches == Switches(**body)


def test_clock_is_put_forward(admin, client):
    """Links expire by it."""
    link = links(
        client,
        run_rows(client, ACCOUNTS, [{"company_name": "Acme", "website": "a.example"}]),
    )[0]["download_url"]
    before = admin.get(CLOCK).json()["now"]
    fresh = httpx.get(link, verify=NO_CERTIFICATES).status_code
    after = admin.post(CLOCK, json={"advance": 901}).json()["now"]

    assert fresh == 200
    assert before < after
    assert httpx.get(link, verify=NO_CERTIFICATES).status_code == 403


@pytest.mark.parametrize(
    "body", [{}, {"advance": -1}, {"advance": "1"}, {"advance": 1e12}]
)
def test_clock_goes_forward_only(admin, body):
    """By a limited number of seconds."""
    assert admin.post(CLOCK, json=body).status_code == 422


# -- Guesses and the outbox ------------------------------------------------------------


def test_guesses_are_told_by_how_much_is_known(admin):
    """All guesses are listed."""
    told = admin.get("/_emulator/guesses").json()

    assert list(told) == ["sources conflict", "inferred", "unknown"]
    assert {guess["name"] for part in told.values() for guess in part} == {
        guess.name for guess in GUESSES
    }
    assert {
        "name": "speed",
        "known": "Blocks take seconds to minutes per row.",
    }.items() <= (
        next(guess for guess in told["unknown"] if guess["name"] == "speed").items()
    )


def test_outbox_is_told(emulator, admin, client):
    """Newest first, for one run or all, with some of the rows."""
    rows = [{"email": f"{name}@a.example"} for name in "abc"]
    first, second = (run_rows(client, LEADS, rows) for _ in range(2))
    told = admin.get("/_emulator/outbox", params={"limit": 2, "rows": 1}).json()
    one = admin.get("/_emulator/outbox", params={"run_id": first.upper()}).json()

    assert [sent["run_id"] for sent in told] == [second, first]
    assert [len(sent["rows"]) for sent in told] == [1, 1]
    assert [len(sent["rows"]) for sent in one] == [3]
    assert one[0]["kind"] == "outgoing_webhook"
    assert one[0]["target"] == "https://example.com/hook"
    assert emulator.outbox[-1].rows[:1] == told[0]["rows"]


# -- The web editor -------------------------------------------------------------------


def edit(admin, workflow_id, body):
    return admin.post(f"/_emulator/workflows/{workflow_id}/edit", json=body)


def test_workflow_is_edited(admin, client):
    """Like `Emulator.edit`: name, description, spec fields."""
    own = create(client, LEADS)
    body = {
        "name": "Theirs",
        "description": "",
        "specs": {"find_email": {"mode": "PERSONAL"}},
    }
    told = edit(admin, own.upper(), body).json()
    found = client.get(f"/workflows/{own}").json()

    assert told == found
    assert (found["name"], found["description"]) == ("Theirs", "")
    assert found["updated_at"] > found["created_at"]
    assert found["workflow_definition"]["blocks"][1]["specs"] == {"mode": "PERSONAL"}


def test_graph_is_edited(admin, client):
    """A whole new graph is stored unchanged."""
    own = create(client, LEADS)
    graph = ACCOUNTS["workflow_definition"]
    edit(admin, own, {"definition": graph})

    assert client.get(f"/workflows/{own}").json()["workflow_definition"] == graph


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"title": "x"}, "body.title"),
        ({"name": 1}, "body.name"),
        ({"specs": {"filter": {"a": 1}}}, "body.specs"),
        ({"specs": {"find_email": 1}}, "body.specs"),
        ({"definition": {"blocks": []}}, "body.definition.edges"),
    ],
    ids=str,
)
def test_wrong_edit_is_refused(admin, client, body, place):
    """Nothing changes."""
    own = create(client, LEADS)
    before = client.get(f"/workflows/{own}").json()

    assert complaints(edit(admin, own, body))[0][0] == place
    assert client.get(f"/workflows/{own}").json() == before


def test_workflow_is_copied(admin, client):
    """Under a new id, with the same graph and description."""
    own = create(client, LEADS)
    told = admin.post(f"/_emulator/workflows/{own}/copy")
    copy, original = (
        client.get(f"/workflows/{found}").json() for found in (told.json()["id"], own)
    )

    assert told.status_code == 201
    assert copy["name"] == "Test (copy)"
    assert copy["id"] != own
    for same in ("description", "workflow_definition", "org_id"):
        assert copy[same] == original[same]


@pytest.mark.parametrize(
    ("which", "status"), [(NOBODY, 404), ("nobody", 422), ("a" * 36, 422)]
)
@pytest.mark.parametrize("what", ["edit", "copy"])
def test_unknown_workflow_is_refused(admin, what, which, status):
    """404, or 422 for an invalid id."""
    reply = admin.post(f"/_emulator/workflows/{which}/{what}", json={})

    assert reply.status_code == status


def test_broken_store_is_said_here_too(tmp_path):
    """503 with one sentence."""
    with Emulator(store=tmp_path / "emulator.db") as emulator:
        emulator.store.close()
        reply = httpx.get(f"{emulator.url}/_emulator/outbox", verify=NO_CERTIFICATES)

    assert reply.status_code == 503
    assert "it was closed" in reply.json()["detail"]
