"""Folders of compiled JSON with a manifest, and pulling live workflows.

    from flow64.manifest import read_folder

    for one in read_folder(Path("compiled")).workflows:
        print(one.name, one.workflow.id("prod"))

A file holds the body of one workflow with one id. Its entry in `flow64.json` holds the
keys that its ids are made from. So a check, a plan or a deploy needs no code.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._folder import Folder, FolderWorkflow, read_folder, read_workflow
from ._model import BlockEntry, Entry, Manifest, Pulled, entry_of
from ._names import MANIFEST, name_parts, stem_of
from ._read import content_of as content_of
from ._read import read_manifest
from ._write import as_text, write_all

if TYPE_CHECKING:
    from ._known import Known
    from ._pull import (
        Pull,
        PulledWorkflow,
        RefusedWorkflow,
        ReplacedText,
        fetch_workflows,
        make_pull,
    )
    from ._pull import has_secret as has_secret
    from ._pull import may_hold_values as may_hold_values
    from ._pull import replace_secrets as replace_secrets
    from ._pull import setting_lines as setting_lines

__all__ = [
    "MANIFEST",
    "BlockEntry",
    "Entry",
    "Folder",
    "FolderWorkflow",
    "Known",
    "Manifest",
    "Pull",
    "Pulled",
    "PulledWorkflow",
    "RefusedWorkflow",
    "ReplacedText",
    "as_text",
    "entry_of",
    "fetch_workflows",
    "make_pull",
    "name_parts",
    "read_folder",
    "read_manifest",
    "read_workflow",
    "stem_of",
    "write_all",
]

_PULLING = frozenset(
    {
        "Known",
        "Pull",
        "RefusedWorkflow",
        "ReplacedText",
        "PulledWorkflow",
        "fetch_workflows",
        "setting_lines",
        "has_secret",
        "make_pull",
        "may_hold_values",
        "replace_secrets",
    }
)


def __getattr__(name: str) -> Any:
    """Load the names that need httpx, or much else, when they are first used."""
    if name in _PULLING:
        return getattr(import_module("._pull", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
