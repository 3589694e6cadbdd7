"""Faults on demand: the effect for the client, and whether the request was applied."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time
from threading import Thread
from uuid import uuid4

import pytest
from attrs import evolve

from flow64.emulator import Emulator, Fault, Faults
from flow64.errors import ConfigError
from flow64.http import httpx
from tests.emulator.support import (
    ACCOUNTS,
    LEADS,
    NO_CERTIFICATES,
    OUT,
    WEBHOOK,
    block,
    body,
    create,
    in_process,
    links,
    run_rows,
    status_of,
)

CREATE = "/workflows/create_workflow"
ROWS = [{"company_name": "Acme", "website": "acme.example"}]


@pytest.fixture(scope="module")
def served():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(served, caplog):
    """An emulator that logs nothing."""
    yield served
    served.faults.clear()
    assert caplog.messages == []


@pytest.fixture
def client(emulator):
    with new_client(emulator) as made:
        yield made


def new_client(emulator, timeout=20):
    return httpx.Client(
        base_url=emulator.url,
        headers={"x-api-key": f"key-{uuid4()}"},
        timeout=timeout,
        verify=NO_CERTIFICATES,
    )


def post(client):
    return client.post(CREATE, json=LEADS)


def count(client):
    """Count the workflows, once the faults are removed."""
    return len(client.get("/workflows").json())


def raw(emulator, key="k"):
    """Return the raw response to a create request, and how the connection ends."""
    body = json.dumps(LEADS).encode()
    head = (
        f"POST {CREATE} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    host, port = emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        got = b""
        try:
            while part := connection.recv(65536):
                got += part
        except ConnectionResetError:
            return got, "reset"
    return got, "closed"


# -- None, one, and when --------------------------------------------------------------


def test_nothing_goes_wrong_by_itself(emulator, client):
    """There are no faults, and the log is empty."""
    assert post(client).status_code == 200
    assert (emulator.faults.active, emulator.faults.log) == ([], [])


def test_fault_happens_once_by_itself(emulator, client):
    """By default it happens to the first request, and is logged."""
    emulator.faults.add(Fault("status_before", status=500))

    assert [client.get("/workflows").status_code for _ in range(3)] == [500, 200, 200]
    assert emulator.faults.active == []
    (event,) = emulator.faults.log
    assert (event.kind, event.method, event.path) == (
        "status_before",
        "GET",
        "/workflows",
    )


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ({"times": 2}, "5500000"),
        ({"times": None}, "5555555"),
        ({"after": 2}, "0050000"),
        ({"after": 1, "times": 3}, "0555000"),
        ({"probability": 0.0, "times": None}, "0000000"),
        ({"method": "POST", "times": None}, "0000000"),
        ({"method": "get", "times": None}, "5555555"),
        ({"path": "/workflows", "times": None}, "5555555"),
        ({"path": "/workflows/*", "times": None}, "0000000"),
    ],
    ids=str,
)
def test_when_a_fault_happens(emulator, client, fault, statuses):
    """`times`, `after`, `method` and `path` choose the requests."""
    emulator.faults.add(Fault("status_before", **fault))

    seen = [client.get("/workflows").status_code for _ in range(7)]

    assert ["5" if status == 503 else "0" for status in seen] == list(statuses)


def test_one_request_meets_one_fault(emulator, client):
    """The first fault happens; the next one waits for the next request."""
    emulator.faults.add(
        Fault("status_before", status=500, after=1), Fault("status_before", status=502)
    )

    assert [client.get("/workflows").status_code for _ in range(3)] == [502, 500, 200]


def happened(faults, requests=200):
    return [
        faults.take("GET", f"/workflows/{number}") is not None
        for number in range(requests)
    ]


def test_luck_is_decided_by_the_seed():
    """The same seed gives the same faults, also after clearing."""
    fault = Fault("status_before", times=None, probability=0.3)
    first, again, other = Faults(1), Faults(1), Faults(2)
    for faults in (first, again, other):
        faults.add(fault)
    outcomes = [happened(faults) for faults in (first, again, other)]
    first.clear()
    first.add(fault)
    outcomes.append(happened(first))

    assert outcomes[0] == outcomes[1] == outcomes[3]
    assert outcomes[0] != outcomes[2]
    assert 30 < sum(outcomes[0]) < 90


def test_luck_of_one_fault_does_not_depend_on_another():
    """A fault of POSTs does not change those of GETs."""
    get = Fault("status_before", method="GET", times=None, probability=0.5)
    alone, both = Faults(), Faults()
    alone.add(get)
    both.add(get, evolve(get, method="POST"))
    for _ in range(50):
        both.take("POST", "/workflows/run")

    assert happened(alone) == happened(both)


def test_seed_is_the_emulators():
    """Two emulators with the same seed fail alike."""
    emulators = [Emulator(seed=seed) for seed in (7, 7, 8)]
    for emulator in emulators:
        emulator.faults.add(Fault("html", times=None, probability=0.5))
    first, again, other = (happened(emulator.faults) for emulator in emulators)

    assert first == again != other


def test_faults_are_counted_right_from_many_threads():
    """`times` holds with concurrent requests."""
    faults, taken = Faults(), []
    faults.add(Fault("html", times=10))

    def take():
        taken.extend(faults.take("GET", "/x") for _ in range(100))

    threads = [Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(rule is not None for rule in taken) == 10
    assert len(faults.log) == 10


@pytest.mark.parametrize("path", ["/", "/_emulator/faults", "/_emulator/page/summary"])
def test_what_is_about_the_emulator_never_fails(emulator, client, path):
    """So a fault without limit can be removed."""
    emulator.faults.add(Fault("reset_before", times=None))

    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "reset"}, "kind: Input should be 'reset_before' or 'reset_after' or"),
        ({"times": 0}, "times: Input should be greater than or equal to 1"),
        ({"after": -1}, "after: Input should be greater than or equal to 0"),
        ({"probability": 1.5}, "probability: Input should be less than or equal to 1"),
        ({"status": 100}, "status: Input should be greater than or equal to 200"),
        ({"status": "500"}, "status: Input should be a valid integer"),
        ({"seconds": -1}, "seconds: Input should be greater than or equal to 0"),
        ({"retry_after": 2}, "retry_after: Input should be a valid string"),
        ({"retry_after": "2\r\nx: y"}, "headers: 'retry-after' cannot be sent"),
        ({"headers": {"a b": "c"}}, "headers: 'a b' cannot be sent"),
        ({"headers": {"a": 1}}, "headers: 'a' cannot be sent"),
        ({"headers": {"Content-Length": "1"}}, "headers: 'Content-Length' cannot be"),
        (
            {"path": "workflows/run*"},
            r"path: A path begins with '/' or '\*' \(did you mean '/workflows/run\*'",
        ),
        (
            {"path": "http://127.0.0.1:6464/workflows"},
            r"path: A path begins with '/' or '\*' \(did you mean '/workflows'",
        ),
    ],
    ids=str,
)
def test_fault_that_cannot_be_is_an_error(fault, words):
    """It is raised at once, and names what is allowed."""
    with pytest.raises(ConfigError, match=f"a fault cannot have this {words}"):
        Fault(**{"kind": "html", **fault})


# -- No answer, or a late one ---------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "end", "applied"),
    [
        ("reset_before", "reset", 0),
        ("reset_after", "reset", 1),
        ("close_before", "closed", 0),
        ("close_after", "closed", 1),
    ],
)
def test_connection_ends_without_an_answer(emulator, client, kind, end, applied):
    """A reset is a real ECONNRESET, a close a real FIN."""
    key = client.headers["x-api-key"]
    emulator.faults.add(Fault(kind))

    assert raw(emulator, key) == (b"", end)
    assert count(client) == applied


@pytest.mark.parametrize(
    ("kind", "error", "applied"),
    [
        ("reset_before", httpx.ReadError, 0),
        ("reset_after", httpx.ReadError, 1),
        ("close_before", httpx.RemoteProtocolError, 0),
        ("close_after", httpx.RemoteProtocolError, 1),
        ("truncate", httpx.TransportError, 1),
        ("truncate_chunked", httpx.TransportError, 1),
    ],
)
def test_client_sees_a_transport_error(emulator, client, kind, error, applied):
    """The next request is answered."""
    emulator.faults.add(Fault(kind))
    with pytest.raises(error):
        post(client)

    assert count(client) == applied


@pytest.mark.parametrize(("kind", "applied"), [("hang_before", 0), ("hang_after", 1)])
def test_request_hangs_until_the_client_gives_up(emulator, kind, applied):
    """A request that was not handled by then is never applied."""
    emulator.faults.add(Fault(kind, seconds=0.3))
    with new_client(emulator, timeout=0.1) as hasty:
        with pytest.raises(httpx.ReadTimeout):
            post(hasty)
        time.sleep(0.4)

        assert count(hasty) == applied


@pytest.mark.parametrize("kind", ["hang_before", "hang_after"])
def test_answer_comes_late(emulator, client, kind):
    """If the client waits."""
    emulator.faults.add(Fault(kind, seconds=0.2))
    began = time.monotonic()
    reply = post(client)

    assert reply.status_code == 200
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("let_go", [Faults.clear, Faults.release])
def test_requests_that_are_held_up_can_be_let_go(emulator, client, let_go):
    """They are answered then."""
    emulator.faults.add(Fault("hang_before", seconds=60))
    replies = []
    asking = Thread(target=lambda: replies.append(post(client)))
    asking.start()
    while not emulator.faults.log:
        time.sleep(0.005)
    let_go(emulator.faults)
    asking.join()

    assert replies[0].status_code == 200


@pytest.mark.parametrize("kind", ["hang_after", "slow", "endless", "late_duplicate"])
def test_held_up_requests_do_not_hold_up_the_end(kind, caplog):
    """The emulator stops at once, without output."""
    with Emulator() as emulator, new_client(emulator) as client:
        emulator.faults.add(Fault(kind, seconds=0.01 if kind == "endless" else 60))
        with (
            client.stream("POST", CREATE, json=LEADS)
            if kind != "hang_after"
            else (in_thread(lambda: httpx.get(f"{emulator.url}/workflows")))
        ):
            while not emulator.faults.log:
                time.sleep(0.005)
            began = time.monotonic()
            emulator.stop()

    assert time.monotonic() - began < 10  # the fault lasts 60 s
    assert caplog.messages == []


class in_thread:  # noqa: N801 - used as a function
    def __init__(self, work):
        self.thread = Thread(target=work)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.thread.join()


# -- Another answer -------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 401, 429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    ("kind", "applied"), [("status_before", 0), ("status_after", 1)]
)
def test_status_is_as_asked(emulator, client, kind, status, applied):
    """Before or after handling, with an error like the service's."""
    emulator.faults.add(Fault(kind, status=status))
    reply = post(client)

    assert reply.status_code == status
    assert isinstance(reply.json()["detail"], str)
    assert count(client) == applied


@pytest.mark.parametrize(
    "text",
    [
        None,
        "2",
        "0",
        "-1",
        "inf",
        "nan",
        "soon",
        "",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 100000 23:59:59 GMT",
    ],
)
def test_retry_after_is_sent_in_any_form(emulator, client, text):
    """It can also be left out."""
    emulator.faults.add(Fault("status_before", status=429, retry_after=text))
    reply = client.get("/workflows")

    assert (reply.status_code, reply.headers.get("retry-after")) == (429, text)


def test_answer_can_be_made_up(emulator, client):
    """Any body and headers can be set."""
    emulator.faults.add(
        Fault(
            "status_after",
            status=403,
            body="<Error/>",
            headers={"Content-Type": "application/xml", "Location": "/elsewhere"},
        ),
        Fault("status_after", status=200, body="null"),
        Fault("status_before", status=204),
    )
    xml, null, nothing = (client.get("/workflows") for _ in range(3))

    assert (xml.status_code, xml.text) == (403, "<Error/>")
    assert xml.headers["content-type"] == "application/xml"
    assert xml.headers["location"] == "/elsewhere"
    assert (null.status_code, null.json()) == (200, None)
    assert (nothing.status_code, nothing.content) == (204, b"")


def test_page_to_log_in_at(emulator, client):
    """200 with HTML, and nothing is applied."""
    emulator.faults.add(Fault("html"))
    reply = post(client)

    assert (reply.status_code, reply.text[:9]) == (200, "<!doctype")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert count(client) == 0


def test_empty_answer(emulator, client):
    """200 without a body, after the request was applied."""
    emulator.faults.add(Fault("empty"))
    reply = post(client)

    assert (reply.status_code, reply.content) == (200, b"")
    assert count(client) == 1


# -- A damaged answer -----------------------------------------------------------------


def parts(got):
    """Return the headers and the body of a raw response."""
    head, _, body = got.partition(b"\r\n\r\n")
    lines = (line.partition(b": ") for line in head.lower().split(b"\r\n")[1:])
    return {name.decode(): value.decode() for name, _, value in lines}, body


@pytest.mark.parametrize(
    ("part", "size"),
    [({}, 0.5), ({"fraction": 0.25}, 0.25), ({"size": 7}, 7), ({"size": 0}, 0)],
    ids=str,
)
def test_body_is_cut(emulator, part, size):
    """The length is that of the whole body; the connection is reset."""
    emulator.faults.add(Fault("truncate", **part))
    got, end = raw(emulator)
    headers, body = parts(got)
    whole = int(headers["content-length"])

    assert end == "reset"
    assert len(body) == (size if isinstance(size, int) else int(whole * size))
    assert whole > 500


def test_download_is_cut(emulator, client):
    """A file can be cut at any byte."""
    url = links(client, run_rows(client, ACCOUNTS, ROWS))[-1]["download_url"]
    emulator.faults.add(Fault("truncate", path="/files/*", size=20))
    with client.stream("GET", url) as reply:
        pieces = reply.iter_raw()
        got = next(pieces)
        with pytest.raises(httpx.TransportError):
            next(pieces)

    assert len(got) == 20
    assert client.get(url).content.startswith(got)


def test_body_is_cut_whose_length_is_not_said(emulator):
    """Only the last chunk is missing."""
    emulator.faults.add(Fault("truncate_chunked", size=10))
    got, end = raw(emulator)
    headers, body = parts(got)

    assert end == "reset"
    assert "content-length" not in headers
    assert headers["transfer-encoding"] == "chunked"
    assert body[:5] == b'a\r\n{"'


def test_json_is_cut(emulator, client):
    """The answer is whole by its length, and no JSON."""
    emulator.faults.add(Fault("cut_json"))
    reply = post(client)

    assert reply.status_code == 200
    assert int(reply.headers["content-length"]) == len(reply.content)
    with pytest.raises(ValueError, match=r"JSON|Unterminated|Expecting"):
        reply.json()


def test_body_drips(emulator, client):
    """Piece by piece, with pauses."""
    emulator.faults.add(Fault("slow", size=100, seconds=0.02))
    began = time.monotonic()
    with client.stream("POST", CREATE, json=LEADS) as reply:
        pieces = [len(piece) for piece in reply.iter_raw()]

    # On a busy machine, pieces may arrive together.
    pauses = sum(pieces) // 100 - 1
    assert sum(pieces) == int(reply.headers["content-length"])
    assert len(pieces) > 1
    assert time.monotonic() - began >= 0.015 * pauses


@pytest.mark.parametrize("kind", ["slow", "endless"])
def test_client_may_leave_in_the_middle(emulator, client, kind):
    """The emulator answers others."""
    emulator.faults.add(Fault(kind, seconds=0.001))
    with client.stream("POST", CREATE, json=LEADS) as reply:
        next(reply.iter_raw())

    assert count(client) == 1


def test_endless_body_is_as_long_as_asked(emulator, client):
    """Of blanks, which JSON allows anywhere."""
    emulator.faults.add(Fault("endless", size=200_000))
    reply = client.get("/workflows")

    assert "content-length" not in reply.headers
    assert reply.content == b" " * 200_000


def test_gzip_is_cut(emulator, client):
    """Its length is right, and it cannot be unpacked."""
    emulator.faults.add(Fault("bad_gzip"))
    with client.stream("POST", CREATE, json=LEADS) as reply:
        packed = b"".join(reply.iter_raw())

    assert reply.headers["content-encoding"] == "gzip"
    assert len(packed) == int(reply.headers["content-length"])
    with pytest.raises(EOFError):
        gzip.decompress(packed)


def test_gzip_bomb(emulator, client):
    """A small body that is a large one."""
    size = 16 * 2**20 + 7
    emulator.faults.add(Fault("gzip_bomb", size=size))
    with client.stream("GET", "/workflows") as reply:
        packed = b"".join(reply.iter_raw())
    unpacked = gzip.decompress(packed)

    assert len(packed) < size / 900
    assert unpacked == b" " * size


# -- More, or older, than was asked for -----------------------------------------------


def test_request_is_handled_twice(emulator, client):
    """Two workflows are there; the answer is about the second."""
    emulator.faults.add(Fault("duplicate"))
    answered = post(client).json()["id"]
    ids = [workflow["id"] for workflow in client.get("/workflows").json()]

    assert len(ids) == 2
    assert answered in ids


def test_second_of_two_is_answered(emulator, client):
    """Where a second is refused, the refusal is the answer."""
    emulator.faults.add(Fault("duplicate"))
    own = {**LEADS, "id": str(uuid4())}

    assert client.post(CREATE, json=own).status_code == 409
    assert count(client) == 1


def test_request_is_handled_again_later(emulator, client):
    """It comes back after what was done meanwhile."""
    own = create(client, LEADS)
    update = "/workflows/update_workflow"

    def name(text):
        body = {"workflow_name": text}
        return client.post(update, params={"workflow_id": own}, json=body).json()

    emulator.faults.add(Fault("late_duplicate", path=update, seconds=0.1))
    assert name("old")["name"] == "old"
    assert name("new")["name"] == "new"
    before = time.monotonic()
    while client.get(f"/workflows/{own}").json()["name"] == "new":
        assert time.monotonic() - before < 5
        time.sleep(0.01)

    assert client.get(f"/workflows/{own}").json()["name"] == "old"


def test_reads_are_old(emulator, client):
    """Each read gets what it got first, and nobody what another got."""
    emulator.faults.add(Fault("stale_read", times=None))
    with new_client(emulator) as other:
        create(other, LEADS)
        seen = [count(client)]
        create(client, LEADS)
        seen += [count(client), count(other)]
        emulator.faults.clear()
        seen += [count(client)]

    assert seen == [0, 0, 1, 1]


# -- Other data -----------------------------------------------------------------------


def test_status_words_are_unknown(emulator, client):
    """Those of a run and of its blocks, live and in lists; a write is left alone."""
    emulator.faults.add(Fault("unknown_status", word="resting", times=2))
    run_id = run_rows_without_looking(client)
    live = status_of(client, run_id)
    listed = client.get("/workflows/runs").json()

    assert {live["overall_status"], *(b["status"] for b in live["blocks"])} == {
        "resting"
    }
    assert [run["status"] for run in listed] == ["resting"]
    assert emulator.faults.active == []


def run_rows_without_looking(client):
    workflow_id = create(client, ACCOUNTS)
    reply = client.post(
        "/workflows/run",
        params={"workflow_id": workflow_id},
        json={"webhook_payload": ROWS},
    )
    return reply.json()["job_id"]


def test_downloads_have_no_url(emulator, client):
    """The rest of each item is there."""
    run_id = run_rows(client, ACCOUNTS, ROWS)
    emulator.faults.add(Fault("null_download_url"))
    without, whole = links(client, run_id), links(client, run_id)

    assert {item["download_url"] for item in without} == {None}
    assert [{**item, "download_url": None} for item in whole] == without
    assert None not in {item["download_url"] for item in whole}


def test_members_are_rewritten_but_not_in_rows(emulator, client):
    """At any depth; what users made is left alone."""
    run_id = run_rows(client, ACCOUNTS, ROWS)
    members = {"filename": "../x", "website": "changed", "row_count": -1}
    emulator.faults.add(Fault("rewrite", members=members))
    item = links(client, run_id)[0]

    assert (item["filename"], item["row_count"]) == ("../x", -1)
    assert item["results"][0]["website"] == "acme.example"


def test_members_are_missing(emulator, client):
    """By name, at any depth."""
    run_id = run_rows(client, ACCOUNTS, ROWS)
    emulator.faults.add(
        Fault("missing_field", word="overall_status"), Fault("missing_field")
    )
    first, second = status_of(client, run_id), status_of(client, run_id)

    assert "overall_status" not in first
    assert "status" in first["blocks"][0]
    assert "overall_status" in second
    assert "status" not in second["blocks"][0]


@pytest.mark.parametrize("path", ["/openapi.json", "/workflows/blocks"])
def test_answers_without_such_members_are_as_they_were(emulator, client, path):
    """And so is what is no JSON."""
    before = client.get(path).json()
    emulator.faults.add(Fault("rewrite", members={"nobody": 1}))

    assert client.get(path).json() == before


def specs(client, workflow_id):
    graph = client.get(f"/workflows/{workflow_id}").json()["workflow_definition"]
    return [block["specs"] for block in graph["blocks"]]


@pytest.mark.parametrize(
    ("word", "lost"), [(None, (0, "dataframe_type")), ("mode", (1, "mode"))]
)
def test_spec_field_is_lost(emulator, client, word, lost):
    """On its way in: the answer is a success, and less is stored than was sent."""
    data = body(WEBHOOK, block("find_email", mode="PERSONAL"), OUT)
    whole = specs(client, create(client, data))
    emulator.faults.add(Fault("drop_spec_field", word=word))
    stored = specs(client, create(client, data))
    position, name = lost
    assert whole[position].pop(name)

    assert stored == whole


def test_name_is_another(emulator, client):
    """On its way in, too."""
    emulator.faults.add(Fault("other_name"), Fault("other_name", word="Mine"))
    names = [post(client).json()["name"] for _ in range(3)]

    assert names == ["Renamed", "Mine", "Test"]


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"workflow_definition": 1}'])
@pytest.mark.parametrize("kind", ["drop_spec_field", "other_name"])
def test_what_is_no_workflow_is_refused_as_ever(emulator, client, kind, content):
    """There is nothing to lose in it."""
    emulator.faults.add(Fault(kind))
    reply = client.post(
        CREATE, content=content, headers={"content-type": "application/json"}
    )

    assert reply.status_code in {400, 422}


# -- Without a socket -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "applied"),
    [
        ("reset_before", 0),
        ("reset_after", 1),
        ("close_before", 0),
        ("close_after", 1),
        ("truncate", 1),
    ],
)
def test_in_process_client_sees_a_transport_error(kind, applied):
    """What a socket would do is done without one."""
    emulator = Emulator()
    emulator.faults.add(Fault(kind))
    with in_process(
        emulator,
        base_url="http://localhost",
        headers={"x-api-key": "k"},
    ) as client:
        with pytest.raises(httpx.TransportError):
            post(client)

        assert count(client) == applied


@pytest.mark.parametrize(
    "kind", ["hang_before", "slow", "html", "duplicate", "bad_gzip", "late_duplicate"]
)
def test_in_process_client_sees_other_faults_too(kind):
    """Whatever is no matter of sockets."""
    emulator = Emulator()
    emulator.faults.add(Fault(kind, seconds=0.001, size=100))
    with (
        in_process(
            emulator,
            base_url="http://localhost",
            headers={"x-api-key": "k"},
        ) as client,
        client.stream("POST", CREATE, json=LEADS) as reply,
    ):
        received = b"".join(reply.iter_raw())

    assert reply.status_code == 200
    assert received
    assert [found.kind for found in emulator.faults.log] == [kind]


def test_app_alone_raises():
    """Behind another server there is no connection to reset."""
    emulator = Emulator()
    emulator.faults.add(Fault("reset_before"))

    async def ask():
        transport = httpx.ASGITransport(app=emulator.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://emulator"
        ) as client:
            await client.get("/workflows")

    with pytest.raises(ConnectionResetError, match="reset_before"):
        asyncio.run(ask())


def test_half_a_request_meets_nothing(emulator, client):
    """A request that ends before its body does is no request."""
    emulator.faults.add(Fault("duplicate"))
    host, port = emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST {CREATE} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9"
        connection.sendall(f"{head}\r\n\r\n{{".encode())
    while not emulator.faults.log:
        time.sleep(0.005)

    assert count(client) == 0
