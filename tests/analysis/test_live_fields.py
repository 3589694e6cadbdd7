"""The fields of a live schema, with its references and alternatives."""

from __future__ import annotations

import pytest

from flow64.analysis import LiveCatalogue, walk_fields
from flow64.definition import freeze
from tests.catalogue.answer import ANSWER, HOSTILE

LIVE = LiveCatalogue.of(ANSWER)


def fields_of(schema):
    (block,) = LiveCatalogue.of(
        [{"block_name": "new", "specs_schema": schema}]
    ).blocks.values()
    return block.fields


def field_of(schema, **defs):
    return fields_of({"properties": {"it": schema}, "$defs": defs})["it"]


def test_fields():
    """A field has a type, its words, whether it is required, a default and bounds."""
    find_email = LIVE.blocks["find_email"].fields
    search = LIVE.blocks["search"].fields

    assert [*find_email] == ["mode", "verify_emails", "providers"]
    mode = find_email["mode"]
    assert mode.words == ("PROFESSIONAL", "PERSONAL", "BOTH")
    assert mode.type == "PROFESSIONAL or PERSONAL or BOTH"
    assert (mode.has_default, mode.default) == (True, "PROFESSIONAL")
    assert mode.description == "Which addresses to find."
    assert (search["query"].is_required, search["max_results"].is_required) == (1, 0)
    assert search["max_results"].limits == {"minimum": 1, "maximum": 5000}
    assert find_email["providers"].is_nullable
    assert find_email["providers"].type == "Sequence[str]"


def test_inside():
    """Fields of records in lists, maps and records are fields too."""
    found = dict(walk_fields(LIVE.blocks["score_lead"].fields))

    assert [*found] == [
        "rubric",
        "signals",
        "signals[*].column",
        "signals[*].weight",
        "signals[*].when",
        "signals[*].when.column",
        "signals[*].when.operator",
        "signals[*].when.value",
        "signals[*].when.logic",
        "scale",
        "output_column",
        "explain",
    ]
    assert found["signals"].type == "Sequence[Signal]"
    assert found["signals[*].when"].type == "FilterCondition"
    assert found["scale"].words == (5, 10, 100)


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({}, "Any"),
        (True, "Any"),
        (None, "Any"),
        ({"type": "text"}, "Any"),
        ({"type": ["text"]}, "Any"),
        ({"type": 5}, "Any"),
        ({"type": []}, "Any"),
        ({"type": "number"}, "float"),
        ({"type": ["string", "integer"]}, "str | int"),
        ({"type": ["string", "null"]}, "str"),
        ({"type": ["string", "integer", "null"]}, "str | int"),
        ({"type": "string", "nullable": True}, "str"),
        ({"const": 5}, "5"),
        ({"enum": ["a", None]}, "a"),
        ({"enum": "a"}, "Any"),
        ({"type": "array"}, "Sequence[Any]"),
        ({"type": "array", "items": {"type": "boolean"}}, "Sequence[bool]"),
        ({"type": "object"}, "Mapping[str, Any]"),
        ({"type": "object", "properties": {"x": {}}}, "Mapping[str, Any]"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "str | int"),
        (
            {"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            "str | int",
        ),
        ({"anyOf": [{"type": "null"}]}, "Any"),
        ({"type": "array", "items": {"nullable": True}}, "Sequence[Any | None]"),
        ({"allOf": [{"$ref": "#/$defs/Word"}]}, "a or b"),
        ({"$ref": "#/$defs/Word"}, "a or b"),
        ({"$ref": "#/$defs/Record"}, "Record"),
        ({"$ref": "#/$defs/Record", "title": "It"}, "Record"),
        ({"$ref": "#/$defs/a~1b"}, "int"),
        ({"$ref": "#/$defs/Missing"}, "Any"),
        ({"$ref": "https://elsewhere.example/schema"}, "Any"),
        ({"$ref": "#/$defs/Loop"}, "Any"),
        ({"$ref": 5}, "Any"),
    ],
)  # fmt: skip
def test_types(schema, wanted):
    """A type is said as source code. What is not understood is any."""
    found = field_of(
        schema,
        Word={"enum": ["a", "b"]},
        Record={"title": "Record", "type": "object", "properties": {"x": {}}},
        Loop={"$ref": "#/$defs/Loop"},
        **{"a/b": {"type": "integer"}},
    )

    assert found.type == wanted


@pytest.mark.parametrize(
    ("schema", "is_nullable"),
    [
        ({"type": ["string", "null"]}, True),
        ({"nullable": True}, True),
        ({"enum": ["a", None]}, True),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, True),
        ({"anyOf": [{"anyOf": [{"type": "string"}, {"type": "null"}]}]}, True),
        ({"type": "string"}, False),
        ({"enum": ["a"]}, False),
    ],
)
def test_null(schema, is_nullable):
    """That null may be sent is one fact, however the schema says it."""
    assert field_of(schema).is_nullable is is_nullable


def test_joined():
    """Fields come from references, and from all parts that a schema joins."""
    found = fields_of(
        {
            "$ref": "#/$defs/Specs",
            "required": ["b", 5],
            "$defs": {
                "Specs": {
                    "properties": {"a": {"type": "integer"}},
                    "allOf": [{"properties": {"b": {}}, "required": ["a"]}],
                    "anyOf": [{"properties": {"c": {}}, "required": ["c"]}],
                    "then": {"properties": {"d": {}}},
                }
            },
        }
    )

    assert {name: one.is_required for name, one in found.items()} == {
        "a": True,
        "b": True,
        "c": False,
        "d": False,
    }


def test_odd():
    """Odd schemas have the fields that can be seen."""
    assert fields_of({"properties": 5, "required": 5}) == {}
    assert fields_of({"properties": {"x": 5}})["x"].type == "Any"
    assert LIVE.blocks["kaggle_leaderboard"].fields == {}


def test_circles():
    """Records inside themselves are shown some levels deep, in little time."""
    many = {"anyOf": [{"$ref": "#/$defs/Tree"}] * 50}
    tree = {"title": "Tree", "type": "object", "properties": {"below": many}}

    found = field_of({"type": "array", "items": {"$ref": "#/$defs/Tree"}}, Tree=tree)

    paths = [path for path, _ in walk_fields({"it": found})]
    assert paths[:3] == ["it", "it[*].below", "it[*].below.below"]
    assert len(paths) < 10


def test_alternatives_without_end():
    """Alternatives that lead back are given up: followed, they would have no end."""
    again = {"anyOf": [{"anyOf": [{"$ref": "#"}] * 20}] * 20}

    found = fields_of({**again, "properties": {"a": {"items": {"$ref": "#"}}}})

    assert [*found] == ["a"]


def test_hostile():
    """The texts of a hostile entry are data."""
    found = LIVE.blocks[HOSTILE].fields

    assert found["import"].is_required
    assert "\n" not in found["__class__"].description


def test_frozen():
    """What was read cannot be changed."""
    assert field_of({"default": [1]}).default == freeze([1], (), [])
