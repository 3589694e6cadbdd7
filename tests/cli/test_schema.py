"""`flow64 schema`: JSON Schemas, for editors and other tools."""

from __future__ import annotations

import json
import tomllib

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from flow64.cli.schema import SCHEMAS
from tests.catalogue.answer import ANSWER


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder without a project."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def schema_of(flow64):
    """Print a schema, and judge it by its metaschema."""

    def print_schema(*words):
        code, printed, told = flow64("schema", *words)
        assert (code, told) == (0, "")
        schema = json.loads(printed)
        older = schema["$schema"].startswith("http://json-schema.org/draft-07/")
        judge = Draft7Validator if older else Draft202012Validator
        judge.check_schema(schema)
        return judge(schema)

    return print_schema


def test_lists(flow64):
    """Without a name, all schemas are listed."""
    code, printed, _ = flow64("schema")
    _, data, _ = flow64("schema", "--json")

    assert code == 0
    assert [line.split()[0] for line in printed.splitlines()] == [*SCHEMAS]
    assert [one["name"] for one in json.loads(data)] == [*SCHEMAS]


@pytest.mark.parametrize("name", SCHEMAS)
def test_valid(name, schema_of):
    """Each schema is one, and is the same each time."""
    assert schema_of(name).schema == schema_of(name, "--json").schema


def test_unknown(flow64):
    """Another name is an error that names the right one."""
    assert flow64("schema", "manifst")[0] == 64
    assert "did you mean 'manifest'?" in flow64("schema", "manifst")[2]
    assert "there are create, definition," in flow64("schema", "xyz")[2]


def test_saved_list(folder, schema_of):
    """The specs are those of the saved list of the project, or of a named one."""
    (folder / "answer.json").write_text(json.dumps(ANSWER), "utf-8")

    plain = schema_of("create").schema
    named = schema_of("create", "--blocks", "answer.json").schema
    settings = '[tool.flow64]\nblocks = "answer.json"\n'
    (folder / "pyproject.toml").write_text(settings, "utf-8")

    assert "score_lead" not in json.dumps(plain)
    assert "score_lead" in json.dumps(named)
    assert schema_of("create").schema == named


def test_compiled_folder(leads, flow64, schema_of, folder):
    """What `flow64 compile` writes is valid."""
    assert flow64("compile", str(leads), "-o", "compiled")[0] == 0

    body = json.loads((folder / "compiled/inbound.json").read_text("utf-8"))
    manifest = json.loads((folder / "compiled/flow64.json").read_text("utf-8"))
    schema_of("create").validate(body)
    schema_of("definition").validate(body["workflow_definition"])
    schema_of("manifest").validate(manifest)
    assert not schema_of("create").is_valid(manifest)


def test_project(flow64, schema_of, folder):
    """The settings that `flow64 init` writes are valid."""
    assert flow64("init", "new", "--namespace", "acme.example")[0] == 0

    data = tomllib.loads((folder / "new/pyproject.toml").read_text("utf-8"))
    schema_of("settings").validate(data["tool"]["flow64"])
    schema_of("pyproject").validate(data)
    assert not schema_of("pyproject").is_valid({"tool": {"flow64": {"surce": "x"}}})
