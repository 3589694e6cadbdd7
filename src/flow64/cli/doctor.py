"""`flow64 doctor`: check the setup and the service, in a report that can be shared."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
from attrs import evolve

from ..api import StopNow
from ..client import Client
from ..deploy import first_interrupt_waits
from ..doctor import (
    HARMLESS,
    STATES,
    TITLE,
    Diagnosis,
    MadeFile,
    Probe,
    ProbeResult,
    Sandbox,
    SavedList,
    diagnose,
    make_report,
)
from ..environments import Environment, Settings, load, open_client
from ..text import pluralize, printable
from . import _params as params
from ._colours import paint_report
from ._error_messages import describe_error
from ._exit_codes import FAILED, INTERRUPTED
from ._options import OPTIONS, name_environment
from ._output_options import output_file
from ._param_types import PathName
from ._service import require_credential, warn_about_endpoint
from ._terminal import (
    confirm,
    format_json,
    format_result,
    print_advice,
    print_error,
    print_json,
    print_lines,
    print_message,
    write_file,
)


@params.command(
    "doctor",
    "flow64 doctor",
    "flow64 doctor --env prod -o setup.txt",
    "flow64 doctor --env prod --probe --report report.json",
)
@params.env
@output_file("Write what is printed into a file.")
@click.option(
    "--report",
    type=PathName(dir_okay=False),
    metavar="FILE",
    help="Also write a report that can be shared, as JSON: each kind and field of the "
    "service, beside what flow64 assumes.",
)
@click.option(
    "--probe",
    is_flag=True,
    help="Also find out what no document says: make a workflow without any block that "
    "spends, change it, and delete it. Nothing is run. It asks first.",
)
@params.env_option(
    "With --probe: an environment of another organisation, to find out what its ids "
    "answer.",
    "--second-env",
)
@params.yes
@params.as_json
def command(
    *,
    env: str | None,
    output: Path | None,
    report: Path | None,
    probe: bool,
    second_env: str | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Check the setup, and what the service answers to reads.

    You can share what is printed. It has no key, no value of a variable, no whole id,
    and no title, text or row of a workflow. It also shows which assumptions of flow64
    the service confirms or contradicts. Exits with 1 if something is wrong with your
    setup. A contradiction alone does not count as wrong.

    Only --probe writes: it makes a workflow of its own, and deletes it.
    """
    if second_env is not None and not probe:
        raise params.option_error("--second-env", "it goes with --probe")
    settings = load()
    environment = settings.environment(env)
    second = None if second_env is None else settings.environment(second_env)
    if second == environment:
        raise params.option_error("--second-env", "it is the same environment")
    OPTIONS.environment = environment
    found = diagnose(
        settings,
        environment,
        connect=lambda: _connect(settings, environment),
        describe_error=describe_error,
    )
    probed = None
    if probe and not found.problems:
        probed = run_probe(settings, environment, second, yes=yes)
    lines = [*format_report(found), *format_probe(probed)]
    data = found.as_data()
    if probed is not None:
        data |= {"probe": probed.as_data()}
    if output is not None:
        text = "".join(f"{printable(line)}\n" for line in lines)
        write_file(output, format_result(data) if as_json else text)
    elif as_json:
        print_json(data)
    else:
        print_lines(lines, paint_report)
    if report is not None:
        made = make_report(found, probed)
        write_file(report, format_json(made))
        counts = ", ".join(f"{n} {verdict}" for verdict, n in made["verdicts"].items())
        print_message(f"assumptions and fields: {counts}")
    return _find_code(found, probed, is_asked=probe)


def _find_code(found: Diagnosis, probed: ProbeResult | None, *, is_asked: bool) -> int:
    """Return the exit code, and say what is wrong."""
    count = len(found.problems)
    things = "1 thing is" if count == 1 else f"{count} things are"
    print_message(f"{things} wrong" if count else "nothing is wrong")
    if is_asked and probed is None:
        print_error("the probe was not started; put right what is wrong first")
    if probed is None:
        return FAILED if count else 0
    if probed.left:
        print_error(
            f"{pluralize(len(probed.left), 'workflow')} of the probe may be left: "
            f"{', '.join(probed.left)}"
        )
        again = name_environment("`flow64 doctor --probe`")
        print_advice(f"{again} in this folder finds and removes them")
    if probed.was_stopped:
        return INTERRUPTED
    if probed.problem is not None:
        print_error(f"the probe ended early: {probed.problem}")
    return FAILED if probed.left or probed.problem is not None else 0


def run_probe(
    settings: Settings,
    environment: Environment,
    second: Environment | None,
    *,
    yes: bool,
) -> ProbeResult:
    """Say what a probe does, ask, and do it. Everything that it made is removed.

    Raises:
        NoConsentError: The answer is no, or there is no terminal to ask at.
    """
    with ExitStack() as ends:
        made = ends.enter_context(MadeFile.open())

        def open_box(one: Environment) -> Sandbox:
            require_credential(settings, one)
            # The probe looks at the organisation itself, so that it can clean up.
            client = ends.enter_context(open_client(evolve(one, org_id=None)))
            expected = None if one.org_id is None else one.text("org_id", one.org_id)
            return Sandbox(client, made, f"{one.name} {client.endpoint}", expected)

        box = open_box(environment)
        other = None if second is None else open_box(second)
        if other is not None and other.client.endpoint != box.client.endpoint:
            problem = f"it is another service, at {other.client.endpoint}"
            raise params.option_error("--second-env", problem)
        probe = Probe(box, other)
        probe.look()
        _announce(probe, environment, second)
        confirm("Do this?", yes=yes)
        return _run(probe)


def _announce(
    probe: Probe, environment: Environment, second: Environment | None
) -> None:
    """Print what a probe will do."""
    print_message(f"The probe of environment {environment.name} will")
    blocks = ", ".join(HARMLESS)
    print_message(f"- create a workflow titled {TITLE!r}, of the blocks {blocks}")
    print_message("- change it about 50 times, read it back, and delete it")
    if second is not None:
        print_message(f"- read and write the same id in environment {second.name}")
    count = sum(len(found.ours) for found in probe.remains)
    if count:
        left = pluralize(count, "workflow")
        print_message(f"- delete {left} that an earlier probe left")
    print_message("It runs nothing, uses no block that spends, and touches no other.")
    for found in probe.remains:
        for workflow_id, reason in found.kept.items():
            print_message(f"{workflow_id} looks like a probe's and stays: {reason}")


def _run(probe: Probe) -> ProbeResult:
    """Run a probe. The first Ctrl-C lets it clean up."""

    def announce_stop() -> None:
        print_advice("stopping and cleaning up; Ctrl-C again stops at once")

    is_cut = False
    with first_interrupt_waits(announce_stop) as stop:
        try:
            probe.run(stop, print_message)
        except StopNow:
            is_cut = True
    return probe.result(was_stopped=stop.is_asked or is_cut)


def format_probe(probed: ProbeResult | None) -> Iterator[str]:
    """The lines about a probe."""
    if probed is None:
        return
    yield f"probe       {probed.requests} requests"
    for one in probed.answers:
        yield f"  {one.verdict:<13}{one.asks} {one.answer}"
        yield f"{'':15}assumed: {one.assumed}"


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
    yield _line("blocks", _describe_saved(found.blocks))
    yield _line("variables", _by_truth(found.variables, "set: ", "not set: "))
    yield _line("proxies", ", ".join(f"{k} ({v})" for k, v in found.proxies.items()))
    for number, place in enumerate(found.places):
        state = "can be written" if place.problem is None else place.problem
        where = "nowhere" if place.path is None else f"{place.path} · {state}"
        yield _line("" if number else "files", f"{place.what}: {where}")
    yield _line(
        "looked at", f"{found.environment} · {found.endpoint or 'the emulator'}"
    )
    yield from _service(found)
    yield from _assumptions(found)
    for problem in found.problems:
        first, *more = problem.splitlines()
        yield _line("wrong", first)
        yield from (_line("", line) for line in more)


def _describe_saved(saved: SavedList | None) -> str:
    """Describe the saved list of blocks, and whether the service lists the same."""
    if saved is None:
        again = name_environment("flow64 blocks sync")
        return f"no saved list: {again} saves the service's own"
    if saved.problem is not None:
        return f"{saved.file} · cannot be used"
    if saved.date is None:
        advice = name_environment("flow64 blocks sync writes it")
        return f"{saved.file} · not there yet: {advice}"
    state = "the service's list was not seen"
    if saved.differing is not None:
        count = pluralize(saved.differing, "kind")
        again = name_environment("flow64 blocks sync")
        state = f"the service's list differs in {count}: run {again}"
        if saved.differing == 0:
            state = "the service lists the same"
    return f"{saved.file} of {saved.date} · {pluralize(saved.kinds, 'kind')} · {state}"


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
    yield _line("clock", _describe_clock(found.skew))
    rates = ", ".join(f"{name}: {text}" for name, text in found.rates.items())
    yield _line("rates", rates or "no answer states a limit")
    yield _line("asked", f"{pluralize(len(found.asked), 'read')}, each once")
    for path, status in found.asked:
        yield _line("", f"GET {path} · {status or 'no answer'}")


def _describe_clock(skew: float | None) -> str:
    """Describe how far the clock of the service is from that of this machine."""
    if skew is None:
        return "no answer says its time"
    if not (seconds := round(skew)):
        return "the service has the time of this machine"
    side = "ahead of" if seconds > 0 else "behind"
    return f"the service is {abs(seconds):,} s {side} this machine"


def _assumptions(found: Diagnosis) -> Iterator[str]:
    if not found.assumptions:
        return
    yield ""
    yield "assumptions"
    for verdict in ("contradicted", "confirmed", "not seen"):
        for one in found.assumptions:
            if one.verdict == verdict:
                yield f"  {verdict:<13}{one.mark:<4}{one.name}: {one.says}"
                yield f"{'':19}{one.because} · looked at: {one.looked}"
    yield ""


def _by_truth(found: Mapping[str, bool], yes: str, no: str) -> str:
    there = ", ".join(name for name, is_so in found.items() if is_so)
    lacking = ", ".join(name for name, is_so in found.items() if not is_so)
    parts = [f"{yes}{there}" if there else "", f"{no}{lacking}" if lacking else ""]
    return "; ".join(filter(None, parts))


def _line(label: str, text: str) -> str:
    return f"{label:<12}{text or 'none'}"
