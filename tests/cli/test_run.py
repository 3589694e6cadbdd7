"""`flow64 run`: what it shows, asks, starts once, follows and saves."""

from __future__ import annotations

import json
import sys

import pytest

from flow64 import Client
from tests.cli.pipelines import written


@pytest.fixture
def deployed(service, leads, people, flow64):
    """The emulator, with the workflow of `leads.py` on it."""
    flow64("deploy", "leads.py", "--yes")
    return service


@pytest.fixture
def start(deployed, flow64):
    """Run it with options: exit code, stdout, stderr."""
    return lambda *options: flow64("run", "leads.py", "people.csv", *options)


def runs():
    """The ids of all runs."""
    with Client(journal=None) as client:
        return [run.job_id for run in client.runs.list()]


def test_same_command_attaches_and_new_buys_again(start):
    """Unless it is named, and other rows are meant."""
    first, again = start("--yes"), start("--yes")

    assert again[1] == first[1]
    assert "inbound: same rows and definition as run" in again[2]
    assert "Nothing bought; --new buys again" in again[2]
    assert start("--new", "--yes")[1] != first[1]
    assert start("--first", "1", "--yes")[1] != first[1]
    assert start("--intent", "today", "--yes")[0] == 0
    code, _, told = start("--intent", "today", "--first", "1", "--yes")
    assert (code, len(runs())) == (3, 4)
    assert "with other rows" in told


def test_only_new_rows_are_run(start, people, flow64, tmp_path):
    """Named by the beginning of an id or by `latest`; without one, nothing starts."""
    first = start("--first", "1", "--yes")[1].strip()
    only_new = ("--new-since", first[:8], "--by", "email", "--yes")

    code, run_id, told = start(*only_new, "--first", "5")
    assert (code, "1 of 2 rows left out" in told) == (0, True)
    assert run_id.strip() in runs()
    data = json.loads(start(*only_new, "--json", "-o", "new.csv")[1])
    assert (data["run_id"], data["left_out"]) == (None, 2)
    assert not (tmp_path / "new.csv").exists()
    assert start("--new-since", "latest")[0] == 64
    assert len(runs()) == 2


@pytest.mark.parametrize(("text", "code"), [("y\n", 0), ("n\n", 3), ("", 130)])
def test_asks_before_it_spends(start, answering, text, code):
    """Without an answer nothing is sent, as in CI."""
    assert (start()[0], runs()) == (3, [])
    answering(text)

    assert start()[0] == code
    assert len(runs()) == (code == 0)


def test_what_was_edited_after_its_cost_was_shown_is_not_run(
    start, service, monkeypatch
):
    """While the question waits, somebody sets a field that code does not set."""

    def edit(*_, **__):
        with Client(journal=None) as client:
            (workflow,) = client.workflows.list()
        service.edit(workflow.id, specs={"lead_enrichment": {"tier": "high"}})

    monkeypatch.setattr("flow64.cli.printing.confirm", edit)

    code, _, told = start()

    assert (code, runs()) == (3, [])
    assert "since its cost was shown" in told


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--max-cost", "0.1"), 3, "--max-cost"),
        (("--new", "--intent", "a"), 64, "--new"),
        (("--block", "nothing"), 64, "--output"),
        (("-o", "rows.xlsx"), 64, ".csv"),
        (("-o", "people.csv"), 1, "exists"),
        (("-o", "rows.csv", "--no-wait"), 64, "--no-wait"),
        (("-o", "rows.csv", "--block", "nothing"), 1, "nothing"),
        (("--set", "email=1"), 3, "email"),
        (("--retry", "00000000-0000-4000-8000-000000000000"), 64, "no such run"),
        (("--retry", "ffff"), 64, "ffff"),
        (("--attach", "ffff"), 64, "ffff"),
        (("--new-since", "ffff", "--by", "email"), 64, "ffff"),
        (("--new-since", "latest", "--by", "emial"), 64, "email"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_bought(
    start, options, code, words
):
    """With what to change."""
    found, _, told = start("--yes", *options)

    assert (found, runs()) == (code, [])
    assert words in told


def test_parquet_that_cannot_be_written_is_refused_before(start, flow64, monkeypatch):
    """Its libraries are no dependency of flow64."""
    for name in ("polars", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)

    code, _, told = start("-o", "rows.parquet", "--yes")

    assert (code, runs()) == (1, [])
    assert "polars or pyarrow is not installed; pip install polars" in told


def test_other_code_is_not_run(start, leads):
    """A dry run says why."""
    leads.write_text(leads.read_text("utf-8").replace("Job title", "Title"), "utf-8")

    code, _, told = start("--yes")
    dry = start("--dry-run")

    assert (code, runs()) == (3, [])
    assert "deploy" in told
    assert "deployed  not this code" in dry[1]


def test_variant_is_named_everywhere(service, configured, people, write, flow64):
    """With its environment, also in the command that deploys it."""
    build = "lambda region: made('regional', Webhook(LEAD) >> FindEmail())"
    write(f"regional = variants({build}, region=['ar'])")
    run = ("run", "two.py:regional/ar", "people.csv", "-e", "staging", "--yes")

    code, _, told = flow64(*run)
    flow64("deploy", "two.py", "-e", "staging", "--yes")

    assert (code, "flow64 deploy regional/ar -e staging" in told) == (3, True)
    for more in ((), (), ("--new-since", "latest", "--by", "email")):
        assert "regional/ar" in flow64(*run, *more)[2]


def test_rows_are_needed(deployed, flow64, people):
    """A file without rows is likely a mistake."""
    assert flow64("run", "leads.py", "--yes")[0] == 64
    people.write_text("email,company\n", "utf-8")
    assert flow64("run", "leads.py", "people.csv", "--yes")[0] == 1
    assert flow64("run", "leads.py", "peple.csv", "--yes")[0] == 64
    assert flow64("run", "people.csv", "leads.py", "--yes")[0] == 64
    assert runs() == []


@pytest.mark.parametrize("name", ["rows.csv", "rows.json", "rows.ndjson", "-"])
def test_rows_are_saved(start, tmp_path, name):
    """In the format of the file; - is stdout, as CSV."""
    code, printed, told = start("--yes", "-o", name)

    assert code == 0
    text = printed if name == "-" else (tmp_path / name).read_text("utf-8")
    assert "g@x.example" in text
    if name in ("-", "rows.csv"):
        assert "g@x.example,=1+1" in text
        assert text.startswith("email,company")
    if name != "-":
        assert f"saved in {name}" in told


def test_several_ends_need_a_block(service, write, people, flow64):
    """Before anything is bought."""
    end = "OutgoingWebhook(url='https://x.example/a'"
    ends = f"{end}, key='archive'), {end}).scoped('work')"
    source = "Webhook(LEAD, input_schema={'email': 'string'})"
    file = write(f"leads = made('leads', {source} >> [{ends}])")
    flow64("deploy", file, "--yes")
    run = "run", file, "people.csv", "--yes", "-o", "rows.csv"

    code, _, told = flow64(*run)

    assert (code, runs()) == (3, [])
    assert "archive, work/outgoing_webhook" in told
    assert flow64(*run, "--block", "work/outgoing_webhook")[0] == 0


def test_json(start):
    """Everything that a program needs."""
    code, printed, _ = start("--yes", "--json", "-o", "rows.csv")

    data = json.loads(printed)
    values = [data[name] for name in ("run_id", "status", "rows", "output")]
    assert (code, values) == (0, [*runs(), "completed", 2, "rows.csv"])
    assert json.loads(start("--dry-run", "--json")[1])["dollars"] == 0.2


SEARCHES = "buys = made('buys', Search(LEAD, query='CTOs', max_results=300))"


def test_settings_of_one_run(service, namespace, tmp_path, flow64):
    """They count in the estimate, and are sent for this run."""
    file = written(tmp_path, namespace, SEARCHES)
    flow64("deploy", file, "--yes", "--allow-spend", "buys")

    code, _, told = flow64("run", file, "--yes", "--set", "max_results=2")

    (run,) = runs()
    assert code == 0
    assert "buys (default): at most 2 rows, cost unknown" in told
    assert len(service.rows(run, "search")) == 2


def test_interrupted_run_goes_on(start, monkeypatch):
    """Ctrl-C says how to follow it."""

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("flow64.cli.run.follow", interrupt)
    code, printed, told = start("--yes")

    assert (code, printed.split()) == (130, runs())
    assert f"flow64 watch {printed.strip()}" in told
