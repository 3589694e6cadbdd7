"""Loading: from a text that a user typed to workflows, in code, in files or live."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ._collect import SourceWorkflow
from ._errors import AddressError, SourceError
from ._importing import PACKAGE_FOLDER
from ._lower import lower, lower_leniently, select_set_values
from ._source_names import (
    find_saved_catalogue,
    list_names,
    require_project_source,
    resolve_source,
    split_source,
)
from ._sources import Loaded, files_below, load_source
from ._untrusted import LiveRedaction

if TYPE_CHECKING:
    from ._addresses import (
        ADDRESS_HELP,
        Address,
        LiveAddress,
        SourceAddress,
        parse_address,
        require_same_env,
    )
    from ._live import LiveWorkflow, insert_env, list_live, pick_live, select_ours
    from ._own_classes import load_classes
    from ._sides import (
        Side,
        SideWorkflow,
        list_projects,
        load_live_definition,
        load_live_side,
        load_source_side,
    )

__all__ = [
    "ADDRESS_HELP",
    "PACKAGE_FOLDER",
    "Address",
    "AddressError",
    "LiveAddress",
    "LiveRedaction",
    "LiveWorkflow",
    "Loaded",
    "Side",
    "SideWorkflow",
    "SourceAddress",
    "SourceError",
    "SourceWorkflow",
    "files_below",
    "find_saved_catalogue",
    "insert_env",
    "list_live",
    "list_names",
    "list_projects",
    "load_classes",
    "load_live_definition",
    "load_live_side",
    "load_source",
    "load_source_side",
    "lower",
    "lower_leniently",
    "parse_address",
    "pick_live",
    "require_project_source",
    "require_same_env",
    "resolve_source",
    "select_ours",
    "select_set_values",
    "split_source",
]

_HEAVY: Final = ("_addresses", "_live", "_own_classes", "_sides")


def __getattr__(name: str) -> Any:
    """Load what is about live workflows when it is asked for: it loads httpx."""
    if name in __all__:
        for module in _HEAVY:
            loaded = import_module(f".{module}", __package__)
            if hasattr(loaded, name):
                return getattr(loaded, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
