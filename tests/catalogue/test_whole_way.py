"""From the first sync to the review of a later one, with the list of a service.

An emulator answers the made-up list. What a user with a key does follows in order, each
step with what the step before left.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from flow64.cli import main
from flow64.emulator import Emulator
from tests.catalogue.answer import ANSWER, DAMAGED, HOSTILE, LATER

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_kinds")]

SETTINGS = """
[tool.flow64]
source = "pipelines"
blocks = "blocks.json"

[tool.flow64.environments.prod]
endpoint = { env = "PROD_URL" }
api_key = { env = "PROD_KEY" }
"""

PIPELINE = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import Webhook
from ours import FindEmail, ScoreLead, SendSlackMessage

growth = Project("growth", namespace="acme.example")
flow = (
    Webhook(LEAD, input_schema={"full_name": "string", "company": "string"})
    >> ScoreLead(signals=[{"column": "company", "weight": 1.0}])
    >> FindEmail(mode="BOTH")
    >> SendSlackMessage(channel="#sales", message="A new lead: {{full_name}}")
)
inbound = Workflow("Inbound", flow, key="inbound", project=growth)
"""

WRONG = """
from ours import FindEmail, ScoreLead

ScoreLead()  # signals are required
FindEmail(mode="NONE")  # no word of the list
"""


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """A project, the service, and commands in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("pipelines").mkdir()
    Path("pyproject.toml").write_text(SETTINGS, "utf-8")
    Path("people.csv").write_text("full_name,company\nAda,Acme\n", "utf-8")

    def do(*command, code=0):
        found = main([*command])
        printed = capsys.readouterr()
        assert found == code, printed
        return printed.out + printed.err

    with Emulator(blocks=ANSWER) as first:
        monkeypatch.setenv("PROD_URL", first.url)
        monkeypatch.setenv("PROD_KEY", "sk_test_not_a_real_key")
        yield SimpleNamespace(do=do, folder=tmp_path, patch=monkeypatch)
    sys.modules.pop("ours", None)


def check_types(*files):
    """Return what strict mypy says of files that import the generated module."""
    strict = ["--strict", "--config-file=", "--no-incremental"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *strict, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def names_in(text):
    """All names in the code of a module: texts in literals are none."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        for field in ("id", "attr", "name", "module"):
            found.add(getattr(node, field, None))
    return found


def test_whole_way(here):
    """Sync, generate, check, plan, deploy, run, code, and a later sync."""
    told = here.do("blocks", "sync", "--env", "prod")
    assert all(kind in told for kind in DAMAGED)
    assert "reddit_search, score_lead" in told

    here.do("blocks", "generate", "-o", "ours.py")
    text = Path("ours.py").read_text("utf-8")
    assert HOSTILE in text
    assert "abort" not in names_in(text)
    here.do("blocks", "generate", "-o", "ours.py", "--check")
    Path("pipelines/leads.py").write_text(PIPELINE, "utf-8")
    Path("wrong.py").write_text(WRONG, "utf-8")
    assert check_types("ours.py", "pipelines/leads.py")[0] == 0
    code, said = check_types("wrong.py")
    assert (code, said.count(": error:")) == (1, 2)

    found = here.do("check", "--json")
    severe = [one for one in json.loads(found) if one["severity"] == "error"]
    assert severe == []
    assert "unknown-kind" not in found
    plan = here.do("plan", "--env", "prod")
    assert "1 workflow is created" in plan
    here.do("deploy", "--env", "prod", "--yes")
    ran = here.do(
        *("run", "code:inbound", "people.csv", "--env", "prod"),
        *("--new", "--yes", "--every", "0.01", "--allow-unpriced"),
    )
    assert "completed" in ran
    assert "(1 of 1 unchanged)" in here.do("plan", "--env", "prod")
    here.do("code", "prod:inbound", "--classes", "ours.py", "-o", "again.py")
    again = Path("again.py").read_text("utf-8")
    assert "ScoreLead(" in again
    assert 'FindEmail(mode="BOTH")' in again

    Path("before.json").write_bytes(Path("blocks.json").read_bytes())
    with Emulator(blocks=LATER) as later:
        here.patch.setenv("PROD_URL", later.url)
        changed = here.do("blocks", "sync", "--env", "prod")
    assert "changed  find_email" in changed
    lists = ("before.json", "blocks.json")
    assert "changed  find_email" in here.do("blocks", "diff", *lists, code=0)
    here.do("blocks", "diff", *lists, "--exit-code", code=2)
    after = here.do("check")
    assert "the live catalogue of" in after
    here.do("blocks", "generate", "-o", "ours.py", "--check", code=1)
