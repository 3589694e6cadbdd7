"""`flow64 code`: write workflows as Python source, from files or live workflows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from attrs import evolve, frozen

from ..analysis.check import allow_errors
from ..compiler import Code, Identity, Lifted, OwnClasses, as_code, lift
from ..definition import DEFAULT_ENV, Definition
from ..environments import load as load_settings
from ..errors import FlowError, ReadError
from ..generation import MARK, USUAL
from ..loading import (
    LiveAddress,
    SourceAddress,
    list_names,
    load_classes,
    load_live_side,
    lower,
)
from ..manifest import Known, find_secret, name_values, write_all
from ..secrets import Secrets, mask
from ..text import join_words
from . import _params as params
from ._exit_codes import FAILED
from ._output_options import output_file
from ._service import connect, find_environment
from ._terminal import (
    print_error,
    print_json,
    print_message,
    print_paths,
    print_text,
)
from .pull import find_known_values


@params.command(
    "code",
    "flow64 code compiled/inbound.json",
    "flow64 code prod:inbound -o pipelines/inbound.py",
    "flow64 code live -o pipelines/live.py",
)
@click.argument("address", metavar="ADDRESS")
@output_file("Write a module with all workflows into a file.", ".py")
@click.option("--overwrite", is_flag=True, help="Replace an existing FILE.")
@params.env
@params.no_code
@click.option(
    "--classes",
    "module",
    type=params.FILE,
    metavar="FILE",
    help="Use the classes of FILE, which `flow64 blocks generate` wrote.",
)
@params.as_json
def command(
    *,
    address: str,
    output: Path | None,
    overwrite: bool,
    env: str | None,
    no_code: bool,
    module: Path | None,
    as_json: bool,
) -> int:
    """Write workflows as Python code. Only reads are sent.

    The code makes the same blocks with the same ids. If the keys of an id are unknown,
    the id is pinned. Texts of a workflow only become literals. Run `ruff format` on the
    code. ADDRESS is a file, a folder, or ENV:KEY. Without -o, it is one workflow, and
    its code goes to stdout.

    A workflow with a text that looks like a key is not written: its place is printed.
    JSON with only an id stands for the live workflow in --env.

    If blocks.py next to pyproject.toml was written by `flow64 blocks generate`, the
    code imports its classes.
    """
    if no_code and module is not None:
        raise params.option_error("--classes", "it is code: leave --no-code out")
    meant = params.find_address(address, env)
    known: Sequence[Known] = ()
    if isinstance(meant, LiveAddress):
        env = meant.env
        known = find_known_values(find_environment(env))
        found = [*_read_live(meant, _make_redaction(known))]
    else:
        found = [*_read(meant, code=not no_code)]
    if output is None and len(found) > 1:
        names = list_names([one.name for one in found])
        problem = f"{address} means {len(found)} workflows: {names}"
        raise click.UsageError(
            f"{problem}; name one of them, or a file for all with -o FILE"
        )
    if not found:
        raise click.UsageError(f"{address} means no workflow")
    if output is not None and not overwrite and os.path.lexists(output):
        raise FlowError(
            f"{output} was not written: it is there already",
            option="add --overwrite to replace it",
        )
    env = env or DEFAULT_ENV
    own = OwnClasses() if no_code else _load_classes(module)
    lifted = _lift(found, env, known, own)
    if len(lifted) < len(found):
        return FAILED
    made = as_code(lifted, own)
    if output is not None:
        write_all(output.parent, {output.name: made.text})
    if as_json:
        print_json(_to_data(made, lifted, output))
    elif output is None:
        print_text(made.text)
    else:
        print_paths([output], as_json=False)
    _print_notes(lifted)
    return 0


@frozen
class _SourceDefinition:
    """A workflow to write.

    Attributes:
        identity: Its keys, if code or a manifest has them.
    """

    name: str
    definition: Definition
    identity: Identity | None = None


def _read(address: SourceAddress, *, code: bool) -> Iterator[_SourceDefinition]:
    """The workflows of a source.

    Raises:
        CompileError: A workflow cannot be compiled.
    """
    for one in params.load_source(address, code=code).workflows:
        identity = one.workflow.identity
        # JSON without a manifest has only an id, which belongs to one environment.
        has_keys = bool(one.workflow.flows) or identity.key is not None
        yield _SourceDefinition(
            one.name, lower(one.workflow), identity if has_keys else None
        )


def _read_live(address: LiveAddress, redaction: Secrets) -> Iterator[_SourceDefinition]:
    """The live workflows, with the titles of the code."""
    suffix = find_environment(address.env).suffix
    ending = f" {suffix}" if suffix else ""
    with connect(address.env) as client:
        for entry in load_live_side(client, address).entries:
            live = entry.definition
            named = evolve(live, name=live.name.removesuffix(ending))
            yield _SourceDefinition(mask(redaction.mask(entry.key)), named)


def _load_classes(file: Path | None) -> OwnClasses:
    """Return the classes of a named module, or of the one of the project."""
    if file is None:
        file = load_settings().folder / USUAL
        if not file.is_file() or MARK not in file.read_text("utf-8", "replace"):
            return OwnClasses()
    return load_classes(file)


def _lift(
    sources: Iterable[_SourceDefinition],
    env: str,
    known: Sequence[Known],
    classes: OwnClasses,
) -> Sequence[Lifted]:
    """Lift workflows without their secrets, and print which cannot be lifted."""
    lifted: list[Lifted] = []
    for source in sources:
        definition, _ = name_values(source.definition, known)
        if (place := find_secret(definition, known)) is not None:
            problem = f"{place} holds what looks like a key, or a secret value"
            advice = 'let the whole text be a value: {"flow64:value": "NAME"}'
            print_error(f"{source.name}: {problem}; {advice}")
            continue
        definition, accepted = allow_errors(definition)
        try:
            code = lift(definition, source.identity, env=env, own=classes)
        except ReadError as error:
            print_error(f"{source.name}: {error}")
        else:
            lifted.append(evolve(code, accepted=tuple(accepted)))
    return lifted


def _make_redaction(known: Iterable[Known]) -> Secrets:
    return Secrets(text for one in known for text in one.secrets)


def _print_notes(lifted: Sequence[Lifted]) -> None:
    for one in lifted:
        for what in one.omitted:
            print_message(f"left out, since code cannot say it: {what}")
        if one.accepted:
            codes = join_words(one.accepted)
            print_message(f"the code allows what is stored there: {codes}")


def _to_data(
    made: Code, lifted: Sequence[Lifted], output: Path | None
) -> dict[str, Any]:
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
                "allow": [*one.accepted],
            }
            for variable, one in pairs
        ],
    }
