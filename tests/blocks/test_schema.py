"""The catalogue as JSON Schema, and its docstrings as text."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from attrs import frozen
from jsonschema import Draft202012Validator

from flow64.blocks import (
    CATALOGUE,
    CatalogueBlock,
    Fact,
    FindEmail,
    OutgoingWebhook,
    facts_of,
    field_docs,
    specs_schema,
)
from flow64.dsl import Passthrough

GOOD = [
    (
        "webhook",
        {
            "input_schema": {"email": "string", "company": {"type": "str"}},
            "dataframe_type": "LEAD",
        },
    ),
    ("read_csv", {}),
    ("read_csv", {"dataframe_type": "COMPANY", "resource_handle_id": "h"}),
    ("search", {"query": "q", "dataframe_type": "LEAD", "max_results": 300}),
    ("lead_enrichment", {"return_fields": {"title": "string"}}),
    (
        "company_enrichment",
        {
            "find_people": True,
            "return_fields": {"size": {"description": "Staff", "type": "int"}},
        },
    ),
    ("find_email", {}),
    ("find_email", {"mode": "PERSONAL", "providers": ["a"], "unheard_of": 1}),
    ("filter", {"filters": [{"column": "a", "operator": "is_empty"}]}),
    (
        "filter",
        {"filters": [{"column": "a", "operator": "in", "value": [1], "logic": "and"}]},
    ),
    (
        "qa_agent",
        {
            "qualification_criteria": [
                {"criteria_name": "a", "description": "b", "threshold": 8.0}
            ],
            "references": [{"a": "b"}],
            "max_tool_calls": 10,
        },
    ),
    ("llm_openai", {"anything": [{"goes": None}]}),
    ("company_to_leads", {}),
    ("outgoing_webhook", {"url": "https://example.com", "timeout_seconds": 10}),
]

BAD = [
    ("webhook", {"dataframe_type": "lead"}, "dataframe_type"),
    ("webhook", {"dataframe_type": "LEAD", "input_schema": ["a"]}, "input_schema"),
    ("webhook", {"dataframe_type": "LEAD", "input_schema": {"a": 1}}, "a"),
    ("search", {"dataframe_type": "LEAD"}, "query"),
    ("search", {"query": "q", "dataframe_type": "LEAD", "max_results": "9"}, "max"),
    ("lead_enrichment", {"return_fields": {"a": "b"}, "tier": "huge"}, "tier"),
    ("company_enrichment", {"return_fields": {}, "find_people": "yes"}, "find_people"),
    ("find_email", {"mode": "personal"}, "mode"),
    ("find_email", {"providers": "a"}, "providers"),
    ("filter", {}, "filters"),
    ("filter", {"filters": [{"column": "a", "operator": "eq"}]}, "operator"),
    ("filter", {"filters": [{"operator": "equals"}]}, "column"),
    ("qa_agent", {"references": [{"a": 1}]}, "references"),
    (
        "qa_agent",
        {"qualification_criteria": [{"criteria_name": "a"}]},
        "description",
    ),
    ("append_to_notebook", {}, "notebook_id"),
    ("outgoing_webhook", {"url": "https://x", "timeout_seconds": True}, "timeout"),
]


@pytest.mark.parametrize("cls", CATALOGUE.values(), ids=CATALOGUE)
def test_every_schema_is_a_schema(cls):
    """2020-12, with the kind as title and a description of each field."""
    schema = specs_schema(cls)

    Draft202012Validator.check_schema(schema)
    assert schema["title"] == cls.kind
    assert schema["description"]
    assert all(field["description"] for field in schema["properties"].values())
    assert [n for n in facts_of(cls) if n != "specs"] == list(schema["properties"])


@pytest.mark.parametrize(
    ("kind", "specs"), GOOD, ids=[f"{i}-{row[0]}" for i, row in enumerate(GOOD)]
)
def test_specs_that_fit(kind, specs):
    """What the documents show passes, and so do unknown fields."""
    assert not list(
        Draft202012Validator(specs_schema(CATALOGUE[kind])).iter_errors(specs)
    )


@pytest.mark.parametrize(
    ("kind", "specs", "where"), BAD, ids=[f"{i}-{row[0]}" for i, row in enumerate(BAD)]
)
def test_specs_that_do_not_fit(kind, specs, where):
    """Each has one fault, and the schema names it."""
    schema = Draft202012Validator(specs_schema(CATALOGUE[kind]))

    (fault,) = schema.iter_errors(specs)

    assert where in f"{fault.json_path} {fault.message}"


def test_a_schema_in_full():
    """The docstrings and facts of a class are all there is in its schema."""
    assert specs_schema(OutgoingWebhook) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "outgoing_webhook",
        "description": (
            "Post the rows of a run to an address of yours, in one signed request."
            "\n\n"
            "Deliveries are unsigned until the organisation has a signing secret "
            "(documented)."
        ),
        "type": "object",
        "properties": {
            "url": {
                "type": "string",
                "description": (
                    "Absolute https URL to post to (inferred from the rule for "
                    "`webhook_url`)."
                ),
                "x-flow64": {"confidence": "D", "source": "PW, OUT"},
            },
            "timeout_seconds": {
                "type": "integer",
                "description": (
                    "Seconds to wait for an answer; the default is undocumented."
                ),
                "x-flow64": {"confidence": "D", "source": "PW", "unit": "seconds"},
            },
        },
        "required": ["url"],
        "additionalProperties": True,
    }


def test_a_schema_is_the_callers_to_change():
    """Nothing that a caller does to one schema shows in the next."""
    specs_schema(CATALOGUE["webhook"])["properties"]["input_schema"].clear()

    assert specs_schema(CATALOGUE["webhook"])["properties"]["input_schema"]


def test_docstrings_are_inherited():
    """A class says what it says itself, and what its bases say."""
    docs = field_docs(FindEmail)

    assert docs["mode"] == "The kind of address to find, in upper case."
    assert docs["kind"] == "What the service calls the block (`block_name`)."


@frozen(eq=False, repr=False, kw_only=True)
class Homemade(Passthrough, CatalogueBlock):
    options: Annotated[Mapping[str, Any], Fact("D", "us", required=True)]


def test_a_field_without_docstring_has_an_empty_description():
    """A class of one's own may say less."""
    schema = specs_schema(Homemade)

    assert schema["properties"]["options"]["description"] == ""
    assert schema["description"] == ""
    assert "options" not in field_docs(Homemade)


def test_a_class_without_source_has_no_docs_of_its_own(monkeypatch):
    """Where only compiled code is at hand, the inherited docs remain if they can."""
    made = frozen(eq=False, repr=False, kw_only=True)(
        type("Sealed", (Homemade,), {"__module__": "sealed"})
    )
    monkeypatch.setitem(sys.modules, "sealed", types.ModuleType("sealed"))

    assert "label" in field_docs(made)


def test_docs_are_those_of_the_module_that_is_loaded(monkeypatch, tmp_path):
    """Sources may have modules of one name, of which one is unloaded first."""
    found = []
    for text in ("First.", None, "Second."):
        monkeypatch.delitem(sys.modules, "twice", raising=False)
        if text is not None:
            file = tmp_path / text / "twice.py"
            file.parent.mkdir()
            file.write_text(f'class Twice:\n    note: str\n    """{text}"""\n', "utf-8")
            loaded = types.ModuleType("twice")
            loaded.__file__ = str(file)
            monkeypatch.setitem(sys.modules, "twice", loaded)
        made = type("Twice", (Homemade,), {"__module__": "twice"})
        found.append(field_docs(made).get("note"))

    assert found == ["First.", None, "Second."]
