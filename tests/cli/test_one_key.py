"""One key makes flow64 true: from a sync to a review of the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.catalogue.answer import ANSWER, LATER

SETTINGS = """
[tool.flow64]
source = "reddit.py"
blocks = "blocks.json"
"""
PIPELINE = """
from flow64 import Project, RawBlock, Workflow
from flow64.blocks import FindEmail, SendSlackMessage

growth = Project("growth", namespace="NAMESPACE")
flow = (
    RawBlock("reddit_search", specs={"query": "pumps", "sort": "top"})
    >> RawBlock("score_lead", specs={"signals": [{"column": "karma", "weight": 3}]})
    >> FindEmail(mode="BOTH")
    >> SendSlackMessage(specs={"channel": "#leads", "message": "new"})
)
reddit = Workflow("Reddit", flow, key="reddit", project=growth)
"""


@pytest.fixture
def project(service, tmp_path, namespace, own_kinds):
    """A project that uses what only the service knows, and has been synced."""
    (tmp_path / "pyproject.toml").write_text(SETTINGS, "utf-8")
    text = PIPELINE.replace("NAMESPACE", namespace)
    (tmp_path / "reddit.py").write_text(text, "utf-8")
    service.blocks = ANSWER
    return service


def codes(printed):
    return {word.partition("[")[2] for word in printed.split("]") if "[" in word}


def test_without_list(project, flow64):
    """Without the list, the new mode stops a compile."""
    code, printed, _ = flow64("check")

    assert code == 1
    assert {"unknown-kind", "unknown-word"} <= codes(printed)


def test_with_list(project, flow64):
    """With it, all commands take the new kinds and the new mode."""
    assert flow64("blocks", "sync")[0] == 0

    code, printed, _ = flow64("check")
    assert code == 0
    assert codes(printed) == {"first-block-not-webhook", "effects", "cost-estimate"}

    assert flow64("compile", "-o", "compiled")[0] == 0
    assert flow64("deploy", "--yes")[0] == 0
    run = ("run", "reddit.py", "--intent", "1", "--yes")
    assert flow64(*run)[0] == 0


def test_later(project, flow64):
    """After the next sync, a check says what no longer fits, and by which list."""
    flow64("blocks", "sync")
    project.blocks = LATER
    code, printed, _ = flow64("blocks", "sync")
    assert (code, "→ Sequence[str] · required" in printed) == (0, True)

    code, printed, _ = flow64("check")

    assert code == 0
    assert "'subreddits' is a required property" in printed
    assert "'rubric' is a required property" in printed
    assert "write what the live catalogue of " in printed


GENERATED = """
from flow64 import Project, Workflow
from blocks import FindEmail, RedditSearch, ScoreLead, SendSlackMessage

growth = Project("growth", namespace="NAMESPACE")
flow = (
    RedditSearch(query="pumps", sort="top")
    >> ScoreLead(signals=[{"column": "karma", "weight": 3}])
    >> FindEmail(mode="BOTH")
    >> SendSlackMessage(channel="#leads", message="new")
)
reddit = Workflow("Reddit", flow, key="reddit", project=growth)
"""


def test_generated(project, flow64, namespace):
    """Generated classes make the same workflow, and code of it imports them."""
    flow64("blocks", "sync")
    flow64("deploy", "--yes")
    assert flow64("blocks", "generate", "-o", "blocks.py")[0] == 0
    text = GENERATED.replace("NAMESPACE", namespace)
    Path("reddit.py").write_text(text, "utf-8")

    code, printed, _ = flow64("plan", "--exit-code")
    assert (code, "unchanged" in printed) == (0, True), printed
    assert flow64("check")[0] == 0
    assert flow64("blocks", "generate", "-o", "blocks.py", "--check")[0] == 0
    run = ("run", "reddit.py", "--intent", "1", "--yes")
    assert flow64(*run)[0] == 0
    _, source, _ = flow64("code", "default:reddit")
    classes = "FindEmail, RedditSearch, ScoreLead, SendSlackMessage"
    assert f"from blocks import {classes}" in source
