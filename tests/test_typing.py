"""What mypy says of wrong use; the gate `types` holds what both checkers refuse."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


BAD = Path(__file__).parent / "typing" / "bad.py"
IGNORES = re.compile(r"  # (?:type|pyright): ignore\[[\w, -]+\]")


@pytest.fixture(scope="module")
def hints(tmp_path_factory):
    """What mypy adds to each line of wrong use, without its ignores."""
    folder = tmp_path_factory.mktemp("typing")
    (folder / "bad.py").write_text(IGNORES.sub("", BAD.read_text("utf-8")), "utf-8")
    mypy = (sys.executable, "-m", "mypy", "--strict", "--config-file=", "-Ojson")
    done = subprocess.run(
        [*mypy, "bad.py"],
        cwd=folder,
        env=os.environ | {"MYPYPATH": str(Path(__file__).parents[1] / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["line"]: one["hint"] or "" for one in found if one["file"] == "bad.py"}


@pytest.mark.parametrize(
    ("line", "converter"),
    [
        ("companies >> FindEmail()", "CompanyToLeads"),
        ("companies >> research >> FindEmail()", "CompanyToLeads"),
        ("companies >> [find, find]", "CompanyToLeads"),
        ("leads >> CompanyToLeads()", "LeadsToCompany"),
    ],
)
def test_mypy_names_the_converter(hints, line, converter):
    """Where rows of the wrong kind meet a block, mypy says what to write between."""
    lines = [text.partition("  #")[0] for text in BAD.read_text("utf-8").splitlines()]

    hint = hints[lines.index(line) + 1]

    assert f'_between: expected "{converter}", got "None"' in hint
    assert "_takes: expected" in hint
