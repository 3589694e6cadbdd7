"""This branch, and the commit where it left another one, as two sides to compare.

    python -P -m flow64.cli.base ROOT FOLDER COMPILED

compiles the code of a base in a process of its own. FOLDER has the files of the base,
ROOT those of the working tree. If code of the working tree runs, as with an editable
install, it fails: the base would be compared with itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
from attrs import evolve

import flow64

from ..deploy.git import Repository
from ..environments import load as load_settings
from ..errors import FlowError
from ..loading import Loaded, Side, SideWorkflow, load_source
from .compile import compile_all

TIMEOUT: Final = 600
"""Seconds to wait for the base to be compiled."""


def load_merge_base(revision: str, compiled: Path | None = None) -> tuple[Side, Side]:
    """Return the workflows of the merge base with a revision, and those of now.

    The committed files of a folder of compiled JSON are read, and no code runs. Without
    a folder, the code of the working tree is loaded here, and that of the base is
    compiled in a process of its own.

    Args:
        revision: A revision of git.
        compiled: The folder; by default the one that the settings name, if any.

    Raises:
        SourceError: Git does not know the base.
        click.ClickException: The base cannot be loaded.
    """
    repository = Repository.of(Path.cwd())
    base = repository.find_merge_base(revision)
    compiled = compiled or load_settings().compiled
    with TemporaryDirectory(prefix="flow64-") as temporary:
        folder = Path(temporary).resolve()
        if compiled is not None:
            path = repository.name(compiled)
            for name, commit in (("before", base), ("after", "HEAD")):
                repository.check_out(commit, folder / name, path)
            before, after = (
                _read_compiled(folder / name, path) for name in ("before", "after")
            )
            if not before.entries and not after.entries:
                problem = f"neither {revision} nor HEAD has compiled JSON in {path}"
                raise click.UsageError(f"{problem}; without a folder, code is compared")
            return evolve(before, label=revision), after
        repository.check_out(base, folder / "code")
        _compile_base(repository.root, folder / "code", folder / "compiled")
        before = _read_compiled(folder, "compiled")
        return evolve(before, label=revision), _make_side(
            load_source(may_be_empty=True)
        )


def _read_compiled(folder: Path, path: str) -> Side:
    """Return the compiled JSON below a folder. There may be none."""
    if not any((folder / path).rglob("*.json")):
        return Side(path, [], is_one=False)
    try:
        loaded = load_source(str(folder / path), code=False, may_be_empty=True)
    except FlowError as error:
        problem = str(error).replace(f"{folder}/", "")
        raise click.ClickException(f"{folder.name}: {problem}") from error
    return _make_side(loaded, folder)


def _make_side(loaded: Loaded, folder: Path | None = None) -> Side:
    """Return a source as a side, with the places of its JSON relative to a folder."""
    entries: list[SideWorkflow] = []
    for workflow in loaded.workflows:
        definition = workflow.workflow.lower().definition
        place = definition.place
        if folder is not None and place is not None:
            file = os.path.relpath(place.file, folder)
            definition = evolve(definition, place=place._replace(file=file))
        entries.append(SideWorkflow(workflow.name, definition))
    return Side(loaded.source, entries, is_one=False)


def _compile_base(root: Path, folder: Path, target: Path) -> None:
    """Compile the code of a folder in a process of its own.

    Raises:
        click.ClickException: It cannot be compiled, or other code runs.
    """
    inside = Path.cwd().resolve().relative_to(root)

    def move(path: str) -> str:
        place = Path(path).resolve()
        inner = path and place.is_relative_to(root)
        return str(folder / place.relative_to(root)) if inner else path

    paths = map(move, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    command = [
        sys.executable,
        "-P",
        "-m",
        __name__,
        str(root),
        str(folder),
        str(target),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - this Python, with paths of ours
            command,
            cwd=folder / inside,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise click.ClickException(f"the base cannot be loaded: {error}") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        problem = lines[-1] if lines else "its process ended"
        raise click.ClickException(f"the base cannot be loaded: {problem}")


def compile_here(root: Path, folder: Path, target: Path) -> str:
    """Compile the workflows of the working folder, and return why it failed."""
    foreign = watch_code(root, folder)
    try:
        compiled = compile_all(load_source(may_be_empty=True))
    except (FlowError, click.ClickException) as error:
        return " ".join(str(error).split())
    if foreign:
        problem = f"{foreign[0]} of the working tree was loaded in its place"
        advice = "install the project without --editable, or commit compiled JSON"
        return f"{problem}; {advice}"
    if compiled.faults:
        name, fault = compiled.faults[0]
        return f"{name} has errors there: {' '.join(str(fault).split())}"
    compiled.write(target)
    return ""


def watch_code(root: Path, folder: Path) -> list[str]:
    """Return a list that gets each file of the working tree whose code runs."""
    foreign: list[str] = []
    ours = Path(flow64.__file__).parent
    trusted = [folder, ours, Path(sys.prefix), Path(sys.base_prefix)]

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "exec":
            return
        file = Path(getattr(arguments[0], "co_filename", ""))
        if file.is_relative_to(root) and not any(map(file.is_relative_to, trusted)):
            foreign.append(str(file.relative_to(root)))

    sys.addaudithook(hear)
    return foreign


if __name__ == "__main__":
    sys.exit(compile_here(*map(Path, sys.argv[1:])) or 0)
