"""`flow64 code`: workflows as Python, from files, code and what is live."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flow64.definition import fingerprint, loads
from flow64.loading import load_source

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


# -- What its own compile reads --------------------------------------------------------


def body(first="in", second="out", **more):
    """A file whose ids somebody made up."""
    blocks = [
        {
            "block_id": block_id,
            "block_name": kind,
            "block_type": "io",
            "sequence_number": 1,
            "specs": specs,
        }
        for block_id, kind, specs in (
            (first, "webhook", {"dataframe_type": "LEAD"}),
            (second, "lead_enrichment", {"return_fields": "title", "tier": "deep"}),
        )
    ]
    edges = [{"from_block_id": first, "to_block_id": second}]
    graph = {"blocks": blocks, "edges": edges}
    return {"workflow_name": "W", "workflow_definition": graph} | more


UUIDS = [f"{at}0000000-0000-4000-8000-000000000000" for at in range(2)]
FILES = {
    "a block id that is no UUID": (body(), 0),
    "a path as a block id": (body("../a", "a/b%2F"), 0),
    "other letters": (body("e\u0301", "\u202e'\"\n"), 0),
    "a long block id": (body("x" * 600), 0),
    "a description": (body(*UUIDS, workflow_description=None), 0),
    "a workflow id that is a UUID": (body(*UUIDS, id=UUIDS[0].upper()), 0),
    "a workflow id that is no UUID": (body(id="wf_1"), 1),
    "one id twice": (body(UUIDS[0], UUIDS[0].upper()), 1),
    "one key twice": (body("\u00e9", "e\u0301"), 1),
}


@pytest.mark.parametrize("name", FILES)
def test_own_compile_reads_what_is_written(name, flow64, tmp_path, monkeypatch):
    """Code compiles to the same ids, or is not written. No error of specs stops it."""
    monkeypatch.chdir(tmp_path)
    data, expected = FILES[name]
    Path("a.json").write_text(json.dumps(data), "utf-8")

    code, _, printed = flow64("code", "a.json", "-o", "b.py")

    assert code == expected, printed
    assert Path("b.py").exists() == (code == 0)
    if code == 0:
        assert flow64("compile", "b.py")[0] == 0
        before = loads(json.dumps(data))
        after = load_source("b.py").only.workflow.compile()
        assert (after.id, fingerprint(after)) == (before.id, fingerprint(before))


def test_missing_description(flow64, tmp_path):
    """A file without a description is read, and `check` says what is sent."""
    file = tmp_path / "a.json"
    file.write_text(json.dumps(body(*UUIDS)), "utf-8")

    _, printed, _ = flow64("check", file, "--json")

    assert '"missing-description"' in printed
    assert loads(file.read_text()).description == ""
