"""Parameters that several commands have, and reading what they name."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Container, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs
import click

from ..definition import DEFAULT_ENV, is_uuid, parse_json
from ..errors import ReadError, SourceError, did_you_mean, shortened
from ..text import STDIN, describe_stray_comma, pluralize
from ._options import name_environment
from ._param_types import NonEmpty, PathName, RunId
from ._stdin import is_dash, read_stdin
from ._terminal import print_message

if TYPE_CHECKING:
    from ..client import Client
    from ..loading import Address, LiveAddress, Loaded, Selection, SourceAddress

F = TypeVar("F", bound=Callable[..., Any])


FILE: Final = PathName(exists=True, dir_okay=False)

FILE_OR_STDIN: Final = PathName(exists=True, dir_okay=False, allow_dash=True)
"""A file, or `-` for stdin."""

source = click.argument("source", required=False)
"""The workflows of a command that compiles code."""

as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print data instead of text."
)


def env_option(words: str, *names: str) -> Callable[[F], F]:
    """Make an option for the name of an environment: `--env`, or another one."""
    return click.option(
        *(names or ("-e", "--env")),
        type=NonEmpty(),
        metavar="NAME",
        help=words,
    )


env = env_option("The environment, of those in pyproject.toml.")

# Neither `FLOW64_ENV` nor `default_env` counts here: the same command on another
# machine, or in another job, would write other bytes.
ids_env = env_option(f"The environment of the ids. Without it, always {DEFAULT_ENV!r}.")

no_code = click.option(
    "--no-code",
    is_flag=True,
    help="Import no module: SOURCE is compiled JSON with its flow64.json.",
)

run_id = click.argument("run_id", metavar="RUN_ID", type=RunId())

every = click.option(
    "--every",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    metavar="SECONDS",
    show_default=True,
    help="How long to wait between two requests.",
)

timeout = click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=24 * 3600.0,
    metavar="SECONDS",
    help="When to stop waiting; the run goes on. Default: a day.",
)

safe_csv = click.option(
    "--safe-csv", is_flag=True, help="Write CSV that no spreadsheet takes for formulas."
)

yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


# -- Options with another help text in each command ------------------------------------


def saved_blocks(words: str, name: str = "saved") -> Callable[[F], F]:
    """Make the option `--blocks FILE` for a saved list of blocks."""
    return click.option("--blocks", name, type=FILE, metavar="FILE", help=words)


def dry_run(words: str) -> Callable[[F], F]:
    """Make the option `--dry-run`."""
    return click.option("--dry-run", is_flag=True, help=words)


def strict(words: str) -> Callable[[F], F]:
    """Make the option `--strict`."""
    return click.option("--strict", is_flag=True, help=words)


def exit_code(words: str) -> Callable[[F], F]:
    """Make the option `--exit-code`."""
    return click.option("--exit-code", "has_exit_code", is_flag=True, help=words)


def keys(option: str, words: str) -> Callable[[F], F]:
    """Make an option that agrees to something for the workflow of a key.

    It takes no pattern: that would also agree for workflows that no one has looked at.
    """
    return click.option(
        option,
        type=NonEmpty(),
        multiple=True,
        metavar="KEY",
        help=f"{words} Separate several keys by commas, or repeat it.",
        callback=lambda _, __, texts: [
            key for text in texts for key in text.split(",") if key
        ],
    )


create = keys("--create", "Create this workflow: it is new, and not a renamed one.")

allow_spend = keys(
    "--allow-spend", "Agree that this workflow buys as soon as it is written."
)

values = click.option(
    "--values",
    type=FILE_OR_STDIN,
    metavar="FILE",
    help='A JSON object with the content of each value("name"); - is stdin.',
)


def command(name: str, *examples: str) -> Callable[[F], click.Command]:
    """Make a command with examples at the end of its help text.

    Args:
        name: The name.
        *examples: Command lines.
    """
    lines = "\n".join(f"  {line}" for line in examples)
    return click.command(name, epilog=f"\b\nExample:\n{lines}")


def read_values(file: Path | None) -> Mapping[str, Any] | None:
    """Read the values of a JSON file, by name.

    Raises:
        click.UsageError: The file is not a JSON object. Its content is not shown.
    """
    if file is None:
        return None
    found: Any = None
    name = STDIN if is_dash(file) else str(file)
    problem = f"{name} is not a JSON object"
    try:
        found = json.loads(_read_bytes(file, "--values", "a JSON object"))
    except json.JSONDecodeError as error:
        why = describe_stray_comma(error) or error.msg
        problem = f"{name}:{error.lineno}: it is not valid JSON: {why}"
    except (OSError, ValueError, RecursionError):
        pass
    if not isinstance(found, dict):
        raise option_error("--values", f'{problem}; write {{"NAME": "its content"}}')
    return cast(dict[str, Any], found)


def _read_bytes(file: Path, what: str, form: str) -> bytes:
    return read_stdin(what, form) if is_dash(file) else file.read_bytes()


def read_dash(text: str, what: str = "SOURCE") -> SourceAddress | None:
    """Return the address of the JSON on stdin if a text stands for it, else None."""
    if not is_dash(text):
        return None
    from .. import loading  # noqa: PLC0415 - loads the language

    content = read_stdin(what, "the JSON of one workflow")
    return loading.SourceAddress(text, STDIN, content=content)


def selection(function: F) -> F:
    """Add the options that select workflows, as one parameter `selection`."""

    @wraps(function)
    def call(
        *, select: Sequence[str], exclude: Sequence[str], is_changed: bool, **given: Any
    ) -> Any:
        from ..loading import Selection  # noqa: PLC0415 - loads the language

        return function(selection=Selection(select, exclude, is_changed), **given)

    for option in (
        click.option(
            "--changed",
            "is_changed",
            is_flag=True,
            help="Only workflows whose code differs from that of their last deploy.",
        ),
        click.option(
            "--exclude",
            type=NonEmpty(),
            multiple=True,
            metavar="PATTERN",
            help="Leave out workflows by their keys; repeatable.",
        ),
        click.option(
            "-s",
            "--select",
            type=NonEmpty(),
            multiple=True,
            metavar="PATTERN",
            help="Only workflows with such keys, as in 'leads/*'; repeatable.",
        ),
    ):
        call = option(call)
    return cast(F, call)


def repeat_options(
    selection: Selection, values: Path | None, *, no_code: bool
) -> Sequence[str]:
    """Return options of a command line, for a command that does it again."""
    words = [word for one in selection.select for word in ("--select", one)]
    words += [word for one in selection.exclude for word in ("--exclude", one)]
    words += ["--changed"] if selection.is_changed else []
    words += [] if values is None else ["--values", str(values)]
    return [*words, *(["--no-code"] if no_code else [])]


def find_address(
    text: str, env: str | None = None, *, prefers_live: bool = False
) -> Address:
    """Parse an address. See `loading.parse_address`.

    `-` is JSON on stdin, which is read now. If it is live, `--env` may only repeat its
    environment.
    """
    from .. import loading  # noqa: PLC0415 - loads the language

    if (read := read_dash(text)) is not None:
        return read
    found = loading.parse_address(text, env, prefers_live=prefers_live)
    if isinstance(found, loading.LiveAddress):
        loading.require_same_env(found, env)
    return found


def load_source(
    source: str | Address | None = None,
    env: str | None = None,
    *,
    selection: Selection | None = None,
    code: bool = True,
    may_be_empty: bool = False,
    lenient: bool = False,
) -> Loaded:
    """Load a source, and print its notes. See `loading.load_source`.

    Args:
        source: The source, or its address. A live address is read, with secrets
            redacted. `-` is JSON on stdin.
        env: The environment in which to look for changes.
        selection: The workflows to keep.
        code: See `loading.load_source`, as for the others.
    """
    from .. import loading  # noqa: PLC0415 - loads the language

    chosen = selection or loading.EVERYTHING
    if isinstance(source, str):
        source = read_dash(source) or source
    if isinstance(source, loading.LiveAddress):
        loaded = loading.select_workflows(_load_live(source, chosen), chosen)
    else:
        loaded = loading.load_source(
            source,
            selection=chosen,
            code=code,
            may_be_empty=may_be_empty,
            lenient=lenient,
        )
    for note in loaded.notes:
        print_message(note)
    return _keep_changed(loaded, env) if chosen.is_changed else loaded


def _load_live(address: LiveAddress, selection: Selection) -> Loaded:
    """Read live workflows, with secrets redacted.

    Raises:
        SourceError: There are none, or it is asked which of them changed.
    """
    from .. import loading  # noqa: PLC0415 - loads the language
    from ..loading import load_live  # noqa: PLC0415 - see above
    from ._service import connect, find_environment  # noqa: PLC0415 - loads httpx

    if selection.is_changed:
        problem = f"--changed is about code, and {address.text} is live"
        advice = f"flow64 diff {shlex.quote(address.text)} code"
        raise SourceError(f"{problem}; {advice}", is_usage=True)
    environment = find_environment(address.env)
    with connect(address.env) as client:
        return load_live(client, address, loading.select_set_values(environment.bound))


def _keep_changed(loaded: Loaded, env: str | None) -> Loaded:
    """Keep the workflows that differ from what is deployed, and print how many."""
    from ..loading import select_changed  # noqa: PLC0415 - loads httpx
    from ._service import connect  # noqa: PLC0415 - loads httpx

    with connect(env) as client:
        kept = select_changed(loaded, client)
        count, every = len(kept.workflows), pluralize(len(loaded.workflows), "workflow")
        print_message(
            f"{count} of {every} changed since the last deploy to {client.env}"
        )
    return kept


def require_whole(loaded: Loaded) -> None:
    """Refuse to prune if only some workflows were loaded.

    Raises:
        click.UsageError: A key or a selection picked them.
    """
    if loaded.is_picked:
        problem = "pruning needs the project loaded whole"
        advice = "leave out --select, --exclude, --changed and the key of SOURCE"
        raise option_error("--prune", f"{problem}; {advice}")


def require_selected(option: str, given: Sequence[str], loaded: Loaded) -> None:
    """Refuse the key of a workflow that the selection leaves out.

    Raises:
        click.UsageError: A key is that of another workflow of the source.
    """
    left_out = {one.name for one in loaded.left_out}.difference(loaded.names)
    for key in given:
        if key in left_out:
            problem = f"{key!r} is not among the selected workflows"
            raise option_error(option, f"{problem}; select it too, or leave this out")


def check_keys(option: str, given: Sequence[str], names: Sequence[str]) -> None:
    """Refuse the key of an unknown workflow: it may be misspelled.

    Raises:
        click.UsageError: A key is unknown, or a pattern.
    """
    for key in given:
        if key not in names:
            raise option_error(option, _describe_unknown_key(key, names))


def _describe_unknown_key(key: str, names: Sequence[str]) -> str:
    from ..loading import list_names  # noqa: PLC0415 - loads the language

    near = did_you_mean(key, names)
    known = f"there are {list_names(names)}" if names else "there is none"
    return f"there is no workflow {key!r}{near}; {known}"


def require_run_id(client: Client, run_id: str) -> None:
    """Refuse the beginning of the id of a run, and say which run it may be.

    Raises:
        click.UsageError: It is not a whole id.
    """
    if is_uuid(run_id):
        return
    runs = [one.job_id for one in client.runs.list(limit=MOST_RUNS)]
    found = [one for one in runs if one.lower().startswith(run_id.lower())]
    near = f" (did you mean {found[0]}?)" if len(found) == 1 else ""
    if len(found) > 1:
        near = f", and {len(found)} runs begin so"
    advice = "" if len(found) == 1 else "; `flow64 runs` lists the newest ones"
    advice = name_environment(advice)
    problem = f"{run_id!r} is not the whole id of a run{near}{advice}"
    raise option_error("RUN_ID", problem)


MOST_RUNS: Final = 100
"""Newest runs that the beginning of an id is compared with."""


def parse_block(text: str | None) -> str | int | None:
    """Return the number or the key path that `--block` names."""
    if text is not None and re.fullmatch("[0-9]{1,9}", text):
        return int(text)
    return text


def parse_settings(given: Sequence[str]) -> Mapping[str, Any] | None:
    """Parse `--set field=value`; return None without any.

    Raises:
        click.UsageError: One has no value, a value that is not JSON, or a field that
            another one has.
    """
    found: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (name and sign):
            problem = f"{shortened(text)} does not say what to set"
            raise option_error(_SET, f"{problem}; {_SET_EXAMPLE}")
        if name in found:
            raise option_error(_SET, f"{shortened(name)} is set twice")
        try:
            found[name] = parse_json(value, _SET)
        except ReadError as error:
            problem = f"{shortened(value)} is not JSON"
            quoted = f"{name}={json.dumps(value, ensure_ascii=False)}"
            advice = f"if it is text, write {_SET} {shlex.quote(quoted)}"
            raise option_error(_SET, f"{problem}; {advice}") from error
    return found or None


_SET: Final = "--set"
_SET_EXAMPLE: Final = "write a field and its value in JSON: --set max_results=50"


def option_error(option: str, problem: str) -> click.BadParameter:
    """Make the error for a wrong value of an option."""
    return click.BadParameter(problem, param_hint=option)


def to_data(answer: Any, *, leave_out: Container[str] = ()) -> Any:
    """Convert an answer of the service to JSON data, with its undocumented fields.

    Args:
        answer: An answer, or several.
        leave_out: Fields that are printed under another name.
    """
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        return [to_data(one) for one in answer]  # pyright: ignore[reportUnknownVariableType] - of anything
    if not attrs.has(type(answer)):
        return answer
    found: dict[str, Any] = {
        name: to_data(getattr(answer, name))
        for name in names_of_data(type(answer))  # pyright: ignore[reportUnknownArgumentType] - any class
        if name not in leave_out
    }
    return {**found, **getattr(answer, "extra", {})}


def names_of_data(cls: type[Any]) -> Sequence[str]:
    """Return the fields of an answer of the service that are data."""
    fields: Sequence[attrs.Attribute[Any]] = attrs.fields(cls)
    return [
        field.name
        for field in fields
        if field.name != "extra" and field.metadata.get("is_wire", True)
    ]
