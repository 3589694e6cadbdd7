"""Requests, repetitions and errors, played by hand."""

from __future__ import annotations

import json

import pytest

from flow64 import errors
from flow64.service.api import (
    Request,
    ResultItem,
    ask,
    cancel_run,
    download,
    download_links,
    get_workflow,
    live_status,
    send,
    start_run,
)
from tests.service.support import (
    Script,
    answer,
    deployed,
    leads,
    lost,
    unreachable,
)

READ, WRITE = Request("GET", "/x"), Request("POST", "/x")
LIMITED = answer({"detail": "slow down"}, 429)


def limited(after):
    return answer({}, 429, retry_after=after)


@pytest.mark.parametrize(
    ("failures", "waits"),
    [
        ([lost()], [0.5]),
        ([unreachable()] * 3, [0.5, 2, 8]),
        (
            [answer({}, 500), answer(b"", 502), HTML_503 := answer(b"<p>", 503)],
            [0.5, 2, 8],
        ),
        ([answer({}, 504)], [0.5]),
        ([LIMITED] * 3, [5, 20, 60]),
        ([limited("2")], [2]),
        ([limited("0"), limited("0")], [0.5, 2]),
        ([limited("100000")], [60]),
        ([limited("9" * 5000)], [60]),
        ([answer({}, 503, retry_after="7")], [7]),
        *[
            ([limited(garbage)], [5])
            for garbage in ["-1", "inf", "nan", "", "soon", "1.5", "٣", "1e3"]
        ],
        ([limited("Fri, 31 Dec 1999 23:59:59 GMT")], [5]),
    ],
)
def test_read_is_repeated_after_stated_waits(failures, waits):
    """A read is sent again after what may pass; Retry-After is heeded where sane."""
    script = Script(*failures, answer({"a": 1}))

    assert script.play(ask(READ)) == {"a": 1}
    assert script.waits == waits


@pytest.mark.parametrize(
    ("failure", "kind"),
    [(lost(), errors.TransportError), (answer({}, 500), errors.ServerError)],
)
def test_read_is_given_up_after_four_attempts(failure, kind):
    """The last error is the one that is raised."""
    script = Script(*[failure] * 4)

    with pytest.raises(kind):
        script.play(ask(READ))
    assert len(script.asked) == 4


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
        script.play(send(READ))
    assert caught.value.message.startswith(f"a redirect to {host}, ")


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b'{"a": ', b"[" * 100_000, b"\xff\xfe\xff"]
)
def test_answer_that_is_no_json_is_named(content):
    """A login page or a cut answer is no success."""
    script = Script(answer(content, content_type="text/html"))

    with pytest.raises(errors.AnswerError, match=r"no JSON \(text/html, \d+ bytes\)"):
        script.play(ask(READ))


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
    script = Script(answer(data))

    with pytest.raises(errors.AnswerError):
        script.play(get_workflow(leads().id()))


@pytest.mark.parametrize("status", [403, 404])
def test_workflow_of_others_is_not_there(status):
    """The documents have 404 and 403 for it."""
    assert Script(answer({}, status)).play(get_workflow("a/b")) is None


def test_answers_are_read_although_fields_are_missing_null_or_new():
    """A run that was paid for is not lost from sight because of a field."""
    data = {
        "overall_status": "halted",
        "overall_progress_percentage": 140,
        "total_blocks": None,
        "blocks": [{"block_name": None, "new": 1}],
        "new": {},
    }

    seen = Script(answer(data)).play(live_status("r"))

    assert (seen.overall_status, seen.overall_progress_percentage) == ("halted", 140)
    assert (seen.total_blocks, seen.blocks[0].status) == (0, "")


@pytest.mark.parametrize("data", [None, [], {}, {"overall_status": 1}, "x"])
def test_answer_without_its_one_needed_field_is_refused(data):
    """What flow64 cannot do without must be there, and be text."""
    with pytest.raises(errors.AnswerError):
        Script(answer(data)).play(live_status("r"))


def test_start_needs_the_id_of_the_run():
    """Without one there is nothing to watch."""
    with pytest.raises(errors.AnswerError):
        Script(answer({"job_id": ""})).play(start_run("w", {}, "k"))


def test_cancel_is_repeated_since_that_does_no_harm():
    """A run that costs money is not left running for one lost answer."""
    script = Script(lost(), answer({"job_id": "r", "status": "canceled"}))

    assert script.play(cancel_run("r")) == "canceled"
    assert [step.query for step in script.asked] == [{"job_id": "r"}] * 2


def test_ids_are_quoted_in_paths():
    """An id is one segment, whatever stands in it."""
    script = Script(answer([]))

    script.play(download_links("../x?y", "csv"))

    assert script.asked[0].path == "/workflows/runs/..%2Fx%3Fy/results/download-links"


def test_download_that_was_cut_off_is_refused():
    """Fewer bytes than the list said are not the file."""
    item = ResultItem("a.csv", file_size=3, download_url="https://x.example/s")

    assert Script(answer(b"abc")).play(download(item)) == b"abc"
    with pytest.raises(errors.AnswerError, match="cut off"):
        Script(answer(b"ab")).play(download(item))


def test_reprs_hold_no_body_and_no_link():
    """What a traceback with locals shows is no secret."""
    request = Request("GET", "/x", body={"SENTINEL": 1}, url="https://x/SENTINEL")
    item = ResultItem("a", download_url="https://x/SENTINEL", results=[{"SENTINEL": 1}])

    assert "SENTINEL" not in repr((request, item, answer({"SENTINEL": 1})))
    assert json.dumps(request.body) == '{"SENTINEL": 1}'
