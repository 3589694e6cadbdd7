"""Findings as workflow commands of GitHub, which end where they end."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from flow64.diagnostics import Finding, Place
from flow64.report.findings import as_annotations
from tests.report.hostile import HOSTILE

ROOT = Path("/repository")
PLACE = Place("/repository/flows/leads.py", 14, 4, 9)
FINDING = Finding(
    "row-kind-mismatch",
    "rows",
    "error",
    "company rows flow into find_email, which takes lead rows",
    help="put CompanyToLeads() between",
    where="find_email",
    place=PLACE,
)


def line_of(finding, **options):
    (line,) = as_annotations([finding], **options)
    return line


def test_annotation():
    """File, line and column as GitHub counts them, the code as the title."""
    assert line_of(FINDING, root=ROOT) == (
        "::error file=flows/leads.py,line=14,col=5,endColumn=9,"
        "title=row-kind-mismatch::company rows flow into find_email, which "
        "takes lead rows (find_email)%0Ahelp: put CompanyToLeads() between"
    )


@pytest.mark.parametrize(
    ("severity", "command"),
    [("error", "::error "), ("warning", "::warning "), ("note", "::notice ")],
)
def test_severity(severity, command):
    assert line_of(evolve(FINDING, severity=severity)).startswith(command)


@pytest.mark.parametrize(
    ("place", "facts"),
    [
        (None, ""),
        (Place("a.py", 1), "file=a.py,line=1,"),
        (Place("a.py", 1, 0), "file=a.py,line=1,col=1,"),
        (Place("/elsewhere/a.py", 1), "file=/elsewhere/a.py,line=1,"),
        (Place("/repository/a,b:c%.py", 2), "file=a%2Cb%3Ac%25.py,line=2,"),
    ],
)
def test_place(place, facts):
    """What is not known is left out; what would end a property is escaped."""
    finding = evolve(FINDING, place=place, help=None, where=None)
    line = line_of(finding, root=ROOT)

    assert line == f"::error {facts}title=row-kind-mismatch::{FINDING.message}"


def test_columns_are_characters(tmp_path):
    """Python counts bytes of a line, GitHub characters."""
    file = tmp_path / "a.py"
    file.write_text("é = ü(1)\n", "utf-8")
    place = Place(str(file), 1, 5, 10)

    assert "col=5,endColumn=8," in line_of(evolve(FINDING, place=place))


@pytest.mark.parametrize(
    "text", [*HOSTILE[:-2], "a\n::error::b", "%0A::error::b", "a\rb"]
)
def test_nothing_acts(text):
    """One finding is one line and one command, whatever it says."""
    finding = evolve(
        FINDING, message=text, help=text, where=text, place=Place(f"{text}.py", 1)
    )
    line = line_of(finding)

    assert line.splitlines() == [line]
    assert line.isprintable()
    head, _, message = line.removeprefix("::error ").partition("::")
    assert [fact.partition("=")[0] for fact in head.split(",")] == [
        *("file", "line", "title")
    ]
    assert message.count("%0A") == 1


# -- Limits of GitHub -----------------------------------------------------------------


def several(count, severity="error", message="wrong"):
    return [Finding("c", "graph", severity, f"{message} {n}") for n in range(count)]


def test_as_many_as_github_shows():
    """Ten of a severity are ten annotations, and nothing is left out."""
    found = [*several(10), *several(10, "warning"), *several(10, "note")]

    lines = [*as_annotations(found)]

    assert [line.partition(" ")[0] for line in lines] == [
        *["::error"] * 10,
        *["::warning"] * 10,
        *["::notice"] * 10,
    ]


def test_what_github_would_drop_is_counted_and_logged():
    """The tenth annotation says what was left out, and the log has that in full."""
    place = Place("a.py", 3)
    found = [*several(3, "note"), *several(10), evolve(FINDING, place=place)]

    lines = [*as_annotations(found)]

    assert [line for line in lines if line.startswith("::")] == [
        *(f"::error title=c::wrong {n}" for n in range(9)),
        (
            "::error title=more-findings::2 errors more than GitHub shows: see the log "
            "of this step; c (1) and row-kind-mismatch (1)"
        ),
        *(f"::notice title=c::wrong {n}" for n in range(3)),
    ]
    assert [line for line in lines if not line.startswith("::")] == [
        "error[c] wrong 9",
        (
            "a.py:3 error[row-kind-mismatch] company rows flow into find_email, which "
            "takes lead rows: put CompanyToLeads() between"
        ),
    ]


def test_log_is_no_command():
    """What is only logged is not obeyed, in neither of the runner's two spellings."""
    lines = [*as_annotations(several(12, message="\n::error::x ##[error]y"))]

    logged = [line for line in lines if not line.startswith("::error title=")]
    assert len(logged) == 3
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in logged)


@pytest.mark.parametrize(
    ("message", "end"),
    [
        ("é" * 4000, "é" * 50),
        ("é" * 4001, "é… (1 more character)"),
        ("é" * 70_000, "é… (66,000 more characters)"),
    ],
)
def test_message_that_the_runner_would_cut(message, end):
    """It says how much of it is left out."""
    line = line_of(Finding("c", "graph", "error", message))

    text = line.removeprefix("::error title=c::")
    assert len(text) < 4096
    assert text.endswith(end)
