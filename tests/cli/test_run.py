"""`flow64 run`: what it shows, asks, starts once, follows and saves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from flow64 import Client
from flow64.emulator import Fault, Switches
from flow64.loading import load_source
from tests.cli.pipelines import methods, written
from tests.cli.support import FLOW64, environment

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


def test_title_is_one_line(deployed, people, flow64):
    """A title may have lines, and be longer than a screen."""
    text = Path("leads.py").read_text("utf-8")
    title = "Inbound\\n" + 99 * "x"
    Path("leads.py").write_text(text.replace("Inbound leads", title), "utf-8")
    flow64("deploy", "leads.py", "--yes")

    _, _, told = flow64("run", "leads.py", "people.csv", *QUICK, "--new", "-y")

    workflow_id = load_source("leads.py").only.workflow.id()
    line, _, _ = told.partition("\n")
    assert line == f"run          Inbound\\n{50 * 'x'}… ({workflow_id})"


def test_no_row_comes_out(deployed, people, flow64):
    """The last line says that nothing is left, and after which block; `watch` too."""
    source = Path("leads.py").read_text("utf-8")
    kept = 'Filter.where("email").equals("nobody@acme.example")'
    source = source.replace("import Lead", "import Filter, Lead")
    source = source.replace(")\ninbound", f") >> {kept}\ninbound")
    Path("leads.py").write_text(source, "utf-8")
    flow64("deploy", "leads.py", "--yes")

    code, printed, told = flow64("run", "leads.py", "people.csv", *QUICK, "--new", "-y")
    watched = flow64("watch", printed.strip(), *QUICK)

    empty = "completed: 0 of 2 rows came out, none is left after filter\n"
    assert "columns " not in told  # the column is there, and no row has the value
    assert (code, told.splitlines(keepends=True)[-1]) == (0, empty)
    assert (watched[0], watched[1]) == (0, empty)


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (
            'Filter.where("city").equals("Oslo")',
            "it reads the column 'city', which no block before it declares or adds",
        ),
        (
            'FindEmail() >> Filter.where("email_status").equals("ok")',
            (
                "filters[0].value is 'ok', which no document lists for the column "
                "'email_status' (did you mean 'OK'?)"
            ),
        ),
    ],
)
def test_doubtful_filters_stand_above_the_cost(deployed, people, flow64, kept, said):
    """Rows that a filter probably drops are paid for, so it is said before."""
    source = Path("leads.py").read_text("utf-8")
    source = source.replace("import Lead", "import Filter, FindEmail, Lead")
    source = source.replace(")\ninbound", f") >> {kept}\ninbound")
    Path("leads.py").write_text(source, "utf-8")
    flow64("deploy", "leads.py", "--yes")

    code, printed, _ = flow64("run", "leads.py", "people.csv", "--dry-run")

    columns = f"columns      filter: {said}: probably no row passes\n"
    assert code == 0
    assert columns in printed
    assert printed.index(columns) < printed.index("cost  ")


@pytest.mark.parametrize("more", [["people.csv"], ["people.csv", "--dry-run"], []])
def test_source_behind_a_block(deployed, people, flow64, more):
    """It is refused before anybody is asked, and a dry run refuses it too."""
    source = Path("leads.py").read_text("utf-8")
    source = source.replace("import Lead", "import FindEmail, Lead")
    Path("leads.py").write_text(source.replace("Webhook(", "FindEmail() >> Webhook("))

    code, printed, told = flow64("run", "leads.py", *more, "--new")

    takes = "the workflow begins with find_email, which takes rows and brings none"
    assert (code, printed, runs()) == (1, "", [])
    assert told.endswith(f"{takes}: put the webhook first\n")


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


SPREADSHEET = ",email,company\n0,ada@acme.example,Acme\n1,,\n2,, \n"
EMPTY_ROWS = "2 empty rows, sent and paid for like the others: 2 and 3"
ONE_EMPTY_ROW = "1 empty row, sent and paid for like the others: 2"
NAMELESS = (
    "a column has no name, and is sent as well: leave it out, as pandas does with "
    "to_csv(..., index=False)"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SPREADSHEET, f"{EMPTY_ROWS}; {NAMELESS}"),
        ("email,company\nada@acme.example,\n,\n", ONE_EMPTY_ROW),
        (",email,company\n0,ada@acme.example,Acme\n", NAMELESS),
    ],
    ids=["both", "empty row", "nameless column"],
)
def test_empty_rows_and_nameless_columns(start, people, text, said):
    """What a spreadsheet leaves in a file is said before the question, and sent."""
    people.write_text(text, "utf-8")

    code, printed, told = start("--dry-run")
    asked = start("--new")

    assert (code, told) == (0, "")
    assert f"input        {said}\n" in printed
    assert f"input        {said}\n" in asked[2]


def test_dry_run_of_what_is_not_there(service, leads, people, flow64):
    """A dry run says that the workflow has to be deployed first."""
    code, printed, _ = flow64("run", "leads.py", "people.csv", "--dry-run")

    assert code == 0
    assert "deployed     no: there is no such workflow, so it cannot run" in printed


def test_dry_run_of_what_is_hidden(deployed, flow64):
    """If the workflow may not be seen, a dry run says that its state is unknown."""
    path = f"/workflows/{load_source('leads.py').only.workflow.id()}"
    deployed.faults.add(Fault("status_before", status=403, path=path))

    code, printed, _ = flow64("run", "leads.py", "people.csv", "--dry-run")

    assert code == 0
    assert "deployed     unknown: this credential may not see the workflow" in printed


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


def test_dry_run_of_other_code(start, leads):
    """A dry run says that the run would be refused, and not if --stale is given."""
    leads.write_text(leads.read_text("utf-8").replace("Job title", "Role"), "utf-8")
    said = (
        "deployed     not this code: the code has changed since it was deployed; a run"
    )

    assert said in start("--dry-run")[1]
    assert "not this code" not in start("--dry-run", "--stale")[1]


def test_stale(start, leads):
    """Other code than is deployed is refused, unless that is meant."""
    leads.write_text(leads.read_text("utf-8").replace("Job title", "Role"), "utf-8")
    refused, _, told = start("--new", "--yes")
    accepted, *_ = start("--new", "--yes", "--stale")

    assert (refused, accepted) == (3, 0)
    assert told.endswith("deploy first: flow64 deploy; or run what is there: --stale\n")


def test_price_of_what_is_deployed(start, deployed):
    """The deployed workflow runs, also if it costs more than the code."""
    workflow_id = load_source("leads.py").only.workflow.id()
    *_, before = start("--new", "--yes")
    deployed.edit(workflow_id, specs={"lead_enrichment": {"tier": "high"}})

    *_, told = start("--new", "--yes", "--stale")

    assert ("not counted" in before, "not counted" in told) == (False, True)


def test_rows_are_missing(deployed, flow64):
    """A run of no rows would have been started for the name, and be the one."""
    code, printed, told = flow64("run", "leads.py:inbound", "--new", "--yes")

    assert (code, printed, runs()) == (64, "", [])
    assert "ROWS is missing" in told


def test_sample_rows(deployed, leads, flow64):
    """A webhook with sample rows needs no file; how many rows run is not claimed."""
    text = leads.read_text("utf-8")
    leads.write_text(
        text.replace(
            "Webhook(LEAD, ", 'Webhook(LEAD, webhook_input=\'[{"email": "a"}]\', '
        ),
        "utf-8",
    )
    flow64("deploy", "leads.py", "--yes")

    code, _, told = flow64("run", "leads.py:inbound", "--new", "--yes", *QUICK)
    limited, *_ = flow64("run", "leads.py", "--new", "--yes", "--max-rows", "9")

    assert (code, limited, len(runs())) == (0, 3, 1)
    assert "rows         the sample rows of webhook_input" in told


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


def test_rows_in_another_encoding(start, people):
    """The way on is about the encoding, and not about columns."""
    people.write_bytes("email,company\nada@acme.example,Café\n".encode("latin-1"))

    code, _, told = start("--new", "--yes")

    assert (code, runs()) == (1, [])
    assert "it is not in UTF-8" in told
    assert told.endswith("save the file as UTF-8, which spreadsheets call CSV UTF-8\n")
    assert "columns" not in told


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


@pytest.mark.parametrize("source", ["leads.py", "default:inbound"])
@pytest.mark.parametrize("block", ENDS)
@pytest.mark.usefixtures("service", "forked", "people")
def test_one_of_several_ends(flow64, source, block):
    """It is named by its key path, whether the workflow is read from code or live."""
    flow64("deploy", "leads.py", "--yes")
    command = ["run", source, "people.csv", "--new", "--yes", "--output", "out.csv"]

    code, _, told = flow64(*command, *QUICK, "--block", block)

    assert (code, told.splitlines()[-1]) == (0, "2 rows are in out.csv")
    is_enriched = "title" in Path("out.csv").read_text("utf-8")
    assert is_enriched == (block != "archive")


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


WRONG = {
    "both": (["--new", "--intent", "x"], "--new starts a run of its own"),
    "kind": (["--new", "--output", "x.txt"], "ends neither in .csv nor in .ndjson"),
    "folder": (["--new", "--output", "no/x.csv"], "there is no folder no"),
    "safe": (["--new", "--output", "x.ndjson", "--safe-csv"], "is not a CSV file"),
    "unsaved": (["--new", "--safe-csv"], "rows are saved with --output FILE"),
    "unproven": (["--new", "--allow-unproven"], "rows are saved with --output FILE"),
    "limit": (["--new", "--max-bytes", "9"], "rows are saved with --output FILE"),
    "no bytes": (["--new", "--max-bytes", "0"], "--max-bytes"),
    "no wait": (["--new", "--no-wait", "--output", "x.csv"], "leave out --output"),
    "option": (["--inent", "x"], "--intent"),
    "empty": (["--intent", " "], "--intent is empty: is the variable set"),
    "none": (["--retry", ""], "--retry is empty"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_command_line(start, what):
    """Options that do not go together are found before anything is sent."""
    options, problem = WRONG[what]

    code, printed, told = start(*options)

    assert (code, printed, runs()) == (64, "", [])
    assert problem in told


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


def test_set_of_a_live_workflow(search, flow64):
    """All settings of its source are those on the service."""
    with Client(journal=None) as client:
        (found,) = client.workflows.list()

    live = f"default:id:{found.id}"
    code, _, told = flow64("run", live, "--set", "max_results=2", "--new", "--yes")

    assert (code, "~ max_results: 300 → 2" in told) == (0, True)


def test_dry_run_shows_what_is_doubtful(search):
    """Before anything is spent, and once."""
    dry = search("--set", 'max_results="2"', "--dry-run")
    code, _, told = search("--set", 'max_results="2"', "--yes")

    warning = "warning      max_results is '2', where a whole number is wanted"
    assert (dry[0], code, len(runs())) == (0, 0, 1)
    assert dry[1].splitlines()[3].startswith(warning)
    assert told.count("where a whole number is wanted") == 1


@pytest.mark.parametrize(
    ("options", "code", "problem"),
    [
        (
            ["query=CTOs in Berlin"],
            64,
            (
                "--set: 'CTOs in Berlin' is not JSON; if it is text, "
                "write --set 'query=\"CTOs in Berlin\"' (see flow64 run --help)"
            ),
        ),
        (
            ["max_results"],
            64,
            (
                "--set: 'max_results' does not say what to set; "
                "write a field and its value in JSON: --set max_results=50 (see "
                "flow64 run --help)"
            ),
        ),
        (
            ["=50"],
            64,
            (
                "--set: '=50' does not say what to set; write a "
                "field and its value in JSON: --set max_results=50 (see flow64 run "
                "--help)"
            ),
        ),
        (
            ["max_results=5", "max_results=6"],
            64,
            ("--set: 'max_results' is set twice (see flow64 run --help)"),
        ),
        (
            ["max_result=5"],
            1,
            (
                "--set cannot be used:\n  search has no field 'max_result' that is "
                "known (did you mean 'max_results'?); it has dataframe_type, query, "
                "max_results and auto_execute"
            ),
        ),
        (
            ["max_results=NaN"],
            1,
            (
                "--set cannot be used:\n  max_results: NaN is not JSON; write null, or "
                "leave the field out"
            ),
        ),
    ],
)
def test_set_that_cannot_be_used(search, service, options, code, problem):
    """Nothing is sent, and no run is started."""
    before = len(service.requests)

    found = search(*(word for one in options for word in ("--set", one)), "--yes")

    assert found == (code, "", f"error: {problem}\n")
    assert (len(service.requests), runs()) == (before, [])


def test_set_together_with_stale(search):
    """The other settings of the live source are not known to the code."""
    code, printed, told = search("--set", "max_results=5", "--stale", "--yes")

    assert (code, printed, runs()) == (64, "", [])
    assert told == (
        "error: --set sends all settings of the source block, and with --stale the "
        "code may have others; name the live workflow in place of --stale, as in "
        "prod:inbound (see flow64 run --help)\n"
    )


def test_set_over_a_limit(search):
    """The limits hold for what is set, and not for the code."""
    code, printed, told = search("--set", "max_results=20", "--max-rows", "10", "--yes")

    assert (code, printed, runs()) == (3, "", [])
    assert "20 rows are more than --max-rows 10" in told


def test_set_brings_the_sample_rows(start, flow64):
    """So ROWS may be left out."""
    rows = 'webhook_input="[{\\"email\\": \\"a@x.example\\"}]"'

    found = flow64("run", "leads.py", "--set", rows, "--new", "--yes", *QUICK)

    assert (found[0], len(runs())) == (0, 1)


def test_missing_file_of_rows(service, leads, people, flow64):
    """A similar name is suggested. The exit code is that of other bad files of rows."""
    code, printed, told = flow64("run", "leads.py", "peple.csv", "--new", "--yes")

    assert (code, printed) == (1, "")
    assert "there is no file 'peple.csv' (did you mean 'people.csv'?)" in told
