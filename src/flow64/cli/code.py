"""`flow64 code`: workflows as Python source, from files or from what is live."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from attrs import evolve, frozen

from ..compiler import Code, Identity, Lifted, as_code, lift
from ..definition import DEFAULT_ENV, Definition
from ..errors import CannotLiftError, SaveError
from ..loading import (
    ADDRESS_HELP,
    LiveAddress,
    Loaded,
    SourceAddress,
    list_names,
    load_live_side,
    lower,
    parse_address,
    require_same_env,
)
from ..manifest import (
    Known,
    Secret,
    setting_lines,
    shows_secret,
    without_secrets,
    write_all,
)
from ..redaction import Redaction, redact_keys
from ..text import printable
from ._completion import complete_addresses
from ._exit_codes import FAILED
from ._load import load_source
from ._service import connect, find_environment
from ._shared import env_option, format_example, json_option, no_code_option
from ._terminal import print_error, print_json, print_line, print_message, print_text
from .pull import find_known_values


@click.command(
    "code",
    epilog=format_example(
        "flow64 code compiled/inbound.json",
        "flow64 code prod:inbound -o pipelines/inbound.py",
        "flow64 code live -o pipelines/live.py",
    )
    + f"\n\n{ADDRESS_HELP}",
)
@click.argument("address", metavar="ADDRESS", shell_complete=complete_addresses)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a module with all workflows of ADDRESS, whole or not at all.",
)
@click.option("--overwrite", is_flag=True, help="Replace FILE where it is there.")
@env_option
@no_code_option
@json_option
def command(
    *,
    address: str,
    output: Path | None,
    overwrite: bool,
    env: str | None,
    no_code: bool,
    as_json: bool,
) -> int:
    """Write workflows as Python code; nothing but reads is sent.

    The code makes the same workflows: the same blocks with the same ids, which are
    pinned where no keys are known that they are made from. Whatever stands in a
    workflow is only ever text of the code, which is audited before it is given out.
    Without -o it is one workflow, and goes to stdout.

    A text that looks like a key becomes a value, and is listed to be set. JSON with
    nothing but an id stands for the live workflow in --env.
    """
    meant = parse_address(address)
    known: Sequence[Known] = ()
    if isinstance(meant, LiveAddress):
        env = require_same_env(meant, env)
        known = find_known_values(find_environment(env))
        found = [*_read_live(meant, _make_redaction(known))]
    else:
        found = [*_read(meant, code=not no_code)]
    if output is None and len(found) > 1:
        names = list_names([one.name for one in found])
        problem = f"{address} means {len(found)} workflows: {names}"
        raise _usage_error(
            f"{problem}; name one of them, or a file for all with -o FILE"
        )
    if not found:
        raise _usage_error(f"{address} means no workflow")
    if output is not None and not overwrite and os.path.lexists(output):
        raise SaveError(str(output), "it is there already")
    env = env or DEFAULT_ENV
    lifted, secrets = _lift(found, env, known)
    if len(lifted) < len(found):
        return FAILED
    made = as_code(lifted)
    if output is not None:
        write_all(output.parent, {output.name: made.text})
    _show(made, lifted, secrets, env, output, as_json=as_json)
    return 0


@frozen
class _Found:
    """A workflow that is to be written.

    Attributes:
        name: What it is called.
        definition: What it is.
        identity: Its keys, where code or a manifest has them.
    """

    name: str
    definition: Definition
    identity: Identity | None = None


def _read(address: SourceAddress, *, code: bool) -> Iterator[_Found]:
    """The workflows of a source.

    Raises:
        CompileError: One could not be made.
    """
    loaded: Loaded = load_source(address.source, code=code)
    for one in loaded.workflows:
        workflow = one.workflow
        identity = workflow.identity
        # Of JSON alone there is an id, which is that of an environment.
        has_keys = bool(workflow.flows) or identity.key is not None
        definition = lower(workflow)
        yield _Found(one.name, definition, identity if has_keys else None)


def _read_live(address: LiveAddress, redaction: Redaction) -> Iterator[_Found]:
    """The live workflows, with the titles of the code."""
    suffix = find_environment(address.env).suffix
    ending = f" {suffix}" if suffix else ""
    with connect(address.env) as client:
        for entry in load_live_side(client, address).entries:
            live = entry.definition
            named = evolve(live, name=live.name.removesuffix(ending))
            yield _Found(redact_keys(redaction.redact(entry.key)), named)


def _lift(
    found: Iterable[_Found], env: str, known: Sequence[Known]
) -> tuple[Sequence[Lifted], Sequence[Secret]]:
    """All that can be lifted, without secrets; what cannot is told."""
    lifted: list[Lifted] = []
    secrets: list[Secret] = []
    used: set[str] = set()
    for one in found:
        try:
            definition, own = without_secrets(one.definition, one.name, used, known)
            _require_plain(definition, known)
            lifted.append(lift(definition, one.identity, env=env))
        except CannotLiftError as error:
            print_error(f"{one.name}: {error}")
        else:
            secrets += own
    return lifted, [one for one in secrets if not one.is_set]


def _make_redaction(known: Iterable[Known]) -> Redaction:
    return Redaction(text for one in known for text in one.secrets)


def _require_plain(definition: Definition, known: Sequence[Known]) -> None:
    """See that no secret is left beside the values.

    Raises:
        CannotLiftError: There is one.
    """
    if shows_secret(definition, known):
        problem = "what looks like a key stands where no value can stand for it"
        name = _make_redaction(known).redact(definition.name)
        raise CannotLiftError(redact_keys(name), [problem])


def _show(
    made: Code,
    lifted: Sequence[Lifted],
    secrets: Sequence[Secret],
    env: str,
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    if as_json:
        print_json(_data(made, lifted, secrets, env, output))
    elif output is None:
        print_text(made.text)
    else:
        print_line(printable(str(output)))
    for one in lifted:
        for what in one.omitted:
            print_message(f"left out, since code cannot say it: {what}")
    if secrets:
        print_message("what looked like a key is a value now, and is to be set:")
        for secret in secrets:
            print_message(f"  {secret.name}: {secret.where}")
        print_message("in pyproject.toml, each from a variable:")
        for line in setting_lines(env, secrets):
            print_message(f"  {line}")


def _data(
    made: Code,
    lifted: Sequence[Lifted],
    secrets: Sequence[Secret],
    env: str,
    output: Path | None,
) -> Mapping[str, Any]:
    pairs = zip(made.variables, lifted, strict=True)
    return {
        "file": None if output is None else str(output),
        "source": made.text,
        "workflows": [
            {
                "variable": variable,
                "key": one.identity.shown_key,
                "name": one.identity.name,
                "left_out": [*one.omitted],
            }
            for variable, one in pairs
        ],
        "values": [{"name": one.name, "where": one.where} for one in secrets],
        "settings": [*setting_lines(env, secrets)],
    }


def _usage_error(problem: str) -> click.UsageError:
    return click.UsageError(problem, click.get_current_context(silent=True))
