"""Use that both type checkers must accept, with the types that they must infer."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, assert_type

from flow64 import (
    COMPANY,
    LEAD,
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
    ReadCsv,
    ReadNotebook,
    Search,
    TransformData,
    Webhook,
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
assert_type(leads >> FindEmail(), Flow[Start, Lead])
assert_type(companies >> CompanyEnrichment(return_fields=Person), Flow[Start, Company])
assert_type(companies >> CompanyToLeads() >> FindEmail(), Flow[Start, Lead])
assert_type(leads >> LeadsToCompany(), Flow[Start, Company])
assert_type(Search(LEAD, query="chief engineers") >> FindEmail(), Flow[Start, Lead])
assert_type(FindEmail() >> FindEmail(key="again"), Flow[Lead, Lead])

# Universal blocks keep the row kind, also in front and alone.
assert_type(leads >> Deduplicate(), Flow[Start, Lead])
assert_type(leads >> Deduplicate() >> posted >> FindEmail(), Flow[Start, Lead])
assert_type(Deduplicate() >> FindEmail(), Flow[Lead, Lead])
assert_type(Deduplicate() >> posted, Passthrough)
assert_type(Filter.where("a").equals(1) >> CompanyToLeads(), Flow[Company, Lead])
assert_type(Filter.where("a").equals(1).and_("b").in_([1]) >> posted, Passthrough)
assert_type(Filter.where("a").compare("less", 1), Filter)
assert_type(Deduplicate() >> [posted, Deduplicate()], Passthrough)

# Blocks of a kind that is not known, or whose rows are, take and give anything.
assert_type(leads >> RawBlock("new_kind") >> FindEmail(), Flow[Start, Lead])
assert_type(companies >> RawBlock("new_kind", specs={"a": 1}), Flow[Start, Any])
assert_type(companies >> QaAgent(), Flow[Start, Any])
assert_type(companies >> QaAgent() >> FindEmail(), Flow[Start, Lead])
assert_type(ReadNotebook() >> CompanyToLeads(), Flow[Start, Lead])
assert_type(ReadNotebook() >> FindEmail(), Flow[Start, Lead])
assert_type(ReadCsv() >> FindEmail(), Flow[Start, Lead])

# Lists and tuples fan out, and what follows fans in.
assert_type(leads >> [FindEmail(), LeadEnrichment(return_fields={})], Flow[Start, Lead])
beside: Flow[Start, Lead] = leads >> (FindEmail(), posted)  # mypy: Flow[Start, Any]
joined: Flow[Start, Lead] = leads >> [FindEmail(), posted] >> Deduplicate()
assert_type(leads >> [posted, Deduplicate()] >> FindEmail(), Flow[Start, Lead])
assert_type(leads >> [FindEmail(), FindEmail() >> posted], Flow[Start, Lead])
assert_type([FindEmail(), FindEmail(key="b")] >> Deduplicate(), Flow[Lead, Any])
assert_type(fan(FindEmail(), FindEmail(key="b")) >> posted, Flow[Lead, Lead])
assert_type(fan(posted, Deduplicate()), Passthrough)
assert_type(leads >> fan(FindEmail(), FindEmail(key="b")), Flow[Start, Lead])
assert_type(fan(leads, Search(LEAD, query="x")) >> FindEmail(), Flow[Start, Lead])

named = [FindEmail(key="a"), FindEmail(key="b")]
assert_type(leads >> named >> posted, Flow[Start, Lead])
mixed: list[Flow[Lead, Lead]] = [FindEmail(), FindEmail() >> posted]
assert_type(leads >> mixed, Flow[Start, Lead])
frozen_list: Sequence[Flow[Lead, Lead]] = tuple(mixed)
assert_type(leads >> frozen_list, Flow[Start, Lead])
made = [FindEmail(key=f"find-{i}") for i in range(3)]
assert_type(leads >> [FindEmail(key=f"{i}") for i in range(3)], Flow[Start, Lead])
assert_type(leads >> made >> posted, Flow[Start, Lead])
assert_type(leads >> [Deduplicate(key=f"{i}") for i in range(2)], Flow[Start, Lead])

# Side branches pass the rows that came in; parts that may be left out change no kind.
assert_type(leads >> tap(LeadsToCompany()) >> FindEmail(), Flow[Start, Lead])
assert_type(companies >> tap(CompanyToLeads() >> FindEmail()), Flow[Start, Company])
assert_type(leads >> tap(posted) >> FindEmail(), Flow[Start, Lead])
assert_type(tap(posted), Passthrough)
assert_type(leads >> include_if(bool(made), FindEmail()) >> posted, Flow[Start, Lead])
assert_type(include_if(bool(made), posted), Passthrough)


# A fragment is a function that returns a flow.
def contact(mode: EmailMode = "PROFESSIONAL") -> Flow[Lead, Lead]:
    return FindEmail(mode=mode) >> Filter.where("email_status").equals("OK")


def tidy() -> Passthrough:
    return Deduplicate() >> Filter.where("email").is_not_empty()


assert_type(leads >> contact() >> contact().scoped("work"), Flow[Start, Lead])
assert_type(contact("PERSONAL").scoped("home", was="private"), Flow[Lead, Lead])
assert_type(tidy().scoped("tidy"), Passthrough)
assert_type(companies >> tidy() >> CompanyToLeads() >> tidy(), Flow[Start, Lead])
assert_type(leads >> [contact().scoped("a"), contact().scoped("b")], Flow[Start, Lead])

# Changed and repeated blocks keep their class.
assert_type(FindEmail().again(key="second"), FindEmail)
assert_type(FindEmail().with_(mode="PERSONAL"), FindEmail)
assert_type(leads.with_(input_schema={}) >> FindEmail(), Flow[Start, Lead])
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
    leads >> posted,
    FindEmail(key="loose") >> Deduplicate(),
    key="leads",
    was="old",
    id=None,
    pins={"workflow": {"prod": "..."}, "blocks": {"find_email": "..."}},
    project=growth,
    description="Find addresses",
)
Workflow("a source alone", leads)
Workflow("two sources", fan(leads, Webhook(LEAD, key="b")) >> FindEmail())
Workflow("two sources", [leads, Webhook(LEAD, key="b")] >> FindEmail())
Workflow("a source of unknown rows", ReadNotebook() >> FindEmail())
Workflow("a raw source", RawBlock("new_source") >> FindEmail())


def build(mode: EmailMode) -> Workflow:
    return Workflow("Leads", leads >> contact(mode))


assert_type(
    variants(build, {"us": {"mode": "PERSONAL", "size": 2}, "uk": {"mode": "x"}}),
    dict[str, Workflow],
)
assert_type(variants(build, [("us", {"mode": "PERSONAL"})]), dict[str, Workflow])
assert_type(
    variants(build, mode=["PERSONAL"], exclude=[]),
    dict[tuple[str, ...], Workflow],
)
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

# What is required may go without its name.
assert_type(OutgoingWebhook("https://example.com/hook"), OutgoingWebhook)
assert_type(Search(LEAD, "chief engineers") >> FindEmail(), Flow[Start, Lead])


def flows(count: int) -> Iterator[Flow[Start, Lead]]:
    flow: Flow[Start, Lead] = leads
    for i in range(count):
        flow = flow >> FindEmail(key=f"{i}")
        flow >>= Deduplicate(key=f"d{i}")
        yield flow


def results(client: Client) -> None:
    """Rows are of the class that is asked for, and keep every column beside it."""
    run = whole.run([{"email": "ada@example.com"}], client, intent="first")
    for row in run.rows(Person):
        assert_type(row.value, Person)
        assert_type(row.raw["email"], Any)
    for model in run.rows(Model):
        assert_type(model.value, Model)
    for plain in run.wait().rows():
        assert_type(plain.value, Mapping[str, Any])
    assert_type(whole.deploy(client).id, str)
