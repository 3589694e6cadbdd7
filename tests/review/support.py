"""Four changes as they come, and hostile ones; each as a review."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

from attrs import fields

from flow64 import COMPANY, LEAD, Project, Workflow, variants
from flow64.analysis import Estimate, RowPrice
from flow64.blocks import (
    CompanyEnrichment,
    Filter,
    FindEmail,
    FindPhone,
    LeadEnrichment,
    OutgoingWebhook,
    Webhook,
)
from flow64.definition import from_data, loads
from flow64.deploy import bases_of, review_of_plan
from flow64.diff import BlockRef, LiveSetting, TitleChanged
from flow64.plan import (
    Details,
    Rename,
    Review,
    RunRef,
    ScheduleRef,
    Step,
    Touched,
)
from flow64.render.review import Pair, review_of_diff
from tests.deploy.planned import ENDPOINT, service, target

GROWTH = Project("growth", namespace="acme.example")
ROOT = Path(__file__).parents[2]
REGIONS = [
    *("ae", "ar", "at", "au", "be", "bg", "br", "ca", "ch", "cl"),
    *("co", "cz", "de", "dk", "ee", "es", "fi", "fr", "gb", "gr"),
    *("hk", "hr", "hu", "ie", "il", "in", "it", "jp", "kr", "lt"),
    *("lv", "mx", "nl", "no", "nz", "pl", "pt", "ro", "se", "us"),
]
TITLE = {"title": "Current job title"}
SENIORITY = {"seniority": "How senior the person is, in one word"}


DETAILS = {one.name for one in fields(Details)}


def step(key, state, *, title="", id="", schedules=(), runs=(), **more):
    """A step of a review: a workflow and what becomes of it."""
    details = {name: more.pop(name) for name in DETAILS & more.keys()}
    touched = Touched(schedules, runs)
    details = Details(**details)
    return Step(key, id, title, "", state, touched=touched, details=details, **more)


def leads():
    return Webhook(LEAD, input_schema={"email": "string", "company": "string"})


def crm(path="leads"):
    return OutgoingWebhook(url=f"https://crm.acme.example/hooks/{path}")


def workflow(flow, key="inbound", title="Enrich inbound leads"):
    return Workflow(title, flow, key=key, project=GROWTH)


def read(made):
    """A workflow as a file of it is read: with ids, and without keys."""
    return loads(made.to_json())


def pair(before, after, key="inbound", file="flows/inbound.json"):
    sides = [None if side is None else read(side) for side in (before, after)]
    return Pair(key, *sides, file)


@cache
def field_added():
    """A field is asked for that was not."""
    before = leads() >> LeadEnrichment(return_fields=TITLE) >> crm()
    after = leads() >> LeadEnrichment(return_fields={**TITLE, **SENIORITY}) >> crm()
    same = workflow(leads() >> FindEmail(), "outreach", "Outreach")
    return review_of_diff(
        [
            pair(workflow(before), workflow(after)),
            pair(same, same, "outreach", "flows/outreach.json"),
        ]
    )


@cache
def branch_inserted():
    """Phones are found beside emails, and both go on together."""
    found = LeadEnrichment(return_fields=TITLE)
    good = Filter.where("email_status").equals("OK")
    before = leads() >> found >> FindEmail() >> good >> crm()
    after = leads() >> found >> [FindEmail() >> good, FindPhone()] >> crm()
    new = leads() >> FindEmail(mode="PERSONAL") >> crm("outreach")
    old = leads() >> FindPhone()
    return review_of_diff(
        [
            pair(workflow(before), workflow(after)),
            pair(None, workflow(new, "outreach", "Outreach"), "outreach", None),
            pair(workflow(old, "newsletter", "Newsletter"), None, "newsletter", None),
        ]
    )


def regional(fields):
    def inbound(region):
        found = LeadEnrichment(return_fields=fields) >> FindEmail(mode="PROFESSIONAL")
        flow = leads() >> found
        return workflow(flow >> crm(region), "regional", f"Leads, {region.upper()}")

    return variants(inbound, {region: {"region": region} for region in REGIONS})


@cache
def forty_variants():
    """Forty variants are edited while two were edited on the service."""
    old, new = regional(TITLE), regional({**TITLE, **SENIORITY})
    with service() as there:
        for region, made in old.items():
            there.put(made, key=f"regional/{region}")
        there.edit(old["fr"].id(), specs={"find_email": {"mode": "PERSONAL"}})
        there.edit(old["gb"].id(), name="Leads, GB (paused, ask Ada)")
        there.emulator.requests.clear()
        plan = there.plan(
            *(target(made, key=f"regional/{region}") for region, made in new.items()),
            projects=[GROWTH],
            bases=bases_of([made.compile() for made in old.values()]),
        )
    assert plan.endpoint == ENDPOINT
    return review_of_plan(plan, root=ROOT)


COUNTRIES = REGIONS[:20]


def companies(country, least, *, has_ceo=False):
    source = Webhook(COMPANY, input_schema={"company": "string", "domain": "string"})
    found = CompanyEnrichment(return_fields={"headcount": "Number of employees"})
    flow = source >> found >> Filter.where("headcount").greater(least)
    if has_ceo:
        fields = {"email": f"Email of the director in {country.upper()}"}
        flow >>= CompanyEnrichment(key="director", return_fields=fields)
    flow >>= OutgoingWebhook(url=f"https://crm.acme.example/hooks/{country}")
    return read(workflow(flow, f"companies/{country}", f"Companies, {country.upper()}"))


def fleet(old, new, countries=COUNTRIES):
    """A review of countries, in which `old` and `new` return a threshold by number."""
    return review_of_diff(
        Pair(
            f"companies/{country}",
            companies(country, old(n)),
            companies(country, new(n), has_ceo=True),
        )
        for n, country in enumerate(countries)
    )


@cache
def twenty_thresholds():
    """Each has a threshold of its own, and all get the same block.

    The first one takes more rows than before, the others fewer.
    """
    return fleet(lambda n: 50 + 5 * n, lambda n: 100 + 5 * n if n else 40)


CHANGES = {
    "field_added": field_added,
    "branch_inserted": branch_inserted,
    "forty_variants": forty_variants,
    "twenty_thresholds": twenty_thresholds,
}


HOSTILE = [
    "</script><script>window.obeyed=1</script><img src=x onerror=window.obeyed=1>",
    "`` ``` `a` @acme/team #1 GH-1 https://evil.example [x](https://evil.example)",
    "| a | b |\\\n|---|---|\r\n# head\n- item\n\n```\n@team",
    "\x1b[31m\u202egnp.exe\u2066\u2028\x00 <!-- --> --> &lt; {{7*7}} ${7*7} '\"`",
    "![x](https://evil.example/x.png) <https://evil.example> ~~~ $$x$$ :tada:",
    "\ufeffvalue\ud800 \\N{BEL} </style></title></svg></textarea><base href=//evil>",
]
"""What CHECKS wants in every place of a string."""


def hostile_workflow(text, other):
    """A workflow whose every string is hostile, as JSON is read; `other` is a value."""
    ids = [f"{n}0000000-0000-4000-8000-000000000000" for n in range(1, 5)]
    specs = {text: other, "url": f"https://x.example/{text}", "list": [text, other]}
    blocks = [
        {
            "block_id": block_id,
            "block_name": kind,
            "block_type": text,
            "sequence_number": number,
            "specs": specs,
        }
        for number, (block_id, kind) in enumerate(
            zip(ids, [text, "outgoing_webhook", "find_email", f"{text} 2"], strict=True)
        )
    ]
    edges = [
        {"from_block_id": one, "to_block_id": other_id, "condition": text}
        for one, other_id in pairwise(ids)
    ]
    data = {
        "id": "00000000-0000-4000-8000-000000000000",
        "workflow_name": f"{text}{other}",
        "description": text,
        "workflow_definition": {"blocks": blocks, "edges": edges},
    }
    return from_data(data)


def hostile():
    """Reviews in which every string that data gives is hostile."""
    pairs = []
    for number, found in enumerate(HOSTILE):
        text = found.replace("\ud800", "")  # which no definition can hold
        before, after = (hostile_workflow(text, value) for value in (text, f"{text}!"))
        pairs += [
            Pair(f"{text}{number}", before, after, text),
            Pair(f"{text} new {number}", None, after, text),
            Pair(f"{text} gone {number}", before, None, text),
        ]
    return review_of_diff(pairs)


def hostile_setting(text):
    """A live field whose every text is hostile."""
    costs = [Estimate(dollars, (text,), (RowPrice(text, 0.5),)) for dollars in (1.0, 2)]
    block = BlockRef("00000000-0000-4000-8000-000000000000", text, text)
    prices, rows = (0.05, None), (None, text)
    more = prices, rows, ("spends",), ("may-spend",), *costs
    return LiveSetting(block, (text,), text, text, *more, f"X({text})")


def hostile_plan():
    """The same of what only a plan has."""
    made = [
        step(
            text,
            "drifted",
            title=text,
            action="refuse",
            reasons=(text, f"it is {text} there"),
            lifted_by="force",
            file=text,
            edits=(TitleChanged(text, f"{text}!"),),
            unmanaged=(text,),
            spends=(text,),
            effects=text,
            cost_after=Estimate(None, (text,), (RowPrice(text, 0.5),)),
            cost_before=Estimate(1.0, (), ()),
            schedules=(ScheduleRef(text, text, text, text),),
            runs=(RunRef(text, text),),
            not_checked=(text,),
            settings=(hostile_setting(text),),
            taking=f"flow64 code {text}",
        )
        for text in HOSTILE
    ]
    renames = tuple(Rename(text, text, text, text) for text in HOSTILE)
    env = HOSTILE[0]
    doubts = tuple(HOSTILE)
    return Review("plan", made, env, env, renames=renames, not_checked=doubts)
