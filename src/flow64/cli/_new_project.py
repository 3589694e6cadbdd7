"""A new project, and its CI files, made from the folders of `_template`.

Each file there has an additional `.txt`, so that tools do not take it for a file of
flow64. The prefix `dot-` of a name stands for a dot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import metadata
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import click

from ..definition import slug
from ..manifest import MANIFEST, write_all
from ..manifest import as_text as manifest_text
from ._exit_codes import NoConsentError
from ._params import load_source, option_error
from .compile import compile_all, make_manifest

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

TEMPLATE: Final = "_template"
"""The folder of the templates, next to this module."""

SOURCE: Final = "pipelines"
"""The folder of the code."""

COMPILED: Final = "compiled"
"""The folder of the JSON."""

FORGES: Final = ("github", "gitlab")
"""The hosts whose CI can run the jobs of a project. Each has a folder of templates."""

_NAMESPACE: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(/[A-Za-z0-9._-]+)*")
"""A domain, or a repository: `acme.example`, `github.com/acme/pipelines`."""

_KEY: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
"""A key that needs no escapes in a path or in TOML."""


def as_namespace(text: str) -> str:
    """Check a namespace.

    Raises:
        click.BadParameter: It is not a domain or a repository.
    """
    if (
        _NAMESPACE.fullmatch(text)
        and any(mark in text for mark in "./")
        and ".." not in text
    ):
        return text
    advice = "a domain or a repository of yours, such as acme.example"
    raise option_error("--namespace", f"{text!r} is not {advice}")


def as_key(text: str) -> str:
    """Check the key of a project.

    Raises:
        click.BadParameter: It has other characters than allowed.
    """
    if _KEY.fullmatch(text):
        return text
    advice = "letters, digits and hyphens in lower case, such as growth"
    raise option_error("--project", f"{text!r} is not {advice}")


def make_key(folder: Path) -> str:
    """Make a key from the name of a folder; `pipelines` if that is not possible."""
    found = slug(folder.absolute().name)
    return found if _KEY.fullmatch(found) else SOURCE


def render_template(folder: str, **marks: str) -> Mapping[PurePosixPath, str]:
    """Return the files of a folder of templates, with the text of each mark.

    Args:
        folder: `project`, or the name of a forge.
        **marks: The text of each mark, such as `project` for `@PROJECT@`.
    """
    root = files("flow64.cli").joinpath(TEMPLATE, folder)
    texts = {**marks, "python": _newest_python()}
    return {
        path: re.sub("@([A-Z]+)@", lambda mark: texts[mark[1].lower()], text)
        for path, text in sorted(_read(root, PurePosixPath()))
    }


def _newest_python() -> str:
    """Return the newest Python that flow64 supports, as its classifiers say."""
    lines = "\n".join(metadata("flow64").get_all("Classifier") or [])
    minors = map(int, re.findall(r":: Python :: 3\.(\d+)", lines))
    return f"3.{max(minors)}"


def create_project(
    folder: Path, files: Mapping[PurePosixPath, str], *, has_code: bool
) -> Sequence[Path]:
    """Write files into the folder of a project, and return all that were written.

    Args:
        folder: The folder. It is made if it does not exist.
        files: The text of each file, without the compiled JSON.
        has_code: Whether code is among them, which is then compiled.

    Raises:
        NoConsentError: A file exists, or a folder of pipelines. Nothing was written.
        click.ClickException: A file cannot be written.
    """
    wanted = {folder / path: text for path, text in files.items()}
    _require_room([*wanted], [folder / SOURCE, folder / COMPILED] if has_code else [])
    try:
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:  # fails if the file exists
                file.write(text.encode())
    except OSError as error:
        problem = f"{error.filename or folder} cannot be written ({error.strerror})"
        raise click.ClickException(problem) from error
    return [*wanted, *(_compile(folder) if has_code else ())]


def _require_room(wanted: Sequence[Path], folders: Sequence[Path]) -> None:
    # Existing pipelines would be compiled as well.
    there = [path for path in wanted if path.exists() or path.is_symlink()]
    there += [path for path in folders if path.is_dir() and any(path.iterdir())]
    if there:
        shown = ", ".join(str(path) for path in sorted({*there}))
        raise NoConsentError(
            f"nothing was written, since there is already: {shown}; name another "
            "folder, or move them"
        )


def _compile(folder: Path) -> Sequence[Path]:
    """Write the JSON of the new pipeline, as `flow64 compile` does."""
    loaded = load_source(str(folder / SOURCE))
    made = compile_all(loaded, None, None)
    assert made is not None, "the template compiles"
    target = folder / COMPILED
    manifest = manifest_text(make_manifest(target, loaded, made))
    return write_all(target, {**made.texts, MANIFEST: manifest})


def _read(
    folder: Traversable, path: PurePosixPath
) -> Iterator[tuple[PurePosixPath, str]]:
    for entry in folder.iterdir():
        name = re.sub(r"^dot-", ".", entry.name)
        if entry.is_dir():
            yield from _read(entry, path / name)
        elif name.endswith(".txt"):
            text = entry.read_text("utf-8")
            yield path / name.removesuffix(".txt"), text
