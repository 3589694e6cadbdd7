"""Folders of compiled JSON with a manifest, and pulling live workflows.

from flow64.manifest import read_manifest, read_workflow

manifest = read_manifest(Path("compiled/flow64.json"))
for file in manifest.files:
    print(file, read_workflow(Path("compiled"), manifest, file).id("prod"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .entries import *  # noqa: F403 - all of them are public, here
    from .pull import *  # noqa: F403 - see above


def __getattr__(name: str) -> Any:
    """Load a name on first use: what pulls loads httpx."""
    if not name.startswith("_"):
        for module in ("entries", "pull"):
            loaded = import_module(f".{module}", __package__)
            if hasattr(loaded, name):
                return getattr(loaded, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
