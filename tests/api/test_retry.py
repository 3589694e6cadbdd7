"""Requests, repetitions and errors, by hand."""

from __future__ import annotations

import json

import pytest

from flow64 import errors
from flow64.api import Policy, Request, ResultItem, get_workflow
from tests.service.clients import ask, job
from tests.service.support import (
    HTML,
    Script,
    answer,
    deployed,
    leads,
    lost,
    unreachable,
)

READ, WRITE = Request("GET", "/x"), Request("POST", "/x")
LIMITED = answer({"detail": "slow down"}, 429)


@pytest.mark.parametrize(
    ("failures", "waits"),
    [
        ([lost()], [0.5]),
        ([unreachable()] * 6, [0.5, 1, 2, 4, 8, 16]),
        ([answer({}, 500), answer(b"", 502), answer(b"<p>", 503)], [0.5, 1, 2]),
        ([answer({}, 504)], [0.5]),
        ([LIMITED] * 5, [8, 16, 32, 60, 60]),
        ([answer({}, 429, retry_after="20")], [20]),
        ([HTML, answer(b"[")], [0.5, 1]),
    ],
)
def test_read_is_repeated_after_stated_waits(failures, waits):
    """A read is sent again after what may pass."""
    script = Script(*failures, answer({"a": 1}))

    assert script.play(ask(READ)) == {"a": 1}
    assert script.waits == waits


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (lost(), errors.TransportError),
        (answer({}, 500), errors.ServerError),
        (HTML, errors.AnswerError),
    ],
)
def test_read_is_given_up_after_seven_attempts(failure, kind):
    """The last error is the one that is raised; it says how much was tried."""
    script = Script(*[failure] * 7, seconds=0.1)

    with pytest.raises(kind) as caught:
        script.play(ask(READ))
    assert (len(script.asked), caught.value.attempts) == (7, 7)
    assert round(caught.value.elapsed, 3) == 32.2
    assert "(7 attempts in 32.2 s)" in str(caught.value)


def test_read_is_given_up_before_the_deadline_is_over():
    """A wait that would end after it is not begun; the error carries what was asked."""
    script = Script(answer({}, 429, retry_after="300"), policy=Policy(deadline=300))

    with pytest.raises(errors.RateLimitedError, match="asks to wait 300 s") as caught:
        script.play(ask(READ))
    assert (caught.value.wait, script.waits) == (300, [])


def test_request_id_is_told():
    """It is what the people behind the service ask for."""
    script = Script(answer({"detail": "no"}, 400, x_request_id="req-7"))

    with pytest.raises(errors.BadRequestError, match=r"no \(request req-7\)"):
        script.play(ask(READ))


class Renewing(Script):
    """Has another credential as often as it is told."""

    def __init__(self, renewals, *answers):
        super().__init__(*answers)
        self.renewals = renewals

    async def renew(self, turn):
        self.renewals -= 1
        return self.renewals >= 0


def test_request_is_sent_once_more_with_a_new_credential():
    """A token may have ended; a write that was turned away was not carried out."""
    script = Renewing(1, answer({}, 401), answer({"a": 1}))

    assert script.play(ask(WRITE)) == {"a": 1}
    assert script.waits == []


@pytest.mark.parametrize("found", [None, "a run"])
def test_look_comes_before_a_write_with_a_new_credential(found):
    """No status but success says that a write that may spend was not carried out."""
    script = Renewing(1, answer({}, 401), answer({"a": 1}))
    looked = []

    async def look(error):
        looked.append(type(error))
        return found

    result = script.play(ask(WRITE, look))

    assert looked == [errors.AuthError]
    assert (result, len(script.asked)) == ((found, 1) if found else ({"a": 1}, 2))


def test_second_refusal_of_a_credential_is_final():
    """It is not the token."""
    script = Renewing(1, answer({}, 401), answer({}, 401))

    with pytest.raises(errors.AuthError):
        script.play(ask(READ))
    assert len(script.asked) == 2


@pytest.mark.parametrize("failure", [lost(), *[answer({}, s) for s in (500, 502, 504)]])
def test_write_whose_fate_is_unknown_is_not_repeated(failure):
    """Nobody knows whether it was carried out."""
    script = Script(failure)

    with pytest.raises(errors.FlowError):
        script.play(ask(WRITE))
    assert script.waits == []


@pytest.mark.parametrize("refusal", [unreachable(), LIMITED])
def test_write_that_was_certainly_not_carried_out_is_repeated(refusal):
    """Nothing was sent, or the service turned it away unread."""
    script = Script(refusal, answer([]))

    assert script.play(ask(WRITE)) == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, errors.ApiError),
        (400, errors.BadRequestError),
        (401, errors.AuthError),
        (402, errors.PaymentError),
        (403, errors.ForbiddenError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (418, errors.ApiError),
        (422, errors.UnprocessableError),
        (501, errors.ServerError),
    ],
)
def test_refusal_is_one_attempt_and_its_own_error(status, kind):
    """What does not pass by itself is not tried again."""
    script = Script(answer({"detail": "no"}, status))

    with pytest.raises(kind) as caught:
        script.play(ask(READ))
    assert type(caught.value) is kind
    assert (caught.value.status, len(script.asked)) == (status, 1)


@pytest.mark.parametrize(
    ("body", "message", "fields"),
    [
        ({"detail": "Workflow not found"}, "Workflow not found", []),
        (
            {"detail": [{"loc": ["body", "blocks", 0, "a/b"], "msg": "missing"}]},
            "the request does not fit its schema",
            ["/body/blocks/0/a~1b: missing"],
        ),
        ({"detail": [{"loc": 3}, "x"]}, "the request does not fit its schema", [": "]),
        ({"error": "Bad", "message": "No rows"}, "Bad: No rows", []),
        ({"error": {"code": "c", "message": "m"}}, "m", []),
        ({"error": {"code": "c"}}, "c", []),
        ({"error": {}}, "without saying why", []),
        ({"error": "x", "error_description": "y"}, "x: y", []),
        ({"error": "x"}, "x", []),
        ({}, "without saying why", []),
        ([], "without saying why", []),
        (b"", "without saying why", []),
        (b"<html>", "without saying why", []),
        (b"[" * 100_000, "without saying why", []),
        ({"detail": "x" * 10_000}, "x" * 500, []),
    ],
)
def test_error_bodies_of_all_shapes_are_read(body, message, fields):
    """The service's own words, and the place of each field, capped."""
    script = Script(answer(body, 422))

    with pytest.raises(errors.UnprocessableError) as caught:
        script.play(ask(WRITE))
    assert (caught.value.message, list(caught.value.fields)) == (message, fields)


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://evil.example:8443/a?key=1", "evil.example"),
        ("/login", "the same host"),
        ("", "the same host"),
        ("https://[", "somewhere unreadable"),
    ],
)
def test_redirect_is_named_and_not_followed(location, host):
    """The error says where it leads, without the path and query."""
    script = Script(answer(b"", 307, location=location))

    with pytest.raises(errors.ApiError, match="never follows") as caught:
        script.play(lambda session: session.send(READ, lambda found: found))
    assert caught.value.message.startswith(f"a redirect to {host}, ")


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b'{"a": ', b"[" * 100_000, b"\xff\xfe\xff"]
)
def test_answer_that_is_no_json_is_named(content):
    """A login page or a cut answer is no success."""
    script = Script(answer(content, content_type="text/html"))

    with pytest.raises(
        errors.AnswerError, match=r"it is not JSON \(text/html, \d+ bytes\)"
    ):
        script.play(ask(WRITE))


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"name": "x", "workflow_definition": None, "id": "x"},
        {**deployed(leads()), "id": "00000000-0000-4000-8000-000000000000"},
    ],
)
def test_answer_that_is_not_the_workflow_is_refused(data):
    """What GET shows is read strictly, and must be the workflow that was asked for."""
    script = Script(*[answer(data)] * 7)

    with pytest.raises(errors.AnswerError):
        script.play(job(get_workflow)(leads().id()))


@pytest.mark.parametrize("status", [403, 404])
def test_workflow_of_others_is_not_there(status):
    """The documents have 404 and 403 for it."""
    assert Script(answer({}, status)).play(job(get_workflow)("a/b")) is None


def test_reprs_hold_no_body_and_no_link():
    """What a traceback with locals shows is no secret."""
    request = Request("GET", "/x", body={"SENTINEL": 1}, form={"a": "SENTINEL"})
    item = ResultItem("a", download_url="https://x/SENTINEL", results=[{"SENTINEL": 1}])

    assert "SENTINEL" not in repr((request, item, answer({"SENTINEL": 1})))
    assert json.dumps(request.body) == '{"SENTINEL": 1}'
