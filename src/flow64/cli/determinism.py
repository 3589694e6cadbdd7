"""`flow64 determinism`: check that code compiles to the same bytes everywhere."""

from __future__ import annotations

from pathlib import Path

import click
from attrs import asdict

from ..determinism import SAME, Comparison, Difference, compare_processes
from ..errors import shortened
from ..files import relative_path
from ..loading import parse_source, require_project_source, split_source
from ..text import pluralize, printable
from . import _params as params
from ._exit_codes import FAILED
from ._terminal import print_json, print_line, print_message


@params.command(
    "determinism",
    "flow64 determinism pipelines",
    "flow64 determinism pipelines/leads.py --processes 20",
)
@params.source
@click.option(
    "--processes",
    type=click.IntRange(min=3),
    default=8,
    show_default=True,
    metavar="N",
    help="How many processes compile it.",
)
@params.ids_env
@params.values
@params.as_json
def command(
    *,
    source: str | None,
    processes: int,
    env: str | None,
    values: Path | None,
    as_json: bool,
) -> int:
    """Compile in fresh processes, and check that all produce the same bytes.

    SOURCE is a file, folder, module or key, or ENV:KEY for what is live; by default
    the project's code. Each process has another hash seed, time zone, locale or working
    folder than the first. If JSON or ids differ, the command exits with 1, and shows
    the first place that differs, and the setting that makes it differ.
    """
    located = _locate_source(source)
    comparison = compare_processes(
        located, env, params.read_values(values), processes=processes
    )
    if comparison.problem is not None:
        place, _ = split_source(located)
        problem = comparison.problem.replace(place, relative_path(place))
        raise click.ClickException(problem)
    if as_json:
        print_json(
            {
                "is_same": comparison.difference is None,
                "processes": processes,
                "keys": comparison.keys,
                "difference": comparison.difference and asdict(comparison.difference),
            }
        )
    elif comparison.difference is not None:
        _print_difference(comparison.difference)
    print_message(_summarize(comparison, processes))
    return FAILED if comparison.difference else 0


def _locate_source(given: str | None) -> str:
    """Return a source that is found from any working folder."""
    if given is None:
        source = require_project_source()
    else:
        address = parse_source(given)
        source = address.otherwise or address.source
    place, key = split_source(source)
    if not Path(place).exists():
        return source
    return f"{Path(place).absolute()}" + ("" if key is None else f":{key}")


def _print_difference(difference: Difference) -> None:
    if difference.key is None and isinstance(difference.after, str):
        for line in difference.after.splitlines():  # why it does not compile
            print_line(printable(line))
        return
    parts = (difference.key, difference.pointer, difference.place)
    print_line(printable("  ".join(filter(None, parts)) or "all workflows"))
    print_line(f"  first  {shortened(difference.before)}")
    print_line(f"  other  {shortened(difference.after)}")


def _summarize(comparison: Comparison, processes: int) -> str:
    difference = comparison.difference
    count = pluralize(len(comparison.keys), "workflow")
    if difference is None:
        return f"{count}: the same in {processes} processes"
    if difference.cause == SAME:
        return (
            "two processes with the same settings differ: look for uuid4, the clock, "
            "random, id(), threads, files that change, or the network"
        )
    return f"differs with {difference.cause}"
