"""Fan-out, fan-in and a side branch: two lookups in parallel, and an archive.

The members of a list are branches, and all of them feed the next block. How the service
merges the rows of several branches is not documented, and `check()` says so. `tap` adds
a side branch: rows enter the archive and also go on.
"""

from __future__ import annotations

from flow64 import LEAD, Project, Workflow, tap
from flow64.blocks import (
    AppendToNotebook,
    Deduplicate,
    FindEmail,
    FindPhone,
    OutgoingWebhook,
    Webhook,
)

growth = Project("growth", namespace="acme.example")

archive = AppendToNotebook(
    key="archive", notebook_id="0b9f3f0e-52d4-4f0c-8a53-6f6f5b1c2d10"
)
flow = (
    Webhook(LEAD, input_schema={"full_name": "string", "company": "string"})
    >> Deduplicate()
    >> tap(archive)
    >> [FindEmail(), FindPhone()]
    >> OutgoingWebhook(url="https://crm.acme.example/hooks/contacts")
)
workflow = Workflow("Contacts with an archive", flow, key="side-branch", project=growth)

if __name__ == "__main__":
    print(workflow.to_json(), end="")
