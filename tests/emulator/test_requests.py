"""What comes before any operation: credentials, bodies, validation, strangers."""

from __future__ import annotations

import json
import os
import re
import socket
from hashlib import sha256
from uuid import uuid4

import pytest

from flow64.emulator import Switches
from flow64.http import httpx
from tests.emulator import support
from tests.emulator.support import (
    LEADS,
    NO_CERTIFICATES,
    create,
    own_contract,
    start,
)

CREATE = "/workflows/create_workflow"
NOBODY = "00000000-0000-4000-8000-000000000000"


def errors(reply):
    """Places and types of a 422 answer."""
    assert reply.status_code == 422, reply.text
    return [(".".join(map(str, e["loc"])), e["type"]) for e in reply.json()["detail"]]


@pytest.mark.skipif(
    support.contract() is None and "CI" not in os.environ,
    reason="the published OpenAPI document is not beside this repository",
)
def test_published_contract_is_at_hand():
    """All answers in these tests are held to the document, where it is at hand."""
    assert "/workflows/run" in support.contract()["paths"]


# -- Credentials ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"x-api-key": ""}, 401),
        ({"authorization": "Basic abc"}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"x-api-key": "k"}, 200),
        ({"authorization": "Bearer t"}, 401),
        ({"x-api-key": "k", "authorization": "Bearer t"}, 400),
        ({"x-api-key": "é".encode("latin-1")}, 200),
    ],
)
def test_one_credential_is_needed(shared, headers, status):
    """An API key lets in; none, a made-up token, and both do not."""
    reply = httpx.get(
        f"{shared.url}/workflows", headers=headers, verify=NO_CERTIFICATES
    )

    assert reply.status_code == status


OPEN = {"/oauth/token", "/.well-known/oauth-authorization-server"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, re.sub(r"\{[^}]+\}", NOBODY, path))
        for path, item in own_contract()["paths"].items()
        for method in item
        if path not in OPEN
    ],
)
def test_every_route_asks_for_a_credential(shared, method, path):
    """Without one nothing is said about the request itself."""
    reply = httpx.request(method, shared.url + path, verify=NO_CERTIFICATES)

    assert reply.status_code == 401


def test_keys_can_be_a_set(serve, connect):
    """Where keys are given, others are refused."""
    emulator, _ = serve(api_keys=["good"])

    statuses = [
        connect(emulator, key).get("/workflows").status_code for key in ("good", "bad")
    ]

    assert statuses == [200, 401]


def test_organisations_see_their_own(shared, connect):
    """A key is an organisation, and answers carry it; another's ids are 404."""
    ours, theirs = connect(shared), connect(shared)
    own = create(ours, LEADS)
    run_id = start(ours, own, []).json()["job_id"]

    assert ours.get(f"/workflows/{own}").json()["org_id"].startswith("org_")
    assert theirs.get("/workflows").json() == []
    statuses = [
        theirs.get(f"/workflows/{own}").status_code,
        theirs.post(
            "/workflows/update_workflow", params={"workflow_id": own}, json={}
        ).status_code,
        theirs.post(
            "/workflows/delete_workflow", params={"workflow_id": own}
        ).status_code,
        start(theirs, own).status_code,
        theirs.get(f"/workflows/runs/{run_id}/live_status").status_code,
        theirs.post("/workflows/cancel", params={"job_id": run_id}).status_code,
        theirs.get("/workflows/runs", params={"workflow_id": own}).status_code,
        theirs.post(CREATE, json={**LEADS, "id": own}).status_code,
    ]
    assert statuses == [404] * 7 + [409]


def test_foreign_ids_can_be_403(serve, connect):
    """The other documented answer is a switch."""
    emulator, ours = serve(switches=Switches(foreign_status=403))
    own = create(ours, LEADS)

    assert connect(emulator).get(f"/workflows/{own}").status_code == 403


# -- Bodies ---------------------------------------------------------------------------

DEEP = b"[" * 100_000


MALFORMED = {
    "open": b"{",
    "utf-16": b"\xff\xfe",
    "byte order mark": b"\xef\xbb\xbf{}",
    "nan": b"[NaN]",
    "infinity": b'{"a": Infinity}',
    "1e999": b'{"a": 1e999}',
    "deep and open": DEEP,
    "deep": DEEP + b"]" * 100_000,
    "300 deep": b"[" * 300 + b"]" * 300,
    "surrogate": b'{"a": "\\ud800"}',
    "surrogate key": b'{"\\udfff": 1}',
    "digits": b"1" * 5_000,
    "nul": b"\0",
}


@pytest.mark.parametrize("verb", ["create_workflow", "update_workflow"])
@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_malformed_bodies_are_400(client, verb, content):
    """What is no JSON that can be kept is refused with a sentence."""
    headers = {"content-type": "application/json"}
    path = f"/workflows/{verb}?workflow_id={uuid4()}"

    reply = client.post(path, content=content, headers=headers)

    assert reply.status_code == 400
    assert reply.json()["detail"].startswith("Malformed JSON: ")


@pytest.mark.parametrize("content", [b"[]", b"null", b"0", b'"x"', b"true"])
def test_bodies_that_are_no_object_are_422(client, content):
    """JSON of another type is refused with its place."""
    reply = client.post(
        CREATE, content=content, headers={"content-type": "application/json"}
    )

    assert errors(reply) == [("body", "dict_type")]


def test_empty_body_is_422(client):
    """A body that is required is missed."""
    assert errors(client.post(CREATE)) == [("body", "missing")]


@pytest.mark.parametrize(
    "media", ["text/plain", "multipart/form-data; boundary=x", "x"]
)
def test_other_content_types_are_422(client, media):
    """Only JSON is read."""
    content = json.dumps(LEADS)

    reply = client.post(CREATE, content=content, headers={"content-type": media})

    assert errors(reply) == [("body", "model_attributes_type")]


def test_long_bodies_are_413(client):
    """A body beyond the limit is refused."""
    reply = client.post(CREATE, content=b" " * (33 * 2**20))

    assert reply.status_code == 413


def test_long_whole_numbers_are_kept(client):
    """A number of 300 digits comes back as it was."""
    data = support.body(support.block("new_kind", big=10**300, text="ü \U0001f600"))

    stored = client.get(f"/workflows/{create(client, data)}").json()

    assert stored["workflow_definition"]["blocks"][0]["specs"] == {
        "big": 10**300,
        "text": "ü \U0001f600",
    }


GRAPH = "workflow_definition"
GONE = object()


@pytest.mark.parametrize(
    ("place", "value", "type"),
    [
        (("workflow_name",), GONE, "missing"),
        (("workflow_name",), 1, "string_type"),
        (("id",), "mine", "uuid_parsing"),
        ((GRAPH,), [], "dict_type"),
        ((GRAPH, "edges"), GONE, "missing"),
        ((GRAPH, "blocks"), {}, "list_type"),
        ((GRAPH, "blocks", 1, "block_name"), GONE, "missing"),
        ((GRAPH, "blocks", 0, "sequence_number"), "x", "int_type"),
        ((GRAPH, "blocks", 0, "sequence_number"), True, "int_type"),
        ((GRAPH, "blocks", 0, "sequence_number"), 1.5, "int_type"),
        ((GRAPH, "blocks", 0, "specs"), None, "dict_type"),
        ((GRAPH, "edges", 0, "condition"), 1, "string_type"),
    ],
    ids=lambda part: "gone" if part is GONE else str(part),
)
def test_create_bodies_are_held_to_the_schema(client, place, value, type):
    """Each fault is named with its place, in the list form."""
    data = json.loads(json.dumps(LEADS))
    *above, last = place
    target = data
    for step in above:
        target = target[step]
    if value is GONE:
        del target[last]
    else:
        target[last] = value

    found = errors(client.post(CREATE, json=data))

    assert found == [(".".join(map(str, ("body", *place))), type)]


def test_all_faults_come_together(client):
    """Two faults, two entries."""
    reply = client.post(CREATE, json={"workflow_name": None})

    assert errors(reply) == [
        ("body.workflow_description", "missing"),
        ("body.workflow_definition", "missing"),
        ("body.workflow_name", "string_type"),
    ]


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("POST", "/workflows/run", ("query.workflow_id", "missing")),
        ("POST", "/workflows/delete_workflow", ("query.workflow_id", "missing")),
        ("GET", "/workflows/runs?limit=0", ("query.limit", "greater_than_equal")),
        ("GET", "/workflows/runs?limit=501", ("query.limit", "less_than_equal")),
        ("GET", "/workflows/runs?limit=x", ("query.limit", "int_type")),
        ("GET", f"/workflows/runs?limit={'9' * 500}", ("query.limit", "int_type")),
        ("GET", "/workflows/runs/x/live_status", ("path.run_id", "uuid_parsing")),
        (
            "POST",
            "/workflows/run?workflow_id=x&save_json=maybe",
            ("query.save_json", "bool_parsing"),
        ),
    ],
)
def test_parameters_are_held_to_the_schema(client, method, path, found):
    """Query and path parameters are judged like bodies."""
    assert errors(client.request(method, path)) == [found]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/workflows/", 404),
        ("PUT", "/workflows", 405),
        ("GET", "/workflows/run/x", 404),
        ("GET", "/workflows/run", 405),
        ("DELETE", "/workflows/blocks", 405),
        ("TRACE", "/oauth/token", 405),
        ("OPTIONS", "/schedules", 405),
        ("STRANGE", "/schedules", 405),
    ],
)
def test_unknown_routes_answer_in_the_same_shape(client, method, path, status):
    """Also where there is no operation, errors are `detail`."""
    reply = client.request(method, path)

    assert (reply.status_code, list(reply.json())) == (status, ["detail"])


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "0.0.0.0", "[::2]"],
)
@pytest.mark.parametrize(
    "path",
    ["/", "/workflows", "/openapi.json", "/.well-known/oauth-authorization-server"],
)
def test_foreign_hosts_are_refused(client, path, host):
    """A page elsewhere that points its name at loopback gets nothing."""
    reply = client.get(path, headers={"host": host})

    assert reply.status_code == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:8", "127.0.0.1"])
def test_loopback_names_are_answered(client, host):
    """By any of its names, with any port."""
    assert client.get("/workflows", headers={"host": host}).status_code == 200


def test_method_not_allowed_says_which_are(client):
    """All methods of a path, in its header."""
    reply = client.put("/webhooks/signing-secret")

    assert (reply.status_code, reply.headers["allow"]) == (
        405,
        "DELETE, GET, HEAD, POST",
    )


@pytest.mark.parametrize("path", ["/workflows/run", "/workflows/cancel"])
def test_bodies_that_may_be_left_out_are_no_null(client, path):
    """Nothing is fine, as in the documents; null is something else."""
    own = create(client, LEADS)
    run_id = start(client, own, []).json()["job_id"]
    ask = {"url": path, "params": {"workflow_id": own, "job_id": run_id}}

    assert client.post(**ask).status_code == 200
    headers = {"content-type": "application/json"}
    reply = client.post(**ask, content=b"null", headers=headers)
    assert errors(reply) == [("body", "dict_type")]


# -- Files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/files/../../etc/passwd",
        "/files/%2e%2e/%2e%2e/etc/passwd",
        "/files/..%2f..%2fetc%2fpasswd",
        f"/files/{NOBODY}/..%2f..%2fetc%2fpasswd",
        f"/files/{NOBODY}/%00.csv",
        f"/files/{NOBODY}/a\\..\\b.csv",
        "/openapi.json/../../etc/passwd",
        "//etc/passwd",
    ],
)
def test_paths_lead_to_no_files(shared, path):
    """Nothing is served from a disk, signed or not."""
    port = int(shared.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        query = "?expires=99999999999&signature=00"
        raw.sendall(f"GET {path}{query} HTTP/1.0\r\n\r\n".encode())
        reply = raw.recv(4096)

    assert reply.split()[1] in {b"403", b"404", b"422"}
    assert b"root:" not in reply


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=0-1",
        "bytes=-1",
        "bytes=9-1",
        "bytes=0-99999999999999999999",
        "bytes=" + ",".join(["0-"] * 2000),
        "lines=1",
        "bytes=x",
    ],
)
def test_ranges_make_no_file_larger(client, wanted):
    """A file comes whole, however much of it is asked for, and how often."""
    run_id = support.run_rows(client, LEADS, [{"name": "Ada"}])
    url = support.links(client, run_id)[0]["download_url"]

    whole = httpx.get(url, verify=NO_CERTIFICATES)
    reply = httpx.get(url, headers={"range": wanted}, verify=NO_CERTIFICATES)

    assert (reply.status_code, reply.content) == (200, whole.content)


# -- The log of requests --------------------------------------------------------------


def test_requests_are_recorded_without_the_key(serve, connect):
    """Method, path, query, digest and idempotency key are there; the key is not."""
    emulator, _ = serve()
    client = connect(emulator, "sentinel-key")
    own = create(client, LEADS)

    reply = start(client, own, [], {"idempotency-key": "once"}, save_json="true")

    found = emulator.requests[-1]
    assert [(r.method, r.path) for r in emulator.requests] == [
        ("POST", CREATE),
        ("POST", "/workflows/run"),
    ]
    assert found.query == {"workflow_id": own, "save_json": "true"}
    assert found.digest == sha256(reply.request.content).hexdigest()
    assert found.idempotency_key == "once"
    assert "sentinel-key" not in repr(emulator.requests)
