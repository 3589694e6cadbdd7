"""Which commits are behind which, in real repositories."""

from __future__ import annotations

import os
import subprocess

import pytest

from flow64.service.plan import _behind
from flow64.service.plan._behind import Git

SETTINGS = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def git(folder, *arguments):
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **SETTINGS},
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
    made = {"first": commit(folder, "1")}
    git(folder, "checkout", "-q", "-b", "other")
    made["other"] = commit(folder, "2")
    git(folder, "checkout", "-q", "main")
    made["second"] = commit(folder, "3")
    (folder / "pipelines").mkdir()
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
    ask = _behind._git

    def counting(*arguments):
        calls.append(arguments)
        return ask(*arguments)

    monkeypatch.setattr(_behind, "_git", counting)
    asked = Git()

    for n in range(50):
        asked.relation(str(folder / f"{n}.py"), commits["first"])

    assert len(calls) == 2


def test_what_has_no_file_belongs_to_the_working_folder(repository, monkeypatch):
    """As a file of JSON may."""
    folder, commits = repository
    monkeypatch.chdir(folder)

    assert Git().commit_of(None) == commits["second"]
