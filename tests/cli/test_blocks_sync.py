"""`flow64 blocks sync`: the service's own list of blocks."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from flow64.analysis.live import LiveCatalogue
from tests.catalogue.answer import ANSWER, LATER, SECRET

SETTINGS = '[tool.flow64]\nblocks = "kept/blocks.json"\n'


@pytest.fixture
def project(service, tmp_path):
    """A project that keeps the list of blocks in a folder."""
    (tmp_path / "pyproject.toml").write_text(SETTINGS, "utf-8")
    service.blocks = ANSWER
    return tmp_path / "kept" / "blocks.json"


def test_first(project, flow64):
    """The first sync saves the list, without keys, and says what is new to flow64."""
    code, printed, told = flow64("blocks", "sync")

    saved = LiveCatalogue.read(project)
    assert (code, printed) == (0, "")
    assert saved.date == datetime.now(UTC).date().isoformat()
    assert saved.blocks.keys() == {entry["block_name"] for entry in ANSWER}
    assert SECRET not in project.read_text("utf-8")
    assert "warning: 'yc_batches' has no specs_schema" in told
    assert f"kept/blocks.json written: {len(ANSWER)} kinds" in told
    assert "new to flow64: reddit_search, score_lead" in told


def test_same_answer_leaves_the_file_alone(project, flow64):
    """Also on another day."""
    flow64("blocks", "sync")
    today = LiveCatalogue.read(project).date
    text = project.read_text("utf-8").replace(today, "2026-01-02")
    project.write_text(text, "utf-8")

    _, printed, told = flow64("blocks", "sync")

    assert printed == ""
    assert "is unchanged" in told
    assert project.read_text("utf-8") == text


def test_changes(project, service, flow64):
    """A later sync shows what is new, changed and gone since then."""
    flow64("blocks", "sync")
    service.blocks = LATER

    code, printed, _ = flow64("blocks", "sync")

    assert code == 0
    assert "\n+ post_to_x.message: str · required" in printed
    assert printed.endswith("- yc_batches\n")
    assert "post_to_x" in LiveCatalogue.read(project).blocks


def test_data(project, service, flow64):
    """The same as data."""
    first = json.loads(flow64("blocks", "sync", "--json")[1])
    service.blocks = LATER
    second = json.loads(flow64("blocks", "sync", "--json")[1])

    assert (first["is_first"], first["is_written"]) == (True, True)
    assert (second["is_first"], second["is_written"]) == (False, True)
    assert {"path": "yc_batches", "before": "no schema", "after": None} in (
        second["changes"]
    )


def test_damaged_file_is_replaced(project, flow64):
    """What is new is not known then."""
    project.parent.mkdir()
    project.write_text("{", "utf-8")

    code, _, told = flow64("blocks", "sync")

    assert code == 0
    assert "what is new is not known" in told
    assert LiveCatalogue.read(project).blocks


def test_setting_is_added_where_it_fits(service, flow64, tmp_path):
    """So that all commands go by the list; nothing else in the file changes."""
    file = tmp_path / "pyproject.toml"
    file.write_text("# mine\n[tool.flow64]\n# kept\n[other]\na = 1\n", "utf-8")

    flow64("blocks", "sync")

    text = '# mine\n[tool.flow64]\nblocks = "blocks.json"\n# kept\n[other]\na = 1\n'
    assert file.read_text("utf-8") == text


def test_emulator_has_to_be_named(flow64, tmp_path, monkeypatch):
    """Its list is what flow64 knows itself."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.flow64]\ndefault_env = "local"\n', "utf-8"
    )

    assert flow64("blocks", "sync")[0] == 64
    assert not (tmp_path / "blocks.json").exists()
