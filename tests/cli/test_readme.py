"""The commands and settings of README work as written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from flow64.environments import load

pytestmark = pytest.mark.slow


README = Path(__file__).parents[2] / "README.md"


def block(kind):
    """The first block of a kind in the section."""
    section = README.read_text("utf-8").split("### A whole project\n")[1]
    return re.search(rf"```{kind}\n(.*?)```", section, re.DOTALL)[1]


def commands():
    lines = block("console").splitlines()
    return [shlex.split(line.removeprefix("$ ")) for line in lines]


def test_commands(tmp_path, monkeypatch, flow64):
    for name in ("FLOW64_JOURNAL", "FLOW64_HISTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    flow64("init", "growth", "--namespace", "acme.example")
    monkeypatch.chdir("growth")

    codes = [(words[1], flow64(*words[1:])[0]) for words in commands()]

    assert codes == [(name, 0) for name, _ in codes]
    assert Path("live", "flow64.json").is_file()
    assert (Path(".flow64") / ".gitignore").read_text("utf-8") == "*\n"


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_settings(tmp_path, name):
    file = tmp_path / "pyproject.toml"
    file.write_text(block("toml"), "utf-8")

    settings = load(file)

    assert settings.source == "pipelines"
    assert settings.environment(name).credential.variable.endswith("_KEY")
