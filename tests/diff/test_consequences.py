"""What follows from changes: prices of one's own, secrets, and findings."""

from __future__ import annotations

import json

import pytest

from flow64 import LEAD, RawBlock, Workflow
from flow64.analysis import Estimate, LiveCatalogue, RowPrice
from flow64.blocks import (
    Deduplicate,
    Filter,
    FindEmail,
    LeadEnrichment,
    Search,
    VerifyEmail,
    Webhook,
)
from flow64.definition import BoundSecret, Definition, Value
from flow64.diff import (
    CostChanged,
    FindingAppeared,
    FindingVanished,
    OtherColumnsChanged,
    PassingChanged,
    ReadBroken,
    RowsChanged,
    as_data,
    consequences,
    impact_of,
)
from flow64.errors import ArgumentError
from tests.analysis.support import wired
from tests.diff.support import compiled, duplicated, followed

EMPTY = wired()
SOURCE = Webhook(LEAD, input_schema={"email": "string"})


def cost_of(flow, prices):
    """What a flow costs, beside one that has nothing to pay for."""
    free = compiled(Webhook(LEAD))
    found = consequences(free, compiled(flow), prices=prices)
    return [change.after for change in found if isinstance(change, CostChanged)]


@pytest.mark.parametrize(
    ("flow", "prices", "dollars", "unpriced", "open_"),
    [
        (SOURCE >> FindEmail(), {}, 50.0, [], {}),
        (SOURCE >> FindEmail(), {"find_email": 0.02}, 20.0, [], {}),
        (SOURCE >> VerifyEmail(), {}, None, ["verify_email"], {}),
        (SOURCE >> VerifyEmail(), {"verify_email": 0.001}, 1.0, [], {}),
        (SOURCE >> VerifyEmail() >> FindEmail(), {}, 50.0, ["verify_email"], {}),
        (SOURCE >> RawBlock("x"), {"x": 1}, 1000.0, [], {}),
        (SOURCE >> RawBlock("x") >> RawBlock("y"), {"x": 1}, 1000.0, ["y"], {}),
        (SOURCE >> Deduplicate(), {"deduplicate": 0.001}, 1.0, [], {}),
        (
            Search(LEAD, query="x") >> FindEmail() >> Deduplicate(),
            {"search": 0.5, "deduplicate": 1},
            None,
            [],
            {"deduplicate": 1, "find_email": 0.05, "search": 0.5},
        ),
    ],
)
def test_cost_goes_by_prices(flow, prices, dollars, unpriced, open_):
    """One's own come before those that are documented; unknown is never zero."""
    rows = tuple(RowPrice(kind, dollars) for kind, dollars in open_.items())

    assert cost_of(flow, prices) == [Estimate(dollars, tuple(unpriced), rows)]


def test_the_same_cost_is_no_change():
    """Of a price that is zero, as of none."""
    before, after = compiled(SOURCE), compiled(SOURCE >> FindEmail())

    assert "cost per" not in followed(before, after, prices={"find_email": 0.0})
    assert "cost per" not in followed(before, before)


@pytest.mark.parametrize("price", [-1, float("nan"), float("inf"), "1", True, None])
def test_a_price_is_a_number_of_dollars(price):
    """Anything else is refused before anything is told."""
    with pytest.raises(ArgumentError, match=r"'find_email' is .*; write dollars"):
        next(consequences(EMPTY, EMPTY, prices={"find_email": price}))


def test_columns_that_nobody_knows():
    """Told as such, in both directions."""
    closed, opened = EMPTY, compiled(Webhook(LEAD))

    found = [*consequences(closed, opened), *consequences(opened, closed)]

    assert [c for c in found if isinstance(c, OtherColumnsChanged)] == [
        OtherColumnsChanged(before=False, after=True),
        OtherColumnsChanged(before=True, after=False),
    ]


def test_rows_are_told_where_they_begin_to_be_others():
    """And at the end, not at each block between."""
    steps = [
        ("webhook", {"dataframe_type": "LEAD"}),
        ("deduplicate", {}),
        ("filter", {}),
    ]
    before = wired(*steps)
    after = wired(("webhook", {"dataframe_type": "COMPANY"}), *steps[1:])

    found = [c for c in consequences(before, after) if isinstance(c, RowsChanged)]

    assert [(c.block and c.block.kind, c.before, c.after) for c in found] == [
        ("webhook", ("LEAD",), ("COMPANY",)),
        (None, ("LEAD",), ("COMPANY",)),
    ]


def test_a_finding_that_stands_is_no_change():
    """Of the same code and block, in whatever words and under whatever id."""
    key = "sk_live_" + 9 * "0"

    def with_keys(*names):
        return compiled(Webhook(LEAD) >> RawBlock("x", specs=dict.fromkeys(names, key)))

    def findings_of(before, after):
        return [
            (type(change), change.finding.code)
            for change in consequences(before, after)
            if isinstance(change, FindingAppeared | FindingVanished)
        ]

    one, two = with_keys("a"), with_keys("a", "b")

    assert findings_of(one, duplicated(one)) == []
    assert findings_of(one, with_keys("c")) == []
    assert findings_of(one, two) == [(FindingAppeared, "secret-in-specs")]
    assert findings_of(two, one) == [(FindingVanished, "secret-in-specs")]


def test_all_findings_of_a_new_workflow_are_new():
    """Without a workflow before, a title and blocks are not missing there."""
    found = [*consequences(None, Definition("", "", (), ()))]

    assert [one.finding.code for one in found] == ["no-blocks"]


def test_nothing_that_follows_tells_a_secret():
    """Neither a host nor a finding, where the other side keeps it secret."""
    url = "http://hush.example/x"
    secret = Value("hook", secret=True)
    live = wired(("webhook", {}), ("outgoing_webhook", {"url": url}))
    unbound = wired(("webhook", {}), ("outgoing_webhook", {"url": secret}))
    filled = BoundSecret(secret, url)
    bound = wired(("webhook", {}), ("outgoing_webhook", {"url": filled}))
    elsewhere = wired(("webhook", {}), ("send_slack_message", {"text": f"see {url}"}))

    for code in (unbound, bound):
        assert followed(live, code) == followed(code, live) == ""
    told = [json.dumps([*map(as_data, consequences(bound, elsewhere))])]
    told += [repr([*consequences(bound, elsewhere)]), followed(elsewhere, bound)]
    assert not any("hush" in text for text in told)


# -- Broken reads ----------------------------------------------------------------------

NAMES = Webhook(LEAD, input_schema={"full_name": "string"})
STATUS = Filter.where("email_status").equals("OK")
TITLE = Filter.where("title").contains("CEO")
ENRICH = LeadEnrichment(return_fields={"title": "Title"})
GONE = "but no block before it adds that column any more"
UNSURE = "but no block before it is known to add that column any more"
NO_ROW = "probably no row passes"


def broken(before, after):
    """The first line of each broken read, and the codes of new findings."""
    found = [*consequences(compiled(before), compiled(after))]
    reads = [one for one in found if isinstance(one, ReadBroken)]
    new = [one.finding.code for one in found if isinstance(one, FindingAppeared)]
    return [line.text for one in reads for line in one.describe()], new


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (
            NAMES >> FindEmail() >> STATUS,
            NAMES >> STATUS,
            [f"filter reads email_status, {GONE}: {NO_ROW}"],
        ),
        (
            NAMES >> FindEmail() >> STATUS,
            NAMES >> STATUS >> FindEmail(),
            [f"filter reads email_status, {GONE}; find_email adds it later: {NO_ROW}"],
        ),
        (
            NAMES >> ENRICH >> TITLE,
            NAMES >> LeadEnrichment(return_fields={"city": "City"}) >> TITLE,
            [f"filter reads title, {GONE}: {NO_ROW}"],
        ),
        (
            NAMES >> FindEmail() >> VerifyEmail(),
            NAMES >> VerifyEmail(),
            [f"verify_email reads email, {GONE}"],
        ),
        (
            NAMES >> FindEmail() >> VerifyEmail(),
            NAMES >> VerifyEmail() >> Filter.where("email", key="new").equals("a"),
            [
                f"verify_email reads email, {GONE}",
                f"new reads email, {GONE}: {NO_ROW}",
            ],
        ),
        (
            NAMES >> RawBlock("score_lead") >> TITLE,
            NAMES >> TITLE,
            [f"filter reads title, {UNSURE}: {NO_ROW}"],
        ),
        (NAMES >> RawBlock("a") >> TITLE, NAMES >> RawBlock("b") >> TITLE, []),
        (NAMES >> TITLE >> FindEmail(), NAMES >> TITLE, []),
        (NAMES >> FindEmail() >> STATUS, NAMES >> FindEmail(), []),
    ],
    ids=[
        "removed",
        "moved",
        "field",
        "inferred",
        "new reader",
        "unknown block",
        "other unknown block",
        "never there",
        "reader",
    ],
)
def test_broken_reads(before, after, lines):
    """A block reads what only came before the change. No finding says it again."""
    told, new = broken(before, after)

    assert told == lines
    assert not {"undeclared-column", "read-before-written"} & {*new}


def test_broken_read_of_unknown_rows():
    """It is reported where a check is silent: rows may bring the column themselves."""
    lines, new = broken(Webhook(LEAD) >> FindEmail() >> STATUS, Webhook(LEAD) >> STATUS)

    assert lines == [f"filter reads email_status, {GONE}: {NO_ROW}"]
    assert new == []


def test_broken_read_stands_above_the_saving():
    """The rows that are lost come before the dollars that are saved."""
    before, after = NAMES >> FindEmail() >> STATUS, NAMES >> STATUS
    first, *others = consequences(compiled(before), compiled(after))

    assert isinstance(first, ReadBroken)
    assert any(isinstance(one, CostChanged) for one in others)


HEADCOUNT = Filter.where("headcount")
LARGE, LARGER = HEADCOUNT.greater(50), HEADCOUNT.greater(100.5)
SMALL, SMALLER = HEADCOUNT.less(100), HEADCOUNT.less(50)
UNNAMED = RawBlock("filter", specs={"filters": [{"column": "a", "value": 1}]})
ELSEWHERE = RawBlock("filter", specs={"filters": [{"column": "a", "value": 2}]})
TWO_WORDS = Filter.where("head count")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (LARGE, LARGER, "headcount above 50 and up to 100.5 no longer pass filter"),
        (LARGER, LARGE, "headcount above 50 and up to 100.5 now pass filter"),
        (SMALL, SMALLER, "headcount from 50 and below 100 no longer pass filter"),
        (SMALLER, SMALL, "headcount from 50 and below 100 now pass filter"),
        (
            LARGE.and_("country").equals("DE"),
            LARGER.and_("country").equals("DE"),
            "headcount above 50 and up to 100.5 no longer pass filter",
        ),
        (
            LARGER.and_("country").equals("DE"),
            LARGE.and_("country").equals("DE"),
            (
                "headcount above 50 and up to 100.5 that meet the other conditions "
                "now pass filter"
            ),
        ),
        (
            TWO_WORDS.greater(1),
            TWO_WORDS.greater(2),
            '"head count" above 1 and up to 2 no longer pass filter',
        ),
        (LARGE, LARGE, None),
        (LARGE, SMALL, None),
        (LARGE, HEADCOUNT.greater("100"), None),
        (LARGE, HEADCOUNT.greater(True), None),
        (HEADCOUNT.equals(1), HEADCOUNT.equals(2), None),
        (LARGE, LARGER.and_("country").equals("DE"), None),
        (
            LARGE.and_("country").equals("DE"),
            LARGER.and_("country").equals("FR"),
            None,
        ),
        (
            LARGE.or_("country").equals("DE"),
            LARGER.or_("country").equals("DE"),
            None,
        ),
        (UNNAMED, ELSEWHERE, None),
        (Deduplicate(), Deduplicate(extra={"keep": "last"}), None),
    ],
)
def test_rows_between_two_limits(before, after, words):
    """Only if one condition of several that must all hold has another limit."""
    found = [
        change.explain(str)
        for change in consequences(
            compiled(SOURCE >> before), compiled(SOURCE >> after)
        )
        if isinstance(change, PassingChanged)
    ]

    assert found == ([] if words is None else [f"rows with {words}"])


def passing(before, after):
    """What is said of the rows that pass filters."""
    found = consequences(before, after)
    return [one.explain(str) for one in found if isinstance(one, PassingChanged)]


@pytest.mark.parametrize(
    ("block", "rows"),
    [
        (
            Filter.where("headcount", key="it").less(100),
            "rows that do not meet headcount less than 100",
        ),
        (
            Filter.where("city", key="it").equals("Oslo").or_("zip").is_empty(),
            'rows that do not meet city equals "Oslo" or zip is empty',
        ),
        (Deduplicate(key="it"), "rows that it drops"),
        (
            Filter(filters=[{"column": "a", "operator": "odd"}], key="it"),
            "rows that it drops",
        ),
    ],
)
def test_a_filter_that_is_new_or_gone(block, rows):
    plain, both = compiled(SOURCE >> LARGE), compiled(SOURCE >> LARGE >> block)

    assert passing(plain, both) == [f"{rows} no longer pass: it is new"]
    assert passing(both, plain) == [f"{rows} now pass: it is gone"]


def test_new_workflows_and_other_kinds_change_no_rows():
    plain = compiled(SOURCE >> LARGE)

    assert passing(None, plain) == []
    assert passing(compiled(SOURCE >> RawBlock("x", key="filter")), plain) == []


@pytest.mark.parametrize(
    ("before", "after", "impact"),
    [
        (NAMES >> FindEmail() >> STATUS, NAMES >> STATUS, "breaks-read"),
        (NAMES >> FindEmail() >> ENRICH, NAMES >> ENRICH, "drops-column"),
        (
            Webhook(LEAD, input_schema={"full_name": "int"}),
            NAMES,
            "retypes-column",
        ),
        (NAMES, NAMES >> FindEmail(), "adds-column"),
        (NAMES, NAMES >> Deduplicate(), "none"),
    ],
)
def test_impact(before, after, impact):
    """Changes are classed by the gravest effect on what reads the rows."""
    assert impact_of(consequences(compiled(before), compiled(after))) == impact


def test_a_live_catalogue_judges_both_sides():
    """That of the code: what was read from the service has none of its own."""
    entries = {"find_email": {"verify_emails": {"type": "boolean"}}, "webhook": {}}
    live = LiveCatalogue.of(
        [
            {"block_name": kind, "specs_schema": {"properties": properties}}
            for kind, properties in entries.items()
        ]
    )
    before = compiled(SOURCE >> FindEmail())
    wrong = Workflow("Leads", SOURCE >> FindEmail(verify_emails="yes"), key="leads")
    after = wrong.with_blocks(live).compile()

    found = [
        one.finding.code
        for one in consequences(before, after)
        if isinstance(one, FindingAppeared)
    ]

    assert "schema-mismatch" in found
