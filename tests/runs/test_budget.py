"""Limits of a run: exceeded, kept, or not known to be kept."""

from __future__ import annotations

import math

import pytest

from flow64 import COMPANY, LEAD, Project, RawBlock, Workflow, errors
from flow64.blocks import (
    CompanyEnrichment,
    CompanyToLeads,
    Filter,
    FindEmail,
    FindPhone,
    QaAgent,
    ReadCsv,
    Search,
    Webhook,
)
from flow64.runs import Budget

GROWTH = Project("growth", namespace="acme.example")
FILTER = Filter.where("email_status").equals("OK")


def of(*flows):
    return Workflow("Leads", *flows, key="leads", project=GROWTH).compile()


EMAIL = of(Webhook(LEAD) >> FindEmail() >> FILTER)
BOTH = of(Webhook(LEAD) >> FindEmail() >> FILTER >> FindPhone())
OPEN = of(
    Webhook(COMPANY)
    >> CompanyEnrichment(return_fields={"x": "y"}, find_people=True)
    >> CompanyToLeads()
    >> FindEmail()
)
AGENT = of(Webhook(LEAD) >> FindEmail() >> QaAgent(qualification_criteria=[]))
STRANGE = of(Webhook(LEAD) >> FindEmail() >> RawBlock("brand_new", specs={}))
FOUND = of(Search(LEAD, query="q") >> FindEmail())
_HOOK, _MEET = Webhook(LEAD), FindPhone()
MEETING = of(_HOOK >> [FindEmail(), FILTER] >> _MEET)
_LIMITED = Search(LEAD, query="q", max_results=20)
LIMITED = of(_LIMITED >> FindPhone())
BESIDE = of(_HOOK >> FindPhone(), _LIMITED >> FindPhone(key="b"))
FROM_FILE = of(ReadCsv(LEAD) >> FindEmail())


@pytest.mark.parametrize(
    ("definition", "rows", "limits"),
    [
        (STRANGE, 10**6, {}),
        (EMAIL, 3, {"max_rows": 3}),
        (EMAIL, 3, {"max_cost": 0.15}),
        (EMAIL, 1, {"max_cost": 0.05}),
        (BOTH, 10, {"max_cost": 3.5}),
        (FOUND, 0, {"max_rows": 3, "allow_unpriced": True}),
        (AGENT, 10, {"max_cost": 0.5, "allow_unpriced": True}),
        (OPEN, 10, {"max_cost": 1, "allow_unpriced": True}),
        (STRANGE, 10, {"max_rows": 10}),
        (MEETING, 10, {"max_cost": 6.5}),
        (LIMITED, 0, {"max_rows": 20}),
        (LIMITED, 0, {"max_rows": 20, "max_cost": 6, "allow_unpriced": True}),
        (BESIDE, 10, {"max_rows": 30, "max_cost": 9, "allow_unpriced": True}),
    ],
)
def test_run_within_its_limits_passes(definition, rows, limits):
    """Prices that nobody knows pass where that is said, or where none was asked for."""
    assert Budget(**limits).require("Leads", definition, rows) is None


@pytest.mark.parametrize(
    ("definition", "rows", "limits", "words", "unpriced"),
    [
        (EMAIL, 4, {"max_rows": 3}, "4 rows are more than max_rows=3", []),
        (EMAIL, 4, {"max_cost": 0.15}, r"more than max_cost=0.15.*\$0.20", []),
        (BOTH, 10, {"max_cost": 3.49, "allow_unpriced": True}, r"\$3.50", []),
        (AGENT, 2, {"max_cost": 9}, "allow_unpriced=True", ["qa_agent: no price"]),
        (
            OPEN,
            2,
            {"max_cost": 9},
            "not all prices",
            ["company_enrichment: no", "find_email: $0.05 a row"],
        ),
        (STRANGE, 2, {"max_cost": 9}, "not all prices", ["brand_new: it is not known"]),
        (MEETING, 10, {"max_cost": 6.49}, r"more than max_cost=6.49.*\$6.50", []),
        (LIMITED, 0, {"max_rows": 19}, "20 rows are more than", ["search: no price"]),
        (LIMITED, 0, {"max_cost": 5.99}, r"more than.*\$6", ["search: no price"]),
        (
            FROM_FILE,
            9,
            {"max_cost": 9},
            "an unknown number",
            ["find_email: $0.05 a row"],
        ),
        (
            FROM_FILE,
            9,
            {"max_rows": 9},
            "max_rows=9 cannot",
            ["find_email: $0.05 a row"],
        ),
        (EMAIL, 0, {"max_cost": 9}, "an unknown number", ["find_email: $0.05 a row"]),
        (FOUND, 0, {"max_cost": 9}, "an unknown number", ["search: ", "find_email: "]),
        (
            FOUND,
            0,
            {"max_rows": 9},
            "max_rows=9 cannot be held.*it may cost is unknown\n",
            ["search: ", "find_email: "],
        ),
        (
            AGENT,
            10**4,
            {"max_rows": 1, "max_cost": 1},
            "more than max_rows=1; it may cost more than max_cost=1; max_cost=1 cannot",
            ["qa_agent: "],
        ),
    ],
)
def test_run_that_may_exceed_its_limits_is_refused(
    definition, rows, limits, words, unpriced
):
    """With rows, known cost, and what is not counted; nobody guesses."""
    with pytest.raises(errors.BudgetError, match=words) as caught:
        Budget(**limits).require("Leads", definition, rows)

    found = caught.value.unpriced
    assert len(found) == len(unpriced)
    assert all(f.startswith(u) for f, u in zip(found, unpriced, strict=True))
    assert "$0 by" not in str(caught.value)


@pytest.mark.parametrize(
    ("definition", "rows", "dollars", "most"),
    [(EMAIL, 45, 2.25, 45), (BESIDE, 45, 31.5, 105), (LIMITED, 0, 6, 20)],
)
def test_each_batch_searches_again(definition, rows, dollars, most):
    """What a source finds by itself is bought once a batch: 45 rows are 3 of 20."""
    enough = Budget(most, dollars, allow_unpriced=True)
    enough.require("Leads", definition, rows, size=20)

    for less in ({"max_rows": most - 1}, {"max_cost": dollars - 0.01}):
        with pytest.raises(errors.BudgetError, match=f"more than {next(iter(less))}"):
            Budget(**less, allow_unpriced=True).require(
                "Leads", definition, rows, size=20
            )


def test_cost_is_not_exceeded_by_binary_fractions():
    """Three times 0.05 are 0.15, also for a machine."""
    assert 0.05 * 3 > 0.15
    Budget(max_cost=0.15).require("Leads", EMAIL, 3)


@pytest.mark.parametrize(
    "limits",
    [
        {"max_rows": -1},
        {"max_rows": 2.5},
        {"max_rows": True},
        {"max_rows": "3"},
        {"max_cost": math.nan},
        {"max_cost": math.inf},
        {"max_cost": "1"},
    ],
)
def test_limit_is_a_number(limits):
    """One that never holds anything back would be worse than none."""
    with pytest.raises(errors.ArgumentError, match=f"{next(iter(limits))} is"):
        Budget(**limits)
