"""`flow64 doctor`: the setup and the service, in a form that can be shared."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from flow64 import LEAD, Client, Project, Workflow
from flow64.blocks import FindEmail, Webhook
from tests.analysis.live_answer import ANSWER, SECRET
from tests.cli.pipelines import settings

CANARY = "SENTINEL"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """No variable of this machine takes part."""
    for name in (*os.environ,):
        if name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture
def deployed(service, namespace):
    """A workflow on the service, with canaries in its texts."""
    project = Project(f"{CANARY}-project", namespace=namespace)
    flow = Webhook(LEAD) >> FindEmail()
    workflow = Workflow(CANARY, flow, key=CANARY, project=project, description=CANARY)
    with Client(journal=None) as client:
        workflow.deploy(client)
        return client.workflows.get(workflow.id())


def write_settings(folder, org_id):
    text = settings(prod=[f'org_id = "{org_id}"'])
    (folder / "pyproject.toml").write_text(text, "utf-8")


def checks_of(flow64, *options):
    code, printed, _ = flow64("doctor", "--json", *options)
    checks = json.loads(printed)["checks"]
    return code, {check["name"]: check["says"] for check in checks}


def test_nothing_that_is_secret_is_shown(deployed, flow64, monkeypatch, tmp_path):
    """Neither a key nor a value, id, title or folder, in no form."""
    monkeypatch.setenv("FLOW64_ANYTHING", CANARY)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{CANARY}@proxy.example:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    write_settings(tmp_path, "org_of_somebody_else")

    shown = "".join(
        str(part)
        for options in ([], ["--json"], ["-v"], ["--report", "report.json"])
        for part in flow64("doctor", *options)
    )
    shown += (tmp_path / "report.json").read_text("utf-8")

    key = os.environ["SIXTYFOUR_API_KEY"]
    for secret in (key, CANARY, deployed.id, deployed.org_id, "_else", str(tmp_path)):
        assert str(secret) not in shown
    assert "FLOW64_ANYTHING" in shown


def test_report_has_both_sides_of_each_field(service, flow64):
    """Texts of the service are in it only if they are plain words."""
    service.blocks = ANSWER
    assert flow64("doctor", "--report", "report.json")[0] == 0

    text = Path("report.json").read_text("utf-8")
    kinds = json.loads(text)["kinds"]
    words = ["PROFESSIONAL", "PERSONAL", "BOTH"]
    mode = {"type": "string", "required": False, "words": words}
    assert kinds["find_email"]["service"]["mode"] == mode
    assert kinds["find_email"]["flow64"]["mode"]["words"] == words[:2]
    assert kinds["score_lead"]["flow64"] is None
    assert kinds["send_slack_message"]["service"]["channel"]["words"] is None
    assert not [word for word in (SECRET, "import os", "What to") if word in text]


def test_wrong_organisation(deployed, flow64, tmp_path):
    """The credential belongs to another one than the settings say."""
    write_settings(tmp_path, deployed.org_id)
    assert flow64("doctor")[0] == 0

    write_settings(tmp_path, "org_of_prod")
    code, checks = checks_of(flow64)

    assert code == 1
    assert "is not the org_id of prod" in checks["organisation"]


@pytest.mark.parametrize(("skew", "side"), [(-90, "behind"), (90, "ahead of")])
def test_clock(skew, side, service, flow64, monkeypatch):
    """Signatures of a machine with a wrong clock are refused."""
    clock = SimpleNamespace(time=lambda: time.time() + skew)
    monkeypatch.setattr("flow64.doctor.time", clock)

    code, checks = checks_of(flow64)

    assert code == 1
    assert re.search(rf"is (89|90|91) s {side} the service", checks["clock"])
