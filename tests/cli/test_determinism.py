"""`flow64 determinism`: what makes processes differ is named, with its place."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow

HEAD = """
import os, uuid
from pathlib import Path
from flow64 import LEAD, Project, Workflow
from flow64.blocks import LlmOpenai, Webhook

growth = Project("growth", namespace="acme.example")
def named(key, text):
    flow = Webhook(LEAD) >> LlmOpenai(specs={"text": text})
    return Workflow(key, flow, key=key, project=growth)
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A file with some code in it, in the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(code, name="leads.py"):
        (tmp_path / name).write_text(HEAD + code, "utf-8")
        return name

    return write


CAUSES = {
    "no setting": "uuid.uuid4().hex",
    "PYTHONHASHSEED=1": "str({'a', 'b', 'c', 'd', 'e'})",
    "an empty working folder": "os.getcwd()",
}


@pytest.mark.parametrize("cause", CAUSES)
def test_cause(cause, written, flow64):
    """The setting is named, with the pointer and the line of the block."""
    source = written(f"x, y = named('x', 'same'), named('y', {CAUSES[cause]})")
    line = HEAD.splitlines().index(
        '    flow = Webhook(LEAD) >> LlmOpenai(specs={"text": text})'
    )

    code, printed, _ = flow64("determinism", source, "--processes", 6, "--json")

    difference = json.loads(printed)["difference"]
    assert code == 1
    assert difference["cause"] == cause
    assert difference["key"] == "y"
    assert difference["pointer"] == "/workflow_definition/blocks/1/specs/text"
    assert difference["place"].endswith(f"leads.py:{line + 1}")
    assert difference["before"] != difference["after"]
