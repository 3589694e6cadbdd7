"""The supported Pythons: the classifiers of pyproject.toml say which they are."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml

from flow64.cli import main

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


def test_jobs_of_a_new_project(tmp_path):
    """The jobs that `flow64 init` writes run on the newest of them."""
    main(["init", str(tmp_path), "--namespace", "acme.example", "--ci", "github"])
    jobs = [
        step["with"]["python-version"]
        for path in sorted(tmp_path.rglob("*.yml"))
        for job in yaml.safe_load(path.read_text("utf-8"))["jobs"].values()
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/setup-python")
    ]
    installed = metadata("flow64").get_all("Classifier")

    assert f"Programming Language :: Python :: {PYTHONS[-1]}" in installed
    assert jobs == [PYTHONS[-1]] * 4
