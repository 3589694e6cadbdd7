"""Turn file names of the service into names that stay inside a folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 200
"""Most bytes of a name in UTF-8. File systems allow 255, and a number or the `.part` of
an incomplete file has to fit behind it."""

FALLBACK: Final = "result"
"""Name of a file if nothing of its own name can be kept."""


def make_safe_name(filename: str, *, taken: Iterable[str] = ()) -> str:
    """Return a safe file name that is not taken.

    It is the last part of the path, without characters that are invisible, change the
    direction of writing, or mean something to a file system, a shell or Windows. Names
    that differ only in case, or in the encoding of an accent, are one file on some
    machines, so they count as taken.

    Args:
        filename: The name from the service.
        taken: Names that are in use in the folder.

    >>> make_safe_name("../../etc/passwd"), make_safe_name("a.csv", taken=["A.csv"])
    ('passwd', 'a-2.csv')
    """
    last = _SEPARATOR.split(_compose(filename))[-1]
    # Composed again, since what is dropped may have kept an accent from its letter.
    visible = _compose("".join(_clean_character(character) for character in last))
    stem, suffix = _split_name(_trim_name(visible) or FALLBACK)
    used = {_fold_name(name) for name in taken}
    number = 1
    name = stem + suffix
    while _fold_name(name) in used:
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


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _clean_character(character: str) -> str:
    """Return the character itself, a blank, an underscore, or nothing."""
    if character in _RESERVED:
        return "_"
    category = unicodedata.category(character)
    if category in _BLANKS:
        return " "
    return "" if category in _DROPPED else character


def _trim_name(name: str) -> str:
    """Remove what hides a file, and what Windows removes at the end."""
    name = name.lstrip(" .").rstrip(" .")
    is_risky = name.startswith(("-", "~"))  # an option, a home folder
    is_device = name.partition(".")[0].rstrip(" ").casefold() in _DEVICES
    return f"_{name}" if is_risky or is_device else name


def _split_name(name: str) -> tuple[str, str]:
    """Split a name into stem and suffix, and cut both to their longest length."""
    stem, dot, last = name.rpartition(".")
    suffix = dot + last
    if not stem or len(suffix.encode()) > _LONGEST_SUFFIX:
        stem, suffix = name, ""
    room = LONGEST - len(suffix.encode())
    if len(stem.encode()) > room:
        # Cut between characters, and not before a blank or a dot.
        stem = stem.encode()[:room].decode(errors="ignore").rstrip(" .")
    return stem, suffix


def _fold_name(name: str) -> str:
    """Return an equal text for all names that some machine takes for one file."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded)
