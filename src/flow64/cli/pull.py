"""`flow64 pull`: what is live becomes a folder of JSON that is worked on like code."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from ..client import Client
from ..definition import unbound_names, walk
from ..environments import Environment, Reference
from ..errors import ConfigError, FlowError, PullError, SaveError, clipped
from ..manifest import (
    MANIFEST,
    Known,
    Manifest,
    Pull,
    Secret,
    read_manifest,
    read_sourced,
    read_workflows,
    taken,
    write_all,
)
from ..redaction import redact_keys
from ..text import pluralize, printable
from ._exit_codes import FAILED
from ._service import connect, find_environment
from ._shared import env_option, format_example, json_option, read_values, values_option
from ._terminal import print_error, print_json, print_line, print_message

MOST_NAMES: Final = 20
"""The most workflows that a message lists."""


@click.command(
    "pull",
    epilog=format_example(
        "flow64 pull prod --all -o live",
        "flow64 pull prod:2f6c1b7e-3f0a-4c55-9f0e-8c1a5d7b9e21 -o live",
    ),
)
@click.argument("address", metavar="ENV[:ID]", required=False, default="")
@click.option("--all", "is_all", is_flag=True, help="All workflows that are there.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    required=True,
    help="Where to write one JSON file for each workflow, and flow64.json.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@env_option
@values_option
@json_option
def command(
    *,
    address: str,
    is_all: bool,
    output: Path,
    overwrite: bool,
    env: str | None,
    values: Path | None,
    as_json: bool,
) -> int:
    """Write live workflows as JSON; nothing but reads is sent.

    Check, diff, plan and deploy then take FOLDER like code: each workflow is pinned to
    the id that it has in ENV, and what is edited there from now on is drift. In place
    of an ID a key or a title may stand, and --env in place of ENV. What looks like a
    key becomes a value, and is listed to be set; it is written nowhere. What equals
    a value of ENV, or of the file of --values, becomes that value.
    """
    place, _, wanted = address.partition(":")
    wanted = wanted.removeprefix("id:")
    if place and env not in (None, place):
        raise _usage_error(
            f"{address} and --env {env} are two environments: leave one out"
        )
    env = place or env
    if is_all and wanted:
        raise _usage_error(f"--all means all, and {address} one: leave one of them out")
    before = read_manifest(output / MANIFEST) or Manifest()
    given = read_values(values) or {}
    known = [
        *(
            one
            for one in find_known_values(find_environment(env))
            if one.name not in given
        ),
        # A file of values may hold any secret, and nobody says which are none.
        *(Known(name, item, [*_texts(item)]) for name, item in given.items()),
    ]
    with connect(env) as client:
        if not (is_all or wanted):
            raise _usage_error(_choices(client))
        found = client.call(read_workflows, wanted or None)
        name = str(client.env)
    mine = {str(one.id).lower() for one in found}
    names = _names_in_use(output, before, name, mine)
    pull = taken(found, name, before, names, known)
    if not overwrite:
        _require_free(output, [one.file for one in pull.taken])
    there = [path.name for path in output.glob("*.json")]
    if pull.taken:
        # Nobody knows what in a workflow that somebody else made is secret.
        write_all(output, pull.texts(before, there), is_private=True)
    _show(pull, output, as_json=as_json)
    return FAILED if pull.refused else 0


def find_known_values(environment: Environment) -> Sequence[Known]:
    """The values of an environment; all of them, since any may be live.

    Raises:
        PullError: A variable is not set, so that nobody can tell what is secret.
    """
    known: list[Known] = []
    unset: list[str] = []
    for name, given in environment.values.items():
        try:
            content = environment.bound[name]
        except ConfigError:
            unset.append(name)
        else:
            known.append(Known(name, content, [*_from_variables(given, content)]))
    if unset:
        variables = ", ".join(
            f"{name} ({', '.join(environment.variables(name))})" for name in unset
        )
        problem = (
            f"values come from variables that are not set: {variables}; without them "
            "nobody can tell whether their text is live, and it would be written: set "
            "them"
        )
        raise PullError(environment.name, problem)
    return known


def _texts(item: Any) -> Iterator[str]:
    return (text for _, text in walk(item) if isinstance(text, str))


def _from_variables(given: Any, content: Any) -> Iterator[str]:
    """The texts of a value that come from variables."""
    if isinstance(given, Reference):
        yield content
    elif isinstance(given, Mapping):
        for name, inner in given.items():
            yield from _from_variables(inner, content[name])
    elif isinstance(given, list):
        for inner, found in zip(given, content, strict=True):
            yield from _from_variables(inner, found)


def _choices(client: Client) -> str:
    """Advise what to ask for."""
    env = client.env
    found = client.workflows.list()
    ways = [
        f"{env}:{one.id} ({clipped(redact_keys(one.name))})"
        for one in found[:MOST_NAMES]
    ]
    if not ways:
        return f"{env} has no workflows"
    more = f" and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
    return f"say --all, or name one, as in {', '.join(ways)}{more}"


def _names_in_use(
    folder: Path, before: Manifest, env: str, mine: set[str]
) -> Iterator[str]:
    """Names of values in the files that stay as they are."""
    for file, entry in before.files.items():
        if (entry.pins.get(env) or "").lower() in mine:
            continue
        try:
            read = read_sourced(folder, before, file).workflow
            yield from unbound_names(read.compile())
        except FlowError:  # whatever is wrong with it, a check says
            continue


def _require_free(folder: Path, files: Sequence[str]) -> None:
    """Refuse to replace what is there.

    Raises:
        SaveError: Something is; nothing was written.
    """
    taken_names = [file for file in files if os.path.lexists(folder / file)]
    if taken_names:
        others = len(taken_names) - 1
        more = f", and {others} more are" if others else ""
        raise SaveError(str(folder / taken_names[0]), f"it is there already{more}")


def _show(pull: Pull, folder: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(_data(pull, folder))
    else:
        for one in pull.taken:
            print_line(printable(str(folder / one.file)))
    count = len(pull.taken)
    print_message(f"{pluralize(count, 'workflow')} of {pull.env} written")
    for one in pull.taken:
        if one.stamped is not None:
            print_message(
                f"{one.file}: its code is elsewhere, and deployed it as {one.stamped}"
            )
        if one.may_tell:
            print_error(
                f"{one.file}: its code had values that were not found again, or it was "
                "edited: look for secrets in it before anybody else sees it; "
                "--values FILE tells what was deployed with"
            )
    _tell_values(f"what equals a value of {pull.env} is that value:", pull.known)
    _tell_values(
        "what looked like a key is a value now, and is to be set:", pull.secrets
    )
    if lines := pull.setting_lines:
        print_message("in pyproject.toml, each from a variable:")
        for line in lines:
            print_message(f"  {line}")
    for not_ in pull.refused:
        print_error(f"{not_.id} ({not_.name}) was not pulled: {not_.problem}")


def _tell_values(head: str, found: Sequence[Secret]) -> None:
    if found:
        print_message(head)
    for secret in found:
        print_message(f"  {secret.name}: {secret.file}, {secret.where}")


def _data(pull: Pull, folder: Path) -> Mapping[str, Any]:
    return {
        "env": pull.env,
        "folder": str(folder),
        "workflows": [
            {
                "file": one.file,
                "id": one.id,
                "name": one.name,
                "stamp": one.stamped,
                "values": [
                    {
                        "name": secret.name,
                        "where": secret.where,
                        "is_set": secret.is_set,
                    }
                    for secret in one.secrets
                ],
            }
            for one in pull.taken
        ],
        "refused": [
            {"id": one.id, "name": one.name, "problem": one.problem}
            for one in pull.refused
        ],
        "settings": [*pull.setting_lines],
    }


def _usage_error(problem: str) -> click.UsageError:
    return click.UsageError(problem, click.get_current_context(silent=True))
