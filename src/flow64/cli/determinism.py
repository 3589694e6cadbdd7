"""`flow64 determinism`: check that code compiles to the same bytes everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from attrs import frozen

from ..determinism import SAME, Difference, compare_processes
from ..files import relative_path
from ..loading import load_source
from ..text import shortened
from . import params, printing
from .errors import FAILED


@frozen
class Compared:
    """The result of several processes."""

    is_same: bool
    processes: int
    keys: Sequence[str]
    difference: Difference | None

    def __rich__(self) -> str:
        difference = self.difference
        if difference is None:
            return f"{len(self.keys):,} same in {self.processes} processes"
        cause = f"differs with {difference.cause}"
        if difference.cause == SAME:
            cause = (
                "two processes with the same settings differ: look for uuid4, the "
                "clock, random, id(), threads, files that change, or the network"
            )
        if difference.key is None and isinstance(difference.after, str):
            return f"{cause}\n{difference.after}"  # why it does not compile
        parts = (difference.key, difference.pointer, difference.place)
        return (
            f"{cause}: {'  '.join(filter(None, parts)) or 'all workflows'}\n"
            f"  first  {shortened(difference.before)}\n"
            f"  other  {shortened(difference.after)}"
        )


@params.command(
    "determinism",
    "flow64 determinism pipelines",
    "flow64 determinism pipelines/leads.py --processes 20",
)
@params.source
@params.option(
    "--processes",
    "How many processes compile it.",
    "N",
    type=click.IntRange(min=3),
    default=8,
    show_default=True,
)
@params.ids_env
@params.as_json
def command(*, source: str | None, processes: int, env: str | None) -> int:
    """Compile in fresh processes, and check that all produce the same bytes.

    SOURCE is a file, folder, module or key; by default the project's code. Each process
    has another hash seed, time zone, locale or working folder than the first. If JSON
    or ids differ, the command exits with 1, and shows the first place that differs, and
    the setting that makes it differ.
    """
    loaded = load_source(source)
    compared = compare_processes(loaded, env, processes)
    if compared.problem is not None:
        place = str(Path(loaded.source).absolute())
        problem = compared.problem.replace(place, relative_path(place))
        raise click.ClickException(problem)
    difference = compared.difference
    result = Compared(difference is None, processes, compared.keys, difference)
    printing.emit(result)
    return FAILED if difference else 0
