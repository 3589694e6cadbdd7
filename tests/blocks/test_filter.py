"""Filters are written as sentences, and each step of one is a block."""

from __future__ import annotations

import pytest

from flow64 import LEAD, fan
from flow64.blocks import (
    FILTER_OPERATORS,
    UNARY_OPERATORS,
    Deduplicate,
    Filter,
    Webhook,
)
from flow64.errors import BuildError

SENTENCES = [
    (lambda c: c.equals("x"), {"operator": "equals", "value": "x"}),
    (lambda c: c.not_equals("x"), {"operator": "not_equals", "value": "x"}),
    (lambda c: c.contains("x"), {"operator": "contains", "value": "x"}),
    (lambda c: c.not_contains("x"), {"operator": "not_contains", "value": "x"}),
    (lambda c: c.greater(1), {"operator": "greater", "value": 1}),
    (lambda c: c.less(1), {"operator": "less", "value": 1}),
    (lambda c: c.in_([1, 2]), {"operator": "in", "value": [1, 2]}),
    (lambda c: c.not_in([1, 2]), {"operator": "not_in", "value": [1, 2]}),
    (lambda c: c.is_empty(), {"operator": "is_empty"}),
    (lambda c: c.is_not_empty(), {"operator": "is_not_empty"}),
    (lambda c: c.matches(r"^a"), {"operator": "matches", "value": "^a"}),
]


@pytest.mark.parametrize(
    ("finish", "expected"), SENTENCES, ids=[row[1]["operator"] for row in SENTENCES]
)
def test_each_operator(finish, expected):
    """Every documented operator has a method, and gives one condition."""
    made = finish(Filter.where("a"))

    assert made.filters == [{"column": "a", **expected}]


def test_the_operators_are_the_documented_ones():
    """All eleven are there; two of them take no value."""
    written = [expected["operator"] for _, expected in SENTENCES]

    assert written == list(FILTER_OPERATORS)
    assert [e["operator"] for _, e in SENTENCES if "value" not in e] == list(
        UNARY_OPERATORS
    )


def test_none_is_a_value():
    """`equals(None)` compares with null and is not left out."""
    made = Filter.where("a").equals(None)

    assert made.filters == [{"column": "a", "operator": "equals", "value": None}]


def test_a_sentence_grows_from_a_block():
    """Each step gives a new block; the ones before it stay as they were."""
    first = Filter.where("a").equals(1)
    second = first.and_("b").in_([1])

    third = second.or_("c").is_empty()

    assert third.filters == [
        {"column": "a", "operator": "equals", "value": 1},
        {"column": "b", "operator": "in", "value": [1], "logic": "and"},
        {"column": "c", "operator": "is_empty", "logic": "or"},
    ]
    assert len(first.filters) == 1
    assert len(second.filters) == 2


def test_key_and_former_key_stay_through_the_sentence():
    """What `where` says of the block holds to the end."""
    made = Filter.where("a", key="good", was="ok").equals(1).and_("b").equals(2)

    assert (made.key, made.was) == ("good", "ok")


def test_what_was_set_on_a_step_stays():
    """Reserved arguments of an inner step are carried on."""
    first = Filter.where("a").equals(1).with_(extra={"x": 1}, allow=["a-code"])

    made = first.and_("b").equals(2)

    assert (made.extra, made.allow) == ({"x": 1}, ["a-code"])


def test_a_finding_points_at_the_operator():
    """The place of a filter is where its last condition was written."""
    first = Filter.where("a").equals(1)
    later = Filter.where("a").equals(1).and_("b").less(2)

    assert first.place.file == __file__
    assert later.place.line == first.place.line + 1


@pytest.mark.parametrize(
    "join",
    [
        lambda waiting: Webhook(LEAD) >> waiting,
        lambda waiting: waiting >> Deduplicate(),
        lambda waiting: [waiting] >> Deduplicate(),
        fan,
    ],
    ids=["right", "left", "list", "fan"],
)
def test_a_filter_without_its_operator_says_so(join):
    """On either side of `>>`, and inside a list."""
    with pytest.raises(BuildError, match="operator"):
        join(Filter.where("status"))


def test_other_operators():
    """A word without a method may have a value."""
    made = Filter.where("a", key="k").compare("above", 5).or_("b").compare("recent")

    assert made.key == "k"
    assert made.filters == [
        {"column": "a", "operator": "above", "value": 5},
        {"column": "b", "operator": "recent", "logic": "or"},
    ]
    assert made.place.line == test_other_operators.__code__.co_firstlineno + 2


def test_python_operators_say_what_to_write():
    """A comparison would be False, and so a flow without its filter."""
    with pytest.raises(BuildError, match=r"equals\(\.\.\.\)"):
        Filter.where("a") == "b"


@pytest.mark.parametrize("name", ["greater_than", "equal", "nonsense"])
def test_unknown_operators_name_those_that_there_are(name):
    with pytest.raises(AttributeError, match=r"greater|equals"):
        getattr(Filter.where("a"), name)
