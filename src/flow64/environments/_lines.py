"""The lines of the keys of a TOML file, which the parser does not return."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

ROOT: Final = ("tool", "flow64")


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """Return the line of each key and section of `[tool.flow64]`, from 1.

    Args:
        text: Valid TOML.
    """
    found: dict[tuple[str, ...], int] = {}
    section: tuple[str, ...] = ()
    rows = text.replace("\r\n", "\n").split("\n")
    at = 0
    while at < len(rows):
        header = _header(rows[at])
        if header is not None:
            section, end, path = header, at + 1, header
        elif _may_be_ours(section):
            path, end = _statement(rows, at)
            path = (*section, *path)
        else:
            path, end = (), at + 1
        if path[:2] == ROOT:
            for depth in range(2, len(path) + 1):
                found.setdefault(path[:depth], at + 1)
        at = end
    return found


def line_of(lines: Mapping[tuple[str, ...], int], path: Sequence[str]) -> int | None:
    """Return the line of a key, or of the nearest section around it."""
    known = tuple(path)
    while known and known not in lines:
        known = known[:-1]
    return lines.get(known)


def _may_be_ours(section: tuple[str, ...]) -> bool:
    return section[:2] == ROOT[: len(section)]


def _header(row: str) -> tuple[str, ...] | None:
    """Return the path of a line that begins a section."""
    if not row.lstrip().startswith("["):
        return None
    data = _parse(row)
    return None if data is None else tuple(_first(data))


def _statement(rows: Sequence[str], at: int) -> tuple[tuple[str, ...], int]:
    """Return the path of the key that a line sets, and where the next line begins."""
    if not rows[at].split("#")[0].strip():
        return (), at + 1
    # The whole file is valid, so the statement ends after some number of lines.
    ends = range(at + 1, len(rows) + 1)
    tries = ((end, _parse("\n".join(rows[at:end]))) for end in ends)
    end, data = next((end, data) for end, data in tries if data is not None)
    return tuple(_first(data)), end


def _parse(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _first(data: Any) -> Iterator[str]:
    """The keys from the outside in, while each level has only one.

    An inline table with one key counts too, so this key has its own line.
    """
    while isinstance(data, dict) and len(data) == 1:
        ((key, data),) = data.items()
        yield key
