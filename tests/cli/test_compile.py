"""`flow64 compile`: to stdout, into a folder, and whether that is current."""

from __future__ import annotations

from pathlib import Path

import pytest

TWO = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import Webhook

growth = Project("growth", namespace="acme.example")
w = [Workflow(key, Webhook(LEAD), key=key, project=growth) for key in KEYS]
"""


@pytest.fixture
def two(tmp_path, monkeypatch):
    """A file with workflows of these keys."""
    monkeypatch.chdir(tmp_path)

    def written(*keys):
        path = tmp_path / "two.py"
        path.write_text(TWO.replace("KEYS", ascii(keys)), "utf-8")
        return path.name

    return written


def test_folder(two, flow64):
    """Each is a file named after its key, always inside the folder."""
    source = two("a", "../../b", "c\n")

    code, printed, _ = flow64("compile", source, "-o", "made/here")

    names = ["a.json", "..%2F..%2Fb.json", "c%0A.json"]
    assert (code, printed.splitlines()) == (0, [f"made/here/{name}" for name in names])
    written = sorted(path.name for path in Path("made/here").iterdir())
    assert written == sorted([*names, "flow64.json"])
    assert [*Path().glob("*.json")] == []


def test_stale(two, flow64):
    """Missing, different and left-over files are listed; files of others are not."""
    flow64("compile", two("a", "b", "old"), "-o", "made")
    Path("made/b.json").write_text("{}", "utf-8")
    Path("made/package.json").write_text("{}", "utf-8")

    source = two("a", "b", "new")
    code, printed, told = flow64("compile", source, "-o", "made", "--check")

    assert (code, told) == (1, "to write them: flow64 compile two.py -o made --prune\n")
    assert printed.splitlines() == [
        "made/b.json: the code compiles to other JSON",
        "made/new.json: it is missing",
        "made/flow64.json: the code compiles to other JSON",
        "made/old.json: it is no longer in the code",
    ]
    assert not Path("made/new.json").exists()


def test_prune(two, flow64):
    """Of what is no longer in the code, only what flow64 wrote and nobody edited."""
    flow64("compile", two("a", "old", "mine"), "-o", "made")
    folder = Path("made")
    edited = folder / "mine.json"
    edited.write_text(edited.read_text("utf-8").replace("\n", "\n\n"), "utf-8")
    (folder / "notes.json").write_text("{}", "utf-8")

    code, printed, told = flow64("compile", two("a"), "-o", "made", "--prune")
    again = flow64("compile", two("a"), "-o", "made", "--prune")

    gone = "it is no longer in the code"
    assert (code, printed) == (0, "made/a.json\n")
    assert told.splitlines() == [
        f"made/mine.json: {gone}; left, since it was edited; delete it",
        f"made/old.json: {gone}; removed",
    ]
    names = ["a.json", "flow64.json", "mine.json", "notes.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert "old.json" not in again[2]


def test_stale_json_is_named(two, flow64):
    """What compares or deploys the code of a project says that its JSON is old."""
    settings = '[tool.flow64]\nsource = "two.py"\n[tool.flow64.environments.local]\n'
    Path("pyproject.toml").write_text(settings, "utf-8")
    two("a", "old")
    flow64("compile", "-o", "compiled")
    commands = ("check", "plan", "deploy --yes", "check a", "check compiled --no-code")

    def is_named():
        return ["-o compiled" in flow64(*line.split())[2] for line in commands]

    assert is_named() == [False] * 5
    two("a")
    assert is_named() == [True] * 3 + [False] * 2
