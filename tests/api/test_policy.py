"""The policy: what may be repeated, when, and for how long, as tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flow64 import errors
from flow64.api import Request, is_refusal, may_help, may_pass, retry_after
from flow64.client import Policy

READ = Request("GET", "/x")
WRITE = Request("POST", "/x")
HARMLESS = Request("POST", "/x", is_harmless=True)
KEYED = Request("POST", "/x", idempotency_key="k")


def status(number, wait=None):
    return errors.for_status(number, method="GET", path="/x", message="m", wait=wait)


SENT = errors.TransportError("GET", "/x", "reset")
UNSENT = errors.TransportError("GET", "/x", "refused", sent=False)
REFUSED = evolve(UNSENT, is_refused=True)
ODD = errors.AnswerError("GET", "/x", "no JSON")
NO_TOKEN = errors.TokenError("refused")
TOKEN_LATER = errors.TokenError("busy", may_pass=True)


@pytest.mark.parametrize(
    ("error", "refused", "passes"),
    [
        (SENT, False, True),
        (UNSENT, True, True),
        (ODD, False, True),
        (errors.AnswerError("GET", "/x", "too large", is_final=True), False, False),
        (NO_TOKEN, True, False),
        (TOKEN_LATER, True, True),
        (errors.SaveError("a", "b"), False, False),
        *[(status(n), True, False) for n in (400, 401, 402, 403, 404, 409, 422)],
        # A proxy may say these of what the service got, or the service after its work.
        *[(status(n), False, False) for n in (301, 302, 307)],
        *[(status(n), False, True) for n in (408, 425, 499)],
        (status(429), True, True),
        *[(status(n), False, True) for n in (500, 502, 503, 504)],
        (status(501), False, False),
    ],
)
def test_what_an_error_means(error, refused, passes):
    assert (is_refusal(error), may_pass(error)) == (refused, passes)


@pytest.mark.parametrize(
    ("error", "read", "write"),
    [
        (SENT, True, False),
        (UNSENT, True, True),
        (ODD, True, False),
        (status(404), False, False),
        (status(408), True, False),
        (status(429), True, True),
        (status(500), True, False),
        (status(503), True, False),
    ],
)
def test_what_is_repeated(error, read, write):
    """A key alone makes no write harmless: that the service heeds it is inferred."""
    expected = [read, read, write, write]

    assert [may_help(r, error) for r in (READ, HARMLESS, WRITE, KEYED)] == expected
    # What spends is sent once, unless nothing has left this machine.
    assert may_help(evolve(WRITE, is_once=True), error) == (error is UNSENT)


def waits(error, policy=None, luck=0.5, left=1e9):
    made = policy or Policy()
    found = []
    while len(found) < 20:
        failures = len(found) + 1
        wait = made.wait(READ, error, failures, left=left, luck=luck)
        if wait is None:
            return found
        found.append(wait)
    return found


@pytest.mark.parametrize(
    ("error", "policy", "expected"),
    [
        (SENT, Policy(), [0.5, 1, 2, 4, 8, 16]),
        (SENT, Policy(retries=0), []),
        (SENT, Policy(retries=9, longest_wait=5), [0.5, 1, 2, 4, 5, 5, 5, 5, 5]),
        (REFUSED, Policy(), [0.5]),
        (REFUSED, Policy(retries=0), []),
        (status(429), Policy(), [8, 16, 32, 60, 60, 60]),
        (status(429, wait=20), Policy(), [20, 20, 20, 20, 20, 20]),
        (status(429, wait=2), Policy(), [2, 2, 2, 4, 8, 16]),
        (status(503, wait=7), Policy(retries=2), [7, 7]),
        (status(404), Policy(), []),
    ],
)
def test_waits_grow_to_the_longest(error, policy, expected):
    assert waits(error, policy) == expected


@pytest.mark.parametrize(("luck", "expected"), [(0, 6), (0.5, 8), (1, 10)])
def test_luck_moves_a_wait_by_a_quarter(luck, expected):
    assert waits(status(429), luck=luck)[0] == expected


@pytest.mark.parametrize(("left", "expected"), [(8.1, [8]), (8, []), (-1, [])])
def test_no_wait_ends_after_the_deadline(left, expected):
    assert waits(status(429), left=left) == expected


@given(
    failures=st.integers(1, 1000),
    left=st.floats(-1e6, 1e6),
    luck=st.floats(0, 1),
    asked=st.none() | st.floats(0, 86_400),
    policy=st.builds(
        Policy,
        retries=st.integers(0, 1000),
        first_wait=st.floats(0.001, 100),
        longest_wait=st.floats(0.001, 100),
    ),
)
def test_no_wait_is_negative_or_beyond_the_deadline(
    failures, left, luck, asked, policy
):
    wait = policy.wait(READ, status(429, asked), failures, left=left, luck=luck)

    assert wait is None or 0 <= wait < left


NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2),
        ("0", 0),
        (" 7 ", 7),
        ("86400", 86_400),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 00:00:30 -0000", 30),
        *[
            (garbage, None)
            for garbage in (
                "-1",
                "inf",
                "nan",
                "",
                "soon",
                "1.5",
                "٣",
                "1e3",
                "86401",
                "9" * 5000,
                "Wed, 31 Dec 2025 23:59:59 GMT",
                "Thu, 01 Jan 100000 00:00:00 GMT",
                "Thu, 01 Jan 9999 00:00:00 GMT",
                "Thu, 99 Jan 2026 00:00:00 GMT",
            )
        ],
    ],
)
@pytest.mark.parametrize("has_date", [True, False])
def test_retry_after_in_all_its_forms(text, seconds, has_date):
    headers = {"retry-after": text} | ({"date": DATE} if has_date else {})
    # Where the answer has its own date, no clock of ours takes part.
    now = datetime(2030, 1, 1, tzinfo=UTC) if has_date else NOW

    assert retry_after(headers, now) == seconds


def test_retry_after_without_a_clock_given():
    assert retry_after({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}) is None


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"deadline": 0}, "deadline=0) is not a number of seconds above 0"),
        ({"deadline": float("inf")}, "is not a number of seconds"),
        ({"timeout": float("nan")}, "is not a number of seconds"),
        ({"timeout": True}, "is not a number of seconds"),
        ({"first_wait": "1"}, "is not a number of seconds"),
        ({"retries": -1}, "retries=-1) is not a count from 0 up"),
        ({"retries": 1.0}, "is not a count"),
        ({"requests_per_minute": 0}, "not a count from 1 up; None keeps no pace"),
    ],
)
def test_policy_that_is_none_is_refused(facts, says):
    with pytest.raises(errors.ConfigError) as caught:
        Policy(**facts)
    assert says in str(caught.value)


def test_no_pace_may_be_asked_for():
    assert Policy(requests_per_minute=None).requests_per_minute is None
