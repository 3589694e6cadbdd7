"""`flow64 compile`: write workflows as JSON, to stdout or into a folder."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from attrs import field, frozen

from ..definition import DEFAULT_ENV, dumps, loads
from ..diagnostics import Finding, as_text, summary
from ..errors import CompileError, ReadError, SourceError
from ..loading import Loaded, Selection
from ..manifest import MANIFEST, Entry, Manifest, entry_of, read_manifest, write_all
from ..manifest import as_text as manifest_text
from ..text import pluralize
from . import _params as params
from ._colours import paint_findings
from ._exit_codes import FAILED
from ._options import OPTIONS
from ._output_options import output_folder
from ._terminal import (
    find_width,
    print_json,
    print_lines,
    print_message,
    print_paths,
    print_text,
)

FOLDER: Final = "compiled"
"""The folder that messages name. `flow64 init` makes it too."""

GONE: Final = "it is no longer in the code"
"""The problem of a file that the code does not compile to."""


@params.command(
    "compile",
    "flow64 compile pipelines/leads.py:inbound > inbound.json",
    "flow64 compile pipelines -o compiled",
    "flow64 compile pipelines -o compiled --check",
)
@params.source
@params.selection
@output_folder(
    "DIR",
    "The folder for one KEY.json for each workflow, and flow64.json. - is stdout.",
    may_be_stdout=True,
)
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
@params.values
@params.no_code
@params.as_json
def command(
    *,
    source: str | None,
    selection: Selection,
    output: Path | None,
    is_check: bool,
    prune: bool,
    env: str | None,
    values: Path | None,
    no_code: bool,
    as_json: bool,
) -> int:
    """Write the JSON of workflows, or check that it is current.

    SOURCE is a file, folder, module or key, or ENV:KEY for what is live; by default
    the project's code.
    Without -o it must be one workflow, and its JSON goes to stdout: the body that
    creates it, with the same bytes on every machine.

    With -o, DIR also gets a manifest, flow64.json. With it, check, plan and deploy can
    use the folder instead of the code. Files of other sources in DIR keep their
    entries. If a whole project is compiled, workflows that it no longer has are removed
    from the manifest. Their files are listed, and removed only with --prune.
    """
    _require_folder(output, is_check=is_check, prune=prune)
    loaded = params.load_source(
        source,
        env,
        selection=selection,
        code=not no_code,
        may_be_empty=output is not None,
    )
    if prune and not loaded.is_whole:
        problem = "other code may have the other files of the folder"
        raise params.option_error("--prune", f"{problem}; compile the whole project")
    if output is None:
        if selection.is_changed and not loaded.workflows:
            return 0
        _require_one(loaded)
    made = compile_all(loaded, env, params.read_values(values))
    if made is None:
        return FAILED
    if output is None:
        print_text(next(iter(made.texts.values())))
        return 0
    manifest = make_manifest(output, loaded, made)
    listed = frozenset(manifest.files)
    texts = {**made.texts}
    if manifest != Manifest() or (output / MANIFEST).exists():
        texts[MANIFEST] = manifest_text(manifest)
    is_whole = not loaded.is_picked
    if is_check:
        problems = [*find_stale(output, texts, is_whole=is_whole, listed=listed)]
        code = report_stale(problems, as_json=as_json)
        if problems:
            prune = loaded.is_whole and any(one["problem"] == GONE for one in problems)
            again = params.repeat_options(selection, values, no_code=no_code)
            command = format_compile_command(
                source, output, env, [*again, *["--prune"] * prune]
            )
            print_message(f"to bring the folder up to date: {command}")
        return code
    written = write_all(output, texts)
    print_paths([path for path in written if path.name != MANIFEST], as_json=as_json)
    if is_whole:
        _tell_leftovers([*_leftover_files(output, texts, listed)], prune=prune)
    return 0


def _require_folder(output: Path | None, *, is_check: bool, prune: bool) -> None:
    """Refuse options that need a folder to compare with, or to write into.

    Raises:
        click.UsageError: No folder is named, or nothing is written into it.
    """
    if output is None and is_check:
        raise click.UsageError("--check compares with a folder: name it with -o DIR")
    if output is None and prune:
        raise click.UsageError("--prune is about a folder: name it with -o DIR")
    if is_check and prune:
        raise click.UsageError("--check writes nothing: leave it or --prune out")


def _require_one(loaded: Loaded) -> None:
    """Refuse several workflows, which are not for stdout.

    Raises:
        SourceError: There are several, or none.
    """
    try:
        loaded.only  # noqa: B018 - it only refuses
    except SourceError as error:
        more = f"; for all of them, add -o {FOLDER}" if loaded.workflows else ""
        raise SourceError(f"{error}{more}", is_usage=True) from error


def format_compile_command(
    source: str | None, folder: Path, env: str | None, more: Sequence[str]
) -> str:
    """Return the command that compiles a source into a folder."""
    words = ["flow64", "compile", *([] if source is None else [source])]
    words += ["-o", str(folder), *([] if env is None else ["-e", env]), *more]
    return shlex.join(words)


def _tell_leftovers(found: Sequence[Mapping[str, str]], *, prune: bool) -> None:
    """Print files that are no longer in the code, and then remove them if asked to.

    A file that was edited is left: it may say what nothing else does.

    Raises:
        click.ClickException: A file cannot be removed.
    """
    ours = [one for one in found if prune and _is_unedited(Path(one["file"]))]
    for one in found:
        what = "delete it, or add --prune"
        if prune:
            what = "removed" if one in ours else "left, since it was edited; delete it"
        print_message(f"{one['file']}: {one['problem']}; {what}")
    for one in ours:
        try:
            Path(one["file"]).unlink()
        except OSError as error:
            problem = f"{one['file']} cannot be removed ({error.strerror})"
            raise click.ClickException(problem) from error


def _is_unedited(path: Path) -> bool:
    """Return True if a file is not a link, and has the bytes that flow64 writes."""
    content = path.read_bytes()
    is_ours = dumps(loads(content, source=str(path))).encode() == content
    return is_ours and not path.is_symlink()


@frozen
class Compiled:
    """The JSON texts of a source.

    Attributes:
        texts: The JSON of each workflow, by file name.
        entries: The entries for the manifest, by file name.
    """

    texts: dict[str, str] = field(factory=dict[str, str])
    entries: dict[str, Entry] = field(factory=dict[str, Entry])


def report_stale(problems: Sequence[Mapping[str, str]], *, as_json: bool) -> int:
    """Print which files of a folder are stale, and return the exit code."""
    if as_json:
        found = {"is_current": not problems, "problems": [*problems]}
        print_json(found)
    else:
        print_lines(f"{problem['file']}: {problem['problem']}" for problem in problems)
    print_message(
        f"not current: {pluralize(len(problems), 'file')}"
        if problems
        else "all are current"
    )
    return FAILED if problems else 0


def compile_all(
    loaded: Loaded, env: str | None, values: Mapping[str, Any] | None
) -> Compiled | None:
    """Compile all workflows. If one has errors, print all errors, and return None.

    Raises:
        click.ClickException: Two files would have one name on some machines.
    """
    made = Compiled()
    found: list[Finding] = []
    names: dict[str, str] = {}
    for one in loaded.workflows:
        file = f"{one.stem}.json"
        other = names.setdefault(file.casefold(), one.name)
        if other != one.name and one.plain_name:
            problem = f"{other!r} and {one.name!r} are one file, {file}"
            every = f"{one.name.removesuffix(one.plain_name)}*"
            advice = f"compile each project into its own folder: --select {every!r}"
            raise click.ClickException(f"{problem}; {advice}")
        if other != one.name:
            problem = f"{other!r} and {one.name!r} are one file on some machines"
            raise click.ClickException(f"{problem}; give one of them another key")
        try:
            definition = one.workflow.compile(env, values)
        except CompileError as error:
            found += error.findings
            OPTIONS.faults.append((one.name, error))
            continue
        made.texts[file] = dumps(definition)
        pulled = None if one.entry is None else one.entry.pulled
        entry = entry_of(one.workflow, definition, env or DEFAULT_ENV, pulled)
        if entry is not None:
            made.entries[file] = entry
    if not found:
        return made
    text = as_text(found, find_width(sys.stderr))
    print_message(text.rstrip("\n"), paint_findings)
    print_message(summary(found))
    OPTIONS.problems.append(summary(found))
    return None


def make_manifest(folder: Path, loaded: Loaded, made: Compiled) -> Manifest:
    """Return the manifest of a folder after a source was compiled into it.

    Raises:
        ReadError: The present manifest cannot be used.
    """
    before = read_manifest(folder / MANIFEST) or Manifest()
    there = {path.name for path in folder.glob("*.json")}
    whole = loaded.projects if loaded.is_whole else ()
    # A file without an entry replaces one that had an entry.
    stay = there - (made.texts.keys() - made.entries.keys())
    return before.update(made.entries, whole=whole, there=stay)


def find_stale(
    folder: Path,
    texts: Mapping[str, str],
    *,
    is_whole: bool,
    listed: Container[str] = (),
) -> Iterator[Mapping[str, str]]:
    """The files of a folder that differ from what would be written now.

    Args:
        folder: The folder.
        texts: The content of each file.
        is_whole: Whether the source has no other workflows.
        listed: Files of other sources.
    """
    for name, text in texts.items():
        path = folder / name
        try:
            seen = path.read_bytes()
        except OSError as error:
            problem = "it is missing" if not path.exists() else str(error.strerror)
            yield {"file": str(path), "problem": problem}
            continue
        if seen != text.encode():
            yield {"file": str(path), "problem": "the code compiles to other JSON"}
    if is_whole:
        yield from _leftover_files(folder, texts, listed)


def _leftover_files(
    folder: Path, texts: Mapping[str, str], listed: Container[str]
) -> Iterator[Mapping[str, str]]:
    """The workflows in a folder that are in no source any more."""
    for path in sorted(folder.glob("*.json")):
        is_known = path.name in texts or path.name in listed or path.name == MANIFEST
        if not is_known and _is_workflow(path):
            yield {
                "file": str(path),
                "problem": GONE,
            }


def _is_workflow(path: Path) -> bool:
    try:
        loads(path.read_bytes(), source=str(path))
    except (OSError, ReadError):
        return False
    return True
