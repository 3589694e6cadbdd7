"""JSON Schemas of workflows, from the built-in catalogue and a live one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from flow64 import LEAD, Workflow, value
from flow64.analysis import LiveCatalogue
from flow64.blocks import FindEmail, Webhook
from flow64.generation import create_schema, definition_schema
from tests.catalogue.answer import ANSWER, HOSTILE, LATER
from tests.emulator.support import own_contract

ROOT = Path(__file__).parents[2]

EXAMPLES = sorted(
    path
    for path in (ROOT / "examples").rglob("*.json")
    if "workflow_definition" in path.read_text("utf-8")
)


def validator(schema):
    return checked(json.dumps(schema))


@cache
def checked(text):
    """A validator of a schema, which is judged itself once: that takes long."""
    schema = json.loads(text)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def live_of(*entries):
    return LiveCatalogue.of([*entries])


def body_of(kind="find_email", **specs):
    """A body with one block."""
    block = {"sequence_number": 1, "block_type": "x", "block_name": kind}
    graph = {"blocks": [{**block, "specs": specs}], "edges": []}
    return {"workflow_name": "w", "workflow_definition": graph}


def judge(kind, live=None, **specs):
    """Whether the schema accepts the specs of a block."""
    return validator(create_schema(live)).is_valid(body_of(kind, **specs))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(path):
    """All examples are valid, with their own list of blocks if they have one."""
    listed = path.parent / "blocks.json"
    live = LiveCatalogue.read(listed) if listed.exists() else None
    found = json.loads(path.read_text("utf-8"))

    bodies = validator(create_schema(live))
    graphs = validator(definition_schema(live))

    for body in found if isinstance(found, list) else [found]:
        assert [*bodies.iter_errors(body)] == []
        assert [*graphs.iter_errors(body["workflow_definition"])] == []


def test_compiled():
    """What code compiles to is valid, also with unbound values."""
    flow = Webhook(LEAD) >> FindEmail(mode=value("mode", secret=True))
    text = Workflow("w", flow, key="w").to_json()

    assert "flow64:value" in text
    validator(create_schema()).validate(json.loads(text))


@pytest.mark.parametrize(
    "change",
    [
        {"workflow_name": None},
        {"workflow_definition": {"blocks": []}},
        {"workflow_definition": {"blocks": [{}], "edges": []}},
        {"workflow_definition": {"blocks": [], "edges": [{"from_block_id": "a"}]}},
    ],
    ids=str,
)
def test_wrong_bodies(change):
    """A body without what the service requires is not valid."""
    assert not validator(create_schema()).is_valid({**body_of(), **change})


def test_specs():
    """Specs are judged by the kind of their block, and unknown kinds are accepted."""
    assert judge("find_email", mode="PERSONAL")
    assert judge("find_email", mode={"flow64:value": "mode"})
    assert not judge("find_email", mode="BOTH")
    assert not judge("find_email", mode={"flow64:value": ""})
    assert not judge("search")
    assert judge("new_kind", anything=1)


def test_offers_kinds():
    """An editor can offer the kinds of both catalogues."""
    live = LiveCatalogue.of(ANSWER)
    for schema, kind in (
        (create_schema(), "find_email"),
        (definition_schema(live), "score_lead"),
    ):
        block = schema["$defs"]["block"]["properties"]
        assert kind in block["block_name"]["anyOf"][0]["enum"]


@pytest.mark.parametrize("answer", [ANSWER, LATER], ids=["first", "later"])
def test_live(answer):
    """A made-up answer gives a valid schema; nothing of it is code or a secret."""
    live = LiveCatalogue.of(answer)
    schema = create_schema(live)

    validator(schema)
    assert (
        HOSTILE
        in schema["$defs"]["block"]["properties"]["block_name"]["anyOf"][0]["enum"]
    )
    assert "sk_live_" not in json.dumps(schema)


def test_the_service_wins():
    """The service may allow, add and drop what the built-in catalogue says."""
    live = live_of(
        {
            "block_name": "find_email",
            "specs_schema": {
                "properties": {
                    "mode": {"enum": ["BOTH"]},
                    "depth": {"type": "integer", "maximum": 3},
                },
                "required": ["depth"],
            },
        },
        {"block_name": "search", "specs_schema": {"type": "object"}},
        {"block_name": "webhook", "specs_schema": None},
    )

    assert judge("find_email", live, mode="BOTH", depth=1)
    assert not judge("find_email", live, mode="PERSONAL", depth=1)
    assert not judge("find_email", live, mode="BOTH")
    assert not judge("find_email", live, depth=4)
    assert judge("search", live)
    assert judge("webhook", live) is judge("webhook")


def test_closed():
    """If the service refuses unknown fields, so does the schema."""
    closed = {"properties": {"a": {"const": 1}}, "additionalProperties": False}
    live = live_of({"block_name": "find_email", "specs_schema": closed})

    assert judge("find_email", live, a=1)
    assert not judge("find_email", live, a=2)
    assert not judge("find_email", live, mode="PERSONAL")


def test_strange_schemas():
    """What is not understood is left out, and references are written out."""
    fields = {
        "either": {"oneOf": [{"$ref": "#/$defs/Word"}, {"type": "integer"}]},
        "loop": {"$ref": "#/$defs/Loop"},
        "odd": {"type": ["string", 3], "minLength": -1, "required": "x", "enum": []},
        "many": {"type": ["string", "null"], "pattern": "(a+)+$"},
        "away": {"$ref": "https://elsewhere.example/schema"},
        "never": False,
        "always": True,
    }
    defs = {
        "Word": {"enum": ["a"]},
        "Loop": {"properties": {"next": {"$ref": "#/$defs/Loop"}}},
    }
    schema = {"properties": fields, "$defs": defs}
    live = live_of({"block_name": "odd_kind", "specs_schema": schema})

    text = json.dumps(create_schema(live))
    assert "(a+)+$" not in text
    assert "elsewhere" not in text
    assert judge("odd_kind", live, either="a", odd=3, away=1, always=1)
    assert judge("odd_kind", live, either=1, loop={"next": {"next": {}}}, many=None)
    assert not judge("odd_kind", live, either="b")
    assert not judge("odd_kind", live, never=1)
    assert not judge("odd_kind", live, many=1)


def test_limits():
    """A schema that is too large is copied in part."""
    huge = {"properties": {f"f{at}": {"type": "string"} for at in range(6_000)}}
    live = live_of({"block_name": "huge", "specs_schema": huge})
    bodies = Draft202012Validator(create_schema(live))

    assert not bodies.is_valid(body_of("huge", f0=1))
    assert bodies.is_valid(body_of("huge", f5999=1))


def test_as_the_emulator():
    """The body has the members that the OpenAPI document of the emulator names."""
    named = own_contract()["components"]["schemas"]
    ours = create_schema()["$defs"]
    for name, theirs in (
        ("block", "Block"),
        ("edge", "WorkflowEdge"),
        ("graph", "WorkflowGraph"),
    ):
        assert {*ours[name]["properties"]} == {*named[theirs]["properties"]}
        assert {*ours[name]["required"]} == {*named[theirs]["required"]}
