"""Sessions: what is sent again, and what is known when a request fails."""

from __future__ import annotations

import os

import httpx
import pytest

from flow64 import errors
from flow64.api import calls, network, session, threads
from flow64.api.auth import Key
from flow64.api.network import Policy
from tests.service.script import KEY, Script, answer

OK = answer([])
BUSY = answer({"detail": "busy"}, 503)
LIMIT = answer({"detail": "slow down"}, 429)
LOST = httpx.ReadError("reset")
REFUSED = httpx.ConnectError("refused")


def send(method="POST", **more):
    return lambda each: each.send(method, "/x", **more)


@pytest.mark.parametrize(
    ("method", "repeat", "reply", "is_repeated"),
    [
        ("GET", "if refused", LOST, True),
        ("GET", "if refused", BUSY, True),
        ("GET", "if refused", LIMIT, True),
        ("GET", "if refused", answer(b"<html>"), True),
        ("GET", "if refused", answer({}, 404), False),
        (
            "GET",
            "if refused",
            answer({}, 302, location="https://evil.example/?k=1"),
            False,
        ),
        ("POST", "if refused", LOST, False),
        ("POST", "if refused", BUSY, False),
        ("POST", "if refused", answer(b"<html>"), False),
        ("POST", "if refused", LIMIT, True),
        ("POST", "if refused", REFUSED, True),
        ("POST", "always", LOST, True),
        ("POST", "always", BUSY, True),
        ("POST", "always", answer({}, 422), False),
        ("POST", "never", LIMIT, False),
        ("POST", "never", LOST, False),
        ("POST", "never", REFUSED, True),
        ("POST", "never", answer({}, 401), False),
    ],
)
def test_what_is_sent_again(method, repeat, reply, is_repeated):
    """Reads always, writes if that is free, and what may spend only if not sent."""
    script = Script(reply, OK)
    job = send(method, repeat=repeat)
    if is_repeated:
        assert script.play(job) == []
    else:
        with pytest.raises(errors.FlowError):
            script.play(job)
    assert len(script.asked) == 1 + is_repeated


def test_a_failure_after_a_doubtful_try_counts_as_sent():
    script = Script(LOST, *[REFUSED] * 9)
    with pytest.raises(errors.TransportError) as raised:
        script.play(send(repeat="always"))
    assert raised.value.sent
    assert raised.value.attempts == 7


def test_a_look_comes_before_what_was_sent_is_sent_again():
    seen = []
    script = Script(REFUSED, LIMIT, OK)
    assert script.play(send(look=seen.append)) == []
    assert [error.status for error in seen] == [429]
    script = Script(LIMIT)
    assert script.play(send(look=lambda _: {"id": "found"})) == {"id": "found"}


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, 8),
        ({"retry_after": "3"}, 3),
        ({"retry_after": "0"}, 0.5),
        ({"retry_after": "-1"}, 8),
        ({"retry_after": "soon"}, 8),
        ({"retry_after": "1e3"}, 8),
        ({"retry_after": "Mon, 01 Jun 2026 10:00:30 GMT"}, 8),
    ],
)
def test_waits_as_long_as_the_service_asks(headers, wait):
    script = Script(answer({}, 429, **headers), OK)
    script.play(send())
    assert script.waits[0] == wait


def test_waits_double_and_end_before_the_deadline():
    script = Script(*[BUSY] * 9, policy=Policy(deadline=10, longest_wait=4))
    with pytest.raises(errors.ApiError) as raised:
        script.play(send("GET"))
    assert script.waits == [0.5, 1, 2, 4]
    assert raised.value.attempts == 5


def test_a_wait_beyond_the_deadline_is_not_begun():
    script = Script(answer({}, 429, retry_after="400"))
    with pytest.raises(errors.ApiError):
        script.play(send("GET"))
    assert script.waits == []


def test_the_pace_is_shared_and_refuses_what_has_no_place():
    script = Script(*[OK] * 9, policy=Policy(requests_per_minute=2, deadline=30))
    patient = Policy(requests_per_minute=2, deadline=90)

    def job(each):
        each.send("GET", "/x")
        each.send("GET", "/x")
        with pytest.raises(errors.TransportError, match="own pace") as raised:
            each.send("GET", "/x")
        assert not raised.value.sent
        each.policy = patient
        return each.send("GET", "/x")

    assert script.play(job) == []
    assert script.waits == [60]


def test_an_outer_deadline_caps_all_requests_inside():
    script = Script(*[BUSY] * 9)

    def job(each):
        with threads.deadline(2):
            each.send("GET", "/x")

    with pytest.raises(errors.ApiError):
        script.play(job)
    assert script.time < 2


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (400, {"detail": "no"}, "no"),
        (400, {"error": "bad", "message": "worse"}, "bad: worse"),
        (400, {"error": {"code": "c", "message": "worse"}}, "worse"),
        (502, b"<html>", "without saying why"),
        (500, b"", "without saying why"),
    ],
)
def test_the_message_of_an_error_is_found_in_every_form(status, body, message):
    with pytest.raises(errors.ApiError) as raised:
        Script(answer(body, status)).play(send())
    assert (raised.value.status, raised.value.detail) == (status, message)


def test_an_error_names_the_fields_and_the_request():
    loc = ["body", "blocks", 0, "block_name"]
    body = {"detail": [{"loc": loc, "msg": "field required", "type": "missing"}]}
    with pytest.raises(errors.ApiError) as raised:
        Script(answer(body, 422, x_request_id="r-1")).play(send())
    assert raised.value.fields == ["/body/blocks/0/block_name: field required"]
    assert raised.value.request_id == "r-1"


def test_no_text_of_the_service_shows_a_secret():
    """Errors are masked before they are cut, in any spelling; so are messages."""
    secret = "hook/SENTINEL+VALUE"
    noise = "x" * 490
    echo = {"detail": f"{noise}{secret} {KEY} hook%2FSENTINEL%2BVALUE"}
    script = Script(answer(echo, 400), answer([{"job_id": "1", "error_message": KEY}]))
    script.secrets.add([secret])
    with pytest.raises(errors.ApiError) as raised:
        script.play(send())
    assert "SENTINEL" not in str(raised.value)
    assert script.play(calls.list_runs)[0].error_message == "***"


ORGANISATION = {"organisation": "org-1"}


def test_the_organisation_is_learned_before_the_first_write():
    script = Script(answer([{"id": "w", "org_id": "org-1"}]), OK, OK, **ORGANISATION)
    script.play(send())
    script.play(send())
    assert script.lines == ["GET", "x", "x"]


def test_nothing_is_written_to_another_organisation():
    script = Script(answer([{"id": "w", "org_id": "org-2"}]), **ORGANISATION)
    with pytest.raises(errors.ConfigError, match="org-2"):
        script.play(send())
    assert script.lines == ["GET"]


def test_each_answer_is_compared_with_the_organisation():
    script = Script(OK, answer({"id": "w", "org_id": "org-2"}), **ORGANISATION)
    with pytest.raises(errors.ConfigError):
        script.play(send())
    nested = answer([{"row": {"org_id": "org-2"}}])  # a row is data
    assert Script(nested, **ORGANISATION).play(send("GET"))


def test_what_cannot_be_sent_is_refused_before_anything_is_sent():
    script = Script()
    for body in ({"a": float("nan")}, {"a": "\ud800"}, {"a": object()}):
        with pytest.raises(errors.BuildError):
            script.play(send(json=body))
    assert script.asked == []


def test_nothing_is_sent_while_a_module_is_loaded():
    """The refusal names the line of the user, in every thread."""
    script = Script()
    with (
        threads.refuse_requests("leads.py"),
        pytest.raises(errors.ConfigError, match=r"test_session.py:\d+ .*__main__"),
    ):
        calls.list_workflows(script)
    assert script.asked == []


def test_a_closed_session_says_so():
    script = Script(OK)
    script.close()
    script.close()
    with pytest.raises(errors.ConfigError, match="closed"):
        script.play(send())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_refuses_the_session_of_its_parent():
    script = Script(OK)
    child = os.fork()
    if child == 0:
        try:
            script.send("GET", "/x")
        except errors.ConfigError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert script.play(send("GET")) == []


def test_a_download_carries_nothing_and_follows_nothing():
    link = "https://store.example/file?signature=SENTINEL"
    script = Script(
        answer(b"a,b\n", set_cookie="a=1"),
        answer(b"", 302, location="https://evil.example"),
    )

    def job(each):
        with each.open(link, 9) as download:
            first = download.status_code, b"".join(download.iter_bytes())
        with each.open(link, 9) as download:
            return first, download.status_code

    assert script.play(job) == ((200, b"a,b\n"), 302)
    for asked in script.asked:
        assert not {"x-api-key", "authorization", "cookie"} & {*asked.headers}


@pytest.mark.parametrize(
    "link",
    [
        "http://store.example/file",
        "https://user:password@store.example/file",
        "ftp://store.example/file",
        "file:///etc/passwd",
    ],
)
def test_a_link_that_is_not_safe_is_not_opened(link):
    script = Script()
    with pytest.raises(errors.AnswerError) as raised, script.open(link, 9):
        pass
    assert "password" not in str(raised.value)
    assert script.asked == []


def test_a_broken_download_is_a_transport_error():
    def parts():
        yield b"a"
        raise httpx.ReadError("https://store.example/?signature=SENTINEL")

    script = Script(httpx.Response(200, stream=_Stream(parts)))
    with (
        pytest.raises(errors.TransportError) as raised,
        script.open("https://store.example/file", 9) as download,
    ):
        list(download.iter_bytes())
    assert "SENTINEL" not in str(raised.value)


class _Stream(httpx.SyncByteStream):
    def __init__(self, parts):
        self.parts = parts

    def __iter__(self):
        return self.parts()


def test_endpoints_are_compared_normalised():
    spellings = ["http://localhost/", "HTTP://LOCALHOST:80", "http://127.0.0.1"]
    places = {Script(endpoint=each).place for each in spellings}
    assert places == {"http://127.0.0.1"}
    assert session.normalize_endpoint("https://A.example/v1/") == "https://a.example/v1"


def test_a_policy_refuses_what_is_no_limit():
    for limits in ({"deadline": 0}, {"timeout": "5"}, {"retries": -1}):
        with pytest.raises((TypeError, ValueError)):
            Policy(**limits)
    assert Policy(requests_per_minute=None).requests_per_minute is None
    assert not network.may_pass(errors.FlowError())


def test_a_key_that_no_header_can_carry_is_refused_unseen():
    for key in (None, "", "a b", "k\n", "ключ", 7):
        with pytest.raises(errors.ConfigError) as raised:
            Key(key).require_usable()
        assert "ключ" not in str(raised.value)
