"""Values of spec fields that can do nothing useful, and similar ones that can."""

from __future__ import annotations

from types import new_class
from typing import Annotated

import pytest
from attrs import frozen

from flow64 import COMPANY, LEAD, Flow, Lead, RawBlock, Workflow, value
from flow64.analysis import findings
from flow64.blocks import (
    About,
    CatalogueBlock,
    CompanyEnrichment,
    Fact,
    LeadEnrichment,
    OutgoingWebhook,
    QaAgent,
    ResearchAgent,
    Search,
    Webhook,
)
from flow64.definition import BoundSecret
from tests.analysis.support import told, wired

TITLE = {"title": "Current job title"}
POST = "https://example.com/hook"
LEADS, COMPANIES = Webhook(LEAD), Webhook(COMPANY)


def warning(kind, message):
    return [("warning", kind, message)]


def note(kind, message):
    return [("note", kind, message)]


def lead(**fields):
    return LEADS >> LeadEnrichment(**{"return_fields": TITLE, **fields})


def company(**fields):
    return COMPANIES >> CompanyEnrichment(return_fields={}, **fields)


def declared(*names):
    return Webhook(LEAD, input_schema=dict.fromkeys(names, "string"))


NOTHING = "asks for no fields, so it adds no column"
LIST = "webhook_input is not JSON text with a list of rows"


@pytest.mark.parametrize(
    ("flow", "code", "expected"),
    [
        (lead(), "nothing-to-find", []),
        (lead(return_fields=value("fields")), "nothing-to-find", []),
        (
            lead(return_fields={}),
            "nothing-to-find",
            warning("lead_enrichment", f"lead_enrichment {NOTHING}"),
        ),
        (
            LEADS >> RawBlock("lead_enrichment"),
            "nothing-to-find",
            warning("lead_enrichment", f"lead_enrichment {NOTHING}"),
        ),
        (
            company(find_people=False),
            "nothing-to-find",
            warning("company_enrichment", f"company_enrichment {NOTHING}"),
        ),
        (company(find_people=True), "nothing-to-find", []),
        (company(full_org_chart=True), "nothing-to-find", []),
        (Search(LEAD, query="q", max_results=1), "number-below-one", []),
        (Search(LEAD, query="q", max_results=True), "number-below-one", []),
        (
            Search(LEAD, query="q", max_results=0),
            "number-below-one",
            warning("search", "max_results is 0, and a number of rows is 1 or more"),
        ),
        (
            LEADS >> OutgoingWebhook(url=POST, timeout_seconds=-1),
            "number-below-one",
            warning(
                "outgoing_webhook",
                "timeout_seconds is -1, and a number of seconds is 1 or more",
            ),
        ),
        (
            LEADS >> ResearchAgent(max_iterations=0),
            "number-below-one",
            warning(
                "research_agent",
                "max_iterations is 0, and a number of rounds is 1 or more",
            ),
        ),
        (LEADS >> QaAgent(max_tool_calls=5), "number-below-one", []),
        (LEADS >> RawBlock("new_kind", specs={"n": 0}), "number-below-one", []),
        (lead(tier="high"), "unlisted-word", []),
        (lead(tier=value("tier")), "unlisted-word", []),
        (
            lead(tier="hihg"),
            "unlisted-word",
            warning(
                "lead_enrichment",
                "tier is 'hihg', which the endpoint does not list (did you mean "
                "'high'?)",
            ),
        ),
        (
            COMPANIES >> CompanyEnrichment(return_fields=TITLE, tier="scout"),
            "unlisted-word",
            warning(
                "company_enrichment",
                "tier is 'scout', which the endpoint does not list",
            ),
        ),
        (Webhook(LEAD, webhook_input='[{"a": 1}]'), "unreadable-sample", []),
        (Webhook(LEAD, webhook_input='{"a": 1}'), "unreadable-sample", []),
        (Webhook(LEAD, webhook_input=""), "unreadable-sample", []),
        (Webhook(LEAD, webhook_input=value("rows")), "unreadable-sample", []),
        (
            Webhook(LEAD, webhook_input="a,b"),
            "unreadable-sample",
            warning("webhook", LIST),
        ),
        (
            Webhook(LEAD, webhook_input="[1]"),
            "unreadable-sample",
            warning("webhook", LIST),
        ),
        (
            Webhook(LEAD, webhook_input="[" * 100_000),
            "unreadable-sample",
            warning("webhook", LIST),
        ),
    ],
)
def test_value_that_does_nothing(flow, code, expected):
    """Each flow has just these findings of the code."""
    assert told(flow, code) == expected


def test_advice_lists_the_words_of_the_endpoint():
    """Those of the block, since a company has fewer."""
    workflow = Workflow("Leads", lead(tier="x"), key="leads")

    (advice,) = [f.help for f in workflow.check() if f.code == "unlisted-word"]

    assert advice == "it lists micro, scout, low, medium, high and xhigh"


def test_sample_that_an_environment_filled_in():
    """A secret text is not read."""
    secret = BoundSecret(value("rows", secret=True), "no rows")
    made = wired(("webhook", {"webhook_input": secret}))

    assert "unreadable-sample" not in {finding.code for finding in findings(made)}


def test_number_of_a_class_of_your_own(own_kinds):
    """A class may count in what goes below zero."""

    class Fields:
        kind = "weather"
        about = About(role="step", takes="LEAD", gives="LEAD")
        degrees: Annotated[int, Fact("D", "its class", unit="degrees")]

    members = {name: one for name, one in vars(Fields).items() if name[:2] != "__"}
    members["__annotations__"] = {"degrees": Fields.__annotations__["degrees"]}
    base = (Flow[Lead, Lead], CatalogueBlock)
    made = new_class("Weather", base, exec_body=lambda space: space.update(members))
    cls = frozen(eq=False, kw_only=True)(made)

    assert told(LEADS >> cls(degrees=-5), "number-below-one") == []
