"""Colours and tables: on terminals, never in files, and with the same characters."""

from __future__ import annotations

import io
import json
import os
import re

import pytest
from rich.console import Console

from flow64.cli import _tables
from flow64.cli._colours import (
    paint_changes,
    paint_event,
    paint_findings,
    paint_label,
    paint_report,
    paint_state,
)
from flow64.cli._options import OPTIONS
from flow64.cli._terminal import print_message, stderr_console
from flow64.cli.watch import BarDisplay
from flow64.runs import BlockDone, BlockFailed, Finished, Queued
from flow64.runs import Progress as BlockProgress
from flow64.text import count_cells
from tests.cli.support import environment
from tests.cli.support import flow64 as program

pytestmark = pytest.mark.unmeasured

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch):
    """No variable of this machine decides, and the options are reset."""
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    yield
    OPTIONS.begin()


def shown(*arguments, **variables):
    """The stdout of a program at a terminal of 80 columns."""
    reader, writer = os.openpty()
    settings = environment(**{"TERM": "xterm", "COLUMNS": "80", **variables})
    program(*arguments, stdout=writer, env=settings)
    os.close(writer)
    text = os.read(reader, 65536).decode()
    os.close(reader)
    return text.replace("\r\n", "\n")


# -- When -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "option", "has_colours"),
    [
        ({}, [], True),
        ({}, ["--color", "never"], False),
        ({"NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, [], False),
        ({"TERM": "dumb"}, [], False),
    ],
)
def test_terminal(leads, variables, option, has_colours):
    """A terminal has colours unless the option or a variable says no."""
    text = shown("check", str(leads), *option, **variables)

    assert ("\x1b[" in text) == has_colours
    assert ESCAPE.sub("", text).startswith("note[effects] costs")


@pytest.mark.usefixtures("leads")
@pytest.mark.parametrize(
    ("variables", "line", "has_colours"),
    [
        ({}, "check leads.py", False),
        ({}, "--color always check leads.py", True),
        ({}, "check leads.py --color=always", True),
        ({}, "--color always check leads.py --color never", False),
        ({"FORCE_COLOR": "1"}, "check leads.py", True),
        ({"CLICOLOR_FORCE": "1"}, "check leads.py", True),
        ({"CLICOLOR_FORCE": "0"}, "check leads.py", False),
    ],
)
def test_pipe(monkeypatch, flow64, variables, line, has_colours):
    """A pipe has none unless it is told to, before the command or after it."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    code, printed, _ = flow64(*line.split())

    assert (code, "\x1b[" in printed) == (0, has_colours)


def test_data_has_no_colours(leads, flow64, monkeypatch):
    """Not even if all else has."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, printed, _ = flow64("--color", "always", "check", leads, "--json")

    assert "\x1b" not in printed
    assert json.loads(printed)


def test_files_have_no_colours(service, leads, flow64, tmp_path):
    """`-o` writes the plain text of a review."""
    flow64("--color=always", "review", leads, "-o", "review.txt")

    text = (tmp_path / "review.txt").read_text("utf-8")
    assert "+ inbound: will be created" in text
    assert "\x1b" not in text


def test_wrong_choice(flow64):
    code, printed, told = flow64("check", "--color", "blue")

    assert (code, printed) == (64, "")
    assert "'blue' is not one of 'auto', 'always', 'never'" in told


@pytest.mark.parametrize("no_color", ["", "1"])
def test_bars_need_no_colours(monkeypatch, capsys, no_color):
    """NO_COLOR keeps what is drawn: a terminal is one with and without colours."""
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    console = stderr_console()
    console.print("drawn", style="red")

    assert console.is_terminal
    assert ("\x1b[" in capsys.readouterr().err) == (not no_color)


# -- What -----------------------------------------------------------------------------

CHANGES = """\
plan for environment emu

+ new: new, is created
    - not a sign-less line
        ~ /specs/x: 1 -> 2
! old: drifted, stops the deploy
· same: unchanged
"""

FINDINGS = """\
2 workflows (a, b):
error[no-rows] nothing comes in
  --> leads.py:8
   8 | Webhook()
     | ^^^^^^^^^
   = help: give it rows
warning: something
note that this is prose
"""


@pytest.mark.parametrize(
    ("painter", "text", "painted"),
    [
        (paint_changes, CHANGES, 5),
        (paint_findings, FINDINGS, 6),
        (paint_state, "done       a\nrefused    b\nunchanged  c", 2),
        (paint_event, "2 find_email: failed: no credits", 1),
        (paint_event, "completed: 2 rows", 1),
        (paint_event, "something else", 0),
        (paint_label, "to stop   Ctrl-C", 1),
        (paint_label, "page  x\nstore     memory\n          lost", 2),
        (paint_report, "clock       0 s\n  not seen     I  x", 2),
        (paint_label, "no label", 0),
    ],
)
def test_painters(painter, text, painted):
    """A painter adds colours to some lines, and changes no character."""
    result = painter(text)

    assert ESCAPE.sub("", result) == text
    assert sum("\x1b[" in line for line in result.split("\n")) == painted


def draw_bars(*events):
    """Return what a terminal shows of a run after some events."""
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system="standard", width=80
    )
    with BarDisplay(console) as bars:
        for event in events:
            bars.show(event)
    return console.file.getvalue()


def test_no_colour_is_bright_or_dim():
    """Bright, dim and black ones cannot be read in each theme."""
    everything = paint_changes(CHANGES) + paint_findings(FINDINGS) + paint_state("done")
    everything += draw_bars(Queued(), BlockProgress(1, "webhook", 50.0, 1, 2))
    everything += draw_bars(BlockDone(1, "webhook", 2), Finished("completed"))
    everything += draw_bars(BlockFailed(1, "find_email"), Finished("failed"))
    codes = {
        code for one in ESCAPE.findall(everything) for code in one[2:-1].split(";")
    }

    assert codes <= {"0", "1", "31", "32", "33", "36", "39"}


def test_message(capsys):
    """A message has the colours of its painter, and controls are escaped first."""
    OPTIONS.color = "always"
    print_message("+ a\x1b[5m: new", paint_changes)

    told = capsys.readouterr().err
    assert ESCAPE.sub("", told) == "+ a\\x1b[5m: new\n"
    assert told.startswith("\x1b[1;32m+")


# -- Tables ---------------------------------------------------------------------------

HEADER = ("ID", "TITLE", "PATH")
ROWS = [
    ("1f0c", "日本のリード 🎌", "ns:acme.example/project:growth"),
    ("2f0c", "Leads", "ns:acme.example/project:growth/workflow:leads"),
]


@pytest.fixture
def table(monkeypatch, capsys):
    """A table as a terminal of some columns shows it."""

    def printed(width, rows=ROWS, **options):
        monkeypatch.setattr(_tables, "find_width", lambda _: width)
        _tables.print_table(HEADER, rows, **options)
        return capsys.readouterr().out.splitlines()

    return printed


def test_table_of_a_pipe(table):
    """A pipe gets whole cells, aligned, without a header."""
    lines = table(None, least={"PATH": 9})

    assert [re.split("  +", line) for line in lines] == [[*row] for row in ROWS]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_table_of_a_terminal(table, width):
    """A terminal gets a header, and no line is longer than it."""
    head, *lines = table(width, least={"PATH": 9, "TITLE": 5})

    at = [count_cells(line[: line.index("ns:")]) for line in lines]
    assert head.split() == [*HEADER]
    assert {*at} == {count_cells(head[: head.index("PATH")])}
    assert max(map(count_cells, lines)) <= width
    assert ("…" in lines[-1]) == (width < 80)


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (30, ["ID", "TITLE", "PATH"]),
        (16, ["ID", "TITLE"]),
        (8, ["ID"]),
        (2, ["ID"]),
    ],
)
def test_narrow_table(table, width, columns):
    """What does not fit is left out, in the order that is given."""
    head, *_ = table(width, least={"PATH": 9, "TITLE": 5})

    assert head.split() == columns


def test_empty_column(table):
    """A terminal gets no column that is empty, and a pipe gets each column."""
    rows = [("1", "", "a"), ("2", "", "b")]

    assert table(80, rows) == ["ID  PATH", "1   a", "2   b"]
    assert table(None, rows) == ["1    a", "2    b"]


def test_time_in_a_table(table):
    """A terminal gets it to the second, and a pipe as it is."""
    rows = [("2026-11-28T21:08:47.285641Z", "a", "b"), ("-", "c.Z", "d")]

    shown = table(80, rows, times={"ID"})[1:]

    assert [line.split() for line in shown] == [
        ["2026-11-28T21:08:47Z", "a", "b"],
        ["-", "c.Z", "d"],
    ]
    assert table(None, rows, times={"ID"})[0].startswith("2026-11-28T21:08:47.285641Z")


def test_empty_table(table):
    assert table(80, rows=[]) == []


def test_painted_table(table):
    """Cells are aligned before they are painted."""
    OPTIONS.color = "always"
    plain = [ESCAPE.sub("", line) for line in table(80, painters={"TITLE": str.upper})]
    OPTIONS.color = "never"

    assert [line.upper() for line in plain] == [line.upper() for line in table(80)]


def test_tables_of_commands(service, leads, flow64):
    """Each list has a header at a terminal, and none in a pipe."""
    flow64("deploy", leads, "--yes")
    leads.write_text(leads.read_text("utf-8").replace("Job title", "Title"), "utf-8")
    flow64("deploy", leads, "--yes")
    flow64("run", leads, "--new", "--yes", "--no-wait")

    for line in (["list"], ["history"], ["blocks", "--role", "source"]):
        head, *rows = ESCAPE.sub("", shown(*line, **dict(os.environ))).splitlines()
        assert head == head.upper()
        assert len(rows) == len(flow64(*line)[1].splitlines()) > 0
