"""`flow64 doctor`: check the setup and the service."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve, frozen

from ..client import Client
from ..doctor import Check, diagnose, make_report
from ..environments import Environment, load, open_client
from ..text import pluralize
from . import errors, params, printing
from .commands import STATE
from .service import require_credential


@frozen
class Diagnosed:
    """All checks, each with its result."""

    checks: Sequence[Check]

    @property
    def problems(self) -> int:
        """The number of things that are wrong."""
        return sum(check.is_problem for check in self.checks)

    def __rich__(self) -> str:
        lines: list[str] = []
        for check in self.checks:
            mark = "wrong: " if check.is_problem else ""
            lines.append(f"{check.name:<13}{mark}{check.says}")
            if check.is_problem or STATE.is_verbose:
                lines += [f"{'':13}{line}" for line in check.details]
        count = self.problems
        lines.append(pluralize(count, "problem") if count else "nothing is wrong")
        return "\n".join(lines)


@params.command("doctor", "flow64 doctor", "flow64 doctor --env prod -v")
@params.env
@params.option(
    "--report",
    "Also write each kind and field of the service, and those of flow64, as JSON.",
    "FILE",
    type=params.PathName(dir_okay=False),
)
@params.as_json
def command(*, env: str | None, report: Path | None) -> int:
    """Check the setup, and what the service answers to a few reads.

    It shows the clock, the credential, the balance, and how the service's list of
    blocks differs from what flow64 knows; -v shows more. You can share all of it: it
    has no key, no value of a variable, no whole id, and nothing of a workflow. Exits
    with 1 if something is wrong.
    """
    settings = load()
    environment = settings.environment(env)
    diagnosis = diagnose(
        settings,
        environment,
        connect=lambda: _connect(environment),
        describe_error=errors.describe,
    )
    if report is not None and diagnosis.live is not None:
        printing.write_file(report, printing.format_json(make_report(diagnosis.live)))
    result = Diagnosed(diagnosis.checks)
    printing.emit(result)
    return errors.FAILED if result.problems else 0


@contextmanager
def _connect(environment: Environment) -> Generator[Client]:
    require_credential(environment)
    # A credential of another organisation is part of the diagnosis.
    with open_client(evolve(environment, org_id=None)) as client:
        yield client
