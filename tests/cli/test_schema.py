"""`flow64 schema`: JSON Schemas, for editors and other tools."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from flow64.cli.schema import SCHEMAS

pytestmark = pytest.mark.unmeasured

REVIEWS = sorted((Path(__file__).parents[1] / "review/golden").glob("*.json"))


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
    assert [one["name"] for one in json.loads(data)["schemas"]] == [*SCHEMAS]


@pytest.mark.parametrize("name", SCHEMAS)
def test_valid(name, schema_of):
    """Each schema is one, and is the same each time."""
    assert schema_of(name).schema == schema_of(name, "--json").schema


def test_unknown(flow64):
    """Another name is an error that names the right one."""
    assert flow64("schema", "manifst")[0] == 64
    assert "did you mean 'manifest'?" in flow64("schema", "manifst")[2]
    assert "there are create, definition," in flow64("schema", "xyz")[2]


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


FAULTY = """
from flow64 import LEAD, Workflow
from flow64.blocks import FindEmail, Webhook

wrong = Workflow("Wrong", Webhook(LEAD) >> FindEmail(mode="nope"), key="wrong")
"""


def test_findings(flow64, schema_of, folder):
    """Findings of workflows and of files that cannot be loaded are valid."""
    (folder / "faulty").mkdir()
    (folder / "faulty/wrong.py").write_text(FAULTY, "utf-8")
    (folder / "faulty/broken.py").write_text("raise ValueError", "utf-8")

    data = json.loads(flow64("check", "faulty", "--json")[1])
    found = data["findings"]
    assert {one["key"] for one in found} == {None, "wrong"}
    schema_of("check").validate(data)
    for wrong in ({**found[0], "severity": "fatal"}, {"key": "Wrong"}):
        assert not schema_of("check").is_valid({**data, "findings": [wrong]})


def test_plan(service, leads, flow64, schema_of, folder):
    """Plans of new, changed and deleted workflows are valid, and so are errors."""
    schema = schema_of("plan")

    def plan(*words, by=schema):
        data = json.loads(flow64("plan", *words, "--json")[1])
        by.validate(data)
        return data

    new = plan("leads.py")
    flow64("deploy", "leads.py", "--yes")
    plan("leads.py")
    text = leads.read_text("utf-8")
    leads.write_text(text.replace("Job title", "Title").replace("Inbound", "New"))
    changed = plan("leads.py")
    renamed = text.replace('key="inbound"', 'key="other"')
    leads.write_text(renamed, "utf-8")
    replaced = plan("leads.py", "--prune")
    (folder / "faulty.py").write_text(FAULTY, "utf-8")

    assert new["workflows"][0]["state"] == "new"
    assert changed["workflows"][0]["changes"]
    assert replaced["renames"]
    assert plan("faulty.py", by=schema_of("error"))["error"]["workflows"]
    assert not schema.is_valid({**new, "workflows": [{"key": "inbound"}]})
    state = {**new["workflows"][0], "state": "odd"}
    assert not schema.is_valid({**new, "workflows": [state]})


def test_saved_plan(service, leads, flow64, schema_of, folder):
    """Saved plans are valid, for a new workflow and for one that does not change."""
    schema = schema_of("saved-plan")
    for name in ("new.plan", "same.plan"):
        flow64("plan", "leads.py", "-o", name)
        schema.validate(json.loads((folder / name).read_text("utf-8")))
        flow64("deploy", "leads.py", "--yes")

    data = json.loads((folder / "new.plan").read_text("utf-8"))
    assert not schema.is_valid({**data, "flow64:plan": 2})
    assert not schema.is_valid({**data, "steps": [{}]})


@pytest.mark.parametrize("path", REVIEWS, ids=lambda path: path.stem)
def test_golden_reviews(path, schema_of):
    """All kept reviews are valid."""
    data = {"format_version": 1, **json.loads(path.read_text("utf-8"))}

    schema_of("review").validate(data)
    assert not schema_of("review").is_valid({**data, "format_version": 2})
    assert not schema_of("review").is_valid({**data, "workflows": [{"key": "a"}]})


def test_reviews(service, leads, flow64, schema_of):
    """Reviews of plans are valid, also if nothing changes."""
    for changes in (True, False):
        data = json.loads(flow64("review", "leads.py", "--json")[1])
        schema_of("review").validate(data)
        assert data["is_empty"] is not changes
        flow64("deploy", "leads.py", "--yes")


def test_run(service, leads, people, flow64, schema_of):
    """A run and its estimate are valid."""
    schema = schema_of("run")
    flow64("deploy", "leads.py", "--yes")
    words = ("run", "leads.py:inbound", "people.csv", "--new", "--yes", "--json")
    saved = ("--every", "0.01", "--output", "out.csv")
    for option in (("--dry-run",), saved, ("--no-wait",)):
        code, printed, told = flow64(*words, *option)
        assert code == 0, told
        data = json.loads(printed)
        schema.validate(data)
        assert ("not_counted" in data) is (option == ("--dry-run",))

    for name in ("runs", "list"):
        found = json.loads(flow64(name, "--json")[1])
        schema_of(name).validate(found)
        listed = "runs" if name == "runs" else "workflows"
        (first, *_) = found[listed]
        wrong = {**first, "workflow_id": 1}
        assert not schema_of(name).is_valid({**found, listed: [wrong]})

    assert data["rows"] is None
    assert not schema.is_valid({**data, "rows": "2"})
