"""A tour in one program: check, deploy, run, read rows, review a change.

`make demo` sets up what it needs and runs it. It deploys to an emulator in this
process: no key, no network, and nothing is spent.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from flow64 import COMPANY, LEAD, Client, Project, Workflow, returns
from flow64.blocks import (
    CompanyEnrichment,
    Filter,
    FindEmail,
    LeadEnrichment,
    OutgoingWebhook,
    Webhook,
)
from flow64.emulator import Emulator, Switches
from flow64.errors import CompileError

PEOPLE = [
    {"full_name": "Ada Lovelace", "company": "Analytical Engines"},
    {"full_name": "Grace Hopper", "company": "Compilers and Daughters"},
    {"full_name": "Katherine Johnson", "company": "Orbit Mechanics"},
]
growth = Project("growth", namespace="acme.example")


@returns
class Person:
    """The fields to ask for, and the type of each row."""

    title: Annotated[str, "Current job title"]
    linkedin_url: Annotated[str | None, "LinkedIn profile URL"]


source = Webhook(LEAD, input_schema={"full_name": "string", "company": "string"})
deliver = OutgoingWebhook(url="https://crm.acme.example/hooks/leads")
flow = (
    source
    >> FindEmail()
    >> Filter.where("email_status").equals("OK")
    >> LeadEnrichment(return_fields=Person)
    >> deliver
)
leads = Workflow("Leads", flow, key="leads", project=growth)


def main() -> None:
    """Announce each step, and take it."""
    tell("The pipeline", "people come in, and those with an address are researched")
    print(leads.to_text(), end="")

    tell("A wrong one", "company rows into a block about people, and a wrong word")
    show_refusal()

    # Each block takes half a second, so that there is something to watch.
    with (
        Emulator(switches=Switches(speed=0.5)) as emulator,
        Client("any", base_url=emulator.url, journal=None) as client,
    ):
        tell("Deploy", "to an emulator in this process, twice")
        print(leads.deploy(client).state)
        print(leads.deploy(client).state)

        tell("Run", f"{len(PEOPLE)} rows; the same rows again would buy nothing")
        run = leads.run(PEOPLE, client)
        for event in run.watch(every=0.2):
            print(event, flush=True)

        tell("Rows", "typed as the class asks, with every column as it came")
        for row in run.wait().rows(Person):
            print(f"{row.raw['full_name']:18} {row.value}")

        tell("Review", "the plan of a change: nothing is written")
        personal = source >> FindEmail(mode="PERSONAL") >> deliver
        later = Workflow("Leads", personal, key="leads", project=growth)
        print(later.plan(client))

    command = Path(sys.executable).with_name("flow64")
    tell("Go on", f"{shown(command)} init growth --namespace acme.example")


def show_refusal() -> None:
    """Compile a pipeline that cannot work. The editor marks the line as well."""
    flow = (
        Webhook(COMPANY, input_schema={"company_name": "string"})
        >> CompanyEnrichment(return_fields={"industry": "In two or three words"})
        # The type checker sees both mistakes as well, so they are ignored here.
        >> FindEmail(mode="BUSINESS")  # type: ignore[operator, arg-type]
    )
    try:
        Workflow("Wrong", flow, project=growth).to_json()
    except CompileError as error:
        print(error)


def shown(path: Path) -> str:
    """Return a path relative to the working folder."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def tell(title: str, what: str) -> None:
    """Begin a step."""
    print(f"\n== {title} · {what}\n", flush=True)


if __name__ == "__main__":
    main()
