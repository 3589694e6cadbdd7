"""Use that both type checkers must accept, with the types that they must infer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypedDict, assert_type

from flow64 import (
    COMPANY,
    LEAD,
    AsyncClient,
    Client,
    Company,
    Flow,
    Lead,
    Passthrough,
    Project,
    RawBlock,
    Start,
    Workflow,
    alias,
    fan,
    include_if,
    returns,
    tap,
    value,
    variants,
)
from flow64.blocks import (
    AppendToNotebook,
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    EmailMode,
    Filter,
    FindEmail,
    LeadEnrichment,
    LeadsToCompany,
    OutgoingWebhook,
    QaAgent,
    ReadNotebook,
    Search,
    TransformData,
    Webhook,
)
from flow64.client import (
    AsyncRun,
    Balance,
    Batch,
    Event,
    Plan,
    ResultRows,
    Row,
    Run,
    Schedule,
    Step,
)


@returns
class Person:
    title: Annotated[str | None, "Current job title"]
    skills: Annotated[list[str], "Key skills"]


@returns
class Employer:
    page: Annotated[str, "Its page", alias("Company Linkedin")]
    size: Literal["small", "large"]


@returns
@dataclasses.dataclass
class Model:
    title: Annotated[str, "Current job title"]
    years: int = 0


leads = Webhook(LEAD, input_schema={"email": "string"})
companies = Webhook(COMPANY)
posted = OutgoingWebhook(url="https://example.com/hook")

# A chain gives what its last block gives.
assert_type(companies >> CompanyEnrichment(return_fields=Person), Flow[Start, Company])
assert_type(companies >> CompanyToLeads() >> FindEmail(), Flow[Start, Lead])
assert_type(leads >> LeadsToCompany(), Flow[Start, Company])
assert_type(Search(LEAD, "chief engineers") >> FindEmail(), Flow[Start, Lead])
assert_type(FindEmail() >> FindEmail(key="again"), Flow[Lead, Lead])

# Universal blocks keep the row kind, also in front and alone.
assert_type(leads >> Deduplicate() >> posted >> FindEmail(), Flow[Start, Lead])
assert_type(Deduplicate() >> FindEmail(), Flow[Lead, Lead])
assert_type(Deduplicate() >> [posted, Deduplicate()], Passthrough)
assert_type(Filter.where("a").equals(1) >> CompanyToLeads(), Flow[Company, Lead])
assert_type(Filter.where("a").equals(1).and_("b").in_([1]) >> posted, Passthrough)

# Blocks of a kind that is not known, or whose rows are, take and give anything.
assert_type(leads >> RawBlock("new_kind") >> FindEmail(), Flow[Start, Lead])
assert_type(companies >> RawBlock("new_kind", specs={"a": 1}), Flow[Start, Any])
assert_type(companies >> QaAgent() >> FindEmail(), Flow[Start, Lead])
assert_type(ReadNotebook() >> CompanyToLeads(), Flow[Start, Lead])

# Lists and tuples fan out, and what follows fans in.
assert_type(leads >> [FindEmail(), LeadEnrichment(return_fields={})], Flow[Start, Lead])
beside: Flow[Start, Lead] = leads >> (FindEmail(), posted)  # mypy: Flow[Start, Any]
joined: Flow[Start, Lead] = leads >> [FindEmail(), posted] >> Deduplicate()
assert_type(leads >> [FindEmail(), FindEmail() >> posted], Flow[Start, Lead])
assert_type([FindEmail(), FindEmail(key="b")] >> Deduplicate(), Flow[Lead, Any])
assert_type(fan(posted, Deduplicate()), Passthrough)
assert_type(leads >> fan(FindEmail(), FindEmail(key="b")), Flow[Start, Lead])
assert_type(fan(leads, Search(LEAD, query="x")) >> FindEmail(), Flow[Start, Lead])
mixed: list[Flow[Lead, Lead]] = [FindEmail(), FindEmail() >> posted]
assert_type(leads >> mixed, Flow[Start, Lead])
made = [FindEmail(key=f"find-{i}") for i in range(3)]
assert_type(leads >> [FindEmail(key=f"{i}") for i in range(3)], Flow[Start, Lead])
assert_type(leads >> made >> posted, Flow[Start, Lead])

# Side branches pass the rows that came in; parts that may be left out change no kind.
assert_type(leads >> tap(LeadsToCompany()) >> FindEmail(), Flow[Start, Lead])
assert_type(tap(posted), Passthrough)
assert_type(leads >> include_if(bool(made), FindEmail()) >> posted, Flow[Start, Lead])


# A fragment is a function that returns a flow.
def contact(mode: EmailMode = "PROFESSIONAL") -> Flow[Lead, Lead]:
    return FindEmail(mode=mode) >> Filter.where("email_status").equals("OK")


def tidy() -> Passthrough:
    return Deduplicate() >> Filter.where("email").is_not_empty()


assert_type(leads >> contact() >> contact().scoped("work"), Flow[Start, Lead])
assert_type(tidy().scoped("tidy", was="clean"), Passthrough)
assert_type(companies >> tidy() >> CompanyToLeads() >> tidy(), Flow[Start, Lead])
assert_type(leads >> [contact().scoped("a"), contact().scoped("b")], Flow[Start, Lead])

# Changed and repeated blocks keep their class.
assert_type(FindEmail().with_(mode="PERSONAL"), FindEmail)
assert_type(Filter.where("a").equals(1).again(key="b"), Filter)

# What every block takes, and values that differ by environment.
assert_type(
    FindEmail(
        mode=value("mode"), key="k", was="w", id="i", extra={"a": 1}, allow=("x",)
    ),
    FindEmail,
)
AppendToNotebook(notebook_id=value("notebook"))
OutgoingWebhook(url=value("hook", secret=True))

# A workflow begins at a source, or at several.
growth = Project("growth", namespace="acme.example", allow=["isolated-block"])
whole = Workflow(
    "Leads",
    leads >> FindEmail(),
    FindEmail(key="loose") >> Deduplicate(),
    key="leads",
    was="old",
    pins={"workflow": {"prod": "..."}, "blocks": {"find_email": "..."}},
    project=growth,
)
Workflow("two sources", [leads, Webhook(LEAD, key="b")] >> FindEmail())
Workflow("a source of unknown rows", ReadNotebook() >> FindEmail())


def build(mode: EmailMode) -> Workflow:
    return Workflow("Leads", leads >> contact(mode))


fleet = variants(build, {"na": {"size": 2}, "eu": {}}, was={"na": "us", "eu": None})
modes = variants(build, mode=["PERSONAL"], was={"mode=PERSONAL": "mode=OWN"})
assert_type(fleet, dict[str, Workflow])
assert_type(modes, dict[tuple[str, ...], Workflow])
assert_type(variants(build, mode=["PERSONAL"]), dict[tuple[str, ...], Workflow])
Project("g2", namespace="new.example", was="acme.example/growth")
leads >> FindEmail(was="work/find_email").scoped("home", was="")
assert_type(Workflow.from_json("{}").to_json(indent=None), str)

# The class that names the fields is the type of the rows.
person = Person(title=None, skills=["Python"])
assert_type(person.title, str | None)
assert_type(LeadEnrichment(return_fields=Person), LeadEnrichment)
assert_type(Employer(page="x", size="small").size, Literal["small", "large"])
assert_type(LeadEnrichment(Model), LeadEnrichment)
merged = TransformData(output_schema=Person, specs={"prompt": "Merge the names"})
assert_type(leads >> merged, Flow[Start, Lead])
assert_type(Model(title="Engineer").years, int)

flow: Flow[Start, Lead] = leads
for number in range(3):
    flow >>= Deduplicate(key=f"{number}")


class Loose(TypedDict):
    score: float


def results(client: Client) -> None:
    """Rows are of the class that is asked for, and keep every column beside it."""
    run = whole.run([{"email": "ada@example.com"}], client, intent="first")
    assert_type(run.wait(), Run)
    assert_type(run.rows(), ResultRows[Mapping[str, Any]])
    assert_type(run.rows(Model), ResultRows[Model])
    assert_type(run.rows(Loose), ResultRows[Loose])
    for row in run.wait().rows(Person):
        assert_type(row.value, Person)
        assert_type(row.raw, Mapping[str, Any])
        assert_type(row.value.title, str | None)
    assert_type(whole.deploy(client, env="staging"), Step)


async def use_client(client: AsyncClient, workflow: Workflow) -> None:
    rows = [{"email": "ada@example.com"}]
    assert_type(await client.deploy(workflow, force=True), Step)
    assert_type(await client.plan(workflow, env="prod"), Plan)
    assert_type(await client.balance(), Balance)
    async for batch in client.run_batches(workflow, rows, size=10):
        assert_type(batch, Batch[AsyncRun])
    assert_type(await client.runs.get("r"), AsyncRun)
    assert_type(await client.schedules.create("w", "Weekly", "0 9 * * 1"), Schedule)
    assert_type(await client.schedules.delete("s"), None)
    await client.close()


async def use_run(client: AsyncClient, workflow: Workflow) -> None:
    run = await client.run(workflow, intent="2026-W20", max_cost=5)
    assert_type(await run.wait(60, every=1), AsyncRun)
    assert_type(await run.to_csv("rows.csv", safe=True), int)
    async for event in run.watch(every=1):
        assert_type(event, Event)
    async for row in run.rows():
        assert_type(row, Row[Mapping[str, Any]])
    async for person in run.rows(Person):
        assert_type(person.value, Person)
