"""The fields of a kind by the types of its class, and all specs looked at once."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, NamedTuple, Union

from ..blocks import BUILT_IN, CATALOGUE, DATAFRAME_TYPES, Fact, facts_of, spec_types
from ..definition import Definition, FrozenDict, FrozenList, Hidden, Value
from ..dsl import RowKind, Unset
from .live_rules import judge
from .rule import once

_TYPE_NAMES: Final[Mapping[type, str]] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    FrozenList: "a list",
    FrozenDict: "an object",
}
LATER: Final = (Value, Hidden)


class JsonType(NamedTuple):
    """The JSON values that a field or a column takes.

    Attributes:
        kinds: Their Python types in a definition.
        items: The type of the items of a list.
    """

    kinds: tuple[type, ...]
    items: JsonType | None = None

    @property
    def name(self) -> str:
        """Its description in words."""
        kinds = [
            kind for kind in self.kinds if not (kind is int and float in self.kinds)
        ]
        inside = f" with {self.items.name} in each place" if self.items else ""
        return " or ".join(_TYPE_NAMES[kind] for kind in kinds) + inside

    def takes(self, value: Any) -> bool:
        """Return True if a JSON value fits. Values that are filled in later fit."""
        kind = type(value)
        if kind is FrozenList and self.items is not None:
            return FrozenList in self.kinds and all(map(self.items.takes, value))
        return kind in self.kinds or kind in LATER


TYPES: Final[Mapping[Any, JsonType]] = {
    str: JsonType((str,)),
    bool: JsonType((bool,)),
    int: JsonType((int,)),
    float: JsonType((int, float)),
}
ENTRY: Final = JsonType((str, FrozenDict))


class TypedField(NamedTuple):
    """A spec field of a kind, as its class has it.

    Attributes:
        type: The values that it takes; None if that is unknown, or if it takes words.
        words: The words that it takes.
        is_certain: Whether other words are documented to be wrong.
        is_map: Whether it is a field map: names with descriptions or types.
        is_count: Whether it is a number of rows, seconds, rounds or calls.
    """

    name: str
    fact: Fact
    type: JsonType | None
    words: Sequence[str]
    is_certain: bool
    is_map: bool
    is_count: bool

    def takes(self, value: Any) -> bool:
        """Return True if a JSON value fits. Values that are filled in later fit."""
        if self.words:
            return value in self.words or type(value) in LATER
        if self.is_map and type(value) is FrozenDict:
            return all(
                type(entry) is str or ENTRY.takes(entry) for entry in value.values()
            )
        if self.is_count and type(value) is int and value < 1:
            return False
        return self.type is None or self.type.takes(value)


def fields_of(kind: str) -> Mapping[str, TypedField]:
    """Return the fields of a kind of the catalogue, by name."""
    # To mypy a class has the __hash__ of its instances, and so is not hashable.
    cls: Any = CATALOGUE[kind]
    return _fields_of(cls)


@cache
def _fields_of(cls: Any) -> Mapping[str, TypedField]:
    facts, certain = facts_of(cls), cls.about.words
    return {
        name: TypedField(
            name,
            facts[name],
            _as_type(hint),
            certain.get(name) or _list_words(hint),
            is_certain=name in certain,
            is_map=type[Any] in typing.get_args(hint),
            is_count=facts[name].unit is not None and cls in BUILT_IN.values(),
        )
        for name, hint in spec_types(cls).items()
        if cls.specs_known or name != "specs"  # the argument for all of them
    }


def _as_type(hint: Any) -> JsonType | None:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint in TYPES:
        return TYPES[hint]
    if typing.is_typeddict(hint) or origin is Mapping:
        return JsonType((FrozenDict,))
    if origin is Sequence:
        return JsonType((FrozenList,), _as_type(args[0]))
    if origin not in (Union, types.UnionType):
        return None
    if type[Any] in args:
        return JsonType((FrozenDict,))
    members = [_as_type(each) for each in args if each not in (Unset, type(None))]
    if None in members or len(members) == 1:
        return None if None in members else members[0]
    return JsonType(tuple(kind for each in members if each for kind in each.kinds))


def _list_words(hint: Any) -> Sequence[str]:
    """Return the words that a type lists."""
    members = (hint, *typing.get_args(hint))
    if any(typing.get_origin(member) is RowKind for member in members):
        return DATAFRAME_TYPES
    literals = (member for member in members if typing.get_origin(member) is Literal)
    return [word for literal in literals for word in typing.get_args(literal)]


# -- All specs, looked at once ---------------------------------------------------------


class Survey(NamedTuple):
    """What there is to say of specs, each with the position of the block.

    Attributes:
        unknown: Names that the kind lacks.
        misfits: Values that do not fit their fields.
        maps: TypedField maps.
        unconfirmed: Fields that no document confirms for the block.
    """

    unknown: list[tuple[int, str]]
    misfits: list[tuple[int, TypedField, Any]]
    maps: list[tuple[int, TypedField, Mapping[str, Any]]]
    unconfirmed: dict[str, None]


@once
def survey(definition: Definition) -> Survey:
    """Look at the specs of all known kinds; of those that a schema judges, for maps."""
    unknown, misfits, maps, unconfirmed = result = Survey([], [], [], {})
    blocks, judged = definition.blocks, judge(definition).mismatches
    for kind, positions in definition.by_kind.items():
        if kind not in CATALOGUE:
            continue
        fields, is_judged = fields_of(kind), positions[0] in judged
        for position in positions:
            for name, value in blocks[position].specs.items():
                field = fields.get(name)
                if field is not None and field.is_map and isinstance(value, dict):
                    maps.append((position, field, value))
                if is_judged:
                    continue
                if field is None:
                    unknown.append((position, name))
                    continue
                if not field.takes(value):
                    misfits.append((position, field, value))
                if field.fact.confidence in ("I", "U"):
                    unconfirmed[f"{kind}.{name}"] = None
    return result


def list_conditions(specs: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the conditions of a filter that are mappings."""
    filters = specs.get("filters")
    if not isinstance(filters, list):
        return ()
    return [condition for condition in filters if isinstance(condition, dict)]
