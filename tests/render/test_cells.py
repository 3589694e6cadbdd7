"""How wide text is, and lines that are cut or go on below."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64.render._cells import count_cells, fit_text, wrap_text


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


@pytest.mark.parametrize(
    ("text", "width", "indent", "expected"),
    [
        ("abc def", 10, "", ["abc def"]),
        ("abc def ghi", 7, "", ["abc def", "ghi"]),
        ("abc def ghi", 8, "  ", ["abc def", "  ghi"]),
        ("abcdefgh", 3, "", ["abc", "def", "gh"]),
        ("abcdefgh", 4, "  ", ["abcd", "  ef", "  gh"]),
        ("abcdef", 4, "        ", ["abcd", "ef"]),
        ("会社会社", 3, "", ["会", "社", "会", "社"]),
        ("会", 1, "", ["会"]),
        ("│ abcdef", 6, "│ ", ["│ abcd", "│ ef"]),
    ],
)
def test_wrapped(text, width, indent, expected):
    """Lines break between words where they can, and go on below an indent."""
    assert wrap_text(text, width, indent) == expected


@given(st.text(), st.integers(1, 40), st.integers(0, 30))
def test_every_text(text, width, indent):
    """Nothing is lost but spaces, and no line is too long unless a letter is."""
    lines = wrap_text(text, width, " " * indent)

    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(count_cells(line) <= max(width, 2 + indent) for line in lines)
    assert count_cells(fit_text(text, width)) <= width
