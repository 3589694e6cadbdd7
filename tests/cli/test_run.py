"""`flow64 run`: what it shows, asks, starts once, follows and saves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from flow64 import Client
from flow64.emulator import Switches
from flow64.loading import load_source
from tests.cli.pipelines import methods, written
from tests.cli.support import FLOW64, environment
from tests.service.mishaps import Fault

pytestmark = pytest.mark.unmeasured

QUICK = ("--every", "0.01")


@pytest.fixture
def deployed(service, leads, people, flow64):
    """The emulator, with the workflow of `leads.py` on it."""
    flow64("deploy", "leads.py", "--yes")
    return service


@pytest.fixture
def start(deployed, flow64):
    """Run it with options, and give what came of that."""

    def started(*options):
        return flow64("run", "leads.py:inbound", "people.csv", *QUICK, *options)

    return started


def runs():
    """The ids of all runs."""
    with Client(journal=None) as client:
        return [run.job_id for run in client.runs.list()]


def test_run(start, deployed):
    """It says what it does and costs, gives the id of the run, and follows it."""
    code, printed, told = start("--intent", "today", "--yes")

    workflow_id = load_source("leads.py").only.workflow.id()
    assert (code, [printed]) == (0, [f"{run}\n" for run in runs()])
    assert told.startswith(
        f"run          Inbound leads ({workflow_id})\n"
        f"environment  default at {deployed.url}\n"
        "organisation org_"
    )
    assert "rows         2\ncost         up to $0.20: an estimate" in told
    assert told.endswith("completed\n")


def test_same_intent(start):
    """A repeated intent with equal rows is the same run."""
    first, second = (start("--intent", "today", "--yes") for _ in range(2))

    assert (first[:2], len(runs())) == (second[:2], 1)
    assert ["bought now" in told for *_, told in (first, second)] == [False, True]


@pytest.mark.parametrize("option", [["--intent", "tomorrow"], ["--new"]])
def test_another_run(start, option):
    """Another intent, or none at all, is another run."""
    start("--intent", "today", "--yes")
    start(*option, "--yes")

    assert len(runs()) == 2


def test_nameless(start):
    """Without a terminal, the run must be named, even with --yes."""
    code, printed, told = start("--yes")

    assert (code, printed, runs()) == (3, "", [])
    assert "name the run with --intent, as in --intent 2026-W20, or say --new" in told


def test_nobody_agrees(start):
    """Without a terminal, --yes is needed."""
    code, printed, told = start("--intent", "today")

    assert (code, printed, runs()) == (3, "", [])
    assert told.endswith("error: there is no terminal to ask at; agree with --yes\n")


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 3)])
def test_asks(start, answering, answer, code):
    """At a terminal it asks, and the run needs no name."""
    answering(answer)

    assert (start()[0], len(runs())) == (code, code == 0)


def test_dry_run(start, deployed):
    """A dry run prints the estimate, asks nothing, needs no name, and only reads."""
    before = len(deployed.requests)

    code, printed, told = start("--dry-run")

    workflow_id = load_source("leads.py").only.workflow.id()
    lines = printed.splitlines()
    assert (code, told, runs()) == (0, "", [])
    assert lines[0] == f"run          Inbound leads ({workflow_id})"
    assert [line.split()[0] for line in lines[1:]] == [
        "environment",
        "organisation",
        "rows",
        "cost",
    ]
    assert {*methods(deployed, before)} == {"GET"}


def test_dry_run_json(start):
    """The estimate of a dry run is data with --json, also with --yes."""
    code, printed, told = start("--dry-run", "--yes", "--new", "--json")

    found = json.loads(printed)
    assert (code, told, runs()) == (0, "", [])
    assert (found["key"], found["env"]) == ("inbound", "default")
    assert (found["rows"], found["not_counted"]) == ("2", [])
    assert found["cost"].startswith("up to $0.20: an estimate")


def test_dry_run_over_a_limit(start):
    """A dry run refuses what the run would refuse for its cost."""
    code, printed, told = start("--dry-run", "--max-cost", "0.01")

    assert (code, printed, runs()) == (3, "", [])
    assert "0.01" in told


@pytest.mark.parametrize("more", ["--dry-run", "--new"])
def test_rows_are_checked_before_a_request(more, start, deployed, people):
    """A dry run refuses the rows that a run refuses. Neither sends anything."""
    people.write_text("nom\nAda\n")
    before = len(deployed.requests)

    code, printed, told = start(more)

    assert (code, printed, len(deployed.requests)) == (1, "", before)
    assert "row 1 lacks" in told
    assert "it has nom" in told
    assert start("--dry-run", "--no-check-columns")[0] == 0


def test_json(start):
    """With --json it is the run and nothing else."""
    _, printed, _ = start("--new", "--yes", "--json", "--output", "out.csv")

    (run_id,) = runs()
    assert json.loads(printed) == {
        "format_version": 1,
        "key": "inbound",
        "env": "default",
        "run_id": run_id,
        "workflow_id": load_source("leads.py").only.workflow.id(),
        "status": "completed",
        "reason": None,
        "empty": None,
        "is_presumed": False,
        "is_attached": False,
        "output": "out.csv",
        "rows": 2,
    }


def test_no_wait(start):
    """With --no-wait, the command to follow the run is printed."""
    code, printed, told = start("--new", "--yes", "--no-wait")

    assert (code, told.splitlines()[-1]) == (
        0,
        f"follow it: flow64 watch {printed.strip()}",
    )


def test_failed(start, deployed):
    """A failed run is reported with its reason, and only repeated by its id."""
    deployed.switches = Switches(credits=0)
    code, printed, told = start("--intent", "today", "--yes")
    again, _, refused = start("--intent", "today", "--yes")
    deployed.switches = Switches()
    retried, new, _ = start("--retry", printed.strip(), "--yes")

    assert (code, again, retried, new == printed) == (1, 3, 0, False)
    assert f"error: run {printed.strip()} ended as failed" in told
    assert refused.endswith(f"to start it again: --retry {printed.strip()}\n")


def test_stale(start, leads):
    """Other code than is deployed is refused, unless that is meant."""
    leads.write_text(leads.read_text("utf-8").replace("Job title", "Role"), "utf-8")
    refused, _, told = start("--new", "--yes")
    accepted, *_ = start("--new", "--yes", "--stale")

    assert (refused, accepted) == (3, 0)
    assert told.endswith("deploy first: flow64 deploy; or run what is there: --stale\n")


def test_rows_are_missing(deployed, flow64):
    """A run of no rows would have been started for the name, and be the one."""
    code, printed, told = flow64("run", "leads.py:inbound", "--new", "--yes")

    assert (code, printed, runs()) == (64, "", [])
    assert "ROWS is missing" in told


@pytest.mark.parametrize("content", ["", "email,company\n"], ids=["nothing", "header"])
def test_file_without_rows(start, people, content):
    """It would use up the intent for a run of nothing."""
    people.write_text(content, "utf-8")

    code, printed, told = start("--intent", "today", "--yes")

    assert (code, printed, runs()) == (1, "", [])
    assert told == "error: people.csv has no rows; nothing was sent\n"


def test_repeating_pays_again(start, answering):
    """Without an intent, a warning comes before the question."""
    answering("n\n")
    *_, nameless = start()
    answering("n\n")
    *_, named = start("--intent", "today")

    words = "so the same command starts another run, and pays again"
    assert nameless.index(words) < nameless.index("Start it?")
    assert words not in named


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--max-rows", "1"], 3),
        (["--max-rows", "2"], 0),
        (["--max-cost", "0.19"], 3),
        (["--max-cost", "0.2"], 0),
    ],
)
def test_limits(start, options, code):
    """A run that may exceed its limits is refused before anything is sent."""
    assert (start("--new", "--yes", *options)[0], len(runs())) == (code, code == 0)


def test_not_deployed(service, leads, people, flow64):
    """A workflow that is not deployed is not run."""
    code, _, told = flow64("run", "leads.py", "people.csv", "--new", "--yes")

    assert code == 3
    assert told.endswith("it is not deployed\ndeploy it first: flow64 deploy\n")
    assert "organisation" not in told


def test_bad_rows(start, people):
    """Rows that cannot be sent are listed, and nothing is spent."""
    people.write_text("company\nAcme\n", "utf-8")

    code, printed, told = start("--new", "--yes")

    assert (code, printed, runs()) == (1, "", [])
    assert "row 1 lacks email" in told


# -- Saving ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "formula"),
    [(["out.csv"], "=1+1"), (["out.csv", "--safe-csv"], "'=1+1")],
    ids=["exact", "safe"],
)
def test_csv(start, people, options, formula):
    """Rows are saved as they are; on demand no cell is run as a formula."""
    people.write_text("email,company\ng@x.example,=1+1\n", "utf-8")

    code, _, told = start("--new", "--yes", "--output", *options)

    assert code == 0
    assert f"g@x.example,{formula}," in Path("out.csv").read_text("utf-8")
    assert told.endswith("1 row is in out.csv\n")
    assert ("gets a ' before it" in told) == (formula[0] == "'")


@pytest.mark.parametrize("block", ["webhook", "1"])
def test_block(start, block):
    """The rows of one block can be saved in the place of the last."""
    start("--new", "--yes", "--output", "out.ndjson", "--block", block)

    first, *_ = Path("out.ndjson").read_text("utf-8").splitlines()
    assert json.loads(first) == {"email": "ada@acme.example", "company": "Acme"}


ENDS = ["archive", "work/outgoing_webhook"]


@pytest.mark.parametrize("live", [False, True], ids=["code", "live"])
def test_several_ends(service, forked, people, flow64, live):
    """Which rows are saved is asked before they are bought, and nothing is guessed."""
    flow64("deploy", "leads.py", "--yes")
    source = "default:inbound" if live else "leads.py"
    command = ["run", source, "people.csv", "--new", "--yes", "--output", "out.csv"]

    code, printed, told = flow64(*command)
    slip, _, hint = flow64(*command, "--block", "archives")

    assert (code, slip, printed, runs(), Path("out.csv").exists()) == (
        64,
        64,
        "",
        [],
        False,
    )
    assert "ends in several blocks: " in told
    assert "no block has the key path 'archives'" in hint
    if not live:
        assert f"several blocks: {', '.join(ENDS)}; name one of them" in told
        assert "did you mean 'archive'" in hint


def test_output_that_nothing_proves(service, start, monkeypatch):
    """The run is there; its rows are saved if that is asked for."""
    members = {"file_size": None, "row_count": 0, "results": None}
    path = "/workflows/runs/*/results/download-links"
    service.faults.add(Fault("rewrite", path=path, members=members, times=None))
    monkeypatch.setattr("flow64.runs._download._proves_end", lambda *_: False)
    command = ["--intent", "x", "--yes", "--output", "out.csv"]

    refused = start(*command)
    large = start(*command, "--allow-unproven", "--max-bytes", "10")
    is_absent = not Path("out.csv").exists()
    kept = start(*command, "--allow-unproven")

    assert (refused[0], large[0], is_absent, kept[0]) == (1, 1, True, 0)
    assert "nothing proves that it is complete" in refused[2]
    assert "more than max_bytes=10 bytes" in large[2]
    assert (len(runs()), "2 rows are in out.csv" in kept[2]) == (1, True)


def test_file_that_is_there(start):
    """A file that is there is kept, and nothing is spent for it."""
    Path("out.csv").write_text("mine", "utf-8")
    options = ["--new", "--yes", "--output", "out.csv"]

    code, _, told = start(*options)

    assert (code, runs(), Path("out.csv").read_text("utf-8")) == (1, [], "mine")
    assert told.endswith("name another place, or say --overwrite\n")
    assert start(*options, "--overwrite")[0] == 0


# -- Cut off --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (["--intent", "today"], "the same command finds it, and pays once"),
        (["--new"], "look at `flow64 runs` before starting another"),
    ],
    ids=["intent", "new"],
)
def test_interrupted_start(start, monkeypatch, options, advice):
    """Ctrl-C while it is started says how to find out what became of it."""

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "run", stopped)

    code, _, told = start("--yes", *options)

    assert (code, advice in told) == (130, True)


def test_interrupted(deployed):
    """Ctrl-C leaves the run going, and says how to follow it again."""
    deployed.switches = Switches(speed=30)
    process = subprocess.Popen(
        [
            *FLOW64,
            "run",
            "leads.py",
            "people.csv",
            "--new",
            "--yes",
            "--env",
            "default",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**here()),
    )
    run_id = process.stdout.readline().strip()
    for line in process.stderr:
        if line == "running\n":
            break
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)

    with Client(journal=None) as client:
        assert client.runs.get(run_id).status == "running"
        client.runs.cancel(run_id)
    assert process.returncode == 130
    assert told.endswith(
        f"the run goes on; follow it again: flow64 watch {run_id} --env default\n"
    )


def here():
    """The variables that lead to the emulator."""
    names = ("SIXTYFOUR_API_ENDPOINT", "SIXTYFOUR_API_KEY")
    return {name: os.environ[name] for name in names}


def test_no_code(start):
    """With --no-code, no module is imported."""
    code, printed, told = start("--intent", "today", "--yes", "--no-code")

    assert (code, printed, runs()) == (64, "", [])
    assert "leads.py is Python, and --no-code imports none" in told


# -- Settings of one run --------------------------------------------------------------

SEARCHES = "buys = made('buys', Search(LEAD, query='CTOs', max_results=300))"


@pytest.fixture
def search(service, namespace, tmp_path, flow64):
    """Run a deployed search with options, and give what came of that."""
    file = written(tmp_path, namespace, SEARCHES)
    flow64("deploy", file, "--yes", "--allow-spend", "buys")

    def searched(*options):
        return flow64("run", file, *QUICK, "--intent", "today", *options)

    return searched


def test_set(search, service):
    """What is set is shown with what it replaces, priced, and sent for this run."""
    code, printed, told = search("--set", "max_results=2", "--yes", "--max-rows", "2")

    (run,) = runs()
    assert (code, printed) == (0, f"{run}\n")
    assert "\nset          ~ max_results: 300 → 2\n" in told
    assert "\nrows         up to 2\n" in told
    assert len(service.rows(run, "search")) == 2


def test_set_is_part_of_the_intent(search):
    """The same intent with other settings is another run, so it is refused."""
    first = search("--set", "max_results=2", "--yes")
    same = search("--set", "max_results=2", "--yes")
    other = search("--set", "max_results=3", "--yes")

    assert (first[:2], other[0], len(runs())) == (same[:2], 3, 1)


def test_set_over_a_limit(search):
    """The limits hold for what is set, and not for the code."""
    code, printed, told = search("--set", "max_results=20", "--max-rows", "10", "--yes")

    assert (code, printed, runs()) == (3, "", [])
    assert "20 rows are more than --max-rows 10" in told
