"""`flow64 determinism`: check that code compiles to the same bytes everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from attrs import asdict

from ..determinism import (
    ALWAYS,
    Cause,
    Compilation,
    Difference,
    ProcessSettings,
    find_causes,
    vary_settings,
)
from ..errors import shortened
from ..files import relative_path
from ..loading import parse_source, require_project_source, split_source
from ..text import printable
from . import _params as params
from ._exit_codes import FAILED
from ._param_types import Number, Whole
from ._terminal import print_json, print_line, print_lines, print_message


@params.command(
    "determinism",
    "flow64 determinism pipelines",
    "flow64 determinism pipelines/leads.py --processes 20",
)
@params.source
@click.option(
    "--processes",
    type=Whole(min=2),
    default=8,
    show_default=True,
    metavar="N",
    help="How many processes compile it.",
)
@click.option(
    "--timeout",
    type=Number(min=0, min_open=True),
    default=60.0,
    metavar="SECONDS",
    show_default=True,
    help="How long each of them may take.",
)
@params.ids_env
@params.values
@params.as_json
def command(
    *,
    source: str | None,
    processes: int,
    timeout: float,
    env: str | None,
    values: Path | None,
    as_json: bool,
) -> int:
    """Compile in fresh processes, and check that all produce the same bytes.

    SOURCE is an address (see `flow64 help addresses`); by default the project's code.
    The processes differ in hash seed, clock, locale, time zone, working folder, umask
    and the seed of `random`. If their JSON or ids differ, the command exits with 1, and
    shows which setting makes the difference, and where in the JSON and in the code.

    The clock is that of Python's `time` and `datetime`. Monotonic clocks, file times,
    and the clocks of compiled code and other programs do not change.
    """
    located = _locate_source(source)
    job = Compilation(located, Path.cwd(), env, params.read_values(values), timeout)
    settings = [
        ProcessSettings(),
        *map(vary_settings, range(1, processes)),
    ]
    first, *others = job.run_all(settings)
    if first.problem is not None:
        place, _ = split_source(located)
        problem = first.problem.replace(place, relative_path(place))
        raise click.ClickException(problem)
    found: Sequence[Cause] = ()
    for one, outcome in zip(settings[1:], others, strict=True):
        if not outcome.is_same(first):
            found = find_causes(job, first, one)
            break
    if as_json:
        print_json(
            {
                "is_same": not found,
                "processes": processes,
                "keys": [*first.workflows],
                "causes": [*map(asdict, found)],
            }
        )
    else:
        _print_causes(found)
        if first.printed.strip():
            print_message(
                "the source prints while it is imported; that is not compared"
            )
        print_message(_summary(len(first.workflows), processes, found))
    return FAILED if found else 0


def _locate_source(given: str | None) -> str:
    """Return a source that is found from any working folder."""
    source = require_project_source() if given is None else parse_source(given).source
    place, key = split_source(source)
    if not Path(place).exists():
        return source
    return f"{Path(place).absolute()}" + ("" if key is None else f":{key}")


def _print_causes(found: Sequence[Cause]) -> None:
    for cause in found:
        change = f": {cause.before}, then {cause.after}" if cause.setting else ""
        print_line(printable(f"differs by {cause.says}{change}"))
        for difference in cause.differences:
            print_lines(f"  {line}" for line in _lines(difference))


def _lines(one: Difference) -> Sequence[str]:
    if one.key is None:
        problem = str(one.after or one.before).splitlines()
        head = "it cannot be compiled then:" if one.after else "it can be compiled then"
        return [head, *(f"  {line}" for line in problem)]
    place = f" · {one.place}" if one.place else ""
    return [
        f"{one.key} · {one.pointer or '(whole)'}{place}",
        f"  first  {shortened(one.before)}",
        f"  other  {shortened(one.after)}",
    ]


def _summary(workflows: int, processes: int, found: Sequence[Cause]) -> str:
    what = "1 workflow is" if workflows == 1 else f"{workflows} workflows are"
    if not found:
        return f"{what} the same in {processes} processes"
    if found[0].says == ALWAYS:
        return (
            "two processes with the same settings differ: look for uuid4, secrets, "
            "os.urandom, id(), threads, files that change, or the network"
        )
    return f"{what} not the same in {processes} processes"
