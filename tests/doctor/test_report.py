"""The report that is shared: what it lists, and what it must never have."""

from __future__ import annotations

import json

import pytest
from attrs import frozen

from flow64 import Flow, Lead
from flow64.analysis import LiveCatalogue
from flow64.blocks import CATALOGUE, About, CatalogueBlock
from flow64.doctor import compare_kinds
from tests.catalogue.answer import ANSWER, HOSTILE, SECRET

NOTEBOOK = "6b1d7c1e-4c1f-4f0a-9a55-0d9b1f1f2a01"


def kinds(answer=ANSWER):
    return compare_kinds(LiveCatalogue.of(answer))["kinds"]


def one_kind(properties, kind="find_email", **more):
    schema = {"type": "object", "properties": properties, **more}
    return kinds([{"block_name": kind, "specs_schema": schema}])[kind]


def service(properties, **more):
    """What is shown of the fields of one schema."""
    fields = one_kind(properties, **more)["fields"]
    return {
        name: one["service"] for name, one in fields.items() if one["service"] and name
    }


def test_every_kind():
    """Kinds of both sides are listed, each with a verdict if flow64 knows it."""
    found = kinds()

    assert {*CATALOGUE, "reddit_search", "score_lead"} == {*found}
    assert {one["listed"] for one in found.values() if "listed" in one} == {"confirmed"}
    assert "listed" not in found["score_lead"]
    assert found["yc_batches"] == {
        "listed": "confirmed",
        "schema": "none that can be used",
        "fields": {},
    }


def test_field():
    """A field has both sides, and a verdict on each fact that flow64 assumes."""
    assert kinds()["find_email"]["fields"]["mode"] == {
        "service": {
            "type": "string",
            "words": ["PROFESSIONAL", "PERSONAL", "BOTH"],
            "default": "PROFESSIONAL",
            "required": False,
        },
        "flow64": {
            "type": "string",
            "words": ["PROFESSIONAL", "PERSONAL"],
            "required": False,
            "mark": "D",
            "default": "PROFESSIONAL",
        },
        "verdicts": {
            "type": "confirmed",
            "words": "contradicted",
            "required": "confirmed",
            "default": "confirmed",
        },
    }


def test_new_and_unseen_fields():
    """A field of one side alone stands beside nothing."""
    fields = one_kind({"region": {"type": "string"}})["fields"]

    assert fields["region"] == {
        "service": {"type": "string", "required": False},
        "flow64": None,
    }
    assert fields["mode"]["service"] is None
    assert {*fields["mode"]["verdicts"].values()} == {"not seen"}


def test_missing_kind():
    """A kind that is not listed is contradicted; without a list nothing was seen."""
    assert kinds([{"block_name": "filter"}])["find_email"]["listed"] == "contradicted"
    unseen = compare_kinds(None)["kinds"]["find_email"]
    assert unseen["listed"] == "not seen"
    assert {*unseen["fields"]["mode"]["verdicts"].values()} == {"not seen"}


def test_own_kinds(own_kinds):
    """A class of one's own says nothing about what flow64 assumes."""

    @frozen(eq=False, kw_only=True)
    class Mine(Flow[Lead, Lead], CatalogueBlock):
        kind = "find_email_twice"
        about = About(role="step", takes="LEAD", gives="LEAD")

    assert "find_email_twice" in CATALOGUE
    assert "find_email_twice" not in kinds()
    assert "listed" not in one_kind({}, kind="find_email_twice")


def test_schemas():
    """References, alternatives, null, constants and what is inside are understood."""
    found = service(
        {
            "a": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}], "default": None},
            "b": {"allOf": [{"$ref": "#/$defs/A"}], "default": "x"},
            "c": {"oneOf": [{"const": 1}, {"const": "two"}]},
            "d": {"type": ["integer", "null"], "enum": [1, 2, None]},
            "e": {"type": "array", "items": {"$ref": "#/$defs/B"}},
            "f": {"type": "object", "additionalProperties": {"type": "number"}},
            "g": {"$ref": "#/$defs/missing"},
            "h": {"$ref": "https://elsewhere.example/x"},
            "i": True,
            "j": {"type": "odd", "enum": "no list", "required": 5, "properties": []},
        },
        required=["a"],
        **{
            "$defs": {
                "A": {"type": "string", "enum": ["x", "y"]},
                "B": {"type": "object", "properties": {"z": {"type": "boolean"}}},
            }
        },
    )

    word = {"type": "string", "words": ["x", "y"]}
    assert found == {
        "a": {**word, "required": True},
        "b": {**word, "default": "x", "required": False},
        "c": {
            "type": "integer or string",
            "words": [1, "two"],
            "required": False,
        },
        "d": {"type": "integer", "words": [1, 2], "required": False},
        "e": {"type": "array", "required": False},
        "e[*].z": {"type": "boolean", "required": False},
        "f": {"type": "object", "required": False},
        "f[*]": {"type": "number"},
        **{name: {"required": False} for name in "ghij"},
    }


def test_limits():
    """A schema that refers to itself, or is very large, ends soon."""
    loop = {"anyOf": [{"$ref": "#/$defs/L"}] * 20}
    inner = {"type": "object", "properties": {"x": {"$ref": "#/$defs/N"}}}

    assert service({"a": loop}, **{"$defs": {"L": loop}}) == {"a": {"required": False}}
    assert [*service({"x": {"$ref": "#/$defs/N"}}, **{"$defs": {"N": inner}})] == [
        "x" + ".x" * at for at in range(5)
    ]
    many = {f"f_{at}x": {"type": "string"} for at in range(300)}
    found = one_kind(many)
    assert sum(one["service"] is not None for one in found["fields"].values()) == 200


@pytest.mark.parametrize(
    "value",
    [
        *(
            "two words",
            "ada@acme.example",
            "acme.example",
            "https://a.example",
            NOTEBOOK,
        ),
        *(SECRET, "C024BE91L0123456", "1234567", 5_000_000, ["a"], "x" * 41, "é"),
    ],
)
def test_hidden_values(value):
    """A default or a word that could be about the organisation is not shown."""
    shown = service({"field": {"default": value}, "other": {"enum": [value, "fine"]}})

    assert shown["field"]["default"] == "(not shown)"
    assert shown["other"]["words"] == "(not shown)"


def test_shown_values():
    """Plain words and numbers are shown."""
    for value in ("gpt-4.1-mini", "list[str]", "__create_new__", 0.5, -3, False):
        assert service({"field": {"default": value}})["field"]["default"] == value


@pytest.mark.parametrize("name", ["channel", "notebook_ids", "hubspot_list", "url"])
def test_fields_that_name_something(name):
    """The words of a field that names something of the organisation are not shown."""
    words = {"type": "array", "items": {"enum": ["general", "sales"]}}
    inside = {"type": "object", "properties": {"kind": {"enum": ["general"]}}}

    found = service({name: words, f"{name}_key": {"default": "general"}})
    nested = service({name: inside})

    assert "general" not in json.dumps([found, nested])


def test_hidden_names():
    """Names that are no plain words are counted."""
    found = compare_kinds(
        LiveCatalogue.of(
            [
                *ANSWER,
                {"block_name": f"run_{NOTEBOOK[:8]}_x", "specs_schema": {}},
                {"block_name": SECRET, "specs_schema": {}},
            ]
        )
    )

    assert found["kinds_not_shown"] == 3
    assert HOSTILE not in json.dumps(found)
    kind = one_kind({"Ada's column": {}, NOTEBOOK: {}, SECRET: {}, "fine": {}})
    assert kind["fields_not_shown"] == 3
    assert "fine" in kind["fields"]


def test_other_keys():
    """Other keys of an entry are named; a category is shown, and a price is not."""
    entry = {"block_name": "score_lead", "specs_schema": {}}
    found = kinds(
        [{**entry, "category": "AI", "price": 0.37, "takes": NOTEBOOK, "a b": 1}]
    )

    assert found["score_lead"] == {
        "schema": "yes",
        "other_keys": ["category", "price", "takes"],
        "category": "AI",
        "fields": {},
    }


def test_hostile_answer():
    """Nothing of a made-up answer is shown but names, words and numbers."""
    text = json.dumps(compare_kinds(LiveCatalogue.of(ANSWER)))

    assert SECRET not in text
    assert "abort" not in text
    assert "Search" not in text  # of a description
    assert len(text) < 40_000  # an issue takes 65,536
