"""`flow64 compile`: write workflows as JSON, to stdout or into a folder.

    python -P -m flow64.cli.compile ROOT FOLDER COMPILED

compiles the code of a merge base in a process of its own. FOLDER has the files of the
base, ROOT those of the working tree. If code of the working tree runs, as with an
editable install, it fails: the base would be compared with itself.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
from attrs import evolve, field, frozen

import flow64

from .. import loading, manifest
from ..definition import DEFAULT_ENV, MAX_BYTES, UNCOMMITTED, dumps, loads
from ..deploy.git import Git, Repository
from ..diff import words
from ..diff.compare import compare_facts
from ..diff.facts import Facts, list_leaves
from ..environments import load as load_settings
from ..environments.settings import parse
from ..errors import CompileError, FlowError, ReadError
from ..files import Unusable, read_whole
from ..loading import Loaded, Side, SideWorkflow, load_source
from . import params, printing
from .errors import FAILED

COMPILED: Final = "compiled"
"""The usual folder of the JSON."""


@frozen
class Compiled:
    """The JSON of a source.

    Attributes:
        loaded: The source.
        texts: The JSON of each workflow, by file name.
        entries: The entries for the manifest, by file name.
        faults: The name and the error of each workflow that has errors.
    """

    loaded: loading.Loaded
    texts: dict[str, str] = field(factory=dict[str, str])
    entries: dict[str, manifest.Entry] = field(factory=dict[str, manifest.Entry])
    faults: list[tuple[str, Exception]] = field(factory=list[tuple[str, Exception]])

    def make_manifest(self, folder: Path) -> manifest.Manifest:
        """Return the manifest of a folder after the source was compiled into it.

        Raises:
            ReadError: The present manifest cannot be used.
        """
        before = (
            manifest.read_manifest(folder / manifest.MANIFEST) or manifest.Manifest()
        )
        there = {path.name for path in folder.glob("*.json")}
        whole = self.loaded.projects if self.loaded.is_whole else ()
        # A file without an entry replaces one that had an entry.
        stay = there - (self.texts.keys() - self.entries.keys())
        return before.update(self.entries, whole=whole, there=stay)

    def write(self, folder: Path) -> Sequence[Path]:
        """Write all files, and return those of workflows."""
        files = manifest.write_all(folder, self.with_manifest(folder))
        return [file for file in files if file.name != manifest.MANIFEST]

    def with_manifest(self, folder: Path) -> Mapping[str, str]:
        """Return the texts of all files, with a manifest if it has anything."""
        after = self.make_manifest(folder)
        if after == manifest.Manifest() and not (folder / manifest.MANIFEST).exists():
            return self.texts
        return {**self.texts, manifest.MANIFEST: manifest.as_text(after)}

    def list_stale(self, folder: Path) -> Iterator[StaleFile]:
        """Yield the files that differ from what would be written now."""
        for name, text in self.with_manifest(folder).items():
            try:
                content = read_whole(folder / name, MAX_BYTES)
            except FileNotFoundError:
                yield StaleFile(folder / name, "it is missing")
            except Unusable as error:
                yield StaleFile(folder / name, str(error))
            else:
                if content != text.encode():
                    yield StaleFile(folder / name, "the code compiles to other JSON")

    def list_leftovers(self, folder: Path) -> Iterator[StaleFile]:
        """Yield the workflows in a folder that are in no source any more."""
        if self.loaded.is_picked:
            return
        names = {*self.texts, *self.make_manifest(folder).files, manifest.MANIFEST}
        for path in sorted(folder.glob("*.json")):
            if path.name not in names and _is_workflow(path):
                yield StaleFile(path, "it is no longer in the code")


@frozen
class Written:
    """The files that were written."""

    files: Sequence[Path]

    def __rich__(self) -> str:
        return "\n".join(printing.name_file(file) for file in self.files)


@frozen
class StaleFile:
    """A file that is not what the code says."""

    file: Path
    problem: str


@frozen
class FolderCheck:
    """Whether a folder is what the code says."""

    is_current: bool
    problems: Sequence[StaleFile]

    def __rich__(self) -> str:
        lines = [f"{printing.name_file(p.file)}: {p.problem}" for p in self.problems]
        return "\n".join(lines) or "all are current"


@params.command(
    "compile",
    "flow64 compile pipelines/leads.py:inbound > inbound.json",
    "flow64 compile pipelines -o compiled",
    "flow64 compile pipelines -o compiled --check",
)
@params.source
@params.selection
@params.output("DIR", "The folder for one KEY.json for each workflow, and flow64.json.")
@params.option(
    "--check is_check", "Write nothing; exit with 1 if a file in DIR is not current."
)
@params.option(
    "--prune",
    "Remove files of DIR that flow64 wrote and that are no longer in the code.",
)
@params.ids_env
@params.no_code
@params.as_json
def command(
    *,
    source: str | None,
    selection: loading.Selection,
    output: Path | None,
    is_check: bool,
    prune: bool,
    env: str | None,
    no_code: bool,
) -> int:
    """Write the JSON of workflows, or check that it is current.

    SOURCE is a file, folder, module or key, or ENV:KEY for what is live; by default
    the project's code.
    Without -o it must be one workflow, and its JSON goes to stdout: the body that
    creates it, with the same bytes on every machine.

    With -o, DIR also gets a manifest, flow64.json. With it, check, plan and deploy can
    use the folder instead of the code. If a whole project is compiled, files of
    workflows that it no longer has are listed, and removed with --prune.
    """
    if output is None and (is_check or prune):
        raise click.UsageError("--check and --prune are about a folder: -o DIR")
    loaded = params.load(
        source,
        env,
        selection=selection,
        code=not no_code,
        may_be_empty=output is not None,
    )
    if prune and not loaded.is_whole:
        problem = "other code may have the other files of the folder"
        raise params.option_error("--prune", f"{problem}; compile the whole project")
    if output is None and len(loaded.workflows) > 1:
        problem = f"{loaded.source} holds {len(loaded.workflows)} workflows"
        raise click.UsageError(f"{problem}; name one of them, or a folder: -o compiled")
    compiled = compile_all(loaded, env)
    if compiled.faults:
        printing.report_faults(compiled.faults)
        return FAILED
    if output is None:
        printing.write("".join(compiled.texts.values()))
        return 0
    leftovers = [*compiled.list_leftovers(output)]
    if is_check:
        problems = [*compiled.list_stale(output), *leftovers]
        printing.emit(FolderCheck(not problems, problems))
        if problems:
            options = shlex.join([*filter(None, [source]), "-o", str(output)])
            options += " --prune" * bool(leftovers and loaded.is_whole)
            printing.message(f"to write them: flow64 compile {options}")
        return FAILED if problems else 0
    printing.emit(Written(compiled.write(output)))
    for leftover in leftovers:
        _handle_leftover(leftover, prune=prune)
    return 0


def compile_all(loaded: loading.Loaded, env: str | None = None) -> Compiled:
    """Compile all workflows.

    Raises:
        click.ClickException: Two files would have one name on some machines.
    """
    compiled = Compiled(loaded)
    names: dict[str, str] = {}
    for workflow in loaded.workflows:
        file = f"{workflow.stem}.json"
        other = names.setdefault(file.casefold(), workflow.name)
        if other != workflow.name:
            problem = f"{other!r} and {workflow.name!r} are one file, {file}"
            advice = "compile each project into a folder of its own, or rename a key"
            raise click.ClickException(f"{problem}; {advice}")
        try:
            definition = workflow.workflow.compile(env)
        except CompileError as error:
            compiled.faults.append((workflow.name, error))
            continue
        compiled.texts[file] = dumps(definition)
        pulled = None if workflow.entry is None else workflow.entry.pulled
        entry = manifest.entry_of(
            workflow.workflow, definition, env or DEFAULT_ENV, pulled
        )
        if entry is not None:
            compiled.entries[file] = entry
    return compiled


def tell_if_stale(loaded: loading.Loaded) -> None:
    """Print that the compiled JSON of the project is not what its code says."""
    settings = load_settings()
    folder = settings.compiled or settings.folder / COMPILED
    is_project = loaded.source == loading.find_project_source(settings)
    if loaded.is_picked or not is_project or not (folder / manifest.MANIFEST).exists():
        return
    try:
        before = manifest.read_manifest(folder / manifest.MANIFEST)
        envs = {entry.env for entry in before.files.values()} if before else set[str]()
        compiled = compile_all(loaded, min(envs, default=None))
        stale = [*compiled.list_stale(folder), *compiled.list_leftovers(folder)]
    except (FlowError, click.ClickException):  # what is wrong there is said elsewhere
        return
    if stale and not compiled.faults:
        name = printing.name_file(folder)
        to_write = f"to write it: flow64 compile -o {shlex.quote(name)}"
        printing.message(f"{name} is not what the code says; {to_write}")


def _is_workflow(path: Path) -> bool:
    try:
        loads(manifest.read_content(path), source=str(path))
    except ReadError:
        return False
    return True


def _handle_leftover(leftover: StaleFile, *, prune: bool) -> None:
    """Print a file that is no longer in the code, and remove it if asked to.

    A file that was edited is left: it may say what nothing else does.
    """
    path = leftover.file
    advice = "delete it, or add --prune"
    if prune:
        content = manifest.read_content(path)
        is_ours = dumps(loads(content, source=str(path))).encode() == content
        advice = "left, since it was edited; delete it"
        if is_ours:
            path.unlink()
            advice = "removed"
    printing.message(f"{printing.name_file(path)}: {leftover.problem}; {advice}")


TIMEOUT: Final = 600
"""Seconds to wait for the base to be compiled."""


def load_merge_base(
    revision: str, compiled: Path | None = None, env: str | None = None
) -> tuple[tuple[Side, Side], Sequence[str]]:
    """Return the workflows of the merge base with a revision, and those of now.

    The other part of the result is a line on the settings that differ, if any do.

    The committed files of a folder of compiled JSON are read, and no code runs. Without
    a folder, the code of the working tree is loaded here, and that of the base is
    compiled in a process of its own.

    Args:
        revision: A revision of git.
        compiled: The folder; by default the one that the settings name, if any.
        env: The environment of the ids.

    Raises:
        SourceError: Git does not know the base.
        click.ClickException: The base cannot be loaded.
    """
    repository = Repository.of(Path.cwd())
    base = repository.find_merge_base(revision)
    settings = load_settings()
    compiled = compiled or settings.compiled
    with TemporaryDirectory(prefix="flow64-") as temporary:
        folder = Path(temporary).resolve()
        file = settings.file or Path("pyproject.toml")
        path = repository.name(file)
        repository.check_out(base, folder / "settings", path)
        doubts = _compare_settings(folder / "settings" / path, file)
        if compiled is not None:
            path = repository.name(compiled)
            if (Git().commit_of(None) or "").endswith(UNCOMMITTED):
                printing.message("what is not committed is not compared")
            for name, commit in (("before", base), ("after", "HEAD")):
                repository.check_out(commit, folder / name, path)
            before, after = (
                _read_folder(folder / name, path, env) for name in ("before", "after")
            )
            if not before.entries and not after.entries:
                problem = f"neither {revision} nor HEAD has compiled JSON in {path}"
                raise click.UsageError(f"{problem}; without a folder, code is compared")
            after = evolve(after, label="HEAD")
            return (evolve(before, label=revision), after), doubts
        repository.check_out(base, folder / "code")
        _compile_base(repository.root, folder / "code", folder / "compiled")
        before = _read_folder(folder, "compiled", env)
        loaded = load_source(may_be_empty=True)
        tell_if_stale(loaded)
        after = evolve(_make_side(loaded, env), label="working tree")
        return (evolve(before, label=revision), after), doubts


def _compare_settings(before: Path, after: Path) -> Sequence[str]:
    """Return a line on the settings that differ, such as `prices.search`."""
    sides: list[Facts] = []
    for file in (before, after):
        match parse(file) if file.exists() else {}:
            case {"tool": {"flow64": {**table}}} if table:
                sides.append(dict(list_leaves((), table)))
            case _:
                sides.append({})
    names = ", ".join(map(words.format_path, compare_facts(*sides)))
    return [f"what these settings change: {names}"] * bool(names)


def _read_folder(folder: Path, path: str, env: str | None) -> Side:
    """Return the compiled JSON below a folder. There may be none."""
    if not any((folder / path).rglob("*.json")):
        return Side(path, [])
    try:
        loaded = load_source(str(folder / path), code=False, may_be_empty=True)
    except FlowError as error:
        problem = str(error).replace(f"{folder}/", "")
        raise click.ClickException(f"{folder.name}: {problem}") from error
    return _make_side(loaded, env, folder)


def _make_side(loaded: Loaded, env: str | None, folder: Path | None = None) -> Side:
    """Return a source as a side, with the places of its JSON relative to a folder."""
    entries: list[SideWorkflow] = []
    for workflow in loaded.workflows:
        definition = workflow.workflow.lower(env).definition
        place = definition.place
        if folder is not None and place is not None:
            file = os.path.relpath(place.file, folder)
            definition = evolve(definition, place=place._replace(file=file))
        entries.append(SideWorkflow(workflow.name, definition))
    return Side(loaded.source, entries)


def _compile_base(root: Path, folder: Path, target: Path) -> None:
    """Compile the code of a folder in a process of its own.

    Raises:
        click.ClickException: It cannot be compiled, or other code runs.
    """
    inside = folder / Path.cwd().resolve().relative_to(root)
    while not inside.is_dir():  # the folder is new; its project may have been above
        inside = inside.parent

    def move(path: str) -> str:
        place = Path(path).resolve()
        inner = path and place.is_relative_to(root)
        return str(folder / place.relative_to(root)) if inner else path

    paths = map(move, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    folders = map(str, (root, folder, target))
    command = [sys.executable, "-P", "-m", __name__, *folders]
    try:
        done = subprocess.run(  # noqa: S603 - this Python, with paths of ours
            command,
            cwd=inside,
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
        settings = load_settings()
        if settings.source is None or not settings.folder.is_relative_to(folder):
            return ""  # there was no project yet
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
    """Return a list that gets each file of the working tree as its code runs."""
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
