"""Parameters that several commands have, and reading what they name."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast

import click

from .. import loading
from ..definition import DEFAULT_ENV
from ..environments import Environment
from ..environments import load as load_settings
from ..text import DASH, did_you_mean
from . import printing
from .commands import STATE, note_flag

if TYPE_CHECKING:
    from ..client import Client

F = TypeVar("F", bound=Callable[..., Any])


class Decorator(Protocol):
    """An option or an argument, as it is put on a command."""

    def __call__(self, function: F, /) -> F:
        """Add it."""


class NonEmpty(click.ParamType[str]):
    """A text that is not empty, as of a variable that is not set."""

    name = "text"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Refuse an empty text."""
        if not str(value).strip():
            self.fail(
                "it is empty: is the variable set that it comes from?", param, ctx
            )
        return value


class PathName(click.Path):
    """The path of a file or folder. It is not empty, which would be the folder `.`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Refuse an empty path, and `-` if it does not stand for stdin or stdout."""
        if is_dash(value) and not self.allow_dash:
            self.fail("- is not stdout here: name a file or folder", param, ctx)
        return super().convert(NonEmpty().convert(value, param, ctx), param, ctx)


FILE: Final = PathName(exists=True, dir_okay=False)

source: Decorator = click.argument("source", required=False)
"""The workflows of a command that compiles code."""


def option(names: str, words: str, metavar: str = "", **options: Any) -> Decorator:
    """Make an option: with a metavar it takes a text, which is not empty; else a flag.

    Args:
        names: What is typed, and the parameter if it has another name, as in
            `-e --env` or `--check is_check`.
        words: Its help text.
        metavar: What stands for its value there.
        **options: What `click.option` takes besides.
    """
    kind = {"type": NonEmpty(), "metavar": metavar} if metavar else {"is_flag": True}
    decorator: Decorator = click.option(
        *names.split(), help=words, **{**kind, **options}
    )
    return decorator


as_json: Decorator = option(
    "--json", "Print data instead of text.", expose_value=False, callback=note_flag
)

env: Decorator = option(
    "-e --env", "The environment, of those in pyproject.toml.", "NAME"
)


def _check_env(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    return None if name is None else find_environment(name).key


# Neither `FLOW64_ENV` nor `default_env` counts here: the same command on another
# machine, or in another job, would write other bytes.
ids_env: Decorator = option(
    "-e --env",
    f"The environment of the ids. Without it, always {DEFAULT_ENV!r}.",
    "NAME",
    callback=_check_env,
)

no_code: Decorator = option(
    "--no-code", "Import no module: read compiled JSON, with its flow64.json."
)

run_id: Decorator = click.argument("run_id", metavar="RUN_ID", type=NonEmpty())

overwrite: Decorator = option("--overwrite", "Replace existing files.")

yes: Decorator = option("-y --yes", "Do not ask.")

exit_code: Decorator = option(
    "--exit-code has_exit_code", "Exit with 2 if there are changes."
)

rows: Decorator = option(
    "--rows",
    "What the change does with the rows that RUN recorded: an id, or `latest`. Nothing "
    "is bought.",
    "RUN",
)

block: Decorator = option(
    "--block",
    "The rows of this block, by its key or number. Needed if the workflow ends in "
    "several.",
    "KEY",
    callback=lambda _, __, text: (
        int(text) if text and re.fullmatch("[0-9]{1,9}", text) else text
    ),
)


def output(metavar: str, words: str, *, dash: bool = True, **options: Any) -> Decorator:
    """Make the option `-o`.

    By default `-` is None, as without the option: both mean stdout. With `dash=False`
    it is refused, and with `callback=None` it stays a path.
    """
    callback = _drop_dash if dash else None
    options = {"type": PathName(allow_dash=dash), "callback": callback, **options}
    return option("-o --output", words, metavar, **options)


def _drop_dash(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    return None if is_dash(path) else path


def keys(name: str, words: str) -> Decorator:
    """Make an option that agrees to something for workflows; see `pick_keys`.

    It takes no pattern: that would also agree for workflows that no one has looked at.
    """
    return option(name, f"{words} Repeatable, also as A,B.", "KEY", multiple=True)


create: Decorator = keys(
    "--create", "Create this workflow: it is new, and not a renamed one."
)

allow_spend: Decorator = keys(
    "--allow-spend", "Agree that this workflow buys as soon as it is written."
)


def selection(function: F) -> F:
    """Add the options that select workflows, as one parameter `selection`."""

    @wraps(function)
    def call(*, select: Sequence[str], exclude: Sequence[str], **options: Any) -> Any:
        return function(selection=loading.Selection(select, exclude), **options)

    for names, words in (
        ("--exclude", "Leave out workflows by their keys; repeatable."),
        ("-s --select", "Only workflows with such keys, as in 'leads/*'."),
    ):
        call = option(names, words, "PATTERN", multiple=True)(call)
    return cast(F, call)


def form(choices: Iterable[str], words: str) -> Callable[[F], F]:
    """Make the options `--format`, and `--json` for one of its forms."""

    def add(function: F) -> F:
        short = click.option(
            "--json", "form", flag_value="json", help="The same as --format json."
        )
        named = click.option(
            "--format", "form", type=click.Choice([*choices]), default=None, help=words
        )
        return named(short(function))

    return add


def command(name: str, *examples: str) -> Callable[[F], click.Command]:
    """Make a command with examples at the end of its help text."""
    lines = "\n".join(f"  {line}" for line in examples)
    return click.command(name, epilog=f"\b\nExample:\n{lines}")


def option_error(option: str, problem: str) -> click.BadParameter:
    """Make the error for a wrong value of an option."""
    return click.BadParameter(problem, param_hint=option)


# -- What they name -------------------------------------------------------------------


def find_environment(env: str | None) -> Environment:
    """Return an environment by its name, from pyproject.toml or the variables.

    Raises:
        ConfigError: The file has mistakes, the name is unknown, or several environments
            are configured and none was named.
    """
    return load_settings().environment(env)


def connect(env: str | None) -> AbstractContextManager[Client]:
    """Connect a client; see `service.connect`."""
    # Without a live address nothing is sent, and httpx is not loaded.
    from .service import connect as connect_client  # noqa: PLC0415 - see above

    return connect_client(env)


def load(
    source: str | loading.Address | None,
    env: str | None = None,
    *,
    code: bool = True,
    **options: Any,
) -> loading.Loaded:
    """Load the workflows at an address, code or live.

    Args:
        source: The address; None for the project's code.
        env: The environment that a live address may only repeat.
        code: Whether modules may be imported. If not, only JSON is read.
        **options: See `loading.load_source`.
    """
    if isinstance(source, str):
        source = parse_address(source, env)
    if isinstance(source, loading.LiveAddress):
        environment = find_environment(source.env)
        values = loading.select_set_values(environment.bound)
        with connect(source.env) as client:
            loaded = loading.load_live(client, source, values=values)
        selection = options.get("selection", loading.EVERYTHING)
        return loading.select_workflows(loaded, selection)
    return loading.load_source(source, code=code, **options)


def parse_address(text: str, env: str | None = None) -> loading.Address:
    """Parse an address. If it is live, `--env` may only repeat its environment."""
    address = loading.parse_address(text, env)
    if isinstance(address, loading.LiveAddress):
        refuse_other_env(address, env)
    return address


def refuse_other_env(address: loading.LiveAddress, env: str | None) -> None:
    """Refuse `--env` if it is not the environment of a live address."""
    if env is not None and find_environment(env).name != address.env:
        raise option_error("--env", f"leave it out: {address.text} is in {address.env}")


def pick_keys(
    option: str,
    texts: Sequence[str],
    names: Sequence[str],
    left_out: Sequence[str] = (),
) -> Sequence[str]:
    """Return the keys of an option. A text that is no key is a list of keys.

    Args:
        option: The option.
        texts: What it was given.
        names: The keys of the workflows that there are.
        left_out: Those that the selection leaves out.

    Raises:
        click.UsageError: A key is unknown: it may be misspelled.
    """
    picked = [
        key
        for text in texts
        for key in ([text] if text in names else filter(None, text.split(",")))
    ]
    for key in picked:
        if key in left_out and key not in names:
            problem = f"{key!r} is not among the selected workflows"
            raise option_error(option, f"{problem}; select it too, or leave this out")
        if key not in names:
            near = did_you_mean(key, names)
            there = (
                f"there are {loading.list_names(names)}" if names else "there is none"
            )
            raise option_error(option, f"there is no workflow {key!r}{near}; {there}")
    return picked


def is_dash(text: str | Path | None) -> bool:
    """Return True if an argument stands for stdin or stdout."""
    return text is not None and str(text) == DASH


def read_stdin() -> bytes:
    """Read the rows that are the whole of stdin.

    Raises:
        click.UsageError: It is closed or empty.
    """
    STATE.has_read_stdin = True
    if sys.stdin is not None and sys.stdin.isatty():
        printing.tell("reading ROWS: CSV with a header, or JSON; Ctrl-D ends them")
    content: bytes = sys.stdin.buffer.read() if sys.stdin else b""
    if not content.strip():
        raise click.UsageError("ROWS is -, and stdin is empty or closed")
    return content
