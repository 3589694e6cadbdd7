"""Answers held against the organisation that an environment is expected to be."""

from __future__ import annotations

import json

import pytest

from flow64.api import Answer, Emit, Organisation, Request
from flow64.errors import ApiError, OrganisationError, TransportError
from tests.service.support import Script

WRITE = Request("POST", "/workflows/create_workflow")
READ = Request("GET", "/workflows/runs")


def answer(data, status=200):
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Answer(status, {}, content)


def asking(*requests):
    """A conversation that gives what it was answered, errors too."""
    found = []
    for request in requests:
        try:
            found.append((yield request).content)
        except TransportError as error:
            found.append(error.reason)
    yield Emit("over")
    return found


def played(organisation, script, *requests):
    return script.play(organisation.guard(asking(*requests)))


def lost(step):
    return TransportError(step.method, step.path, "lost")


def test_without_an_expectation_nothing_is_done():
    """Not even to the conversation."""
    conversation = asking(READ)

    assert Organisation(None).guard(conversation) is conversation


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
        b'no JSON, "org_id"',
    ],
)
def test_an_answer_of_the_same_or_of_nobody(data):
    """What stands in a row is data, and what is no JSON is for whoever reads it."""
    script = Script(answer(data))

    assert played(Organisation("org_a"), script, READ) == [answer(data).content]
    assert script.events == ["over"]


@pytest.mark.parametrize("data", [{"org_id": "org_b"}, [{}, {"org_id": "org_b"}]])
def test_an_answer_of_another(data):
    script = Script(answer(data))

    with pytest.raises(OrganisationError) as caught:
        played(Organisation("org_a", "prod"), script, READ, WRITE)

    facts = caught.value
    assert (facts.env, facts.expected, facts.found) == ("prod", "org_a", "org_b")
    assert facts.what == "GET /workflows/runs"
    assert script.lines == ["GET"]


def test_an_error_names_nobody():
    """What it says of an organisation may be anybody's."""
    script = Script(answer({"org_id": "org_b"}, 404))

    assert len(played(Organisation("org_a"), script, READ)) == 1


def test_a_failure_is_the_conversations_own():
    assert played(Organisation("org_a"), Script(lost), READ) == ["lost"]


def test_before_the_first_write_somebody_has_to_say_it():
    """The list of workflows is looked at once, and only where no answer has said it."""
    organisation = Organisation("org_a")
    info = {"id": "11111111-1111-4111-8111-111111111111", "org_id": "org_a"}
    script = Script(answer({}), answer([info]), answer({}), answer({}))

    played(organisation, script, READ, WRITE, WRITE)

    paths = [asked.path for asked in script.asked]
    assert paths == [READ.path, "/workflows", WRITE.path, WRITE.path]


def test_an_answer_that_said_it_is_enough():
    script = Script(answer({"org_id": "org_a"}), answer({}))

    played(Organisation("org_a"), script, READ, WRITE)

    assert script.lines == ["GET", "create_workflow"]


def test_an_empty_list_lets_the_first_write_through():
    """And its answer is compared."""
    script = Script(answer([]), answer({"org_id": "org_b"}))

    with pytest.raises(OrganisationError) as caught:
        played(Organisation("org_a"), script, WRITE)

    assert caught.value.env == "default"
    assert caught.value.what == "POST /workflows/create_workflow"


def test_a_list_that_is_refused_writes_nothing():
    script = Script(answer({}, 403))

    with pytest.raises(ApiError) as caught:
        played(Organisation("org_a"), script, WRITE)

    assert (caught.value.path, script.lines) == ("/workflows", ["GET"])
