"""`flow64 graph`: workflows as text, Mermaid and SVG."""

from __future__ import annotations

from pathlib import Path

import pytest

from flow64 import Workflow
from flow64.loading import load_source

FAULTY = """
from flow64 import COMPANY, Workflow
from flow64.blocks import FindEmail, Webhook

w = Workflow("w\\x1b[31m\\u202e", Webhook(COMPANY) >> FindEmail(), key="w")
"""


@pytest.fixture
def workflow(leads) -> Workflow:
    return load_source(str(leads)).only.workflow


def test_forms(workflow, flow64):
    """They are those that Python gives; the ending of a file decides."""
    for form in ("text", "mermaid", "svg"):
        drawn = getattr(workflow, f"to_{form}")()
        assert flow64("graph", "leads.py", "--format", form) == (0, drawn, "")
    flow64("graph", "leads.py", "-o", "a.svg")
    assert Path("a.svg").read_text("utf-8") == workflow.to_svg()


def test_folder(leads, flow64, tmp_path):
    """A folder cannot be written as a file."""
    (tmp_path / "pictures").mkdir()

    code, printed, told = flow64("graph", "leads.py", "-o", "pictures")

    assert (code, printed) == (1, "")
    assert "cannot be written" in told


@pytest.fixture
def several(leads):
    """A file with two workflows."""
    with leads.open("a", encoding="utf-8") as file:
        file.write("other = Workflow('Other', flow, key='other', project=growth)\n")
    return leads


def test_several(several, flow64, tmp_path):
    """Text shows several workflows one after the other, on stdout or in a file."""
    code, printed, _ = flow64("graph", "leads.py")
    one = flow64("graph", "leads.py", "--select", "other")[1]
    saved = flow64("graph", "leads.py", "-o", "all.txt")

    assert (code, saved) == (0, (0, "", "written to all.txt\n"))
    assert printed.startswith("Inbound leads\n")
    assert printed.endswith(f"\n\n{one}")
    assert tmp_path.joinpath("all.txt").read_text("utf-8") == printed


def test_faulty(tmp_path, flow64, monkeypatch):
    """Workflows with errors are drawn too, with escaped names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faulty.py").write_text(FAULTY, "utf-8")

    for form in ("text", "mermaid", "svg"):
        code, printed, _ = flow64("graph", "faulty.py", "--format", form)

        assert code == 0
        assert "find" in printed
        assert all(line.isprintable() for line in printed.split("\n"))
