"""Which environment a command works on, by `[tool.flow64]`."""

from __future__ import annotations

import pytest

from tests.cli.pipelines import SUFFIX, settings

SETTINGS = settings(
    staging=[SUFFIX, "max_rows = 1"], prod=['org_id = "org_of_somebody"']
)


@pytest.fixture
def configured(service, leads):
    leads.with_name("pyproject.toml").write_text(SETTINGS, "utf-8")


def test_a_deploy_says_that_a_variable_names_its_environment(
    configured, leads, flow64, monkeypatch
):
    """Before it asks, and only if the variable does."""
    monkeypatch.setenv("FLOW64_ENV", "staging")

    code, _, told = flow64("deploy", "leads.py")
    named = flow64("deploy", "leads.py", "-e", "staging")

    first, *_ = told.splitlines()
    assert (code, first) == (3, "environment staging, by FLOW64_ENV")
    assert "there is no terminal to ask at" in told
    assert (named[0], "FLOW64_ENV" in named[2]) == (3, False)


def test_an_environment_says_what_differs_there(configured, leads, flow64, people):
    """The suffix is deployed, a second deploy changes nothing, and the limit holds."""
    first = flow64("deploy", "leads.py", "--yes", "--env", "staging")
    code, printed, told = flow64("deploy", "leads.py", "--yes", "--env", "staging")
    _, listed, _ = flow64("list", "--env", "staging")
    run = flow64("run", "leads.py", people, "--new", "--yes", "--env", "staging")

    assert (first[0], first[1][:13]) == (0, "created    in")
    assert (code, printed) == (0, "")
    assert "staging: 1 unchanged" in told
    assert "Inbound leads (staging)" in listed
    assert (run[0], "more rows than max_rows=1" in run[2]) == (3, True)
