"""A terminal gets long lines folded between words; pipes and files get them whole."""

from __future__ import annotations

import io
import sys

import pytest

from flow64.cli import _terminal
from flow64.cli._options import OPTIONS
from tests.cli.support import environment, on_terminal

WIDTHS = (60, 80, 120, 200)

COPIED = "saved; to apply it: flow64 deploy --plan a-long-name.plan.json --yes --jobs 4"


@pytest.fixture
def fold(monkeypatch):
    """Fold a text as for a terminal of so many columns."""

    def folded(text, width):
        monkeypatch.setattr(_terminal, "find_width", lambda _: width)
        return _terminal.fold_text(text, sys.stderr).split("\n")

    return folded


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("it is short", ["it is short"]),
        ("one two three four five", ["one two three four", "  five"]),
        ("    ~ one two three four", ["    ~ one two three", "      four"]),
        ("key   one two three four", ["key   one two three", "      four"]),
        ("a  b  one two three four", ["a  b  one two three", "      four"]),
        ("a-long-label  one two", ["a-long-label  one", "  two"]),
        ("one two three   ", ["one two three   "]),
        ("one two three four   ", ["one two three four"]),
        ("see https://acme.example/it", ["see", "  https://acme.example/it"]),
        ("https://acme.example/it now", ["https://acme.example/it", "  now"]),
        ("run `flow64 check a.py b` now", ["run", "  `flow64 check a.py b`", "  now"]),
        ("a ` that is not closed", ["a ` that is not", "  closed"]),
        ("then: flow64 check a.py -q b", ["then:", "  flow64 check a.py -q b"]),
        ("with flow64 check -q --json", ["with", "  flow64 check -q --json"]),
        ("to allow it, --create a", ["to allow it,", "  --create a"]),
        ("error: flow64 failed with it", ["error:", "  flow64 failed", "  with it"]),
        ("   8 | Webhook() >> FindEmail()", ["   8 | Webhook() >> FindEmail()"]),
        ("     |              ^^^^^^^^^^^", ["     |              ^^^^^^^^^^^"]),
        ("名前 名前 名前 名前 名前", ["名前 名前 名前 名前", "  名前"]),
        (
            "\x1b[31merror\x1b[0m: one two three",
            ["\x1b[31merror\x1b[0m: one two", "  three"],
        ),
    ],
)
def test_fold(fold, line, lines):
    """Words, commands, texts between backticks and source code are not broken."""
    assert fold(line, 19) == lines


def test_pipe_gets_whole_lines():
    assert _terminal.fold_text(COPIED, io.StringIO()) == COPIED


@pytest.fixture
def project(leads, monkeypatch):
    """A workflow with a finding, and a plan of it that was saved."""
    monkeypatch.setenv("FLOW64_ENV", "emulator")
    monkeypatch.setattr(
        "tests.cli.support.environment",
        lambda **more: {**environment(**more), "FLOW64_ENV": "emulator"},
    )

    return leads


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "line"),
    [
        *((width, "plan leads.py") for width in WIDTHS),
        (60, "check leads.py"),
        (60, "run leads.py:inbounds nothing.csv"),
    ],
)
def test_terminal(project, flow64, width, line):
    """Each line fits, and no word is lost or broken."""
    shown = on_terminal(width, *line.split())
    _, printed, told = flow64(*line.split())

    assert max(map(len, shown.splitlines())) <= width
    assert find_words(shown) == find_words(printed + told)


def find_words(text):
    """Return the words of a text in any order, without source code."""
    lines = [line for line in text.splitlines() if " | " not in line]
    return sorted(" ".join(lines).split())


def test_saved_plan_can_be_copied(project):
    """The command of a message is on one line, also if that is too long."""
    file = "a-long-name-of-a-plan-that-is-saved.plan.json"

    shown = on_terminal(60, "plan", "leads.py", "-o", file)

    assert f"  flow64 deploy --plan {file}" in shown.splitlines()


def test_settings_are_not_folded(monkeypatch, capsys):
    monkeypatch.setattr(_terminal, "find_width", lambda _: 20)
    line = 'api_key = { env = "SIXTYFOUR_PROD_KEY" }'

    _terminal.print_settings([line])
    monkeypatch.setattr(OPTIONS, "is_quiet", True)
    _terminal.print_settings([line])

    assert capsys.readouterr().err == f"  {line}\n"


def test_paths_are_relative(service, leads, flow64, tmp_path):
    """A path below the working folder is printed relative to it."""
    for line in ("compile leads.py", "graph leads.py --format mermaid"):
        _, printed, told = flow64(*line.split(), "-o", tmp_path / f"made-{line[:5]}")

        assert str(tmp_path) not in printed + told
        assert f"made-{line[:5]}" in printed + told
