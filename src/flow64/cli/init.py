"""`flow64 init`: a project that is ready to push."""

from __future__ import annotations

from pathlib import Path

import click

from ..diagnostics import printable
from ._project import as_key, as_namespace, begin, key_of
from ._shared import example, json_option
from ._terminal import give, give_data, may_ask, talk


@click.command(
    "init",
    epilog=example(
        "flow64 init growth --namespace acme.example",
        "flow64 init . --namespace github.com/acme/pipelines --project growth",
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
@json_option
def command(
    *, folder: Path, namespace: str | None, project: str | None, as_json: bool
) -> int:
    """Write a new project into a folder: a pipeline, its test, and its JSON.

    It is ready to be pushed: the environments staging and prod, an example with a test
    on an emulator, the compiled JSON, and what pre-commit and CI run. The namespace is
    asked for where it is not given. Nothing that is there is overwritten: where one of
    the files exists, nothing is written.
    """
    key = as_key(key_of(folder) if project is None else project)
    written = begin(folder, as_namespace(_namespace(namespace)), key)
    if as_json:
        give_data([str(path) for path in written])
    else:
        for path in written:
            give(printable(str(path)))
    talk(
        "next: git init, then flow64 check pipelines, pytest, and "
        "flow64 deploy pipelines --env emulator, which spends nothing"
    )
    return 0


def _namespace(given: str | None) -> str:
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
