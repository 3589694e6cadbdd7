"""`flow64 doctor`: check the setup and the service, in a report that can be shared."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from attrs import evolve

from ..client import Client
from ..doctor import STATES, Diagnosis, diagnose, make_report
from ..environments import Environment, Settings, load, open_client
from ..text import printable
from . import _params as params
from ._error_messages import describe_error
from ._exit_codes import FAILED
from ._options import OPTIONS
from ._service import require_credential, warn_about_endpoint
from ._terminal import (
    format_json,
    print_json,
    print_lines,
    print_message,
    write_file,
)


@params.command(
    "doctor",
    "flow64 doctor",
    "flow64 doctor --env prod -o setup.txt",
    "flow64 doctor --env prod --report report.json",
)
@params.env
@params.output_file("Write what is printed into a file.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write a report that can be shared, as JSON: each kind and field of the "
    "service, beside what flow64 assumes.",
)
@params.as_json
def command(
    *, env: str | None, output: Path | None, report: Path | None, as_json: bool
) -> int:
    """Check the setup, and what the service answers to reads.

    You can share what is printed. It has no key, no value of a variable, no whole id,
    and no title, text or row of a workflow. It also shows which assumptions of flow64
    the service confirms or contradicts. Exits with 1 if something is wrong with your
    setup. A contradiction alone does not count as wrong.
    """
    settings = load()
    environment = settings.environment(env)
    OPTIONS.environment = environment
    found = diagnose(
        settings,
        environment,
        connect=lambda: _connect(settings, environment),
        describe_error=describe_error,
    )
    if output is not None:
        text = "".join(f"{printable(line)}\n" for line in format_report(found))
        write_file(output, format_json(found.as_data()) if as_json else text)
    elif as_json:
        print_json(found.as_data())
    else:
        print_lines(format_report(found))
    if report is not None:
        made = make_report(found)
        write_file(report, format_json(made))
        counts = ", ".join(f"{n} {verdict}" for verdict, n in made["verdicts"].items())
        print_message(f"assumptions and fields: {counts}")
    count = len(found.problems)
    things = "1 thing is" if count == 1 else f"{count} things are"
    print_message(f"{things} wrong" if count else "nothing is wrong")
    return FAILED if count else 0


@contextmanager
def _connect(settings: Settings, environment: Environment) -> Generator[Client]:
    require_credential(settings, environment)
    # A credential of another organisation is part of the report, and does not end it.
    with open_client(evolve(environment, org_id=None)) as client:
        warn_about_endpoint(settings, environment, client)
        yield client


def format_report(found: Diagnosis) -> Iterator[str]:
    """The lines of a report."""
    versions = found.versions
    yield _line(
        "flow64",
        f"{versions['flow64']} · Python {versions['python']} · {versions['system']}",
    )
    yield _line("extras", _by_truth(found.extras, "", "not installed: "))
    yield _line("settings", found.file or "none: the variables alone")
    for one in found.environments:
        expects = " · expects an organisation" if one.expects else ""
        yield _line("", f"{one.name} · {one.endpoint} · {one.credential}{expects}")
    yield _line("variables", _by_truth(found.variables, "set: ", "not set: "))
    yield _line("proxies", ", ".join(f"{k} ({v})" for k, v in found.proxies.items()))
    for place in found.places:
        state = "can be written" if place.problem is None else place.problem
        where = "nowhere" if place.path is None else f"{place.path} · {state}"
        yield _line("", f"{place.what}: {where}")
    yield _line(
        "looked at", f"{found.environment} · {found.endpoint or 'the emulator'}"
    )
    yield from _service(found)
    yield from _assumptions(found)
    for problem in found.problems:
        first, *more = problem.splitlines()
        yield _line("wrong", first)
        yield from (_line("", line) for line in more)


def _service(found: Diagnosis) -> Iterator[str]:
    if found.credential is None:
        return
    yield _line("credential", STATES[found.credential])
    expected = {True: " (the expected one)", False: " (not the expected one)"}
    owner = ", ".join(found.organisations)
    if found.is_expected is not None:
        owner += expected[found.is_expected]
    yield _line("belongs to", owner or "no answer names an organisation")
    left = "unknown" if found.credits is None else f"{found.credits:,.2f} credits"
    yield _line("balance", left)
    skew = "no answer says its time"
    if found.skew is not None:
        skew = f"the service is {found.skew:+.0f} s from ours"
    yield _line("clock", skew)
    rates = ", ".join(f"{name}: {text}" for name, text in found.rates.items())
    yield _line("rates", rates or "no header tells of them")
    yield _line("asked", f"{len(found.asked)} reads, each once")
    for path, status in found.asked:
        yield _line("", f"GET {path} · {status or 'no answer'}")


def _assumptions(found: Diagnosis) -> Iterator[str]:
    if not found.assumptions:
        return
    yield ""
    yield "assumptions"
    for verdict in ("contradicted", "confirmed", "not seen"):
        for one in found.assumptions:
            if one.verdict == verdict:
                yield f"  {verdict:<13}{one.mark:<3}{one.name}: {one.says}"
                yield f"{'':18}{one.because} · looked at: {one.looked}"
    yield ""


def _by_truth(found: Mapping[str, bool], yes: str, no: str) -> str:
    there = ", ".join(name for name, is_so in found.items() if is_so)
    lacking = ", ".join(name for name, is_so in found.items() if not is_so)
    parts = [f"{yes}{there}" if there else "", f"{no}{lacking}" if lacking else ""]
    return "; ".join(filter(None, parts))


def _line(label: str, text: str) -> str:
    return f"{label:<12}{text or 'none'}"
