"""`flow64 code`: workflows as Python, from files, code and what is live."""

from __future__ import annotations

from pathlib import Path

SECRET = "https://example.com/hook?key=sk_live_not_a_real_key_SENTINEL"

SETTINGS = """
[tool.flow64.environments.default]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }

[tool.flow64.environments.prod]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
suffix = "(prod)"
"""


def test_deployed(leads, service, flow64):
    """A workflow that code deployed has its project and keys: its plan is empty."""
    Path("pyproject.toml").write_text(SETTINGS, "utf-8")
    assert flow64("deploy", leads, "--env", "prod", "--yes")[0] == 0
    service.requests.clear()

    code, _, told = flow64("code", "prod:inbound", "-o", "made.py")

    assert code == 0, told
    assert {one.method for one in service.requests} == {"GET"}
    made = Path("made.py").read_text("utf-8")
    assert "inbound = Workflow('Inbound leads', flow, key='inbound', project=" in made
    assert "pins=" not in made
    plan = flow64("plan", "made.py", "--env", "prod")
    assert plan[:2] == (0, "prod: 1 unchanged\n")


def test_text_that_looks_like_a_key_stops_it(leads, flow64):
    flow64("compile", "leads.py", "-o", "made")
    file = Path("made/inbound.json")
    file.write_text(file.read_text("utf-8").replace("Job title", SECRET), "utf-8")

    for options in ([], ["--json"]):
        code, *shown = flow64("code", file, *options)
        assert (code, "holds what looks like a key" in shown[1]) == (1, True)
        assert "SENTINEL" not in str(shown)
