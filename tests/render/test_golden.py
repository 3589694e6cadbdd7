"""What every example, and what differs, looks like; `make golden` writes it anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import external_file

from flow64.render import draw_mermaid_changes, draw_svg_changes, draw_text_changes
from tests.render.pairs import PAIRS
from tests.test_examples import NAMES, workflows

GOLDEN = Path(__file__).parent / "golden"

IMAGES = Path(__file__).parent.parent.parent / "docs" / "images"


def picked(name):
    """The workflow of an example; of the variants, the one that differs."""
    found = workflows(name)
    return found.get("de") or found[""]


@pytest.mark.parametrize("name", NAMES)
def test_text(name):
    """The text tree of each example, as it stands in its file."""
    assert picked(name).to_text() == external_file(GOLDEN / f"{name}.txt")


@pytest.mark.parametrize("name", NAMES)
def test_mermaid(name):
    """The flowchart of each example, as it stands in its file."""
    text = picked(name).to_mermaid()

    assert text == external_file(GOLDEN / f"{name}.mmd", format=".txt")


@pytest.mark.parametrize("name", NAMES)
def test_svg(name):
    """The picture of each example, as it stands in its file."""
    picture = picked(name).to_svg()

    assert picture == external_file(GOLDEN / f"{name}.svg", format=".txt")


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    ("drawn", "ending"),
    [
        (draw_text_changes, "txt"),
        (draw_mermaid_changes, "mmd"),
        (draw_svg_changes, "svg"),
    ],
    ids=["text", "mermaid", "svg"],
)
def test_changed(name, drawn, ending):
    """What differs in each pair, as it stands in its file."""
    text = drawn(*PAIRS[name])

    path = GOLDEN / "changed" / f"{name}.{ending}"
    assert text == external_file(path, format=".txt")


def test_documentation():
    """The pictures of the documentation are those that are drawn."""
    alone = picked("side_branch").to_svg()
    changed = draw_svg_changes(*PAIRS["branch_inserted"])

    assert alone == external_file(IMAGES / "graph-alone.svg", format=".txt")
    assert changed == external_file(IMAGES / "graph-changed.svg", format=".txt")
