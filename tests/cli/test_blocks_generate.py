"""`flow64 blocks generate`: block classes for what flow64 does not have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import flow64 as package
from flow64 import LEAD, RawBlock, Workflow
from flow64.analysis.live import LiveCatalogue
from flow64.blocks import Webhook
from tests.catalogue.answer import ANSWER, HOSTILE, LATER

FACTS = """
[score_lead]
takes = "LEAD"
gives = "LEAD"
price = 0.02
reads = ["company"]
adds = { score = "int" }
"""

USE = """
from __future__ import annotations

from blocks import FindEmail, RedditSearch, ScoreLead, Search, SendSlackMessage
from flow64 import COMPANY, LEAD, Flow, Lead, Project, Start, Workflow
from flow64.analysis.live import LiveCatalogue
from flow64.blocks import Filter, OutgoingWebhook, Webhook

leads: Flow[Start, Lead] = Search(dataframe_type=LEAD, query="x", freshness="day")
flow = (
    leads
    >> FindEmail(mode="BOTH")
    >> ScoreLead(signals=[{"column": "title", "weight": 1.5}], scale=10, explain=None)
    >> Filter.where("score").greater(5)
    >> SendSlackMessage(channel="#a", message="b", mention=["c"])
    >> OutgoingWebhook(url="https://a.example/hook")
)
growth = Project(
    "growth", namespace="a.example", blocks=LiveCatalogue.read("blocks.json")
)
workflow = Workflow("Leads", flow, key="leads", project=growth)
RedditSearch(query="crm", sort="new")
"""

WRONG = """
Webhook(COMPANY) >> FindEmail()
FindEmail(mode="ALL")
SendSlackMessage(channel="#a")
SendSlackMessage(channel=1, message="b")
RedditSearch(query="a", sort="old")
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a saved list of blocks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.flow64]\n", "utf-8")
    (tmp_path / "blocks.toml").write_text(FACTS, "utf-8")
    save(tmp_path, ANSWER)
    return tmp_path


def save(folder, answer, date="2026-11-28"):
    text = LiveCatalogue.of(answer, date=date).as_text()
    (folder / "blocks.json").write_text(text, "utf-8")


def run_python(folder, *arguments):
    """Run Python in a folder, as a user does."""
    src = str(Path(package.__file__).parents[1])
    environment = os.environ | {"MYPYPATH": src, "PYTHONPATH": src}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_classes_work_and_are_typed(project, flow64):
    """A module with a hostile kind in the list imports, and mypy knows its types."""
    code, printed, told = flow64("blocks", "generate", "-o", "blocks.py")
    (project / "use.py").write_text(USE + "print(workflow.to_json())\n", "utf-8")
    (project / "wrong.py").write_text(USE + WRONG, "utf-8")

    done = run_python(project, "use.py")
    mypy = run_python(
        project, "-m", "mypy", "--strict", "--config-file=", "use.py", "wrong.py"
    )

    assert (code, printed) == (0, "blocks.py\n")
    assert "warning: 'yc_batches' has no specs_schema" in told
    specs = [
        b["specs"] for b in json.loads(done.stdout)["workflow_definition"]["blocks"]
    ]
    assert specs[0]["auto_execute"] is False
    assert specs[0]["freshness"] == "day"
    assert specs[2]["explain"] is None
    lines = [
        line.split(":")[:2] for line in mypy.stdout.splitlines() if ": error:" in line
    ]
    first = len(USE.splitlines()) + 2
    places = [["wrong.py", str(first + n)] for n in range(len(WRONG.split("\n")) - 2)]
    assert lines == places, mypy.stdout


def test_texts_of_the_list_are_literals(project, flow64):
    """Also quotes, brackets and line ends in names of kinds, fields and words."""
    _, text, _ = flow64("blocks", "generate")

    assert HOSTILE in text
    assert f"kind = {HOSTILE!r}" in text
    assert "\u202e" not in text


def test_facts(project, flow64):
    """Row kinds, price and columns of a new kind are those of blocks.toml."""
    _, text, _ = flow64("blocks", "generate")

    assert "class ScoreLead(Flow[Lead, Lead], CatalogueBlock):" in text
    assert "Price(dollars=0.02" in text
    assert "class RedditSearch(Flow[Any, Any], CatalogueBlock):" in text


@pytest.mark.parametrize(
    "facts",
    [
        "[score_lead]\ntakes = 'PEOPLE'",
        "[score_lead]\nprise = 1",
        "[score_lead]\nprice = -1",
        "[find_email]\ntakes = 'LEAD'",
        "score_lead",
    ],
)
def test_mistakes_in_facts(project, flow64, facts):
    """The file is named, and nothing is written."""
    (project / "blocks.toml").write_text(facts, "utf-8")

    code, _, told = flow64("blocks", "generate", "-o", "blocks.py")

    assert code == 1
    assert "blocks.toml" in told
    assert not (project / "blocks.py").exists()


def test_check(project, flow64):
    """A later list makes the module stale; its layout does not matter."""
    flow64("blocks", "generate", "-o", "blocks.py")
    file = project / "blocks.py"
    file.write_text(file.read_text("utf-8") + "\n\n", "utf-8")
    assert flow64("blocks", "generate", "-o", "blocks.py", "--check")[0] == 0
    save(project, LATER)
    assert flow64("blocks", "generate", "-o", "blocks.py", "--check")[0] == 1


def test_other_file_stays(project, flow64):
    """A module that it did not write is not overwritten."""
    (project / "blocks.py").write_text("mine = 1\n", "utf-8")

    assert flow64("blocks", "generate", "-o", "blocks.py")[0] == 1
    assert (project / "blocks.py").read_text("utf-8") == "mine = 1\n"


def test_no_list(project, flow64):
    """It says how to get one."""
    (project / "blocks.json").unlink()

    code, _, told = flow64("blocks", "generate")

    assert code == 64
    assert "flow64 blocks sync" in told


def test_code_uses_the_classes(project, flow64, own_kinds):
    """`flow64 code` writes workflows with them."""
    flow64("blocks", "generate", "-o", "blocks.py")
    flow = Webhook(LEAD) >> RawBlock("reddit_search", specs={"query": "crm"})
    text = Workflow("Leads", flow, key="leads").to_json()
    (project / "leads.json").write_text(text, "utf-8")

    code, printed, _ = flow64("code", "leads.json")

    assert code == 0
    assert "RedditSearch(query=" in printed
