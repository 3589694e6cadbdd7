"""JSON and its manifest in place of code: planned and deployed, nothing imported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flow64.cli import main
from flow64.deploy.apply import apply_plan
from flow64.deploy.history import History
from flow64.deploy.make import make_plan
from flow64.deploy.target import target_of
from flow64.loading import load_source
from flow64.manifest import MANIFEST
from tests.deploy.planned import ENDPOINT, Commits, service

CODE = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, Webhook

growth = Project("growth", namespace="acme.example")
flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail()
inbound = Workflow("Inbound", flow, key="KEY", project=growth)
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with service() as found:
        yield found


def compiled(key="inbound"):
    """Compile the code with this key."""
    Path("leads.py").write_text(CODE.replace("KEY", key), "utf-8")
    assert main(["compile", "leads.py", "-o", "out"]) == 0


def planned(here, source, *, code, env="prod"):
    loaded = load_source(source, code=code)
    targets = [
        target_of(
            one.workflow, env, git=Commits(), key=one.name, pulled=one.stamp_in(env)
        )
        for one in loaded.workflows
    ]
    projects = loaded.projects if loaded.is_whole else None
    facts = {"endpoint": ENDPOINT, "git": Commits(), "projects": projects}
    return make_plan(here.session, targets, env=env, **facts)


def deployed(here, source, *, code):
    plan = planned(here, source, code=code)
    return apply_plan(here.session, plan, history=History(Path("history")))


def states(plan):
    return [(step.key, step.state) for step in plan.steps]


def test_what_json_deploys_code_knows_again(here):
    """And the other way round: they are one and the same."""
    compiled()

    deployed(here, "out", code=False)

    for source, code in (("out", False), ("leads.py", True), ("out", True)):
        plan = planned(here, source, code=code)
        assert states(plan) == [("inbound", "unchanged")]
        assert plan.is_empty


def test_file_that_moves(here):
    """D5: no id hangs on the name of a file."""
    compiled()
    deployed(here, "out", code=False)
    Path("out/inbound.json").rename("out/elsewhere.json")
    manifest = Path("out", MANIFEST)
    text = manifest.read_text("utf-8")
    manifest.write_text(text.replace("inbound.json", "elsewhere.json"), "utf-8")
    Path("out").rename("moved")

    assert states(planned(here, "moved", code=False)) == [("inbound", "unchanged")]


def test_key_that_changes(here):
    """D5: one to create and one orphan, with the line that keeps the id."""
    compiled()
    deployed(here, "out", code=False)
    compiled("renamed")

    plan = planned(here, "out", code=False)

    assert states(plan) == [("renamed", "new"), ("inbound", "orphan")]
    assert plan.steps[0].needs == ("create",)
    assert 'was="inbound"' in str(plan.steps[0].advice[0])
    Path("out/inbound.json").unlink()
    assert states(planned(here, "out", code=False)) == states(plan)


def test_part_is_not_whole(here):
    """If only a part was compiled, orphans are not searched for."""
    compiled()
    deployed(here, "out", code=False)
    compiled("renamed")
    assert main(["compile", "leads.py:renamed", "-o", "part"]) == 0

    plan = planned(here, "part", code=False)

    assert states(plan) == [("renamed", "new")]
    assert not plan.is_whole


def test_project_that_is_written_by_hand(here):
    """A pulled workflow can be given to a project; its pin stays."""
    compiled()
    manifest = Path("out", MANIFEST)
    data = json.loads(manifest.read_text("utf-8"))
    entry = data["files"]["inbound.json"]
    pinned = "11111111-1111-4111-8111-111111111111"
    entry["pins"] = {"prod": pinned}
    manifest.write_text(json.dumps(data), "utf-8")

    workflow = load_source("out", code=False).only.workflow

    assert workflow.id("prod") == pinned
    assert workflow.compile("prod").path == (
        "ns:acme.example/project:growth/env:prod/workflow:inbound/pin:" + pinned
    )
    assert states(planned(here, "out", code=False)) == [("inbound", "new")]
