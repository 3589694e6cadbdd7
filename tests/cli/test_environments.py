"""Which environment a command works on, by `[tool.flow64]`."""

from __future__ import annotations

import pytest

SETTINGS = """
[tool.flow64.environments.staging]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
suffix = "(staging)"
max_rows = 1

[tool.flow64.environments.prod]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
org_id = "org_of_somebody"
"""


@pytest.fixture
def configured(service, leads):
    leads.with_name("pyproject.toml").write_text(SETTINGS, "utf-8")


def test_of_several_environments_one_is_named(configured, leads, flow64):
    code, printed, told = flow64("deploy", "leads.py", "--yes")

    assert (code, printed) == (64, "")
    assert "several environments are configured (staging, prod)" in told


def test_an_environment_says_what_differs_there(configured, leads, flow64, people):
    """The suffix is deployed, a second deploy changes nothing, and the limit holds."""
    first = flow64("deploy", "leads.py", "--yes", "--env", "staging")
    code, printed, told = flow64("deploy", "leads.py", "--yes", "--env", "staging")
    _, listed, _ = flow64("list", "--env", "staging")
    run = flow64("run", "leads.py", people, "--new", "--yes", "--env", "staging")

    assert first[:2] == (0, printed.replace("unchanged", "done     "))
    assert (code, printed[:9]) == (0, "unchanged")
    assert "environment staging" in told
    assert "Inbound leads (staging)" in listed
    assert (run[0], "2 rows are more than max_rows=1" in run[2]) == (3, True)


def test_a_key_of_another_organisation_writes_nothing(
    configured, service, leads, flow64
):
    flow64("deploy", "leads.py", "--yes", "--env", "staging")
    before = len(service.requests)

    code, _, told = flow64("deploy", "leads.py", "--yes", "--env", "prod")

    assert (code, "has org_id = 'org_of_somebody'" in told) == (1, True)
    asked = [seen.method for seen in service.requests[before:]]
    assert "POST" not in asked


def test_the_emulator_is_always_there(leads, flow64, monkeypatch, tmp_path):
    """Without any settings, key or address."""
    monkeypatch.chdir(tmp_path)
    for name in ("API_KEY", "API_ENDPOINT"):
        monkeypatch.delenv(f"SIXTYFOUR_{name}", raising=False)

    first = flow64("deploy", "leads.py", "--yes", "--env", "emulator")
    second = flow64("deploy", "leads.py", "--yes", "--env", "emulator")

    assert (first[0], first[1][:4]) == (0, "done")
    assert (second[0], second[1][:9]) == (0, "unchanged")
    assert (tmp_path / ".flow64/emulator.db").is_file()
