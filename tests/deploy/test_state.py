"""What is deployed against what the code says."""

from __future__ import annotations

from copy import deepcopy

import pytest
from attrs import evolve

from flow64 import Workflow
from flow64.definition import (
    from_data,
    split_stamp,
    with_stamp,
)
from flow64.deploy import plan_one
from flow64.diff import as_lines
from tests.service.support import (
    MISSING,
    SECRET,
    Script,
    answer,
    deployed,
    leads,
    ready_of,
    secret_leads,
    specs_of,
)


def plan(workflow, data, **values):
    """The step of a workflow, if the service answers some data."""
    target = ready_of(workflow, **values).target
    facts = {"env": "default", "endpoint": "http://127.0.0.1"}
    script = Script(MISSING if data is None else answer(data))
    return script.play(lambda session: plan_one(session, target, **facts))


def sent_by(workflow, data):
    """The blocks that an update sends."""
    return plan(workflow, data).sent.content.blocks


def without_stamp(data):
    return {**data, "description": split_stamp(data["description"])[0]}


def edited(data, kind="find_email", **fields):
    data = deepcopy(data)
    specs_of(data, kind).update(fields)
    return data


OLD, NEW = leads(), leads(mode="PERSONAL")


def stamped_again(data):
    """The same definition under the stamp of another environment's values."""
    live = from_data(data)
    text = with_stamp(live.description, evolve(live.stamp, unbound="0" * 16))
    return {**data, "description": text}


@pytest.mark.parametrize(
    ("state", "code", "live"),
    [
        ("new", OLD, None),
        ("unchanged", OLD, deployed(OLD)),
        ("update", NEW, deployed(OLD)),
        ("drifted", OLD, edited(deployed(OLD), mode="PERSONAL")),
        ("drifted", OLD, {**deployed(OLD), "name": "Renamed"}),
        ("conflict", NEW, {**deployed(OLD), "name": "Renamed"}),
        ("converged", NEW, edited(deployed(OLD), mode="PERSONAL")),
        ("converged", OLD, without_stamp(deployed(OLD))),
        ("converged", OLD, stamped_again(deployed(OLD))),
        ("foreign", NEW, without_stamp(deployed(OLD))),
    ],
)
def test_state_is_told_from_live_and_stamp(state, code, live):
    """Each state is named for what live and its stamp show."""
    assert plan(code, live).state == state


def test_copy_made_in_the_editor_is_foreign():
    """Its stamp computes to another id, so it is not genuine."""
    copy = {**deployed(OLD), "id": "00000000-0000-4000-8000-000000000000"}
    pinned = Workflow.from_definition(from_data(copy))

    assert plan(pinned, copy).state == "converged"
    assert plan(pinned, {**copy, "name": "Other"}).state == "foreign"


def test_unmanaged_fields_are_listed_kept_and_no_change():
    """A live field that code does not set is no change, and is sent back."""
    live = edited(deployed(OLD), retries=3)

    found = plan(OLD, live)

    assert found.state == "unchanged"
    assert [name.partition(").")[2] for name in found.unmanaged] == ["retries"]
    sent = sent_by(NEW, live)
    assert dict(sent[1].specs) == {"mode": "PERSONAL", "retries": 3}


def test_field_that_code_no_longer_sets_is_removed():
    """A field that was sent last time, and that code dropped, is taken away."""
    before = leads(extra={"retries": 3})
    live = deployed(before)

    found = plan(OLD, live)

    assert (found.state, list(found.unmanaged)) == ("update", [])
    _, line = as_lines(found.changes)
    assert line.strip() == "- retries: 3"
    assert "retries" not in found.sent.content.blocks[1].specs


def test_block_that_becomes_another_kind_keeps_nothing():
    """Unmanaged fields belong to the kind that they were set for."""
    live = edited(deployed(OLD), retries=3)
    live["workflow_definition"]["blocks"][1]["block_name"] = "find_phone"

    found = plan(OLD, live)

    assert (found.state, list(found.unmanaged)) == ("drifted", [])
    specs = found.sent.content.blocks[1].specs
    assert dict(specs) == {"mode": "PROFESSIONAL"}


def test_block_added_in_the_editor_is_drift():
    """A block that no deploy sent is an edit of the graph."""
    live = deployed(OLD)
    more = {**live["workflow_definition"]["blocks"][1], "specs": {}}
    more["block_id"] = "00000000-0000-4000-8000-000000000001"
    live["workflow_definition"]["blocks"].append(more)

    found = plan(OLD, live)

    assert found.state == "drifted"
    assert [*as_lines(found.edits)][1] == "    + the block is new"
    assert found.sent.content.blocks[1:] == OLD.compile().blocks[1:]


def test_unknown_keys_of_blocks_edges_and_graph_are_sent_back():
    """What an editor keeps beside a block or an edge is not lost in an update."""
    live = deployed(OLD)
    live["workflow_definition"]["layout"] = "wide"
    live["workflow_definition"]["blocks"][0]["position"] = [1, 2]
    first, second = live["workflow_definition"]["edges"]
    first |= {"colour": "red", "condition": None}
    second |= {"condition": "by hand"}

    sent = plan(NEW, live).sent.content

    assert sent.graph_extra == {"layout": "wide"}
    assert [dict(edge.extra) for edge in sent.edges] == [{"colour": "red"}, {}]
    assert [dict(block.extra) for block in sent.blocks] == [
        {"position": [1, 2]},
        {},
        {},
    ]


def test_server_that_normalises_leaves_the_workflow_unchanged():
    """Defaults filled in, keys in another order, numbers as floats: no change."""
    data = deployed(leads(extra={"limit": 3}))
    graph = data["workflow_definition"]
    for block in graph["blocks"]:
        block["specs"] = dict(reversed(block["specs"].items())) | {"added": None}
    graph["blocks"].reverse()
    graph["edges"].reverse()
    specs_of(data, "find_email")["limit"] = 3.0

    found = plan(leads(extra={"limit": 3}), data)

    assert (found.state, len(found.unmanaged)) == ("unchanged", 3)


def test_secret_is_compared_by_its_text():
    """A secret that is live as it is bound is no change; another one is drift."""
    code = secret_leads()
    live = deployed(code, hook=SECRET)

    assert plan(code, live, hook=SECRET).state == "unchanged"
    assert plan(code, live, hook="https://other.example.com").state == "update"


@pytest.mark.parametrize(
    "edit",
    [
        {"url": "https://example.com/SENTINEL-OTHER"},
        {"timeout_seconds": 5},
        {"copy": [f"see {SECRET}", {"again": SECRET}]},
    ],
)
def test_live_secret_is_in_no_edit_and_no_change(edit):
    """Live shows secrets as their text; what is said of it does not."""
    code = secret_leads("Renamed")
    live = edited(deployed(secret_leads(), hook=SECRET), "outgoing_webhook", **edit)
    live = without_stamp(live)

    found = plan(code, live, hook=SECRET)

    assert found.state == "foreign"
    assert found.changes
    assert "SENTINEL" not in "".join([repr(found), *as_lines(found.changes)])
