"""`flow64 code`: write workflows as Python source, from files or live workflows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click
from attrs import frozen

from .. import loading, manifest
from ..analysis.check import allow_errors
from ..compiler import Identity
from ..compiler.code import as_code
from ..compiler.lifting import Lifted, OwnClasses, lift
from ..definition import DEFAULT_ENV, Definition
from ..dsl import Block
from ..environments import load as load_settings
from ..errors import FlowError, ReadError
from ..generation import MARK, USUAL
from ..loading import pull
from ..loading.importing import import_scope
from ..secrets import Secrets, mask
from . import errors, params, printing
from .commands import STATE
from .pull import find_known_values
from .service import connect


@frozen
class _Source:
    """A workflow to write.

    Attributes:
        identity: Its keys, if code or a manifest has them.
    """

    name: str
    definition: Definition
    identity: Identity | None = None


@frozen
class PythonSource:
    """The Python source of workflows.

    Attributes:
        file: The file that it was written to.
        variables: The variable of each workflow.
        left_out: What code cannot say.
    """

    file: Path | None
    source: str
    variables: Sequence[str]
    left_out: Sequence[str]

    def __rich__(self) -> str:
        return "" if self.file is None else printing.name_file(self.file)


@params.command(
    "code",
    "flow64 code compiled/inbound.json",
    "flow64 code prod:inbound -o pipelines/inbound.py",
    "flow64 code live -o pipelines/live.py",
)
@click.argument("address", metavar="ADDRESS")
@params.output("FILE", "Write a module with all workflows into a file.")
@params.overwrite
@params.env
@params.no_code
@params.as_json
def command(
    *,
    address: str,
    output: Path | None,
    overwrite: bool,
    env: str | None,
    no_code: bool,
) -> int:
    """Write workflows as Python code. Only reads are sent.

    The code makes the same blocks with the same ids. If the keys of an id are unknown,
    the id is pinned. Texts of a workflow only become literals. Run `ruff format` on the
    code. ADDRESS is a file, a folder, or ENV:KEY. Without -o, it is one workflow, and
    its code goes to stdout.

    A workflow with a text that looks like a key is not written: its place is printed.
    JSON with only an id stands for the live workflow in --env. The code
    imports the classes of blocks.py next to pyproject.toml, if `flow64 blocks generate`
    wrote it.
    """
    if output is not None and output.suffix != ".py":
        raise params.option_error("--output", f"{output} does not end in .py")
    if output is not None and not overwrite and os.path.lexists(output):
        problem = f"{output} was not written: it is there already"
        raise FlowError(problem, option="add --overwrite to replace it")
    meant = params.parse_address(address, env)
    known_values: Sequence[pull.KnownValue] = ()
    if isinstance(meant, loading.LiveAddress):
        env = meant.env
        environment = params.find_environment(env)
        known_values, env = find_known_values(environment), environment.key
        sources = _read_live(meant, known_values)
    else:
        sources = _read(meant, code=not no_code)
    if not sources:
        raise click.UsageError(f"{address} means no workflow")
    if len(sources) != 1 and output is None:
        names = loading.list_names([source.name for source in sources])
        problem = f"{address} means {len(sources)} workflows: {names}"
        raise click.UsageError(f"{problem}; name one of them, or a file with -o FILE")
    own = OwnClasses() if no_code else _load_classes()
    lifted = _lift(sources, env or DEFAULT_ENV, known_values, own)
    if len(lifted) < len(sources):
        return errors.FAILED
    code = as_code(lifted, own)
    left_out = [text for workflow in lifted for text in workflow.omitted]
    module = PythonSource(output, code.text, [*code.variables], left_out)
    if output is not None:
        manifest.write_all(output.parent, {output.name: code.text})
    if output is None and not STATE.is_json:
        printing.write(code.text)
    printing.emit(module)
    for text in left_out:
        printing.message(f"left out, since code cannot say it: {text}")
    return 0


def _read(address: loading.SourceAddress, *, code: bool) -> Sequence[_Source]:
    """Return the workflows of a source.

    Raises:
        CompileError: A workflow cannot be compiled.
    """
    sources: list[_Source] = []
    for workflow in params.load(address, code=code).workflows:
        identity = workflow.workflow.identity
        # JSON without a manifest has only an id, which belongs to one environment.
        has_keys = bool(workflow.workflow.flows) or identity.key is not None
        definition = loading.lower(workflow.workflow)
        sources.append(
            _Source(workflow.name, definition, identity if has_keys else None)
        )
    return sources


def _read_live(
    address: loading.LiveAddress, known_values: Sequence[pull.KnownValue]
) -> Sequence[_Source]:
    """Return the live workflows, with the titles of the code."""
    secrets = Secrets(text for value in known_values for text in value.secrets)
    suffix = params.find_environment(address.env).suffix
    with connect(address.env) as client:
        loaded = loading.load_live(client, address)
    sources: list[_Source] = []
    for entry in loaded.workflows:
        live = loading.remove_suffix(entry.workflow.lower().definition, suffix)
        sources.append(_Source(mask(secrets.mask(entry.name)), live))
    return sources


def _load_classes() -> OwnClasses:
    """Return the classes of the module that `flow64 blocks generate` wrote."""
    file = load_settings().folder / USUAL
    if not file.is_file() or MARK not in file.read_text("utf-8", "replace"):
        return OwnClasses()
    with import_scope(file.resolve().parent) as scope:
        module = scope.import_file(file)
    classes = {
        item.kind: item
        for item in vars(module).values()
        if isinstance(item, type)
        and issubclass(item, Block)
        and item.__module__ == module.__name__
    }
    return OwnClasses(file.stem, classes)


def _lift(
    sources: Sequence[_Source],
    env: str,
    known_values: Sequence[pull.KnownValue],
    classes: OwnClasses,
) -> Sequence[Lifted]:
    """Lift workflows without their secrets, and print which cannot be lifted."""
    lifted: list[Lifted] = []
    for source in sources:
        definition, _ = pull.name_values(source.definition, known_values)
        if (place := pull.find_secret(definition, known_values)) is not None:
            problem = f"{place} holds what looks like a key, or a secret value"
            advice = 'let the whole text be a value: {"flow64:value": "NAME"}'
            printing.error(f"{source.name}: {problem}; {advice}")
            continue
        definition, accepted = allow_errors(definition)
        try:
            code = lift(definition, source.identity, env=env, own=classes)
        except ReadError as error:
            printing.error(f"{source.name}: {errors.describe(error)}")
        else:
            lifted.append(code)
            if accepted:
                printing.message(
                    f"{source.name}: its code allows {', '.join(accepted)}"
                )
    return lifted
