"""`flow64 init`: create a project that is ready to push."""

from __future__ import annotations

import shlex
from pathlib import Path, PurePosixPath

import click

from ..files import relative_path
from . import _params as params
from ._new_project import (
    FORGES,
    as_key,
    as_namespace,
    create_project,
    make_key,
    render_template,
)
from ._param_types import PathName
from ._terminal import print_message, print_paths


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
    type=PathName(file_okay=False),
)
@click.option(
    "--namespace",
    metavar="NAME",
    help="The owner of the ids: a domain or a repository of yours.",
)
@click.option(
    "--project",
    metavar="KEY",
    help="The key of the project. Default: the name of the folder.",
)
@click.option(
    "--ci",
    "forge",
    type=click.Choice(FORGES),
    help="Add the file of its CI. If DIR has a pyproject.toml, nothing else is added.",
)
@params.as_json
def command(
    *,
    folder: Path,
    namespace: str | None,
    project: str | None,
    forge: str | None,
    as_json: bool,
) -> int:
    """Create a project in a folder: a pipeline, its test, and its JSON.

    It has three environments: local, which flow64 serve serves and commands use if you
    name none, staging and prod. If one of the files exists, nothing is written.

    With --ci, jobs check and compare each change, and deploy the main branch after an
    approval. They install flow64 from requirements-flow64.txt, and stop there until you
    write into that file where flow64 comes from.
    """
    is_new = forge is None or not (folder / "pyproject.toml").exists()
    files: dict[PurePosixPath, str] = {}
    if is_new:
        key = as_key(make_key(folder) if project is None else project)
        if namespace is None:
            problem = "it is missing: name the owner of the ids, such as acme.example"
            raise params.option_error("--namespace", problem)
        owner = as_namespace(namespace)
        files |= render_template("project", project=key, namespace=owner)
    if forge is not None:
        files |= render_template(forge)
    print_paths(create_project(folder, files, has_code=is_new), as_json=as_json)
    if is_new:
        path = relative_path(folder)
        enter = "" if path == "." else f"cd {shlex.quote(path)}, "
        print_message(
            f"next: {enter}git init, then flow64 check, pytest, flow64 serve in "
            "another terminal, and flow64 deploy, which goes there and spends nothing"
        )
    if forge is not None:
        print_message("write into requirements-flow64.txt where flow64 comes from")
    return 0
