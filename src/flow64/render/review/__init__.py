"""A change of pipelines as a reviewer judges it: Markdown, text, JSON and a page."""

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
