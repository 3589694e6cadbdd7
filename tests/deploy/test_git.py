"""Whether newer code deployed something is asked of git."""

from __future__ import annotations

import subprocess

import pytest

from flow64.deploy.git import Git, Repository
from flow64.errors import FlowError


def git(folder, *arguments):
    name = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    command = ["git", *name, "-C", str(folder), *arguments]
    return subprocess.check_output(command, text=True).strip()


def commit(folder, text):
    (folder / "code.py").write_text(f'key = "{text}"')
    git(folder, "add", ".")
    git(folder, "commit", "-qm", text)
    return git(folder, "rev-parse", "HEAD")


def test_commits_of_a_file_and_how_they_relate(tmp_path, monkeypatch):
    """A commit that a copy of the repository lacks is unknown, and never apart."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "repository"
    folder.mkdir()
    file = str(folder / "code.py")
    assert (Git().commit_of(file), Git().relation(file, "a" * 40)) == (None, "no-git")
    git(folder, "init", "-qb", "main")
    assert Git().commit_of(file) is None
    first = commit(folder, "first")
    git(folder, "checkout", "-qb", "topic")
    apart = commit(folder, "apart")
    git(folder, "checkout", "-q", "main")
    last = commit(folder, "last")
    shallow = tmp_path / "shallow"
    git(
        tmp_path,
        "clone",
        "-q",
        "--depth=1",
        "--no-single-branch",
        f"file://{folder}",
        "shallow",
    )
    code = Git()

    commits = {first, apart, last, "b" * 40, "HEAD", "--help"}
    relations = {each: code.relation(file, each) for each in commits}
    cut = Git().relation(str(shallow / "code.py"), apart)

    ours = {first: "ancestor", last: "ancestor", apart: "apart"}
    assert relations == {each: ours.get(each, "unknown") for each in commits}
    assert (cut, code.commit_of(file)) == ("unknown", last)
    assert [*code.list_texts(file, first)] == ["first"]
    (folder / "new.py").touch()
    assert code.commit_of(str(folder / "new.py")) == f"{last}+"
    (folder / "code.py").write_text("edited")
    assert (code.commit_of(file), Git().commit_of(file)) == (last, f"{last}+")


def test_git_that_ends_early(tmp_path, capfd):
    """A file that it cannot read to its end is one error, and not an empty file."""
    git(tmp_path, "init", "-q")
    head = commit(tmp_path, "first")
    digest = git(tmp_path, "rev-parse", "HEAD:code.py")
    blob = tmp_path / ".git" / "objects" / digest[:2] / digest[2:]
    blob.chmod(0o600)
    blob.write_bytes(blob.read_bytes()[:-4])

    with pytest.raises(FlowError, match=digest):
        Repository.of(tmp_path).check_out(head, tmp_path / "out")
    assert capfd.readouterr().err == ""


def test_name_that_no_folder_takes(tmp_path):
    git(tmp_path, "init", "-q")
    commit(tmp_path, "first")
    digest = git(tmp_path, "rev-parse", "HEAD:code.py")
    entry = f"100644,{digest},{'n' * 300}"
    git(tmp_path, "update-index", "--add", "--cacheinfo", entry)
    git(tmp_path, "commit", "-qm", "long")

    with pytest.raises(FlowError, match="name too long"):
        Repository.of(tmp_path).check_out("HEAD", tmp_path / "out")
