"""Lineage: row kind and columns after every block."""

from __future__ import annotations

import gc
import weakref

import pytest

from flow64 import COMPANY, LEAD, RawBlock, Workflow, fan, value
from flow64.analysis import KnownColumn, column_flow, lineage, output_columns
from flow64.blocks import (
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    Filter,
    FindEmail,
    FindPhone,
    LeadEnrichment,
    Webhook,
)
from flow64.definition import id_of
from tests.analysis.support import wired


def definition(flow, *more):
    return Workflow("Leads", flow, *more, key="leads").compile()


def shown(flow):
    return [(stage.rows, repr(stage.columns)[10:-1]) for stage in lineage(flow)]


def test_a_chain_gathers_columns():
    """Declared inputs, fields asked for and documented outputs add up."""
    flow = (
        Webhook(COMPANY, input_schema={"company_name": "string"})
        >> CompanyEnrichment(return_fields={"size": "Staff"}, find_people=True)
        >> CompanyToLeads()
        >> FindEmail()
        >> Filter.where("email_status").equals("OK")
    )

    assert shown(definition(flow)) == [
        ("COMPANY", "company_name, ..."),
        ("COMPANY", "company_name, size, ..."),
        ("LEAD", "..."),
        ("LEAD", "email, email_status, ..."),
        ("LEAD", "email, email_status, ..."),
    ]


def test_a_column_says_where_it_is_from():
    """Name, type, confidence, and the position of the block that wrote it last."""
    schema = {"email": "string", "company": "string"}
    made = definition(Webhook(LEAD, input_schema=schema) >> FindEmail())

    columns = lineage(made)[1].columns

    assert columns["company"] == KnownColumn("company", "string", "D", 0)
    assert columns["email"] == KnownColumn("email", None, "D1", 1)


def test_blocks_that_change_no_columns_share_one_set():
    """The set after a filter is the set before it."""
    flow = Webhook(LEAD) >> Filter.where("a").is_empty() >> Deduplicate()

    first, second, third = lineage(definition(flow))

    assert first.columns is second.columns is third.columns


@pytest.mark.parametrize(
    ("kind", "columns"),
    [("webhook", "..."), ("find_email", "email, email_status, ...")],
)
def test_what_nothing_feeds_has_unknown_columns(kind, columns):
    """A block that nothing feeds may have any columns, unless it is a source."""
    assert shown(wired((kind, {})))[0][1] == columns


def test_an_unknown_kind_opens_and_forgets():
    """Behind a kind that the catalogue does not know, nothing is known of columns."""
    flow = Webhook(LEAD, input_schema={"a": "str"}) >> RawBlock("new") >> FindPhone()

    assert [columns for _, columns in shown(definition(flow))] == [
        "a, ...",
        "...",
        "phone, ...",
    ]


def test_fields_that_an_environment_fills_in_open_the_set():
    """A field map that is not known yet may name any columns."""
    blocks = ("webhook", {}), ("lead_enrichment", {"return_fields": value("fields")})

    assert lineage(wired(*blocks))[1].columns.is_open


def test_where_branches_meet_columns_are_united():
    """Rows have what one of the branches gave them; equal branches are united once."""
    flow = (
        Webhook(LEAD)
        >> fan(FindEmail(), FindPhone())
        >> fan(Deduplicate(), Filter.where("a").is_empty())
    )

    stages = lineage(definition(flow))

    assert sorted(stages[-1].columns) == ["email", "email_status", "phone"]
    assert stages[-1].columns is stages[-2].columns


def test_a_cycle_has_a_lineage():
    """On a cycle everything is unknown, and nothing runs in circles."""
    blocks = ("webhook", {}), ("find_email", {}), ("find_phone", {})
    made = wired(*blocks, edges=[(0, 1), (1, 2), (2, 1)])

    assert [sorted(stage.columns) for stage in lineage(made)] == [
        [],
        ["email", "email_status"],
        ["email", "email_status", "phone"],
    ]
    assert len(lineage(wired(("a", {}), edges=[(0, 0)]))) == 1


def test_dangling_edges_are_left_out():
    """An edge to a block that is not there feeds nothing."""
    made = wired(("webhook", {}), ("find_email", {}))
    edges = (made.edges[0]._replace(target=id_of("gone")),)

    assert len(lineage(wired(("webhook", {})))) == 1
    assert output_columns(type(made)("x", "", made.blocks, edges)).is_open


def test_output_columns_are_those_of_the_ends():
    """What no block takes further is what a run ends with."""
    flow = Webhook(LEAD) >> fan(FindEmail(), FindPhone())

    assert sorted(output_columns(definition(flow))) == [
        "email",
        "email_status",
        "phone",
    ]
    assert not output_columns(wired()).is_open


def test_a_long_chain_of_additions_is_not_quadratic():
    """Ten thousand blocks that add a column each share what they have in common."""
    blocks = [
        ("lead_enrichment", {"return_fields": {f"c{i}": "x"}}) for i in range(10_000)
    ]
    made = wired(("webhook", {}), *blocks)

    after = [stage.columns for stage in lineage(made)]

    held = {id(each): each for columns in after for each in columns.layers}
    assert len(after[-1]) == 10_000
    assert sum(map(len, held.values())) < 10_000 * 20


def test_what_is_worked_out_once_goes_with_its_definition():
    """A definition is not kept alive by what was worked out from it."""
    first = wired(("webhook", {}))

    assert column_flow(first) is column_flow(first)
    assert column_flow(wired(("webhook", {}))) is not column_flow(first)
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None


def test_columns_of_enrichment_are_those_asked_for():
    """A field map may be a class as well as a mapping."""
    made = definition(Webhook(LEAD) >> LeadEnrichment(return_fields={"title": "Title"}))

    assert list(lineage(made)[1].columns) == ["title"]
