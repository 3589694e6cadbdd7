"""`flow64 compile`: workflows as JSON, on stdout or as files of a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from ..definition import loads
from ..diagnostics import Finding, as_text, printable, summary
from ..errors import CompileError, ReadError
from ._codes import FAILED
from ._shared import (
    env_option,
    example,
    json_option,
    read_values,
    source_argument,
    values_option,
)
from ._sources import MANIFEST, Loaded, load
from ._terminal import give, give_data, give_text, talk


@click.command(
    "compile",
    epilog=example(
        "flow64 compile pipelines/leads.py:inbound > inbound.json",
        "flow64 compile pipelines -o compiled",
        "flow64 compile pipelines -o compiled --check",
    ),
)
@source_argument
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
@env_option
@values_option
@json_option
def command(
    *,
    source: str,
    output: Path | None,
    is_check: bool,
    env: str | None,
    values: Path | None,
    as_json: bool,
) -> int:
    """Write the JSON of workflows, or see that it is current.

    SOURCE is a Python file, a module, a JSON file, or a folder of any of these; with
    a colon and a key behind it, one workflow of them. Without -o it is one, and its
    JSON goes to stdout: the body that creates it, the same bytes on every machine.
    """
    if is_check and output is None:
        raise click.UsageError("--check compares with a folder: name it with -o DIR")
    loaded = load(source)
    if output is None:
        loaded.only  # noqa: B018 - refuses several
    texts = compiled(loaded, env, read_values(values))
    if texts is None:
        return FAILED
    if output is None:
        give_text(next(iter(texts.values())))
        return 0
    if is_check:
        return judge(output, texts, is_whole=not loaded.is_picked, as_json=as_json)
    written = [str(path) for path in write_all(output, texts)]
    if as_json:
        give_data(written)
    else:
        for path in written:
            give(printable(path))
    return 0


def judge(
    folder: Path, texts: Mapping[str, str], *, is_whole: bool, as_json: bool
) -> int:
    """Tell which files of a folder are not current, and give the exit code."""
    problems = [*stale(folder, texts, is_whole=is_whole)]
    if as_json:
        give_data(problems)
    else:
        for problem in problems:
            give(printable(f"{problem['file']}: {problem['problem']}"))
    talk(f"{len(problems)} files are not current" if problems else "all are current")
    return FAILED if problems else 0


def compiled(
    loaded: Loaded, env: str | None, values: Mapping[str, Any] | None
) -> Mapping[str, str] | None:
    """The JSON of all workflows by the name of its file; None where one has errors.

    The errors of all are told.

    Raises:
        click.ClickException: Two files would have one name on some machines.
    """
    texts: dict[str, str] = {}
    found: list[Finding] = []
    names: dict[str, str] = {}
    for one in loaded.workflows:
        file = f"{one.stem}.json"
        other = names.setdefault(file.casefold(), one.name)
        if other != one.name:
            problem = f"{other!r} and {one.name!r} are one file on some machines"
            raise click.ClickException(f"{problem}; give one of them another key")
        try:
            texts[file] = one.workflow.to_json(env, values)
        except CompileError as error:
            found += error.findings
    if not found:
        return texts
    for line in as_text(found).splitlines():
        talk(line)
    talk(summary(found))
    return None


def write_all(folder: Path, texts: Mapping[str, str]) -> Sequence[Path]:
    """Write files into a folder: each is whole or as it was, and all are ready first.

    Raises:
        click.ClickException: One cannot be written.
    """
    tag = uuid4().hex[:12]
    paths = {folder / name: text for name, text in texts.items()}
    parts = {path: path.with_name(f".{tag}.{at}.part") for at, path in enumerate(paths)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in paths.items():
            if path.is_dir():
                raise IsADirectoryError(21, "it is a folder", str(path))
            parts[path].write_bytes(text.encode())
        for path, part in parts.items():
            part.replace(path)
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or folder} cannot be written ({error.strerror})"
        ) from error
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink()
    return [*paths]


def stale(
    folder: Path, texts: Mapping[str, str], *, is_whole: bool
) -> Iterator[Mapping[str, str]]:
    """Files of a folder that are not what would be written now.

    Args:
        folder: The folder.
        texts: What would be written, by the name of its file.
        is_whole: Whether that is all that belongs there.
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
    if is_whole and folder.is_dir():
        for path in sorted(folder.glob("*.json")):
            if path.name not in texts and path.name != MANIFEST and _is_workflow(path):
                yield {"file": str(path), "problem": "no workflow makes it any more"}


def _is_workflow(path: Path) -> bool:
    try:
        loads(path.read_bytes(), source=str(path))
    except (OSError, ReadError):
        return False
    return True
