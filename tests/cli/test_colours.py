"""Colours and tables: on terminals, never in files, and with the same characters."""

from __future__ import annotations

import json
import os
import re

import pytest

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
from tests.cli.support import environment
from tests.cli.support import flow64 as program

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
