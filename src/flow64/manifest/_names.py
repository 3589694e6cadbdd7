"""What the file of a workflow is called: safe everywhere, and no two alike."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from ..compiler import Identity
from ..definition import escape_key

LONGEST: Final = 180
"""Characters of a file's name; file systems take 255 bytes."""

DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
)
"""What Windows takes for a device, whatever the end of the name."""

MANIFEST: Final = "flow64.json"
"""The name of a manifest, which no workflow's file has."""


def called(identity: Identity) -> Sequence[str]:
    """The key of a workflow and the names of its variant, as text in any case."""
    variant = [name for tag, name in identity.segments if tag == "variant"]
    return [
        str(part).encode("utf-8", "backslashreplace").decode()
        for part in (identity.shown_key, *variant)
    ]


def stem_of(parts: Sequence[str]) -> str:
    """The name of a workflow's file, without the `.json`.

    It stays in its folder whatever the keys are, and two workflows never share one, but
    for names that differ in the case of letters alone.

    >>> stem_of(["inbound", "us"]), stem_of(["../x"]), stem_of(["flow64"])
    ('inbound@us', '..%2Fx', 'flow64@@2850855b94e8')

    Args:
        parts: The key, and the names of the variant.
    """
    # Nothing that is escaped has an @ in it, so no two names read alike.
    stem = "@".join(map(escape_key, parts))
    folded = stem.casefold()
    is_taken = folded.partition(".")[0] in DEVICES or f"{folded}.json" == MANIFEST
    if len(stem) > LONGEST or is_taken:
        digest = sha256("/".join(parts).encode())
        stem = f"{stem[:LONGEST]}@@{digest.hexdigest()[:12]}"
    return stem
