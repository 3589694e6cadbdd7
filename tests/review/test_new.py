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

    lines = as_text(review).splitlines()
    at = lines.index("    differ from companies/ae:")
    first, second = (line.strip() for line in lines[at + 1 : at + 3])
    assert first == "companies/ar: block filter: headcount greater than 5 → 50"
    assert second == (
        'companies/at: block company_enrichment: return_fields.headcount: "Employees" '
        '→ "Home"; block outgoing_webhook: url: "https://crm.example/in" → '
        '"https://crm.example/b"'
    )
    differ = "  - `companies/ar`: `block filter: headcount greater than 5 → 50`\n"
    assert differ in as_markdown(review)
    assert "headcount greater than 5 → 50" in as_html(review)


def test_nothing_differs_besides_titles():
    assert "differ from" not in as_text(review_of_diff([VARIANTS[0], VARIANTS[3]]))


def test_the_first_sixty_others_are_compared():
    many = [company(f"c{n:03}", least=n) for n in range(70)]

    text = as_text(review_of_diff(many))

    assert text.count("headcount greater than 0 →") == 60
    assert "        9 others; JSON has all\n" in text


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
