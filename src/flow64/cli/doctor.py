"""`flow64 doctor`: check the setup and the service."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click
from attrs import asdict, evolve

from ..client import Client
from ..doctor import Diagnosis, compare_kinds, diagnose
from ..environments import Environment, Settings, load, open_client
from ..text import pluralize
from . import _params as params
from ._colours import paint_report
from ._error_messages import describe_error
from ._exit_codes import FAILED
from ._options import OPTIONS
from ._param_types import PathName
from ._service import require_credential, warn_about_endpoint
from ._terminal import format_json, print_json, print_lines, print_message, write_file

REPORT_FORMAT = 2
"""Version of the report, under `flow64_report`."""


@params.command(
    "doctor",
    "flow64 doctor",
    "flow64 doctor --env prod --report report.json",
)
@params.env
@click.option(
    "--report",
    type=PathName(dir_okay=False),
    metavar="FILE",
    help="Also write each kind and field of the service, beside those of flow64, as "
    "JSON that can be shared.",
)
@params.as_json
def command(*, env: str | None, report: Path | None, as_json: bool) -> int:
    """Check the setup, and what the service answers to a few reads.

    It shows the clock, the credential, the balance, and how the service's list of
    blocks differs from what flow64 knows; -v shows more. You can share what is printed:
    it has no key, no value of a variable, no whole id, and nothing of a workflow. Exits
    with 1 if something is wrong.
    """
    settings = load()
    environment = settings.environment(env)
    OPTIONS.environment = environment
    diagnosis = diagnose(
        settings,
        environment,
        connect=lambda: _connect(settings, environment),
        describe_error=describe_error,
    )
    if report is not None and diagnosis.live is not None:
        data = {
            "flow64_report": REPORT_FORMAT,
            "flow64": version("flow64"),
            "date": datetime.now(UTC).date().isoformat(),
            "kinds": compare_kinds(diagnosis.live),
        }
        write_file(report, format_json(data))
    if as_json:
        print_json({"checks": [asdict(check) for check in diagnosis.checks]})
    else:
        print_lines(_format(diagnosis), paint_report)
    count = diagnosis.problems
    print_message(f"{pluralize(count, 'problem')}" if count else "nothing is wrong")
    return FAILED if count else 0


@contextmanager
def _connect(settings: Settings, environment: Environment) -> Generator[Client]:
    require_credential(settings, environment)
    # A credential of another organisation is part of the diagnosis.
    with open_client(evolve(environment, org_id=None)) as client:
        warn_about_endpoint(settings, environment, client)
        yield client


def _format(diagnosis: Diagnosis) -> Generator[str]:
    for check in diagnosis.checks:
        mark = "wrong: " if check.is_problem else ""
        yield f"{check.name:<13}{mark}{check.says}"
        if check.is_problem or OPTIONS.is_verbose:
            yield from (f"{'':13}{line}" for line in check.details)
