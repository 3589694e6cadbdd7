"""Run the code blocks of README and docs: each page in an empty folder of its own.

A `python` block runs in the namespace of its page, or is compared with what Python
prints. A `python` or `toml` block that begins with a comment such as
`# pipelines/leads.py` is written to that file. The commands of a `console` block run
one after the other, and print what stands below them; a command without output must
succeed. What differs from run to run, such as an id or a time, is not compared.
`make golden` writes what commands print into the pages.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sybil import Document, Example, Region
from sybil.parsers import myst

emulators: list[Any] = []  # of the page that runs
rewriting = False  # whether a page takes what a command prints, instead of failing
FILE = re.compile(r"# ([\w/-]+\.\w+)\n")
RUN_ID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
SHORT_ID = re.compile(r"\b[0-9a-f]{8}\b")
VARYING = (
    (RUN_ID, "ID"),
    (SHORT_ID, "ID"),
    (re.compile(r"\b[0-9a-f]{12}\b|\b[0-9a-f]{40}\b"), "COMMIT"),
    (re.compile(r"\d{8}T\d{6}\.\d+Z"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z| UTC)?"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DAY"),
    (re.compile(r"\b\d{1,2} [JFMASOND][a-z]{2}\b"), "DAY"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s)\b"), "SECONDS"),
    (re.compile(r"(http://)?127\.0\.0\.1:\d+"), "SERVICE"),
    (re.compile(r"Python 3\.\d+\.\d+"), "PYTHON"),
)
# Of a run under way, since it may be over too soon to be seen.
PROGRESS = re.compile(r"^(queued|running|\d+ \w+: (started|\d).*)\n", re.MULTILINE)
VARIABLES = {
    "COLUMNS": "100",
    "GIT_AUTHOR_EMAIL": "ada@acme.example",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@acme.example",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "HOME": "/nonexistent",
    "NO_COLOR": "1",
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    "PYTHONDONTWRITEBYTECODE": "1",
    "TZ": "UTC",
}


def open_page(namespace: dict[str, Any]) -> None:
    """Enter an empty folder, with variables that are the same on every machine."""
    folder = TemporaryDirectory(prefix="flow64-page-")
    namespace["_page"] = (folder, Path.cwd(), {**os.environ}, [*sys.path])
    os.environ.update(VARIABLES)
    for name in [*os.environ]:
        if name.startswith(("SIXTYFOUR_", "FLOW64_", "PYTEST_")):
            del os.environ[name]
    os.chdir(folder.name)
    sys.path.insert(0, "")  # the folder of the page, also after `cd`


def close_page(namespace: dict[str, Any]) -> None:
    """Leave the folder as if the page had not been there."""
    folder, cwd, variables, path = namespace["_page"]
    for emulator in emulators:
        emulator.stop()
    emulators.clear()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:] = path
    for name, module in [*sys.modules.items()]:
        if (getattr(module, "__file__", None) or "").startswith(folder.name):
            del sys.modules[name]
    folder.cleanup()


def play_service(**options: Any) -> Any:
    """Return an emulator that plays the service for the settings in this folder."""
    from flow64.emulator import Emulator

    emulator = Emulator(**options).start()
    emulators.append(emulator)
    settings = Path("pyproject.toml")
    text = settings.read_text("utf-8")
    for name in re.findall(r'^api_key = { env = "(\w+)" }', text, re.MULTILINE):
        os.environ.setdefault(name, "any")
    endpoint = f'\nendpoint = "{emulator.url}"\napi_key ='
    settings.write_text(text.replace("\napi_key =", endpoint), "utf-8")
    return emulator


class FileParser:
    """Find blocks that are files, and leave others of their language to a parser."""

    def __init__(self, language: str, others: Any) -> None:
        self.blocks = myst.CodeBlockParser(language, lambda _: None)
        self.others = others

    def __call__(self, document: Document) -> list[Region]:
        files = [region for region in self.blocks(document) if is_file(region)]
        for region in files:
            region.evaluator = write_file
        taken = {region.start for region in files}
        others = self.others(document)
        return files + [region for region in others if region.start not in taken]


def is_file(region: Region) -> bool:
    return FILE.match(region.parsed) is not None


def write_file(example: Example) -> None:
    path = Path(FILE.match(example.parsed)[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(example.parsed, "utf-8")


def read_settings(example: Example) -> None:
    """Read settings that are no file of the page, as the settings of a project."""
    from flow64.environments import load

    with TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(example.parsed, "utf-8")
        load(Path(folder))


def run_console(example: Example) -> str | None:
    """Run the commands of a block; return what is wrong with the first bad one."""
    block = example.parsed
    for part in re.split(r"^\$ ", example.parsed, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        more = [line[:2] == "> " for line in lines[1:]]
        end = 1 + (more.index(False) if False in more else len(more))
        command = "".join([lines[0], *(line[2:] for line in lines[1:end])]).strip()
        expected = "".join(lines[end:])
        code, printed = run_command(command, example.namespace)
        if expected.strip() in {"", "..."}:
            if code:
                return f"$ {command}\n{printed}\n--- and exit code {code}"
        elif not is_printed(expected, printed):
            if not rewriting:
                return f"$ {command}\n{printed}\n--- and not\n{expected}"
            head = "$ " + "".join(lines[:end])
            block = block.replace(head + expected, head + merge(expected, printed), 1)
    if block != example.parsed:
        page = Path(example.path)
        text = page.read_text("utf-8").replace(example.parsed, block, 1)
        page.write_text(text, "utf-8")
    return None


def merge(expected: str, printed: str) -> str:
    """Return what was printed, with the ids and times that the page has already."""
    lines = {hide_varying(line): line for line in expected.splitlines()}
    printed_lines = printed.rstrip().splitlines()
    return "".join(lines.get(hide_varying(line), line) + "\n" for line in printed_lines)


def is_printed(expected: str, printed: str) -> bool:
    want, got = hide_varying(expected.rstrip()), hide_varying(printed.rstrip())
    return OutputChecker().check_output(want + "\n", got + "\n", ELLIPSIS)


def run_command(command: str, namespace: dict[str, Any]) -> tuple[int, str]:
    """Run flow64 in this process, and anything else in a shell."""
    words = shlex.split(command, comments=True)
    if words[0] == "cd":
        os.chdir(words[1])
        return 0, ""
    if words[0] == "export":
        os.environ.update(word.split("=", 1) for word in words[1:])
        return 0, ""
    if words[:2] == ["echo", "$?"]:
        return 0, f"{namespace['_code']}\n"
    if words[0] == "flow64" and not re.search(r"[|<>;&]", command):
        code, printed = run_flow64(words[1:], namespace)
    else:
        done = subprocess.run(
            ["bash", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        code, printed = done.returncode, done.stdout
    namespace["_code"] = code
    return code, printed


def run_flow64(words: list[str], namespace: dict[str, Any]) -> tuple[int, str]:
    from flow64.cli import main

    is_id = [SHORT_ID.fullmatch(word) or RUN_ID.fullmatch(word) for word in words]
    run_id = namespace.get("_run_id")
    words = [
        run_id if known and run_id else word
        for word, known in zip(words, is_id, strict=True)
    ]
    screen = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    with redirect_stdout(screen), redirect_stderr(screen):
        code = main(words)
    printed = PROGRESS.sub("", screen.buffer.getvalue().decode())
    if words[0] == "run" and (started := RUN_ID.search(printed)):
        namespace["_run_id"] = started[0]
    return code, printed


def hide_varying(text: str) -> str:
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text
