"""Static types: what both checkers accept, and what each of them refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


HERE = Path(__file__).parent
GOOD, BAD = HERE / "typing" / "good.py", HERE / "typing" / "bad.py"
IGNORES = {
    "mypy": re.compile(r"# type: ignore\[([\w, -]+)\]"),
    "basedpyright": re.compile(r"# pyright: ignore\[([\w, -]+)\]"),
}


def expected(checker):
    """What the ignores of a checker say: (line, code) pairs."""
    return {
        (number, code)
        for number, line in enumerate(BAD.read_text("utf-8").splitlines(), 1)
        for found in IGNORES[checker].findall(line)
        for code in found.split(", ")
    }


@pytest.fixture(scope="session")
def reported(tmp_path_factory):
    """What each checker says of good use, and of wrong use without its ignores."""
    folder = tmp_path_factory.mktemp("typing")
    bare = BAD.read_text("utf-8")
    for pattern in IGNORES.values():
        bare = re.sub("  " + pattern.pattern, "", bare)
    (folder / "bad.py").write_text(bare, "utf-8")
    (folder / "good.py").write_text(GOOD.read_text("utf-8"), "utf-8")
    strict = {
        "include": ["."],
        "pythonVersion": "3.11",
        "typeCheckingMode": "strict",
        "reportUnusedExpression": "none",
        "reportUnusedVariable": "none",
        "enableTypeIgnoreComments": False,
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(strict), "utf-8")
    src = str(HERE.parent / "src")
    environment = os.environ | {"MYPYPATH": src, "COVERAGE_PROCESS_START": ""}
    python = (sys.executable, "-m")
    same = (f"--python-executable={sys.executable}", "--python-version=3.11")
    mypy = (*python, "mypy", "--strict", "--config-file=", "-O", "json", *same)
    pyright = (*python, "basedpyright", "--outputjson", "-p", str(folder))
    # Side by side: each takes several seconds.
    running = {
        "mypy": (*mypy, f"--cache-dir={folder / 'cache'}", "good.py", "bad.py"),
        "basedpyright": (*pyright, "--pythonpath", sys.executable),
    }
    processes = {
        name: subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
        )
        for name, command in running.items()
    }
    texts = {name: process.communicate()[0] for name, process in processes.items()}
    return {
        "mypy": list(of_mypy(texts["mypy"])),
        "basedpyright": list(of_pyright(texts["basedpyright"])),
        "hints": dict(hints_of_mypy(texts["mypy"])),
    }


def of_mypy(text):
    for line in text.splitlines():
        found = json.loads(line) if line.startswith("{") else {}
        if found.get("severity") == "error":
            yield Path(found["file"]).name, found["line"], found["code"]


def hints_of_mypy(text):
    for line in text.splitlines():
        found = json.loads(line) if line.startswith("{") else {}
        if found.get("file") == "bad.py":
            yield found["line"], found["hint"] or ""


def of_pyright(text):
    for found in json.loads(text)["generalDiagnostics"]:
        if found["severity"] == "error":
            line = found["range"]["start"]["line"] + 1
            yield Path(found["file"]).name, line, found.get("rule")


@pytest.mark.parametrize("checker", IGNORES)
def test_good_use_passes(reported, checker):
    """Both checkers accept good use, and infer the row kinds that it asserts."""
    assert [found for found in reported[checker] if found[0] == "good.py"] == []


@pytest.mark.parametrize("checker", IGNORES)
def test_wrong_use_is_refused(reported, checker):
    """Each checker reports what its ignores say, on those lines and on no other."""
    found = {(line, code) for file, line, code in reported[checker] if file == "bad.py"}

    assert expected(checker) == found
    assert len(found) > 60


@pytest.mark.parametrize(
    ("line", "converter"),
    [
        ("companies >> FindEmail()", "CompanyToLeads"),
        ("companies >> research >> FindEmail()", "CompanyToLeads"),
        ("companies >> [find, find]", "CompanyToLeads"),
        ("leads >> CompanyToLeads()", "LeadsToCompany"),
    ],
)
def test_mypy_names_the_converter(reported, line, converter):
    """Where rows of the wrong kind meet a block, mypy says what to write between."""
    lines = [text.partition("  #")[0] for text in BAD.read_text("utf-8").splitlines()]

    hint = reported["hints"][lines.index(line) + 1]

    assert f'_between: expected "{converter}", got "None"' in hint
    assert "_takes: expected" in hint
