"""Field maps (`return_fields`, `input_schema`, `struct`), and specs given whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Final, TypeAlias

from attrs import frozen

from ..definition import EMPTY
from ._facts import (
    UNKNOWN_COLUMNS,
    CatalogueBlock,
    Column,
    Confidence,
    Fact,
    named_by_sk,
)
from ._words import TYPE_WORDS

FieldMap: TypeAlias = Mapping[str, Any] | type[Any]
"""`{name: description}`, `{name: {description, type}}`, or a class under `@returns`."""

Specs: TypeAlias = Annotated[Mapping[str, Any], Fact("U", "no source", default="{}")]
"""The specs of a kind with unknown fields, sent as they are."""


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class UncheckedBlock(CatalogueBlock):
    """A block that sends its settings whole. The names of its fields are unknown."""

    label: ClassVar[str] = "signal"
    specs_known: ClassVar[bool] = False

    specs: Specs = EMPTY
    """All settings as they are sent; the names of its fields are unknown."""


inferred_by_sk: Final = partial(
    named_by_sk, rows="I", effects=("may-spend",), columns=UNKNOWN_COLUMNS
)
"""Facts about a kind that only `SK` names; most are inferred."""


def columns_of(
    fields: Any, *, confidence: Confidence = "D", words_are_types: bool = False
) -> Sequence[Column]:
    """Return the columns that a field map names; none if it is not a mapping.

    Args:
        fields: The field map in specs.
        confidence: How well it is known that the block adds them.
        words_are_types: Whether a bare type word is a type, as in `input_schema`. In
            `return_fields` the service reads every bare text as a description.
    """
    if not isinstance(fields, dict):
        return ()
    return [
        Column(name, _type_of(entry, words_are_types=words_are_types), confidence)
        for name, entry in fields.items()
    ]


def _type_of(entry: Any, *, words_are_types: bool) -> str | None:
    if isinstance(entry, dict):
        found = entry.get("type")
        return found if isinstance(found, str) else None
    if words_are_types and isinstance(entry, str) and entry in TYPE_WORDS:
        return entry
    return None
