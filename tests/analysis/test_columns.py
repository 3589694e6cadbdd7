"""Sets of columns: they grow, share and meet without being changed."""

from __future__ import annotations

import pytest

from flow64.analysis import ColumnSet, KnownColumn
from flow64.analysis.columns import (
    ANY_COLUMNS,
    NO_COLUMNS,
    Openness,
    merge_columns,
)

CLOSED, OPEN = Openness.CLOSED, Openness.OPEN


def column(name, *, type=None, source=0):
    return KnownColumn(name, type, "D", source)


def layer(*names, source=0):
    return {name: column(name, source=source) for name in names}


def grown(*layers, openness=CLOSED):
    made = NO_COLUMNS
    for each in layers:
        made = made.with_(each, openness)
    return made


def test_a_set_reads_as_a_mapping():
    """A set finds its columns by name, in the order in which they came."""
    made = grown(layer("a", "b"), layer("c"))

    assert list(made) == ["a", "b", "c"]
    assert len(made) == 3
    assert made["c"] == column("c")
    assert "d" not in made
    with pytest.raises(KeyError, match="d"):
        made["d"]


def test_growing_changes_nothing_before():
    """The set that another grew from is as it was."""
    before = grown(layer("a"))

    after = before.with_({"a": None} | layer("b"), OPEN)

    assert list(before) == ["a"]
    assert list(after) == ["b"]
    assert (before.is_open, after.is_open) == (False, True)


def test_a_set_that_nothing_changes_is_the_same_object():
    """Blocks that leave columns alone share one set."""
    made = grown(layer("a"))

    assert made.with_({}) is made
    assert made.with_({}, OPEN).layers is made.layers


def test_the_last_writer_is_the_source():
    """A column that is written again comes from the later block."""
    made = grown(layer("a", "b", "c"), layer("a", source=7))

    assert made["a"].source == 7
    assert list(made) == ["a", "b", "c"]


def test_a_dropped_column_is_gone_until_it_is_added_again():
    """A drop hides a column below, and an addition hides the drop."""
    wide = grown(layer(*"abcd"))
    dropped = wide.with_({"a": None})

    assert list(dropped) == ["b", "c", "d"]
    assert "a" in dropped.with_(layer("a"))


def test_a_long_chain_has_few_layers():
    """Of n columns that came one by one there are about log n layers."""
    made = NO_COLUMNS
    for number in range(1000):
        made = made.with_(layer(f"c{number}"))

    assert len(made) == 1000
    assert len(made.layers) <= 11


def test_equality_is_of_columns_and_openness():
    """How a set came about takes no part in its equality."""
    assert grown(layer("a"), layer("b")) == grown(layer("a", "b"))
    assert grown(layer("a")) != grown(layer("a"), openness=OPEN)
    assert grown(layer("a")) != grown(layer("b"))
    assert grown(layer("a")) != {"a": column("a")}


def test_repr_names_the_columns():
    """Three dots say that there may be others."""
    assert repr(grown(layer("a", "b"))) == "ColumnSet(a, b)"
    assert repr(grown(layer("a"), openness=OPEN)) == "ColumnSet(a, ...)"
    assert repr(ANY_COLUMNS) == "ColumnSet(...)"


def test_branches_unite_to_all_they_have():
    """Where branches meet, rows have the columns of any branch."""
    base = grown(layer(*"abcd"))
    left = base.with_(layer("x", source=1))
    right = base.with_(layer("y", source=2), OPEN)

    made = merge_columns([left, right, left])

    assert list(made) == ["a", "b", "c", "d", "x", "y"]
    assert made.is_open
    assert made.layers[0] is base.layers[0]


def test_one_set_unites_to_itself():
    """Branches that changed nothing give the set they came from."""
    base = grown(layer("a"))

    assert merge_columns([base, base]) is base
    assert merge_columns([base, base.with_({}, OPEN)]) == grown(
        layer("a"), openness=OPEN
    )
    open_first = base.with_({}, OPEN)
    assert merge_columns([open_first, base]) is open_first


def test_united_columns_agree_or_have_no_type():
    """A column of two types has none where they meet, and the first source."""
    left = grown({"a": column("a", type="int", source=1)})
    right = grown({"a": column("a", type="str", source=2)})

    assert merge_columns([left, left.with_(layer("b"))])["a"].type == "int"
    assert merge_columns([left, right])["a"] == column("a", source=1)


def test_a_column_dropped_on_one_branch_may_come_by_the_other():
    """Only what every branch dropped is gone."""
    base = grown(layer(*"abcd"))
    dropped = base.with_({"a": None})
    other = base.with_(layer("x"))

    assert "a" in merge_columns([dropped, other])
    assert "a" not in merge_columns([dropped, base.with_({"a": None, "b": None})])


def test_sets_are_not_hashable():
    """A set compares by its columns, so it is no key."""
    with pytest.raises(TypeError):
        hash(ColumnSet((), OPEN))
