"""`-o` is the output everywhere: a file, a folder, or `-` for stdout."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from flow64.cli import COMMANDS, group


@pytest.fixture
def here(service, leads, people):
    """A workflow and rows in the working folder."""


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_one_option(name):
    """It has one name, and its help says if it takes a file or a folder."""
    command = group.get_command(click.Context(group), name)
    for option in command.params:
        if "--output" in option.opts or "-o" in option.opts:
            words = option.help.casefold()
            assert option.opts == ["-o", "--output"]
            assert ("folder" in words) == (option.metavar != "FILE")
            assert "folder" in words or "file" in words


@pytest.mark.parametrize(
    "arguments",
    [
        ("code", "leads.py"),
        ("graph", "leads.py"),
        ("review", "leads.py"),
    ],
)
def test_stdout(service, leads, flow64, arguments):
    """`-o -` is stdout, as without -o."""
    code, printed, _ = flow64(*arguments, "-o", "-")

    assert (code, printed) == flow64(*arguments)[:2]
    assert not Path("-").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("plan", "leads.py", "-o", "-"), "only you can read what is saved"),
        (("pull", "default", "--all", "-o", "-"), "FOLDER is a folder, and - is"),
        (("results", "x", "-o", "-"), "or print rows: flow64 run -o -"),
        (
            ("results", "x", "-o", "out.CSV"),
            "out.CSV is named like a file, and a folder is made here; name a folder",
        ),
        (("code", "leads.py", "-o", "a.json"), "a.json does not end in .py"),
        (("blocks", "generate", "-o", "a.txt"), "a.txt does not end in .py"),
        (
            ("graph", "leads.py", "--format", "svg", "-o", "a.mmd"),
            "a.mmd ends like a file of mermaid, and not of svg; leave --format out",
        ),
        (
            ("review", "leads.py", "--format", "text", "-o", "a.html"),
            "a.html ends like a file of html, and not of text; leave --format out",
        ),
        (
            ("run", "leads.py", "people.csv", "-o", "a.xlsx"),
            "a.xlsx ends neither in .csv nor in .ndjson",
        ),
    ],
)
def test_wrong_output(here, flow64, arguments, problem):
    code, printed, told = flow64(*arguments)

    assert (code, printed, problem in told) == (64, "", True)
    assert not Path(arguments[-1]).exists()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("plan leads.py -o", "--output"),
        ("compile leads.py -o", "--output"),
        ("graph leads.py -o", "--output"),
        ("code leads.py -o", "--output"),
        ("pull default --all -o", "--output"),
        ("results 0b9b5ac1-5a0e-4d6f-9a2c-1f5d3c7e8a90 -o", "--output"),
        ("run leads.py people.csv --new -o", "--output"),
        ("run leads.py", "ROWS"),
        ("plan leads.py --values", "--values"),
        ("init --namespace acme.example", "DIR"),
        ("watch", "RUN_ID"),
        ("plan -s", "--select"),
        ("plan --exclude", "--exclude"),
        ("deploy --force", "--force"),
        ("serve --store", "--store"),
        ("doctor --report", "--report"),
    ],
)
def test_empty_value(here, service, flow64, line, name):
    """A value from a variable that is not set is refused. A path would be `.`."""
    before = sorted(Path().iterdir()), len(service.requests)

    code, printed, told = flow64(*line.split(), "")

    problem = f"error: {name} is empty: is the variable set that it comes from?"
    assert (code, printed) == (64, "")
    assert told.startswith(problem)
    assert (sorted(Path().iterdir()), len(service.requests)) == before


def test_rows_and_data_are_not_printed_together(here, flow64):
    """With `--json`, the error is data too."""
    code, printed, _ = flow64("run", "leads.py", "people.csv", "-o", "-", "--json")

    problem = "it prints rows, and --json data; leave one of them out"
    assert (code, problem in json.loads(printed)["error"]["message"]) == (64, True)


def test_ending_of_a_review(service, leads, flow64):
    """It decides the format, as that of a graph does."""
    for name, first in (
        ("a.html", "<!doctype html>"),
        ("a.json", "{"),
        ("a.md", "<!-- flow64"),
        ("a", "review of"),
    ):
        assert flow64("review", "leads.py", "-o", name)[0] == 0
        assert Path(name).read_text("utf-8").startswith(first)


def test_rows_of_a_run(service, leads, people, flow64):
    """Rows are alone on stdout, so the id of the run is a message."""
    flow64("deploy", "leads.py", "--yes", "--quiet")
    more = ("--yes", "--every", "0.01", "-o", "-")

    code, printed, told = flow64("run", "leads.py", people, "--new", *more)

    header, *rows = printed.splitlines()
    assert (code, header, len(rows)) == (0, "email,company,title", 2)
    assert "\nrun " in told
