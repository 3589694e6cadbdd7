"""`flow64 code`: workflows as Python, from files, code and what is live."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.pipelines import SUFFIX, settings

SECRET = "https://example.com/hook?key=sk_live_not_a_real_key_SENTINEL"


def test_deployed(leads, service, flow64):
    """A workflow that code deployed has its project and keys: its plan is empty."""
    text = settings(default=[], prod=[SUFFIX])
    Path("pyproject.toml").write_text(text, "utf-8")
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


@pytest.mark.parametrize(
    ("old", "new"), [("Job title", SECRET), ('"id": "', '"id": "wf_')]
)
def test_what_code_may_not_say_stops_it(old, new, leads, flow64):
    """A text that looks like a key, and an id that cannot be pinned."""
    flow64("compile", "leads.py", "-o", "made")
    Path("made/flow64.json").unlink()
    file = Path("made/inbound.json")
    file.write_text(file.read_text("utf-8").replace(old, new, 1), "utf-8")

    for options in ([], ["--json"]):
        code, *shown = flow64("code", file, *options)
        is_shown = "class" in shown[0] or "SENTINEL" in str(shown)
        assert (code, is_shown) == (1, False)
