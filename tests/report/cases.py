"""Changes as they come: workflows before and after, as subjects of a report."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import evolve

from flow64 import COMPANY, LEAD, Project, RawBlock, Workflow
from flow64.blocks import (
    CompanyEnrichment,
    Filter,
    FindEmail,
    FindPhone,
    LeadEnrichment,
    OutgoingWebhook,
    Search,
    Webhook,
)
from flow64.deploy.judge import fields_of
from flow64.deploy.plan import NEEDS
from flow64.deploy.schedules import list_spending
from flow64.diff.advice import advise
from flow64.diff.replay import Recording, Replay
from flow64.report.lines import Subject

GROWTH = Project("growth", namespace="acme.example")
REGIONS = [
    *("ae", "ar", "at", "au", "be", "bg", "br", "ca", "ch", "cl"),
    *("co", "cz", "de", "dk", "ee", "es", "fi", "fr", "gb", "gr"),
    *("hk", "hr", "hu", "ie", "il", "in", "it", "jp", "kr", "lt"),
    *("lv", "mx", "nl", "no", "nz", "pl", "pt", "ro", "se", "us"),
]
TITLE = {"title": "Current job title"}
BOTH = {**TITLE, "seniority": "How senior the person is, in one word"}
IS_OK = Filter.where("email_status").equals("OK")
OTHER_CODE = "whether live comes from newer code: its stamp names no commit"
FORCE = NEEDS["force"]
PRICES = {"search": 0.02}


def leads(**columns):
    schema = {"email": "string", "company": "string", **columns}
    return Webhook(LEAD, input_schema=schema)


def crm(path="leads", host="crm.acme.example"):
    return OutgoingWebhook(url=f"https://{host}/hooks/{path}")


def built(flow, key="inbound", title="Enrich inbound leads"):
    return Workflow(title, flow, key=key, project=GROWTH).compile()


def change(before, after, key="inbound", **more):
    """A subject of two flows, either of which may be missing."""
    sides = [None if flow is None else built(flow, key) for flow in (before, after)]
    advice = advise(*sides) if None not in sides else ()
    return Subject(key, *sides, advice=advice, **more)


def field_added():
    before = leads() >> LeadEnrichment(return_fields=TITLE) >> crm()
    after = leads() >> LeadEnrichment(return_fields=BOTH) >> crm()
    same = leads() >> FindEmail()
    return [
        change(before, after, place="pipelines/leads.py:14"),
        change(same, same, "outreach"),
    ]


def branch_inserted():
    found = LeadEnrichment(return_fields=TITLE)
    before = leads() >> found >> FindEmail() >> IS_OK >> crm()
    after = leads() >> found >> [FindEmail() >> IS_OK, FindPhone()] >> crm()
    new = leads() >> FindEmail(mode="PERSONAL") >> crm("outreach")
    return [
        change(before, after),
        change(None, new, "outreach"),
        change(leads() >> FindPhone(), None, "newsletter"),
    ]


def regional(region, fields, *, mode="PROFESSIONAL", title=""):
    found = LeadEnrichment(return_fields=fields) >> FindEmail(mode=mode)
    flow = leads() >> found >> crm(region)
    return built(flow, f"regional/{region}", title or f"Leads, {region.upper()}")


def forty_variants():
    """Forty variants are edited while two were edited on the service."""
    subjects = []
    for region in REGIONS:
        live = {"fr": {"mode": "PERSONAL"}, "gb": {"title": "Leads, GB (paused)"}}
        before = regional(region, TITLE, **live.get(region, {}))
        is_conflict = region in live
        subjects.append(
            Subject(
                f"regional/{region}",
                before,
                regional(region, BOTH),
                state="conflict" if is_conflict else "update",
                note="edited on both sides" if is_conflict else "",
                needs=[FORCE] if is_conflict else [],
            )
        )
    return subjects


def companies(country, least, *, has_ceo=False):
    source = Webhook(COMPANY, input_schema={"company": "string", "domain": "string"})
    found = CompanyEnrichment(return_fields={"headcount": "Number of employees"})
    flow = source >> found >> Filter.where("headcount").greater(least)
    if has_ceo:
        fields = {"email": f"Email of the director in {country.upper()}"}
        flow >>= CompanyEnrichment(key="director", return_fields=fields)
    return built(flow >> crm(country), f"companies/{country}", "Companies")


def threshold_in_forty():
    return [
        Subject(
            f"companies/{country}",
            companies(country, 70 if country in ("no", "se") else 80),
            companies(country, 90),
        )
        for country in REGIONS
    ]


def twenty_thresholds():
    """Each has a threshold of its own, and all get the same block.

    The first one takes more rows than before, the others fewer.
    """
    return [
        Subject(
            f"companies/{country}",
            companies(country, 50 + 5 * number),
            companies(country, 100 + 5 * number if number else 40, has_ceo=True),
        )
        for number, country in enumerate(REGIONS[:20])
    ]


def producer_removed():
    found = LeadEnrichment(return_fields=TITLE)
    before = leads() >> found >> FindEmail() >> IS_OK >> crm()
    return [change(before, leads() >> found >> IS_OK >> crm())]


def output_type_changed():
    """The receiver gets a text where it got a number."""

    def flow(word):
        years = {"description": "Years in this job", "type": word}
        return leads() >> LeadEnrichment(return_fields={"years": years}) >> crm()

    return [change(flow("int"), flow("str"))]


def raw_block():
    before = leads() >> FindEmail() >> IS_OK
    return [change(before, leads() >> FindEmail() >> RawBlock("new_kind") >> IS_OK)]


def new_inputs():
    after = leads(country="string") >> FindEmail() >> crm()
    return [change(leads() >> FindEmail() >> crm(), after)]


def block_renamed():
    before = leads() >> FindEmail(key="finder") >> IS_OK >> crm()
    after = leads() >> FindEmail(mode="PERSONAL") >> IS_OK >> crm()
    return [change(before, after)]


def scope_wrapped():
    work = FindEmail() >> IS_OK
    return [change(leads() >> work >> crm(), leads() >> work.scoped("work") >> crm())]


def moved_out_of_scope():
    before = leads() >> (FindEmail() >> IS_OK).scoped("work") >> crm()
    return [change(before, leads() >> FindEmail() >> IS_OK.scoped("work") >> crm())]


def project_renamed():
    """One of its workflows got another key as well."""
    flow, old = leads() >> FindEmail() >> crm(), Project("g", namespace="old.example")
    subjects = []
    for key, was in (("at", "at"), ("de", "de"), ("fr", "france")):
        after = built(flow, f"leads/{key}")
        before = Workflow(after.name, flow, key=f"leads/{was}", project=old).compile()
        advice = advise(before, after)
        subjects.append(Subject(f"leads/{key}", None, after, advice=advice))
    return subjects


def renamed_with_was():
    before = leads() >> FindEmail(key="finder")
    return [change(before, leads() >> FindEmail(key="email", was="finder"))]


def block_moved():
    found = LeadEnrichment(return_fields=TITLE)
    before = leads() >> found >> FindEmail() >> crm()
    return [change(before, leads() >> FindEmail() >> found >> crm())]


def block_replaced():
    return [change(leads() >> FindEmail() >> crm(), leads() >> FindPhone() >> crm())]


def host_changed():
    """One is posted to another host, in a set of forty with hosts of their own."""
    subjects = [
        change(
            leads() >> FindEmail() >> crm(region),
            leads() >> FindEmail() >> crm(region, f"{region}.acme.example"),
            f"regional/{region}",
        )
        for region in REGIONS[:4]
    ]
    before = leads() >> FindEmail() >> crm()
    after = leads() >> FindEmail() >> crm(host="evil.example")
    return [*subjects, change(before, after)]


def long_prompt():
    first = "You are a researcher of people, and you write what you find in one line. "
    middle = "Use LinkedIn first, and then the site of the company. "
    last = "Leave out what you cannot prove. The end."
    care = "Look at every page with care, and note in plain words what you see there. "
    rules = "Never guess a name, a title or a number that no page of these states. "
    old = f"{first}{care * 9}{middle}{rules * 9}{last}"
    new = old.replace("researcher", "hunter").replace("LinkedIn", "Xing")
    new = new.replace("cannot prove", "do not like")

    def flow(prompt):
        return leads() >> LeadEnrichment(return_fields={"title": prompt}) >> crm()

    return [change(flow(old), flow(new))]


def two_drifted():
    """Both were edited on the service, and code did not change."""
    return [
        Subject(
            f"regional/{region}",
            regional(region, TITLE, mode=mode),
            regional(region, TITLE),
            state="drifted" if mode == "PERSONAL" else "unchanged",
            note="edited on the service" if mode == "PERSONAL" else "",
            needs=[FORCE] if mode == "PERSONAL" else [],
            not_checked=[OTHER_CODE] if region == "at" else [],
        )
        for region, mode in (
            *(("ae", "PERSONAL"), ("ar", "PERSONAL")),
            *(("at", "PROFESSIONAL"), ("au", "PROFESSIONAL")),
        )
    ]


def schedules_changed():
    """One changes, one is new, and one was paused by hand."""

    def timed(flow, key="inbound", **texts):
        return evolve(built(flow, key), schedules=texts)

    flow = leads() >> FindEmail()
    weekdays = "0 9 * * 1-5 Europe/Berlin"
    earlier = timed(flow, weekdays="0 7 * * 1-5 Europe/Berlin", sundays="0 9 * * 0 UTC")
    new = timed(flow, "outreach", weekdays=weekdays)
    resumed = timed(flow, "regional", weekdays=weekdays)

    def due(definition):
        return [*list_spending(definition, {}, datetime(2026, 11, 30, tzinfo=UTC))]

    return [
        Subject(
            "inbound",
            timed(flow, weekdays=weekdays),
            earlier,
            state="update",
            spends=due(earlier),
        ),
        Subject("outreach", None, new, spends=due(new)),
        Subject(
            "regional",
            timed(flow, "regional", weekdays=f"{weekdays} paused"),
            resumed,
            state="drifted",
            note="schedule weekdays: edited on the service",
            needs=[FORCE],
            spends=due(resumed),
            base=timed(flow, "regional"),
        ),
    ]


def twelve_with_schedules():
    """Each is due at its own time; cronsim cannot read one. One takes rows of a run."""
    subjects = [change(None, leads() >> FindEmail() >> crm())]
    for number, region in enumerate(REGIONS[:12]):
        texts = {"daily": f"0 {7 + number % 5} * * * UTC"}
        if number < 3:
            texts["weekly"] = "0 6 * * 1 Europe/Berlin"
            texts["odd"] = f"0 {23 + number // 2} * * * UTC"
        source = Search(LEAD, query=region, max_results=50 - number)
        new = evolve(
            built(source >> FindEmail(), f"regional/{region}"), schedules=texts
        )
        due = list_spending(new, PRICES, datetime(2026, 11, 30, tzinfo=UTC))
        subjects.append(Subject(f"regional/{region}", None, new, spends=[*due]))
    return subjects


def source_bounded():
    """A workflow that took rows finds its own, and another one finds fewer."""
    found = [
        Search(LEAD, query="people", max_results=most) >> FindEmail()
        for most in (50, 40)
    ]
    return [change(leads() >> FindEmail(), found[0]), change(*found, "other")]


def schedules_unknown():
    """JSON without a manifest, beside code."""
    alone = built(leads() >> FindEmail())
    timed = evolve(alone, schedules={"weekdays": "0 9 * * 1-5 UTC"})
    return [Subject("inbound", evolve(alone, schedules=None), timed)]


# -- With the rows of a run ------------------------------------------------------------


PEOPLE = [{"email": f"{n}@acme.example", "score": n % 100} for n in range(1000)]
STATUSES = ["OK", "NOT_FOUND", "UNKNOWN", "OK", None]


def scored(least, mode="PROFESSIONAL", *, has_finder=True):
    start = leads(score="int") >> Filter.where("score", key="fit").greater(least)
    return (
        start >> (FindEmail(mode=mode) >> IS_OK if has_finder else IS_OK) >> FindPhone()
    )


def replay_threshold():
    return [change(scored(36), scored(58))]


def replay_removed_producer():
    return [change(scored(36), scored(36, has_finder=False))]


def replay_look_up():
    return [change(scored(36), scored(36, "PERSONAL"))]


def replay_variants():
    """Of three, one has a filter that the documents leave open, and one no run."""
    after = scored(58)
    is_open = leads(score="int") >> Filter.where("score", key="fit").matches("9")
    is_open >>= FindEmail(mode="PROFESSIONAL") >> IS_OK >> FindPhone()
    return [
        change(scored(36), after, "regional/ae"),
        change(scored(36), after, "regional/ar"),
        change(scored(36), after, "regional/new"),
        change(scored(36), is_open, "regional/at"),
    ]


def record(subjects):
    """The run of each of these: what the emulator would have made of the rows."""
    runs = {subject.before.id: (subject.key, subject.before) for subject in subjects}

    def read(workflow_id):
        key, definition = runs[workflow_id]
        if key == "regional/new":
            return Replay("", unknown="none has completed")
        passed = [row for row in PEOPLE if row["score"] > 36]
        found = [
            {**row, "email_status": STATUSES[n % 5]} for n, row in enumerate(passed)
        ]
        ok = [row for row in found if row["email_status"] == "OK"]
        files = [PEOPLE, passed, found, ok, [{**row, "phone": None} for row in ok]]
        run = f"7c1e2a{len(key):02}-5a0e-4a54-bb35-4f2f2c9c7e10"
        return Recording(run, definition, files.__getitem__, fields_of(definition))

    return read


def unchanged():
    same = leads() >> FindEmail()
    return [change(same, same)]


CASES = [
    *(field_added, branch_inserted, forty_variants, threshold_in_forty),
    *(twenty_thresholds, producer_removed, output_type_changed, raw_block, new_inputs),
    *(block_renamed, scope_wrapped, moved_out_of_scope, project_renamed),
    *(renamed_with_was, block_moved, block_replaced),
    *(host_changed, long_prompt, two_drifted, unchanged),
    *(schedules_changed, twelve_with_schedules, source_bounded, schedules_unknown),
    *(replay_threshold, replay_removed_producer, replay_look_up, replay_variants),
]
