"""Shell completion: the script, what it completes, and what that loads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import click
import pytest
from click.shell_completion import ShellComplete

from flow64.cli import COMMANDS, group
from flow64.cli.completion import PROFILES
from tests.catalogue.answer import ANSWER
from tests.cli.support import environment

SETTINGS = """
[tool.flow64.environments.staging]
api_key = { env = "STAGING_KEY" }

[tool.flow64.environments.prod]
api_key = { env = "PROD_KEY" }

[tool.flow64.environments."two words"]
api_key = { env = "PROD_KEY" }

[tool.flow64.environments."\\u001b]8;;x"]
api_key = { env = "PROD_KEY" }
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with environments, and a module that must not be imported."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(SETTINGS, "utf-8")
    (tmp_path / "leads.py").write_text("raise SystemError", "utf-8")
    return tmp_path


def completed(*words):
    """The completions of the last word."""
    shell = ShellComplete(group, {}, "flow64", "_FLOW64_COMPLETE")
    return [item.value for item in shell.get_completions([*words[:-1]], words[-1])]


# -- The script -----------------------------------------------------------------------


@pytest.mark.parametrize("shell", PROFILES)
def test_script(flow64, shell):
    """The script asks by click's variable, and says where to put the line."""
    code, printed, told = flow64("completion", shell)
    data = json.loads(flow64("completion", shell, "--json")[1])

    file, line = PROFILES[shell]
    assert (code, told) == (0, "")
    assert printed.startswith(
        f"# for every new shell, add this line to {file}: {line}\n"
    )
    assert printed.endswith(data["script"] + "\n")
    assert f"_FLOW64_COMPLETE={shell}_complete" in data["script"]
    assert (data["file"], data["line"]) == (file, line)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([], "SHELL is missing: write one of "), (["csh"], "'csh' is not one of 'bash'")],
)
def test_mistakes(flow64, arguments, words):
    code, printed, told = flow64("completion", *arguments)

    assert (code, printed, words in told) == (64, "", True)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_in_bash(project):
    """A real bash takes the script, and completes with it."""
    program = project / "flow64"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m flow64 "$@"\n', "utf-8")
    program.chmod(0o755)
    script = """
        eval "$(flow64 completion bash)"
        COMP_WORDS=(flow64 list --env st) COMP_CWORD=3
        _flow64_completion flow64
        echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=environment(PATH=f"{project}{os.pathsep}{os.environ['PATH']}"),
        cwd=project,
    )

    assert (done.stdout, done.stderr) == ("staging\n", "")


# -- What it completes ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["comp"], ["compile", "completion"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["list", "--env", ""], ["staging", "prod", "two words", "emulator"]),
        (["deploy", "leads.py", "--env", "p"], ["prod"]),
        (["diff", "st"], ["staging"]),
        (["diff", "prod", "co"], ["code"]),
        (["diff", "leads"], ["leads"]),
        (["same", "staging", "pr"], ["prod"]),
        (["same", "staging", "prod", "in"], []),
        (["diff", "--ex"], ["--exit-code"]),
        (["bl"], ["blocks"]),
        (["blocks", "s"], ["sync", "search", "scrape_web", "send_slack_message"]),
        (["blocks", "company", "s"], ["search", "scrape_web", "send_slack_message"]),
        (["blocks", "sync", "--env", "p"], ["prod"]),
        (["blocks", "rev"], ["reverse_email", "reverse_phone"]),
        (["check", "--error", "late"], ["late-deduplicate", "late-filter"]),
    ],
    ids=" ".join,
)
def test_completed(project, words, wanted):
    """Commands, options, environments; keys cost an import, and are left alone."""
    assert completed(*words) == wanted


def test_schemas():
    """Names of schemas are completed."""
    assert completed("schema", "p") == ["pyproject", "plan", "pull"]


def test_live_kinds(project):
    """Kinds that only the service lists are completed from its saved list."""
    text = SETTINGS.replace("[", 'tool.flow64.blocks = "kept.json"\n[', 1)
    (project / "pyproject.toml").write_text(text, "utf-8")
    damaged = [None, {"block_name": 5}]
    for content, wanted in (
        (ANSWER, ["reddit_search"]),
        ({"date": None, "blocks": ANSWER}, ["reddit_search"]),
        (damaged, []),
        ([*damaged, *ANSWER], ["reddit_search"]),
        (5, []),
    ):
        (project / "kept.json").write_text(json.dumps(content), "utf-8")
        assert completed("blocks", "red") == wanted
    (project / "kept.json").unlink()
    assert completed("blocks", "red") == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ["emulator"]),
        ("no TOML", ["emulator"]),
        ("tool = 3", ["emulator"]),
        ("[tool]\nflow64 = 3", ["emulator"]),
        ("[tool.flow64]\nenvironments = 3", ["emulator"]),
        ("[tool.flow64.environments.emulator]\nsuffix='x'", ["emulator"]),
        ("[tool.flow64.environments.a]", ["a", "emulator"]),
    ],
)
def test_faulty_settings(tmp_path, text, wanted, monkeypatch):
    """Mistakes in settings are reported by commands, and not while typing."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")

    monkeypatch.chdir(tmp_path)
    assert completed("plan", "--env", "") == wanted


def test_names_from_below(project, monkeypatch):
    """The file is looked for upwards, as far as the repository goes."""
    below = project / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    found = completed("plan", "--env", "")
    (below / ".git").mkdir()

    assert found[:2] == ["staging", "prod"]
    assert completed("plan", "--env", "") == ["emulator"]


def test_commands_without_their_modules():
    """Commands are completed by name, with what they are for, and then options."""
    context = click.Context(group, info_name="flow64")

    found = group.shell_complete(context, "ru")
    options = group.shell_complete(context, "--ver")

    assert [(one.value, one.help) for one in found] == [
        (name, COMMANDS[name]) for name in ("run", "runs")
    ]
    assert "--version" in [one.value for one in options]


def test_help_of_commands_topics_and_findings(project):
    """`flow64 help` completes all, also the second word of a command."""
    assert completed("help", "late") == ["late-deduplicate", "late-filter"]
    assert completed("help", "env") == ["environments"]
    assert completed("help", "res") == ["restore", "results"]
    assert completed("help", "blocks", "s") == ["sync"]


def test_what_the_names_load(project):
    """To read environments loads neither the language nor a client."""
    program = (
        "import sys; from pathlib import Path\n"
        "from flow64.cli._completion import find_environments\n"
        "print(find_environments(Path.cwd())[:2])\n"
        "print(sorted({'attr', 'httpx', 'rich', 'leads'} & {*sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=project,
    )

    assert done.stdout == "['staging', 'prod']\n[]\n"
