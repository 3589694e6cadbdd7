"""`flow64 compile`: write workflows as JSON, to stdout or into a folder."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import click
from attrs import field, frozen

from .. import loading, manifest
from ..definition import DEFAULT_ENV, dumps, loads
from ..errors import CompileError, ReadError
from . import params, printing
from .errors import FAILED


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
        after = self.make_manifest(folder)
        files = manifest.write_all(folder, self.with_manifest(folder, after))
        return [file for file in files if file.name != manifest.MANIFEST]

    def with_manifest(
        self, folder: Path, after: manifest.Manifest
    ) -> Mapping[str, str]:
        """Return the texts of all files, with a manifest if it has anything."""
        if after == manifest.Manifest() and not (folder / manifest.MANIFEST).exists():
            return self.texts
        return {**self.texts, manifest.MANIFEST: manifest.as_text(after)}


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
class Comparison:
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
@click.option(
    "--check",
    "is_check",
    is_flag=True,
    help="Write nothing; exit with 1 if a file in DIR is not current.",
)
@click.option(
    "--prune",
    is_flag=True,
    help="Remove files of DIR that flow64 wrote and that are no longer in the code.",
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
    as_json: bool,
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
    folder = None if params.is_dash(output) else output
    if folder is None and (is_check or prune):
        raise click.UsageError("--check and --prune are about a folder: -o DIR")
    loaded = params.load(
        source,
        env,
        selection=selection,
        code=not no_code,
        may_be_empty=folder is not None,
    )
    if prune and not loaded.is_whole:
        problem = "other code may have the other files of the folder"
        raise params.option_error("--prune", f"{problem}; compile the whole project")
    if folder is None and len(loaded.workflows) > 1:
        problem = f"{loaded.source} holds {len(loaded.workflows)} workflows"
        raise click.UsageError(f"{problem}; name one of them, or a folder: -o compiled")
    compiled = compile_all(loaded, env)
    if compiled.faults:
        printing.report_faults(compiled.faults)
        return FAILED
    if folder is None:
        printing.write("".join(compiled.texts.values()))
        return 0
    after = compiled.make_manifest(folder)
    known = {*compiled.texts, *after.files, manifest.MANIFEST}
    leftovers = [] if loaded.is_picked else [*_list_leftovers(folder, known)]
    if is_check:
        texts = compiled.with_manifest(folder, after)
        problems = [*_list_stale(folder, texts), *leftovers]
        printing.emit(Comparison(not problems, problems), as_json=as_json)
        if problems:
            words = shlex.join([*filter(None, [source]), "-o", str(folder)])
            printing.message(f"to write them: flow64 compile {words}")
        return FAILED if problems else 0
    printing.emit(Written(compiled.write(folder)), as_json=as_json)
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


def _list_stale(folder: Path, texts: Mapping[str, str]) -> Iterator[StaleFile]:
    """Yield the files that differ from what would be written now."""
    for name, text in texts.items():
        try:
            content = (folder / name).read_bytes()
        except FileNotFoundError:
            yield StaleFile(folder / name, "it is missing")
        except OSError as error:
            yield StaleFile(folder / name, str(error.strerror))
        else:
            if content != text.encode():
                yield StaleFile(folder / name, "the code compiles to other JSON")


def _list_leftovers(folder: Path, known: Collection[str]) -> Iterator[StaleFile]:
    """Yield the workflows in a folder that are in no source any more."""
    for path in sorted(folder.glob("*.json")):
        if path.name not in known and _is_workflow(path):
            yield StaleFile(path, "it is no longer in the code")


def _is_workflow(path: Path) -> bool:
    try:
        loads(path.read_bytes(), source=str(path))
    except (OSError, ReadError):
        return False
    return True


def _handle_leftover(leftover: StaleFile, *, prune: bool) -> None:
    """Print a file that is no longer in the code, and remove it if asked to.

    A file that was edited is left: it may say what nothing else does.
    """
    path = leftover.file
    words = "delete it, or add --prune"
    if prune:
        content = path.read_bytes()
        is_ours = dumps(loads(content, source=str(path))).encode() == content
        words = "left, since it was edited; delete it"
        if is_ours and not path.is_symlink():
            path.unlink()
            words = "removed"
    printing.message(f"{printing.name_file(path)}: {leftover.problem}; {words}")
