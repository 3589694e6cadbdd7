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


def test_two_environments_of_one_old_name(configured, leads, flow64):
    file = leads.with_name("pyproject.toml")
    file.write_text(SETTINGS.replace("prod]", 'prod]\nwas = "staging"'), "utf-8")

    code, _, told = flow64("plan", "leads.py", "-e", "prod")

    assert code == 1
    assert "environments.prod: its ids are those of staging" in told


def test_two_environments_of_one_name_in_unicode(configured, leads, flow64):
    """Written as one character or as two, it gives the same ids."""
    file = leads.with_name("pyproject.toml")
    text = SETTINGS.replace("staging]", '"caf\u00e9"]').replace(
        "prod]", '"cafe\u0301"]'
    )
    file.write_text(text, "utf-8")

    code, _, told = flow64("plan", "leads.py", "-e", "caf\u00e9")

    assert code == 1
    assert "its ids are those of caf\u00e9" in told


def test_environment_with_a_name_that_is_in_the_ids_of_another(
    configured, leads, flow64
):
    """Otherwise, --prune in staging would delete what prod has."""
    file = leads.with_name("pyproject.toml")
    text = SETTINGS.replace("staging]", 'staging]\nwas = "stage"')
    text = text.replace("prod]", 'prod]\nwas = "staging"')
    file.write_text(text, "utf-8")

    code, _, told = flow64("plan", "leads.py", "-e", "staging")

    assert code == 1
    assert "environments.staging: the ids of prod have this name" in told
