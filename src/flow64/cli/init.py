"""`flow64 init`: a project that is ready to push."""

from __future__ import annotations

from pathlib import Path

import click

from ..text import printable
from ._install_source import EXAMPLE, find_install_source, parse_install_source
from ._new_project import as_key, as_namespace, create_project, make_key
from ._shared import format_example, json_option
from ._terminal import may_ask, print_json, print_line, print_message


@click.command(
    "init",
    epilog=format_example(
        "flow64 init growth --namespace acme.example",
        "flow64 init . --namespace github.com/acme/pipelines --project growth",
        f"flow64 init growth --namespace acme.example --from {EXAMPLE}",
    ),
)
@click.argument(
    "folder",
    metavar="[DIR]",
    required=False,
    default=Path(),
    type=click.Path(file_okay=False, path_type=Path),
)
@click.option(
    "--namespace",
    metavar="NAME",
    help="Whose ids these are: a domain or a repository of yours.",
)
@click.option(
    "--project",
    metavar="KEY",
    help="The key of the project; by default the name of the folder.",
)
@click.option(
    "--from",
    "source",
    metavar="SOURCE",
    help="Where the jobs get flow64 from: a requirement as pip takes it, a version of "
    "an index, or an address with a commit. Left out, it is where this flow64 is from.",
)
@json_option
def command(
    *,
    folder: Path,
    namespace: str | None,
    project: str | None,
    source: str | None,
    as_json: bool,
) -> int:
    """Write a new project into a folder: a pipeline, its test, and its JSON.

    It is ready to be pushed: the environments staging and prod, an example with a test
    on an emulator, the compiled JSON, and what pre-commit and CI run. If the namespace
    is not given, it is asked for. Nothing is overwritten: if one of the files exists,
    nothing is written.

    The jobs of CI install flow64 from requirements-flow64.txt. If nobody can know where
    this flow64 comes from, the jobs stop there until you say it.
    """
    key = as_key(make_key(folder) if project is None else project)
    install = find_install_source() if source is None else parse_install_source(source)
    owner = as_namespace(_choose_namespace(namespace))
    written = create_project(folder, owner, key, install)
    if as_json:
        print_json([str(path) for path in written])
    else:
        for path in written:
            print_line(printable(str(path)))
    print_message(
        "next: git init, then flow64 check pipelines, pytest, and "
        "flow64 deploy pipelines --env emulator, which spends nothing"
    )
    print_message(install.describe())
    return 0


def _choose_namespace(given: str | None) -> str:
    if given is not None:
        return given
    if not may_ask(yes=False):
        raise click.UsageError(
            "whose ids are these? Say it with --namespace, a domain or a repository "
            "of yours, such as acme.example",
            click.get_current_context(silent=True),
        )
    question = "Whose ids are these? A domain or a repository of yours"
    asked: str = click.prompt(question, err=True)
    return asked.strip()
