"""Values in conditions of filters: which ones may pass no row, and which are right."""

from __future__ import annotations

from types import new_class

import pytest
from attrs import frozen

from flow64 import COMPANY, LEAD, Flow, Lead, RawBlock, Workflow, fan, value
from flow64.analysis import findings
from flow64.blocks import (
    About,
    CatalogueBlock,
    Column,
    Columns,
    Filter,
    FindEmail,
    FindPhone,
    LeadEnrichment,
    VerifyEmail,
    Webhook,
)
from flow64.definition import BoundSecret
from tests.analysis.support import told, wired

STATUS = Filter.where("email_status")
LISTED = "OK, UNKNOWN, NOT_FOUND, CATCH_ALL, RISKY and INVALID"
NONE = "probably no row passes"
ALL = "probably it drops no row"


def found_emails(kept):
    return Webhook(LEAD) >> FindEmail() >> kept


def strange(text, fate=""):
    """An unlisted value, with what becomes of rows."""
    said = f"filters[0].value {text}"
    return [("warning", "filter", said + (fate and f": {fate}"))]


def unlisted(shown, *, near="", fate="", verb="is"):
    column = "the column 'email_status'"
    suggested = f" (did you mean {near!r}?)" if near else ""
    return strange(
        f"{verb} {shown}, which no document lists for {column}{suggested}", fate
    )


def disputed(shown, verb="is"):
    column = "the column 'email_status'"
    said = f"filters[0].value {verb} {shown}, which not every source lists for {column}"
    return [("note", "filter", said)]


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (STATUS.equals("OK"), []),
        (STATUS.not_equals("OK"), []),
        (STATUS.contains("OK"), []),
        (STATUS.in_(["OK", "RISKY"]), []),
        (STATUS.not_in(["RISKY", "INVALID"]), []),
        (STATUS.is_empty(), []),
        (STATUS.matches("ok"), []),
        (STATUS.equals(""), []),
        (STATUS.in_([]), []),
        (STATUS.equals(value("status")), []),
        (Filter.where("status").equals("ok"), []),
        (STATUS.equals("ok"), unlisted("'ok'", near="OK", fate=NONE)),
        (STATUS.equals("VALID"), unlisted("'VALID'", fate=NONE)),
        (STATUS.equals(3), unlisted("3", fate=NONE)),
        (STATUS.not_equals("ok"), unlisted("'ok'", near="OK", fate=ALL)),
        (STATUS.contains("not f"), unlisted("'not f'", fate=NONE)),
        (STATUS.contains(3), unlisted("3", fate=NONE)),
        (
            STATUS.not_contains("not found"),
            unlisted("'not found'", near="NOT_FOUND", fate=ALL),
        ),
        (STATUS.in_(["ok", "No"]), unlisted("'ok' and 'No'", fate=NONE, verb="has")),
        (
            STATUS.in_([f"v{n}" for n in range(1010)]),
            unlisted(
                "'v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7' and 1,002 more",
                fate=NONE,
                verb="has",
            ),
        ),
        (STATUS.in_(["OK", "ok"]), unlisted("'ok'", near="OK", verb="has")),
        (STATUS.not_in(["ok", {}]), unlisted("'ok' and {}", fate=ALL, verb="has")),
        (
            STATUS.equals("ok").or_("email").is_not_empty(),
            unlisted("'ok'", near="OK"),
        ),
        (STATUS.equals("RISKY"), disputed("'RISKY'")),
        (STATUS.contains("UNK"), disputed("'UNK'")),
        (STATUS.in_(["RISKY", "INVALID"]), disputed("'RISKY' and 'INVALID'", "has")),
        # Whichever source is right, one of them may be there.
        (STATUS.in_(["RISKY", "UNKNOWN"]), []),
        (STATUS.equals("RISKY").or_("email").is_not_empty(), []),
    ],
)
def test_value_that_no_document_lists(kept, expected):
    """The class of the block lists the values of a column; sources may disagree."""
    assert told(found_emails(kept), "unlisted-value") == expected


def test_it_says_what_is_documented():
    """All values, or for a disputed one those of the sources that do not have it."""
    advice = [
        finding.help
        for kept in (STATUS.equals("ok"), STATUS.equals("RISKY"))
        for finding in Workflow("Leads", found_emails(kept), key="leads").check()
        if finding.code == "unlisted-value"
    ]

    assert advice == [f"documented are {LISTED}", "FE lists OK, UNKNOWN and NOT_FOUND"]


@pytest.mark.parametrize(
    "flow",
    [
        # Rows bring the column themselves.
        Webhook(LEAD, input_schema={"email_status": "str"}) >> STATUS.equals("ok"),
        # No block adds it before.
        Webhook(LEAD) >> STATUS.equals("ok") >> FindEmail(),
        # A block in between may rewrite it.
        found_emails(VerifyEmail()) >> STATUS.equals("ok"),
        found_emails(RawBlock("new_kind")) >> FindPhone() >> STATUS.equals("ok"),
    ],
)
def test_column_of_another_source(flow):
    """Only a column that comes from a block with listed values is judged."""
    assert told(flow, "unlisted-value") == []


def test_block_before_may_add_any_columns():
    """What it adds is written again by the block that lists the values."""
    flow = Webhook(LEAD) >> fan(VerifyEmail(), FindPhone()) >> FindEmail()

    assert told(flow >> STATUS.equals("ok"), "unlisted-value") != []


def test_values_of_a_kind_of_your_own(own_kinds):
    """A class of your own lists the values of its columns in the same way."""

    def fill(namespace):
        namespace["kind"] = "rate_lead"
        namespace["about"] = About(
            role="step",
            takes="LEAD",
            gives="LEAD",
            columns=Columns(adds=[Column("stage", "str")]),
            column_words={"stage": {"our pages": ["new", "won"]}},
        )

    base = (Flow[Lead, Lead], CatalogueBlock)
    cls = frozen(eq=False, kw_only=True)(new_class("RateLead", base, exec_body=fill))
    stage = Filter.where("stage")

    said = (
        "is 'Won', which no document lists for the column 'stage' (did you mean 'won'?)"
    )
    flow = Webhook(LEAD) >> cls()
    assert told(flow >> stage.equals("Won"), "unlisted-value") == strange(said, NONE)
    assert told(flow >> stage.equals("won"), "unlisted-value") == []


COLUMNS = {"n": "int", "f": "float", "t": "string", "b": "boolean", "l": "list[str]"}
N, F, T, B, L = (Filter.where(name) for name in COLUMNS)


def holds(shown, column, type_, *, fate="", verb="is"):
    return strange(f"{verb} {shown}, and the column {column!r} holds {type_}", fate)


EMPTY = "and no document says what an empty text matches"


def unclear(shown, column="t"):
    said = f"filters[0].value is {shown}, and the column {column!r} holds text; "
    return [("note", "filter", said + "no document says how the two are compared")]


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (N.greater(3), []),
        (N.greater("3"), []),
        (F.less(3), []),
        (F.equals("1e3"), []),
        (T.equals("x"), []),
        (B.equals(True), []),
        (B.equals("TRUE"), []),
        (L.contains("x"), []),
        (N.is_empty(), []),
        (N.equals(None), []),
        (N.in_({1}), []),  # not JSON, which another finding says
        (N.matches("x"), []),
        (T.matches("("), []),  # its syntax is not documented
        (N.in_([1, "2"]), []),
        (N.equals(value("n")), []),
        (N.in_(value("n")), []),
        (Filter.where("other").equals(3), []),
        (N.greater("many"), holds("'many'", "n", "a number", fate=NONE)),
        (N.equals(True), holds("True", "n", "a number", fate=NONE)),
        (N.not_equals("x"), holds("'x'", "n", "a number", fate=ALL)),
        (F.less([]), holds("[]", "f", "a number", fate=NONE)),
        (N.in_([1, "x"]), holds("'x'", "n", "a number", verb="has")),
        (B.equals("yes"), holds("'yes'", "b", "true or false", fate=NONE)),
        (B.equals(1), holds("1", "b", "true or false", fate=NONE)),
        (T.equals(["x"]), holds("['x']", "t", "text", fate=NONE)),
        (T.greater(3), unclear("3")),
        (T.equals(False), unclear("False")),
        (T.in_("x"), strange("is 'x', and 'in' takes a list")),
        (T.in_([]), strange("is an empty list", NONE)),
        (T.not_in([]), strange("is an empty list", ALL)),
        (
            T.compare("equals"),
            [("warning", "filter", "filters[0] has no value, and 'equals' needs one")],
        ),
        (T.equals(""), [("note", "filter", f"filters[0].value is '', {EMPTY}")]),
    ],
)
def test_value_of_another_type(kept, expected):
    """The type of a column is the declared one; that of text and numbers is unclear."""
    flow = Webhook(COMPANY, input_schema=COLUMNS) >> kept

    assert told(flow, "wrong-value-type") == expected


def both(first, second):
    """Two conditions on one column, in one filter."""
    filters = [{"column": "a", **first}, {"column": "a", "logic": "and", **second}]
    return Webhook(LEAD) >> Filter(filters=filters)


def condition(operator, *values):
    return {"operator": operator, **({"value": values[0]} if values else {})}


EXCLUDING = [
    (condition("equals", "x"), condition("equals", "y")),
    (condition("equals", "x"), condition("not_equals", "X")),
    (condition("equals", "x"), condition("in", ["y", "z"])),
    (condition("equals", 1), condition("not_in", ["1", "2"])),
    (condition("equals", "x"), condition("is_empty")),
    (condition("in", ["x", "y"]), condition("in", ["z"])),
    (condition("in", ["x", "y"]), condition("not_in", ["x", "y", "z"])),
    (condition("is_empty"), condition("is_not_empty")),
    (condition("greater", 5), condition("is_empty")),
    (condition("greater", 5), condition("less", 5)),
    (condition("equals", 5), condition("greater", 5)),
    (condition("in", [5, 6]), condition("less", 5)),
]
AGREEING = [
    (condition("equals", "x"), condition("equals", "X")),  # case may not count
    (condition("equals", 1), condition("equals", "1")),
    (condition("equals", "x"), condition("not_equals", "y")),
    (condition("equals", "x"), condition("contains", "y")),
    (condition("equals", ""), condition("is_empty")),
    (condition("equals", value("a")), condition("equals", "y")),
    (condition("in", ["x", value("a")]), condition("equals", "y")),
    (condition("in", []), condition("in", ["y"])),
    (condition("in", [*range(33)]), condition("equals", 40)),  # too many to compare
    (condition("not_equals", "x"), condition("not_equals", "y")),
    (condition("contains", "x"), condition("contains", "y")),
    (condition("greater", 5), condition("less", 6)),
    (condition("greater", 5), condition("greater", 7)),
    (condition("greater", "b"), condition("less", "a")),
    (condition("is_empty"), condition("equals", value("a"))),
]


@pytest.mark.parametrize(
    ("first", "second", "is_found"),
    [
        *((one, other, True) for one, other in EXCLUDING),
        *((other, one, True) for one, other in EXCLUDING),
        *((one, other, False) for one, other in AGREEING),
        *((other, one, False) for one, other in AGREEING),
    ],
)
def test_conditions_that_exclude_each_other(first, second, is_found):
    """Only what is certain is reported: text may be compared in any way."""
    said = "filters[0] and filters[1] exclude each other for the column 'a': " + NONE
    expected = [("warning", "filter", said)] * is_found

    assert told(both(first, second), "contradicting-conditions") == expected


def test_conditions_that_do_not_meet():
    """Alternatives, other columns and other filters exclude nothing."""
    is_x, is_y = Filter.where("a").equals("x"), Filter.where("a").equals("y")
    flows = [
        Webhook(LEAD) >> is_x.or_("a").equals("y"),
        Webhook(LEAD) >> is_x.and_("b").equals("y"),
        Webhook(LEAD) >> [is_x, is_y.again(key="other")],
    ]

    assert [told(flow, "contradicting-conditions") for flow in flows] == [[]] * 3


def test_type_of_a_column_that_a_block_adds():
    """A field to find has a type as well, and the advice names its block."""
    age = {"age": {"description": "Age in years", "type": "int"}}
    flow = Webhook(LEAD) >> LeadEnrichment(return_fields=age)
    workflow = Workflow("Leads", flow >> Filter.where("age").less("x"), key="leads")

    (advice,) = [f.help for f in workflow.check() if f.code == "wrong-value-type"]

    assert advice.startswith("'age' comes from lead_enrichment (")


def test_text_of_listed_values_is_judged_once():
    """A number is not a listed value; for an order of texts only the type counts."""
    assert told(found_emails(STATUS.equals(3)), "wrong-value-type") == []
    assert told(found_emails(STATUS.greater(3)), "wrong-value-type") == unclear(
        "3", "email_status"
    )


@pytest.mark.parametrize(
    "condition",
    [
        {"column": 5, "operator": "equals", "value": "x"},
        {"column": "n", "operator": ["equals"], "value": "x"},
        {"column": "n", "operator": "near", "value": "x"},
        {"column": "n", "operator": "equals", "value": BoundSecret(value("n"), "x")},
        "text",
    ],
)
def test_conditions_of_another_shape(condition):
    """Data that was read may be anything; other rules judge it."""
    webhook = ("webhook", {"dataframe_type": "LEAD", "input_schema": {"n": "int"}})
    made = wired(webhook, ("filter", {"filters": [condition]}))

    codes = {finding.code for finding in findings(made)}

    assert codes.isdisjoint({"unlisted-value", "wrong-value-type"})
