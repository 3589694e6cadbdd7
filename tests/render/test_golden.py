"""What every example looks like; `make golden` writes the files anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import external_file

from tests.test_examples import NAMES, workflows

GOLDEN = Path(__file__).parent / "golden"


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
