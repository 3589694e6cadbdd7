"""How loud a command is: `--quiet` and `--verbose`, before it or with it."""

from __future__ import annotations

import pytest

from flow64.cli._options import OPTIONS
from tests.cli.pipelines import deployed


@pytest.fixture(autouse=True)
def as_it_was():
    """Reset the options after each test."""
    yield
    OPTIONS.begin()


@pytest.mark.parametrize(
    "line",
    [("-q", "deploy", "leads.py", "--yes"), ("deploy", "leads.py", "--yes", "--quiet")],
    ids=["before", "with"],
)
def test_quiet(service, leads, flow64, line):
    """The result is all there is."""
    code, printed, told = flow64(*line)

    assert (code, printed[:7], told) == (0, "created", "")


def test_quiet_shows_what_it_asks_about(service, leads, flow64, answering):
    """Held messages are printed before a question."""
    answering("y\n")

    code, _, told = flow64("deploy", "leads.py", "-q")

    assert (code, deployed()) == (0, ["Inbound leads"])
    assert "default: 1 new" in told
    assert "1 of 1" not in told


@pytest.mark.parametrize(
    "line",
    [("-v", "plan", "leads.py"), ("plan", "leads.py", "--verbose")],
    ids=["before", "with"],
)
def test_verbose(service, leads, flow64, line):
    """Method, path, status and time; the query is left out, and no header is shown."""
    flow64("deploy", "leads.py", "--yes")
    leads.write_text(leads.read_text("utf-8").replace("Inbound", "New"), "utf-8")

    code, printed, told = flow64(*line)

    paths = [told_line.split(" (")[0] for told_line in told.splitlines()]
    assert code == 0
    assert "default: 1 update" in printed
    assert paths[0] == "200 GET /workflows"
    assert ("?" in told, "sk_test" in told) == (False, False)


@pytest.mark.parametrize("line", [("-q", "plan", "-v"), ("-qv", "plan")])
def test_both_are_a_contradiction(flow64, line):
    code, printed, told = flow64(*line)

    assert (code, printed) == (64, "")
    assert "--quiet and --verbose: leave one of them out" in told
