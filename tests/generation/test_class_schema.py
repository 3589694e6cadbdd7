"""JSON Schemas of data, from the types of attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from attrs import frozen

from flow64.generation import schema_of_class, schema_of_data


@frozen
class Part:
    size: int


@frozen
class Thing:
    """A thing.

    Attributes:
        word: A word.
    """

    word: Literal["a", "b"]
    anything: Any
    parts: tuple[Part, ...] = ()
    share: float | None = None
    more: Mapping[str, Sequence[bool]] | None = None

    @property
    def name(self) -> str:
        return ""


PART = {
    "type": "object",
    "properties": {"size": {"type": "integer", "minimum": 0}},
    "required": ["size"],
    "additionalProperties": False,
}


def test_class():
    """All attributes are there; those with a default may be missing."""
    assert schema_of_class(Thing, {(Part, "size"): {"minimum": 0}}) == {
        "type": "object",
        "properties": {
            "word": {"description": "A word.", "enum": ["a", "b"]},
            "anything": {},
            "parts": {"type": "array", "items": PART},
            "share": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "more": {
                "anyOf": [
                    {
                        "type": "object",
                        "additionalProperties": {
                            "type": "array",
                            "items": {"type": "boolean"},
                        },
                    },
                    {"type": "null"},
                ]
            },
        },
        "required": ["word", "anything"],
        "additionalProperties": False,
    }


def test_data():
    """Properties count too, and all names are required."""
    assert schema_of_data(Thing, ["name", "anything"]) == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "anything": {}},
        "required": ["name", "anything"],
    }
