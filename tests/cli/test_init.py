"""`flow64 init`: a project that works at once, and the CI of a project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import environment

PROJECT = [
    ".gitignore",
    "people.csv",
    "pipelines/leads.py",
    "pyproject.toml",
    "tests/test_leads.py",
]

CI = {
    "github": [".github/workflows/flow64.yml", "requirements-flow64.txt"],
    "gitlab": [".gitlab-ci.yml", "requirements-flow64.txt"],
}


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def files(folder):
    return sorted(
        str(path.relative_to(folder))
        for path in Path(folder).rglob("*")
        if path.is_file()
    )


def test_project_passes_its_checks_and_is_deployed(flow64, monkeypatch):
    assert flow64("init", "growth", "--namespace", "acme.example")[0] == 0
    assert files("growth") == PROJECT

    monkeypatch.chdir("growth")
    for words in (
        ("check", "--strict"),
        ("compile", "-o", "compiled"),
        ("deploy", "--yes"),
        ("run", "leads", "people.csv", "--yes"),
    ):
        assert flow64(*words)[0] == 0
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    subprocess.run(command, env=environment(), capture_output=True, check=True)


@pytest.mark.parametrize("forge", CI)
def test_ci_comes_with_a_new_project_or_is_added_to_one(flow64, forge):
    flow64("init", "both", "--namespace", "acme.example", "--ci", forge)
    flow64("init", "later", "--namespace", "acme.example")
    code, printed, _ = flow64("init", "later", "--ci", forge)

    assert files("both") == files("later") == sorted([*PROJECT, *CI[forge]])
    assert (code, printed.split()) == (0, [f"later/{name}" for name in CI[forge]])


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--namespace", "acme"),
        ("--namespace", 'x.example"); import os'),
        ("--namespace", "acme.example", "--project", 'a")'),
        ("--namespace", "acme.example", "--ci", "jenkins"),
    ],
)
def test_wrong_options_write_nothing(flow64, options):
    assert flow64("init", "growth", *options)[0] == 64
    assert not Path("growth").exists()


@pytest.mark.parametrize("there", ["pyproject.toml", "pipelines/mine.py", ".gitignore"])
def test_nothing_is_overwritten(flow64, there):
    file = Path("growth", there)
    file.parent.mkdir(parents=True)
    file.write_text("mine", "utf-8")

    assert flow64("init", "growth", "--namespace", "acme.example")[0] == 3
    assert (files("growth"), file.read_text("utf-8")) == ([there], "mine")
