"""New workflows: what is in them, and in which of them others differ."""

from __future__ import annotations

from flow64 import COMPANY, Workflow
from flow64.blocks import CompanyEnrichment, Filter, OutgoingWebhook, Webhook
from flow64.render.review import (
    Pair,
    as_data,
    as_html,
    as_markdown,
    as_text,
    review_of_diff,
)


def company(name, least=5, hook="in", prompt="Employees"):
    enrich = CompanyEnrichment(return_fields={"headcount": prompt})
    flow = (
        Webhook(COMPANY)
        >> enrich
        >> Filter.where("headcount").greater(least)
        >> OutgoingWebhook(url=f"https://crm.example/{hook}")
    )
    made = Workflow(f"Companies, {name}", flow, key=f"companies/{name}")
    return Pair(made.key, None, made._lower(None, None).definition)


VARIANTS = [
    company("ae"),
    company("ar", least=50),
    company("at", hook="b", prompt="Home"),
    company("au"),
]


def test_settings_are_in_the_text():
    lines = as_text(review_of_diff(VARIANTS[:1])).splitlines()

    at = lines.index("    blocks:")
    assert lines[at + 1 : at + 5] == [
        '        block webhook: dataframe_type: "COMPANY"',
        '        block company_enrichment: return_fields: {"headcount": "Employees"}',
        "        block filter: headcount greater than 5",
        '        block outgoing_webhook: url: "https://crm.example/in"',
    ]


def test_a_plan_names_the_blocks_alone():
    text = as_text(review_of_diff(VARIANTS[:1]), is_plan=True)

    assert "blocks: webhook, company_enrichment, filter, outgoing_webhook\n" in text


def test_others_of_the_group_differ():
    """No threshold, address or prompt of a variant is hidden behind the first one."""
    review = review_of_diff(VARIANTS)

    text = as_text(review)
    assert text[text.index("    what differs") : text.index("    what follows")] == (
        "    what differs between them:\n"
        "        block company_enrichment\n"
        "            + return_fields.headcount, for each workflow\n"
        '                + companies/ae, companies/ar, companies/au: "Employees"\n'
        '                + companies/at: "Home"\n'
        "        block filter\n"
        "            + headcount greater than, for each workflow\n"
        "                + companies/ae, companies/at, companies/au: 5\n"
        "                + companies/ar: 50\n"
        "        block outgoing_webhook\n"
        "            + url, for each workflow\n"
        "                + companies/ae, companies/ar, companies/au: "
        '"https://crm.example/in"\n'
        '                + companies/at: "https://crm.example/b"\n'
    )
    assert "        block filter: headcount greater than, for each workflow\n" in text
    assert "+     companies/ar: 50\n" in as_markdown(review)
    assert "<span>companies/ar: 50</span>" in as_html(review)


def test_nothing_differs_besides_titles():
    assert "what differs" not in as_text(review_of_diff([VARIANTS[0], VARIANTS[3]]))


def test_json_has_the_settings():
    found = as_data(review_of_diff(VARIANTS))["workflows"][1]["changes"]

    blocks = {
        one["block"]["path"]: one["specs"]
        for one in found
        if one["change"] == "block-added"
    }
    assert [one["change"] for one in found if "edge" in one] == ["edge-added"] * 3
    assert blocks["outgoing_webhook"] == {"url": "https://crm.example/in"}
    assert blocks["filter"] == {
        "filters": [{"column": "headcount", "operator": "greater", "value": 50}]
    }
