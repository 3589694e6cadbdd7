"""Shared wording: counts, lists, shortened values, safe printing and widths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64.text import (
    count_cells,
    did_you_mean,
    fit_text,
    format_dollars,
    join_words,
    pluralize,
    printable,
    shortened,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("é 🚀", "é 🚀"),
        ("\x1b\x9b\x00", "\\x1b\\x9b\\x00"),
        ("\u202e\u2028\ufeff\u00a0", "\\u202e\\u2028\\ufeff\\xa0"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("a\nb", "a\\nb"),
    ],
)
def test_what_cannot_be_seen_is_escaped(text, shown):
    """Control, format and bidirectional characters, and spaces unlike U+0020."""
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("mod", ["mode", "key"], " (did you mean 'mode'?)"),
        ("MODE", ["mode", "key"], " (did you mean 'mode'?)"),
        ("OK", ["ok"], " (did you mean 'ok'?)"),
        ("zzz", ["mode", "key"], ""),
        ("x", [], ""),
    ],
)
def test_a_near_word_is_offered(word, known, hint):
    """By spelling, or by letters in another case."""
    assert did_you_mean(word, known) == hint


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "'a'"),
        ("\u202e\n", "'\\u202e\\n'"),
        ("x" * 80, f"'{'x' * 58}…"),
        ("x" * 58, f"'{'x' * 58}'"),
    ],
)
def test_a_value_is_shown_on_one_line(value, text):
    """Cut where it is long."""
    assert shortened(value) == text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("", ""),
        ("a", "a"),
        ("ab", "a and b"),
        ("abc", "a, b and c"),
        ("abcde", "a, b, c and 2 more"),
    ],
)
def test_a_long_list_of_words_is_cut(words, text):
    """After the first ones, it says how many more there are."""
    assert join_words(words, 3) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 rows"), (1, "1 row"), (2000, "2,000 rows")]
)
def test_a_noun_agrees_with_its_number(number, text):
    """Only one thing is singular."""
    assert pluralize(number, "row") == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "$0"), (50, "$50"), (1234.5, "$1,234.50"), (0.004, "$0.004")],
)
def test_dollars(amount, text):
    """Whole dollars have no cents, and a part of a cent is not nothing."""
    assert format_dollars(amount) == text


def test_a_value_that_has_no_repr_is_named_by_its_type():
    """An error message does not fail because of the value that it shows."""

    class Broken:
        def __repr__(self):
            raise ValueError

    assert shortened(Broken()) == "<Broken>"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("abc", 3),
        ("é", 1),
        ("e\u0301", 1),
        ("会社", 4),
        ("\N{ROCKET}", 2),
        ("\uff21", 2),
    ],
)
def test_cells(text, count):
    """Wide letters take two cells, marks above a letter take none."""
    assert count_cells(text) == count


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("会社です", 8, "会社です"),
        ("会社です", 6, "会社…"),
        ("ab", 1, "…"),
    ],
)
def test_fitted(text, limit, expected):
    """What has no room is cut, with an ellipsis."""
    assert fit_text(text, limit) == expected


@given(st.text(), st.integers(1, 40))
def test_every_text(text, width):
    """No text that was fitted is too long."""
    assert count_cells(fit_text(text, width)) <= width
