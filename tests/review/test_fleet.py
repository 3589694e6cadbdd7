"""Variants that are generated in a loop, each with values of its own, are one entry."""

from __future__ import annotations

from attrs import evolve
from inline_snapshot import snapshot

from flow64 import RawBlock, include_if
from flow64.analysis import Estimate
from flow64.blocks import Filter, FindEmail, OutgoingWebhook
from flow64.plan import Review
from flow64.render import group_alike
from flow64.render.review import (
    Pair,
    as_data,
    as_html,
    as_markdown,
    as_text,
    review_of_diff,
)
from tests.review.support import (
    COUNTRIES,
    REGIONS,
    fleet,
    leads,
    read,
    step,
    twenty_thresholds,
    workflow,
)

TWENTY = twenty_thresholds()


def entry(text):
    """The lines of the first entry of a review in text."""
    return text.split("\n\n")[1]


def test_twenty_thresholds_are_one_entry():
    assert [len(one["keys"]) for one in as_data(TWENTY)["groups"]] == [20]
    lines = [line.strip() for line in as_text(TWENTY).splitlines()]
    at = lines.index("20 workflows will change")
    assert lines[at + 1] == (
        "filter: headcount greater than: rises in 19 workflows (such as 55 → 105) and "
        "falls in companies/ae (50 → 40)"
    )
    assert lines[at + 2].startswith("block company_enrichment 2 is new, of kind")
    more = "companies/ae: rows with headcount above 40 and up to 50 now pass filter"
    assert lines[at + 3] == more
    assert f"~ {more}" in entry(as_text(TWENTY))
    assert (
        "19 workflows (all but companies/ae): rows between the old and the new limit "
        "no longer pass filter"
    ) in lines


def test_markdown_and_page_have_each_value():
    comment, page = as_markdown(TWENTY), as_html(TWENTY)

    assert comment.count("\n#### `") == 1
    assert "~ headcount greater than, for each workflow\n" in comment
    assert "~     companies/ar: 55 → 105\n" in comment
    assert comment.count("+ the block is new, of kind company_enrichment\n") == 1
    assert page.count('<section class="group') == 1
    assert "<span>companies/ar: <del>55</del> → <ins>105</ins></span>" in page


def test_equal_values_are_named_once():
    """Of forty, two have another threshold: the forty are one entry."""
    review = fleet(lambda _: 50, lambda n: 75 if n in (2, 30) else 100, REGIONS)

    lines = [line.strip() for line in entry(as_text(review)).splitlines()]
    at = lines.index("~ headcount greater than, for each workflow")
    assert lines[at + 1 : at + 3] == [
        "~ companies/ae and 37 more: 50 → 100",
        "~ companies/at, companies/lv: 50 → 75",
    ]
    assert "rises in 40 workflows (most often 50 → 100)\n" in as_markdown(review)


def test_values_without_room_are_counted():
    countries = [f"c{n:02}" for n in range(60)]
    text = as_text(fleet(lambda n: n, lambda n: n + 100, countries))

    assert "                ~ companies/c39: 39 → 139\n" in text
    assert "companies/c40: " not in text
    assert "                ~ 20 more workflows; JSON has all\n" in text


def test_one_without_a_threshold_is_apart():
    """It refers to the others, of which it has not the change of a threshold."""
    review = fleet(lambda n: 50 + n, lambda n: 50 if n == 0 else 100 + n)

    assert as_text(review).split("\n\n")[2] == snapshot("""\
~ companies/ae: will change
    Companies, AE
    the same as 19 of companies/*, without:
        block filter
            ~ headcount greater than, for each workflow
    and also:
        block company_enrichment 2
            + the block is new, of kind company_enrichment
                + return_fields: {"email": "Email of the director in AE"}\
""")


def test_workflows_of_a_fact_are_counted():
    """Half of them lose rows, and the others do not."""
    text = as_text(fleet(lambda n: 50, lambda n: 70 + n if n % 2 else 30 - n))

    assert (
        "    10 workflows (companies/ar, companies/au, companies/bg and 7 more): rows "
        "between the old and the new limit no longer pass filter\n"
    ) in text


def test_other_value_of_a_group_apart():
    """A workflow is apart for a setting, and its own value is told."""
    changed = [*TWENTY.workflows]
    changed[3] = evolve(changed[3], unmanaged=("x.y",))
    text = as_text(Review("diff", changed))

    assert text.split("\n\n")[2] == snapshot("""\
~ companies/au: will change
    Companies, AU
    the same as 19 of companies/*, and also:
        block filter
            ~ headcount greater than 65 → 115
        block company_enrichment 2
            + the block is new, of kind company_enrichment
                + return_fields: {"email": "Email of the director in AU"}
    what also follows:
        rows
            ~ rows with headcount above 65 and up to 115 no longer pass filter
    left as it is, not set by code: x.y\
""")


def test_each_workflow_loses_its_value():
    """What newer code deployed is replaced: each value is named with its workflow."""
    behind = [
        evolve(one, state="behind", action="refuse", lifted_by="behind")
        for one in fleet(lambda n: 50 + n, lambda n: 70 + n, COUNTRIES[:3]).workflows
    ]
    text = as_text(Review("plan", behind, env="prod"))

    for n, country in enumerate(COUNTRIES[:3]):
        lost = f"headcount greater than {50 + n} (block filter)"
        key = f"companies/{country}"
        limits = "rows between the old and the new limit no longer pass filter"
        loses = f"{limits}; the service loses {lost}"
        assert f"    if you overwrite {key}: {loses}\n" in text
        assert f"        - {key}: {lost}\n" in text


def test_each_cost_is_named():
    """A value of its own may change what a workflow costs."""
    steps = [
        step(
            f"c/{name}",
            "update",
            action="update",
            cost_before=Estimate(10.0, (), ()),
            cost_after=Estimate(10.0 + more, (), ()),
        )
        for name, more in (("a", 5), ("b", 5), ("d", 0))
    ]
    review = Review("plan", steps)

    assert [group.keys for group in group_alike(steps)] == [["c/a", "c/b", "c/d"]]
    text = as_text(review)
    assert "    2 of c/* at most $10 → $15 (+$5) each" in text
    assert (
        "    approve the change, and the cost per 1,000 input rows: 2 of c/* +$5 each\n"
    ) in text
    assert "        2 of c/*: at most $10 → $15 (+$5)\n" in text
    assert "        c/d: unchanged, at most $10\n" in text


def test_many_costs_are_counted():
    steps = [
        step(
            f"c/{n}",
            "update",
            action="update",
            cost_before=Estimate(1.0, (), ()),
            cost_after=Estimate(n + 2.0, (), ()),
        )
        for n in range(42)
    ]
    page = as_html(Review("plan", steps))

    assert "<code>c/39</code>: at most $1 → $41 (+$40)</li>" in page
    assert "<li>2 more; JSON has all</li>" in page


def hosts(country, mode="PROFESSIONAL", *, sends=True):
    flow = leads() >> FindEmail(mode=mode)
    if sends:
        flow >>= OutgoingWebhook(url=f"https://{country}.example/hook")
    return read(workflow(flow, f"leads/{country}", f"Leads, {country}"))


def test_own_hosts_are_one_entry():
    """Each country posts to a system of its own, and all change alike."""
    review = review_of_diff(
        Pair(f"leads/{one}", hosts(one), hosts(one, mode="PERSONAL"))
        for one in COUNTRIES
    )
    text = as_text(review)

    assert "~ 20 of leads/*: will change\n" in text
    assert "for each workflow\n" not in entry(text)
    assert (
        "the output gains the column personal_email; outgoing_webhook gets it too, and "
        "sends it to another system\n"
    ) in text


def test_new_hosts_are_named():
    """A new effect, or a new workflow, says the host of each."""
    changed = review_of_diff(
        Pair(f"leads/{one}", hosts(one, sends=False), hosts(one)) for one in COUNTRIES
    )
    created = review_of_diff(
        Pair(f"leads/{one}", None, hosts(one)) for one in COUNTRIES[:3]
    )

    text = as_text(changed)
    assert "~ 20 of leads/*: will change\n" in text
    assert "            + outgoing_webhook leaves something outside" in text
    assert "                + leads/ar: posts to https://ar.example\n" in text
    text = as_text(created)
    assert "+ 3 of leads/*: will be created\n" in text
    assert "    side effects:\n        leads/ae: costs credits" in text
    assert "posts to https://at.example\n" in text


def test_equal_limits_are_said_once():
    """Other values differ, and the limit is the same: so the rows are exact."""
    text = as_text(fleet(lambda _: 50, lambda _: 100))

    assert (
        "\n    rows with headcount above 50 and up to 100 no longer pass filter\n"
    ) in text


def test_texts_of_their_own_are_counted():
    """Most of them are named, and then other values; long ones are only counted."""

    def change(length):
        """Seven workflows that each get one of five texts."""
        old, *new = (
            read(workflow(leads() >> RawBlock("k", specs={"m": text * length})))
            for text in "zaabcdee"
        )
        pairs = [Pair(f"leads/{n}", old, one) for n, one in enumerate(new)]
        return as_text(review_of_diff(pairs))

    assert (
        '    k: m: "z" → "a" (2 workflows), "z" → "e" (2 workflows), "z" → "b" '
        "(leads/2) and 2 other values (2 workflows)\n"
    ) in change(1)
    assert "    k: m: 5 values (7 workflows)\n" in change(99)


def test_one_that_changes_more_is_counted_with_all():
    """What all get is said of all, and what one gets besides follows with its name."""

    def country(one, after):
        crm = OutgoingWebhook(url="https://crm.acme.example")
        words = "in Greek" if after and one == "gr" else "in English"
        flow = leads() >> RawBlock("greet", specs={"text": words})
        return read(workflow(flow >> include_if(after, FindEmail()) >> crm))

    pairs = [
        Pair(f"leads/{one}", country(one, False), country(one, True))
        for one in COUNTRIES
    ]

    lines = [line.strip() for line in as_text(review_of_diff(pairs)).splitlines()]
    at = lines.index("20 workflows will change")
    assert lines[at + 1 : at + 3] == [
        "block find_email is new, between greet and outgoing_webhook",
        'leads/gr: greet: text: "in English" → "in Greek"',
    ]


def test_a_new_filter_is_said_beside_limits_of_their_own():
    """Many limits of one filter are left out, and the condition of another is not."""

    def country(one, least, *, has_filter):
        oslo = Filter.where("city", key="oslo").equals("Oslo")
        flow = leads() >> Filter.where("size").greater(least)
        return read(workflow(flow >> include_if(has_filter, oslo)))

    pairs = [
        Pair(
            f"leads/{one}",
            country(one, n, has_filter=False),
            country(one, n + 5, has_filter=True),
        )
        for n, one in enumerate(COUNTRIES)
    ]

    text = as_text(review_of_diff(pairs))
    assert (
        "breaks or is lost:\n"
        "    rows between the old and the new limit no longer pass filter 1\n"
        '    rows that do not meet city equals "Oslo" no longer pass: filter 2 is new\n'
    ) in text
