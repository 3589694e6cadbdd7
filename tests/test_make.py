"""`make`, with a Python that only notes what it is asked for: nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]

PYTHON = """#!/bin/sh
echo "$*" >>"$NOTES"
case "$*" in
    --version) echo Python 3.13.0;;
    "-c import sys; print"*) echo "$VERSION";;
    "-m venv"*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; cp "$0" "$3/bin/pip";;
esac
"""


@pytest.fixture
def make(tmp_path):
    """Run make in a folder; gives its exit code, its output and the calls of Python."""
    python, notes, place = (tmp_path / name for name in ("python", "notes", "here"))
    python.write_text(PYTHON, "utf-8")
    python.chmod(0o755)
    place.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, place)
    shutil.copytree(ROOT / "requirements", place / "requirements")

    def run(target, version="3.13"):
        notes.write_text("", "utf-8")
        done = subprocess.run(
            ["make", f"PYTHON={python}", target],
            cwd=place,
            env={"PATH": os.environ["PATH"], "NOTES": str(notes), "VERSION": version},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr, notes.read_text("utf-8")

    return run


def test_one_environment_serves_all(make):
    """What is installed stays; `make check` adds to it."""
    assert "--requirement requirements/test.txt" in make("test")[2]
    assert "--requirement" not in make("demo")[2]
    assert "--requirement requirements/dev.txt" in make("check")[2]
    assert make("check")[2].endswith("-m nox\n")
    assert make("test")[2].endswith("-m pytest -n auto -m not slow\n")


def test_environment_of_somebody_else_is_not_replaced(make, tmp_path):
    make("demo")
    (tmp_path / "here/.venv/theirs").touch()

    code, text, calls = make("test", version="3.14")

    assert (code, (tmp_path / "here/.venv/theirs").exists()) == (2, True)
    assert "-m" not in calls.split()
    assert "Remove it if it is not in use: rm -r .venv" in text
