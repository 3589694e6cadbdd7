"""What CI files say: one owner for the steps, pins, schemas, and who gets a secret."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import yaml

from flow64.cli import main
from flow64.cli._ci_files import ACTIONS, find_action, find_included
from tests.ci.github import ACTION

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("ci", ROOT / "scripts/ci.py")
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HERE = "git+https://git.acme.example/acme/flow64@" + COMMIT
ON_GITHUB = "git+https://github.com/acme/flow64@" + COMMIT
ON_GITLAB = "git+https://gitlab.com/acme/tools/flow64@" + COMMIT


def begin(folder, *options):
    """Write a new project, and give its CI files."""
    given = ("--namespace", "acme.example", "--project", "growth", *options)
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        assert main(["init", str(folder), *given]) == 0
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*.yml"))
    }


@pytest.mark.parametrize(("name", "text"), script.write().items())
def test_written_from_the_templates(name, text):
    """If this fails, run `python scripts/ci.py`."""
    assert (ROOT / name).read_text("utf-8") == text


# -- What is pinned --------------------------------------------------------------------


def test_actions_are_pinned(tmp_path):
    """Every action of our files and of a project is at the commit of the one list."""
    ours = [ROOT / "action.yml", *(ROOT / ".github").rglob("*.yml")]
    texts = [path.read_text("utf-8") for path in ours]
    texts += begin(tmp_path, "--from", HERE).values()

    used = {line for text in texts for line in re.findall(r"uses: (.+)", text)}

    assert used == {
        f"{name}@{commit} # v{release}" for name, (commit, release) in ACTIONS.items()
    }


@pytest.mark.parametrize("path", ["README.md", *sorted((ROOT / "docs").glob("*.md"))])
def test_actions_in_documents(path):
    """Examples to copy name the same releases, by their major versions."""
    text = (ROOT / path).read_text("utf-8")

    for name, release in re.findall(r"uses: (\w[\w-]*/[\w-]+)@v(\d+)", text):
        assert ACTIONS[name][1].split(".")[0] == release


def test_actions_run_on_node_24():
    """These majors are the first on Node 24, or later."""
    majors = {
        name: int(release.split(".")[0]) for name, (_, release) in ACTIONS.items()
    }

    assert majors["actions/checkout"] >= 5
    assert majors["actions/setup-python"] >= 6
    assert majors["actions/upload-artifact"] >= 6
    assert majors["actions/download-artifact"] >= 7
    assert majors["actions/attest"] >= 4
    assert all(re.fullmatch("[0-9a-f]{40}", commit) for commit, _ in ACTIONS.values())


# -- What the recorded source leads to -------------------------------------------------


@pytest.mark.parametrize(
    ("requirement", "action"),
    [
        (f"flow64[cli] @ {ON_GITHUB}", f"acme/flow64@{COMMIT}"),
        (f"git+https://github.com/acme/flow64.git@{COMMIT}", f"acme/flow64@{COMMIT}"),
        (f"git+ssh://git@github.com/acme/f.git@{COMMIT}", f"acme/f@{COMMIT}"),
        (f"{ON_GITHUB}#subdirectory=a/b", f"acme/flow64/a/b@{COMMIT}"),
        ("git+https://github.com/acme/flow64@main", None),
        ("git+https://github.com/acme/flow64", None),
        (f"git+https://github.com/acme/a/b@{COMMIT}", None),
        (f"git+https://github.com.acme.example/a/b@{COMMIT}", None),
        (HERE, None),
        (ON_GITLAB, None),
        ("flow64[cli]==0.1.0", None),
        (None, None),
    ],
)
def test_action(requirement, action):
    """Only a commit on github.com can be used as an action."""
    assert find_action(requirement) == action


@pytest.mark.parametrize(
    ("requirement", "address"),
    [
        (ON_GITLAB, f"https://gitlab.com/acme/tools/flow64/-/raw/{COMMIT}/"),
        (ON_GITHUB, f"https://raw.githubusercontent.com/acme/flow64/{COMMIT}/"),
        (
            f"{ON_GITLAB}#subdirectory=py",
            f"https://gitlab.com/acme/tools/flow64/-/raw/{COMMIT}/py/",
        ),
        (HERE, None),
        (None, None),
    ],
)
def test_included(requirement, address):
    """GitLab includes a file at a commit of a host whose addresses are known."""
    assert find_included(requirement) == (address and f"{address}gitlab-ci.yml")


def test_short_files_are_short(tmp_path):
    short = begin(tmp_path / "a", "--from", ON_GITHUB)
    complete = begin(tmp_path / "b", "--from", HERE)
    lines = [
        sum(text.count("\n") for text in files.values()) for files in (short, complete)
    ]

    assert short.keys() == complete.keys()
    assert lines[0] < lines[1] / 2.5
    assert not [text for text in short.values() if "run: |" in text]


@pytest.mark.parametrize("source", ["0.1.0", HERE, ON_GITLAB])
def test_other_sources_give_complete_files(source, tmp_path):
    """Nothing of them refers to a repository of flow64."""
    files = begin(tmp_path, "--from", source)

    assert files == begin(tmp_path / "more", "--from", "0.1.0")
    assert not [text for text in files.values() if "flow64@" in text]


def test_standalone(tmp_path):
    """The files can be complete although the source is on GitHub."""
    complete = begin(tmp_path / "a", "--from", HERE)

    assert begin(tmp_path / "b", "--from", ON_GITHUB, "--standalone") == complete


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ((), {".github"}),
        (("--ci", "github"), {".github"}),
        (("--ci", "gitlab"), {".gitlab-ci.yml"}),
        (("--ci", "none"), set()),
        (("--namespace", "gitlab.com/acme/growth"), {".gitlab-ci.yml"}),
        (("--namespace", "gitlab.com/acme/growth", "--ci", "github"), {".github"}),
    ],
)
def test_host(options, kinds, tmp_path):
    """A project has the files of one host, and its README says what they do."""
    files = begin(tmp_path, "--from", HERE, *options)
    readme = (tmp_path / "README.md").read_text("utf-8")

    assert {name.split("/")[0] for name in files} == kinds
    assert ("On GitHub" in readme) is (".github" in kinds)
    assert ("On GitLab" in readme) is (".gitlab-ci.yml" in kinds)


def test_gitlab_include(tmp_path):
    """The short file is its explanation and one address."""
    short = begin(tmp_path / "a", "--ci", "gitlab", "--from", ON_GITLAB)
    complete = begin(tmp_path / "b", "--ci", "gitlab", "--from", HERE)

    text = short[".gitlab-ci.yml"]
    assert complete == {".gitlab-ci.yml": (ROOT / "gitlab-ci.yml").read_text("utf-8")}
    assert yaml.safe_load(text) == {"include": [{"remote": find_included(ON_GITLAB)}]}
    assert "Protect it" in text


# -- The action ------------------------------------------------------------------------

STEPS = ACTION["runs"]["steps"]


def test_action_has_no_expression_in_a_script():
    scripts = [step["run"] for step in STEPS if "run" in step]

    assert scripts
    assert not [text for text in scripts if "${{" in text]
    assert {step["shell"] for step in STEPS if "run" in step} == {"bash"}


def test_action_gives_secrets_to_four_steps():
    """No step that runs code of a change, and no action of others, gets a secret."""
    holders = [step for step in STEPS if "inputs.secrets" in yaml.safe_dump(step)]

    assert [(one["name"], one["if"].partition(" && ")[0]) for one in holders] == [
        ("Plan", "inputs.job == 'comment'"),
        ("Plan", "inputs.job == 'plan'"),
        ("Deploy", "inputs.job == 'deploy'"),
        ("Run", "inputs.job == 'deploy'"),
    ]
    assert "secrets." not in yaml.safe_dump(STEPS).replace("inputs.secrets", "")
    assert "vars." not in yaml.safe_dump(STEPS)  # an action cannot read it


def play(name, **variables):
    """Run the script of a step, and give its exit code and what it printed."""
    step = next(step for step in STEPS if step.get("name") == name)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env={"PATH": os.environ["PATH"], **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_unknown_job_is_refused():
    """A misspelt job does not end well with nothing done."""
    code, told = play("Refuse an unknown job", JOB="check-all")

    assert code == 64
    assert "::error::job must be one of: review, comment, check, plan, deploy" in told
    assert play("Refuse an unknown job", JOB="deploy") == (0, "")


@pytest.mark.parametrize("line", ["not_a_real_key", "a b=not_a_real_key", "=x"])
def test_secret_without_a_name_is_refused(line):
    """It is not printed either."""
    code, told = play("Deploy", SECRETS=f"KEY=x\n{line}\n")

    assert (code, told) == (64, "::error::secrets must be one NAME=TEXT a line\n")


def test_secrets_are_variables(tmp_path):
    """Each line is one variable, of any text, for the commands of this step."""
    tool = tmp_path / "flow64"
    tool.write_text('#!/bin/sh\nprintf "%s|" "$ONE" "$TWO" "$SECRETS"\n', "utf-8")
    tool.chmod(0o755)

    _, told = play(
        "Deploy",
        SECRETS="ONE=$(id) a=b \"'\n\nTWO=",
        PATH=f"{tmp_path}:{os.environ['PATH']}",
        FLOW64_ENV="prod",
        RUNNER_TEMP=str(tmp_path),
        GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"),
    )

    assert told == "$(id) a=b \"'|||"


# -- What others say of the files ------------------------------------------------------


def assert_accepted(tool, *arguments):
    done = subprocess.run(
        [Path(sys.executable).with_name(tool), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("source", [HERE, ON_GITHUB, ON_GITLAB])
def test_schemas(source, tmp_path):
    """The files are valid by the public schemas."""
    begin(tmp_path / "a", "--from", source)
    begin(tmp_path / "b", "--ci", "gitlab", "--from", source)
    schemas = {
        "github-workflows": [
            *(tmp_path / "a/.github/workflows").iterdir(),
            *(ROOT / ".github/workflows").iterdir(),
        ],
        "github-actions": [ROOT / "action.yml"],
        "github-issue-forms": [*(ROOT / ".github/ISSUE_TEMPLATE").iterdir()],
        "gitlab-ci": [tmp_path / "b/.gitlab-ci.yml"],
    }

    for name, files in schemas.items():
        more = ("--data-transform", "gitlab-ci") if name == "gitlab-ci" else ()
        schema = ("--builtin-schema", f"vendor.{name}")
        assert_accepted("check-jsonschema", *schema, *more, *files)


@pytest.mark.slow
@pytest.mark.parametrize("source", [HERE, ON_GITHUB])
def test_security(source, tmp_path):
    """A linter finds no action without a pin, no injection, no needless right."""
    begin(tmp_path, "--from", source)
    files = [tmp_path, ROOT / "action.yml", ROOT / ".github"]

    assert_accepted("zizmor", "--offline", "--no-progress", *files)


# -- pre-commit ------------------------------------------------------------------------

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))


def test_hooks(tmp_path, monkeypatch):
    """The hooks do what those of a new project do, and pass there."""
    begin(tmp_path, "--from", HERE)
    text = (tmp_path / ".pre-commit-config.yaml").read_text("utf-8")
    (ours,) = yaml.safe_load(text)["repos"]
    monkeypatch.chdir(tmp_path)

    entries = [hook["entry"] for hook in HOOKS]

    assert [hook["id"] for hook in HOOKS] == ["flow64-check", "flow64-compile"]
    assert entries == [hook["entry"] for hook in ours["hooks"]]
    assert [main(entry.split()[1:]) for entry in entries] == [0, 0]


@pytest.mark.slow
def test_hooks_are_valid():
    assert_accepted("pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml")
