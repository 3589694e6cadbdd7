"""A review of changes: as Markdown, text, JSON and an HTML page."""

from __future__ import annotations

from ._data import as_data
from ._diff import Pair, review_of_diff
from ._markdown import as_markdown, marker_of
from ._page import as_html
from ._text import as_text

__all__ = [
    "Pair",
    "as_data",
    "as_html",
    "as_markdown",
    "as_text",
    "marker_of",
    "review_of_diff",
]
