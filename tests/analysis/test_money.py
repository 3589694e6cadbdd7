"""What a workflow spends and touches, and what it may cost."""

from __future__ import annotations

import sys
from itertools import pairwise

import pytest

from flow64 import COMPANY, LEAD, RawBlock, Workflow, fan, value
from flow64.analysis.costs import Charge, Touch, cost, effects
from flow64.blocks import (
    AppendToNotebook,
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    FindEmail,
    FindPhone,
    FindSubdomains,
    LeadEnrichment,
    OutgoingWebhook,
    QaAgent,
    Search,
    SendSlackMessage,
    Webhook,
)
from flow64.definition import Hidden
from flow64.errors import BuildError
from tests.analysis.support import wired


def definition(flow):
    return Workflow("Leads", flow, key="leads").compile()


def bought(tier):
    return LeadEnrichment(return_fields={"a": "A"}, tier=tier, key=tier)


PEOPLE = CompanyEnrichment(return_fields={"a": "A"}, find_people=True)
COMPANIES, LEADS = Webhook(COMPANY), Webhook(LEAD)
FOUR = [Deduplicate(key=key) for key in ("a", "b", "c", "d")]
PERSONAL = FindEmail(mode="PERSONAL", key="personal")


@pytest.mark.parametrize(
    ("flow", "dollars", "unpriced", "is_open"),
    [
        (LEADS >> Deduplicate(), 0, [], False),
        (LEADS >> [FindEmail(), PERSONAL, FindPhone()], 550, [], False),
        (
            LEADS >> bought("low") >> bought("medium") >> QaAgent(),
            100,
            ["lead_enrichment", "qa_agent"],
            False,
        ),
        (
            COMPANIES >> PEOPLE >> CompanyToLeads() >> FindEmail(),
            None,
            ["company_enrichment"],
            True,
        ),
        (Search(LEAD, query="q") >> FindEmail(), None, ["search"], True),
        (
            LEADS >> RawBlock("enrich_lead") >> RawBlock("new_kind"),
            None,
            ["enrich_lead (now lead_enrichment)", "new_kind"],
            False,
        ),
        (LEADS >> [FindEmail(), Deduplicate()] >> Deduplicate(key="z"), 50, [], False),
        (LEADS >> FOUR[:2] >> FindEmail(), 100, [], False),
        (LEADS >> FOUR >> FindPhone(), 1200, [], False),
        (Search(LEAD, query="q", max_results=20) >> FindPhone(), 6, ["search"], False),
        (COMPANIES >> FindSubdomains() >> FindPhone(), None, ["find_subdomains"], True),
        (LEADS >> FindEmail(mode=value("mode")), None, ["find_email"], False),
    ],
)
def test_cost(flow, dollars, unpriced, is_open):
    """Known prices add up; what is unknown or open is named and never counted."""
    data = cost(definition(flow)).as_data()

    assert (data["dollars"], data["unpriced"]) == (dollars, unpriced)
    assert bool(data["open"]) is is_open


def test_price_that_depends_on_a_value():
    """It is not a price that no document states, such as that of another block."""
    open_tier = LeadEnrichment({"b": "B"}, tier=value("tier"), key="open")
    flow = definition(LEADS >> open_tier >> bought("medium"))
    total = cost(flow)

    assert [*total.list_omissions(flow)] == [
        "open: the price depends on tier",
        "medium: no price is documented",
    ]
    assert "(depends on tier)" in str(total)


@pytest.mark.parametrize("price", [-1, float("nan"), float("inf"), "1", True])
def test_price_is_a_number_of_dollars(price):
    """Any other one would lift a limit."""
    with pytest.raises(BuildError, match="write dollars"):
        cost(wired(("webhook", {})), prices={"webhook": price})


def test_cost_is_whole_only_where_nothing_is_left_out():
    """An unknown price or kind, and an open number of rows, leave some out."""
    blocks = Webhook(LEAD), FindEmail(), bought("high"), RawBlock("new"), FindPhone()
    first, email, high, new, phone = blocks

    whole = [
        cost(definition(flow)).is_whole
        for flow in (first >> email, first >> high, first >> new, new >> phone)
    ]

    assert whole == [True, False, False, False]
    assert not cost(definition(Search(LEAD, query="q") >> email)).is_whole


def test_cost_is_data():
    """Blocks of one kind and price are one charge, with their positions."""
    flow = Webhook(LEAD) >> FindEmail() >> FindEmail(key="b") >> FindPhone()

    assert cost(definition(flow)).charges == [
        Charge("find_email", 0.05, 2000, [1, 2]),
        Charge("find_phone", 0.3, 1000, [3]),
    ]


@pytest.mark.parametrize(
    ("max_results", "rows"),
    [(20, 20), (1, 1), (0, None), (-1, None), (True, None), ("20", None), (None, None)],
)
def test_a_search_gives_no_more_rows_than_its_max_results(max_results, rows):
    """Any other word than a count limits nothing for sure."""
    blocks = ("search", {"max_results": max_results}), ("find_phone", {})

    total = cost(wired(*blocks, edges=[(0, 1)]))

    assert total.charges[-1].rows == rows


def test_layers_that_are_joined_whole_multiply_their_rows():
    """Rows are whole numbers of any size, and dollars never overflow."""
    width, depth = 10, 400
    blocks = [("webhook", {}), *[("filter", {})] * (width * depth), ("find_phone", {})]
    layers = [range(1 + at, 1 + at + width) for at in range(0, width * depth, width)]
    edges = [(0, at) for at in layers[0]]
    for above, below in pairwise(layers):
        edges += [(source, target) for source in above for target in below]
    edges += [(at, len(blocks) - 1) for at in layers[-1]]

    total = cost(wired(*blocks, edges=edges))

    assert total.charges[0].rows == 1000 * width**depth
    assert total.dollars == sys.float_info.max


def test_rows_of_a_payload_come_from_webhooks_alone():
    """A file or a notebook holds rows that no payload tells of."""
    ends = [("find_email", {})]

    dollars = [
        cost(wired((kind, {}), *ends, edges=[(0, 1)]), 3, of_payload=True).dollars
        for kind in ("webhook", "read_csv", "read_notebook")
    ]

    assert dollars == [0.15, 0, 0]


def test_source_inside_of_a_graph_adds_its_rows():
    """Nobody knows whether it does; so the bound takes it that it may."""
    blocks = ("webhook", {}), ("webhook", {}), ("find_email", {})

    total = cost(wired(*blocks))

    assert total.charges[0].rows == 2000


@pytest.mark.parametrize(
    ("blocks", "unit"),
    [
        ([("search", {"max_results": 40}), ("find_email", {})], "a run"),
        ([("search", {}), ("find_email", {})], "per 1,000 rows"),
        ([("search", {"max_results": 40}), ("read_csv", {})], "per 1,000 rows"),
        ([("webhook", {}), ("search", {"max_results": 40})], "per 1,000 rows"),
    ],
)
def test_cost_is_of_a_run_if_nothing_else_brings_rows(blocks, unit):
    assert cost(wired(*blocks)).as_data()["unit"] == unit


def test_rows_of_a_cycle_are_unknown():
    """They may go around any number of times; so may those that come out of it."""
    blocks = ("webhook", {}), ("filter", {}), ("filter", {}), ("find_email", {})

    total = cost(wired(*blocks, edges=[(1, 2), (2, 1), (2, 3)]))

    assert total.charges[0].rows is None


def test_cost_of_many_blocks_is_exact():
    """A price is no binary fraction, and a hundred of them are a hundred times one."""
    flow = Webhook(LEAD)
    for number in range(100):
        flow = flow >> FindEmail(key=f"k{number}")

    assert cost(definition(flow)).dollars == 5000


def test_cost_on_a_cycle():
    """A graph that is faulty has a cost all the same."""
    blocks = ("webhook", {}), ("find_email", {}), ("new_kind", {})

    total = cost(wired(*blocks, edges=[(0, 1), (1, 2), (2, 1)]))

    assert [charge.kind for charge in total.charges] == ["find_email"]


def posting(url):
    return ("outgoing_webhook", {"url": url})


@pytest.mark.parametrize(
    ("block", "target"),
    [
        (posting("https://user:secret@example.com/secret?q=1"), "https://example.com"),
        (posting("https://example.com/x"), "https://example.com"),
        (posting("https://EXAMPLE.com/x"), "https://example.com"),
        (posting("https://example.com:8443/x"), "https://example.com"),
        (posting("https://example.com?q=1"), "https://example.com"),
        (posting("https://example.com\n"), "https://example.com"),
        (posting("nothing"), "no address"),
        (posting("https://[x"), "no address"),
        (posting(None), "nothing"),
        (posting(5), "5"),
        (posting(value("url")), "value 'url'"),
    ],
)
def test_target_of_a_webhook_shows_no_secret(block, target):
    """Of a URL the scheme and host are shown, since its path may be a secret."""
    (touch,) = effects(wired(block)).touches

    assert touch == Touch(
        "outgoing_webhook", "writes-outside", f"posts to {target}", [0]
    )


def test_target_that_is_hidden_is_not_shown():
    hidden = wired(posting("x"))
    block = hidden.blocks[0]
    specs = type(block.specs)(url=Hidden())
    hidden = type(hidden)("x", "", (block._replace(specs=specs),), ())

    assert str(effects(hidden)) == (
        "leaves something outside at each run: posts to an address that is not shown"
    )


def test_effects():
    """What is spent and when, what stays outside, and what nobody knows."""
    flow = (
        Search(LEAD, query="q", auto_execute=True)
        >> fan(FindEmail(), FindEmail(key="b"), QaAgent())
        >> Deduplicate()
        >> [
            AppendToNotebook(notebook_id="n", key="old"),
            AppendToNotebook(notebook_id="__create_new__", notebook_name="May"),
            SendSlackMessage(),
            OutgoingWebhook(url="https://example.com/hook"),
            RawBlock("new_kind"),
            RawBlock("enrich_lead"),
        ]
    )

    summary = effects(definition(flow))

    assert str(summary).split("; ") == [
        "spends as soon as it is created: search",
        "costs credits in each run: search, find_email (2 blocks)",
        "may cost credits in each run (no source says whether it does): qa_agent",
        (
            "leaves something outside at each run: adds rows to it, makes a "
            "notebook, adds "
            "rows to notebook 'n', posts to https://example.com, sends to Slack"
        ),
        "unknown: enrich_lead (now lead_enrichment), new_kind",
    ]
