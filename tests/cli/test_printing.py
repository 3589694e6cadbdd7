"""Colours and tables: on terminals, never in files, and with the same characters."""

from __future__ import annotations

import re

import pytest

from flow64.cli import printing
from tests.cli.support import on_terminal

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

TEXT = """\
+ find_email.mode: "PERSONAL"
- find_email.mode: "PROFESSIONAL"
! title: "A" → "B"
@@ inbound new  leads.py:9 @@
leads.py:8 error[row-kind-mismatch] company rows: give it rows
    ^^^^^^^^^
created    inbound"""

PLAIN = "prod: 1 unchanged\nnote that this is prose\nindented + sign"


def test_each_mark_has_a_colour():
    marks = printing.Marks()

    assert [line for line in TEXT.splitlines() if not marks(line).spans] == []
    assert marks(PLAIN).spans == []


@pytest.mark.parametrize(
    ("variables", "has_colours"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_a_terminal_has_colours_unless_a_variable_says_no(variables, has_colours):
    text = on_terminal(80, "blocks", "phone", **variables)

    assert ("\x1b[" in text) == has_colours
    assert ESCAPE.sub("", text).startswith("KIND")


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_table_fits_the_terminal_and_loses_no_name(width):
    lines = on_terminal(width, "blocks", "phone", NO_COLOR="1").splitlines()

    assert max(map(len, lines)) <= width
    assert {"find_phone", "reverse_phone"} <= {*" ".join(lines).split()}
