"""A cache of unchanged workflows, in a file that may be lost at any time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Self

from attrs import define, field

from ..files import FOLDER, Unusable, make_folder, read_whole, write_whole
from ..plan import Sighting

PLACE: Final = Path(FOLDER, "seen.json")
"""The file of the cache, below the working folder."""

FORMAT: Final = 2
"""Schema of the file. A file of another schema or release is not used."""

MOST: Final = 20_000
"""Most sightings to keep. The oldest ones are dropped."""

LARGEST: Final = 64 * 2**20
"""Largest file to read, in bytes."""


@define
class FileCache:
    """Remembers unchanged workflows in a file; see `Cache`.

    The file holds digests and names of fields. A file that cannot be read counts as
    empty. If it cannot be written, the next plan sends more requests, and nothing else
    changes.

        with FileCache() as cache:
            ...  # plan with it

    Attributes:
        path: The file.
    """

    path: Path = PLACE
    _known: dict[str, tuple[str, ...]] | None = field(default=None, init=False)
    _is_new: bool = field(default=False, init=False)

    def find(self, sighting: Sighting) -> Sequence[str] | None:
        """Return the unmanaged fields of an unchanged workflow. None if not known."""
        return self._entries().get(sighting.digest)

    def keep(self, sighting: Sighting, unmanaged: Sequence[str]) -> None:
        """Remember that a workflow was read after this sighting and was unchanged."""
        known = self._entries()
        known.pop(sighting.digest, None)  # so that it is the newest
        known[sighting.digest] = tuple(unmanaged)
        self._is_new = True

    def save(self) -> None:
        """Write the file if there is something new. Failures are ignored."""
        if not self._is_new:
            return
        newest = list(self._entries().items())[-MOST:]
        data = {"flow64:seen": FORMAT, "flow64": version("flow64"), "seen": newest}
        text = json.dumps(data, separators=(",", ":"))
        try:
            make_folder(self.path.parent)
            write_whole(self.path, text.encode())
        except (Unusable, OSError):
            return
        self._is_new = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.save()

    def _entries(self) -> dict[str, tuple[str, ...]]:
        if self._known is None:
            try:
                self._known = _read(json.loads(read_whole(self.path, LARGEST)))
            except (Unusable, OSError, ValueError, TypeError, RecursionError):
                self._known = {}
        return self._known


def _read(data: Any) -> dict[str, tuple[str, ...]]:
    """Return the entries of a file, or raise ValueError or TypeError."""
    if not isinstance(data, Mapping):
        raise TypeError
    head = (data.get("flow64:seen"), data.get("flow64"))
    if head != (FORMAT, version("flow64")):
        raise ValueError
    found: dict[str, tuple[str, ...]] = {}
    for digest, unmanaged in data.get("seen", ()):
        if not isinstance(digest, str) or not isinstance(unmanaged, list):
            raise TypeError
        if not all(isinstance(name, str) for name in unmanaged):
            raise TypeError
        found[digest] = tuple(unmanaged)
    return found
