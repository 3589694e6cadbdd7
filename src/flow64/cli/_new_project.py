"""A new project, made from the files of `_template`.

Each file there has an additional `.txt`, so that tools do not take it for a file of
flow64. The prefix `dot-` of a name stands for a dot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import metadata
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import click

from ..definition import slug
from ..manifest import MANIFEST, write_all
from ..manifest import as_text as manifest_text
from ._ci_files import find_action, find_included, pin_actions, shorten_workflow
from ._exit_codes import NoConsentError
from ._install_source import InstallSource
from ._params import load_source, option_error
from .compile import compile_all, make_manifest

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

TEMPLATE: Final = "_template"
"""The folder of the files, next to this module."""

SOURCE: Final = "pipelines"
"""The folder of the code."""

COMPILED: Final = "compiled"
"""The folder of the JSON."""

Forge: TypeAlias = Literal["github", "gitlab", "none"]
"""The host of the project, whose CI runs its jobs."""

_CI_FILES: Final = {"github": ".github", "gitlab": ".gitlab-ci.yml"}
"""The file of the CI of each host, or its folder."""

_ABOUT_CI: Final = {
    "github": (
        "On GitHub, the jobs in `.github/workflows/` review each pull request without "
        "a key, write one comment that shows what a deploy would do, and deploy the\n"
        "main branch after an approval. They need two environments of the repository, "
        "`plan` and `prod`, each with the secret `SIXTYFOUR_PROD_KEY`. Allow both\n"
        "only for the main branch, and give `prod` reviewers.\n\n"
    ),
    "gitlab": (
        "On GitLab, the jobs of `.gitlab-ci.yml` review each merge request, and plan "
        "the default branch. A person starts the deploy. They need the protected\n"
        "variable `SIXTYFOUR_PROD_KEY` in two environments, `flow64-plan` and `prod`."
        "\n\n"
    ),
    "none": "",
}
"""The paragraph about its CI in the README of a project."""

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


def find_forge(namespace: str) -> Forge:
    """Return the host of a project, by the namespace if that is a repository."""
    return "gitlab" if namespace.startswith("gitlab.") else "github"


def render_template(
    namespace: str,
    project: str,
    source: InstallSource,
    *,
    forge: Forge,
    standalone: bool,
) -> Mapping[PurePosixPath, str]:
    """Return the files of a new project, without the compiled JSON.

    Args:
        namespace: A domain or a repository.
        project: The key of the project.
        source: Where its jobs get flow64 from.
        forge: The host that its CI files are for.
        standalone: Whether the CI files have all steps themselves.
    """
    root = files("flow64.cli").joinpath(TEMPLATE)
    marks = {
        "ABOUT_CI": _ABOUT_CI[forge],
        "NAMESPACE": namespace,
        "PROJECT": project,
        "PYTHON": _newest_python(),
        "SOURCE": source.as_line(),
    }
    requirement = None if standalone else source.requirement
    others = {name for name in _CI_FILES.values() if name != _CI_FILES.get(forge)}
    return {
        path: re.sub(
            "@([A-Z_]+)@",
            lambda found: marks[found[1]],
            _refer_to_source(path, text, requirement),
        )
        for path, text in sorted(_read(root, PurePosixPath()))
        if path.parts[0] not in others
    }


def _refer_to_source(path: PurePosixPath, text: str, requirement: str | None) -> str:
    """Shorten a CI file if what it repeats is at the recorded source."""
    if path.parts[0] == _CI_FILES["github"]:
        action = find_action(requirement)
        return pin_actions(text) if action is None else shorten_workflow(text, action)
    if path.name == _CI_FILES["gitlab"]:
        included = find_included(requirement)
        about = text.partition("\n\n")[0]
        return (
            text
            if included is None
            else f"{about}\n\ninclude:\n  - remote: {included}\n"
        )
    return text


def _newest_python() -> str:
    """Return the newest Python that flow64 supports, as its classifiers say."""
    lines = "\n".join(metadata("flow64").get_all("Classifier") or [])
    minors = map(int, re.findall(r":: Python :: 3\.(\d+)", lines))
    return f"3.{max(minors)}"


def create_project(folder: Path, files: Mapping[PurePosixPath, str]) -> Sequence[Path]:
    """Write a new project into a folder, and return its files.

    Args:
        folder: The folder. It is made if it does not exist.
        files: The text of each file, without the compiled JSON.

    Raises:
        NoConsentError: A file exists, or a folder of pipelines. Nothing was written.
        click.ClickException: A file cannot be written.
    """
    wanted = {folder / path: text for path, text in files.items()}
    _require_room(folder, [*wanted])
    try:
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:  # fails if the file exists
                file.write(text.encode())
    except OSError as error:
        problem = f"{error.filename or folder} cannot be written ({error.strerror})"
        raise click.ClickException(problem) from error
    return [*wanted, *_compile(folder)]


def _require_room(folder: Path, wanted: Sequence[Path]) -> None:
    # Existing pipelines would be compiled as well.
    folders = [folder / SOURCE, folder / COMPILED]
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
