"""What passes as a delivery of the service, what does not, and what is read from it."""

from __future__ import annotations

import base64
import hmac
import json
import logging
import traceback
from collections import UserDict
from contextlib import suppress
from email.message import Message
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers as StarletteHeaders

from flow64.errors import (
    ArgumentError,
    ConfigError,
    DuplicateEventError,
    EventError,
    WebhookError,
)
from flow64.webhooks import JobEvent, RowsEvent, SeenEvents, UnknownEvent, sign, verify
from tests.webhooks.support import AT, BODY, BY_NEW, BY_OLD, NEW, OLD, signed

RUN = {"event_id": "e-1", "run_id": "r-1"}
JOB = {"task_id": "t-1", "status": "completed"}


def delivered(data, **headers):
    """The event of a body that the service signs."""
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return verify(body, {**sign(body, NEW, AT), **headers}, NEW, now=AT)


# -- W1: the body as it came ----------------------------------------------------------


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_documented_vector(secret):
    """With either secret, while one is rolled."""
    event = verify(BODY, signed(BY_NEW, BY_OLD), secret, now=AT)

    assert isinstance(event, RowsEvent)
    assert event.event_id == "5f0c2d6e-9c7b-4c83-8d5b-0a4be2a9d001"
    assert event.run_id == "0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10"
    assert event.signed_at == AT
    assert event.raw == json.loads(BODY)


@pytest.mark.parametrize(
    "body",
    [
        b'{"event_id": "e-1",\r\n "run_id": "r-1"}\r\n',
        json.dumps({**RUN, "results": [{"text": "é" * 5_000_000}]}).encode()[:-1]
        + b"}",
        '{"event_id": "e-1", "run_id": "r-1", "name": "Ünï 😀"}'.encode(),
    ],
    ids=["crlf", "large", "utf-8"],
)
def test_bytes_are_taken_as_they_are(body):
    """Line ends, spaces, size: nothing is normalised before it is verified."""
    assert delivered(body).raw == json.loads(body)


def test_changed_byte_is_refused():
    """Also where the JSON says the same."""
    with pytest.raises(WebhookError, match="not signed by a given secret"):
        verify(BODY + b"\n", signed(BY_NEW), NEW, now=AT)


@pytest.mark.parametrize(
    "body", [BODY.decode(), json.loads(BODY), bytearray(BODY), memoryview(BODY), None]
)
@pytest.mark.parametrize("call", [verify, sign])
def test_what_is_no_bytes_is_a_mistake(call, body):
    """And the error says why it has to be."""
    arguments = [body, signed(BY_NEW), NEW] if call is verify else [body, NEW]

    with pytest.raises(ArgumentError, match="received bytes are signed") as got:
        call(*arguments)

    assert isinstance(got.value, TypeError)
    assert type(body).__name__ in str(got.value)
    assert "5f0c2d6e" not in str(got.value)


# -- W2: the moment -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("away", "is_fresh"), [(-301, False), (-300, True), (300, True), (301, False)]
)
@pytest.mark.parametrize("tolerance", [300, 300.0])
def test_tolerance_is_held_on_both_sides(away, is_fresh, tolerance):
    """A recording does not pass later, nor does one that was signed ahead."""

    def receive():
        return verify(BODY, signed(BY_NEW), NEW, tolerance=tolerance, now=AT - away)

    if is_fresh:
        assert receive().signed_at == AT
    else:
        with pytest.raises(WebhookError, match=r"301 s .* 300 s are allowed.* clock"):
            receive()


def test_clock_of_this_machine_is_the_default():
    """A signature of just now passes, and the old vector does not."""
    assert verify(BODY, sign(BODY, NEW), NEW).raw
    with pytest.raises(WebhookError, match="s ago"):
        verify(BODY, signed(BY_NEW), NEW)


@pytest.mark.parametrize(
    "tolerance", [0, -1, None, float("nan"), float("inf"), True, "300", -0.0]
)
def test_tolerance_is_never_off(tolerance):
    """What is no number of seconds above 0 is a mistake."""
    with pytest.raises(ConfigError, match="tolerance has to be") as caught:
        verify(BODY, signed(BY_NEW), NEW, tolerance=tolerance, now=AT)

    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "now", [float("nan"), float("inf"), -1, AT * 1000, True, "now"]
)
def test_now_is_a_moment(now):
    """Nothing compares as fresh by accident, nor do milliseconds."""
    with pytest.raises(ConfigError, match="now has to be Unix seconds"):
        verify(BODY, signed(BY_NEW), NEW, now=now)


# -- W3: the header -------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        f"t={AT},v1={BY_NEW}",
        f"t={AT},v1={BY_NEW},v1={BY_OLD}",
        f"t={AT},v1={BY_OLD},v1={BY_NEW}",
        f"v1={BY_NEW},t={AT}",
        f" t={AT} , v1={BY_NEW} ",
        f"t={AT},v0={BY_OLD},v1={BY_NEW},v2=x=y,,=,scheme",
        f"t={AT},v1=short,v1={BY_OLD.upper()},v1=é,v1={BY_NEW}",
        f"t={AT},{f'v1={BY_OLD[::-1]},' * 999}v1={BY_NEW}",
    ],
    ids=range(8),
)
def test_any_digest_of_ours_is_enough(header):
    """Wherever it stands, and whatever else is there."""
    assert verify(BODY, {"Sixtyfour-Signature": header}, NEW, now=AT).signed_at == AT


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        ",",
        "t",
        f"t={AT}",
        f"v1={BY_NEW}",
        f"t=,v1={BY_NEW}",
        f"t={AT},t={AT},v1={BY_NEW}",
        f"t={AT}_0,v1={BY_NEW}",
        f"t=1_78{'0' * 7},v1={BY_NEW}",
        f"t=178e7,v1={BY_NEW}",
        f"t=+{AT},v1={BY_NEW}",
        f"t=-{AT},v1={BY_NEW}",
        f"t= {AT},v1={BY_NEW}",
        f"t={AT}.0,v1={BY_NEW}",
        f"t=0{AT},v1={BY_NEW}",
        f"t={'٣' * 10},v1={BY_NEW}",
        f"t={'9' * 12},v1={BY_NEW}",
        f"t={'9' * 5000},v1={BY_NEW}",
        f"T={AT},V1={BY_NEW}",
        f"t={AT},v0={BY_NEW}",
        f"t={AT},v1={BY_NEW.upper()}",
        f"t={AT},v1={BY_NEW[:-1]}",
        f"t={AT},v1={BY_NEW}0",
        f"t={AT},v1={BY_NEW}\n",
        f"t={AT},v1= {BY_NEW}",
        f"t={AT},v1={BY_NEW[:-1]}é",
        f"t={AT};v1={BY_NEW}",
        f"t={AT},v1={BY_OLD}",
        f"t={AT},v1={base64.b64encode(bytes.fromhex(BY_NEW)).decode()}",
        "\x00\U0001f600",
    ],
    ids=range(31),
)
def test_anything_else_is_refused(header):
    """By the one exception."""
    with pytest.raises(WebhookError) as caught:
        verify(BODY, {"Sixtyfour-Signature": header}, NEW, now=AT)

    assert type(caught.value) is WebhookError
    assert caught.value.answer == 400


DIGITS = st.sampled_from([BY_NEW, BY_OLD, BY_NEW.upper(), BY_NEW[:-1], ""])
PARTS = st.one_of(
    st.builds("t={}".format, st.sampled_from([AT, AT + 1, f"0{AT}"]) | st.text()),
    st.builds("v1={}".format, DIGITS | st.text()),
    st.builds("v0={}".format, DIGITS),
    st.text(),
)


@pytest.mark.slow
@given(st.lists(PARTS, max_size=6).map(",".join) | st.text() | st.binary())
@example(f"t={AT},v1={BY_NEW}")
def test_header_passes_or_is_refused_by_the_one_exception(header):
    """It passes exactly where one moment and a digest of ours stand in it."""
    text = header.decode("latin-1") if isinstance(header, bytes) else header
    parts = [part.strip(" \t") for part in text.split(",")]
    moments = [part for part in parts if part == "t" or part.startswith("t=")]
    is_ours = moments == [f"t={AT}"] and f"v1={BY_NEW}" in parts

    try:
        verify(BODY, [("Sixtyfour-Signature", header)], NEW, now=AT)
        passed = True
    except WebhookError:
        passed = False

    assert passed == is_ours


NAMES = st.sampled_from(["Sixtyfour-Signature", b"sixtyfour-signature", "X"])
VALUES = st.text() | st.binary() | st.none() | st.integers() | st.lists(st.text())


@given(st.lists(st.tuples(NAMES | st.text() | st.integers(), VALUES)))
def test_strange_headers_are_refused_by_the_one_exception(pairs):
    """Of any types and in any number."""
    with pytest.raises(WebhookError):
        verify(BODY, pairs, NEW, now=AT)


@given(st.binary(max_size=40), st.integers(0, AT * 2))
def test_what_is_signed_is_verified(body, at):
    """Any bytes, at any moment: what cannot be read then is no failed verification."""
    with suppress(EventError):  # most bytes are no JSON
        verify(body, sign(body, [OLD, NEW], at), NEW, now=at)
    with pytest.raises(WebhookError):
        verify(body + b"x", sign(body, NEW, at), NEW, now=at)


def message(pairs):
    """As the http.server of the standard library gives headers."""
    made = Message()
    for name, value in pairs:
        made[name] = value
    return made


def raw(pairs):
    """As an ASGI server gives headers."""
    return [(name.lower().encode(), value.encode()) for name, value in pairs]


@pytest.mark.parametrize(
    "made",
    [
        dict,
        list,
        iter,
        message,
        raw,
        UserDict,
        lambda pairs: {name.upper(): value for name, value in pairs},
        lambda pairs: {name.lower(): value for name, value in pairs},
        lambda pairs: {name.encode(): value.encode() for name, value in pairs},
        lambda pairs: StarletteHeaders(raw=raw(pairs)),
    ],
    ids=range(10),
)
def test_headers_come_in_any_shape(made):
    """Mappings, pairs, bytes, and names in any case."""
    pairs = [
        ("Host", "example.com"),
        *signed(BY_NEW).items(),
        ("Sixtyfour-Event-Type", "find_email"),
        ("Sixtyfour-Delivery-Attempt", "2"),
    ]

    event = verify(BODY, made(pairs), NEW, now=AT)

    assert (event.event_type, event.attempt) == ("find_email", 2)


@pytest.mark.parametrize(
    "made", [list, message, lambda p: StarletteHeaders(raw=raw(p))]
)
def test_header_that_is_there_twice_is_refused(made):
    """Which one counts is anybody's guess, also where both are the same."""
    pairs = [*signed(BY_NEW).items()] * 2

    with pytest.raises(WebhookError, match="was sent 2 times"):
        verify(BODY, made(pairs), NEW, now=AT)


@pytest.mark.parametrize("headers", [None, 5, "t=1", b"t=2", [1], [("a", "b", "c")]])
def test_what_are_no_headers_is_a_mistake(headers):
    """Of the program, not of who sent it."""
    with pytest.raises(ArgumentError, match="a mapping or a list of pairs"):
        verify(BODY, headers, NEW, now=AT)


# -- W4: nothing missing --------------------------------------------------------------


@pytest.mark.parametrize(
    "headers", [{}, [], {"Sixtyfour-Signature": ""}, {"X": "y"}, {"Sixtyfour": BY_NEW}]
)
def test_unsigned_is_refused(headers):
    """The service signs nothing until there is a secret: that does not pass."""
    with pytest.raises(WebhookError, match="missing or empty"):
        verify(BODY, headers, NEW, now=AT)


@pytest.mark.parametrize("headers", [{}, signed(BY_NEW)])
@pytest.mark.parametrize(
    "secrets", ["", None, [], (), ["", NEW], [NEW, None], [NEW, ""], [None]]
)
def test_missing_secret_is_a_mistake(secrets, headers):
    """As a variable that is not set: whatever comes, nothing passes."""
    with pytest.raises(ConfigError, match="missing or empty"):
        verify(BODY, headers, secrets, now=AT)


@pytest.mark.parametrize(
    "secret", [f"{NEW}\n", f" {NEW}", NEW + "é", NEW + "\0", NEW.encode(), 5]
)
@pytest.mark.parametrize("together", [[], [NEW]])
def test_malformed_secret_is_a_mistake_that_is_not_shown(secret, together):
    """Spaces around it are named as the likely cause."""
    with pytest.raises(ConfigError, match="spaces and line breaks") as caught:
        verify(BODY, signed(BY_NEW), [*together, secret], now=AT)

    assert "0123456789abcdef" not in str(caught.value) + repr(caught.value)


def test_empty_key_signs_nothing():
    """What anybody can compute does not pass."""
    digest = hmac.digest(b"", f"{AT}.".encode() + BODY, "sha256").hex()

    with pytest.raises(WebhookError):
        verify(BODY, signed(digest), NEW, now=AT)


@pytest.mark.parametrize(
    "secrets", [[OLD, NEW], (NEW, OLD), {NEW}, iter([OLD, NEW]), {NEW: 1}.keys()]
)
def test_one_of_several_secrets_is_enough(secrets):
    """In any collection and order."""
    assert verify(BODY, signed(BY_NEW), secrets, now=AT).signed_at == AT


# -- W5: in constant time -------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        f"t={AT},v1={BY_NEW},v1={BY_OLD},v1={BY_OLD[::-1]},v1=x",
        f"t={AT},v1={BY_OLD[::-1]},v1={BY_OLD},v1={BY_NEW}",
    ],
)
def test_all_digests_are_compared(monkeypatch, header):
    """With those of all secrets, as bytes, also where the first one matches."""
    compared = []
    original = hmac.compare_digest

    def spy(given, expected):
        compared.append((given, expected))
        return original(given, expected)

    monkeypatch.setattr(hmac, "compare_digest", spy)

    verify(BODY, {"Sixtyfour-Signature": header}, [NEW, OLD], now=AT)

    found = {BY_NEW.encode(), BY_OLD.encode(), BY_OLD[::-1].encode()}
    expected = {BY_NEW.encode(), BY_OLD.encode()}
    assert len(compared) == 6
    assert set(compared) == {(one, other) for one in found for other in expected}


# -- W9: reading ----------------------------------------------------------------------


def test_run_event():
    """What is documented is typed, and the rest stays in `raw`."""
    rows = [{"email": "ada@example.com"}]
    data = {
        **RUN,
        "results": rows,
        "results_download_url": "https://storage.example/signed?sig=s3cret",
        "more": 1,
    }

    event = delivered(data)

    assert isinstance(event, RowsEvent)
    assert (event.event_id, event.run_id, event.rows) == ("e-1", "r-1", rows)
    assert event.results_download_url == data["results_download_url"]
    assert event.raw == data
    assert "s3cret" not in repr(event)
    assert "ada@" not in repr(event)
    assert len({event, delivered(data)}) == 1


@pytest.mark.parametrize(
    ("more", "rows"),
    [
        ({}, None),
        ({"results": None}, None),
        ({"results": []}, []),
        ({"rows": [{"a": 1}]}, [{"a": 1}]),
        ({"results": None, "rows": [{}]}, [{}]),
        ({"results": "s3://x"}, None),
        ({"results": [1]}, None),
        ({"data": [{"a": 1}]}, None),
    ],
)
def test_rows_are_where_they_can_be_found(more, rows):
    """No document names their key, so a strange one is no error."""
    assert delivered({**RUN, **more}).rows == rows


@pytest.mark.parametrize(
    ("more", "result", "error"),
    [
        ({"status": "completed", "result": {"email": "x"}}, {"email": "x"}, None),
        ({"status": "failed", "error": "no credits"}, None, "no credits"),
    ],
)
def test_job_event(more, result, error):
    """A job that ended well or not."""
    event = delivered({"task_id": "t-1", "task_type": "find_email", **more})

    assert isinstance(event, JobEvent)
    assert (event.task_id, event.task_type) == ("t-1", "find_email")
    assert (event.status, event.result, event.error) == (more["status"], result, error)


@pytest.mark.parametrize(
    "data",
    [{}, {"event_id": "e"}, {"event_id": 5}, {"event_id": ""}, {"run_id": 5}, {"a": 1}],
)
def test_unknown_event_is_kept_raw(data):
    """It was signed, so it is an event, whatever it is."""
    event = delivered(data, **{"Sixtyfour-Event-Type": "news"})

    assert type(event) is UnknownEvent
    assert (event.raw, event.event_type) == (data, "news")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'\xef\xbb\xbf{"event_id": "e"}',
        b"[]",
        b"null",
        b'"text"',
        b"[" * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
        '{"event_id": "e"}'.encode("utf-16"),
        b'{"event_id": null, "run_id": "r"}',
        b'{"event_id": "e", "run_id": ""}',
        b'{"event_id": ["e"], "run_id": "r"}',
        b'{"task_id": 5, "status": "completed"}',
        b'{"task_id": "t", "status": null}',
    ],
    ids=range(15),
)
def test_body_is_read_after_it_was_verified(body):
    """What cannot be read is an error of its own, and an unsigned one is not read."""
    with pytest.raises(EventError) as caught:
        delivered(body)
    with pytest.raises(WebhookError):
        verify(body, signed(BY_NEW), NEW, now=AT)

    assert isinstance(caught.value, ValueError)
    assert caught.value.answer == 400
    # The error of the JSON module has the whole body in it.
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize(
    ("given", "read"),
    [("1", 1), ("12", 12), ("", None), ("x", None), ("1_0", None), ("9" * 50, None)],
)
def test_attempt_is_a_number_or_unknown(given, read):
    """It is not signed, so it may be anything."""
    event = delivered(RUN, **{"Sixtyfour-Delivery-Attempt": given})

    assert event.attempt == read


# -- W10: nothing secret is shown -----------------------------------------------------

CASES = {
    "malformed header": (BODY, {"Sixtyfour-Signature": "t=1"}, NEW, {}),
    "wrong secret": (BODY, signed(BY_NEW), OLD, {}),
    "changed body": (BODY[:-1] + b" }", signed(BY_NEW), NEW, {}),
    "stale": (BODY, signed(BY_NEW), NEW, {"now": AT + 1000}),
    "unreadable": (BODY[1:], sign(BODY[1:], NEW, AT), NEW, {}),
    "malformed secret": (BODY, signed(BY_NEW), NEW + "\n", {}),
    "text": (BODY.decode(), signed(BY_NEW), NEW, {}),
    "no headers": (BODY, f"{BY_NEW}", NEW, {}),
    "tolerance": (BODY, signed(BY_NEW), NEW, {"tolerance": 0}),
}


def spelled(secret):
    """A secret in the spellings that a report may have it in."""
    data = secret.encode()
    return {
        secret,
        secret.removeprefix("sk_whsec_"),
        data.hex(),
        base64.b64encode(data).decode(),
        quote(secret, safe=""),
        json.dumps(secret),
    }


FORBIDDEN = {
    *spelled(NEW),
    *spelled(OLD),
    BY_NEW,
    BY_OLD,
    BODY.decode()[1:],
    sign(BODY[1:], NEW, AT)["Sixtyfour-Signature"],
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_secret_is_shown(case, caplog, capsys):
    """Not by the error, nor by the local variables of our frames, nor by a log."""
    body, headers, secrets, more = CASES[case]
    caplog.set_level(logging.DEBUG)

    with pytest.raises(
        (WebhookError, EventError, ConfigError, ArgumentError)
    ) as caught:
        verify(body, headers, secrets, **{"now": AT, **more})

    error = caught.value
    frames = error.__traceback__.tb_next  # behind this test, which has it all
    report = traceback.TracebackException(
        type(error), error, frames, capture_locals=True
    )
    shown = "".join(report.format())
    everything = "\n".join(
        [shown, str(error), repr(error), repr(vars(error)), *capsys.readouterr()]
    )
    assert [word for word in sorted(FORBIDDEN) if word in everything] == []
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert caplog.records == []


class Broken:
    """A store whose database is away."""

    def claim(self, key):
        raise OSError("the database is away")


def test_failure_of_a_store_shows_no_secret():
    """It comes through as it is, with its own frames."""
    with pytest.raises(OSError, match="is away") as caught:
        verify(BODY, signed(BY_NEW), NEW, now=AT, seen=Broken())

    error = caught.value
    report = traceback.TracebackException(
        type(error), error, error.__traceback__.tb_next, capture_locals=True
    )
    shown = "".join(report.format())
    assert "in claim" in shown
    assert [word for word in sorted(FORBIDDEN) if word in shown] == []


def test_duplicate_shows_no_secret():
    """Nor does the error of an event that was seen."""
    seen = SeenEvents()
    verify(BODY, signed(BY_NEW), NEW, now=AT, seen=seen)

    with pytest.raises(DuplicateEventError) as caught:
        verify(BODY, signed(BY_NEW), NEW, now=AT, seen=seen)

    error = caught.value
    report = traceback.TracebackException(
        type(error), error, error.__traceback__.tb_next, capture_locals=True
    )
    assert [word for word in FORBIDDEN if word in "".join(report.format())] == []
