"""Pages that tell a story are played from beginning to end, in a folder of theirs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from doctest import (
    ELLIPSIS,
    NORMALIZE_WHITESPACE,
    DocTestParser,
    DocTestRunner,
    OutputChecker,
)
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


DOCS = Path(__file__).parent.parent / "docs"

FENCE = re.compile(
    r"^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
CAPTION = re.compile(r":caption: (?P<file>\S+)\n+")
SAME = OutputChecker()


class Story:
    """Plays a page: files are written, Python is run here, commands in a shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {}
        self.environment = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("SIXTYFOUR_", "FLOW64_", "GIT_"))
        } | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder.parent),
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@acme.example",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@acme.example",
            "COLUMNS": "100",
        }

    def play(self, kind: str, text: str) -> None:
        """Play one block of the page."""
        if caption := CAPTION.match(text):
            file = self.folder / caption["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text[caption.end() :], "utf-8")
        elif kind == "python" and text.startswith(">>> "):
            examples = DocTestParser().get_doctest(text, self.names, "story", None, 0)
            seen: list[str] = []
            runner = DocTestRunner(optionflags=ELLIPSIS | NORMALIZE_WHITESPACE)
            assert not runner.run(examples, out=seen.append).failed, "".join(seen)
        elif kind == "python":
            exec(compile(text, "the story", "exec"), self.names)
        elif kind == "console":
            for command, expected in commands(text):
                seen = self.run(command)
                is_same = SAME.check_output(expected, seen, ELLIPSIS)
                assert is_same, f"$ {command}\n--- wanted\n{expected}--- seen\n{seen}"

    def run(self, command: str) -> str:
        """What a shell shows of a command, errors too."""
        variables = {k: v for k, v in self.names.items() if k.isupper()}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        return done.stdout


def commands(text: str) -> list[tuple[str, str]]:
    """The commands of a block, each with what it shows."""
    _, *parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    told: list[tuple[str, str]] = []
    for part in parts:
        command, _, expected = part.partition("\n")
        told.append((command, expected))
    return told


@pytest.mark.parametrize("page", ["story.md", "how-to-live-catalogue.md"])
def test_story_is_told_as_it_happens(page, tmp_path):
    story = Story(tmp_path / "acme")
    story.folder.mkdir()
    blocks = [*FENCE.finditer((DOCS / page).read_text("utf-8"))]

    for block in blocks:
        story.play(block["kind"].strip(), block["text"])

    assert len(blocks) > 5
