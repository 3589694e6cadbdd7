"""Rows of a result are joined to rows of the input by a column, not by order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64 import COMPANY, LEAD, Project, RawBlock, Workflow, errors, value
from flow64.blocks import (
    CATALOGUE,
    Columns,
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    Filter,
    FindEmail,
    GroupBy,
    LeadEnrichment,
    RemoveColumns,
    Search,
    TransformData,
    VerifyEmail,
    Webhook,
)
from flow64.client import Row
from flow64.definition import loads
from flow64.errors import RowKeyError
from flow64.runs import JoinedRow, JoinedRows, index_rows, join_rows
from flow64.runs._join_rows import list_key_losses

PROJECT = Project("growth", namespace="acme.example")


def rows(*keys, **more):
    return [{"email": key, **more} for key in keys]


def results(*keys):
    return [Row(None, {"email": key, "at": at}) for at, key in enumerate(keys)]


def test_outputs_are_tied_by_key_and_not_by_order():
    """Several, one, none; each input in its place."""
    inputs = rows("a", "b", "c")
    c, a, again = outputs = results("c", "a", "c")

    joined = join_rows(inputs, outputs, "email")

    assert [*joined] == [
        JoinedRow(inputs[0], [a]),
        JoinedRow(inputs[1], ()),
        JoinedRow(inputs[2], [c, again]),
    ]
    assert (len(joined), joined.unmatched) == (3, [])


@pytest.mark.parametrize("key", ["b", "A", " a", "a ", None, "", ["a"], True, 1.5])
def test_output_of_no_input_is_given_apart(key):
    """Keys are compared as they are."""
    (output,) = outputs = results(key)

    assert join_rows(rows("a", 1), outputs, "email") == JoinedRows(
        [JoinedRow(row, ()) for row in rows("a", 1)], [output]
    )


def test_output_without_the_column_is_given_apart():
    """A block may have dropped it."""
    output = Row(None, {"other": "a"})

    assert join_rows(rows("a"), [output], "email").unmatched == [output]


def test_numbers_are_keys_as_numbers():
    """As text they are others."""
    joined = join_rows(rows(3, "3"), results(3.0, "3"), "email")

    assert [row.outputs[0].raw["at"] for row in joined] == [0, 1]
    assert join_rows(rows(10**400), results(10**400), "email").unmatched == []


def test_inputs_that_cannot_be_told_apart_are_listed():
    """All of them, by their place, before anything is joined."""
    nan = float("nan")
    inputs = [*rows("a", "a", None, " ", True, nan, ["x"], 1, 1.0), {"other": "a"}]

    with pytest.raises(RowKeyError) as caught:
        index_rows(inputs, "email")

    assert caught.value.problems == [
        "/1: has 'a', as /0 has",
        "/2: has None, which is not a key",
        "/3: has ' ', which is not a key",
        "/4: has True, which is not a key",
        "/5: has nan, which is not a key",
        "/6: has ['x'], which is not a key",
        "/8: has 1.0, as /7 has",
        "/9: has none",
    ]
    with pytest.raises(RowKeyError, match=r"'email' does not .*; name a column"):
        join_rows(inputs, [], "email")


@given(
    st.lists(st.text(min_size=1).filter(str.strip), unique=True, max_size=5),
    st.lists(st.text(max_size=2), max_size=5),
    st.randoms(use_true_random=False),
)
def test_every_output_is_somewhere_once(keys, others, random):
    outputs = results(*keys, *others)
    random.shuffle(outputs)

    joined = join_rows(rows(*keys), outputs, "email")

    given_back = [*joined.unmatched, *(row for one in joined for row in one.outputs)]
    assert sorted(row.raw["at"] for row in given_back) == [*range(len(outputs))]
    assert [one.input["email"] for one in joined] == keys
    for one in joined:
        assert {row.raw["email"] for row in one.outputs} <= {one.input["email"]}


def lost(flow, key="email", **more):
    definition = Workflow("w", flow, project=PROJECT).compile()
    return list_key_losses(definition, key, **more)


UNKNOWN = "gives rows with unknown columns, so it may be lost"
WRITES = "writes a column of that name itself"
OPEN = "may write unknown columns, perhaps this one"


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (RemoveColumns(), f"remove_columns (remove_columns) {UNKNOWN}"),
        (GroupBy(key="by"), f"by (group_by) {UNKNOWN}"),
        (CompanyToLeads(), f"company_to_leads (company_to_leads) {UNKNOWN}"),
        (TransformData(), f"transform_data (transform_data) {UNKNOWN}"),
        (FindEmail().scoped("work"), f"work/find_email (find_email) {WRITES}"),
        (
            LeadEnrichment(return_fields={"email": "E-mail"}),
            f"lead_enrichment (lead_enrichment) {WRITES}",
        ),
        (VerifyEmail(), f"verify_email (verify_email) {OPEN}"),
        (
            LeadEnrichment(return_fields=value("fields")),
            f"lead_enrichment (lead_enrichment) {OPEN}",
        ),
        (
            RawBlock("new_kind", specs={}),
            "new_kind (new_kind) is unknown, so it may drop or change any column",
        ),
    ],
)
def test_block_that_may_lose_the_column_is_named(step, line):
    """By its key path, with what is known of it."""
    source = Webhook(COMPANY if isinstance(step, CompanyToLeads) else LEAD)

    assert lost(source >> step) == [line]


def test_blocks_that_keep_columns_are_not_named():
    """Nor is a source, where the column begins."""
    kept = Filter.where("title").equals("CTO") >> Deduplicate()
    enriched = LeadEnrichment(return_fields={"title": "Title"})
    source = Webhook(LEAD, input_schema={"email": "string"})

    assert lost(source >> enriched >> kept) == []
    assert lost(Webhook(LEAD) >> FindEmail(), key="linkedin_url") == []
    assert lost(Search(LEAD, query="x") >> Deduplicate()) == []


def test_rows_of_several_blocks_are_merged_in_an_unknown_way():
    """And only what leads to the rows that are wanted counts."""
    a, b, c = (Deduplicate(key=key) for key in "abc")
    flow = Webhook(LEAD) >> [a >> GroupBy(key="side"), a >> [b, c] >> Deduplicate()]
    definition = Workflow("w", flow, project=PROJECT).compile()
    place = {
        o.path: i for i, o in enumerate(map(definition.origins.__getitem__, range(6)))
    }
    merged = "deduplicate (deduplicate) takes rows of several blocks, "

    assert [
        line.startswith(merged) for line in lost(flow, end=place["deduplicate"])
    ] == [True]
    assert lost(flow, end=place["side"]) == [f"side (group_by) {UNKNOWN}"]
    assert lost(flow, end=place["c"]) == []
    assert len(lost(flow)) == 2


def test_definition_that_was_read_is_judged_too():
    """Blocks without a key are named by what they have."""
    text = Workflow("w", Webhook(LEAD) >> GroupBy(), project=PROJECT).to_json()

    (line,) = list_key_losses(loads(text), "email")

    assert line.endswith(f" (group_by) {UNKNOWN}")


def test_facts_that_no_block_has_yet_are_understood(monkeypatch):
    """A block that is known to drop a column, or to make new rows of known columns."""
    found = []
    for columns in (
        Columns(drops=["email"]),
        Columns(drops=["other"]),
        Columns(resets=True),
    ):
        monkeypatch.setattr(
            CATALOGUE["deduplicate"], "columns", lambda specs, found=columns: found
        )
        found.append(lost(Webhook(LEAD) >> Deduplicate()))

    assert found == [
        ["deduplicate (deduplicate) drops the column"],
        [],
        ["deduplicate (deduplicate) gives new rows, without the columns that came in"],
    ]


def test_people_may_be_kept_in_any_column():
    """Where `find_people` puts them is unknown."""
    step = CompanyEnrichment(return_fields={"size": "Size"}, find_people=True)

    assert lost(Webhook(COMPANY) >> step, key="domain") == [
        f"company_enrichment (company_enrichment) {OPEN}"
    ]


@pytest.mark.parametrize("key", [["a", "b"], ("a", "b"), None])
def test_key_is_the_name_of_one_column(key):
    """Several columns are no key; a column made of them is."""
    with pytest.raises(errors.ArgumentError, match="the name of one column"):
        index_rows([{"a": 1, "b": 2}], key)
