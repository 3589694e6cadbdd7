"""`flow64 graph`: workflows as text, Mermaid and SVG."""

from __future__ import annotations

from pathlib import Path

from flow64.loading import load_source


def test_forms_are_those_of_python_and_the_ending_of_a_file_decides(leads, flow64):
    workflow = load_source(str(leads)).only.workflow

    for form in ("text", "mermaid", "svg"):
        drawn = getattr(workflow, f"to_{form}")()
        assert flow64("graph", "leads.py", "--format", form) == (0, drawn, "")
    assert flow64("graph", "leads.py", "-o", "a.svg")[0] == 0
    assert Path("a.svg").read_text("utf-8") == workflow.to_svg()
    assert flow64("graph", "leads.py", "-o", ".")[0] == 1
    for command in (["graph", "leads.py"], ["diff", "leads.py", "leads.py"]):
        assert flow64(*command, "-o", "a.png")[0] == 64
    assert not Path("a.png").exists()
