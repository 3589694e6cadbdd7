"""The JSON types of spec fields, taken from the annotations of the catalogue."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Final, Union

from attrs import frozen

from ..blocks import CATALOGUE, of_catalogue, spec_types
from ..definition import BoundSecret, Value
from ..dsl import Unset


@frozen
class FieldType:
    """The JSON values that a field takes.

    Attributes:
        name: Its description in words.
        kinds: Its Python types.
        items: The type of the items of a list.
        is_map: Whether it is a field map.
    """

    name: str
    kinds: tuple[type[Any], ...]
    items: FieldType | None = None
    is_map: bool = False

    def takes(self, value: Any) -> bool:
        """Return True if a JSON value fits. Null and unbound values fit."""
        if value is None or isinstance(value, Value | BoundSecret):
            return True
        if isinstance(value, bool) and bool not in self.kinds:
            return False
        if not isinstance(value, self.kinds):
            return False
        return self.items is None or all(map(self.items.takes, value))


@of_catalogue
def field_types(kind: str) -> Mapping[str, FieldType]:
    """Return the type of each field of a kind that has one, documented or not.

    Fields with listed words are left out, since they are judged by the lists.
    """
    hints = spec_types(CATALOGUE[kind])
    found = {name: _field_type(hint) for name, hint in hints.items()}
    return {name: made for name, made in found.items() if made is not None}


@of_catalogue
def field_maps(kind: str) -> Sequence[str]:
    """Return the fields of a kind that are field maps."""
    return [name for name, made in field_types(kind).items() if made.is_map]


def column_type(word: str | None) -> FieldType | None:
    """Return the type of the values in a column; None if unknown, a list or an object.

    Args:
        word: A type word of the service.
    """
    return _COLUMN_TYPES.get(word)


_SCALARS: Final[Mapping[Any, FieldType]] = {
    str: FieldType("text", (str,)),
    bool: FieldType("true or false", (bool,)),
    int: FieldType("a whole number", (int,)),
    float: FieldType("a number", (int, float)),
}
_COLUMN_TYPES: Final[Mapping[str | None, FieldType]] = {
    **dict.fromkeys(("str", "string"), _SCALARS[str]),
    **dict.fromkeys(("int", "integer", "float"), _SCALARS[float]),
    **dict.fromkeys(("bool", "boolean"), _SCALARS[bool]),
}
_OBJECT: Final = FieldType("an object", (dict,))
_MAP: Final = FieldType("an object of names", (dict,), is_map=True)


def _field_type(hint: Any) -> FieldType | None:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if typing.is_typeddict(hint):
        return _OBJECT
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        members = [one for one in args if one not in (Unset, type(None))]
        return _MAP if type[Any] in members else _union_type(members)
    if origin is Sequence:
        items = _field_type(args[0])
        inside = f" with {items.name} in each place" if items else ""
        return FieldType(f"a list{inside}", (list,), items)
    return _OBJECT if origin is Mapping else None


def _union_type(members: Sequence[Any]) -> FieldType | None:
    """Return the type of a field that takes what one of several types takes."""
    found = [_field_type(one) for one in members]
    known = [one for one in found if one is not None]
    if len(known) < len(found) or not known:
        return None
    if len(known) == 1:
        return known[0]
    # One that takes lists of anything, since items may be of several types as well.
    kinds = tuple(kind for one in known for kind in one.kinds)
    return FieldType(" or ".join(one.name for one in known), kinds)
