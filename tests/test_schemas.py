"""The JSON Schemas for editors are files, and say what the classes say."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import attrs
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from flow64.analysis import severities_by_code
from flow64.blocks import CATALOGUE, specs_schema
from flow64.environments import Environment, OAuthFile, Settings

ROOT = Path(__file__).parents[1]


def read(name):
    text = files("flow64").joinpath("schemas", f"{name}.schema.json").read_text("utf-8")
    return json.loads(text)


DEFINITION = Draft202012Validator(read("definition"))
PYPROJECT = Draft7Validator(read("pyproject"))
TABLE = read("pyproject")["properties"]["tool"]["properties"]["flow64"]
SPECS = {
    case["if"]["properties"]["block_name"]["const"]: case["then"]["properties"]["specs"]
    for case in read("definition")["$defs"]["block"]["allOf"]
}
VALUE = {"$ref": "#/$defs/value"}


def plain(schema):
    """Return a schema without the values of environments, and without our facts."""
    if isinstance(schema, list):
        return [plain(item) for item in schema if item != VALUE]
    if not isinstance(schema, dict):
        return schema
    kept = {
        ("anyOf" if name == "oneOf" else name): plain(item)
        for name, item in schema.items()
        if name not in ("x-flow64", "$schema")
    }
    if len(kept.get("anyOf", ())) == 1:
        kept |= kept.pop("anyOf")[0]
    return kept


def body(kind, specs):
    block = {
        "sequence_number": 1,
        "block_type": "step",
        "block_name": kind,
        "specs": specs,
    }
    graph = {"blocks": [block], "edges": []}
    return {"workflow_name": "One", "workflow_definition": graph}


@pytest.mark.parametrize("kind", CATALOGUE)
def test_specs_are_those_of_the_class(kind):
    wanted = plain(specs_schema(CATALOGUE[kind]))

    assert plain({**SPECS[kind], "additionalProperties": True}) == wanted
    assert {*SPECS} == {*CATALOGUE}


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*.json")))
def test_examples_are_accepted(file):
    data = json.loads(file.read_text("utf-8"))
    for workflow in data if isinstance(data, list) else [data]:
        DEFINITION.validate(workflow)


@pytest.mark.parametrize(
    ("kind", "specs", "is_accepted"),
    [
        ("webhook", {}, True),
        ("find_email", {"mode": "PROFESSIONAL"}, True),
        ("find_email", {"mode": {"flow64:value": "mode"}}, True),
        ("find_email", {"mode": "BOTH"}, False),
        ("something_new", {"anything": 1}, True),
    ],
)
def test_words_of_a_definition(kind, specs, is_accepted):
    assert DEFINITION.is_valid(body(kind, specs)) is is_accepted


def names(cls):
    return {field.alias for field in attrs.fields(cls)}


def test_settings_are_those_of_the_classes():
    """A credential is `api_key` or `oauth`, and the journal is one for all."""
    environment = TABLE["properties"]["environments"]["additionalProperties"]
    found = {*environment["properties"]} - {"api_key", "oauth"}
    everywhere = {"journal", "history"}

    assert found == names(Environment) - {"name", "credential", "store"} - everywhere
    assert {*environment["properties"]["oauth"]["properties"]} == names(OAuthFile)
    assert {*TABLE["properties"]} == names(Settings) - {"folder", "file"} | everywhere
    rules = TABLE["properties"]["rules"]["properties"]
    known = severities_by_code()
    assert {*rules} == {code for code in known if {*known[code]} != {"error"}}


@pytest.mark.parametrize(
    ("text", "is_accepted"),
    [
        ("", True),
        ('[tool.flow64]\nsource = "pipelines"\n', True),
        ("[tool.flow64]\nsource = 1\n", False),
        ("[tool.flow64]\nsurce = 'a'\n", False),
        ('[tool.flow64.environments.prod]\napi_key = { env = "KEY" }\n', True),
        ('[tool.flow64.environments.prod]\napi_key = "sk_1"\n', False),
        ("[tool.other]\nanything = 1\n", True),
    ],
)
def test_words_of_settings(text, is_accepted):
    assert PYPROJECT.is_valid(tomllib.loads(text)) is is_accepted


def test_settings_of_a_new_project_are_accepted():
    template = ROOT / "src/flow64/cli/_template/project/pyproject.toml.txt"
    PYPROJECT.validate(tomllib.loads(template.read_text("utf-8")))
