"""Loading a source for a command, which prints what was noticed on the way."""

from __future__ import annotations

from pathlib import Path

from .. import loading
from ..loading import Loaded
from ._terminal import print_message


def load_source(
    source: str | None = None,
    *,
    code: bool = True,
    manifest: Path | None = None,
    may_be_empty: bool = False,
) -> Loaded:
    """Load a source, and print its notes. See `loading.load_source`."""
    loaded = loading.load_source(
        source, code=code, manifest=manifest, may_be_empty=may_be_empty
    )
    for note in loaded.notes:
        print_message(note)
    return loaded
