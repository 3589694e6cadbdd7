"""A cache of what was seen to be unchanged: a file that may be lost at any time."""

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
"""Where the cache lies, below the working folder."""

FORMAT: Final = 2
"""Schema of the file; one of another schema, or of another release, is not used."""

MOST: Final = 20_000
"""Sightings that are kept, the newest ones."""

LARGEST: Final = 64 * 2**20
"""Bytes of the largest file that is read."""


@define
class FileCache:
    """Remembers in a file which sightings were unchanged; see `Cache`.

    It holds digests and names of fields. What cannot be read counts as empty, and what
    cannot be written is forgotten: that costs requests and nothing else.

        with FileCache() as cache:
            ...  # plan with it

    Attributes:
        path: The file.
    """

    path: Path = PLACE
    _known: dict[str, tuple[str, ...]] | None = field(default=None, init=False)
    _is_new: bool = field(default=False, init=False)

    def vouched(self, sighting: Sighting) -> Sequence[str] | None:
        """The unmanaged fields of a workflow that is unchanged; None: not known."""
        return self._entries().get(sighting.digest)

    def keep(self, sighting: Sighting, unmanaged: Sequence[str]) -> None:
        """Remember that a workflow was read after this sighting, and was unchanged."""
        known = self._entries()
        known.pop(sighting.digest, None)  # so that it is the newest
        known[sighting.digest] = tuple(unmanaged)
        self._is_new = True

    def save(self) -> None:
        """Write the file, where there is anything new and it can be written."""
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
    """What a file holds; a ValueError or TypeError where it is none of ours."""
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
