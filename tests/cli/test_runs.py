"""Commands about runs and workflows that are there: watch, results, runs, list, ..."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flow64 import Client
from flow64.cli._terminal import Console, draw_on, print_message
from flow64.cli.watch import BarDisplay
from flow64.client import (
    BlockDone,
    BlockFailed,
    BlockStarted,
    Finished,
    Progress,
    Queued,
    Running,
)
from flow64.emulator import Switches
from flow64.loading import load_source
from tests.service.mishaps import Fault

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def run_id(service, leads, people, flow64):
    """A run that has completed."""
    flow64("deploy", "leads.py", "--yes")
    options = ["--new", "--yes", "--every", "0.01"]
    return flow64("run", "leads.py", "people.csv", *options)[1].strip()


@pytest.fixture
def forked_run(service, forked, people, flow64):
    """A run that has completed, of a workflow that ends in two blocks."""
    flow64("deploy", "leads.py", "--yes")
    options = ["--new", "--yes", "--every", "0.01"]
    return flow64("run", "leads.py", "people.csv", *options)[1].strip()


@pytest.fixture
def going(service, leads, people, flow64):
    """A run that goes on for a long time."""
    flow64("deploy", "leads.py", "--yes")
    service.switches = Switches(speed=30)
    options = ["--new", "--yes", "--no-wait"]
    run_id = flow64("run", "leads.py", "people.csv", *options)[1].strip()
    yield run_id
    with Client(journal=None) as client:
        client.runs.cancel(run_id)


# -- watch ----------------------------------------------------------------------------


def test_watch(run_id, flow64):
    """Progress goes to stderr, and the final status to stdout."""
    code, printed, told = flow64("watch", run_id)

    assert (code, printed) == (0, "completed\n")
    assert told.splitlines()[-2:] == ["2 lead_enrichment: done, 2 rows", "completed"]


def test_watch_json(run_id, flow64):
    """With --json each event is a line of its own."""
    code, printed, told = flow64("watch", run_id, "--json")

    events = [json.loads(line) for line in printed.splitlines()]
    assert (code, told) == (0, "")
    head = {"format_version": 1, "run_id": run_id}
    assert events[0] == {
        **head,
        "event": "block-started",
        "number": 1,
        "name": "webhook",
        "total": 2,
    }
    end = {"event": "finished", "status": "completed", "reason": None, "empty": None}
    assert events[-1] == {**head, **end}


def test_watch_cancelled(going, flow64):
    """A run that ended otherwise is an error."""
    cancelled = flow64("cancel", going)

    code, printed, told = flow64("watch", going)

    assert cancelled[:2] == (0, "cancelled\n")
    assert (code, printed) == (1, "cancelled\n")
    assert f"error: run {going} ended as cancelled" in told


def test_watch_timeout(going, flow64):
    """After a timeout the run goes on, and the command to follow it is printed."""
    code, _, told = flow64("watch", going, "--timeout", "0.01", "--every", "0.01")

    assert (code, f"flow64 watch {going}" in told) == (1, True)


def test_watch_interrupted(run_id, flow64, monkeypatch):
    """Ctrl-C leaves it going, with the line that resumes, also in an environment."""

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("flow64.cli.watch.follow_run", stopped)

    code, printed, told = flow64("watch", run_id, "--env", "two words")

    assert (code, printed) == (130, "")
    assert told.endswith(
        f"the run goes on; follow it again: flow64 watch {run_id} --env 'two words'\n"
    )


@pytest.mark.parametrize(
    "command", [["watch"], ["cancel"], ["results", "-o", "out"]], ids=lambda c: c[0]
)
def test_no_such_run(service, flow64, command):
    """A run that is not there is one message."""
    name, *options = command
    code, printed, told = flow64(name, NOWHERE, *options)

    assert (code, printed, told.startswith("error: GET /workflows/runs/")) == (
        1,
        "",
        True,
    )


# -- Bars -----------------------------------------------------------------------------

EVENTS = [
    Queued(),
    Running(),
    BlockStarted(1, "web[bold]hook\x1b]8;;x"),
    Progress(1, "webhook", 1, 2, 50.0),
    Progress(2, "odd", 1, None, 250.0),
    BlockDone(1, "webhook", 2),
    BlockDone(2, "odd"),
    BlockFailed(3, "find", "failed", "no\x1b[31m credits"),
    BlockFailed(4, "other", "timeout"),
    Finished("failed", "no credits"),
]


def test_bars(tmp_path):
    """Each block is a bar with counts; no name steers the terminal."""
    with (tmp_path / "screen").open("w+", encoding="utf-8") as screen:
        console = Console(
            file=screen, force_terminal=True, color_system=None, width=100
        )
        with draw_on(console), BarDisplay(console) as drawn:
            for event in EVENTS:
                drawn.show(event)
            print_message("told meanwhile")
        screen.seek(0)
        text = screen.read()

    lines = [line.rstrip() for line in text.splitlines()]
    assert any(line.endswith("told meanwhile") for line in lines)
    assert "\x1b[31m" not in text
    assert "\x1b]" not in text
    last = "\n".join(lines[-6:])
    for words in (
        " failed ",
        "web[bold]hook\\x1b]8;;x",
        "done, 2 rows",
        "failed: no\\x1b[31m credits",
        "timeout",
    ):
        assert words in last


# -- results --------------------------------------------------------------------------


def test_results(run_id, flow64):
    """The final file is saved as it is; one that is there is kept."""
    code, printed, _ = flow64("results", run_id, "-o", "out")
    again, _, told = flow64("results", run_id, "-o", "out")

    (path,) = printed.splitlines()
    rows = json.loads(Path(path).read_text("utf-8"))
    assert (code, again, rows[1]["company"]) == (0, 1, "=1+1")
    assert told.endswith("name another place, or say --overwrite\n")
    assert flow64("results", run_id, "-o", "out", "--overwrite")[0] == 0


def test_results_of_all(run_id, flow64):
    """The files of all stages, or of one."""
    _, every, _ = flow64("results", run_id, "-o", "out", "--all", "--json")
    _, first, _ = flow64("results", run_id, "-o", "one", "--block", "1", "--json")

    names = [path.name for path in sorted(Path("out").iterdir())]
    assert [Path(path).name for path in json.loads(every)["files"]] == names
    assert json.loads(first)["files"] == [f"one/{names[0]}"]


@pytest.mark.parametrize(
    ("options", "count"), [([], 1), (["--all"], 2), (["--block", "1"], 1)]
)
def test_results_as_safe_csv(run_id, flow64, options, count):
    """With `--safe-csv` they are safe for spreadsheets, with a note."""
    options = ["-o", "out", "--safe-csv", *options]

    code, printed, told = flow64("results", run_id, *options)

    texts = [Path(path).read_text("utf-8") for path in printed.splitlines()]
    assert (code, len(texts)) == (0, count)
    assert all(",'=1+1" in text for text in texts)
    assert told == "text that a spreadsheet might run has a ' before it\n"
    assert flow64("results", run_id, *options)[0] == 1


@pytest.mark.parametrize("options", [[], ["--safe-csv"]], ids=["exact", "safe"])
def test_results_of_several_ends(forked_run, flow64, options):
    """None of them is picked silently; the names that are given can be used."""
    code, printed, told = flow64("results", forked_run, "-o", "out", *options)

    named = re.search(r"ends in several blocks: (\S+), (\S+)\n", told)
    codes = [
        flow64("results", forked_run, "-o", name, "--block", name, *options)[0]
        for name in named.groups()
    ]
    assert (code, printed, Path("out").exists(), codes) == (1, "", False, [0, 0])
    assert told.endswith(f"name one: --block {named[2]}\n")


@pytest.fixture
def unproven(service, run_id, monkeypatch):
    """A run with files that are not proven to be complete."""
    members = {"file_size": None, "row_count": 0, "results": None}
    path = "/workflows/runs/*/results/download-links"
    service.faults.add(Fault("rewrite", path=path, members=members, times=None))
    monkeypatch.setattr("flow64.runs._download._proves_end", lambda *_: False)
    return run_id


@pytest.mark.parametrize("options", [[], ["--safe-csv"]], ids=["exact", "safe"])
def test_results_that_nothing_proves(unproven, flow64, options):
    """They are kept with `--allow-unproven`, up to a number of bytes."""
    command = ["results", unproven, "-o", "out", *options]

    refused = flow64(*command)
    large = flow64(*command, "--allow-unproven", "--max-bytes", "10")
    kept = flow64(*command, "--allow-unproven")

    assert (refused[0], large[0], kept[0]) == (1, 1, 0)
    assert "nothing proves that it is complete" in refused[2]
    assert "(--allow-unproven) to keep it as it came" in refused[2]
    assert "more than max_bytes=10 bytes" in large[2]
    (path,) = kept[1].splitlines()
    assert Path(path).stat().st_size > 10


# -- The rest -------------------------------------------------------------------------


def test_cancel_what_has_ended(run_id, flow64):
    """Cancelling a run that has ended changes nothing, and is not an error."""
    code, printed, told = flow64("cancel", run_id, "--json")

    assert (code, json.loads(printed), told) == (
        0,
        {
            "format_version": 1,
            "run_id": run_id,
            "env": "default",
            "status": "completed",
        },
        "nothing was cancelled: the run had ended before\n",
    )


def test_runs(run_id, flow64):
    """Runs are listed, of all workflows or of one, by code or by id."""
    workflow_id = load_source("leads.py").only.workflow.id()
    sources = ([], ["leads.py:inbound"], [workflow_id], [NOWHERE])
    outcomes = [flow64("runs", *source) for source in sources]

    everything, by_code, by_id, none = outcomes
    assert everything[1].startswith(f"{run_id}  completed  20")
    assert everything[1].endswith("  Inbound leads\n")
    assert everything == by_code == by_id
    assert none[0] in (0, 1)
    assert none[1] == ""


def test_runs_as_json(run_id, flow64):
    """With --json they are what the service answers."""
    _, printed, _ = flow64("runs", "--limit", "1", "--status", "completed", "--json")

    (one,) = json.loads(printed)["runs"]
    assert (one["run_id"], one["status"]) == (run_id, "completed")


def test_list(service, leads, namespace, flow64):
    """Workflows are listed with what deployed them, and nothing that steers."""
    flow64("deploy", "leads.py", "--yes")
    with Client(journal=None) as client:
        made = client.workflows.create(
            load_source("leads.py").only.workflow, env="other"
        )
        client.workflows.update(made.id, name="By hand\x1b[31m")

    _, printed, _ = flow64("list")
    _, data, _ = flow64("list", "--json")

    workflow_id = load_source("leads.py").only.workflow.id()
    lines = [re.split(" {2,}", line) for line in printed.splitlines()]
    path = f"ns:{namespace}/project:growth/workflow:inbound"
    assert [line[1] for line in lines] == [
        one["workflow_id"] for one in json.loads(data)["workflows"]
    ]
    by_id = {line[1]: line for line in lines}
    assert by_id[workflow_id] == ["inbound", workflow_id, "ours", "Inbound leads", path]
    assert by_id[made.id][3:] == ["By hand\\x1b[31m", "-"]
