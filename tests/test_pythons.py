"""The supported Pythons: the classifiers of pyproject.toml say which they are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ABOUT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PYTHONS = [
    found[1]
    for line in ABOUT["project"]["classifiers"]
    if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line))
]


def test_oldest():
    """What pip, the linter and the type checkers take for the oldest is the first."""
    tools = ABOUT["tool"]

    assert ABOUT["project"]["requires-python"] == f">={PYTHONS[0]}"
    assert tools["mypy"]["python_version"] == PYTHONS[0]
    assert tools["basedpyright"]["pythonVersion"] == PYTHONS[0]
    assert "target-version" not in tools["ruff"]  # ruff reads requires-python


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "Makefile"])
def test_documents(name):
    """Documents that name the oldest Python name that one."""
    text = (ROOT / name).read_text("utf-8")

    assert {*re.findall(r"(3\.\d+) or later", text)} == {PYTHONS[0]}
