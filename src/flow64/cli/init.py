"""`flow64 init`: create a project, and its CI.

Its files are made from those of `_template`: `files.toml` has most of them, and each
forge has the file of its CI.
"""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

import click

from ..definition import slug
from . import params, printing
from .compile import COMPILED, Written
from .errors import NoConsentError

SOURCE: Final = "pipelines"
"""The folder of the code."""

CI_FILES: Final = {"github": ".github/workflows/flow64.yml", "gitlab": ".gitlab-ci.yml"}
"""The file of the jobs of a project, by the forge that runs them."""

_NAMESPACE: Final = re.compile(
    r"(?!.*\.\.)(?=.*[./])[a-z0-9][A-Za-z0-9._/-]*[A-Za-z0-9]"
)
"""A domain, or a repository: `acme.example`, `github.com/acme/pipelines`."""

_KEY: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
"""A key that needs no escapes in a path or in TOML."""


@params.command(
    "init",
    "flow64 init growth --namespace acme.example",
    "flow64 init . --namespace github.com/acme/pipelines --project growth",
    "flow64 init --ci github",
)
@click.argument(
    "folder",
    metavar="[DIR]",
    required=False,
    default=Path(),
    type=params.PathName(file_okay=False),
)
@params.option(
    "--namespace", "The owner of the ids: a domain or a repository of yours.", "NAME"
)
@params.option(
    "--project", "The key of the project. Default: the name of the folder.", "KEY"
)
@click.option(
    "--ci",
    "forge",
    type=click.Choice([*CI_FILES]),
    help="Add the file of its CI. If DIR has a pyproject.toml, nothing else is added.",
)
@params.as_json
def command(
    *, folder: Path, namespace: str | None, project: str | None, forge: str | None
) -> int:
    """Create a project in a folder: a pipeline and its test.

    Its environments are local, an emulator that commands use if you name none, and
    prod. If one of the files exists, nothing is written.

    With --ci, jobs check and compare each change, and deploy the main branch after an
    approval. They install flow64 from requirements-flow64.txt: write there where flow64
    comes from. Jobs with a key run no code, so commit the JSON: `flow64 compile -o
    compiled` writes it.
    """
    is_new = forge is None or not (folder / "pyproject.toml").exists()
    texts: dict[str, str] = {}
    if is_new:
        key = slug(folder.absolute().name) if project is None else project
        if _KEY.fullmatch(key) is None:
            advice = "letters, digits and hyphens in lower case, such as growth"
            raise params.option_error("--project", f"{key!r} is not {advice}")
        if namespace is None or _NAMESPACE.fullmatch(namespace) is None:
            problem = "name a domain or a repository of yours that owns the ids"
            raise click.UsageError(f"{problem}, as in --namespace acme.example")
        texts |= render_template("project", project=key, namespace=namespace)
    if forge is not None:
        texts |= render_template(forge)
    create_project(folder, texts, has_code=is_new)
    printing.emit(Written([folder / path for path in texts]))
    place = printing.name_file(folder)
    steps = [] if place == "." else [f"cd {shlex.quote(place)}"]
    if is_new:
        steps += ["flow64 check", "flow64 deploy", "flow64 run leads people.csv"]
    if forge is not None:
        steps += [f"flow64 compile -o {COMPILED}"]
        steps += ["write into requirements-flow64.txt where flow64 comes from"]
    printing.message("\n".join(["next:", *(f"  {step}" for step in steps)]))
    return 0


def render_template(name: str, **marks: str) -> Mapping[str, str]:
    """Return files by their path, with the text of each mark.

    Args:
        name: `project`, or a forge.
        **marks: The text of each mark, such as `project` for `@PROJECT@`.
    """
    tables = tomllib.loads(_read("files.toml"))
    if path := CI_FILES.get(name):
        texts = {path: _read(f"{name}.yml"), **tables["ci"]}
    else:
        texts = tables[name]
    words = {**marks, "python": f"3.{sys.version_info.minor}"}
    return {
        path: re.sub("@([A-Z]+)@", lambda mark: words[mark[1].lower()], text)
        for path, text in texts.items()
    }


def _read(name: str) -> str:
    return files("flow64.cli").joinpath("_template", name).read_text("utf-8")


def create_project(folder: Path, texts: Mapping[str, str], *, has_code: bool) -> None:
    """Write files into the folder of a project.

    Args:
        folder: The folder. It is made if it does not exist.
        texts: The text of each file.
        has_code: Whether code is among them.

    Raises:
        NoConsentError: A file exists, or a folder of pipelines. Nothing was written.
        click.ClickException: A file cannot be written, or would be outside.
    """
    wanted = {folder / path: text for path, text in texts.items()}
    there = [path for path in wanted if path.exists() or path.is_symlink()]
    source = folder / SOURCE
    if has_code and source.is_dir() and any(source.iterdir()):
        there.append(source)  # existing pipelines would be deployed as well
    if there:
        names = ", ".join(sorted(str(path) for path in there))
        advice = "name another folder, or move them"
        raise NoConsentError(f"nothing was written, since there is: {names}; {advice}")
    root = folder.resolve()
    try:
        for path, text in wanted.items():
            if not path.resolve().is_relative_to(root):
                raise click.ClickException(f"{path} leads out of {folder} by a link")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:  # fails if the file exists
                file.write(text.encode())
    except OSError as error:
        problem = f"{error.filename or folder} cannot be written ({error.strerror})"
        raise click.ClickException(problem) from error
