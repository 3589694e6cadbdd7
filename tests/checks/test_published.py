"""Workflows like those that the service publishes: nothing of ours refuses them.

Each has the shape of a published example, with other words.
"""

from __future__ import annotations

import json

import pytest

from flow64 import Workflow
from flow64.compiler.code import as_code
from flow64.compiler.lifting import lift
from tests.deploy.planned import service, target
from tests.emulator.support import block, body

PEOPLE_BY_WEBHOOK = body(
    block(
        "webhook",
        input_schema={"email": "string", "employer": "string"},
        dataframe_type="LEAD",
    ),
    block("lead_enrichment", return_fields={"role": "string", "city": "string"}),
    block("outgoing_webhook", url="https://example.com/rows", timeout_seconds=5),
)
"""Type words stand where the service reads descriptions."""

CONTACTS_OF_COMPANIES = body(
    block("webhook"),
    block(
        "company_enrichment",
        return_fields={"size": {"description": "Employees", "type": "int"}},
        find_people=True,
        people_focus_prompt="Whoever buys steel",
    ),
    block("company_to_leads"),
    block("find_email", mode="PROFESSIONAL"),
    block("find_phone"),
    block(
        "append_to_notebook",
        notebook_id="__create_new__",
        notebook_name="Buyers of steel",
    ),
)
"""Its webhook says nothing about its rows, which are companies."""

PEOPLE_BY_SEARCH = body(
    block(
        "search",
        query="Heads of purchasing at Example Metals",
        dataframe_type="LEAD",
        max_results=50,
        auto_execute=True,
    ),
    block("deduplicate"),
    block("find_email", mode="PROFESSIONAL"),
    block(
        "filter",
        filters=[
            {"column": "email_status", "operator": "equals", "value": "OK"},
            {"column": "role", "operator": "is_not_empty", "logic": "and"},
        ],
    ),
    block("append_to_notebook", notebook_id="2f6c1b7e"),
)
"""It buys as soon as it is created, and filters on what was found."""

OLDER_NAMES = body(
    block("webhook"),
    block("enrich_company", company_field="employer"),
    block("find_email"),
)
"""The kind has an older name, and a field that newer pages do not have."""

EXAMPLES = [
    pytest.param(PEOPLE_BY_WEBHOOK, id="people-by-webhook"),
    pytest.param(CONTACTS_OF_COMPANIES, id="contacts-of-companies"),
    pytest.param(PEOPLE_BY_SEARCH, id="people-by-search"),
    pytest.param(OLDER_NAMES, id="older-names"),
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_published_examples_are_accepted(example):
    """By check, compile, emulator and plan, as JSON and as code."""
    workflow = Workflow.from_json(json.dumps(example))
    definition = workflow.compile()
    made = {}
    exec(as_code([lift(definition)]).text, made)
    coded = next(one for one in made.values() if isinstance(one, Workflow))

    errors = [f for f in workflow.check() if f.severity == "error"]
    with service() as here:
        here.write(definition)
        plans = [here.plan(target(one)) for one in (workflow, coded)]

    assert errors == []
    assert [step.state for plan in plans for step in plan.steps] == ["update"] * 2
    assert [step.action for plan in plans for step in plan.steps] == ["stamp"] * 2
