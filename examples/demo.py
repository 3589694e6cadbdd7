"""A tour in one program: compile, check, refuse, deploy, run, read rows.

`make demo` sets up what it needs and runs it. It deploys to an emulator in this
process: no key, no network, and nothing is spent.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

# The example of the guide, from the file in the same folder.
from enrich_inbound_leads import growth, workflow

from flow64 import COMPANY, Client, Workflow, returns
from flow64.blocks import CompanyEnrichment, FindEmail, Webhook
from flow64.diagnostics import as_text, summary
from flow64.emulator import Emulator, Switches
from flow64.errors import CompileError

PEOPLE = [
    {"email": "ada@example.com", "company": "Analytical Engines"},
    {"email": "grace@example.com", "company": "Compilers and Daughters"},
    {"email": "katherine@example.com", "company": "Orbit Mechanics"},
]


@returns
class Person:
    """The fields that are read from each row, and their types."""

    title: Annotated[str, "Current job title"]
    linkedin_url: Annotated[str | None, "LinkedIn profile URL"]


def main() -> None:
    """Announce each step, and take it."""
    tell("The pipeline", "A webhook brings people, each is researched, rows go on")
    print(workflow.to_text(), end="")

    tell("Its JSON", "The create body: no network, no key, the same bytes everywhere")
    print(workflow.to_json(), end="")

    found = workflow.check()
    tell("Its findings", summary(found))
    print(as_text(found), end="")

    tell("A wrong one", "Company rows into a block about people, and a wrong word")
    show_refusal()

    # Each block takes half a second, so that there is something to watch.
    # A journal makes sure that no intent is paid twice. The demo needs none.
    with (
        Emulator(switches=Switches(speed=0.5)) as emulator,
        Client(
            "no-real-key",
            base_url="http://127.0.0.1",
            transport=emulator.transport(),
            journal=None,
        ) as client,
    ):
        tell("Deploy", "To an emulator in this process")
        deployment = workflow.deploy(client)
        print(f"It was {deployment.state}, and is workflow {deployment.id}")
        again = workflow.deploy(client)
        print(f"Deployed again, it was {again.state}: nothing was sent")

        tell("Run", f"{len(PEOPLE)} rows, once for the intent 'demo'")
        run = workflow.run(PEOPLE, client, intent="demo")
        for event in run.watch(every=0.2):
            print(event, flush=True)

        tell("Rows", "Typed as the class asks, with every column beside")
        for row in run.wait().rows(Person):
            print(f"{row.raw['email']:22} {row.value}")

    tell("See it", "The emulator has a page, which shows what your own programs do")
    command = Path(sys.executable).with_name("flow64")
    print(f"Start one with: {shown(command)} serve")
    print("Then open the address that it prints, http://127.0.0.1:6464, in a browser.")


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
