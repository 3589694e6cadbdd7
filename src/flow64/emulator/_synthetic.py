"""Synthetic values: typed, recognisable, and always the same for one row and field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from ..blocks import Column
from ..definition import EMPTY
from ._records import RowData

LIST_LENGTH: Final = 2

_canonical: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def seed_of(row: RowData) -> str:
    """Return the seed of a row's synthetic values; the order of keys is ignored."""
    return digest_of(row).hex()


def digest_of(value: object) -> bytes:
    """Return the digest of a value; the order of keys is ignored."""
    return sha256(_canonical(value).encode()).digest()


def make_digits(seed: str, field: str) -> str:
    """Return four hexadecimal digits for a field of a row."""
    return f"{pick_number(seed, field, 0x10000):04x}"


def pick_number(seed: str, field: str, below: int) -> int:
    """Return a number for a field of a row."""
    digest = sha256(f"{seed}/{field}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


def make_value(seed: str, field: str, word: str) -> Any:
    """Return a value of a named type; text if the type is unknown."""
    if word.startswith("list"):
        of = word[4:].strip("[]") or "str"
        return [make_value(seed, f"{field} {n}", of) for n in range(1, LIST_LENGTH + 1)]
    match word:
        case "int" | "integer":
            return pick_number(seed, field, 1000)
        case "float":
            return pick_number(seed, field, 100_000) / 100
        case "bool" | "boolean":
            return pick_number(seed, field, 2) == 1
        case "dict":
            # Documented: a dict comes back as JSON text.
            return json.dumps({"synthetic": f"{field} {make_digits(seed, field)}"})
        case _:
            return f"synthetic {field} {make_digits(seed, field)}"


def make_value_maker(
    columns: Sequence[Column], words: Mapping[str, Mapping[str, Sequence[str]]] = EMPTY
) -> Callable[[RowData], RowData]:
    """Return a function that makes a value for each column, from a row.

    It is a documented word, if there are some. If not, the type is the declared one, or
    else that of the row's own value, or else text (documented, without the step of
    examples).

    Args:
        words: Documented words by column and source.
    """

    def make(row: RowData) -> RowData:
        seed, found = seed_of(row), RowData()
        for column in columns:
            name = column.name
            lists = words.get(name, EMPTY).values()
            if listed := [word for each in lists for word in each]:
                found[name] = listed[pick_number(seed, name, len(listed))]
            else:
                word = column.type or _infer_type(row.get(name))
                found[name] = make_value(seed, name, word)
        return found

    return make


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


def _infer_type(found: Any) -> str:
    kinds: Sequence[tuple[type[Any], str]] = (
        (bool, "bool"),
        (int, "int"),
        (float, "float"),
        (list, "list"),
        (Mapping, "dict"),
    )
    return next((word for kind, word in kinds if isinstance(found, kind)), "str")
