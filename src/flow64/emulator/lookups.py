"""Synthetic values: typed, recognisable, and always the same for one row and field."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from ..blocks import Column
from ..definition import EMPTY
from .records import RowData

LIST_LENGTH: Final = 2

LONGEST: Final = 1_000
"""Characters of a description that may list words, at its end."""

_canonical: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def seed_of(row: RowData) -> str:
    """Return the seed of a row's synthetic values; the order of keys is ignored."""
    return digest_of(row).hex()


def digest_of(value: object) -> bytes:
    """Return the digest of a value; the order of keys is ignored."""
    return sha256(_canonical(value).encode()).digest()


def pick_number(seed: str, field: str, below: int) -> int:
    """Return a number for a field of a row."""
    digest = sha256(f"{seed}/{field}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


def make_digits(seed: str, field: str) -> str:
    """Return four hexadecimal digits for a field of a row."""
    return f"{pick_number(seed, field, 0x10000):04x}"


def make_value(seed: str, field: str, type: str, words: Sequence[str] = ()) -> Any:
    """Return a value of a named type; text if the type is unknown.

    Numbers are spread over some sizes, so that a filter on them passes some rows.

    Args:
        words: The words that the value may be; by default any.
    """
    if type.startswith("list"):
        inner = type[4:].strip("[]") or "str"
        places = range(1, LIST_LENGTH + 1)
        return [make_value(seed, f"{field} {place}", inner, words) for place in places]
    word = words[pick_number(seed, field, len(words))] if words else None
    match type:
        case "int" | "integer":
            most = (10, 100, 1_000, 10_000)[pick_number(seed, f"{field} size", 4)]
            return _as_integer(word) if word else pick_number(seed, field, most + 1)
        case "float":
            most = (1, 100, 1_000)[pick_number(seed, f"{field} size", 3)]
            return pick_number(seed, field, most * 100 + 1) / 100
        case "bool" | "boolean":
            return pick_number(seed, field, 2) == 1 if word is None else word == "True"
        case "dict" if word is None:
            # Documented: a dict comes back as JSON text.
            return json.dumps({"synthetic": f"{field} {make_digits(seed, field)}"})
        case _:
            return word or f"synthetic {field} {make_digits(seed, field)}"


def _as_integer(word: str) -> int | str:
    return int(word) if re.fullmatch(r"-?[0-9]{1,15}", word) else word


_ONE_OF: Final = re.compile(r"\bone of: ([^()]+)\)?\s*$", re.IGNORECASE)
"""The words of a field, as `@returns` writes those of a `Literal`."""


def find_words(fields: object) -> Mapping[str, Sequence[str]]:
    """Return the words that the fields of a field map may have, by field."""
    words: dict[str, Sequence[str]] = {}
    for name, entry in fields.items() if isinstance(fields, Mapping) else ():
        options = entry.get("options") if isinstance(entry, Mapping) else None
        text = entry.get("description") if isinstance(entry, Mapping) else entry
        listed = _ONE_OF.search(text[-LONGEST:]) if isinstance(text, str) else None
        if isinstance(options, list) and options:
            words[name] = [*map(str, options)]
        elif listed:
            separator = "|" if "|" in listed[1] else ","
            words[name] = [word.strip() for word in listed[1].split(separator)]
    return words


def make_value_maker(
    columns: Sequence[Column], words: Mapping[str, Sequence[str]] = EMPTY
) -> Callable[[RowData], RowData]:
    """Return a function that makes a value for each column, from a row.

    The type is the declared one, or else that of the row's own value, or else text
    (documented, without the step of examples).

    Args:
        words: The words that values may be, by column.
    """

    def make(row: RowData) -> RowData:
        seed = seed_of(row)
        return {
            column.name: make_value(
                seed,
                column.name,
                column.type or _infer_type(row.get(column.name)),
                words.get(column.name, ()),
            )
            for column in columns
        }

    return make


def _infer_type(value: Any) -> str:
    kinds = ((bool, "bool"), (int, "int"), (float, "float"), (list, "list"))
    return next((word for kind, word in kinds if isinstance(value, kind)), "str")


def make_email(seed: str) -> str:
    """Return an email address that cannot exist."""
    return f"synthetic.{make_digits(seed, 'email')}@example.com"


def make_phone(seed: str) -> str:
    """Return a phone number from the range that is reserved for fiction."""
    return f"+1 202 555 01{pick_number(seed, 'phone', 100):02d}"


def make_person(seed: str, company: RowData | None = None) -> RowData:
    """Return a person, at a given or a synthetic company."""
    company = company or make_company(seed)
    digits = make_digits(seed, "linkedin_url")
    return {
        "name": f"Synthetic Person {make_digits(seed, 'name')}",
        "title": make_value(seed, "title", "str"),
        "linkedin_url": f"https://linkedin.example/in/{digits}",
        "company": company.get("company_name"),
        "company_domain": company.get("website"),
    }


def make_company(seed: str) -> RowData:
    """Return a company."""
    digits = make_digits(seed, "company_name")
    return {
        "company_name": f"Synthetic Company {digits}",
        "website": f"https://company-{digits}.example",
    }


def make_rows(row_kind: str, seed: str, count: int) -> Iterator[RowData]:
    """Yield synthetic rows of a row kind."""
    make = make_company if row_kind == "COMPANY" else make_person
    return (make(f"{seed}/{position}") for position in range(count))
