"""Pictures of a definition, or of what differs between two: text, Mermaid, SVG."""

from __future__ import annotations

from ._graph import Graph, Link, Mark, Node, graph_between, graph_of
from ._mermaid import mermaid, mermaid_changed
from ._svg import anchors, picture, svg, svg_changed
from ._text import text_changed, text_tree

__all__ = [
    "Graph",
    "Link",
    "Mark",
    "Node",
    "anchors",
    "graph_between",
    "graph_of",
    "mermaid",
    "mermaid_changed",
    "picture",
    "svg",
    "svg_changed",
    "text_changed",
    "text_tree",
]
