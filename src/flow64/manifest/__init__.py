"""Folders of compiled JSON: a manifest says what the files alone cannot, and pulling.

    from flow64.manifest import read_folder

    for one in read_folder(Path("compiled")).workflows:
        print(one.name, one.workflow.id("prod"))

A file holds the body of one workflow with one id. Its entry in `flow64.json` holds the
keys that ids are made from, so that no code is needed for a check, a plan or a deploy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._folder import Folder, Sourced, read_folder, read_sourced
from ._model import BlockEntry, Entry, Manifest, Pulled, entry_of
from ._names import MANIFEST, called, stem_of
from ._read import content_of as content_of
from ._read import read_manifest
from ._write import as_text, write_all

if TYPE_CHECKING:
    from ._known import Known
    from ._pull import Pull, Refused, Secret, Taken, read_workflows, taken
    from ._pull import setting_lines as setting_lines
    from ._pull import shows_secret as shows_secret
    from ._pull import without_secrets as without_secrets

__all__ = [
    "MANIFEST",
    "BlockEntry",
    "Entry",
    "Folder",
    "Known",
    "Manifest",
    "Pull",
    "Pulled",
    "Refused",
    "Secret",
    "Sourced",
    "Taken",
    "as_text",
    "called",
    "entry_of",
    "read_folder",
    "read_manifest",
    "read_sourced",
    "read_workflows",
    "stem_of",
    "taken",
    "write_all",
]

_PULLING = frozenset(
    {
        "Known",
        "Pull",
        "Refused",
        "Secret",
        "Taken",
        "read_workflows",
        "setting_lines",
        "shows_secret",
        "taken",
        "without_secrets",
    }
)


def __getattr__(name: str) -> Any:
    """What talks to the service, loaded when it is asked for: it loads httpx."""
    if name in _PULLING:
        return getattr(import_module("._pull", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
