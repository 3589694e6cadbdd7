"""Places of the boxes and edges of a graph, for every picture of one."""

from __future__ import annotations

from ._layer_order import BESIDE as BESIDE
from ._layer_order import FRAME_SIDE as FRAME_SIDE
from ._layered import BETWEEN as BETWEEN
from ._layered import MARGIN as MARGIN
from ._layered import Box as Box
from ._layered import Layered as Layered
from ._layered import box_between as box_between
from ._layered import frame_groups as frame_groups
from ._layered import lay_out as lay_out
from ._route_path import trace_route as trace_route
from ._route_path import trace_tip as trace_tip
