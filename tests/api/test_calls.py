"""The documented calls by hand: what each sends, and what it makes of any answer."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from attrs import fields

from flow64 import api, errors
from flow64.api import Answer, ResultItem
from flow64.definition import from_data
from tests.service.by_hand import SessionByHand
from tests.service.clients import job
from tests.service.credentials import frames
from tests.service.support import deployed, leads

ID = leads().id()
LEADS = deployed(leads())
GRAPH = from_data(LEADS)
LOST = errors.TransportError("POST", "/x", "no answer")
PLAIN = "sk_whsec_SENTINEL"


def answer(data, status=200):
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Answer(status, {"content-type": "application/json"}, content)


class Calls:
    """The functions of `api`, which take their arguments now and a session later."""

    def __getattr__(self, name):
        return job(getattr(api, name))


calls = Calls()


def hand(call, *answers):
    """Run a call by hand, and return its result and its requests."""
    session = SessionByHand(*answers)
    result = session.play(call)
    assert not session.answers, "fewer requests than answers"
    return result, session.asked


def sent(call, data):
    """The one request of a call, as a tuple to compare."""
    _, (request,) = hand(call, answer(data))
    return request.method, request.path, dict(request.query), request.body


# -- What is sent ---------------------------------------------------------------------

RUN = {"job_id": "r", "overall_status": "running", "status": "running"}
SCHEDULE = {"id": "s"}
CRON = "0 9 * * 1"

REQUESTS = {
    "workflows.create": (
        lambda: calls.create(GRAPH, may_repeat=True),
        LEADS,
        (
            "POST",
            "/workflows/create_workflow",
            {},
            {
                "workflow_name": "Leads",
                "workflow_description": "",
                "workflow_definition": LEADS["workflow_definition"],
                "id": ID,
            },
        ),
    ),
    "workflows.update": (
        lambda: calls.update(ID, name="New"),
        LEADS,
        (
            "POST",
            "/workflows/update_workflow",
            {"workflow_id": ID},
            {"workflow_name": "New"},
        ),
    ),
    "workflows.update description": (
        lambda: calls.update(ID, description=""),
        LEADS,
        (
            "POST",
            "/workflows/update_workflow",
            {"workflow_id": ID},
            {"workflow_description": ""},
        ),
    ),
    "workflows.update all": (
        lambda: calls.update("other", GRAPH, name="New"),
        LEADS,
        (
            "POST",
            "/workflows/update_workflow",
            {"workflow_id": "other"},
            {
                "workflow_name": "New",
                "workflow_description": "",
                "workflow_definition": LEADS["workflow_definition"],
                "id": ID,
            },
        ),
    ),
    "create_workflow": (
        lambda: calls.create_workflow(GRAPH),
        {},
        (
            "POST",
            "/workflows/create_workflow",
            {},
            {
                "workflow_name": "Leads",
                "workflow_description": "",
                "workflow_definition": LEADS["workflow_definition"],
                "id": ID,
            },
        ),
    ),
    "update_workflow": (
        lambda: calls.update_workflow(GRAPH),
        {},
        (
            "POST",
            "/workflows/update_workflow",
            {"workflow_id": ID},
            {
                "workflow_name": "Leads",
                "workflow_description": "",
                "workflow_definition": LEADS["workflow_definition"],
                "id": ID,
            },
        ),
    ),
    "update_description": (
        lambda: calls.update_description(ID, "x"),
        {},
        (
            "POST",
            "/workflows/update_workflow",
            {"workflow_id": ID},
            {"workflow_description": "x"},
        ),
    ),
    "workflows.delete": (
        lambda: calls.delete_workflow(ID),
        LEADS,
        ("POST", "/workflows/delete_workflow", {"workflow_id": ID}, None),
    ),
    "workflows.get": (
        lambda: calls.workflow_info(UUID(ID)),
        LEADS,
        ("GET", f"/workflows/{ID}", {}, None),
    ),
    "get_workflow": (
        lambda: calls.get_workflow(ID),
        LEADS,
        ("GET", f"/workflows/{ID}", {}, None),
    ),
    "workflows.list": (calls.list_workflows, [], ("GET", "/workflows", {}, None)),
    "blocks": (calls.list_blocks, [], ("GET", "/workflows/blocks", {}, None)),
    "runs.start": (
        lambda: calls.start_run("w", {"webhook_payload": []}, "k"),
        RUN,
        (
            "POST",
            "/workflows/run",
            {"workflow_id": "w", "save_json": "true"},
            {"webhook_payload": []},
        ),
    ),
    "runs.start formats": (
        lambda: calls.start_run(
            "w", {}, UUID(ID), save_json=False, result_formats=("csv", "ndjson")
        ),
        RUN,
        (
            "POST",
            "/workflows/run",
            {
                "workflow_id": "w",
                "save_json": "false",
                "result_formats": ["csv", "ndjson"],
            },
            {},
        ),
    ),
    "runs.list": (
        calls.list_runs,
        [],
        ("GET", "/workflows/runs", {"limit": "500"}, None),
    ),
    "runs.list filtered": (
        lambda: calls.list_runs("w", 1, status="active"),
        [],
        (
            "GET",
            "/workflows/runs",
            {"status": "active", "workflow_id": "w", "limit": "1"},
            None,
        ),
    ),
    "runs.status": (
        lambda: calls.live_status("a/b?c"),
        RUN,
        ("GET", "/workflows/runs/a%2Fb%3Fc/live_status", {}, None),
    ),
    "runs.cancel": (
        lambda: calls.cancel_run("r"),
        RUN,
        ("POST", "/workflows/cancel", {"job_id": "r"}, None),
    ),
    "runs.download_links": (
        lambda: calls.download_links("../x", "ndjson"),
        [],
        (
            "GET",
            "/workflows/runs/..%2Fx/results/download-links",
            {"format": "ndjson"},
            None,
        ),
    ),
    "schedules.create": (
        lambda: calls.create_schedule("w", "n", CRON),
        SCHEDULE,
        (
            "POST",
            "/schedules",
            {},
            {
                "workflow_id": "w",
                "name": "n",
                "cron_expression": CRON,
                "timezone": "UTC",
                "is_active": True,
            },
        ),
    ),
    "schedules.list": (calls.list_schedules, [], ("GET", "/schedules", {}, None)),
    "schedules.list of one": (
        lambda: calls.list_schedules("w"),
        [],
        ("GET", "/schedules", {"workflow_id": "w"}, None),
    ),
    "schedules.get": (
        lambda: calls.get_schedule("s/1"),
        SCHEDULE,
        ("GET", "/schedules/s%2F1", {}, None),
    ),
    "schedules.update": (
        lambda: calls.update_schedule("s", description="", is_active=False),
        SCHEDULE,
        ("PATCH", "/schedules/s", {}, {"description": "", "is_active": False}),
    ),
    "schedules.delete": (
        lambda: calls.delete_schedule("s"),
        {},
        ("DELETE", "/schedules/s", {}, None),
    ),
    "signing_secret.get": (
        calls.get_signing_secret,
        None,
        ("GET", "/webhooks/signing-secret", {}, None),
    ),
    "signing_secret.create": (
        calls.create_signing_secret,
        {"plaintext": "x"},
        ("POST", "/webhooks/signing-secret", {}, None),
    ),
    "signing_secret.roll": (
        calls.roll_signing_secret,
        {"plaintext": "x"},
        ("POST", "/webhooks/signing-secret/roll", {}, {"expire_overlap_hours": 24}),
    ),
    "signing_secret.roll at once": (
        lambda: calls.roll_signing_secret(0),
        {"plaintext": "x"},
        ("POST", "/webhooks/signing-secret/roll", {}, {"expire_overlap_hours": 0}),
    ),
    "signing_secret.delete": (
        calls.delete_signing_secret,
        b"",
        ("DELETE", "/webhooks/signing-secret", {}, None),
    ),
    "balance": (calls.get_balance, {"credits": 1}, ("GET", "/check-balance", {}, None)),
}
"""For each call: the function, an answer, and the one request."""


@pytest.mark.parametrize("name", REQUESTS)
def test_call_is_one_request(name):
    make, data, expected = REQUESTS[name]
    assert expected == sent(make(), data)


def test_start_carries_its_key():
    _, (request,) = hand(calls.start_run("w", {}, UUID(ID)), answer(RUN))
    assert request.idempotency_key == ID


# -- What may be sent again -----------------------------------------------------------

REPEATED = {
    "blocks",
    "balance",
    "get_workflow",
    "schedules.get",
    "schedules.list",
    "signing_secret.get",
    "workflows.create",
    "workflows.delete",
    "workflows.get",
    "workflows.list",
    "runs.list",
    "runs.status",
    "runs.cancel",
    "runs.download_links",
}
"""Calls that do no harm when they are sent again, whatever became of them."""


@pytest.mark.parametrize(
    "failure", [LOST, answer({}, 500), answer({}, 502), answer({}, 503)]
)
@pytest.mark.parametrize("name", [name for name in REQUESTS if " " not in name])
def test_only_what_does_no_harm_is_sent_again_after_a_lost_answer(name, failure):
    make, data, _ = REQUESTS[name]
    if name in REPEATED:
        _, asked = hand(make(), failure, failure, answer(data))
        assert len(asked) == 3
    else:
        with pytest.raises((errors.TransportError, errors.ServerError)) as caught:
            hand(make(), failure)
        assert caught.value.attempts == 1


LIMITED = answer({}, 429)


@pytest.mark.parametrize(
    "refusal",
    [LIMITED, errors.TransportError("POST", "/x", "refused", sent=False)],
)
@pytest.mark.parametrize("name", REQUESTS)
def test_everything_is_sent_again_that_was_turned_away_and_spends_nothing(
    name, refusal
):
    make, data, _ = REQUESTS[name]
    if name.startswith("runs.start") and refusal is LIMITED:
        with pytest.raises(errors.RateLimitedError):  # it may have been carried out
            hand(make(), refusal)
        return
    _, asked = hand(make(), refusal, answer(data))
    assert len(asked) == 2


@pytest.mark.parametrize("name", ["signing_secret.create", "signing_secret.roll"])
@pytest.mark.parametrize("content", [b"", b"<html>", b"{", b"null", b"[]", b"{}"])
def test_secret_is_made_once_whatever_comes_back(name, content):
    """Each call revokes one, so an answer that cannot be read is no reason for more."""
    make, _, _ = REQUESTS[name]
    with pytest.raises(errors.AnswerError):
        hand(make(), answer(content, 201))


def test_update_is_repeated_where_that_is_asked_for():
    _, asked = hand(calls.update(ID, GRAPH, may_repeat=True), LOST, answer(LEADS))
    assert len(asked) == 2


def test_delete_that_was_carried_out_unheard_gives_nothing():
    """A repetition finds it gone; a first attempt that finds nothing is an error."""
    gone = answer({"detail": "not found"}, 404)
    found, _ = hand(calls.delete_workflow(ID), LOST, gone)
    assert found is None
    with pytest.raises(errors.NotFoundError):
        hand(calls.delete_workflow(ID), gone)


# -- What is made of answers ----------------------------------------------------------

ODD = {"a": [1, {"b": None}]}

ANSWERS = [
    (lambda: calls.workflow_info(ID), "id", False, {"id": ID}),
    (calls.list_workflows, "id", True, {"id": ID}),
    (lambda: calls.start_run("w", {}, "k"), "job_id", False, {"job_id": "r"}),
    (calls.list_runs, "job_id", True, {"job_id": "r"}),
    (
        lambda: calls.live_status("r"),
        "overall_status",
        False,
        {"overall_status": "halted"},
    ),
    (lambda: calls.download_links("r"), None, True, {}),
    (lambda: calls.get_schedule("s"), "id", False, {"id": "s"}),
    (calls.list_schedules, "id", True, {"id": "s"}),
    (calls.get_signing_secret, None, False, {}),
    (calls.create_signing_secret, "plaintext", False, {"plaintext": PLAIN}),
    (calls.roll_signing_secret, "plaintext", False, {"plaintext": PLAIN}),
    (calls.get_balance, "credits", False, {"credits": 1}),
]
"""For each answer: its call, the one field it cannot do without, whether it is in a
list, and the least that it may be."""

ANSWER_IDS = [str(number) for number in range(len(ANSWERS))]
answers = pytest.mark.parametrize(
    ("make", "needed", "is_list", "least"), ANSWERS, ids=ANSWER_IDS
)


def read(make, data, *, is_list):
    """What a call makes of one object."""
    found, _ = hand(make(), answer([data] if is_list else data))
    return found[0] if is_list else found


def wire_names(found):
    """The fields that an answer is read from."""
    return [
        attribute.name
        for attribute in fields(type(found))
        if attribute.metadata.get("is_wire", True) and attribute.name != "extra"
    ]


@answers
def test_answer_may_lack_everything_but_what_is_needed(make, needed, is_list, least):
    found = read(make, least, is_list=is_list)
    assert found.extra == {}
    if needed:
        assert getattr(found, needed) == least[needed]


@answers
def test_null_is_as_good_as_missing(make, needed, is_list, least):
    bare = read(make, least, is_list=is_list)
    nulls = {name: None for name in wire_names(bare) if name != needed}
    assert read(make, {**nulls, **least}, is_list=is_list) == bare


@answers
def test_unknown_fields_are_kept(make, needed, is_list, least):
    found = read(make, {**least, "new": ODD, "Extra": 1}, is_list=is_list)
    assert found.extra == {"new": ODD, "Extra": 1}
    assert "new" not in repr(found)
    assert found == read(make, least, is_list=is_list)


@answers
def test_fields_of_an_odd_type_count_as_missing_and_are_kept(
    make, needed, is_list, least
):
    bare = read(make, least, is_list=is_list)
    odd = {
        attribute.name: ODD if attribute.name.endswith(("s", "e", "d")) else [True]
        for attribute in fields(type(bare))
        if attribute.name in wire_names(bare)
        and attribute.name not in (needed, "metrics", "specs_schema", "meta")
        and "Any" not in str(attribute.type)
    }
    found = read(make, {**odd, **least}, is_list=is_list)
    assert found == bare
    assert found.extra == odd


@answers
def test_without_what_is_needed_it_is_no_answer(make, needed, is_list, least):
    if needed is None:
        return
    wrong = [{}, {needed: None}, {needed: ODD}, {**least, needed: []}, "x", [[]], 1]
    for data in wrong:
        with pytest.raises(errors.AnswerError) as caught:
            hand(make(), *[answer([data] if is_list else data)] * 7)
        assert "SENTINEL" not in str(caught.value)


@answers
def test_error_names_place_and_type_and_no_value(make, needed, is_list, least):
    if needed is None:
        return
    data = {**least, needed: {"SENTINEL": "SENTINEL"}}
    with pytest.raises(errors.AnswerError) as caught:
        hand(make(), *[answer([least, data] if is_list else data)] * 7)
    place = f"/1: {needed}: " if is_list else f"{needed}: "
    wanted = "a number" if needed == "credits" else "text"
    assert caught.value.problem == f"{place}{wanted} was expected, not an object"


@pytest.mark.parametrize("data", [None, {}, "x", 1, True])
@pytest.mark.parametrize("make", [a[0] for a in ANSWERS if a[2]], ids="abcd")
def test_list_that_is_none_is_no_answer(make, data):
    with pytest.raises(errors.AnswerError, match="a list was expected"):
        hand(make(), *[answer(data)] * 7)


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("text", lambda: calls.start_run("w", {}, "k")),
        ("workflow", lambda: calls.workflow_info(ID)),
        ("schedule", lambda: calls.get_schedule("s")),
        ("secret", calls.create_signing_secret),
    ],
)
def test_empty_text_is_no_id(kind, make):
    data = dict.fromkeys(("id", "job_id", "plaintext", "block_name"), "")
    with pytest.raises(errors.AnswerError, match="is empty"):
        hand(make(), *[answer(data)] * 7)


NUMBERS = [
    (1, 1),
    (2.0, 2),
    (3.9, 3),
    ("4", 4),
    ("4.5", 4),
    (-1, -1),
    (10**30, 10**30),
    ("many", 0),
    ("", 0),
    ("nan", 0),
    (True, 0),
    (1e999, 0),
    ({}, 0),
]


@pytest.mark.parametrize(("given", "expected"), NUMBERS)
def test_counts_are_read_from_whatever_is_a_number(given, expected):
    """The final file is told by its number, so a number written as text is one."""
    found = read(lambda: calls.download_links("r"), {"row_count": given}, is_list=True)
    assert found.row_count == expected
    assert ("row_count" in found.extra) == (expected == 0)


def test_number_beyond_all_bounds_is_none():
    found = read(
        lambda: calls.live_status("r"),
        {"overall_status": "x", "overall_progress_percentage": 10**400},
        is_list=False,
    )
    assert found.overall_progress_percentage == 0


def test_run_is_seen_whatever_else_is_in_its_status():
    data = {
        "overall_status": "halted",
        "overall_progress_percentage": 140,
        "total_blocks": None,
        "estimation_blocked_by": "company_to_leads",
        "blocks": [
            {
                "block_name": None,
                "new": 1,
                "metrics": {"row_count": 4},
                "previous_block_ids": ["a"],
            }
        ],
        "new": {},
    }
    found = read(lambda: calls.live_status("r"), data, is_list=False)
    (block,) = found.blocks
    assert (found.overall_status, found.overall_progress_percentage) == ("halted", 140)
    assert (found.total_blocks, found.estimation_blocked_by) == (0, "company_to_leads")
    assert (block.status, block.extra) == ("", {"new": 1})
    assert (block.metrics, block.previous_block_ids) == ({"row_count": 4}, ("a",))


def test_two_looks_at_a_run_are_equal_until_it_has_come_further():
    """When the answer was written makes no difference."""

    def look(time, done):
        block = {"processed_count": done, "last_updated": time}
        data = {
            "overall_status": "x",
            "last_updated": time,
            "blocks": [block],
            "n": time,
        }
        return read(lambda: calls.live_status("r"), data, is_list=False)

    assert look("1", 1) == look("2", 1)
    assert look("2", 1) != look("2", 2)


def test_rows_stand_in_an_item_and_none_of_it_in_its_repr():
    rows = [{"email": "SENTINEL"}]
    data = {"results": rows, "row_count": 1, "download_url": "https://x/SENTINEL"}
    item = read(lambda: calls.download_links("r"), data, is_list=True)
    assert (list(item.results), item.is_whole, item.is_readable) == (rows, True, True)
    assert (item.download_expires_in_seconds, ResultItem().is_readable) == (900, False)
    assert "SENTINEL" not in repr(item)


@pytest.mark.parametrize("rows", [{"a": 1}, [1], [{"a": 1}, "x"], "x"])
def test_rows_of_another_shape_are_none(rows):
    item = read(lambda: calls.download_links("r"), {"results": rows}, is_list=True)
    assert (item.results, item.extra) == (None, {"results": rows})


def test_flag_is_true_or_false_and_nothing_else():
    start = lambda: calls.start_run("w", {}, "k")  # noqa: E731 - a call to be repeated
    data = {"job_id": "r", "already_started": True}
    assert read(start, data, is_list=False).already_started is True
    odd = read(start, {**data, "already_started": "false"}, is_list=False)
    assert (odd.already_started, odd.extra) == (False, {"already_started": "false"})


# -- Workflows ------------------------------------------------------------------------


def test_workflow_is_told_with_its_definition_and_as_it_stands():
    data = {**LEADS, "org_id": "o", "last_run_date": None, "new": 1, "definition": 2}
    found, _ = hand(calls.workflow_info(ID), answer(data))
    assert found.definition == from_data(data)
    assert (found.id, found.name, found.org_id) == (ID, "Leads", "o")
    assert found.description == LEADS["description"]
    assert found.extra == {"new": 1, "definition": 2}


@pytest.mark.parametrize("data", [{"id": ID}, {"id": ID, "workflow_definition": None}])
def test_workflow_without_a_definition_has_none(data):
    assert hand(calls.workflow_info(ID), answer(data))[0].definition is None


BAD_GRAPHS = [
    {**LEADS, "workflow_definition": {}},
    {**LEADS, "workflow_definition": "SENTINEL"},
    {**LEADS, "workflow_definition": [{"SENTINEL": "SENTINEL"}]},
    {**LEADS, "id": None},
    {**LEADS, "id": "00000000-0000-4000-8000-000000000000"},
    {"id": "other"},
    [LEADS],
    None,
]


@pytest.mark.parametrize("data", BAD_GRAPHS)
@pytest.mark.parametrize("call", [calls.workflow_info, calls.get_workflow])
def test_what_is_not_the_workflow_is_no_answer(call, data):
    """And no frame of the error shows what was read."""
    with pytest.raises(errors.AnswerError) as caught:
        hand(call(ID), *[answer(data)] * 7)
    assert "SENTINEL" not in frames(caught.value)


@pytest.mark.parametrize("status", [403, 404])
def test_workflow_of_others_is_not_there(status):
    """The documents have 404 and 403 for it."""
    assert hand(calls.get_workflow("a/b"), answer({}, status))[0] is None


def test_blocks_go_into_a_live_catalogue_as_they_came():
    data = [
        {"block_name": "a", "specs_schema": {"type": "object"}, "pricing": 3},
        {"block_name": "b", "specs_schema": {}},
    ]
    live, _ = hand(calls.list_blocks(), answer(data))
    assert live.as_data()["blocks"] == data
    assert list(live.blocks) == ["a", "b"]


@pytest.mark.parametrize("data", ["blocks", {"kinds": []}, [{"name": "a"}], None])
def test_answer_that_lists_no_blocks_is_refused_at_once(data):
    """It is the same however often it is asked for."""
    with pytest.raises(errors.ReadError, match="GET /workflows/blocks"):
        hand(calls.list_blocks(), answer(data))


# -- Secrets --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call", [calls.create_signing_secret, calls.roll_signing_secret]
)
def test_secret_is_told_once_and_shown_nowhere(call):
    data = {"plaintext": PLAIN, "meta": {"id": "i", "preview": "sk_whsec_....abcd"}}
    found, _ = hand(call(), answer(data))
    assert found.plaintext == PLAIN
    assert (found.meta.id, found.meta.preview) == ("i", "sk_whsec_....abcd")
    assert "SENTINEL" not in f"{found} {found!r}"


@pytest.mark.parametrize(
    "data",
    [[PLAIN], PLAIN, {"plaintext": {"a": PLAIN}}, {"secret": PLAIN}, [{"a": PLAIN}]],
)
def test_answer_that_is_no_secret_is_shown_nowhere_either(data):
    with pytest.raises(errors.AnswerError) as caught:
        hand(calls.create_signing_secret(), answer(data))
    assert "SENTINEL" not in frames(caught.value)


def test_no_secret_is_none():
    assert hand(calls.get_signing_secret(), answer(None))[0] is None


# -- What is refused before anything is sent ------------------------------------------

HALF = "\ud800"

NO_IDS = ("", " ", ".", "..", ". .", "a\nb", "a\x00", HALF, None, 3, b"x", [])
NO_TEXT = ("", " ", 3, HALF)

REFUSED = {
    "workflows.get": (calls.workflow_info, NO_IDS),
    "get_workflow": (calls.get_workflow, NO_IDS),
    "workflows.delete": (calls.delete_workflow, NO_IDS),
    "runs.status": (calls.live_status, NO_IDS),
    "runs.cancel": (calls.cancel_run, NO_IDS),
    "runs.download_links": (calls.download_links, NO_IDS),
    "runs.download_links format": (
        lambda bad: calls.download_links("r", bad),
        ("CSV", "xlsx", "", None),
    ),
    "runs.list": (calls.list_runs, NO_IDS[:2]),
    "runs.list limit": (
        lambda bad: calls.list_runs(limit=bad),
        (0, 501, -1, True, 1.0, "1", None),
    ),
    "runs.list status": (
        lambda bad: calls.list_runs(status=bad),
        ("failed", "canceled", "RUNNING", "", 3),
    ),
    "runs.start": (lambda bad: calls.start_run(bad, {}, "k"), NO_IDS),
    "runs.start key": (
        lambda bad: calls.start_run("w", {}, bad),
        ("", "a b", "a\n", "é", None, 3),
    ),
    "runs.start save_json": (
        lambda bad: calls.start_run("w", {}, "k", save_json=bad),
        ("yes", 1, None),
    ),
    "runs.start formats": (
        lambda bad: calls.start_run("w", {}, "k", result_formats=bad),
        ("csv", ["xml"], 3, [None], None),
    ),
    "schedules.get": (calls.get_schedule, NO_IDS),
    "schedules.delete": (calls.delete_schedule, NO_IDS),
    "schedules.list": (calls.list_schedules, NO_IDS[:2]),
    "schedules.create": (lambda bad: calls.create_schedule(bad, "n", CRON), NO_IDS),
    "schedules.create name": (
        lambda bad: calls.create_schedule("w", bad, CRON),
        (*NO_TEXT, "x" * 121),
    ),
    "schedules.create cron": (
        lambda bad: calls.create_schedule("w", "n", bad),
        (*NO_TEXT, "* * * *", "* * * * * *", "@daily"),
    ),
    "schedules.update": (lambda bad: calls.update_schedule(bad, name="x"), NO_IDS),
    "schedules.update zone": (
        lambda bad: calls.update_schedule("s", timezone=bad),
        NO_TEXT,
    ),
    "schedules.update description": (
        lambda bad: calls.update_schedule("s", description=bad),
        NO_TEXT[2:],
    ),
    "schedules.update is_active": (
        lambda bad: calls.update_schedule("s", is_active=bad),
        (1, "no"),
    ),
    "signing_secret.roll": (
        calls.roll_signing_secret,
        (-1, 73, True, 1.5, "24", None),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_argument_is_refused_before_anything_is_sent(name):
    call, all_bad = REFUSED[name]
    for bad in all_bad:
        with pytest.raises(errors.ArgumentError):
            hand(call(bad))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: calls.list_runs(status="canceled"), "did you mean 'cancelled'?"),
        (lambda: calls.download_links("r", "njson"), "'csv', 'json', 'ndjson'"),
        (
            lambda: calls.start_run("w", {}, "k", result_formats="csv"),
            'such as ["csv"]',
        ),
        (lambda: calls.list_runs(limit=0), "from 1 to 500"),
        (lambda: calls.roll_signing_secret(73), "from 0 to 72"),
        (lambda: calls.create_schedule("w", "x" * 121, CRON), "the service takes 120"),
        (lambda: calls.create_schedule("w", "n", "* *"), 'for example "0 9 * * 1"'),
        (
            lambda: calls.update_schedule("s"),
            "it takes name, cron_expression, timezone",
        ),
        (lambda: calls.live_status(""), "which is not an id"),
    ],
    ids="abcdefghi",
)
def test_refusal_says_what_would_do(call, words):
    with pytest.raises(errors.ArgumentError) as caught:
        hand(call())
    assert words in str(caught.value)
