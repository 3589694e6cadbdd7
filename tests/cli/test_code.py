"""`flow64 code`: workflows as Python, from files, code and what is live."""

from __future__ import annotations

import json
from pathlib import Path

from flow64.loading import load_source

EXAMPLES = Path(__file__).parents[2] / "examples"
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


def states(flow64, *arguments):
    """The states and actions of a plan."""
    code, printed, told = flow64("plan", *arguments, "--format", "json")
    assert code == 0, told
    plan = json.loads(printed)
    return [
        (step["key"], step["state"], plan["actions"][step["key"]])
        for step in plan["workflows"]
    ]


# -- Files and code -------------------------------------------------------------------


def test_module(leads, flow64):
    """Code of code has its project and keys, and nothing is pinned."""
    code, printed, _ = flow64("code", f"{leads}:inbound")

    before = load_source(str(leads)).only.workflow
    leads.write_text(printed, "utf-8")
    after = load_source(str(leads)).only.workflow
    assert code == 0
    assert "pins=" not in printed
    assert [after.to_json(env) for env in (None, "prod")] == [
        before.to_json(env) for env in (None, "prod")
    ]


def test_several(flow64, tmp_path, monkeypatch):
    """Several workflows are one module, which is written whole."""
    monkeypatch.chdir(tmp_path)

    refused = flow64("code", EXAMPLES / "regional_variants.py")
    code, printed, _ = flow64(
        "code", EXAMPLES / "regional_variants.py", "-o", "made/all.py"
    )

    assert refused[0] == 64
    assert "means 40 workflows: regional/ae" in refused[2]
    assert "name one of them, or a file with -o FILE" in refused[2]
    assert (code, printed) == (0, "made/all.py\n")
    assert [path.name for path in Path("made").iterdir()] == ["all.py"]
    before = load_source(str(EXAMPLES / "regional_variants.py"))
    after = load_source("made/all.py")
    assert after.names == before.names
    assert [one.workflow.to_json() for one in after.workflows] == [
        one.workflow.to_json() for one in before.workflows
    ]


def write(path, *edges, specs=None, title="W"):
    """JSON of raw blocks that are called by number."""
    ids = [f"{at}0000000-0000-4000-8000-000000000000" for at in range(3)]
    blocks = [
        {
            "block_id": id_,
            "block_name": "x",
            "block_type": "x",
            "sequence_number": at,
            "specs": specs or {},
            "note": 1,
        }
        for at, id_ in enumerate(ids)
    ]
    wired = [{"from_block_id": ids[a], "to_block_id": ids[b]} for a, b in edges]
    graph = {"blocks": blocks, "edges": wired}
    body = {"workflow_name": title, "workflow_definition": graph}
    path.write_text(json.dumps(body), "utf-8")


def test_text_that_looks_like_a_key_stops_it(flow64, tmp_path):
    write(tmp_path / "a.json", specs={"url": SECRET, "again": [SECRET]})

    found = [flow64("code", tmp_path / "a.json", *more) for more in ([], ["--json"])]

    assert [one[0] for one in found] == [1, 1]
    assert "x (00000000) at /url holds what looks like a key" in found[0][2]
    assert "SENTINEL" not in str(found)


# -- What is live ---------------------------------------------------------------------


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
    assert states(flow64, "made.py", "--env", "prod") == [
        ("inbound", "unchanged", "none")
    ]
