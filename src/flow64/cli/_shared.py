"""Options and arguments of several commands."""

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
from ._completion import complete_environments

F = TypeVar("F", bound=Callable[..., Any])


class Whole(click.IntRange):
    """A whole number inside limits. Errors call it that."""

    name = "whole number"


FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print data instead of text."
)

env_option = click.option(
    "--env",
    metavar="NAME",
    shell_complete=complete_environments,
    help="The environment. Left out, it is the only one that [tool.flow64] names; of "
    f"several one has to be named; where there is none, it is {DEFAULT_ENV!r}, by the "
    "variables SIXTYFOUR_API_ENDPOINT and SIXTYFOUR_API_KEY. The emulator is always "
    "there as 'emulator'.",
)

ids_env_option = click.option(
    "--env",
    metavar="NAME",
    shell_complete=complete_environments,
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
    """Make the option `--dry-run` with its help text."""
    return click.option("--dry-run", is_flag=True, help=words)


values_option = click.option(
    "--values",
    type=FILE,
    metavar="FILE",
    help='A JSON object: what each value("name") stands for.',
)


def format_example(*lines: str) -> str:
    """Format examples for the end of a help text."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def read_values(file: Path | None) -> Mapping[str, Any] | None:
    """Read the values of a JSON file, by name.

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
        raise option_error("--values", f"{file} is no JSON object")
    return cast(dict[str, Any], found)


def require_known(option: str, given: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a key of an unknown workflow.

    Raises:
        click.UsageError: It is not.
    """
    for key in given:
        if key not in names:
            near = did_you_mean(key, names)
            raise option_error(option, f"there is no workflow {key!r}{near}")


def parse_block(text: str | None) -> str | int | None:
    """Return what `--block` names: a number, else a key path; None if nothing."""
    if text is not None and re.fullmatch("[0-9]{1,9}", text):
        return int(text)
    return text


def option_error(option: str, problem: str) -> click.BadParameter:
    """Make the error for a wrong value of an option."""
    context = click.get_current_context(silent=True)
    return click.BadParameter(problem, context, param_hint=option)


def to_data(answer: Any) -> Any:
    """Convert an answer of the service to JSON data, with its undocumented fields."""
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        return [to_data(one) for one in answer]  # pyright: ignore[reportUnknownVariableType] - of anything
    if not attrs.has(type(answer)):
        return answer
    fields: Sequence[attrs.Attribute[Any]] = attrs.fields(type(answer))  # pyright: ignore[reportUnknownArgumentType] - any class
    found: dict[str, Any] = {
        field.name: to_data(getattr(answer, field.name))
        for field in fields
        if field.name != "extra" and field.metadata.get("is_wire", True)
    }
    return {**found, **getattr(answer, "extra", {})}
