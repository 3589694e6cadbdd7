"""A table of odd workflows, whose bytes and ids must not change."""

from __future__ import annotations

from flow64 import (
    COMPANY,
    LEAD,
    Project,
    RawBlock,
    Workflow,
    fan,
    include_if,
    tap,
    value,
    variants,
)
from flow64.blocks import (
    AppendToNotebook,
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    Filter,
    FindEmail,
    LeadEnrichment,
    OutgoingWebhook,
    Search,
    Webhook,
)

VALUES = {
    "hook": "https://hooks.example/not-a-real-token",
    "notebook": "n-1",
    "token": "not-a-real-token",
}
GROWTH = Project("growth", namespace="acme.example")
ODD = Project("Größe 100%", namespace="acme.example/a:b")
TITLE = {"title": {"description": "Job title", "type": "str"}}
NUMBERS = [1, 1.0, -0.0, 1e21, 2**53 - 1, 0.1, True, None, "\u2028", "é", "e\u0301"]

LEADS = Webhook(LEAD, input_schema={"email": "string", "score": "integer"})


def _region(region: str, *, strict: bool = False) -> Workflow:
    flow = LEADS >> include_if(strict, Filter.where("score").equals(5)) >> FindEmail()
    return Workflow(f"Leads {region}", flow, key="leads", project=GROWTH)


def _sized(region: str, size: str) -> Workflow:
    flow = LEADS >> RawBlock("sized", specs={"region": region, "size": size})
    return Workflow(f"{region} {size}", flow, key="sized", project=GROWTH)


def _chain(length: int) -> Workflow:
    flow = LEADS
    for number in range(length):
        flow = flow >> RawBlock("step", specs={"n": number}, key=f"step-{number}")
    return Workflow("Chain", flow, key="chain", project=GROWTH)


FRAGMENT = FindEmail(mode="PROFESSIONAL") >> Filter.where("email_status").equals("OK")
EMAIL = FindEmail(key="again-and-again")

ODD_WORKFLOWS: dict[str, Workflow] = {
    "plain": Workflow("Plain", LEADS >> FindEmail(), key="plain", project=GROWTH),
    "no project": Workflow("None", LEADS >> FindEmail(), key="none"),
    "odd names": Workflow(
        "Odd / ü", LEADS >> FindEmail(key="a/b:c %"), key="e\u0301", project=ODD
    ),
    "composed": Workflow(
        "Odd / ü", LEADS >> FindEmail(key="a/b:c %"), key="\u00e9", project=ODD
    ),
    "described": Workflow(
        "D", LEADS, key="d", project=GROWTH, description="Two\nlines é\n"
    ),
    "list": Workflow(
        "L",
        LEADS >> [FindEmail(), LeadEnrichment(return_fields=TITLE)] >> Deduplicate(),
        key="l",
        project=GROWTH,
    ),
    "fan": Workflow(
        "F",
        LEADS
        >> fan(FindEmail(), FindEmail(key="b"))
        >> OutgoingWebhook(url="https://a.example/x"),
        key="f",
        project=GROWTH,
    ),
    "tap": Workflow(
        "T",
        LEADS >> tap(AppendToNotebook(notebook_id="n", key="side")) >> FindEmail(),
        key="t",
        project=GROWTH,
    ),
    "scopes": Workflow(
        "S",
        LEADS >> FRAGMENT.scoped("work") >> FRAGMENT.scoped("home").scoped("deep"),
        key="s",
        project=GROWTH,
    ),
    "again": Workflow(
        "A", LEADS >> EMAIL >> EMAIL.again(key="second"), key="a", project=GROWTH
    ),
    "renamed": Workflow(
        "R",
        LEADS >> FindEmail(key="new", was="old"),
        key="r2",
        was="r1",
        project=GROWTH,
    ),
    "moved": Workflow(
        "M",
        LEADS
        >> FindEmail(key="new", was="work/a%2Fb")
        >> [
            RawBlock("step").scoped("in", was=""),
            RawBlock("other").scoped("in", was="a/b"),
            RawBlock("third", was="/first").scoped("in"),
        ],
        key="m",
        was="leads/region=us/size=l%3D",
        project=Project("new", namespace="b.example", was="acme.example/a%2Fb"),
    ),
    "numbers": Workflow(
        "N",
        LEADS >> RawBlock("new_kind", specs={"all": NUMBERS, "deep": {"b": {"a": []}}}),
        key="n",
        project=GROWTH,
    ),
    "extra": Workflow(
        "E",
        LEADS >> FindEmail(extra={"retries": 3, "mode2": None}),
        key="e",
        project=GROWTH,
    ),
    "values": Workflow(
        "V",
        LEADS
        >> [
            AppendToNotebook(notebook_id=value("notebook")),
            OutgoingWebhook(url=value("hook")),
        ],
        key="v",
        project=GROWTH,
    ),
    "secrets": Workflow(
        "S",
        LEADS
        >> [
            RawBlock(
                "caller",
                specs={
                    "headers": {"a/b": value("token", secret=True), "c": 1},
                    "list": [1, {"d": value("hook")}],
                },
            ),
            OutgoingWebhook(url=value("hook", secret=True)),
        ],
        key="s",
        project=GROWTH,
    ),
    "companies": Workflow(
        "C",
        Webhook(COMPANY, input_schema={"company": "string"})
        >> CompanyEnrichment(return_fields={"size": "int"})
        >> CompanyToLeads()
        >> FindEmail(),
        key="c",
        project=GROWTH,
    ),
    "search": Workflow(
        "Q",
        Search(LEAD, query="CTOs", max_results=5) >> FindEmail(),
        key="q",
        project=GROWTH,
    ),
    "filters": Workflow(
        "W",
        LEADS
        >> Filter(
            filters=[
                {
                    "column": "score",
                    "operator": "greater_than",
                    "value": 3,
                    "logic": "and",
                },
                {"column": "email", "operator": "is_not_empty"},
            ]
        ),
        key="w",
        project=GROWTH,
    ),
    "chain": _chain(300),
    **{
        "/".join(names): workflow
        for names, workflow in variants(
            _sized, region=["us", "d/e"], size=["s", "l"]
        ).items()
        if names != ("us", "l")
    },
    **variants(
        _region, {"us": {"region": "us"}, "d/e": {"region": "de", "strict": True}}
    ),
    **variants(
        _region,
        {"na": {"region": "na"}, "plain variant": {"region": "x"}},
        was={"na": "old-na", "plain variant": None},
    ),
}
