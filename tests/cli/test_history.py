"""`flow64 history`: what was replaced, newest first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.pipelines import id_of, methods, written


@pytest.fixture
def replaced(service, leads, flow64):
    """Two definitions that were replaced: by an update, and by a forced one."""
    flow64("deploy", "leads.py", "--yes")
    leads.write_text(leads.read_text("utf-8").replace("Inbound", "New"), "utf-8")
    flow64("deploy", "leads.py", "--yes")
    service.edit(id_of("leads.py"), name="By hand\x1b[31m")
    flow64("deploy", "leads.py", "--yes", "--force", "inbound")
    return service


def test_newest_first(replaced, flow64):
    """Time, environment, key, what replaced it, and its file."""
    before = len(replaced.requests)

    code, printed, told = flow64("history")

    lines = [line.split("  ") for line in printed.splitlines()]
    assert (code, told, methods(replaced, before)) == (0, "", [])
    assert [[one.strip() for one in line if one][1:4] for line in lines] == [
        ["default", "inbound", "an update by --force"],
        ["default", "inbound", "an update"],
    ]
    assert lines[0][0] > lines[1][0]
    assert all(Path(line[-1].strip()).is_file() for line in lines)


def test_only_the_newest(replaced, flow64):
    whole = json.loads(flow64("history", "--json")[1])["entries"]

    _, printed, _ = flow64("history", "-n", "1", "--json")

    assert json.loads(printed)["entries"] == whole[:1]
    assert flow64("history", "-n", "0")[0] == 64


def test_json(replaced, flow64):
    """Names are exact there; what was live is in its file."""
    _, printed, _ = flow64("history", "inbound", "--json")

    data = json.loads(printed)["entries"]
    assert [(one["name"], one["replaced_by"]) for one in data] == [
        ("By hand\x1b[31m", "forced"),
        ("Inbound leads", "update"),
    ]
    assert set(data[0]) == {
        "at",
        "key",
        "workflow_id",
        "env",
        "endpoint",
        "replaced_by",
        "withheld",
        "name",
        "file",
    }


def test_what_is_not_in_a_file_is_said(service, flow64, tmp_path, namespace):
    """Behind the file, and as data."""
    flow = "Webhook(LEAD) >> OutgoingWebhook(url=value('hook', secret=True))"
    values = {"hook": "https://crm.example.com/hooks/not-a-real-token"}
    (tmp_path / "values.json").write_text(json.dumps(values), "utf-8")
    source = written(tmp_path, namespace, f"w = made('w', {flow})")
    options = ("--yes", "--values", "values.json", "--force", "w")
    flow64("deploy", source, *options[:3])
    url = {"url": "https://example.com/by-hand"}
    service.edit(id_of(source), specs={"outgoing_webhook": url})
    assert flow64("deploy", source, *options)[0] == 0

    line = flow64("history")[1]
    (entry,) = json.loads(flow64("history", "--json")[1])["entries"]

    place = "/workflow_definition/blocks/1/specs/url"
    assert line.endswith(f".json  without {place}\n")
    assert entry["withheld"] == [place]
    assert "by-hand" not in Path(entry["file"]).read_text("utf-8")


def test_of_one(replaced, leads, flow64):
    """By its key or by its id, and of one environment."""
    by_key = flow64("history", "inbound")[1]
    by_id = flow64("history", id_of("leads.py"))[1]
    elsewhere = flow64("history", "--env", "prod")

    assert by_key == by_id == flow64("history")[1]
    assert elsewhere == (0, "", "nothing was replaced in prod yet\n")


def test_unknown_key(replaced, flow64):
    code, printed, told = flow64("history", "inbuond")

    assert (code, printed) == (64, "")
    assert "there is no workflow 'inbuond' (did you mean 'inbound'?)" in told


def test_nothing_yet(leads, flow64, monkeypatch):
    """Neither a key nor a service is needed."""
    # That of the working folder; the other one is shared by all tests.
    monkeypatch.delenv("FLOW64_HISTORY")
    assert flow64("history") == (0, "", "nothing was replaced yet\n")
    code, printed, _ = flow64("history", "inbound", "--json")
    assert (code, json.loads(printed)["entries"]) == (0, [])


def test_another_folder(replaced, flow64, monkeypatch, tmp_path):
    """`FLOW64_HISTORY` takes precedence, for reading as for writing."""
    monkeypatch.setenv("FLOW64_HISTORY", str(tmp_path / "elsewhere"))

    assert flow64("history") == (0, "", "nothing was replaced yet\n")


def test_a_file_that_is_broken(replaced, flow64, tmp_path):
    path = next((tmp_path / ".flow64/history").glob("*.json"))
    path.write_text("{", "utf-8")

    code, printed, told = flow64("history")

    assert (code, printed) == (1, "")
    assert f"{path}: it is not an entry of a history" in told
