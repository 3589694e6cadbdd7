"""Draw definitions, changes and reviews: text, Markdown, Mermaid, SVG and HTML."""

from __future__ import annotations

from ._annotations import as_annotations as as_annotations
from ._findings import as_sarif as as_sarif
from ._graph import ChangeMark as ChangeMark
from ._graph import Graph as Graph
from ._graph import GraphLink as GraphLink
from ._graph import GraphNode as GraphNode
from ._graph import graph_between as graph_between
from ._graph import graph_of as graph_of
from ._mermaid import draw_mermaid as draw_mermaid
from ._mermaid import draw_mermaid_changes as draw_mermaid_changes
from ._svg import draw_graph as draw_graph
from ._svg import draw_svg as draw_svg
from ._svg import draw_svg_changes as draw_svg_changes
from ._svg import make_anchors as make_anchors
from ._text import draw_text as draw_text
from ._text import draw_text_changes as draw_text_changes
from .review._data import as_data as as_data
from .review._diff import Pair as Pair
from .review._diff import list_other_changes as list_other_changes
from .review._diff import make_new_step as make_new_step
from .review._diff import review_of_diff as review_of_diff
from .review._grouping import Group as Group
from .review._grouping import group_alike as group_alike
from .review._markdown import as_markdown as as_markdown
from .review._markdown import marker_of as marker_of
from .review._page import as_html as as_html
from .review._text import as_text as as_text
from .review._words import format_changes_title as format_changes_title
from .review._words import list_changes as list_changes
from .review._words import name_group as name_group
