"""`flow64 init`: create a project that is ready to push."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from ..files import relative_path
from . import _params as params
from ._install_source import find_install_source, parse_install_source
from ._new_project import (
    Forge,
    as_key,
    as_namespace,
    create_project,
    find_forge,
    make_key,
    render_template,
)
from ._param_types import PathName
from ._terminal import may_ask, print_message, print_paths


@params.command(
    "init",
    "flow64 init growth --namespace acme.example",
    "flow64 init . --namespace github.com/acme/pipelines --project growth",
    "flow64 init growth --namespace acme.example --from 0.1.0",
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
    "--from",
    "source",
    metavar="SOURCE",
    help="Where the jobs install flow64 from: a requirement for pip, a version of an "
    "index, or an address with a commit. Default: the source of this flow64.",
)
@click.option(
    "--ci",
    "forge",
    type=click.Choice(["github", "gitlab", "none"]),
    help="Whose CI runs the jobs. Default: github, or gitlab for a namespace such as "
    "gitlab.com/acme.",
)
@click.option(
    "--standalone",
    is_flag=True,
    help="Write all steps into the CI files. Otherwise these refer to flow64's "
    "repository, if the source is a commit there.",
)
@params.as_json
def command(
    *,
    folder: Path,
    namespace: str | None,
    project: str | None,
    source: str | None,
    forge: Forge | None,
    standalone: bool,
    as_json: bool,
) -> int:
    """Create a project in a folder: a pipeline, its test, and its JSON.

    The project is ready to push. It has an example with a test on an emulator, the
    compiled JSON, what pre-commit and CI run, and three environments: local, which
    flow64 serve serves and commands use if you name none, staging and prod. If you
    leave out the namespace, you are asked for it. If one of the files exists, nothing
    is written.

    The jobs of CI install flow64 from requirements-flow64.txt. If the source of this
    flow64 is unknown, the jobs stop there until you write one into that file.
    """
    key = as_key(make_key(folder) if project is None else project)
    install = find_install_source() if source is None else parse_install_source(source)
    owner = as_namespace(_choose_namespace(namespace))
    files = render_template(
        owner, key, install, forge=forge or find_forge(owner), standalone=standalone
    )
    written = create_project(folder, files)
    print_paths(written, as_json=as_json)
    path = relative_path(folder)
    enter = "" if path == "." else f"cd {shlex.quote(path)}, "
    print_message(
        f"next: {enter}git init, then flow64 check, pytest, flow64 serve in another "
        "terminal, and flow64 deploy, which goes there and spends nothing"
    )
    print_message(install.describe())
    return 0


def _choose_namespace(given: str | None) -> str:
    if given is not None:
        return given
    if not may_ask(yes=False):
        raise click.UsageError(
            "--namespace is missing: name the owner of the ids, a domain or a "
            "repository of yours, such as acme.example"
        )
    question = "Owner of the ids: a domain or a repository of yours"
    answer: str = click.prompt(question, err=True)
    return answer.strip()
