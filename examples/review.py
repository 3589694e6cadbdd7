"""Review: what a change of code and an edit in the web editor do to a live workflow.

The program plays both sides on an emulator: code is deployed, a colleague edits the
live workflow, and the code changes too. The plan shows what would be lost, and a deploy
without consent writes nothing.
"""

from __future__ import annotations

from flow64 import LEAD, Client, Project, Workflow
from flow64.blocks import EmailMode, Filter, FindEmail, OutgoingWebhook, Webhook
from flow64.emulator import Emulator
from flow64.errors import FlowError

growth = Project("growth", namespace="acme.example")
PEOPLE = Webhook(LEAD, input_schema={"full_name": "string", "company": "string"})
DELIVER = OutgoingWebhook(url="https://crm.acme.example/hooks/leads")


def leads(mode: EmailMode) -> Workflow:
    """Return the workflow, with one way or the other to find addresses."""
    only_ok = Filter.where("email_status").equals("OK")
    flow = PEOPLE >> FindEmail(mode=mode) >> only_ok >> DELIVER
    return Workflow("Leads", flow, key="leads", project=growth)


def main() -> None:
    """Deploy, let a colleague edit, and show the plan of a change."""
    with Emulator() as emulator, Client("any", base_url=emulator.url) as client:
        before, after = leads("PROFESSIONAL"), leads("PERSONAL")
        before.deploy(client)
        emulator.edit(before.id(), name="Leads (paused)")

        print(after.plan(client))
        try:
            after.deploy(client)
        except FlowError as error:
            print(error)


if __name__ == "__main__":
    main()
