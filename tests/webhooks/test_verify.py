"""What passes as a delivery of the service, what does not, and what is read from it."""

from __future__ import annotations

import json
import pickle
from email.message import Message

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flow64.errors import WebhookError
from flow64.webhooks import Event, JobEvent, RowsEvent, sign, verify
from tests.webhooks.support import AT, BODY, BY_NEW, BY_OLD, NEW, OLD, signed

SIGNATURE = "Sixtyfour-Signature"
GOOD = signed(BY_NEW)[SIGNATURE]


def delivered(data, **headers):
    """The event of a body that the service signs."""
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return verify(body, {**sign(body, NEW, AT), **headers}, NEW, now=AT)


@pytest.mark.parametrize("secrets", [NEW, OLD, [OLD, NEW], (NEW,)])
def test_documented_vector(secrets):
    """With either secret, while one is rolled."""
    event = verify(BODY, signed(BY_NEW, BY_OLD), secrets, now=AT)

    assert isinstance(event, RowsEvent)
    assert event.event_id == "5f0c2d6e-9c7b-4c83-8d5b-0a4be2a9d001"
    assert event.run_id == "0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10"
    assert (event.signed_at, event.raw) == (AT, json.loads(BODY))
    assert pickle.loads(pickle.dumps(event)) == event


def test_sign_writes_the_documented_vector():
    """The new secret first."""
    assert sign(BODY, [NEW, OLD], AT) == signed(BY_NEW, BY_OLD)


@pytest.mark.parametrize(
    "headers",
    [
        {SIGNATURE.upper(): GOOD},
        {SIGNATURE.lower().encode(): GOOD.encode()},
        [("Accept", "*/*"), (SIGNATURE, GOOD)],
        {SIGNATURE: f"v0=x, {GOOD.replace(',', ' , ')},v1=short"},
    ],
    ids=["upper", "bytes", "pairs", "spaces"],
)
def test_header_forms(headers):
    """Whatever the framework makes of headers."""
    assert verify(BODY, headers, NEW, now=AT).signed_at == AT


def test_headers_of_the_standard_library():
    """`http.server` has them as a message."""
    message = Message()
    message[SIGNATURE] = GOOD

    assert verify(BODY, message, NEW, now=AT).signed_at == AT


@pytest.mark.parametrize(
    ("body", "headers", "secrets"),
    [
        (BODY + b"\n", signed(BY_NEW), NEW),
        (BODY, signed(BY_OLD), NEW),
        (BODY, signed(BY_NEW.upper()), NEW),
        (BODY, signed(BY_NEW, at=AT + 1), NEW),
        (BODY, signed(), NEW),
        (BODY, {}, NEW),
        (BODY, {SIGNATURE: ""}, NEW),
        (BODY, [(SIGNATURE, GOOD), (SIGNATURE, GOOD)], NEW),
        (BODY, {SIGNATURE: GOOD.replace("t=", "t=+")}, NEW),
        (BODY, {SIGNATURE: f"{GOOD},t={AT}"}, NEW),
        (BODY, {SIGNATURE: GOOD.replace(str(AT), "١٧٨٠٠٠٠٠٠٠")}, NEW),
        (BODY, signed(BY_NEW), ""),
        (BODY, signed(BY_NEW), []),
        (BODY, signed(BY_NEW), [NEW, ""]),
        (BODY, signed(BY_NEW), f"{NEW}\n"),
        (BODY, signed(BY_NEW), NEW.removeprefix("sk_whsec_")),
    ],
)
def test_anything_else_is_refused(body, headers, secrets):
    """With one class of errors, which shows neither secret nor body."""
    with pytest.raises(WebhookError) as caught:
        verify(body, headers, secrets, now=AT)

    assert NEW not in str(caught.value)
    assert "5f0c2d6e" not in str(caught.value)


@pytest.mark.parametrize("age", [-301, 301, float("nan"), float("inf")])
def test_old_and_early_signatures_are_refused(age):
    """Whichever clock is wrong."""
    with pytest.raises(WebhookError, match="clock"):
        verify(BODY, signed(BY_NEW), NEW, now=AT + age)


@pytest.mark.parametrize("age", [-300, 300])
def test_tolerance(age):
    """Its limits belong to it."""
    assert verify(BODY, signed(BY_NEW), NEW, now=AT + age).raw


def test_clock_of_this_machine_is_the_default():
    """A signature of just now passes, and the old vector does not."""
    assert verify(BODY, sign(BODY, NEW), NEW).raw
    with pytest.raises(WebhookError):
        verify(BODY, signed(BY_NEW), NEW)


def test_text_is_a_mistake():
    """The received bytes are signed, and not the JSON."""
    with pytest.raises(TypeError):
        verify(BODY.decode(), signed(BY_NEW), NEW, now=AT)


@given(st.text() | st.from_regex(r"t=[0-9]{1,12}(,v1=[0-9a-f]{64}){0,3}"))
@example(f"t={AT},v1={'0' * 64}")
def test_no_header_is_accepted_by_chance(header):
    """Nor does one raise anything else."""
    with pytest.raises(WebhookError):
        verify(BODY, {SIGNATURE: header}, NEW, now=AT)


# -- Events ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["results", "rows"])
def test_rows(name):
    """Under either key; `raw` has the rest, and the repr no row."""
    rows = [{"email": "ada@example.com"}]
    link = {"results_download_url": "https://s.example/x"}

    event = delivered({"event_id": "e", "run_id": "r", name: rows, **link})

    assert isinstance(event, RowsEvent)
    assert (event.rows, event.results_download_url) == (rows, "https://s.example/x")
    assert "ada@" not in repr(event)
    assert "s.example" not in repr(event)


@pytest.mark.parametrize("rows", [None, "text", [1], {"a": 1}])
def test_other_rows_are_none(rows):
    """They stay in `raw`."""
    event = delivered({"event_id": "e", "run_id": "r", "results": rows})

    assert (event.rows, event.raw["results"]) == (None, rows)


def test_job():
    """Its key differs by status."""
    job = {"task_id": "t", "status": "completed", "result": {"a": 1}}

    event = delivered(job)

    assert isinstance(event, JobEvent)
    assert (event.task_id, event.status, event.result) == ("t", "completed", {"a": 1})
    assert event.key != delivered({**job, "status": "failed"}).key


@pytest.mark.parametrize("body", [{}, {"event_id": 1, "run_id": 2}, {"task_id": "t"}])
def test_other_events(body):
    """Equal bodies of one second have one key."""
    event = delivered(body)

    assert type(event) is Event
    assert event.key == delivered(body).key


def test_unsigned_headers_do_not_choose_the_event():
    """They are only told."""
    body = {"event_id": "e", "run_id": "r"}
    headers = {
        "Sixtyfour-Event-Type": "job.completed",
        "Sixtyfour-Delivery-Attempt": "3",
    }

    event = delivered(body, **headers)

    assert isinstance(event, RowsEvent)
    assert (event.event_type, event.attempt) == ("job.completed", 3)
    assert event.key == delivered(body).key
    assert delivered(body, **{"Sixtyfour-Delivery-Attempt": "x"}).attempt is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b"null", b"[" * 100_000, b"1" * 5_000]
)
def test_body_without_an_object_is_refused(body):
    """With the same class of errors."""
    with pytest.raises(WebhookError, match="JSON object"):
        delivered(body)
