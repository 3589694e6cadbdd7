"""Changes in one line: what differs is shown, whatever is around it."""

from __future__ import annotations

import pytest

from flow64.diff.compare import Change
from flow64.diff.facts import MISSING, UNKNOWN, Item
from flow64.diff.words import format_change, format_path, format_value

PATH = ("block", "find_email", "mode")
LONG = " ".join(f"word{number}" for number in range(200))


def change(before, after, **more):
    return format_change(Change(PATH, before, after, **more))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (1, 2, "1 → 2"),
        (1, True, "1 → true"),
        (MISSING, "a", '"a"'),
        ("a", MISSING, '"a"'),
        (None, UNKNOWN, "null → unknown"),
        ("1", 1, '"1" → 1'),
        ({"flow64:value": "a"}, "b", 'value("a") → "b"'),
        ({"flow64:value": "a", "secret": True}, "***", "secret a differs"),
        ("sk_test_not_a_real_key_1", "sk_test_not_a_real_key_2", '"***" (differs)'),
    ],
)
def test_values(before, after, expected):
    assert change(before, after) == expected


def test_default():
    unset = "unset (default PROFESSIONAL)"

    assert change(MISSING, "PERSONAL", default="PROFESSIONAL").startswith(unset)


def test_each_place_of_a_long_text():
    """What changes at the start, in the middle and at the end is shown."""
    after = LONG.replace("word0 ", "FIRST ").replace("word100", "MIDDLE")

    text = change(LONG, after.replace("word199", "LAST"))

    assert all(word in text for word in ("FIRST", "MIDDLE", "LAST", "word99"))
    assert len(text) < 300


def test_end_of_one_long_word():
    """The end of a long address is shown, if only that differs."""
    assert "evil" in change(f"https://{'a' * 500}.good", f"https://{'a' * 500}.evil")


def test_many_places_are_counted():
    after = LONG.replace("word", "term")
    changed = " ".join(f"TERM{n}" if n % 10 == 0 else f"word{n}" for n in range(200))

    assert change(LONG, changed).endswith("; 12 places more")
    assert "characters more" in change(LONG, after)


def test_long_value_is_cut_with_its_length():
    assert format_value("x" * 1_000).endswith('…" (800 characters more)')


def test_path():
    """A name that could be misread is quoted."""
    path = ("find email 2", "filters", Item("a.b"), "value: 1", Item(3))

    assert format_path(path) == '"find email 2".filters["a.b"]."value: 1"[3]'
