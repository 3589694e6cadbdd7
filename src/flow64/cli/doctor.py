"""`flow64 doctor`: check the setup and the service."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from attrs import evolve, frozen

from ..client import Client
from ..doctor import Check, diagnose
from ..environments import Environment, load, open_client
from ..text import pluralize
from . import errors, params, printing
from .service import require_credential
from .state import STATE


@frozen
class Diagnosed:
    """What was checked."""

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
@params.as_json
def command(*, env: str | None, as_json: bool) -> int:
    """Check the setup, and what the service answers to a few reads.

    It shows the clock, the credential, the balance, and how the service's list of
    blocks differs from what flow64 knows; -v shows more. You can share what is printed:
    it has no key, no value of a variable, no whole id, and nothing of a workflow. Exits
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
    result = Diagnosed(diagnosis.checks)
    printing.emit(result, as_json=as_json)
    return errors.FAILED if result.problems else 0


@contextmanager
def _connect(environment: Environment) -> Generator[Client]:
    require_credential(environment)
    # A credential of another organisation is part of the diagnosis.
    with open_client(evolve(environment, org_id=None)) as client:
        yield client
