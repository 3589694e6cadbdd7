"""File names for workflows: safe on every system, and unique."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from ..compiler import Identity
from ..definition import escape_key

LONGEST: Final = 180
"""Maximum characters of a file name. File systems allow 255 bytes."""

DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
)
"""Names that Windows reserves for devices, with any ending."""

MANIFEST: Final = "flow64.json"
"""The file name of a manifest. No workflow gets it."""


def name_parts(identity: Identity) -> Sequence[str]:
    """Return the key of a workflow and the names of its variant, as valid text."""
    variant = [name for tag, name in identity.segments if tag == "variant"]
    return [
        str(part).encode("utf-8", "backslashreplace").decode()
        for part in (identity.shown_key, *variant)
    ]


def stem_of(parts: Sequence[str]) -> str:
    """Return the file name of a workflow, without `.json`.

    It never leads out of its folder. Two workflows never share one, unless their names
    differ only in the case of letters.

    >>> stem_of(["inbound", "us"]), stem_of(["../x"]), stem_of(["flow64"])
    ('inbound@us', '..%2Fx', 'flow64@@2850855b94e8')

    Args:
        parts: The key, and the names of the variant.
    """
    # An escaped part has no @, so different names stay different.
    stem = "@".join(map(escape_key, parts))
    folded = stem.casefold()
    is_taken = folded.partition(".")[0] in DEVICES or f"{folded}.json" == MANIFEST
    if len(stem) > LONGEST or is_taken:
        digest = sha256("/".join(parts).encode())
        stem = f"{stem[:LONGEST]}@@{digest.hexdigest()[:12]}"
    return stem
