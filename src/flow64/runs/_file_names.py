"""File names that the service gives, made into names that stay in a folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 200
"""Bytes of a name in UTF-8. File systems allow 255; a number, or the `.part` of a file
that is not complete, has to fit behind it."""

FALLBACK: Final = "result"
"""The name of a file whose own name has nothing that can be kept."""


def safe_name(filename: str, *, taken: Iterable[str] = ()) -> str:
    """A name for a file, whatever the service calls it, that no other one has.

    What stays is the last part of a path, without characters that are invisible, turn
    the direction of writing, or mean something to a file system, a shell or Windows.
    Names that are equal but for case or for the way an accent is written are the same
    file on some machines, so they count as taken.

    Args:
        filename: The name as it came.
        taken: Names that are in use in the folder; they are left as they are.

    >>> safe_name("../../etc/passwd"), safe_name("a.csv", taken=["A.csv"])
    ('passwd', 'a-2.csv')
    """
    last = _SEPARATOR.split(_composed(filename))[-1]
    # Composed again, since what is dropped may have kept an accent from its letter.
    visible = _composed("".join(_kept(character) for character in last))
    stem, suffix = _parts(_trimmed(visible) or FALLBACK)
    used = {_folded(name) for name in taken}
    number = 1
    name = stem + suffix
    while _folded(name) in used:
        number += 1
        name = f"{stem}-{number}{suffix}"
    return name


_SEPARATOR: Final = re.compile(r"[/\\]")
_RESERVED: Final = frozenset('<>:"|?*')
_DROPPED: Final = ("Cc", "Cf", "Cn", "Co", "Cs")
_BLANKS: Final = ("Zs", "Zl", "Zp")
_LONGEST_SUFFIX: Final = 16

_DEVICES: Final = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
)
"""Names that Windows takes for a device, whatever follows their first dot."""


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _kept(character: str) -> str:
    """What becomes of a character: itself, a blank, an underscore, or nothing."""
    if character in _RESERVED:
        return "_"
    category = unicodedata.category(character)
    if category in _BLANKS:
        return " "
    return "" if category in _DROPPED else character


def _trimmed(name: str) -> str:
    """Without what hides a file, or what Windows leaves away at the end."""
    name = name.lstrip(" .").rstrip(" .")
    is_risky = name.startswith(("-", "~"))  # an option, somebody's home folder
    is_device = name.partition(".")[0].rstrip(" ").casefold() in _DEVICES
    return f"_{name}" if is_risky or is_device else name


def _parts(name: str) -> tuple[str, str]:
    """Stem and suffix, cut to the length that is left to them."""
    stem, dot, last = name.rpartition(".")
    suffix = dot + last
    if not stem or len(suffix.encode()) > _LONGEST_SUFFIX:
        stem, suffix = name, ""
    room = LONGEST - len(suffix.encode())
    if len(stem.encode()) > room:
        # Cut between characters, and not before a blank or a dot.
        stem = stem.encode()[:room].decode(errors="ignore").rstrip(" .")
    return stem, suffix


def _folded(name: str) -> str:
    """One text for all names that some machine may take for one file."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded)
