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
    "-m venv"*)
        mkdir -p "$3/bin"
        cp "$0" "$3/bin/python"
        test -z "$BREAKS" || exit 1
        touch "$3/bin/pip"
        chmod +x "$3/bin/pip";;
esac
"""


@pytest.fixture
def make(tmp_path):
    """Run make in a folder; gives its exit code, its lines and the calls of Python."""
    python, notes = tmp_path / "python", tmp_path / "notes"
    python.write_text(PYTHON, "utf-8")
    python.chmod(0o755)

    def made(*arguments, folder="here", **variables):
        place = tmp_path / folder
        if not place.exists():
            place.mkdir()
            for name in ("Makefile", "pyproject.toml"):
                shutil.copy(ROOT / name, place)
            shutil.copytree(ROOT / "requirements", place / "requirements")
        notes.write_text("", "utf-8")
        surroundings = {"NOTES": str(notes), "VERSION": "3.13", "BREAKS": ""}
        done = subprocess.run(
            ["make", f"PYTHON={python}", *arguments],
            cwd=place,
            env={"PATH": os.environ["PATH"], **surroundings, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        asked = notes.read_text("utf-8").splitlines()
        return done.returncode, done.stdout.splitlines(), asked

    return made


def installed(asked):
    """The requirement files that were installed."""
    words = [line.split() for line in asked if line.startswith("-m uv pip install")]
    return [line[line.index("--requirement") + 1] for line in words]


@pytest.mark.parametrize("target", ["test", "check"])
def test_costs_are_said_first(make, target):
    code, lines, _ = make(target)

    assert code == 0
    assert lines[0].startswith(f"==> make {target} takes ")
    assert "minutes on two cores and installs " in lines[0]
    assert sum("minutes" in line for line in lines) == 1


def test_one_environment_serves_all(make):
    """What is installed stays; `make check` adds to it."""
    assert installed(make("test")[2]) == ["requirements/test.txt"]
    assert installed(make("demo")[2]) == []
    assert installed(make("check")[2]) == ["requirements/dev.txt"]
    assert installed(make("test")[2]) == []


def test_slow_tests_are_left_to_check(make):
    """`make check` runs the gates of noxfile.py, of which one is `make test`."""
    tested = [line for line in make("test")[2] if "-m pytest" in line]
    checked = [line for line in make("check")[2] if "-m nox" in line]

    assert [line.endswith("-m not slow") for line in tested] == [True]
    assert checked == ["-m nox"]


@pytest.mark.parametrize("kind", ["by hand", "another folder", "another Python"])
@pytest.mark.parametrize("target", ["demo", "test", "check"])
def test_environment_of_somebody_else_is_not_replaced(make, tmp_path, kind, target):
    make("demo")
    place = tmp_path / "here"
    if kind == "by hand":
        shutil.rmtree(place / ".venv")
        (place / ".venv").mkdir()
    (place / ".venv" / "theirs").touch()
    if kind == "another folder":
        place = place.rename(tmp_path / "there")
    version = "3.14" if kind == "another Python" else "3.13"

    code, lines, asked = make(target, folder=place.name, VERSION=version)

    assert code == 2
    assert (place / ".venv" / "theirs").exists()
    assert not [line for line in asked if line.startswith("-m")]
    assert "Remove it if it is not in use: rm -r .venv" in lines
    assert f"Or use another folder: make {target} VENV=.venv-make" in lines
    assert make(target, "VENV=.venv-make", folder=place.name, VERSION=version)[0] == 0


def test_environment_that_was_half_made_is_finished(make):
    assert make("demo", BREAKS="yes")[0] == 2

    code, _, asked = make("demo")

    assert (code, installed(asked)) == (0, ["requirements/demo.txt"])
