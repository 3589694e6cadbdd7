"""The fields of each kind by the types of its class, and a survey for all rules."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import compress
from operator import itemgetter
from typing import Any, Final, Literal, NamedTuple, Union

from ..blocks import (
    BUILT_IN,
    CATALOGUE,
    DATAFRAME_TYPES,
    Fact,
    Webhook,
    facts_of,
    spec_types,
)
from ..definition import Definition, FrozenDict, FrozenList, Hidden, Topology, Value
from ..dsl import RowKind, Unset
from .columns import documented_rows
from .live_rules import judge
from .rule import Trait, once

TYPE_NAMES: Final[Mapping[type, tuple[str, str]]] = {
    str: ("text", '"..."'),
    bool: ("true or false", "True"),
    int: ("a whole number", "10"),
    float: ("a number", "0.5"),
    FrozenList: ("a list", "[...]"),
    FrozenDict: ("an object", "{...}"),
}
"""The name of each type in a definition, and a value of it."""
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
        return " or ".join(TYPE_NAMES[kind][0] for kind in kinds) + inside

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
_ENTRIES: Final = frozenset((*ENTRY.kinds, *LATER))


class TypedField(NamedTuple):
    """A spec field of a kind, as its class has it.

    Attributes:
        type: The values that it takes; None if that is unknown, or if it takes words.
        words: The words that it takes.
        is_map: Whether it is a field map: names with descriptions or types.
        is_count: Whether it is a number of rows, seconds, rounds or calls.
        is_text: Whether it is a text, which is not empty.
        is_nullable: Whether its type has None.
        is_unconfirmed: Whether no document confirms it for the block.
    """

    name: str
    fact: Fact
    type: JsonType | None
    words: Sequence[str]
    is_map: bool
    is_count: bool
    is_text: bool
    is_nullable: bool
    is_unconfirmed: bool

    def takes(self, value: Any) -> bool:
        """Return True if a JSON value fits. Values that are filled in later fit."""
        if value is None and self.is_nullable:
            return True
        if self.is_map and type(value) is FrozenDict:
            entries = value.values()
            return all(entries) and _ENTRIES.issuperset(map(type, entries))
        if self.words:
            return value in self.words or type(value) in LATER
        if self.is_text and type(value) is str:
            return bool(value.strip())
        if self.is_count and type(value) is int and value < 1:
            return False
        return self.type is None or self.type.takes(value)


def describe_kind(kind: str) -> tuple[AbstractSet[str], Mapping[str, TypedField]]:
    """Return the traits of a kind, and its fields by name, as far as they are known."""
    # To mypy a class has the __hash__ of its instances, and so is not hashable.
    cls: Any = CATALOGUE.get(kind)
    return _describe(cls)


@cache
def _describe(cls: Any) -> tuple[AbstractSet[str], Mapping[str, TypedField]]:
    if cls is None:
        return {"unknown-kind"}, {}
    about, facts, is_own = cls.about, facts_of(cls), cls not in BUILT_IN.values()
    traits = {about.role, *filter(None, documented_rows(cls.kind))}
    if is_own:
        traits.add("own-kind")
    if is_own or cls.columns({}).reads:
        traits.add("reads")
    if about.must_have:
        traits.add("must-have")
    if not about.may_follow and cls is not Webhook:
        traits.add("other-source")
    fields = {
        name: TypedField(
            name,
            facts[name],
            _as_type(hint),
            _list_words(hint),
            is_map=type[Any] in typing.get_args(hint),
            is_count=facts[name].unit is not None and not is_own,
            is_text=_as_type(hint) == TYPES[str] and not is_own,
            is_nullable=type(None) in typing.get_args(hint),
            is_unconfirmed=facts[name].confidence in ("I", "U"),
        )
        for name, hint in spec_types(cls).items()
        if cls.specs_known or name != "specs"  # the argument for all of them
    }
    return traits, fields


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


# -- A survey --------------------------------------------------------------------------


class Survey(NamedTuple):
    """The facts about a definition that the rules share.

    Remarks have the position of their block. A block that a live schema judges has none
    except its field maps.

    Attributes:
        traits: Its kinds and traits, which say what rules to ask.
        unknown: Names of fields that the kind lacks.
        misfits: Values that do not fit their fields.
        unconfirmed: Names of fields that no document confirms.
        maps: Field maps.
    """

    traits: set[str]
    unknown: list[tuple[int, str]]
    misfits: list[tuple[int, TypedField, Any]]
    unconfirmed: list[tuple[int, str]]
    maps: list[tuple[int, TypedField, FrozenDict]]


@once
def survey(definition: Definition) -> Survey:
    """Look at the graph and the specs of a definition."""
    topology, blocks = definition.topology, definition.blocks
    shape_traits, fields_at = _look_at_shape(topology)
    result = Survey({*shape_traits}, [], [], [], [])
    traits, unknown, misfits, unconfirmed, maps = result
    for position, fields in fields_at:
        for name, value in blocks[position].specs.items():
            field = fields.get(name)
            if field is None:
                unknown.append((position, name))
                continue
            if value in field.words:
                traits.add(value)
            elif not field.takes(value):
                misfits.append((position, field, value))
            if field.is_unconfirmed:
                unconfirmed.append((position, name))
            if field.is_map and type(value) is FrozenDict:
                maps.append((position, field, value))
                traits.add(name)
    if definition.listed is not None:
        _drop_judged(definition, unknown, misfits, unconfirmed)
    traits.update(compress(_REMARKS, result[1:]), _name_traits(definition, topology))
    if {"LEAD", "COMPANY"} <= traits:
        traits.add("both-row-kinds")
    return result


_REMARKS: Final = ("unknown-field", "misfit", "unconfirmed", "field-map")


def _drop_judged(definition: Definition, *remarks: list[Any]) -> None:
    """Drop the remarks about blocks that the service's own list judges."""
    judged = judge(definition).mismatches
    for each in remarks:
        each[:] = [remark for remark in each if remark[0] not in judged]


def _look_at_shape(topology: Topology) -> tuple[set[str], Sequence[tuple[int, Any]]]:
    """Return the traits of kinds and edges, and the fields of each block that has any.

    It is done once for all definitions with this topology.
    """
    # A class of one's own may be defined again, as in a notebook.
    classes = tuple(map(CATALOGUE.get, topology.by_kind))
    shape: tuple[set[str], Sequence[tuple[int, Any]]] | None = topology.memo.get(
        classes
    )
    if shape is None:
        traits: set[str] = {*topology.by_kind}
        fields_at: list[tuple[int, Any]] = []
        for kind, positions in topology.by_kind.items():
            kind_traits, fields = describe_kind(kind)
            traits |= kind_traits
            if kind in CATALOGUE:
                fields_at += [(position, fields) for position in positions]
        fed, is_forward = topology.fed, topology.is_forward
        has_one_start = is_forward and len(fed) == len(topology.kinds) - 1
        is_webhook_first = topology.by_kind.get(Webhook.kind) == [0]
        if not (has_one_start and is_webhook_first) or "other-source" in traits:
            traits.add("odd-start")
        if not is_forward:
            traits.add("cycle")
        if len(fed) < len(topology.targets):
            traits.add("meeting-rows")
        shape = topology.memo[classes] = traits, fields_at
    return shape


def _name_traits(definition: Definition, topology: Topology) -> Iterator[Trait]:
    """Yield the traits of a definition beyond those of its shape and its values."""
    blocks = definition.blocks
    for at in topology.by_kind.get(Webhook.kind, ()):
        if "dataframe_type" not in blocks[at].specs:
            yield "no-row-kind"
    if definition.allowed or definition.origins.may_allow:
        yield "allow"
    if definition.shape is not topology:
        yield "json"
    if definition.listed is not None:
        yield "live-list"
    if len({*map(_ID, blocks)}) < len(blocks):
        yield "repeated-id"


_ID: Final = itemgetter(0)  # of a block


def list_conditions(specs: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the conditions of a filter that are mappings."""
    filters = specs.get("filters")
    if not isinstance(filters, list):
        return ()
    return [condition for condition in filters if isinstance(condition, dict)]
