"""Commands about runs that are there: watch, results, runs, cancel, list."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest

from flow64 import Client
from flow64.api.answers import BlockStatus, LiveStatus
from flow64.cli import watch
from flow64.cli.printing import Console
from flow64.runs.watch import Event


@pytest.fixture
def run_id(service, leads, people, flow64):
    """A run that has completed."""
    flow64("deploy", "leads.py", "--yes")
    options = ["--new", "--yes"]
    return flow64("run", "leads.py", "people.csv", *options)[1].strip()


def test_list_shows_what_runs_by_itself(run_id, flow64, service):
    line = flow64("list")[1]
    with Client(base_url=service.url, journal=None) as client:
        (workflow,) = client.workflows.list()
        client.schedules.create(workflow.id, "weekdays", "0 9 * * 1-5")

    assert flow64("list")[1] == line.replace("  Inb", "  0 9 * * 1-5 UTC  Inb") != line
    (entry,) = json.loads(flow64("list", "--json")[1])["workflows"]
    assert entry["schedules"] == ["0 9 * * 1-5 UTC"]


# -- watch ----------------------------------------------------------------------------


def test_watch_as_json(run_id, flow64):
    """Each event is a line."""
    code, printed, _ = flow64("watch", run_id, "--json")

    events = [json.loads(line) for line in printed.splitlines()]
    assert (code, {event["run_id"] for event in events}) == (0, {run_id})
    assert (events[-1]["kind"], events[-1]["status"]) == ("ended", "completed")


def test_run_that_did_not_complete_is_a_failure(run_id, flow64, monkeypatch):
    """Its reason is told."""
    block = BlockStatus("find_email", 2, "failed", error_message="no credits")
    seen = LiveStatus("failed", blocks=[block])
    monkeypatch.setattr("flow64.api.calls.live_status", lambda *_: seen)

    code, printed, told = flow64("watch", run_id)

    assert (code, printed) == (1, "failed\n")
    assert f"error: run {run_id} ended as failed: find_email: no credits" in told


def test_run_is_named_by_its_beginning_or_by_latest(run_id, flow64):
    """`cancel` takes no `latest`, which may be another's. What has ended stays so."""
    for command in (["watch"], ["results", "-o", "x"], ["cancel"]):
        assert flow64(*command, run_id[:6])[0] == 0
        for unknown in ("ffff", run_id[:2], "00000000-0000-4000-8000-000000000000"):
            assert flow64(*command, unknown)[0] == 64
    assert flow64("watch", "latest")[:2] == (0, "completed\n")
    assert flow64("cancel", "latest")[0] == 64


def test_bars_follow_the_events_on_a_terminal(monkeypatch):
    page = io.StringIO()
    console = Console(file=page, force_terminal=True, width=100)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(watch.printing, "stderr", lambda: console)
    run = SimpleNamespace(is_attached=False)
    with watch._open_display(run, as_lines=False) as show:
        show(Event("progress", "running", "find\x1b_email", 2, 1, 4, 25.0))
        show(Event("failed", "failed", "find\x1b_email", 2, text="no credits"))
        show(Event("done", "completed", "webhook", 1, rows=4))

    for words in ("2 find\\x1b_email", "no credits", "1 webhook", "4 rows"):
        assert words in page.getvalue()


# -- results --------------------------------------------------------------------------


def test_results_are_a_file_or_a_folder(run_id, flow64, tmp_path):
    """By the name; nothing is overwritten unless that is wanted."""
    assert flow64("results", run_id, "-o", "rows.csv")[:2] == (0, "rows.csv\n")
    assert flow64("results", run_id, "-o", "all")[:2] == (0, "all/block_2.json\n")
    assert "g@x.example" in flow64("results", run_id, "-o", "-")[1]
    code, printed, _ = flow64("results", run_id, "-o", "both", "--all", "--json")
    assert (code, len(json.loads(printed)["files"])) == (0, 2)
    assert flow64("results", run_id, "-o", "rows.csv")[0] == 1
    assert flow64("results", run_id, "-o", "rows.csv", "--overwrite")[0] == 0
    assert "g@x.example,=1+1" in (tmp_path / "rows.csv").read_text()
