"""Mermaid itself, in a browser, shows each name as a label.

`nox -s pictures` gets mermaid and runs this file. pytest does not collect it by itself.
"""

from __future__ import annotations

import os

import pytest

from flow64.report.graph import MOST_CHARACTERS, draw_mermaid, graph_of
from tests.report.hostile import HOSTILE, hostile_workflow

MERMAID = os.environ["FLOW64_MERMAID"]
"""The path of mermaid.min.js."""

DRAW = "text => mermaid.render('g', text).then(drawing => drawing.svg)"
TEXTS = "[...document.querySelectorAll('.node')].map(node => node.textContent)"


def flat(text):
    return " ".join(text.split())


@pytest.mark.parametrize("text", [*HOSTILE, "end", "$$", "a:b", "`**b**`", "- a"])
def test_mermaid_itself_shows_each_name_as_a_label(text, tab):
    """No node is lost, and no markup is made."""
    graph = graph_of(hostile_workflow(text, "other"))
    page = tab()
    page.add_script_tag(path=MERMAID)
    page.set_content(page.evaluate(DRAW, draw_mermaid(graph)))

    labels = page.evaluate(TEXTS)

    assert page.locator(".node :is(a,img,i,math)").count() == 0
    assert page.locator(".flowchart-link").count() == 3
    names = [flat(node.name[: MOST_CHARACTERS - 1]) for node in graph.nodes]
    assert len(labels) == len(names)
    assert all(name in flat(label) for name, label in zip(names, labels, strict=True))
