"""Columns: sets that share their layers, and the columns after each block."""

from __future__ import annotations

import gc
import time
import tracemalloc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64 import COMPANY, LEAD, RawBlock, Workflow, fan, value
from flow64.analysis.check import findings
from flow64.analysis.columns import (
    NO_COLUMNS,
    KnownColumn,
    Openness,
    column_flow,
    lineage,
    merge_columns,
    output_columns,
)
from flow64.blocks import (
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    Filter,
    FindEmail,
    FindPhone,
    OutgoingWebhook,
    Webhook,
)
from flow64.definition import id_of
from tests.analysis.support import wired

names = st.sampled_from("abcde")
facts = st.tuples(st.sampled_from(["int", "str"]), st.just("D"), st.integers(0, 3))
layers = st.dictionaries(names, facts).map(
    lambda layer: {name: KnownColumn(name, *fact) for name, fact in layer.items()}
)
chains = st.lists(layers, max_size=8)


def grow(chain):
    """A set that grew by layers, and the same as a plain dict."""
    grown, plain = NO_COLUMNS, {}
    for layer in chain:
        grown, plain = grown.with_(layer), {**plain, **layer}
    return grown, plain


@given(chains)
def test_a_set_is_a_mapping(chain):
    """However it grew."""
    grown, plain = grow(chain)

    assert dict(grown) == plain
    assert len(grown) == len(plain)


@given(chains, chains, chains)
def test_branches_unite_to_all_that_they_have(base, left, right):
    """A column of two types has none; its source is that of the first branch."""
    grown = [grow([*base, *branch]) for branch in (left, right)]
    sets, (first, second) = [pair[0] for pair in grown], [pair[1] for pair in grown]

    merged = merge_columns(sets)

    expected = {**second, **first}
    for name in {*first} & {*second}:
        if first[name].type != second[name].type:
            expected[name] = first[name]._replace(type=None)
    assert dict(merged) == expected


def test_a_long_chain_of_additions_is_not_quadratic():
    """Ten thousand blocks that add a column each share what they have in common."""
    blocks = [
        ("lead_enrichment", {"return_fields": {f"c{i}": "x"}}) for i in range(10_000)
    ]
    stages = lineage(wired(("webhook", {}), *blocks))

    layers = {id(each): each for stage in stages for each in stage.columns.layers}
    assert len(stages[-1].columns) == 10_000
    assert sum(map(len, layers.values())) < 10_000 * 20


# -- The flow --------------------------------------------------------------------------


def definition(flow, *more):
    return Workflow("Leads", flow, *more, key="leads").compile()


def shown(flow):
    """Row kind and columns after each block; three dots if there may be others."""
    return [
        (rows, ", ".join([*columns, *(["..."] if columns.is_open else [])]))
        for rows, columns in lineage(flow)
    ]


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
    stages = lineage(definition(Webhook(LEAD, input_schema=schema) >> FindEmail()))

    assert stages[1].columns["company"] == KnownColumn("company", "string", "D", 0)
    assert stages[1].columns["email"] == KnownColumn("email", None, "D1", 1)


def test_an_unknown_kind_opens_and_forgets():
    """Behind a kind that the catalogue does not know, nothing is known of columns."""
    flow = Webhook(LEAD, input_schema={"a": "str"}) >> RawBlock("new") >> FindPhone()

    assert [columns for _, columns in shown(definition(flow))] == [
        "a, ...",
        "...",
        "phone, ...",
    ]


@pytest.mark.parametrize(
    ("step", "openness"),
    [
        (OutgoingWebhook(url=value("hook", secret=True)), Openness.DECLARED),
        (FindEmail(verify_emails=value("verify")), Openness.DECLARED),
        (FindEmail(mode=value("mode")), Openness.OPEN),
        (CompanyEnrichment(return_fields=value("fields")), Openness.OPEN),
    ],
)
def test_value_opens_the_set_only_if_columns_depend_on_it(step, openness):
    """A field map that an environment fills in may name any columns, and a URL none."""
    source = Webhook(LEAD, input_schema={"a": "str"})
    flow = Workflow("Leads", source >> step, key="leads").lower().definition

    assert lineage(flow)[-1].columns.openness is openness


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
    circle = wired(*blocks, edges=[(0, 1), (1, 2), (2, 1)])

    assert [sorted(stage.columns) for stage in lineage(circle)] == [
        [],
        ["email", "email_status"],
        ["email", "email_status", "phone"],
    ]
    assert len(lineage(wired(("a", {}), edges=[(0, 0)]))) == 1


def test_output_columns_are_those_of_the_ends():
    """What no block takes further is what a run ends with."""
    flow = Webhook(LEAD) >> fan(FindEmail(), FindPhone())
    ends = output_columns(definition(flow))
    dangling = wired(("webhook", {}), ("find_email", {}))
    edges = (dangling.edges[0]._replace(target=id_of("gone")),)

    assert sorted(ends) == ["email", "email_status", "phone"]
    assert not output_columns(wired()).is_open
    assert output_columns(type(dangling)("x", "", dangling.blocks, edges)).is_open


def test_what_is_worked_out_once_goes_with_its_definition():
    """A definition is not kept alive by what was worked out from it."""
    first = wired(("webhook", {}))

    assert column_flow(first) is column_flow(first)
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None


def test_filters_of_many_columns_take_little_memory():
    """A file of a pull request may hold them."""
    conditions = [
        [{"column": name, "operator": "equals", "value": 1}]
        for name in map(str, range(1_500))
    ]
    filters = [("filter", {"filters": each}) for each in [*conditions, *conditions]]
    long = wired(("webhook", {}), *filters)
    tracemalloc.start()
    try:
        assert findings(long)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 50e6


def filters_of(count):
    """Filters of columns that no row has."""
    condition = {"operator": "equals", "value": 1}
    columns = [{"column": f"missing{number}", **condition} for number in range(count)]
    return [("filter", {"filters": [column]}) for column in columns]


def test_many_branches_are_united_one_by_one():
    """Each adds a column of its own."""
    count = 10_000
    fields = [{"return_fields": {f"f{number}": "x"}} for number in range(count)]
    blocks = [("lead_enrichment", specs) for specs in fields]
    edges = [(0, at) for at in range(1, count + 1)]
    edges += [(at, count + 1) for at in range(1, count + 1)]
    wide = wired(("webhook", {}), *blocks, ("deduplicate", {}), edges=edges)
    began = time.monotonic()

    assert len(output_columns(wide)) == count
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "names",
    [
        [f"{number}{'7' * 20_000}" for number in range(100)],
        [f"column{number}" for number in range(40_000)],
    ],
    ids=["long", "many"],
)
def test_columns_that_are_missing_among_others(names):
    """A file of a pull request may hold them."""
    source = {"dataframe_type": "LEAD", "input_schema": dict.fromkeys(names, "str")}
    began = time.monotonic()

    found = findings(wired(("webhook", source), *filters_of(300)))

    assert [f.code for f in found].count("undeclared-column") == 300
    assert time.monotonic() - began < 5


def test_many_keys_below_a_long_name_are_reported_in_part():
    """Each message has the whole name."""
    key = "sk_live_" + "0123456789abcdef"
    specs = {"name" * 10_000: dict.fromkeys(map(str, range(100)), key)}

    found = findings(wired(("webhook", {}), ("new_kind", specs)))

    assert [f.code for f in found].count("secret-in-specs") == 20
