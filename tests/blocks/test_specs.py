"""Specs that decide what a block reads, adds, spends and touches.

What each kind does with plain specs stands in docs/catalogue.md.
"""

from __future__ import annotations

import pytest

from flow64.blocks import (
    CATALOGUE,
    CREATE_NEW,
    Column,
    Columns,
    Fact,
    FindEmail,
    columns_of,
)
from flow64.definition import Value

COLUMNS = [
    (
        "webhook",
        {"input_schema": {"email": "string", "size": {"type": "int"}, "x": "what"}},
        Columns(
            adds=[Column("email", "string"), Column("size", "int"), Column("x", None)],
            opens=True,
            declares=True,
        ),
    ),
    (
        "company_enrichment",
        {"return_fields": {"size": {"description": "Staff", "type": "int"}}},
        Columns(adds=[Column("size", "int", "D1")]),
    ),
    ("company_enrichment", {"find_people": False}, Columns()),
    ("company_enrichment", {"find_people": Value("people")}, Columns(opens=True)),
    (
        "lead_enrichment",
        {"return_fields": {"title": "string"}},
        Columns(adds=[Column("title", None, "D")]),
    ),
    (
        "filter",
        {"filters": [{"column": "a"}, {"column": 1}, {}, "b", {"column": "c"}]},
        Columns(reads=[Column("a", None, "D1"), Column("c", None, "D1")]),
    ),
    ("filter", {"filters": 1}, Columns()),
]


@pytest.mark.parametrize(
    ("kind", "specs", "expected"),
    COLUMNS,
    ids=[f"{i}-{row[0]}" for i, row in enumerate(COLUMNS)],
)
def test_specs_decide_some_columns(kind, specs, expected):
    """Values that are unknown until a run, or no mapping, are no reason to guess."""
    columns = CATALOGUE[kind].columns(specs)

    assert [*columns.reads] == [*expected.reads]
    assert [*columns.adds] == [*expected.adds]
    switches = ("opens", "declares", "resets")
    assert [getattr(columns, name) for name in switches] == [
        getattr(expected, name) for name in switches
    ]


@pytest.mark.parametrize(
    ("kind", "specs", "expected"),
    [
        ("search", {"auto_execute": False}, ("spends",)),
        ("search", {"auto_execute": True}, ("spends", "spends-on-create")),
        ("search", {"auto_execute": None}, ("spends", "spends-on-create")),
        ("search", {"auto_execute": Value("buy")}, ("spends", "spends-on-create")),
        ("append_to_notebook", {"notebook_id": "n"}, ("writes-outside",)),
        (
            "append_to_notebook",
            {"notebook_id": CREATE_NEW},
            ("writes-outside", "creates-storage"),
        ),
    ],
    ids=str,
)
def test_specs_decide_some_effects(kind, specs, expected):
    """Only a plain false keeps a search from buying when it is created."""
    assert expected == CATALOGUE[kind].effects(specs)


@pytest.mark.parametrize(
    ("kind", "specs", "dollars"),
    [
        ("find_email", {}, 0.05),
        ("find_email", {"mode": "Professional"}, 0.05),
        ("find_email", {"mode": "Personal"}, 0.20),
        ("find_email", {"mode": "BOTH"}, None),
        ("find_email", {"mode": ["PERSONAL"]}, None),
        ("company_enrichment", {"find_people": False}, 0.10),
        ("company_enrichment", {"find_people": Value("people")}, None),
        ("company_enrichment", {"tier": Value("tier")}, None),
    ],
    ids=str,
)
def test_specs_decide_some_prices(kind, specs, dollars):
    """What no source prices, or is unknown until a run, has no price."""
    price = CATALOGUE[kind].price(specs)

    assert dollars == (price and price.dollars)


@pytest.mark.parametrize(
    ("fields", "words_are_types", "expected"),
    [
        (None, False, []),
        ("title", False, []),
        ({"a": "int"}, False, [Column("a", None, "I")]),
        ({"a": "int"}, True, [Column("a", "int", "I")]),
        ({"a": "headcount"}, True, [Column("a", None, "I")]),
        ({"a": {"type": "int"}}, False, [Column("a", "int", "I")]),
        ({"a": {"type": 1}}, False, [Column("a", None, "I")]),
        ({"a": 1}, True, [Column("a", None, "I")]),
    ],
    ids=str,
)
def test_columns_of_a_field_map(fields, words_are_types, expected):
    """A bare text is a description in `return_fields`, a type in `input_schema`."""
    found = columns_of(fields, confidence="I", words_are_types=words_are_types)

    assert expected == list(found)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("low", "low"),
        ("true", True),
        ("10", 10),
        ("LEAD (inferred)", "LEAD"),
        ("as many as there are", None),
        ("undocumented", None),
        ("null", None),
        (None, None),
    ],
)
def test_value_of_a_documented_default(words, value):
    """The words of a default begin with its value, if they state one."""
    assert Fact("D", "x", default=words).value == value


def test_target_of_an_effect_is_unknown_by_default():
    """A class says what an effect reaches, if anything is known of that."""
    assert FindEmail.effect_target({}, "writes-outside") is None
