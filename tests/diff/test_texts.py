"""Changes as text: what a reviewer reads of realistic edits."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from flow64 import COMPANY, LEAD, RawBlock, tap
from flow64.blocks import (
    Deduplicate,
    Filter,
    FindEmail,
    FindPhone,
    OutgoingWebhook,
    Webhook,
)
from flow64.definition import Edge, FrozenDict, bind, fingerprint
from flow64.diff import (
    BlockRef,
    FieldChanged,
    Hidden,
    ItemChanged,
    ListChanged,
    apply,
    as_data,
    as_lines,
    diff,
)
from flow64.files import relative_path
from tests.analysis.support import wired
from tests.diff.support import (
    answer,
    compiled,
    duplicated,
    example,
    followed,
    specs_of,
    told,
)

FILE = relative_path(Path(__file__))
INBOUND = example("enrich_inbound_leads")["workflow"].compile()
RESEARCH = example("company_research")["workflow"].compile()
EVERYWHERE = example("environments")["workflow"].compile()
STAGING = example("environments")["STAGING"]
BOUND = bind(EVERYWHERE, STAGING, [])
REGIONS = example("regional_variants")["workflows"]
inbound = example("regional_variants")["inbound"]
HOOK = OutgoingWebhook(url="https://crm.acme.example/hooks/contacts")


def side_branch(*more, key="side-branch"):
    """The example of that name, with more look-ups beside its two."""
    source = Webhook(LEAD, input_schema={"full_name": "string", "company": "string"})
    archive = example("side_branch")["archive"]
    look_ups = [FindEmail(), FindPhone(), *more]
    flow = source >> Deduplicate() >> tap(archive) >> look_ups >> HOOK
    return compiled(flow, title="Contacts with an archive", key=key)


def leads(*steps):
    """A chain from a webhook to a webhook."""
    flow = Webhook(LEAD)
    for step in steps:
        flow = flow >> step
    return compiled(flow >> HOOK)


def chain(*keys):
    """Blocks that nobody knows, one after the other."""
    flow = Webhook(LEAD)
    for key in keys[1:]:
        flow = flow >> RawBlock("x", key=key)
    return compiled(flow)


FIND_EMAIL = FindEmail()
LINE = FIND_EMAIL.place.line
SWAPPED = leads(FIND_EMAIL, Deduplicate()), leads(Deduplicate(), FIND_EMAIL)
FIELDS = {"title": "string", "linkedin_url": "string"}

RANGE = {"column": "a", "operator": "equals", "value": {"from": 1}}
MEMBER = {"column": "b", "operator": "equals", "value": 1, "more": 1}

EDITS = {
    "nothing": (INBOUND, INBOUND, ""),
    "a field asked for": (
        INBOUND,
        specs_of(
            INBOUND,
            "lead_enrichment",
            return_fields={**FIELDS, "seniority": {"description": "x", "type": "str"}},
        ),
        """\
block lead_enrichment
    + return_fields.seniority: {"description": "x", "type": "str"}
""",
    ),
    "a field asked for no more, and one in other words": (
        INBOUND,
        specs_of(INBOUND, "lead_enrichment", return_fields={"title": "Job title"}),
        """\
block lead_enrichment
    ~ return_fields.title: "string" → "Job title"
    - return_fields.linkedin_url: "string"
""",
    ),
    "a title and a description": (
        INBOUND,
        evolve(INBOUND, name="Inbound leads, 2027", description="What\u202eelse\n"),
        """\
~ title: "Enrich inbound leads" → "Inbound leads, 2027"
~ description: "Webhook → enrich people → outgoing webhook" → "What\\u202eelse\\n"
""",
    ),
    "a branch inserted": (
        side_branch(),
        side_branch(RawBlock("score_lead", key="score", specs={"model": "fit-2"})),
        """\
block score
    + the block is new, of kind score_lead
        + model: "fit-2"
edges
    + deduplicate >> score
    + score >> outgoing_webhook
""",
    ),
    "a block inserted": (
        inbound("fr").compile(),
        inbound("fr", consent=True).compile(),
        """\
block filter
    + the block is new
        + consent equals true
edges
    - webhook >> lead_enrichment
    + webhook >> filter
    + filter >> lead_enrichment
""",
    ),
    "a condition changed, one added, one dropped": (
        leads(Filter.where("email").is_not_empty().and_("country").equals("de")),
        leads(Filter.where("country").equals("fr").and_("title").contains("Head")),
        """\
block filter
    - email is not empty
    ~ and country equals "de" → country equals "fr"
    + and title contains "Head"
""",
    ),
    "a threshold": (
        leads(Filter.where("headcount").greater(50)),
        leads(Filter.where("headcount").greater(100)),
        """\
block filter
    ~ headcount greater than 50 → 100
""",
    ),
    "another operator, and one that takes no value": (
        leads(Filter.where("a").less(1).and_("b").is_empty()),
        leads(Filter.where("a").not_equals(2).and_("b").equals("x")),
        """\
block filter
    ~ a less than 1 → a does not equal 2
    ~ and b is empty → and b equals "x"
""",
    ),
    "a list that a condition allows": (
        leads(Filter.where("country").in_(["de", "at", "fr", "be"])),
        leads(Filter.where("country").in_(["fr", "de", "be", "us"])),
        """\
block filter
    ~ country in ["de", "at", "fr", "be"] → ["fr", "de", "be", "us"]
""",
    ),
    "conditions in another order": (
        leads(Filter.where("a").equals(1).or_("b c").equals(2).or_("d").equals(3)),
        specs_of(
            leads(Filter.where("a").equals(1)),
            "filter",
            filters=[
                {"column": "a", "operator": "equals", "value": 1},
                {"column": "d", "operator": "equals", "value": 3, "logic": "or"},
                {"column": "b c", "operator": "equals", "value": 2, "logic": "or"},
            ],
        ),
        """\
block filter
    > or "b c" equals 2: [1] → [2]
""",
    ),
    "conditions that the class cannot read": (
        specs_of(leads(Filter.where("a").equals(1)), "filter", filters=[RANGE, MEMBER]),
        specs_of(
            leads(Filter.where("a").equals(1)),
            "filter",
            filters=[{**RANGE, "value": {"from": 2}}, {**MEMBER, "more": 2}, "x"],
        ),
        """\
block filter
    ~ filters[0].value.from: 1 → 2
    ~ filters[1].more: 1 → 2
    + filters[2]: "x"
""",
    ),
    "conditions where there were none": (
        leads(RawBlock("filter")),
        leads(Filter.where("a").is_not_empty().and_("b").matches("^x")),
        """\
block filter
    + a is not empty
    + and b matches "^x"
""",
    ),
    "a block renamed with was=": (
        leads(FindEmail(key="mail")),
        leads(FindEmail(key="work", was="mail")),
        "",
    ),
    "a block renamed without": (
        leads(FindEmail(key="mail", mode="PROFESSIONAL")),
        leads(FindEmail(key="work", mode="PERSONAL")),
        """\
block work
    ~ was mail, with another id (was= keeps it)
    ~ mode: "PROFESSIONAL" → "PERSONAL"
""",
    ),
    "a copy in the web editor, edited": (
        RESEARCH,
        duplicated(
            RESEARCH,
            lambda blocks: blocks["filter"]["specs"]["filters"][0].update(value="NO"),
        ),
        """\
~ 8 blocks have other ids: webhook, deduplicate, company_enrichment, \
company_to_leads, find_email and 3 more
block reachable
    ~ email_status equals "OK" → "NO"
""",
    ),
    "two blocks swapped": (
        *SWAPPED,
        """\
block deduplicate
    > place: after find_email → after webhook
        - edge deduplicate >> outgoing_webhook
        - edge find_email >> deduplicate
        + edge webhook >> deduplicate
        + edge deduplicate >> find_email
edges
    - webhook >> find_email
    + find_email >> outgoing_webhook
""",
    ),
    "three blocks that stay together, moved": (
        chain("webhook", "a", "b", "c", "d", "e", "f", "g"),
        chain("webhook", "d", "e", "f", "g", "a", "b", "c"),
        """\
block a
    > place: after webhook → after g
        - edge webhook >> a
        + edge g >> a
edges
    - c >> d
    + webhook >> d
""",
    ),
    "a block in the place of another": (
        leads(FindEmail()),
        leads(FindPhone()),
        """\
block find_email
    - the block is gone
block find_phone
    + the block is new
edges
    - webhook >> find_email
    - find_email >> outgoing_webhook
    + webhook >> find_phone
    + find_phone >> outgoing_webhook
""",
    ),
    "another kind under the same id": (
        leads(FindEmail(key="contact")),
        leads(FindPhone(key="contact")),
        """\
block contact
    ~ kind: "find_email" → "find_phone"
""",
    ),
    "another region": (
        REGIONS["fr"].compile(),
        REGIONS["de"].compile(),
        """\
~ 4 blocks have other ids: webhook, lead_enrichment, find_email, outgoing_webhook
~ title: "Inbound leads, FR" → "Inbound leads, DE"
block lead_enrichment
    ~ return_fields.title.description: "Job title, as it is written in FR" → "Job \
title, as it is written in DE"
block outgoing_webhook
    ~ url: "https://crm.acme.example/hooks/fr" → "https://crm.acme.example/hooks/de"
block filter
    + the block is new
        + consent equals true
edges
    - webhook >> lead_enrichment
    + webhook >> filter
    + filter >> lead_enrichment
""",
    ),
    "values filled in": (
        EVERYWHERE,
        answer(BOUND),
        """\
block append_to_notebook
    ~ notebook_id: value "notebook" → "2f6c1b7e-3f0a-4c55-9f0e-8c1a5d7b9e21"
block outgoing_webhook
    ~ url: secret "crm_hook" → "***"
""",
    ),
    "a key in the text": (
        INBOUND,
        specs_of(
            INBOUND, "outgoing_webhook", url="https://a.example/sk_live_" + 9 * "0"
        ),
        """\
block outgoing_webhook
    ~ url: "https://example.com/hooks/sixtyfour" → "https://a.example/***"
""",
    ),
    "order alone": (
        wired(("read_csv", {"columns": ["a", "b", "c"]})),
        wired(("read_csv", {"columns": ["c", "a", "b"]})),
        """\
block read_csv (df728f5d)
    > columns "c": [2] → [0]
""",
    ),
}


@pytest.mark.parametrize(("before", "after", "lines"), EDITS.values(), ids=EDITS)
def test_an_edit_reads_as_what_it_is(before, after, lines):
    """Each block once, with what changed in it; nothing that means the same."""
    assert told(before, after) == lines


@pytest.mark.parametrize(("before", "after", "lines"), EDITS.values(), ids=EDITS)
def test_an_edit_can_be_made(before, after, lines):
    """Its changes, made to what was there, give what is there instead."""
    changes = list(diff(before, after))

    assert fingerprint(apply(changes, before)) == fingerprint(after)
    assert bool(changes) == bool(lines)


FILTER = BlockRef("1", "filter", "filter")
CONDITION = {"column": "a", "operator": "in", "value": ["x"]}


@pytest.mark.parametrize(
    ("change", "after", "line"),
    [
        (
            FieldChanged(FILTER, ("filters", 0, "value"), "y", ["x"]),
            Hidden([]),
            '~ filters[0].value: "y" → ["x"]',
        ),
        (
            ListChanged(FILTER, ("filters", 0, "value"), (), Hidden(["x"])),
            [CONDITION],
            "",
        ),
        (
            ListChanged(
                FILTER,
                ("filters", 0, "value"),
                (ItemChanged(0, 0, (FieldChanged(FILTER, ("b",), 1, 2),)),),
                ["x"],
            ),
            [CONDITION],
            "~ b: 1 → 2",
        ),
        (
            FieldChanged(FILTER, ("filters", 0, "value"), Hidden("y"), ["x"]),
            [CONDITION],
            '~ a in "***" → ["x"]',
        ),
    ],
)
def test_a_condition_is_read_if_both_sides_of_it_are_known(change, after, line):
    """What is hidden, or inside of other things, is shown field by field."""
    whole = ListChanged(FILTER, ("filters",), (ItemChanged(0, 0, (change,)),), after)

    assert "\n".join(map(str, whole.describe())) == line


FOLLOWED = {
    "nothing": (INBOUND, INBOUND, ""),
    "another row kind": (
        compiled(Webhook(LEAD) >> HOOK),
        compiled(Webhook(COMPANY) >> HOOK),
        """\
rows
    ~ rows of webhook: LEAD → COMPANY
    ~ rows out of the workflow: LEAD → COMPANY
""",
    ),
    "columns and cost": (
        leads(FindEmail(key="contact")),
        leads(FindPhone(key="contact")),
        """\
output columns
    - email
    - email_status: str
    + phone
~ cost per 1,000 input rows: at most $50 → $300 (+$250)
side effects
    ~ find_email no longer costs credits in each run
    + find_phone costs credits in each run
""",
    ),
    "a column of another type": (
        specs_of(INBOUND, "webhook", input_schema={"email": "string", "age": "int"}),
        specs_of(INBOUND, "webhook", input_schema={"email": "string", "age": "bool"}),
        """\
output columns
    ~ age: int → bool
""",
    ),
    "something unknown": (
        compiled(Webhook(LEAD, input_schema={"email": "string"}) >> HOOK),
        compiled(
            Webhook(LEAD, input_schema={"email": "string"}) >> RawBlock("x") >> HOOK
        ),
        """\
rows
    ~ rows of outgoing_webhook: LEAD → unknown
    ~ rows out of the workflow: LEAD → unknown
output columns
    - email: string
~ cost per 1,000 input rows: at most $0 → unknown for x
side effects
    + the effects of x are unknown
findings
    + note unknown-kind (x): 'x' is not in the catalogue, so not checked
""",
    ),
    "a search in place of a webhook": (
        RESEARCH,
        example("search_list")["workflow"].compile(),
        """\
rows
    ~ rows of deduplicate: COMPANY → LEAD
    ~ rows that do not meet email_status equals "OK" now pass: reachable is gone
output columns
    - phone
    + title: str
    + years_in_role: int
~ cost per 1,000 input rows: at most find_email $0.05, find_phone $0.30 a row, for an \
unknown number of rows + unknown for company_enrichment → $45 + unknown for search
side effects
    ~ company_enrichment no longer costs credits in each run
    ~ find_phone no longer costs credits in each run
    - append_to_notebook no longer leaves something outside at each run: adds rows to \
notebook '7d0c2c52-6d0b-4f2e-9d53-1d7b0e8a4f11'
    + search costs credits in each run
    + lead_enrichment costs credits in each run
    + append_to_notebook leaves something outside at each run: adds rows to it
    + append_to_notebook makes a place to keep rows: makes a notebook
findings
    + note first-block-not-webhook (search): it begins with search, and sources \
disagree on starting it by API
    + note create-new-notebook (append_to_notebook): it may make a new notebook at \
each run
""",
    ),
    "a finding that is mended": (
        leads(Filter.where("emial").is_not_empty()),
        leads(Filter.where("email").is_not_empty()),
        "",
    ),
    "a block moved": (
        *SWAPPED,
        f"""\
findings
    - note late-deduplicate (deduplicate): rows are there twice when find_email \
({FILE}:{LINE}) is paid
""",
    ),
    "values filled in": (BOUND, answer(BOUND), ""),
}


@pytest.mark.parametrize(("before", "after", "lines"), FOLLOWED.values(), ids=FOLLOWED)
def test_what_follows_is_told(before, after, lines):
    """Rows, columns, cost, effects and findings, as far as anybody knows them."""
    assert followed(before, after) == lines


def test_a_new_text_for_a_secret_is_told_and_not_shown():
    """By its name alone, and only where texts are compared."""
    other = bind(EVERYWHERE, {**STAGING, "crm_hook": "https://other.example/x"}, [])

    assert told(BOUND, other) == ""
    assert (
        told(BOUND, other, bound=True)
        == """\
block outgoing_webhook
    ~ url: secret "crm_hook" is another text
"""
    )


def test_what_code_sent_is_live():
    """Live text and the secret that it came from are one, where texts are compared."""
    assert told(BOUND, answer(BOUND), bound=True) == ""


def test_unmanaged_fields_are_listed_apart():
    """A field that code neither sets nor set stays, whatever it is."""
    code = leads(FindEmail(mode="PROFESSIONAL"))
    live = specs_of(code, "find_email", mode="PERSONAL", tier="high", note=None)
    managed = {block.id.upper(): frozenset(block.specs) for block in code.blocks}
    edited = specs_of(live, "find_email", mode="PERSONAL", tier="low")

    assert (
        told(live, code, managed=managed)
        == """\
block find_email
    ? tier: "high" is not managed
    ? note: null is not managed
    ~ mode: "PERSONAL" → "PROFESSIONAL"
"""
    )
    assert (
        told(live, edited, managed=managed)
        == """\
block find_email
    ? tier: "high" → "low" is not managed
"""
    )
    assert (
        told(code, edited, managed={})
        == """\
block find_email
    ? mode: "PROFESSIONAL" → "PERSONAL" is not managed
    ? tier: "low" is not managed
    ? note: null is not managed
"""
    )


def test_a_block_that_is_another_kind_keeps_nothing():
    """Its fields are changes, whatever code manages."""
    before = leads(FindEmail(key="contact", mode="PERSONAL"))
    after = leads(FindPhone(key="contact"))

    assert (
        told(before, after, managed={})
        == """\
block contact
    ~ kind: "find_email" → "find_phone"
    - mode: "PERSONAL"
"""
    )


def test_one_block_with_another_id():
    """A single one is named as what it is."""
    before, after = wired(("webhook", {})), wired(("webhook", {}))
    after = evolve(after, blocks=(after.blocks[0]._replace(id="w" * 9),))

    assert told(before, after) == "~ block webhook (wwwwwwww) has another id\n"


def test_an_edge_may_lead_nowhere_or_have_a_condition():
    """The end is called by its id."""
    before = wired(("webhook", {}))
    here = before.blocks[0].id
    edges = (
        Edge(here, "gone", FrozenDict(condition="a")),
        Edge("gone", here),
        Edge("gone", "gone"),
        Edge(here, "gone"),
    )
    name = f"webhook ({here[:8]})"

    assert told(before, evolve(before, edges=edges)) == (
        "edges\n"
        f"    + {name} >> gone\n"
        f"    + {name} >> gone if a\n"
        f"    + gone >> {name}\n"
        "    + gone >> gone\n"
    )


def test_a_long_value_is_cut():
    """Text shows how a value begins; JSON has all of it."""
    before = wired(("webhook", {}))
    [change] = diff(before, wired(("webhook", {"a": "x" * 199})))

    assert [*as_lines([change])][1] == f'    + a: "{"x" * 158}…'
    assert as_data(change)["value"] == "x" * 199
