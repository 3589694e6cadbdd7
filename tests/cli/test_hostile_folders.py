"""A stranger's folder of JSON: nothing runs, nothing outside is read."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest

from flow64 import LEAD, Workflow
from flow64.blocks import Webhook
from tests.cli.pipelines import commit_all, git

BODY = json.loads(Workflow("Inbound", Webhook(LEAD)).to_json())
TEXT = json.dumps({name: BODY[name] for name in BODY if name != "id"})


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The folder of a branch, and that of a change."""
    monkeypatch.chdir(tmp_path)
    for name in ("base", "head"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "leads.json").write_text(TEXT, "utf-8")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.json").write_text(TEXT.replace("Inbound", "s3cret"), "utf-8")
    return tmp_path


def replace_by_link(head):
    (head / "leads.json").unlink()
    head.rmdir()
    head.symlink_to(head.parent / "outside")


def put_pipes(head):
    (head / "leads.json").unlink()
    for name in ("leads.json", "x.json"):
        os.mkfifo(head / name)


def write_sparse_file(head):
    with (head / "x.json").open("wb") as file:
        file.truncate(2**33)


SECRET = "../outside/secret.json"
CHANGES = {
    "link": lambda head: (head / "x.json").symlink_to(SECRET),
    "link of manifest": lambda head: (head / "flow64.json").symlink_to(SECRET),
    "link to a device": lambda head: (head / "x.json").symlink_to("/dev/zero"),
    "link in place of the folder": replace_by_link,
    "pipes": put_pipes,
    "sparse file": write_sparse_file,
    "many files": lambda head: [(head / f"{n}.json").touch() for n in range(5_001)],
    "deep folders": lambda head: (head / "/".join("d" * 300)).mkdir(parents=True),
    "command": lambda head: (head / "x\n::error::run.json").write_text(TEXT, "utf-8"),
    "deep JSON": lambda head: (head / "x.json").write_text("[" * 100_000, "utf-8"),
    "many values": lambda head: (head / "x.json").write_text(f"[{'0,' * 2_000_000}0]"),
}
COMMANDS = {
    "diff": ("diff", "base", "head", "--no-code"),
    "check": ("check", "head", "--no-code"),
    "compile": ("compile", "base", "-o", "head", "--check"),
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_refused_within_seconds(folders, flow64, words, change):
    change(folders / "head")
    start = time.monotonic()

    shown = [flow64(*words)]
    if (folders / "head/x.json").exists():
        shown.append(flow64("check", "head/x.json"))

    assert {code for code, *_ in shown} == {1}
    assert time.monotonic() - start < 5
    assert "s3cret" not in str(shown)
    lines = "".join(text for _, *texts in shown for text in texts).splitlines()
    assert not any(line.startswith("::") for line in lines)


def test_another_spelling_is_the_same_workflow(folders, flow64):
    (folders / "head" / "leads.json").rename(folders / "head" / "%6Ceads.json")

    assert flow64(*COMMANDS["diff"], "--exit-code")[0] == 0


def test_folders_are_compared_without_code_and_without_a_key(
    folders, flow64, monkeypatch
):
    for name in [name for name in os.environ if name.startswith("SIXTYFOUR_")]:
        monkeypatch.delenv(name)
    (folders / "head" / "evil.py").write_text("raise SystemExit(99)", "utf-8")
    (folders / "head" / "leads.json").write_text(TEXT.replace("LEAD", "COMPANY"))

    code, printed, _ = flow64(*COMMANDS["diff"], "--exit-code")

    assert code == 2
    assert "COMPANY" in printed


def test_workflow_beside_the_only_one_is_shown(folders, flow64):
    """One workflow on one side does not make it the only one that is compared."""
    (folders / "head" / "other.json").write_text(TEXT.replace("Inbound", "Evil"))

    code, printed, _ = flow64(*COMMANDS["diff"], "--exit-code")

    assert (code, "other: new" in printed) == (2, True)


# -- A repository ----------------------------------------------------------------------


def plant(folder, project, canary):
    """Make a folder a repository that runs a program when git looks at its files."""
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=project, text=True)
    command = f"env > {canary}; false"
    texts = {
        "HEAD": head,
        "config": "[core]\nrepositoryformatversion = 0\nbare = false\nworktree = ..\n"
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


PLANTED = [
    "check compiled/flows --no-code",
    "graph compiled/flows --no-code",
    "diff compiled/flows leads.py",
    "diff --base HEAD",
    "plan compiled/flows --no-code -e prod",
    "deploy compiled/flows --no-code -e prod --yes",
]


def test_planted_repository_runs_no_program(planted, flow64, tmp_path, monkeypatch):
    """Every command, from the project and from the folder itself."""
    for command in PLANTED:
        flow64(*command.split())
        monkeypatch.chdir(tmp_path / "compiled" / "flows")
        here = command.replace(" compiled/flows", " .").replace("leads", "../../leads")
        flow64(*here.split())
        monkeypatch.chdir(tmp_path)
        assert not planted.exists(), command

    # Git itself would run it.
    subprocess.run(["git", "status", "-s"], cwd="compiled/flows", check=False)
    assert planted.exists()


def test_planted_submodule_runs_no_program(planted, flow64, tmp_path):
    """Git is not asked what changed inside a submodule."""
    inner = ("-C", str(tmp_path / "inner"))
    git("init", "-q", "inner")
    git(*inner, "commit", "-q", "--allow-empty", "-m", "inner")
    commit_all()
    git(*inner, "config", "core.fsmonitor", f"env > {planted}; false")

    code, printed, _ = flow64("deploy", "leads.py", "-e", "prod", "--yes")

    assert (code, planted.exists()) == (0, False), printed
    subprocess.run(["git", "diff", "--quiet", "HEAD"], check=False)
    assert planted.exists()
