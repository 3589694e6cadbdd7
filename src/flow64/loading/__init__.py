"""Loading: from a text that a user typed to workflows, in code, in files or live."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .addresses import EVERYTHING as EVERYTHING
from .addresses import Address as Address
from .addresses import LiveAddress as LiveAddress
from .addresses import Selection as Selection
from .addresses import SourceAddress as SourceAddress
from .addresses import describe_unknown as describe_unknown
from .addresses import is_pattern as is_pattern
from .addresses import list_names as list_names
from .addresses import parse_address as parse_address
from .addresses import parse_source as parse_source
from .addresses import require_project_source as require_project_source
from .addresses import require_same_env as require_same_env
from .addresses import split_source as split_source
from .reading import SourceWorkflow as SourceWorkflow
from .sources import Loaded as Loaded
from .sources import find_saved_catalogue as find_saved_catalogue
from .sources import load_classes as load_classes
from .sources import load_source as load_source
from .sources import lower as lower
from .sources import lower_leniently as lower_leniently
from .sources import select_set_values as select_set_values
from .sources import select_workflows as select_workflows

if TYPE_CHECKING:
    from .live import LiveWorkflow as LiveWorkflow
    from .live import Side as Side
    from .live import SideWorkflow as SideWorkflow
    from .live import list_live as list_live
    from .live import list_owners as list_owners
    from .live import list_projects as list_projects
    from .live import load_live as load_live
    from .live import load_live_definition as load_live_definition
    from .live import load_live_side as load_live_side
    from .live import load_source_side as load_source_side
    from .live import match_live as match_live
    from .live import pick_live as pick_live
    from .live import project_path as project_path
    from .live import select_changed as select_changed
    from .live import select_ours as select_ours


def __getattr__(name: str) -> Any:
    """Load what is about live workflows when it is asked for: it loads httpx."""
    if not name.startswith("_"):
        live = import_module(".live", __package__)
        if hasattr(live, name):
            return getattr(live, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
