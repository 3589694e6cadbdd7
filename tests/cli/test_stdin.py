"""`-` is stdin: rows, JSON of a workflow, and values. It is read once."""

from __future__ import annotations

import io

import pytest

from flow64.text import pluralize

CSV = "email\nada@acme.example\n"
JSON = '[{"email": "ada@acme.example"}]'
LINES = '{"email": "ada@acme.example"}\n{"email": "g@acme.example"}\n'
OBJECT = '\ufeff{\n  "email": "ada@acme.example"\n}\n'


@pytest.fixture
def typed(monkeypatch, leads, service):
    """Let stdin be a stream, or have a text."""

    def let(text):
        stream = text
        if isinstance(text, str):
            stream = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
        monkeypatch.setattr("sys.stdin", stream)

    return let


@pytest.fixture
def compiled(leads, flow64, service):
    """The JSON of the workflow."""
    return flow64("compile", "leads.py")[1]


# -- Rows -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"), [(CSV, 1), (JSON, 1), (LINES, 2), (OBJECT, 1)]
)
def test_rows(flow64, typed, text, count):
    """The first sign says if they are JSON."""
    typed(text)

    code, printed, _ = flow64("run", "leads.py", "-", "--dry-run", "--new")

    assert code == 0
    assert f"inbound (default): {pluralize(count, 'row')}, " in printed


def test_rows_leave_no_way_to_ask(flow64, typed):
    """What it would spend is shown, and nothing is started; with --yes it is."""
    flow64("deploy", "leads.py", "--yes", "--quiet")
    typed(CSV)
    refused = flow64("run", "leads.py", "-", "--new")
    typed(CSV)

    code, printed, _ = flow64("run", "leads.py", "-", "--new", "--yes", "--no-wait")

    assert (refused[0], refused[1]) == (3, "")
    assert "inbound (default): 1 row, at most $0.10" in refused[2]
    assert (
        "error: ROWS is stdin, so you cannot be asked; agree with --yes" in refused[2]
    )
    assert (code, len(printed)) == (0, 37)


# -- Workflows and values -------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("check", "-"), ""),
        (("compile", "-"), '{\n  "'),
        (("graph", "-"), "Inbound leads\n"),
        (("code", "-"), "from flow64 import"),
        (("plan", "-"), "default: 1 new"),
        (("diff", "leads.py", "-"), ""),
    ],
)
def test_a_workflow(compiled, flow64, typed, arguments, expected):
    """Its JSON is a source of each command, and no code runs."""
    typed(compiled)

    code, printed, told = flow64(*arguments)

    assert (code, "error" in told) == (0, False)
    assert expected in printed


def test_values(flow64, typed):
    typed('{"hook": "https://x.example"}')
    good = flow64("check", "leads.py", "--values", "-")
    typed("{\n,")
    bad = flow64("check", "leads.py", "--values", "-")

    assert good[0] == 0
    assert (bad[0], "stdin:2: it is not valid JSON" in bad[2]) == (64, True)


@pytest.mark.parametrize(
    ("arguments", "both"),
    [
        (("check", "-", "--values", "-"), "--values and SOURCE"),
        (("diff", "-", "-"), "A and B"),
        (("run", "-", "-", "--new"), "SOURCE and ROWS"),
    ],
)
def test_only_one_reads_it(compiled, flow64, typed, arguments, both):
    typed(compiled)

    code, _, told = flow64(*arguments)

    assert code == 64
    assert f"{both} cannot both be stdin: name a file for one" in told
