"""Wrong use: what each checker must report on a line stands in its ignore comment.

`# type: ignore[...]` is mypy's, `# pyright: ignore[...]` is pyright's. An ignore that
hides nothing is an error itself. Known limit: after a list that mixes flows with
universal blocks neither checker is sure of the row kind.
"""

from __future__ import annotations

from typing import Annotated

# Names.
from flow64 import (
    COMPANY,
    LEAD,
    AsyncClient,
    Client,
    Flow,
    Lead,
    Passthrough,
    Start,
    Workflow,
    fan,
    include_if,
    returns,
    tap,
    variants,
)
from flow64.blocks import (
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    Filter,
    FindEmail,
    LeadEnrichment,
    LeadsToCompany,
    Search,
    Webhook,
)

leads = Webhook(LEAD)
companies = Webhook(COMPANY)
find = FindEmail()
research = CompanyEnrichment(return_fields={})

# Rows of the wrong kind.
companies >> FindEmail()  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
leads >> CompanyToLeads()  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
companies >> Deduplicate() >> FindEmail()  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
companies >> research >> FindEmail()  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
leads >> (Deduplicate() >> research)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
Search(COMPANY, query="x") >> find  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
find >> leads  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
leads >> research.scoped("x")  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
leads >> tap(research)  # type: ignore[arg-type]  # pyright: ignore[reportOperatorIssue]
leads >> research.again(key="b")  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]

# In lists.
leads >> [research, CompanyEnrichment(return_fields={}, key="b")]  # type: ignore[list-item]  # pyright: ignore[reportOperatorIssue]
leads >> [research for _ in range(3)]  # type: ignore[misc]  # pyright: ignore[reportOperatorIssue]
named = [research]
[find, find] >> research  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
[leads, companies] >> find  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
leads >> fan(find, research)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
leads >> fan(find, find) >> research  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]

# Parts that may be left out must give what they take.
include_if(bool(named), LeadsToCompany())  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]


# Fragments.
def contact() -> Flow[Lead, Lead]:
    return research  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def tidy() -> Passthrough:
    return FindEmail()  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


# What is no flow.
leads >> FindEmail  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
leads >> "find_email"  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
leads >> None  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
leads >> Filter.where("email")  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
"webhook" >> find  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
leads | find  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
[leads] >> [find]  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]

# Arguments.
FindEmail(mode="PROF")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
FindEmail(moode="PERSONAL")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
FindEmail(key=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
LeadEnrichment()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Webhook("LEAD")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
FindEmail().again()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Filter.where("a").equal("b")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
Filter.where("a").compare("between", 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
find.mode = "PERSONAL"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

# Workflows.
Workflow("x", FindEmail())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Workflow("x", leads >> find, ky="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Workflow("x", leads >> find, project="growth")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
variants(lambda: Workflow("x", leads), {"na": {}}, was={"na": 1})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
variants(contact, {})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
leads >> Workflow("x", leads)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
late: Flow[Start, Lead] = companies  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


@returns
class Person:
    title: Annotated[str, "Current job title"]


Person()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Person(title=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Person(title="Engineer").title = "Chief"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def results(client: Client) -> None:
    run = Workflow("x", leads).run([{}], client, intent="first")
    Workflow("x", leads).run([{}], client, inten="first")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Workflow("x", leads).run([1], client)  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    for row in run.rows(Person):
        row.value.salary  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        late: FindEmail | None = row.value  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    run.rows(FindEmail())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def misuse(client: AsyncClient, workflow: Workflow) -> None:
    await client.deploy(workflow, forced=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.workflows.get(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AsyncClient("k", url="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
