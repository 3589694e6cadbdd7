"""The reference of a kind as the service lists it, as text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..analysis.live import LIMITS, LiveBlock, LiveField, describe_field, walk_fields
from ..definition import EMPTY, thaw
from ..secrets import clean_text, mask
from ..text import shortened, truncate

MOST_TEXT = 300
"""Characters of a description that are shown."""


def describe_live_kind(block: LiveBlock) -> str:
    """Return the description of a kind in its schema; empty if it has none."""
    found = (block.specs_schema or EMPTY).get("description")
    text = " ".join(found.split()) if isinstance(found, str) else ""
    return truncate(text, MOST_TEXT)


def live_reference_lines(block: LiveBlock, source: str) -> Iterator[str]:
    """The lines of the reference of a kind that flow64 does not know.

    Args:
        source: The name of the list that it comes from.
    """
    yield f"{clean_text(block.kind)}  {source}"
    yield ""
    if text := describe_live_kind(block):
        yield clean_text(text)
        yield ""
    for key, found in block.extra.items():
        yield clean_text(f"{key}  {_show(found)}")
    yield from live_field_lines(block, source)
    yield ""
    yield "example:"
    yield f"  {clean_text(write_example(block))}"


def live_field_lines(block: LiveBlock, source: str) -> Iterator[str]:
    """The lines about all fields of a kind, with those of the records inside."""
    yield ""
    yield f"fields in {source}:"
    if block.specs_schema is None:
        yield "  its entry has no schema that can be used"
    elif not block.fields:
        yield "  none"
    for path, found in walk_fields(block.fields):
        yield clean_text(f"  {path}: {describe_field(found)}")
        if found.description:
            yield clean_text(f"      {truncate(found.description, MOST_TEXT)}")


def write_example(block: LiveBlock) -> str:
    """Return a `RawBlock` with the required fields, as source code."""
    needed = [name for name, found in block.fields.items() if found.is_required]
    specs = ", ".join(f"{name!r}: ..." for name in needed)
    return f"RawBlock({block.kind!r}, specs={{{specs or '...'}}})"


def live_kind_data(block: LiveBlock) -> dict[str, Any]:
    """Return what the service lists of a kind, as JSON data."""
    schema = None if block.specs_schema is None else thaw(block.specs_schema)
    data: dict[str, Any] = mask(
        {
            "live_schema": schema,
            "live_fields": [
                _field_data(path, found) for path, found in walk_fields(block.fields)
            ],
            "live_other_keys": thaw(block.extra),
        }
    )
    return data


def _field_data(path: str, found: LiveField) -> Mapping[str, Any]:
    default = (
        {"default": thaw(found.schema["default"])} if "default" in found.schema else {}
    )
    return {
        "name": path,
        "type": found.type,
        "required": found.is_required,
        "nullable": found.is_nullable,
        "words": [*map(thaw, found.words)],
        **default,
        "limits": {key: found.schema[key] for key in LIMITS if key in found.schema},
        "description": found.description,
    }


def _show(value: Any) -> str:
    plain = thaw(value)
    return truncate(plain, MOST_TEXT) if isinstance(plain, str) else shortened(plain)
