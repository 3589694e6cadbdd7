"""Loading: from a text that a user typed to workflows, in code, in files or live."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ._addresses import (
    Address,
    LiveAddress,
    SourceAddress,
    advise_revision,
    describe_unknown,
    parse_address,
    parse_source,
    require_same_env,
)
from ._collect import SourceWorkflow
from ._errors import AddressError, SourceError
from ._importing import PACKAGE_FOLDER
from ._lower import lower, lower_leniently, select_set_values
from ._reading import files_below
from ._selection import (
    EVERYTHING,
    Selection,
    is_glob,
    list_keys,
    list_patterns,
    matches,
)
from ._source_names import (
    find_saved_catalogue,
    list_names,
    require_project_source,
    split_source,
)
from ._sources import Loaded, describe_same_key, load_source, select_workflows

if TYPE_CHECKING:
    from ._live import (
        LiveWorkflow,
        list_live,
        match_live,
        pick_live,
        project_path,
        select_changed,
        select_ours,
    )
    from ._own_classes import load_classes
    from ._sides import (
        Side,
        SideWorkflow,
        list_owners,
        list_projects,
        load_live,
        load_live_definition,
        load_live_side,
        load_source_side,
    )

__all__ = [
    "EVERYTHING",
    "PACKAGE_FOLDER",
    "Address",
    "AddressError",
    "LiveAddress",
    "LiveWorkflow",
    "Loaded",
    "Selection",
    "Side",
    "SideWorkflow",
    "SourceAddress",
    "SourceError",
    "SourceWorkflow",
    "advise_revision",
    "describe_same_key",
    "describe_unknown",
    "files_below",
    "find_saved_catalogue",
    "is_glob",
    "list_keys",
    "list_live",
    "list_names",
    "list_owners",
    "list_patterns",
    "list_projects",
    "load_classes",
    "load_live",
    "load_live_definition",
    "load_live_side",
    "load_source",
    "load_source_side",
    "lower",
    "lower_leniently",
    "match_live",
    "matches",
    "parse_address",
    "parse_source",
    "pick_live",
    "project_path",
    "require_project_source",
    "require_same_env",
    "select_changed",
    "select_ours",
    "select_set_values",
    "select_workflows",
    "split_source",
]

_HEAVY: Final = ("_live", "_own_classes", "_sides")


def __getattr__(name: str) -> Any:
    """Load what is about live workflows when it is asked for: it loads httpx."""
    if name in __all__:
        for module in _HEAVY:
            loaded = import_module(f".{module}", __package__)
            if hasattr(loaded, name):
                return getattr(loaded, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
