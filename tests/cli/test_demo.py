"""`flow64 demo`: the tour, from what is installed and nothing else."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from flow64.cli.demo import PEOPLE, Person, inbound, wrong
from flow64.errors import CompileError

STEPS = (
    "The program", "The pipeline", "Its JSON", "Its findings", "A wrong one", "Deploy",
    "Run", "Rows", "See it",
)  # fmt: skip


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """An empty folder, no credential, and no network."""
    monkeypatch.chdir(tmp_path)
    for name in ("SIXTYFOUR_API_KEY", "SIXTYFOUR_API_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)

    def refused(*_, **__):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    return tmp_path


def test_demo(bare, flow64):
    """Each step is printed, with the rows that went in; no file is left."""
    code, printed, told = flow64("demo", "--speed", "0")

    titles = [
        line[3:].partition(" · ")[0]
        for line in printed.splitlines()
        if line.startswith("== ")
    ]
    assert (code, told, (*titles,)) == (0, "", STEPS)
    assert inbound().to_json() in printed
    assert "It was new: workflow " in printed
    assert "Deployed again, it was unchanged: nothing was sent" in printed
    assert [*bare.iterdir()] == []
    rows = [line for line in printed.splitlines() if " Person(title=" in line]
    assert [row.split()[0] for row in rows] == [one["email"] for one in PEOPLE]
    assert all("synthetic" in row for row in rows)


def test_demo_as_json(bare, flow64):
    """With --json it gives what came of it, and tells nothing on the way."""
    code, printed, told = flow64("demo", "--speed", "0", "--json")

    data = json.loads(printed)
    assert (code, told) == (0, "")
    assert data["workflow_id"] == inbound().compile().id
    assert (data["states"], data["status"]) == (["new", "unchanged"], "completed")
    assert [row["email"] for row in data["rows"]] == [one["email"] for one in PEOPLE]
    assert {name for row in data["rows"] for name in row} >= {"title", "linkedin_url"}


def test_demo_ignores_a_project(bare, flow64):
    """The settings of the working folder are ignored."""
    (bare / "pyproject.toml").write_text("[tool.flow64]\nfaulty = 3", "utf-8")

    assert flow64("demo", "--speed", "0", "--json")[0] == 0


def test_what_is_wrong():
    """The wrong pipeline has both mistakes that it is there for."""
    with pytest.raises(CompileError) as caught:
        wrong().compile()

    codes = sorted(finding.code for finding in caught.value.findings)
    assert codes == ["row-kind-mismatch", "unknown-word"]
    assert [*Person.__annotations__] == ["title", "linkedin_url"]


def test_without_the_emulator(bare):
    """Without its extra it says what to install, before anything is shown."""
    program = (
        "import sys; sys.modules['starlette'] = None\n"
        "from flow64.cli import main; sys.exit(main(['demo']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: flow64.emulator needs")


@pytest.mark.parametrize("option", ["--speed=-1", "--nothing"])
def test_mistakes(flow64, option):
    code, printed, _ = flow64("demo", option)

    assert (code, printed) == (64, "")
