"""Draw definitions, changes and reviews: text, Markdown, Mermaid, SVG and HTML."""

from __future__ import annotations

from ._annotations import as_annotations
from ._graph import ChangeMark, Graph, GraphLink, GraphNode, graph_between, graph_of
from ._mermaid import draw_mermaid, draw_mermaid_changes
from ._svg import anchors, draw_graph, draw_svg, draw_svg_changes
from ._text import draw_text, draw_text_changes
from .review._data import as_data
from .review._diff import Pair, make_new_step, review_of_diff
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
    "draw_graph",
    "draw_mermaid",
    "draw_mermaid_changes",
    "draw_svg",
    "draw_svg_changes",
    "draw_text",
    "draw_text_changes",
    "graph_between",
    "graph_of",
    "group_alike",
    "make_new_step",
    "marker_of",
    "review_of_diff",
]
