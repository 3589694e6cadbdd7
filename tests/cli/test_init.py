"""`flow64 init`: a project that passes its own checks, and overwrites no files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib

import pytest

from flow64.environments import load
from tests.cli.support import environment

pytestmark = pytest.mark.slow


FILES = [
    ".github/workflows/flow64-comment.yml",
    ".github/workflows/flow64-deploy.yml",
    ".github/workflows/flow64-review.yml",
    ".gitignore",
    ".pre-commit-config.yaml",
    "README.md",
    "compiled/flow64.json",
    "compiled/leads.json",
    "pipelines/leads.py",
    "pyproject.toml",
    "requirements-flow64.txt",
    "tests/test_leads.py",
]


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("FLOW64_JOURNAL", "FLOW64_HISTORY"):
        monkeypatch.delenv(name, raising=False)


def written(folder):
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    )


def test_ready(flow64, tmp_path, monkeypatch):
    """The new project passes its checks and its test, and can be deployed at once."""
    code, printed, told = flow64("init", "growth", "--namespace", "acme.example")

    folder = tmp_path / "growth"
    there = written(folder)
    assert code == 0
    assert {*FILES} <= {*there}
    assert sorted(printed.split()) == [f"growth/{name}" for name in there]
    assert told.startswith("next: cd growth, git init, then")

    monkeypatch.chdir(folder)
    emulated = ("--env", "emulator")
    assert flow64("check", "pipelines")[0] == 0
    assert flow64("compile", "pipelines", "-o", "compiled", "--check")[0] == 0
    assert flow64("plan", "pipelines", *emulated, "--exit-code")[0] == 2
    assert flow64("deploy", "pipelines", *emulated, "--yes")[0] == 0
    assert flow64("plan", "pipelines", *emulated, "--exit-code")[0] == 0
    assert flow64("plan", "compiled", *emulated, "--exit-code")[0] == 0


def test_own_test(flow64, tmp_path):
    """The test that comes with it passes, and fails where the pipeline is another."""
    flow64("init", "--namespace", "acme.example")

    assert ended_with(tmp_path) == 0

    pipeline = tmp_path / "pipelines" / "leads.py"
    text = pipeline.read_text("utf-8").replace('equals("OK")', 'equals("UNKNOWN")')
    pipeline.write_text(text, "utf-8")

    assert ended_with(tmp_path) == 1


def ended_with(folder):
    # Other plugins of this machine take seconds to load.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "flow64.pytest_plugin"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        check=False,
        capture_output=True,
        timeout=60,
    )
    return done.returncode


def test_environments(flow64, tmp_path):
    """The default is on this machine and has no key; two have variables of keys."""
    flow64("init", "--namespace", "acme.example")

    found = load()

    keys = {name: one.credential for name, one in found.environments.items()}
    assert found.source == "pipelines"
    assert found.environment() == found.environment("local")
    assert (found.environment().is_keyless, keys["local"]) == (True, None)
    assert keys["staging"].variable == "SIXTYFOUR_STAGING_KEY"
    assert keys["prod"].variable == "SIXTYFOUR_PROD_KEY"


def test_hooks(flow64, tmp_path):
    """The commands of pre-commit pass."""
    flow64("init", "--namespace", "acme.example")
    text = (tmp_path / ".pre-commit-config.yaml").read_text("utf-8")
    entries = [line.split(": ", 1)[1] for line in text.splitlines() if "entry:" in line]

    codes = [flow64(*entry.split()[1:])[0] for entry in entries]

    assert entries == [
        "flow64 check",
        "flow64 compile -o compiled --check",
    ]
    assert codes == [0, 0]


def test_as_data(flow64, tmp_path):
    """As data it is the list of what was written."""
    printed = flow64("init", "--namespace", "acme.example", "--json")[1]

    assert sorted(json.loads(printed)["files"]) == written(tmp_path)


def test_names(flow64, tmp_path):
    """Namespace and key stand in the code, and make the ids."""
    flow64(
        *("init", "--namespace", "github.com/acme/pipelines"),
        *("--project", "north-2"),
    )

    code = (tmp_path / "pipelines" / "leads.py").read_text("utf-8")
    manifest = json.loads((tmp_path / "compiled" / "flow64.json").read_bytes())
    assert 'Project("north-2", namespace="github.com/acme/pipelines")' in code
    entry = manifest["files"]["leads.json"]
    assert entry["namespace"] == "github.com/acme/pipelines"
    assert entry["project"] == "north-2"


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--namespace", "local"),
        ("--namespace", "acme"),
        ("--namespace", ""),
        ("--namespace", "Acme Inc"),
        ("--namespace", 'a"; import os; "'),
        ("--namespace", "../../etc"),
        ("--namespace", "a..b"),
        ("--namespace", "@PROJECT@"),
        ("--project", 'x"y'),
        ("--project", ""),
        ("--project", "Big"),
    ],
)
def test_bad_names(option, text, flow64, tmp_path):
    """An invalid name, or one that would be code, is a wrong command line."""
    given = {"--namespace": "acme.example", option: text}

    code, printed, told = flow64("init", *sum(given.items(), ()))

    assert (code, printed) == (64, "")
    assert option in told
    assert written(tmp_path) == []


def test_nobody_to_ask(flow64, tmp_path):
    """Without a namespace and a terminal, nothing is written."""
    code, _, told = flow64("init")

    assert code == 64
    assert "--namespace is missing: name the owner of the ids" in told
    assert written(tmp_path) == []


def test_asked(flow64, tmp_path, answering):
    """At a terminal, the namespace is asked for."""
    answering("acme.example\n")

    assert flow64("init")[0] == 0
    assert "acme.example" in (tmp_path / "pipelines" / "leads.py").read_text("utf-8")


@pytest.mark.parametrize(
    "there",
    ["pyproject.toml", "README.md", "pipelines/old.py", "compiled/old.json"],
)
def test_never_overwrites(there, flow64, tmp_path):
    """If one of its files, or other pipelines exist, nothing is written."""
    path = tmp_path / there
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine", "utf-8")

    code, printed, told = flow64("init", "--namespace", "acme.example")

    assert (code, printed) == (3, "")
    assert f"there is already: {there.partition('/')[0]}" in told
    assert written(tmp_path) == [there]
    assert path.read_text("utf-8") == "mine"


def test_dangling_link(flow64, tmp_path):
    """A link that leads nowhere is something that is there, too."""
    (tmp_path / "README.md").symlink_to("nowhere")

    assert flow64("init", "--namespace", "acme.example")[0] == 3


def test_beside_others(flow64, tmp_path):
    """Other files, such as those of git, are left alone."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "LICENSE").write_text("mine", "utf-8")

    assert flow64("init", "--namespace", "acme.example")[0] == 0
    assert (tmp_path / "LICENSE").read_text("utf-8") == "mine"


def test_unwritable(flow64, tmp_path):
    """A folder that cannot be made is reported."""
    (tmp_path / "file").write_text("", "utf-8")

    code, _, told = flow64("init", "file/inner", "--namespace", "acme.example")

    assert code == 1
    assert "cannot be written" in told


def test_same_everywhere(flow64, tmp_path):
    """The JSON that is committed is the same wherever it is made."""
    made = []
    for folder in ("a", "b"):
        options = ("--namespace", "acme.example", "--project", "growth")
        flow64("init", folder, *options)
        made.append((tmp_path / folder / "compiled" / "leads.json").read_bytes())

    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("name", "key"),
    [("growth", "growth"), ("Growth Team", "growth-team"), ("é", "pipelines")],
)
def test_key(name, key, tmp_path, flow64):
    """The key comes from the name of the folder, if that is possible."""
    flow64("init", tmp_path / name, "--namespace", "acme.example", "--from", "0.1.0")

    manifest = json.loads((tmp_path / name / "compiled/flow64.json").read_bytes())
    assert {one["project"] for one in manifest["files"].values()} == {key}


def test_template(tmp_path, flow64):
    """Every file has its own name, no mark is left, and TOML can be read."""
    options = ("--namespace", "acme.example", "--project", "growth", "--from", "0.1.0")
    flow64("init", tmp_path, *options)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    found = {path.relative_to(tmp_path): path.read_text("utf-8") for path in files}

    assert "pyproject.toml" in map(str, found)
    for mark in ("@NAMESPACE@", "@PROJECT@", "@PYTHON@", "@SOURCE@"):
        assert not [path for path, text in found.items() if mark in text]
    assert [str(path) for path in found if path.suffix == ".txt"] == [
        "requirements-flow64.txt"
    ]
    settings = next(text for path, text in found.items() if path.suffix == ".toml")
    assert tomllib.loads(settings)["tool"]["flow64"]["source"] == "pipelines"
    assert os.sep not in "".join(path.name for path in found)
