"""One project from a first sync to a second one, with generated classes."""

from __future__ import annotations

import json

import pytest

from tests.catalogue.answer import ANSWER, LATER

SCORED = """
from blocks import FindEmail, ScoreLead, SendSlackMessage

from flow64 import LEAD, Project, Workflow
from flow64.blocks import Webhook

growth = Project("growth", namespace="NAMESPACE")
flow = (
    Webhook(LEAD, input_schema={"full_name": "string", "company": "string"})
    >> ScoreLead(signals=[{"column": "company", "weight": 50}], scale=10)
    >> FindEmail(mode="BOTH")
    >> SendSlackMessage(channel="#inbound", message="{{full_name}}")
)
scored = Workflow("Scored", flow, key="scored", project=growth)
"""


@pytest.fixture
def project(service, tmp_path, namespace, own_kinds):
    """A project with one workflow; the service lists the made-up answer."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.flow64]\nblocks = "blocks.json"\nsource = "scored.py"\n', "utf-8"
    )
    text = SCORED.replace("NAMESPACE", namespace)
    (tmp_path / "scored.py").write_text(text, "utf-8")
    (tmp_path / "rows.json").write_text(
        json.dumps([{"full_name": "Ada", "company": "Acme"}]), "utf-8"
    )
    service.blocks = ANSWER
    return tmp_path


def test_story(project, service, flow64):
    """Sync, generate, check, plan, deploy, run, code, and all of it again later."""
    assert flow64("blocks", "sync")[0] == 0
    assert flow64("blocks", "generate", "-o", "blocks.py")[0] == 0

    code, printed, _ = flow64("check")
    assert code == 0
    assert "error" not in printed
    assert "+ scored" in flow64("plan")[1]
    assert flow64("deploy", "--yes")[0] == 0
    assert flow64("plan", "--exit-code")[0] == 0
    asked = ("run", "scored", "rows.json", "--intent", "first", "--yes")
    assert flow64(*asked)[0] == 0
    _, source, _ = flow64("code", "default:scored")
    assert "from blocks import FindEmail, ScoreLead, SendSlackMessage" in source

    service.blocks = LATER
    assert "scale" in flow64("blocks", "sync")[1]
    assert flow64("blocks", "generate", "-o", "blocks.py", "--check")[0] == 1
    assert "which the live schema requires" in flow64("check")[1]
    assert flow64("blocks", "generate", "-o", "blocks.py")[0] == 0
    code, _, told = flow64("check")
    assert code == 1
    assert "rubric" in told
