"""Commands about runs that are there: watch, results, runs, cancel, list."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from flow64.api.calls import BlockStatus, LiveStatus
from flow64.cli import watch
from flow64.cli.printing import Console
from flow64.runs.watch import Event


@pytest.fixture
def run_id(service, leads, people, flow64):
    """A run that has completed."""
    flow64("deploy", "leads.py", "--yes")
    options = ["--new", "--yes"]
    return flow64("run", "leads.py", "people.csv", *options)[1].strip()


@pytest.fixture
def forked_run(service, forked, people, flow64):
    """A run that has completed, of a workflow that ends in two blocks."""
    flow64("deploy", "leads.py", "--yes")
    options = ["--new", "--yes"]
    return flow64("run", "leads.py", "people.csv", *options)[1].strip()


# -- watch ----------------------------------------------------------------------------


def test_watch_follows_a_run_to_its_end(run_id, flow64):
    """Progress goes to stderr, the status to stdout."""
    code, printed, told = flow64("watch", run_id)

    assert (code, printed) == (0, "completed\n")
    assert told.endswith("2 lead_enrichment: done, 2 rows\n")


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


@pytest.mark.parametrize("command", [("watch",), ("results", "-o", "x"), ("cancel",)])
def test_a_run_is_named_by_its_beginning(run_id, flow64, command):
    """If it is the only one; `cancel` takes no `latest`, which may be another's."""
    name, *options = command

    assert flow64(name, run_id[:6], *options)[0] == 0
    assert flow64(name, "latest", *options, "-q")[0] in (0, 1, 64)
    for wrong in ("ffff", run_id[:2], "00000000-0000-4000-8000-000000000000"):
        assert flow64(name, wrong, *options)[0] in (1, 64)


def test_latest_run_is_not_cancelled_by_that_name(run_id, flow64):
    assert flow64("watch", "latest")[0] == 0
    assert flow64("results", "latest", "-o", "rows.csv")[0] == 0
    assert flow64("cancel", "latest")[0] == 64


def test_bars_follow_the_events_on_a_terminal(tmp_path, monkeypatch):
    events = [
        Event("status", "running"),
        Event("progress", "running", "find\x1b_email", 2, 1, 4, 25.0),
        Event("failed", "failed", "find\x1b_email", 2, text="no credits"),
        Event("done", "completed", "webhook", 1, rows=4),
        Event("ended", "failed", text="no credits"),
    ]
    with (tmp_path / "terminal").open("w+", encoding="utf-8") as file:
        console = Console(file=file, force_terminal=True, width=100)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(watch.printing, "stderr", lambda: console)
        with watch._open_display(
            SimpleNamespace(is_attached=False), as_lines=False
        ) as show:
            for event in events:
                show(event)
        file.seek(0)
        shown = file.read()

    for words in ("2 find\\x1b_email", "no credits", "1 webhook", "4 rows"):
        assert words in shown


# -- results --------------------------------------------------------------------------


def test_results_are_a_file_or_a_folder(run_id, flow64, tmp_path):
    """By the name; nothing is overwritten unless that is wanted."""
    assert flow64("results", run_id, "-o", "rows.csv")[:2] == (0, "rows.csv\n")
    assert flow64("results", run_id, "-o", "folder")[:2] == (
        0,
        "folder/block_2.json\n",
    )
    code, printed, _ = flow64("results", run_id, "-o", "all", "--all", "--json")
    assert (code, len(json.loads(printed)["files"])) == (0, 2)
    assert flow64("results", run_id, "-o", "rows.csv")[0] == 1
    assert flow64("results", run_id, "-o", "rows.csv", "--overwrite")[0] == 0
    assert "g@x.example,=1+1" in (tmp_path / "rows.csv").read_text()


def test_results_of_one_block(forked_run, flow64, tmp_path):
    """By its number, or by its kind."""
    for block in ("1", "webhook"):
        options = "-o", f"{block}.json", "--block", block
        assert flow64("results", forked_run, *options)[0] == 0
        rows = json.loads((tmp_path / f"{block}.json").read_text())
        assert [*rows[0]] == ["email", "company"]
    code, _, told = flow64("results", forked_run, "-o", "x.json", "--block", "nothing")
    assert (code, "no block has the key path" in told) == (1, True)
    assert flow64("results", forked_run, "-o", "x", "--block", "1", "--all")[0] == 64


# -- The others -----------------------------------------------------------------------


def test_runs_are_listed(run_id, flow64):
    """Of all workflows, or of one."""
    code, printed, _ = flow64("runs")

    assert (code, printed.split()[:2]) == (0, [run_id, "completed"])
    assert printed.endswith("Inbound leads\n")
    assert run_id in flow64("runs", "leads.py")[1]
    listed = json.loads(flow64("runs", "--json")[1])["runs"]
    assert [run["run_id"] for run in listed] == [run_id]
    assert flow64("runs", "--status", "cancelled")[2] == "there are no runs\n"


def test_cancel_keeps_the_end_of_a_run(run_id, flow64):
    """It has completed before."""
    code, printed, _ = flow64("cancel", run_id)

    assert (code, printed) == (0, "completed\n")
