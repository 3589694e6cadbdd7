"""Creating, changing, reading and deleting workflows."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from flow64.blocks import CATALOGUE
from flow64.emulator import Switches
from tests.emulator.support import (
    ACCOUNTS,
    EMAIL,
    LEADS,
    OUT,
    WEBHOOK,
    block,
    body,
    create,
    graph,
)

WF = "/workflows"


def post(client, verb, data=None, **query):
    return client.post(f"{WF}/{verb}_workflow", json=data, params=query)


def detail(client, workflow_id):
    return client.get(f"{WF}/{workflow_id}").json()


def test_created_workflow_is_read_back_as_it_was_sent(client):
    """The response has the sent graph."""
    made = post(client, "create", LEADS).json()

    found = detail(client, made["id"])

    assert found == made
    assert found["name"] == "Test"
    assert found["description"] == "A test"
    assert found["workflow_definition"] == LEADS["workflow_definition"]


def test_own_id_is_kept_and_taken_only_once(client):
    """A second create with the id answers 409."""
    own = str(uuid4())

    first = post(client, "create", {**LEADS, "id": own})
    second = post(client, "create", {**LEADS, "id": own})

    assert first.json()["id"] == own
    assert second.status_code == 409


def test_definition_of_an_answer_can_be_sent_back(client):
    """What GET returns may be sent back unchanged."""
    made = post(client, "create", ACCOUNTS).json()
    again = {**ACCOUNTS, "workflow_definition": made["workflow_definition"]}

    reply = post(client, "update", again, workflow_id=made["id"])

    assert reply.json()["workflow_definition"] == made["workflow_definition"]


@pytest.mark.parametrize("written", ["source", None, "absent", "1234"])
def test_block_ids_that_are_no_uuids_are_replaced(client, written):
    """A missing or readable block id becomes a UUID, and edges follow it."""
    data = body(WEBHOOK, OUT)
    first, edge = data["workflow_definition"]["blocks"][0], {}
    if written == "absent":
        del first["block_id"]
        data["workflow_definition"]["edges"] = []
    else:
        first["block_id"] = written
        edge = data["workflow_definition"]["edges"][0]
        edge["from_block_id"] = written
        if written is None:
            data["workflow_definition"]["edges"] = []

    stored = detail(client, create(client, data))["workflow_definition"]

    made = stored["blocks"][0]["block_id"]
    assert UUID(made)
    assert [e["from_block_id"] for e in stored["edges"]] == [made] * len(
        stored["edges"]
    )


def test_update_creates_what_does_not_exist(client):
    """update_workflow makes the workflow under the id of the query."""
    own = str(uuid4())

    reply = post(client, "update", LEADS, workflow_id=own)

    assert (reply.status_code, reply.json()["id"]) == (200, own)
    assert detail(client, own)["name"] == "Test"


def test_update_leaves_what_it_does_not_name(client):
    """Missing and null fields keep their value."""
    made = post(client, "create", LEADS).json()

    after = post(
        client,
        "update",
        {"workflow_name": "New", "workflow_description": None},
        workflow_id=made["id"],
    ).json()

    assert after["name"] == "New"
    assert after["description"] == made["description"]
    assert after["workflow_definition"] == made["workflow_definition"]
    assert after["updated_at"] > made["updated_at"]
    assert after["created_at"] == made["created_at"]


def test_update_replaces_the_whole_graph(client):
    """Single blocks cannot be patched."""
    own = create(client, LEADS)
    smaller = graph(WEBHOOK)

    post(client, "update", {"workflow_definition": smaller}, workflow_id=own)

    assert detail(client, own)["workflow_definition"] == smaller


def test_bad_update_changes_nothing(client):
    """A bad graph is refused before anything is saved."""
    own = create(client, LEADS)
    bad = {"workflow_name": "New", "workflow_definition": {"blocks": [], "edges": []}}

    reply = post(client, "update", bad, workflow_id=own)

    assert reply.status_code == 400
    assert detail(client, own)["name"] == "Test"


def test_partial_update_of_a_missing_id_names_what_is_missing(client):
    """A guess: 422 with the place of each missing field."""
    reply = post(client, "update", {"workflow_name": "x"}, workflow_id=str(uuid4()))

    assert reply.status_code == 422
    assert [found["loc"][-1] for found in reply.json()["detail"]] == [
        "workflow_description",
        "workflow_definition",
    ]


def test_partial_upsert_can_be_switched_on(serve):
    """With the switch, a graph alone makes a workflow."""
    _, client = serve(switches=Switches(partial_upsert=True))
    partial = {"workflow_definition": graph(WEBHOOK)}

    reply = post(client, "update", partial, workflow_id=str(uuid4()))

    assert (reply.status_code, reply.json()["name"]) == (200, "")


def test_deleted_workflow_is_gone(client):
    """Delete returns the workflow once, and later 404."""
    own = create(client, LEADS)

    replies = [post(client, "delete", workflow_id=own) for _ in range(2)]

    assert [reply.status_code for reply in replies] == [200, 404]
    assert replies[0].json()["id"] == own
    assert client.get(f"{WF}/{own}").status_code == 404


def test_list_has_no_definitions(client):
    """The list holds the organisation's workflows without their graphs."""
    ids = [create(client, LEADS), create(client, ACCOUNTS)]

    found = client.get(WF).json()

    assert [item["id"] for item in found] == ids
    assert {item["workflow_definition"] for item in found} == {None}


def test_blocks_are_the_catalogue(client):
    """Every kind has a schema. The path could also be an id."""
    found = client.get(f"{WF}/blocks").json()

    assert [item["block_name"] for item in found] == list(CATALOGUE)
    assert {item["specs_schema"]["type"] for item in found} == {"object"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("00000000-0000-4000-8000-000000000000", 404),
        ("not-a-uuid", 422),
        ("wf_abc123", 422),
    ],
)
def test_ids_in_paths_are_uuids(client, path, status):
    """Another text is 422, an unknown id 404."""
    assert client.get(f"{WF}/{path}").status_code == status


def test_workflow_id_that_is_no_uuid_makes_nothing(client):
    """An id in the body or query must be a UUID."""
    replies = [
        post(client, "create", {**LEADS, "id": "mine"}),
        post(client, "update", LEADS, workflow_id="mine"),
    ]

    assert [reply.status_code for reply in replies] == [422, 422]
    assert client.get(WF).json() == []


DANGLING = {**graph(WEBHOOK), "edges": [{"from_block_id": "a", "to_block_id": "b"}]}
TWICE = {"blocks": [WEBHOOK, WEBHOOK], "edges": []}
UPPER = {**EMAIL, "block_id": WEBHOOK["block_id"].upper()}
TWICE_IN_OTHER_CASE = {"blocks": [WEBHOOK, UPPER], "edges": []}
COMPANY_FIRST = graph(block("webhook", dataframe_type="COMPANY"), EMAIL)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"blocks": [], "edges": []}, "at least one block"),
        (DANGLING, "does not exist: a"),
        (graph(WEBHOOK, OUT, edges=[(0, 1), (1, 0)]), "cycle"),
        (graph(WEBHOOK, edges=[(0, 0)]), "cycle"),
        (TWICE, "Duplicate block_id"),
        (TWICE_IN_OTHER_CASE, "Duplicate block_id"),
        (graph(*([block("x")] * 20_001), edges=[]), "it has 20,001 blocks"),
        (COMPANY_FIRST, "find_email takes LEAD rows, and webhook gives COMPANY rows"),
        (graph(WEBHOOK, block("outgoing_webhook")), "absolute http or https"),
        (graph(WEBHOOK, block("outgoing_webhook", url="ftp://x")), "absolute http"),
        (graph(WEBHOOK, block("outgoing_webhook", url="http://[")), "absolute http"),
    ],
)
def test_bad_graphs_are_refused(client, bad, words):
    """With 400 and the reason, before it is saved."""
    reply = post(client, "create", {**LEADS, "workflow_definition": bad})

    assert reply.status_code == 400
    assert words in reply.json()["detail"]


def test_a_number_may_be_written_with_a_point(client):
    """`1.0` is an integer in JSON, and is stored as one."""
    data = body(WEBHOOK)
    data["workflow_definition"]["blocks"][0]["sequence_number"] = 1.0

    made = post(client, "create", data).json()

    assert str(made["workflow_definition"]["blocks"][0]["sequence_number"]) == "1"


def test_bad_graphs_can_be_422(serve):
    """The other documented reading is a switch."""
    _, client = serve(switches=Switches(bad_graph_status=422))
    bad = {**LEADS, "workflow_definition": {"blocks": [], "edges": []}}

    reply = post(client, "create", bad)

    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["body", "workflow_definition"]


@pytest.mark.parametrize(
    "data",
    [
        body(block("enrich_new_thing"), EMAIL),
        body(block("webhook", dataframe_type="COMPANY"), block("x_search"), EMAIL),
        body(block("search", dataframe_type="LEAD"), block("filter"), EMAIL),
        body(block("webhook", dataframe_type="OTHER"), EMAIL),
        body(block("webhook", dataframe_type=[]), EMAIL),
        body(block("webhook"), EMAIL),
        body(block("webhook"), block("deduplicate"), block("company_enrichment")),
        body(
            block("webhook", dataframe_type="COMPANY"),
            block("webhook", 2),
            block("deduplicate"),
            EMAIL,
            edges=[(0, 2), (1, 2), (2, 3)],
        ),
        body(WEBHOOK, EMAIL, edges=[]),
    ],
)
def test_row_kinds_that_nobody_states_are_not_judged(client, data):
    """Only documented row kinds are compared."""
    assert post(client, "create", data).status_code == 200


def test_row_kinds_need_not_be_checked(serve):
    """With the switch off, the run is where a mismatch would show."""
    _, client = serve(switches=Switches(check_row_kinds=False))

    reply = post(client, "create", {**LEADS, "workflow_definition": COMPANY_FIRST})

    assert reply.status_code == 200


# -- Switches of saving ---------------------------------------------------------------


def strange():
    data = body(WEBHOOK, OUT, note="body")
    definition = data["workflow_definition"]
    definition["note"] = "graph"
    for item in (*definition["blocks"], *definition["edges"]):
        item["note"] = "item"
    return data


def notes(answer):
    definition = answer["workflow_definition"]
    items = (answer, definition, *definition["blocks"], *definition["edges"])
    return [item.get("note") for item in items]


def test_unknown_keys_are_kept(client):
    """Unknown keys come back in their places."""
    found = detail(client, create(client, strange()))

    assert notes(found) == ["body", "graph", "item", "item", "item"]


def test_unknown_keys_can_be_dropped(serve):
    """With the switch, only they are gone."""
    _, client = serve(switches=Switches(drop_unknown=True))

    found = detail(client, create(client, strange()))

    assert notes(found) == [None] * 5
    assert found["workflow_definition"] == body(WEBHOOK, OUT)["workflow_definition"]


def test_defaults_can_be_filled_in(serve):
    """With the switch, unset spec fields get their default; set ones stay."""
    _, client = serve(switches=Switches(fill_defaults=True))
    own = create(
        client, body(WEBHOOK, EMAIL, block("find_email", 2, mode="PERSONAL"), OUT)
    )

    specs = [b["specs"] for b in detail(client, own)["workflow_definition"]["blocks"]]

    assert specs == [
        {"dataframe_type": "LEAD", "webhook_input": None},
        {"mode": "PROFESSIONAL", "verify_emails": True},
        {"mode": "PERSONAL", "verify_emails": True},
        {"url": "https://example.com/hook"},
    ]


def test_order_can_change(serve):
    """With the switch, the same graph comes back in another order."""
    _, client = serve(switches=Switches(reorder=True))
    sent = graph(WEBHOOK, EMAIL, OUT)
    own = create(client, {**LEADS, "workflow_definition": sent})

    found = detail(client, own)["workflow_definition"]

    assert found["blocks"] != sent["blocks"]
    for key in ("blocks", "edges"):
        assert sorted(found[key], key=str) == sorted(sent[key], key=str)


# -- As in the web editor -------------------------------------------------------------


def test_edit_changes_in_place(shared, client):
    """An edit as in the web editor shows in what GET answers."""
    own = create(client, LEADS)

    edited = shared.edit(
        own,
        name="Edited",
        description="By hand",
        specs={"find_email": {"mode": "PERSONAL"}, OUT["block_id"]: {"extra": 1}},
    )

    found = detail(client, own)
    assert found == edited
    assert (found["name"], found["description"]) == ("Edited", "By hand")
    assert [b["specs"] for b in found["workflow_definition"]["blocks"]] == [
        {"dataframe_type": "LEAD"},
        {"mode": "PERSONAL"},
        {"url": "https://example.com/hook", "extra": 1},
    ]


def test_edit_can_replace_the_graph(shared, client):
    """A whole graph is stored unchanged."""
    own = create(client, LEADS)

    shared.edit(own, definition=graph(WEBHOOK))

    assert detail(client, own)["workflow_definition"] == graph(WEBHOOK)
    assert detail(client, own)["name"] == "Test"


def test_copy_keeps_all_but_id_and_name(shared, client):
    """A copy as in the web editor has the description, stamp and all."""
    own = create(client, LEADS)

    copied = detail(client, shared.copy(own))

    original = detail(client, own)
    assert copied["id"] != own
    assert copied["name"] == "Test (copy)"
    for key in ("description", "workflow_definition", "org_id"):
        assert copied[key] == original[key]


def test_an_edit_names_what_is_there(shared, client):
    """Otherwise a drift test could pass without an edit."""
    own = create(client, LEADS)

    with pytest.raises(KeyError, match="no workflow 'nowhere' is here"):
        shared.edit("nowhere", name="x")
    with pytest.raises(KeyError, match="no block has the id or kind nope"):
        shared.edit(own, specs={"nope": {}})


def test_block_ids_can_be_kept(serve):
    """With the switch, an id that is not a UUID stays; a missing one is replaced."""
    _, client = serve(switches=Switches(keep_block_ids=True))
    sent = body(WEBHOOK, OUT)
    blocks = sent["workflow_definition"]["blocks"]
    blocks[0] = {**blocks[0], "block_id": "first"}
    blocks[1] = {key: blocks[1][key] for key in blocks[1] if key != "block_id"}
    sent["workflow_definition"]["edges"] = []

    graph = detail(client, create(client, sent))["workflow_definition"]

    first, second = (one["block_id"] for one in graph["blocks"])
    assert first == "first"
    assert UUID(second)


@pytest.mark.parametrize("switch", ["refuse_same_numbers", "refuse_condition"])
def test_more_can_be_invalid(switch, serve):
    """With a switch, equal numbers or a condition make a graph invalid."""
    sent = body(WEBHOOK, OUT)
    graph = sent["workflow_definition"]
    graph["blocks"][1]["sequence_number"] = graph["blocks"][0]["sequence_number"]
    graph["edges"][0]["condition"] = "always"

    answers = [
        serve(switches=Switches(**given))[1].post(
            "/workflows/create_workflow", json=sent
        )
        for given in ({}, {switch: True})
    ]

    assert [answer.status_code for answer in answers] == [200, 400]


@pytest.mark.parametrize(("leads", "status"), [(False, 200), (True, 400)])
def test_untyped_webhook_can_give_leads(leads, status, serve):
    """With the switch, a block for companies does not follow an untyped webhook."""
    _, client = serve(switches=Switches(untyped_gives_leads=leads))

    answer = client.post(
        "/workflows/create_workflow",
        json=body(block("webhook", 1), block("company_to_leads", 2)),
    )

    assert answer.status_code == status


def test_descriptions_can_be_stripped_and_limited(serve):
    """With the switches, white space around a description goes, and a long one too."""
    _, client = serve(switches=Switches(strip_description=True, max_description=5))
    sent = body(WEBHOOK, OUT)
    own = create(client, {**sent, "workflow_description": "  four "})
    update = f"/workflows/update_workflow?workflow_id={own}"

    answers = [
        client.post(update, json={"workflow_description": text})
        for text in ("five5", "sixsix")
    ]

    assert [answer.status_code for answer in answers] == [200, 422]
    assert detail(client, own)["description"] == "five5"


def test_organisations_can_share_an_id(serve):
    """With the switch, two organisations have workflows with one id, each its own."""
    emulator, client = serve(switches=Switches(ids_per_organisation=True))
    other = {"x-api-key": "sk_test_not_a_real_key_of_another_organisation"}
    own = create(client, {**body(WEBHOOK, OUT), "id": str(uuid4())})
    path = f"/workflows/{own}"
    update = f"/workflows/update_workflow?workflow_id={own}"
    theirs = {**body(WEBHOOK, OUT), "workflow_name": "Theirs"}

    assert client.get(path, headers=other).status_code == 404
    assert client.post(update, json=theirs, headers=other).json()["id"] == own
    assert client.get(path, headers=other).json()["name"] == "Theirs"
    assert detail(client, own)["name"] != "Theirs"
    run = client.post(
        f"/workflows/run?workflow_id={own}", json={}, headers=other
    ).json()
    assert run["workflow_id"] == own
    runs = client.get(f"/workflows/runs?workflow_id={own}", headers=other).json()
    assert [one["workflow_id"] for one in runs] == [own]
    assert client.get(f"/workflows/runs?workflow_id={own}").json() == []
    delete = f"/workflows/delete_workflow?workflow_id={own}"
    assert client.post(delete, headers=other).status_code == 200
    assert client.get(path, headers=other).status_code == 404
    assert detail(client, own)["id"] == own
    assert [one.id for one in emulator.store.workflows.all()] == [own]
