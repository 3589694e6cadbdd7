"""`flow64 demo`: compile, deploy and run a pipeline in an emulator."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final

import click

from ..blocks import (
    CompanyEnrichment,
    FindEmail,
    LeadEnrichment,
    OutgoingWebhook,
    Webhook,
)
from ..client import Client
from ..diagnostics import as_text, summary
from ..dsl import COMPANY, LEAD, returns
from ..errors import CompileError
from ..project import Project
from ..text import printable
from ..workflow import Workflow
from . import _params as params
from ._colours import paint_findings, paint_heading
from ._outputs import DemoRun
from ._param_types import Number
from ._terminal import find_width, print_json, print_line, print_lines

PEOPLE: Final[Sequence[Mapping[str, str]]] = (
    {"email": "ada@example.com", "company": "Analytical Engines"},
    {"email": "grace@example.com", "company": "Compilers and Daughters"},
    {"email": "katherine@example.com", "company": "Orbit Mechanics"},
)


@returns
class Person:
    """The fields to find for each person, and the type of the results."""

    title: Annotated[str, "Current job title"]
    linkedin_url: Annotated[str | None, "LinkedIn profile URL"]


GROWTH: Final = Project("growth", namespace="acme.example")


def inbound() -> Workflow:
    """Enrich the people that a webhook brings, and post the rows."""
    flow = (
        Webhook(LEAD, input_schema={"email": "string", "company": "string"})
        >> LeadEnrichment(return_fields=Person)
        >> OutgoingWebhook(
            url="https://example.com/hooks/sixtyfour", timeout_seconds=10
        )
    )
    return Workflow(
        "Enrich inbound leads",
        flow,
        key="inbound",
        project=GROWTH,
        description="Webhook, enrich people, outgoing webhook",
    )


def wrong() -> Workflow:
    """Make two mistakes: company rows into a lead block, and an unknown mode."""
    # An editor marks both mistakes; with `Any` in their place it lets them pass.
    companies: Any = Webhook(COMPANY, input_schema={"company_name": "string"})
    mode: Any = "BUSINESS"
    flow = (
        companies
        >> CompanyEnrichment(return_fields={"industry": "In two or three words"})
        >> FindEmail(mode=mode)
    )
    return Workflow("Wrong", flow, key="wrong", project=GROWTH)


@params.command("demo", "flow64 demo", "flow64 demo --json")
@click.option(
    "--speed",
    type=Number(min=0),
    default=0.5,
    metavar="SECONDS",
    show_default=True,
    help="How long a block takes.",
)
@params.as_json
def command(*, speed: float, as_json: bool) -> int:
    """Compile, check, deploy and run a pipeline in an emulator.

    The emulator runs in this process. It needs no key and no network, leaves no file,
    and spends nothing. Rows that it makes up say so.
    """
    workflow = inbound()
    with _start_emulator(speed) as client:
        if not as_json:
            _show_program(workflow)
        deployment = workflow.deploy(client)
        again = workflow.deploy(client)
        if not as_json:
            _print_step("Deploy", "To an emulator in this process")
            print_line(f"It was {deployment.state}: workflow {deployment.workflow_id}")
            print_line(f"Deployed again, it was {again.state}: nothing was sent")
            _print_step("Run", f"{len(PEOPLE)} rows, once for the intent 'demo'")
        run = workflow.run(PEOPLE, client, intent="demo")
        for event in run.watch(every=max(0.01, min(0.2, speed))):
            if not as_json:
                print_line(printable(str(event)))
        rows = [*run.wait().rows(Person)]
    if as_json:
        states = [deployment.state, again.state]
        found: DemoRun = {
            "workflow_id": workflow.compile().id,
            "states": states,
            "run_id": run.id,
            "status": run.status,
            "rows": [dict(row.raw) for row in rows],
        }
        print_json(found)
        return 0
    _print_step("Rows", "Typed by the class, with all columns")
    for row in rows:
        print_lines([f"{row.raw['email']:22} {row.value}"])
    _print_step(
        "See it", "The emulator has a page, which shows what your own programs do"
    )
    print_line("Start one with `flow64 serve`, and open the address that it prints.")
    return 0


@contextmanager
def _start_emulator(speed: float) -> Generator[Client]:
    """Start an emulator, and connect a client that remembers no runs.

    Raises:
        MissingExtraError: The extra `emulator` is not installed.
    """
    from ..emulator import Emulator, Switches  # noqa: PLC0415 - an extra of its own

    emulator = Emulator(switches=Switches(speed=speed))
    try:
        with Client(
            "no-real-key",
            base_url="http://127.0.0.1",
            transport=emulator.transport(),
            journal=None,
        ) as client:
            yield client
    finally:
        emulator.stop()


def _show_program(workflow: Workflow) -> None:
    _print_step("The program", "People come in, each is researched, and rows go on")
    for part in (Person, inbound):
        _print_all(f"{inspect.getsource(part)}\n")
    _print_step("The pipeline", "With the kind of rows, and their columns")
    _print_all(workflow.to_text())
    _print_step(
        "Its JSON", "The create body: no network, no key, the same bytes everywhere"
    )
    _print_all(workflow.to_json())
    found = workflow.check()
    _print_step("Its findings", summary(found))
    _print_findings(as_text(found, find_width(sys.stdout)))
    _print_step(
        "A wrong one", "Company rows into a block about people, and a wrong word"
    )
    try:
        wrong().compile()
    except CompileError as error:
        _print_findings(error.describe(find_width(sys.stdout)))


def _print_step(title: str, what: str) -> None:
    print_lines(["", f"== {title} · {what}", ""], paint_heading)


def _print_all(text: str) -> None:
    for line in text.rstrip("\n").split("\n"):
        print_line(printable(line))


def _print_findings(text: str) -> None:
    print_lines(text.rstrip("\n").split("\n"), paint_findings)
