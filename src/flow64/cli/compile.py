"""`flow64 compile`: workflows as JSON, on stdout or as files of a folder."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from attrs import field, frozen

from ..definition import DEFAULT_ENV, dumps, loads
from ..diagnostics import Finding, as_text, summary
from ..errors import CompileError, ReadError
from ..loading import Loaded
from ..manifest import MANIFEST, Entry, Manifest, entry_of, read_manifest, write_all
from ..manifest import as_text as manifest_text
from ..text import printable
from ._exit_codes import FAILED
from ._load import load_source
from ._shared import (
    format_example,
    ids_env_option,
    json_option,
    no_code_option,
    read_values,
    values_option,
)
from ._terminal import print_json, print_line, print_message, print_text


@click.command(
    "compile",
    epilog=format_example(
        "flow64 compile pipelines/leads.py:inbound > inbound.json",
        "flow64 compile pipelines -o compiled",
        "flow64 compile pipelines -o compiled --check",
    ),
)
@click.argument("source", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write one KEY.json for each workflow into a folder: all of them, or none.",
)
@click.option(
    "--check",
    "is_check",
    is_flag=True,
    help="Write nothing; end with 1 where a file in DIR is not current.",
)
@ids_env_option
@values_option
@no_code_option
@json_option
def command(
    *,
    source: str | None,
    output: Path | None,
    is_check: bool,
    env: str | None,
    values: Path | None,
    no_code: bool,
    as_json: bool,
) -> int:
    """Write the JSON of workflows, or see that it is current.

    SOURCE is a Python file, a module, a JSON file, or a folder of any of these; with
    a colon and a key behind it, one workflow of them. Left out, it is the source of
    [tool.flow64] in pyproject.toml. Without -o it is one workflow, and its JSON goes to
    stdout: the body that creates it, the same bytes on every machine.

    With -o, DIR also gets a manifest, flow64.json: with it the folder takes the place
    of the code in a check, a plan or a deploy. Files of other sources in DIR keep their
    entries; of a project that is compiled as a whole, what it has no more goes from the
    manifest, and its file is named and left.
    """
    if is_check and output is None:
        raise click.UsageError("--check compares with a folder: name it with -o DIR")
    loaded = load_source(source, code=not no_code, may_be_empty=output is not None)
    if output is None:
        loaded.only  # noqa: B018 - refuses several
    made = compile_all(loaded, env, read_values(values))
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
        return judge(output, texts, is_whole=is_whole, listed=listed, as_json=as_json)
    written = write_all(output, texts)
    _print_written(
        [str(path) for path in written if path.name != MANIFEST], as_json=as_json
    )
    if is_whole:
        for problem in _leftover_files(output, texts, listed):
            print_message(f"{problem['file']}: {problem['problem']}; delete it")
    return 0


def _print_written(written: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_json(written)
        return
    for path in written:
        print_line(printable(path))


@frozen
class Compiled:
    """The JSON texts of a source.

    Attributes:
        texts: The JSON of each workflow, by the name of its file.
        entries: What the manifest says of each that has keys.
    """

    texts: dict[str, str] = field(factory=dict[str, str])
    entries: dict[str, Entry] = field(factory=dict[str, Entry])


def judge(
    folder: Path,
    texts: Mapping[str, str],
    *,
    is_whole: bool,
    listed: Container[str] = (),
    as_json: bool,
) -> int:
    """Print which files of a folder are stale, and return the exit code."""
    problems = [*find_stale(folder, texts, is_whole=is_whole, listed=listed)]
    if as_json:
        print_json(problems)
    else:
        for problem in problems:
            print_line(printable(f"{problem['file']}: {problem['problem']}"))
    print_message(
        f"{len(problems)} files are not current" if problems else "all are current"
    )
    return FAILED if problems else 0


def compile_all(
    loaded: Loaded, env: str | None, values: Mapping[str, Any] | None
) -> Compiled | None:
    """The JSON of all workflows, and their entries; None where one has errors.

    The errors of all are told.

    Raises:
        click.ClickException: Two files would have one name on some machines.
    """
    made = Compiled()
    found: list[Finding] = []
    names: dict[str, str] = {}
    for one in loaded.workflows:
        file = f"{one.stem}.json"
        other = names.setdefault(file.casefold(), one.name)
        if other != one.name:
            problem = f"{other!r} and {one.name!r} are one file on some machines"
            raise click.ClickException(f"{problem}; give one of them another key")
        try:
            definition = one.workflow.compile(env, values)
        except CompileError as error:
            found += error.findings
            continue
        made.texts[file] = dumps(definition)
        pulled = None if one.entry is None else one.entry.pulled
        entry = entry_of(one.workflow, definition, env or DEFAULT_ENV, pulled)
        if entry is not None:
            made.entries[file] = entry
    if not found:
        return made
    for line in as_text(found).splitlines():
        print_message(line)
    print_message(summary(found))
    return None


def make_manifest(folder: Path, loaded: Loaded, made: Compiled) -> Manifest:
    """The manifest of a folder once a source is compiled into it.

    Raises:
        ManifestError: The one that is there cannot be used.
    """
    before = read_manifest(folder / MANIFEST) or Manifest()
    there = {path.name for path in folder.glob("*.json")}
    whole = loaded.projects if loaded.is_whole else ()
    # A file without an entry replaces one that had any.
    stay = there - (made.texts.keys() - made.entries.keys())
    return before.updated(made.entries, whole=whole, there=stay)


def find_stale(
    folder: Path,
    texts: Mapping[str, str],
    *,
    is_whole: bool,
    listed: Container[str] = (),
) -> Iterator[Mapping[str, str]]:
    """Files of a folder that are not what would be written now.

    Args:
        folder: The folder.
        texts: What would be written, by the name of its file.
        is_whole: Whether that is all that the source has.
        listed: Files that belong there, although another source makes them.
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
            yield {"file": str(path), "problem": "the code says something else"}
    if is_whole:
        yield from _leftover_files(folder, texts, listed)


def _leftover_files(
    folder: Path, texts: Mapping[str, str], listed: Container[str]
) -> Iterator[Mapping[str, str]]:
    """Workflows in a folder that no source makes any more."""
    for path in sorted(folder.glob("*.json")):
        is_known = path.name in texts or path.name in listed or path.name == MANIFEST
        if not is_known and _is_workflow(path):
            yield {"file": str(path), "problem": "no workflow makes it any more"}


def _is_workflow(path: Path) -> bool:
    try:
        loads(path.read_bytes(), source=str(path))
    except (OSError, ReadError):
        return False
    return True
