"""Prove that rows of a result are the rows that were sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeAlias, cast

from attrs import field, frozen

from ..definition import digest, load_json


@frozen
class SentRows:
    """The rows that were sent, as hashes.

    Columns that a stage adds do not count. Nor does what CSV makes of a value: a number
    is equal to its text, and an empty cell to null and to a missing cell.
    """

    columns: Sequence[str] = field(repr=False)
    _hashes: Counter[bytes] = field(repr=False)

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> SentRows:
        """Hash rows."""
        given = list(rows)
        columns = sorted({column for row in given for column in row})
        return cls(columns, Counter(_hash_row(row, columns) for row in given))

    @property
    def is_telling(self) -> bool:
        """True if there were rows with columns."""
        return bool(self.columns)

    def fits(self, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Return True if these are the rows that were sent, in any order."""
        left = self._hashes.copy()
        for row in rows:
            found = _hash_row(row, self.columns)
            if not left[found]:
                return False
            left[found] -= 1
        return not any(left.values())


@frozen
class SentBody:
    """The hash of a body that was sent, from the journal.

    Rows fit only if nothing was added to them, and their order and types are unchanged.
    """

    digest: str

    @property
    def is_telling(self) -> bool:
        """True if there is a hash."""
        return bool(self.digest)

    def fits(self, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Return True if these are the rows that were sent, in their order."""
        return digest({"webhook_payload": [dict(row) for row in rows]}) == self.digest


Proof: TypeAlias = SentRows | SentBody
"""What is known of the rows that were sent."""


def as_proof(given: Any) -> Proof | None:
    """Return rows as hashes, and a proof as it is."""
    if given is None or isinstance(given, SentRows | SentBody):
        return given
    return SentRows.of(given)


def _hash_row(row: Mapping[str, Any], columns: Sequence[str]) -> bytes:
    cells = json.dumps([_normalize_cell(row.get(column)) for column in columns])
    return sha256(cells.encode()).digest()


def _normalize_cell(value: Any) -> Any:
    """Return the value of a cell, however a file writes it."""
    if isinstance(value, str):
        # A number, a truth value, a list or an object may be a text in JSON.
        value = load_json(value.lower() if value in {"True", "False"} else value, value)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        is_whole = isinstance(value, float) and value.is_integer()
        return str(int(value) if is_whole else value)
    if isinstance(value, Mapping):
        named = cast("Mapping[str, Any]", value)
        return {name: _normalize_cell(named[name]) for name in sorted(named)}
    if isinstance(value, list | tuple):
        return [_normalize_cell(entry) for entry in cast("Sequence[Any]", value)]
    return value
