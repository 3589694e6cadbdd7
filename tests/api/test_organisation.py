"""Answers compared with the organisation that an environment expects."""

from __future__ import annotations

import json

import pytest

from flow64.api import Request
from flow64.client import Terms
from flow64.errors import ApiError, OrganisationError, TransportError
from tests.api.test_session import Fake, Reply, play
from tests.service.clients import BOTH

WRITE = Request("POST", "/workflows/create_workflow")
READ = Request("GET", "/workflows/runs")


def reply(data, status=200):
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Reply([content], status)


def run(kind, expected, fake, *requests, env=None):
    """Send requests once each, and return the bodies of their answers, and errors."""

    async def send(session):
        found = []
        for request in requests:
            try:
                found.append((await session.exchange(request)).content)
            except TransportError as error:
                found.append(error.reason)
        return found

    return play(kind, fake, send, terms=Terms(org_id=expected), env=env)


def paths(fake):
    return [asked.url.partition(".com")[2] for asked in fake.asked if asked != "closed"]


@BOTH
def test_nothing_is_compared_without_an_expectation(kind):
    fake = Fake(reply({"org_id": "org_b"}), reply({}))

    assert len(run(kind, None, fake, READ, WRITE)) == 2
    assert paths(fake) == [READ.path, WRITE.path]


@BOTH
@pytest.mark.parametrize(
    "data",
    [
        {"org_id": "org_a"},
        [{"org_id": "org_a"}, {"org_id": None}, {"other": 1}, "x"],
        {"org_id": None},
        {"org_id": ""},
        {"org_id": 5},
        {"rows": [{"org_id": "org_b"}]},
        ["org_id", 5],
        "org_id",
        b'not JSON, "org_id"',
    ],
)
def test_answer_of_the_same_organisation_or_of_none(kind, data):
    """A row may have such a column. The reader of an answer reports bad JSON."""
    content = data if isinstance(data, bytes) else json.dumps(data).encode()

    assert run(kind, "org_a", Fake(reply(data)), READ) == [content]


@BOTH
@pytest.mark.parametrize("data", [{"org_id": "org_b"}, [{}, {"org_id": "org_b"}]])
def test_answer_of_another_organisation_ends_the_call(kind, data):
    fake = Fake(reply(data))

    with pytest.raises(OrganisationError) as caught:
        run(kind, "org_a", fake, READ, WRITE, env="prod")

    facts = caught.value
    assert (facts.env, facts.expected, facts.found) == ("prod", "org_a", "org_b")
    assert facts.what == "GET /workflows/runs"
    assert paths(fake) == [READ.path]


@BOTH
def test_call_cannot_recover_from_it(kind):
    """A call that catches errors ends with this one all the same."""
    fake = Fake(reply({"org_id": "org_b"}))

    async def recover(session):
        for _ in "ab":
            with pytest.raises(OrganisationError):
                await session.ask(READ)

    with pytest.raises(OrganisationError):
        play(kind, fake, recover, terms=Terms(org_id="org_a"))
    assert paths(fake) == [READ.path]


@BOTH
def test_error_names_no_organisation(kind):
    fake = Fake(reply({"org_id": "org_b"}, 404))

    assert len(run(kind, "org_a", fake, READ)) == 1


@BOTH
def test_other_failures_are_left_to_the_call(kind):
    found = run(kind, "org_a", Fake(ConnectionResetError("x")), READ)

    assert found == ["no answer from api.example.com (the connection broke)"]


@BOTH
def test_list_is_read_once_before_the_first_write(kind):
    info = {"id": "11111111-1111-4111-8111-111111111111", "org_id": "org_a"}
    fake = Fake(reply({}), reply([info]), reply({}), reply({}))

    run(kind, "org_a", fake, READ, WRITE, WRITE)

    assert paths(fake) == [READ.path, "/workflows", WRITE.path, WRITE.path]


@BOTH
def test_list_is_not_read_after_an_answer_that_named_it(kind):
    fake = Fake(reply({"org_id": "org_a"}), reply({}))

    run(kind, "org_a", fake, READ, WRITE)

    assert paths(fake) == [READ.path, WRITE.path]


@BOTH
def test_empty_list_lets_the_first_write_through(kind):
    """Its answer is compared."""
    fake = Fake(reply([]), reply({"org_id": "org_b"}))

    with pytest.raises(OrganisationError) as caught:
        run(kind, "org_a", fake, WRITE)

    assert caught.value.env == "default"
    assert caught.value.what == "POST /workflows/create_workflow"


@BOTH
def test_list_that_is_refused_writes_nothing(kind):
    fake = Fake(reply({}, 403))

    with pytest.raises(ApiError) as caught:
        run(kind, "org_a", fake, WRITE)

    assert (caught.value.path, paths(fake)) == ("/workflows", ["/workflows"])
