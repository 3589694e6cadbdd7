"""A folder of JSON that a pull request makes a git repository runs no program of it."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.cli.pipelines import GIT, commit_all, git


def plant(folder, project, canary):
    """Make a folder a repository that runs a program when git looks at its files."""
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=project, text=True)
    command = f"env > {canary}; false"
    texts = {
        "HEAD": head,
        "config": "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
        "\tworktree = ..\n"
        f'\tfsmonitor = "{command}"\n\thooksPath = hooks\n[diff]\n'
        f'\texternal = "{command}"\n',
        "objects/info/alternates": f"{project / '.git' / 'objects'}\n",
        "refs/keep": "",
        "hooks/post-index-change": f"#!/bin/sh\n{command}\n",
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "hooks/post-index-change").chmod(0o755)


@pytest.fixture
def planted(service, configured, flow64, tmp_path):
    """A project with compiled JSON in a planted repository; gives the canary's path."""
    assert flow64("compile", "leads.py", "-o", "compiled/flows")[0] == 0
    commit_all()
    canary = tmp_path.parent / f"{tmp_path.name}-canary"
    plant(tmp_path / "compiled", tmp_path, canary)
    return canary


COMMANDS = [
    "check compiled/flows --no-code",
    "list compiled/flows --no-code",
    "graph compiled/flows --no-code",
    "diff compiled/flows leads.py",
    "diff --base HEAD",
    "plan compiled/flows --no-code -e prod",
    "deploy compiled/flows --no-code -e prod --yes",
]


def test_planted_repository_runs_no_program(planted, flow64, tmp_path, monkeypatch):
    """Every command, from the project and from the folder itself."""
    for command in COMMANDS:
        flow64(*command.split())
        monkeypatch.chdir(tmp_path / "compiled" / "flows")
        here = command.replace(" compiled/flows", " .").replace("leads", "../../leads")
        flow64(*here.split())
        monkeypatch.chdir(tmp_path)
        assert not planted.exists(), command

    # Git itself would run it.
    subprocess.run(
        ["git", "status"], cwd="compiled/flows", capture_output=True, check=False
    )
    assert planted.exists()


def test_planted_submodule_runs_no_program(planted, flow64, tmp_path):
    """Git is not asked what changed inside a submodule."""
    inner = tmp_path / "inner"
    settings = {**os.environ, **GIT}
    subprocess.run(["git", "init", "-q", str(inner)], check=True)
    identity = ["-C", str(inner), "commit", "-q", "--allow-empty", "-m", "inner"]
    subprocess.run(["git", *identity], env=settings, check=True)
    git("add", "inner")
    git("commit", "-q", "-m", "a submodule")
    subprocess.run(
        [
            "git",
            "-C",
            str(inner),
            "config",
            "core.fsmonitor",
            f"env > {planted}; false",
        ],
        check=True,
    )

    code, printed, _ = flow64("deploy", "leads.py", "-e", "prod", "--yes")

    assert (code, planted.exists()) == (0, False), printed
    subprocess.run(["git", "diff", "--quiet", "HEAD"], check=False)
    assert planted.exists()
