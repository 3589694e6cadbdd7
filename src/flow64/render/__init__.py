"""Draw definitions, changes and reviews: text, Markdown, Mermaid, SVG and HTML."""

from __future__ import annotations

from ._annotations import as_annotations
from ._graph import ChangeMark, Graph, GraphLink, GraphNode, graph_between, graph_of
from ._mermaid import mermaid, mermaid_changed
from ._svg import anchors, picture, svg, svg_changed
from ._text import text_changed, text_tree
from .review._data import as_data
from .review._diff import Pair, created, review_of_diff
from .review._grouping import group_alike
from .review._markdown import as_markdown, marker_of
from .review._page import as_html
from .review._text import as_text

__all__ = [
    "ChangeMark",
    "Graph",
    "GraphLink",
    "GraphNode",
    "Pair",
    "anchors",
    "as_annotations",
    "as_data",
    "as_html",
    "as_markdown",
    "as_text",
    "created",
    "graph_between",
    "graph_of",
    "group_alike",
    "marker_of",
    "mermaid",
    "mermaid_changed",
    "picture",
    "review_of_diff",
    "svg",
    "svg_changed",
    "text_changed",
    "text_tree",
]
