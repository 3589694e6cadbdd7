"""Folders of compiled JSON with a manifest, and pulling live workflows.

from flow64.manifest import read_manifest, read_workflow

manifest = read_manifest(Path("compiled/flow64.json"))
for file in manifest.files:
    print(file, read_workflow(Path("compiled"), manifest, file).id("prod"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .entries import MANIFEST as MANIFEST
from .entries import BlockEntry as BlockEntry
from .entries import Entry as Entry
from .entries import Manifest as Manifest
from .entries import Pulled as Pulled
from .entries import as_text as as_text
from .entries import entry_of as entry_of
from .entries import name_parts as name_parts
from .entries import read_content as read_content
from .entries import read_manifest as read_manifest
from .entries import read_workflow as read_workflow
from .entries import stem_of as stem_of
from .entries import unreadable as unreadable
from .entries import write_all as write_all

if TYPE_CHECKING:
    from .pull import Known as Known
    from .pull import Pull as Pull
    from .pull import PulledWorkflow as PulledWorkflow
    from .pull import fetch_workflows as fetch_workflows
    from .pull import find_secret as find_secret
    from .pull import make_pull as make_pull
    from .pull import name_values as name_values


def __getattr__(name: str) -> Any:
    """Load the names that need httpx, or much else, when they are first used."""
    if not name.startswith("_"):
        pull = import_module(".pull", __package__)
        if hasattr(pull, name):
            return getattr(pull, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
