"""Laws of analysis: any definition is judged, and advice stops nothing."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flow64.analysis.check import RULES, ask, errors, findings, rules_for
from flow64.analysis.columns import lineage, output_columns
from flow64.analysis.costs import cost, effects
from flow64.analysis.fields import survey
from flow64.blocks import CATALOGUE, OLD_NAMES, facts_of
from flow64.definition import Definition, Edge, WireBlock, id_of
from tests.strategies import (
    frozen,
    json_values,
    keys,
    scalars,
    values,
    wire_definitions,
)

FIELDS = sorted({name for block in CATALOGUE.values() for name in facts_of(block)})
kinds = st.sampled_from([*CATALOGUE, *OLD_NAMES, "new_kind"])
words = st.sampled_from(
    ["LEAD", "PERSONAL", "__create_new__", "sk_live_" + "0123456789", "and"]
)
members = st.sampled_from(["column", "operator", "logic", "type", *FIELDS]) | keys
leaves = scalars | words | values
data = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def known_definitions(draw):
    """Definitions of known kinds with known fields, right and wrong, in any graph."""
    count = draw(st.integers(0, 7))
    ids = [id_of(f"block:{number}") for number in range(count)]
    specs = st.dictionaries(st.sampled_from(FIELDS) | keys, data, max_size=4)
    blocks = tuple(
        WireBlock(block_id, draw(kinds), frozen(draw(specs)), "", 1) for block_id in ids
    )
    ends = st.sampled_from([*ids, "gone"])
    joined = st.lists(st.builds(Edge, ends, ends), max_size=10, unique_by=repr)
    return Definition("Leads", "", blocks, tuple(draw(joined)), id=id_of("w"))


@given(wire_definitions() | known_definitions(), st.booleans())
def test_any_definition_is_judged(definition, is_answer):
    """Nothing raises, and whatever stops a compile is a safe rule's."""
    definition = evolve(definition, is_answer=is_answer)

    found = findings(definition)

    safe = {rule.code for rule in RULES if rule.is_safe}
    assert {f.code for f in found if f.severity == "error"} <= safe
    assert len(lineage(definition)) == len(definition.blocks)
    assert {f.block_id for f in found} <= {None, *(b.id for b in definition.blocks)}
    assert set(output_columns(definition)) <= {
        name for stage in lineage(definition) for name in stage.columns
    }
    assert cost(definition).dollars >= 0
    str(cost(definition)), str(effects(definition))


@st.composite
def runs(draw):
    """A graph without cycles, the rows that each source brings, and its payload."""
    count, given = draw(st.integers(1, 7)), draw(st.integers(0, 3))
    made, blocks, found = [], [], {}
    for position in range(count):
        kind = draw(
            st.sampled_from(["webhook", "search", "filter", *PRICES, *sorted(MAKERS)])
        )
        limit = draw(st.none() | st.integers(1, 4)) if kind == "search" else None
        specs = {} if limit is None else {"max_results": limit}
        blocks.append(WireBlock(id_of(f"b:{position}"), kind, frozen(specs), "", 1))
        found[position] = limit or draw(st.integers(0, 4))
        made += [(above, position) for above in range(position) if draw(st.booleans())]
    edges = tuple(Edge(blocks[one].id, blocks[other].id) for one, other in made)
    return Definition("Leads", "", tuple(blocks), edges), found, given


@given(runs())
def test_no_run_costs_more_than_the_bound(run):
    """Every branch passes every row, one by one; what it pays is never above it."""
    definition, found, given_rows = run
    rows, paid, reached = {}, Counter(), Counter()
    for position, block in enumerate(definition.blocks):
        above = definition.topology.parents[position]
        came = [row for parent in above for row in rows[parent]]
        if not above and block.kind not in ("search", "new_kind"):
            came = [(position, number) for number in range(given_rows)]
        for _ in came:
            reached[block.kind] += 1
            paid[block.kind] += PRICES.get(block.kind, 0)
        if block.kind in MAKERS:
            came = [(position, number) for number in range(found[position])]
        elif block.kind == "webhook" and above:
            came += [(position, number) for number in range(given_rows)]
        rows[position] = came

    bound = cost(definition, given_rows, of_payload=True)

    closed = [charge for charge in bound.charges if charge.dollars and charge.rows]
    kinds = {charge.kind for charge in bound.charges if charge.rows is None}
    assert all(
        charge.rows >= reached[charge.kind]
        for charge in closed
        if charge.kind not in kinds
    )
    least = sum(paid[kind] for kind in PRICES if kind not in kinds)
    assert round(bound.dollars * 100) >= least
    assert bound.as_data()["dollars"] in (None, bound.dollars)


PRICES = {"find_email": 5, "find_phone": 30}
"""Cents a row."""
MAKERS = {"search", "company_to_leads", "find_subdomains", "new_kind"}


plausible = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["PERSONAL", "PROF", None, 1, []]),
        "dataframe_type": st.sampled_from(["LEAD", "COMPANY", "lead", None, {}]),
        "url": st.sampled_from(
            ["https://a.example/x", "http://a.example", "", None, 1]
        ),
        "notebook_id": st.sampled_from(["n", "__create_new__", "", None]),
        "notebook_name": st.sampled_from(["Leads", ""]),
        "filters": st.lists(
            st.fixed_dictionaries(
                {}, optional={"operator": st.sampled_from(["equals", "is", None, []])}
            )
            | st.just("no mapping"),
            max_size=2,
        ),
    },
)
judged = st.sampled_from(
    [
        "webhook", "search", "find_email", "company_enrichment", "company_to_leads",
        "deduplicate", "filter", "outgoing_webhook", "append_to_notebook", "new_kind",
    ]
)  # fmt: skip


@st.composite
def plausible_definitions(draw):
    """Chains and forks of the kinds that safe rules judge, most of them in order."""
    count = draw(st.integers(1, 5))
    ids = [id_of(f"block:{number}") for number in range(count)]
    blocks = tuple(
        WireBlock(block_id, draw(judged), frozen(draw(plausible)), "", number)
        for number, block_id in enumerate(ids, 1)
    )
    starts = [draw(st.integers(0, number)) for number in range(count - 1)]
    edges = tuple(Edge(ids[at], ids[n]) for n, at in enumerate(starts, 1))
    return Definition("Leads", "", blocks, edges, id=id_of("w"))


any_definitions = plausible_definitions() | known_definitions() | wire_definitions()


@given(any_definitions)
def test_a_compile_finds_the_errors_that_a_check_finds(definition):
    """Errors are those of all rules."""
    errors_of_all = [f for f in ask(definition) if f.severity == "error"]

    assert errors(definition) == errors_of_all


@given(any_definitions)
def test_a_rule_that_is_not_asked_finds_nothing(definition):
    """The kinds and traits of a rule are all that its fault may need."""
    asked = rules_for(frozenset(survey(definition).traits))

    for rule in RULES:
        assert rule in asked or not [*rule.find(definition)]


@pytest.mark.slow
@pytest.mark.parametrize("is_cyclic", [False, True])
def test_a_deep_chain_is_judged(is_cyclic):
    """A hundred thousand blocks in a row need no recursion, not even in a circle."""
    count = 100_000
    ids = [id_of(f"b{number}") for number in range(count)]
    kind = ["webhook", "find_email", "filter", "lead_enrichment"]
    specs = [
        frozen({}),
        frozen({"mode": "PERSONAL"}),
        frozen({"filters": []}),
        frozen({}),
    ]
    blocks = tuple(
        WireBlock(block_id, kind[min(i, 1 + i % 3)], specs[min(i, 1 + i % 3)], "", i)
        for i, block_id in enumerate(ids)
    )
    edges = [Edge(ids[i], ids[i + 1]) for i in range(count - 1)]
    if is_cyclic:
        edges.append(Edge(ids[-1], ids[1]))
    definition = Definition("Leads", "", blocks, tuple(edges), id=id_of("w"))

    limit = sys.getrecursionlimit()
    found = findings(definition)

    assert ("cycle" in {f.code for f in found}) == is_cyclic
    assert len(lineage(definition)) == count
    assert sys.getrecursionlimit() == limit


@given(st.dictionaries(keys, json_values(), max_size=3))
def test_allowed_codes_are_never_found(specs):
    """What a workflow allows is not found, whatever it holds."""
    kinds = ("find_email", "webhook", "filter", "new_kind")
    blocks = tuple(WireBlock(id_of(kind), kind, frozen(specs), "", 1) for kind in kinds)
    definition = Definition("Leads", "", blocks, (), id=id_of("w"))
    codes = {f.code for f in findings(definition) if f.severity != "error"}

    quiet = evolve(definition, allowed=frozenset(codes))

    assert not codes & {f.code for f in findings(quiet)}
