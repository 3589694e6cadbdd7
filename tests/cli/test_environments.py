"""Which environment a command works on, by `[tool.flow64]`."""

from __future__ import annotations

import json

import pytest

from tests.cli.pipelines import SUFFIX, retitled, settings

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


def test_renamed_environment_keeps_everything(configured, leads, flow64, people):
    """Ids, stamp, history and runs go by the old name, and words by the new one."""
    named = ("-e", "staging")
    file = leads.with_name("pyproject.toml")
    old = SETTINGS.replace("staging]", "stage]").replace("max_rows = 1", "")
    file.write_text(old, "utf-8")
    deployed = flow64("deploy", "leads.py", "--yes", "-e", "stage")
    retitled(leads)
    flow64("deploy", "leads.py", "--yes", "-e", "stage")
    bought = flow64("run", "leads.py", people, "--yes", "-e", "stage")
    plain = flow64("compile", "leads.py", "-e", "stage", "-o", "-")[1]
    file.write_text(old.replace("stage]", 'staging]\nwas = "stage"'), "utf-8")

    assert (deployed[0], bought[0]) == (0, 0)
    assert flow64("plan", "leads.py", *named)[1] == "staging: 1 unchanged\n"
    assert flow64("plan", "leads.py", "-e", "stage")[1] == "staging: 1 unchanged\n"
    assert flow64("compile", "leads.py", *named, "-o", "-")[1] == plain
    assert " staging " in flow64("list", *named)[1]
    assert flow64("diff", "staging", "leads.py")[1].endswith(": 1 equal\n")
    assert flow64("pull", "staging:inbound", "-o", "pulled", *named)[0] == 0
    assert "1 update" in flow64("plan", "pulled", *named, "--no-code")[1]
    (saved,) = json.loads(flow64("restore", "--json", *named)[1])["entries"]
    again = flow64("run", "leads.py", people, "--yes", *named)
    assert "Nothing bought" in again[1] + again[2]
    assert flow64("restore", "inbound", saved["at"], "--yes", *named)[0] == 0
