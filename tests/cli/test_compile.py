"""`flow64 compile`: to stdout, into a folder, and whether that is current."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flow64.loading import load_source

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


def test_stdout(leads, flow64):
    """One workflow is its JSON, the same as in Python."""
    code, printed, told = flow64("compile", "leads.py")

    assert (code, told) == (0, "")
    assert printed == load_source("leads.py").only.workflow.to_json()


def test_folder(two, flow64):
    """Each is a file named after its key, always inside the folder."""
    source = two("a", "../../b", "c\n")

    code, printed, _ = flow64("compile", source, "-o", "made/here")

    names = ["a.json", "..%2F..%2Fb.json", "c%0A.json"]
    assert (code, printed.splitlines()) == (0, [f"made/here/{name}" for name in names])
    written = sorted(path.name for path in Path("made/here").iterdir())
    assert written == sorted([*names, "flow64.json"])
    assert [*Path().glob("*.json")] == []


def test_folder_compiles_to_itself(two, flow64):
    """Compiled JSON is a source too, and gives the same files."""
    flow64("compile", two("a", "b/c"), "-o", "first")
    flow64("compile", "first", "-o", "second")

    contents = [
        {path.name: path.read_bytes() for path in Path(name).iterdir()}
        for name in ("first", "second")
    ]
    assert contents[0] == contents[1]


def test_faulty(two, flow64, tmp_path):
    """If one has errors nothing is written, and all errors are printed."""
    text = Path(two("a")).read_text("utf-8")
    text += "\nbad = Workflow('x', Webhook(LEAD) >> [Webhook(LEAD)], key='')"
    text += "\nworse = Workflow('?', Webhook(LEAD))"
    Path("two.py").write_text(text, "utf-8")

    code, printed, told = flow64("compile", "two.py", "-o", "made")

    assert (code, printed, Path("made").exists()) == (1, "", False)
    assert "error[invalid-key]" in told
    assert "error[key-needed]" in told


def test_keys_that_are_one_file(two, flow64):
    """Two keys that some machines take for one file are refused."""
    code, _, told = flow64("compile", two("Leads", "leads"), "-o", "made")

    assert (code, Path("made").exists()) == (1, False)
    assert "'Leads' and 'leads' are one file" in told


@pytest.mark.parametrize("obstacle", ["made", "made/b.json"])
def test_cannot_be_written(two, flow64, obstacle):
    """If a file cannot be written, nothing changes."""
    source = two("a", "b")
    if obstacle == "made":
        Path("made").write_text("a file", "utf-8")
    else:
        Path("made/b.json").mkdir(parents=True)

    code, printed, _ = flow64("compile", source, "-o", "made")

    assert (code != 0, printed) == (True, "")
    assert [path for path in Path().rglob("*") if path.is_file()] in (
        [Path("two.py"), Path("made")],
        [Path("made"), Path("two.py")],
        [Path("two.py")],
    )


def test_stale(two, flow64):
    """Missing, different and left-over files are listed; files of others are not."""
    flow64("compile", two("a", "b", "old"), "-o", "made")
    Path("made/b.json").write_text("{}", "utf-8")
    Path("made/package.json").write_text("{}", "utf-8")

    code, printed, told = flow64(
        "compile", two("a", "b", "new"), "-o", "made", "--check"
    )

    again = "to bring the folder up to date: flow64 compile two.py -o made\n"
    assert (code, told) == (1, again)
    assert printed.splitlines() == [
        "made/b.json: the code compiles to other JSON",
        "made/new.json: it is missing",
        "made/flow64.json: the code compiles to other JSON",
        "made/old.json: it is no longer in the code",
    ]
    assert not Path("made/new.json").exists()


# -- The manifest ---------------------------------------------------------------------


def manifest(folder="made"):
    return json.loads(Path(folder, "flow64.json").read_text("utf-8"))


def test_manifest(two, flow64):
    """It says what the files alone cannot."""
    flow64("compile", two("a", "b"), "-o", "made")

    found = manifest()

    assert found["flow64:manifest"] == 1
    assert found["whole"] == [{"namespace": "acme.example", "project": "growth"}]
    assert sorted(found["files"]) == ["a.json", "b.json"]
    one = found["files"]["a.json"]
    assert {name: one[name] for name in one if name != "blocks"} == {
        "env": "default",
        "key": "a",
        "namespace": "acme.example",
        "path": "workflow:a",
        "project": "growth",
    }
    assert [*one["blocks"].values()] == [{"key": "webhook"}]


def test_two_sources_in_one_folder(two, flow64, tmp_path):
    """Each keeps its entries, and neither calls the files of the other left over."""
    text = Path(two("a")).read_text("utf-8")
    Path("two.py").unlink()
    for name in ("growth", "sales"):
        Path(name).mkdir()
        mine = text.replace('"growth"', f'"{name}"').replace("'a'", f"'{name}'")
        Path(name, "leads.py").write_text(mine, "utf-8")
        assert flow64("compile", name, "-o", "made")[0] == 0

    found = manifest()

    assert sorted(found["files"]) == ["growth.json", "sales.json"]
    assert [one["project"] for one in found["whole"]] == ["growth", "sales"]
    for name in ("growth", "sales"):
        code, printed, _ = flow64("compile", name, "-o", "made", "--check")
        assert (code, printed) == (0, "all are current\n")
    assert load_source("made").is_whole


def test_workflow_that_is_gone(two, flow64):
    """It goes from the manifest; its file is named and left."""
    flow64("compile", two("a", "old"), "-o", "made")

    code, printed, told = flow64("compile", two("a"), "-o", "made")

    assert (code, printed) == (0, "made/a.json\n")
    problem = "it is no longer in the code; delete it, or add --prune"
    assert told == f"made/old.json: {problem}\n"
    assert [*manifest()["files"]] == ["a.json"]
    assert Path("made/old.json").exists()


def test_prune(two, flow64):
    """Of what is no longer in the code, only what flow64 wrote and nobody edited."""
    flow64("compile", two("a", "old", "mine", "link"), "-o", "made")
    folder = Path("made")
    edited = folder / "mine.json"
    edited.write_text(edited.read_text("utf-8").replace("\n", "\n\n"), "utf-8")
    (folder / "link.json").rename("kept.json")
    (folder / "link.json").symlink_to("../kept.json")
    (folder / "notes.json").write_text("{}", "utf-8")
    (folder / "notes.txt").write_text("", "utf-8")

    code, printed, told = flow64("compile", two("a"), "-o", "made", "--prune")
    again = flow64("compile", two("a"), "-o", "made", "--prune")

    left = "it is no longer in the code; left, since it was edited; delete it"
    assert (code, printed) == (0, "made/a.json\n")
    assert told.splitlines() == [
        f"made/link.json: {left}",
        f"made/mine.json: {left}",
        "made/old.json: it is no longer in the code; removed",
    ]
    assert sorted(path.name for path in folder.iterdir()) == [
        *("a.json", "flow64.json", "link.json", "mine.json"),
        *("notes.json", "notes.txt"),
    ]
    assert "old.json" not in again[2]


def test_without_code(two, flow64):
    """From JSON and its manifest come the same JSON and manifest, without an import."""
    source = two("a", "b/c")
    flow64("compile", source, "-o", "made")
    Path(source).write_text("raise SystemExit", "utf-8")

    code, _, told = flow64("compile", "made", "--no-code", "-o", "again")

    assert (code, told) == (0, "")
    for path in Path("made").iterdir():
        assert Path("again", path.name).read_bytes() == path.read_bytes()
    assert flow64("compile", source, "--no-code", "-o", "again")[0] == 64
