"""`flow64 blocks sync` and `flow64 blocks diff`: the service's own list of blocks."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from flow64.analysis import LiveCatalogue
from tests.catalogue.answer import ANSWER, LATER, SECRET

SETTINGS = '[tool.flow64]\nblocks = "kept/blocks.json"\n'


@pytest.fixture
def project(service, tmp_path):
    """A project that keeps the list of blocks in a folder."""
    (tmp_path / "pyproject.toml").write_text(SETTINGS, "utf-8")
    service.blocks = ANSWER
    return tmp_path / "kept" / "blocks.json"


@pytest.fixture
def answers(tmp_path):
    """The two answers, saved as they came."""
    files = [tmp_path / "old.json", tmp_path / "new.json"]
    for file, answer in zip(files, (ANSWER, LATER), strict=True):
        file.write_text(json.dumps(answer), "utf-8")
    return files


def test_first(project, flow64):
    """The first sync saves the list, and says what is new to flow64."""
    code, printed, told = flow64("blocks", "sync")

    kept = LiveCatalogue.read(project)
    assert (code, printed) == (0, "")
    assert kept.date == datetime.now(UTC).date().isoformat()
    assert kept.blocks.keys() == {one["block_name"] for one in ANSWER}
    assert SECRET not in project.read_text("utf-8")
    lines = told.splitlines()
    assert (
        "warning: 'yc_batches' has no specs_schema, so nothing is known of its" in told
    )
    assert f"kept/blocks.json written: {len(ANSWER)} kinds" in lines
    new = 'reddit_search, score_lead and x"); import os; os.abort(); ("'
    assert f"new to flow64: {new}" in lines
    assert "[tool.flow64]" not in told


def test_again(project, flow64):
    """The same answer leaves the file alone, also on another day."""
    flow64("blocks", "sync")
    text = project.read_text("utf-8").replace(
        LiveCatalogue.read(project).date, "2026-01-02"
    )
    project.write_text(text, "utf-8")

    _, printed, told = flow64("blocks", "sync")

    assert printed == ""
    assert (
        f"kept/blocks.json is unchanged: {len(ANSWER)} kinds, as on 2026-01-02" in told
    )
    assert project.read_text("utf-8") == text


def test_changes(project, service, flow64):
    """A later sync shows what is new, changed and gone since then."""
    flow64("blocks", "sync")
    service.blocks = LATER

    code, printed, told = flow64("blocks", "sync")

    lines = printed.splitlines()
    assert code == 0
    assert lines[:4] == [
        "new      post_to_x",
        "           message: str · required · maxLength 280",
        "changed  find_email",
        "           mode: no longer takes PERSONAL",
    ]
    assert lines[-1] == "gone     yc_batches"
    counted = f"{len(LATER)} kinds (1 new, 7 changed, 1 gone)"
    assert f"kept/blocks.json written: {counted}" in told
    assert "post_to_x" in LiveCatalogue.read(project).blocks


def test_data(project, service, flow64):
    """The same as data."""
    first = json.loads(flow64("blocks", "sync", "--json")[1])
    second = json.loads(flow64("blocks", "sync", "--json")[1])
    service.blocks = LATER
    third = json.loads(flow64("blocks", "sync", "--json")[1])

    assert first["file"] == str(project)
    assert first["kinds"] == len(ANSWER)
    assert (first["is_first"], first["is_written"]) == (True, True)
    assert (second["is_first"], second["is_written"]) == (False, False)
    assert (second["changes"], len(second["problems"])) == ([], 3)
    (phone,) = [one for one in third["changes"] if one["kind"] == "find_phone"]
    message = "has the price_per_row 0.25 now, and had 0.3"
    assert phone["fields"] == [{"field": "", "message": message}]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[tool.flow64]\n", '[tool.flow64]\nblocks = "blocks.json"\n'),
        (
            "[a]\r\nb = 1\r\n\r\n[tool.flow64]\r\nprices = {}\r\n[c]\r\n",
            (
                "[a]\r\nb = 1\r\n\r\n[tool.flow64]\r\n"
                'blocks = "blocks.json"\r\nprices = {}\r\n[c]\r\n'
            ),
        ),
        ("[tool.flow64]", None),
        ("[tool]\nflow64 = {prices = {}}\n", None),
        ('[tool]\nflow64.prices = {}\nx = """\n[tool.flow64]\n"""\n', None),
        (None, None),
    ],
)
def test_setting(service, tmp_path, flow64, text, wanted):
    """The setting is added by which all commands go by the list, or the line shown."""
    file = tmp_path / "pyproject.toml"
    if text is not None:
        file.write_bytes(text.encode())

    code, _, told = flow64("blocks", "sync")

    assert (code, (tmp_path / "blocks.json").exists()) == (0, True)
    if wanted is None:
        line = 'write into [tool.flow64] of pyproject.toml: blocks = "blocks.json"'
        assert line in told
        assert text is None or file.read_bytes() == text.encode()
    else:
        added = 'pyproject.toml: blocks = "blocks.json" added, so all commands go by it'
        assert added in told.splitlines()
        assert file.read_bytes() == wanted.encode()
        assert "blocks = " not in flow64("blocks", "sync")[2]


def test_emulator(project, flow64):
    """The list of an own emulator is no news, and the command says so."""
    code, _, told = flow64("blocks", "sync", "--env", "emulator")

    assert code == 0
    assert "this list is that of an emulator: it says what flow64 knows itself" in told


def test_emulator_by_default(project, flow64, monkeypatch):
    """An emulator that only a default names is refused, and nothing is written."""
    monkeypatch.setenv("FLOW64_ENV", "emulator")

    code, printed, told = flow64("blocks", "sync")

    assert (code, printed, project.exists()) == (64, "", False)
    assert "emulator is an emulator, which answers what flow64 knows: name an" in told
    assert "to save that list all the same, write -e emulator" in told


def test_without_extra(project, flow64, monkeypatch):
    """Without the extra that checks need, its line for pip is shown."""
    monkeypatch.setattr("flow64.cli.blocks_sync.find_spec", lambda _: None)

    told = flow64("blocks", "sync")[2]

    assert "checking by it needs more packages: install flow64 again with" in told


def test_damaged(project, flow64):
    """A damaged file is written anew."""
    project.parent.mkdir()
    project.write_text("{", "utf-8")

    code, _, told = flow64("blocks", "sync")

    assert (code, "what is new is not known: " in told) == (0, True)
    assert len(LiveCatalogue.read(project).blocks) == len(ANSWER)


def test_wrong_shape(project, service, flow64):
    """An answer that is no list of blocks is one error, and the file stays."""
    service.blocks = ["reddit_search"]

    code, _, told = flow64("blocks", "sync")

    assert code == 1
    assert "none of its entries can be used: entry 1 is text, and not an object" in told
    assert not project.exists()


def test_diff(answers, flow64):
    """Two saved answers are compared in the same words."""
    code, printed, told = flow64("blocks", "diff", *answers)
    data = json.loads(flow64("blocks", "diff", *answers, "--json")[1])["changes"]

    assert (code, told) == (0, "1 new, 7 changed, 1 gone\n")
    assert "           subreddits: is required now" in printed.splitlines()
    assert [one["change"] for one in data] == ["new", *["changed"] * 7, "gone"]


def test_diff_exit_code(answers, flow64):
    """With `--exit-code` it exits with 2 if there are differences."""
    old, new = answers

    assert flow64("blocks", "diff", old, new, "--exit-code")[0] == 2
    assert flow64("blocks", "diff", old, old, "--exit-code")[::2] == (
        0,
        "no differences\n",
    )
