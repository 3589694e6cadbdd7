"""Options and arguments that several commands have, and what is made of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import attrs
import click

from ..definition import DEFAULT_ENV
from ..errors import did_you_mean
from ._completing import environments

F = TypeVar("F", bound=Callable[..., Any])


class Whole(click.IntRange):
    """A whole number inside limits; called that where something else is given."""

    name = "whole number"


FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print data instead of text."
)

env_option = click.option(
    "--env",
    metavar="NAME",
    shell_complete=environments,
    help="The environment. Left out, it is the only one that [tool.flow64] names; of "
    f"several one has to be named; where there is none, it is {DEFAULT_ENV!r}, by the "
    "variables SIXTYFOUR_API_ENDPOINT and SIXTYFOUR_API_KEY. The emulator is always "
    "there as 'emulator'.",
)

ids_env_option = click.option(
    "--env",
    metavar="NAME",
    shell_complete=environments,
    help="The environment whose ids are meant, also where several are configured; "
    f"{DEFAULT_ENV!r} where it is left out.",
)

no_code_option = click.option(
    "--no-code",
    is_flag=True,
    help="Import no module: SOURCE is compiled JSON, and flow64.json beside it.",
)

manifest_option = click.option(
    "--manifest",
    type=FILE,
    metavar="FILE",
    help="With --no-code: read a folder that nobody vouches for by this flow64.json, "
    "which has its own JSON beside it, and believe nothing that the folder says of "
    "its ids.",
)

run_argument = click.argument("run_id", metavar="RUN_ID")

every_option = click.option(
    "--every",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    metavar="SECONDS",
    show_default=True,
    help="How long to wait between looks.",
)

timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=24 * 3600.0,
    metavar="SECONDS",
    help="When to give up, which leaves the run going; a day by default.",
)

max_bytes_option = click.option(
    "--max-bytes",
    type=Whole(min=1),
    metavar="N",
    help="The most bytes to download for one file. By default it is the size that the "
    "service lists, or 1 GiB if it lists none.",
)

allow_unproven_option = click.option(
    "--allow-unproven",
    is_flag=True,
    help="Keep a file even if nothing proves that it is complete.",
)

yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def dry_run_option(words: str) -> Callable[[F], F]:
    """The option `--dry-run`, with the words for what a command shows instead."""
    return click.option("--dry-run", is_flag=True, help=words)


values_option = click.option(
    "--values",
    type=FILE,
    metavar="FILE",
    help='A JSON object: what each value("name") stands for.',
)


def example(*lines: str) -> str:
    """How a command is used, for the end of its help."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def read_values(file: Path | None) -> Mapping[str, Any] | None:
    """What values stand for, by name.

    Raises:
        click.UsageError: The file holds no JSON object; nothing in it is shown.
    """
    if file is None:
        return None
    found: Any
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise wrong("--values", f"{file} is no JSON object")
    return cast(dict[str, Any], found)


def require_known(option: str, given: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a key that is none of those that a command works on.

    Raises:
        click.UsageError: It is not.
    """
    for key in given:
        if key not in names:
            near = did_you_mean(key, names)
            raise wrong(option, f"there is no workflow {key!r}{near}")


def block_of(text: str | None) -> str | int | None:
    """Return what `--block` names: a number, else a key path; None if nothing."""
    if text is not None and re.fullmatch("[0-9]{1,9}", text):
        return int(text)
    return text


def wrong(option: str, problem: str) -> click.BadParameter:
    """The error for what an option gives."""
    context = click.get_current_context(silent=True)
    return click.BadParameter(problem, context, param_hint=option)


def data_of(answer: Any) -> Any:
    """An answer of the service as JSON data, with what is undocumented beside it."""
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        return [data_of(one) for one in answer]  # pyright: ignore[reportUnknownVariableType] - of anything
    if not attrs.has(type(answer)):
        return answer
    fields: Sequence[attrs.Attribute[Any]] = attrs.fields(type(answer))  # pyright: ignore[reportUnknownArgumentType] - any class
    found: dict[str, Any] = {
        field.name: data_of(getattr(answer, field.name))
        for field in fields
        if field.name != "extra" and field.metadata.get("is_wire", True)
    }
    return {**found, **getattr(answer, "extra", {})}
