"""Which commits are behind which, in real repositories."""

from __future__ import annotations

import os
import subprocess

import pytest

from flow64.deploy import Git, _git
from tests.cli.pipelines import GIT


def git(folder, *arguments):
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **GIT},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(folder, message):
    git(folder, "commit", "--allow-empty", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A main line of two commits, and a branch of one more than the first."""
    folder = tmp_path_factory.mktemp("code")
    git(folder, "init", "-q", "-b", "main")
    (folder / "pipelines").mkdir()
    for name in ("leads.py", "pipelines/leads.py"):
        (folder / name).write_text("committed")
    git(folder, "add", "-A")
    made = {"first": commit(folder, "1")}
    git(folder, "checkout", "-q", "-b", "other")
    made["other"] = commit(folder, "2")
    git(folder, "checkout", "-q", "main")
    made["second"] = commit(folder, "3")
    return folder, made


@pytest.mark.parametrize(
    ("name", "relation"),
    [("first", "ancestor"), ("second", "ancestor"), ("other", "apart")],
)
def test_known_commit_is_an_ancestor_or_apart(repository, name, relation):
    """The file may lie anywhere in the repository."""
    folder, commits = repository
    asked = Git()

    for file in (folder / "leads.py", folder / "pipelines" / "leads.py"):
        assert asked.commit_of(str(file)) == commits["second"]
        assert asked.relation(str(file), commits[name]) == relation


def test_unknown_commit_is_unknown(repository):
    """Say one that was never fetched."""
    file = str(repository[0] / "leads.py")

    assert Git().relation(file, "0123456789" * 4) == "unknown"


def test_shallow_copy_does_not_say_apart(repository, tmp_path):
    """It ends before it could tell, so it does not tell."""
    folder, commits = repository
    copy = tmp_path / "copy"
    url = folder.as_uri()
    git(tmp_path, "clone", "-q", "--depth", "1", "--no-single-branch", url, str(copy))

    assert Git().relation(str(copy / "leads.py"), commits["other"]) == "unknown"


def test_no_repository_and_no_git(tmp_path, monkeypatch, repository):
    """Neither is an error."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    file, commits = str(tmp_path / "leads.py"), repository[1]
    assert Git().commit_of(file) is None
    assert Git().relation(file, commits["first"]) == "no-git"
    assert Git().commit_of(str(tmp_path / "none" / "leads.py")) is None

    asked = Git()
    known = str(repository[0] / "leads.py")
    assert asked.commit_of(known) == commits["second"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asked.relation(known, commits["first"]) == "no-git"


def test_each_question_is_asked_once(repository, monkeypatch):
    """Thousands of workflows of one folder cost what one costs."""
    folder, commits = repository
    calls = []
    ask = _git.run_git

    def counting(*arguments):
        calls.append(arguments)
        return ask(*arguments)

    monkeypatch.setattr(_git, "run_git", counting)
    asked = Git()

    for n in range(50):
        asked.relation(str(folder / f"{n}.py"), commits["first"])
        asked.commit_of(str(folder / f"{n}.py"))

    # Which commit, whether it is all there is, what the other commit is to it, and
    # which files are in it.
    assert len(calls) == 4


def test_work_that_is_in_no_commit_is_marked(repository, tmp_path):
    """What git tracks and is not as committed, wherever in the repository."""
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "-q", repository[0].as_uri(), str(copy))
    file, other = str(copy / "leads.py"), str(copy / "pipelines" / "leads.py")
    clean = Git().commit_of(file)
    (copy / "leads.py").write_text("one")
    git(copy, "add", "leads.py")
    staged = Git()
    head = commit(copy, "4")
    (copy / "new.py").write_text("not tracked")
    committed = Git().commit_of(file)
    (copy / "leads.py").write_text("two")
    changed = Git()

    assert clean == repository[1]["second"]
    assert committed == head
    assert changed.commit_of(other) == changed.commit_of(file) == f"{head}+"
    for asked in (staged, changed):
        assert asked.relation(file, head) == "ancestor"
        assert asked.relation(file, clean) == "ancestor"
        assert asked.relation(other, repository[1]["other"]) == "apart"


def test_file_that_git_does_not_track_is_marked(repository, tmp_path):
    """Its own file alone: what lies beside it, and in folders, is not asked for."""
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "-q", repository[0].as_uri(), str(copy))
    (copy / "kept.py").write_text("kept")
    (copy / "lées [a].py").write_text("an odd name")
    (copy / ".gitignore").write_text("ignored.py")
    git(copy, "add", "-A")
    head = commit(copy, "4")
    (copy / "forced.py").write_text("not tracked")
    (copy / "ignored.py").write_text("ignored")
    (copy / "pipelines" / "kept.py").write_text("of a name that is tracked above")
    asked = Git()
    wanted = {
        "kept.py": head,
        "lées [a].py": head,
        "pipelines/leads.py": head,
        "forced.py": f"{head}+",
        "ignored.py": f"{head}+",
        "pipelines/kept.py": f"{head}+",
        "gone.py": f"{head}+",
    }

    assert {name: asked.commit_of(str(copy / name)) for name in wanted} == wanted
    assert asked.relation(str(copy / "forced.py"), head) == "ancestor"
    (copy / "kept.py").write_text("changed")
    # The mark is one, whatever gives it.
    assert Git().commit_of(str(copy / "forced.py")) == f"{head}+"


@pytest.mark.parametrize("question", ["diff", "ls-files"])
def test_work_that_cannot_be_compared_is_marked(repository, monkeypatch, question):
    """Nobody knows that it is all committed."""
    ask = _git.run_git

    def refusing(folder, *words):
        return None if words[0] == question else ask(folder, *words)

    monkeypatch.setattr(_git, "run_git", refusing)

    assert Git().commit_of(str(repository[0] / "leads.py")).endswith("+")


def test_json_belongs_to_the_project(repository, monkeypatch):
    """Its own folder may be a repository of a stranger."""
    folder, commits = repository
    monkeypatch.chdir(folder / "pipelines")

    assert Git().commit_of("leads.json") is None
    (folder / "pyproject.toml").touch()
    assert Git().commit_of(None) == commits["second"]
    assert Git().commit_of("leads.json") == commits["second"] + "+"  # not tracked
    (folder / "pyproject.toml").unlink()


@pytest.mark.parametrize(
    "given",
    ["main", "HEAD", "--output=stolen", "-", "", "ABCDEF0123", "abc", f"{'a' * 40}^"],
)
def test_only_hex_is_given_to_git(repository, monkeypatch, given):
    """Anyone may have written what stands in the place of a commit."""
    folder, _ = repository
    monkeypatch.setattr(_git, "run_git", None)

    assert Git().relation(str(folder / "leads.py"), given) == "unknown"
