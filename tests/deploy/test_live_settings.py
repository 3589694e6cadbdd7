"""Live fields that code does not set, and that change what a run costs or does."""

from __future__ import annotations

import pytest

from flow64 import COMPANY, LEAD, RawBlock, Workflow
from flow64.blocks import (
    CATALOGUE,
    CompanyEnrichment,
    FindEmail,
    LeadEnrichment,
    Search,
    Webhook,
    facts_of,
)
from flow64.definition import BoundSecret, Value
from flow64.deploy import FileCache, as_data, as_text, review_of_plan
from flow64.diff import find_settings
from flow64.dsl import UNSET
from flow64.render import as_text as review_text
from tests.analysis.support import wired
from tests.deploy.planned import GROWTH, dearer, leads, service

PLAN = """\
    set on the service and not by code, so a deploy leaves it:
        find_email.mode is "PERSONAL"; default: PROFESSIONAL
            price of a row: $0.05 → $0.20
            cost per 1,000 input rows: at most $350 → $500 (+$150)
            to keep it, write: FindEmail(mode="PERSONAL")
        to take it into the code: flow64 code default:id:"""


def workflow(flow):
    return Workflow("Plain", flow, key="plain", project=GROWTH)


def planned(flow, kind="sync", **specs):
    """The plan of a flow that is deployed, and edited by hand since."""
    with service() as here:
        here.edit(here.put(workflow(flow)), specs=specs)
        return here.plan(workflow(flow))


def test_dearer_field_is_shown_and_counts():
    """Its value, its price, the line to write, and the command that takes it."""
    with service() as here:
        wanted, options = dearer(here)
        plan = here.plan(*wanted, **options)

    (step,) = plan.steps
    assert (step.state, step.action) == ("unchanged", "none")
    assert (plan.is_empty, plan.has_changes) == (True, True)
    assert f"{PLAN}{step.id}\n" in as_text(plan)
    (found,) = as_data(plan)["workflows"][0]["settings"]
    assert found == {
        "block": {
            "id": found["block"]["id"],
            "kind": "find_email",
            "path": "find_email",
        },
        "path": "/mode",
        "value": "PERSONAL",
        "default": "PROFESSIONAL",
        "price": [0.05, 0.2],
        "rows": [],
        "appeared": [],
        "vanished": [],
        "before": {"dollars": 350.0, "unpriced": [], "open": [], "unconfirmed": {}},
        "after": {"dollars": 500.0, "unpriced": [], "open": [], "unconfirmed": {}},
        "code": 'FindEmail(mode="PERSONAL")',
        "dollars": 150.0,
    }


FIELDS = {"return_fields": {"a": "A"}}


@pytest.mark.parametrize(
    ("flow", "specs", "expected"),
    [
        (
            Webhook(COMPANY) >> CompanyEnrichment(**FIELDS),
            {"company_enrichment": {"find_people": True, "full_org_chart": True}},
            [
                ("CompanyEnrichment(find_people=True)", (0.1, None), None),
                ("CompanyEnrichment(full_org_chart=True)", (0.1, None), None),
            ],
        ),
        (
            Webhook(LEAD) >> LeadEnrichment(**FIELDS),
            {"lead_enrichment": {"tier": "high", "max_iterations": 3}},
            [('LeadEnrichment(tier="high")', (0.1, None), None)],
        ),
        (
            RawBlock("webhook", specs={}) >> FindEmail(),
            {"webhook": {"dataframe_type": "COMPANY"}},
            [('Webhook(dataframe_type="COMPANY")', (), 0)],
        ),
        (
            Search(LEAD, query="q", auto_execute=UNSET) >> FindEmail(),
            {"search": {"auto_execute": False, "max_results": 5}},
            [("Search(auto_execute=False)", (), 0)],
        ),
        (Webhook(LEAD) >> FindEmail(), {"find_email": {"mode": "Professional"}}, []),
        (Webhook(LEAD) >> FindEmail(), {"find_email": {"tier": "high"}}, []),
        (Webhook(LEAD) >> FindEmail(), {"webhook": {"by_hand": 1}}, []),
        (Webhook(LEAD) >> RawBlock("new_kind"), {"new_kind": {"tier": "high"}}, []),
        (
            Webhook(LEAD) >> FindEmail(mode="PERSONAL"),
            {"find_email": {"verify_emails": False}},
            [],
        ),
    ],
)
def test_what_the_class_says_decides(flow, specs, expected):
    """Price, effects and row kind, with the field and with its default."""
    plan = planned(flow, **specs)

    (step,) = plan.steps
    found = [(one.code, one.price, one.dollars) for one in step.settings]
    assert found == expected
    assert step.unmanaged
    assert plan.has_changes == bool(expected)
    assert as_text(plan).count("to keep it, write: ") == len(expected)


@pytest.mark.parametrize(
    ("flow", "specs", "lines"),
    [
        (
            RawBlock("webhook", specs={}) >> FindEmail(),
            {"webhook": {"dataframe_type": "COMPANY"}},
            [
                'webhook.dataframe_type is "COMPANY"; default: not documented',
                "    rows: unknown → COMPANY",
            ],
        ),
        (
            Search(LEAD, query="q", auto_execute=UNSET) >> FindEmail(),
            {"search": {"auto_execute": False}},
            [
                "search.auto_execute is false; default: not documented",
                "    - effect: spends as soon as it is created",
            ],
        ),
        (
            Webhook(COMPANY) >> CompanyEnrichment(**FIELDS),
            {"company_enrichment": {"find_people": True}},
            [
                "company_enrichment.find_people is true; default: false",
                "    price of a row: $0.10 → unknown",
                (
                    "    cost per 1,000 input rows: at most $100 → unknown for "
                    "company_enrichment"
                ),
            ],
        ),
    ],
)
def test_only_what_differs_is_told(flow, specs, lines):
    """What is the same with the default takes no line."""
    (setting,) = planned(flow, **specs).steps[0].settings

    *told, last = setting.describe()

    assert told == lines
    assert last == f"    to keep it, write: {setting.code}"


@pytest.mark.parametrize("kind", sorted(CATALOGUE))
def test_default_that_the_service_fills_in_never_counts(kind):
    """Whatever the documents say a field is, if nobody sets it."""
    facts = facts_of(CATALOGUE[kind])
    filled = {n: fact.value for n, fact in facts.items() if fact.value is not None}

    assert [*find_settings(wired((kind, {})), wired((kind, filled)), {})] == []


def test_text_of_a_plan_shows_it():
    """With its value and the difference in dollars, and never as unchanged."""
    with service() as here:
        wanted, options = dearer(here)
        review = review_of_plan(here.plan(*wanted, **options))

    assert not review.is_empty
    text = review_text(review)
    assert "$350 → $500 (+$150)" in text
    assert "rows: unchanged" not in text
    assert 'FindEmail(mode="PERSONAL")' in text
    assert "flow64 code default:id:" in text


def test_cache_vouches_for_no_workflow_that_costs_more(tmp_path):
    """It would hide the field: it keeps names and no values."""
    with service() as here:
        wanted, _ = dearer(here)
        plans = []
        for _ in range(2):
            with FileCache(tmp_path / "seen.json") as cache:
                plans.append(here.plan(*wanted, projects=[], cache=cache))

    assert [plan.has_changes for plan in plans] == [True, True]


def test_change_of_something_else_does_not_say_that_the_cost_is_unchanged():
    """The field stays after the deploy, and so does what it costs."""
    with service() as here:
        here.edit(
            here.put(workflow(Webhook(LEAD) >> FindEmail())),
            specs={"find_email": {"mode": "PERSONAL"}},
        )
        wanted = Workflow(
            "Other", Webhook(LEAD) >> FindEmail(), key="plain", project=GROWTH
        )
        plan = here.plan(wanted)

    told = review_text(review_of_plan(plan))
    assert plan.steps[0].state == "update"
    assert "not set by code: plain mode at most $50 → $200 (+$150)" in told
    assert "rows: unchanged" not in told


def test_value_that_is_secret_is_written_in_no_line():
    """A secret of the environment that stands in a field goes by its name."""
    secret = BoundSecret(Value("way", secret=True), "PERSONAL")
    with service() as here:
        wanted, options = dearer(here)
        plan = here.plan(*wanted, secrets=[secret], **options)

    told = f"{as_text(plan)}{as_data(plan)}"
    assert plan.has_changes
    assert "PERSONAL" not in told
    assert 'to keep it, write: FindEmail(mode=value("way", secret=True))' in told


def test_new_workflow_shows_its_cost():
    """Before it is created, and so before anything is bought."""
    with service() as here:
        plan = here.plan(leads())
        priced = here.plan(leads(), prices={"find_email": 0.5})

    texts = [as_text(plan), as_text(priced)]
    assert "    cost per 1,000 input rows: at most $50\n" in texts[0]
    assert "    cost per 1,000 input rows: at most $500\n" in texts[1]
    assert as_data(priced)["workflows"][0]["cost"] == {
        "dollars": 500.0,
        "unpriced": [],
        "open": [],
        "unconfirmed": {},
    }
