"""The folder `.flow64`: git ignores it, whatever is made in it first."""

from __future__ import annotations

import pytest

from flow64.deploy import FileCache, History
from flow64.environments import EMULATOR, load, open_client
from flow64.files import make_folder
from flow64.plan import Sighting
from flow64.runs import Journal
from tests.deploy.test_history import saved


def cache(folder):
    seen = FileCache(folder / "cache" / "seen.json")
    seen.keep(Sighting("https://a.example", "id", "name", "", "now", "wanted"), ())
    seen.save()


def history(folder):
    History(folder / "history").save(saved())


def journal(folder):
    Journal(folder / "runs.jsonl").require_writable()


def emulator(folder):
    with open_client(load(folder.parent).environment(EMULATOR)):
        pass


MAKERS = [cache, history, journal, emulator]


@pytest.mark.parametrize("is_there", [False, True], ids=["new", "there before"])
@pytest.mark.parametrize("make", MAKERS)
def test_whoever_makes_something_in_it_tells_git_to_ignore_it(make, is_there, tmp_path):
    folder = tmp_path / ".flow64"
    if is_there:
        folder.mkdir()

    make(folder)

    assert (folder / ".gitignore").read_text("utf-8") == "*\n"
    assert [*folder.rglob(".gitignore")] == [folder / ".gitignore"]


def test_what_its_owner_wants_stays(tmp_path):
    folder = tmp_path / ".flow64"
    folder.mkdir()
    (folder / ".gitignore").write_text("!history\n", encoding="utf-8")

    make_folder(folder / "cache")

    assert (folder / ".gitignore").read_text("utf-8") == "!history\n"


def test_place_where_nothing_can_be_written_is_no_error_yet(tmp_path):
    """Whatever is to be written there says it better."""
    folder = tmp_path / ".flow64"
    folder.mkdir()
    (folder / ".gitignore").mkdir()

    make_folder(folder / "cache")

    assert (folder / "cache").is_dir()


def test_other_folders_are_their_owners_business(tmp_path):
    make_folder(tmp_path / "kept" / "history")

    assert [*tmp_path.rglob(".gitignore")] == []
