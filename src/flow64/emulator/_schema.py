"""What requests and answers look like, as data, and what is said where one does not.

The words and types of complaints are those of the service's own framework, since its
documents show them; nobody should match on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import field, frozen

from ..definition import is_uuid
from ._records import JsonObject

Location: TypeAlias = tuple[str | int, ...]
Type: TypeAlias = Literal[
    "string", "integer", "number", "boolean", "object", "array", "any"
]


@frozen(kw_only=True)
class Schema:
    """A JSON value that is accepted, or answered.

    Attributes:
        type: Its JSON type.
        nullable: Whether null will do as well.
        fields: Shapes of the members of an object; others are accepted as they are.
        required: Members that an object must have.
        items: Shape of the items of an array.
        alternative: Another shape that will do, of another type.
        minimum: The smallest number.
        maximum: The largest number.
        shortest: Characters of the shortest text.
        longest: Characters of the longest text.
        is_uuid: Whether a text must be a UUID.
        choices: The texts that will do; any where there are none.
        format: What a text is, such as `date-time`; it is not checked.
        default: What stands for a query parameter that is not sent.
        name: Under what the document of the API lists it; empty where it stands in
            its place.
    """

    type: Type
    nullable: bool = False
    fields: Mapping[str, Schema] = field(factory=dict)
    required: Sequence[str] = ()
    items: Schema | None = None
    alternative: Schema | None = None
    minimum: int | None = None
    maximum: int | None = None
    shortest: int | None = None
    longest: int | None = None
    is_uuid: bool = False
    choices: Sequence[str] = ()
    format: str | None = None
    default: Any = None
    name: str = ""


def make_violation(location: Location, type: str, message: str) -> JsonObject:
    """One entry of the list that a 422 answer holds."""
    return {"loc": list(location), "msg": message, "type": type}


def find_violations(
    value: Any, shape: Schema, location: Location
) -> Iterator[JsonObject]:
    """What is wrong with a value."""
    if value is None and shape.nullable:
        return
    has_type, name, message = _TYPES[shape.type]
    if shape.alternative is not None and _TYPES[shape.alternative.type][0](value):
        yield from find_violations(value, shape.alternative, location)
    elif not has_type(value):
        yield make_violation(location, name, message)
    else:
        yield from _CHECKS[shape.type](value, shape, location)


def parse_parameters(
    found: Mapping[str, Sequence[str]],
    shapes: Mapping[str, Schema],
    required: Sequence[str] = (),
) -> JsonObject:
    """Query or path parameters as values; text stays where it is no such value.

    Args:
        found: What was sent for each name, in that order; the last counts, except for
            arrays.
        shapes: What they must be.
        required: Names that have no default.
    """
    made: JsonObject = {
        name: _parse_parameter(found[name], shape) if name in found else shape.default
        for name, shape in shapes.items()
    }
    return {name: made[name] for name in made if name in found or name not in required}


# -- The shapes of the documented routes ----------------------------------------------

TEXT: Final = Schema(type="string")
OPTIONAL_TEXT: Final = Schema(type="string", nullable=True)
ANY_OBJECT: Final = Schema(type="object")
UUID: Final = Schema(type="string", is_uuid=True)

BLOCK: Final = Schema(
    type="object",
    name="Block",
    fields={
        "block_id": OPTIONAL_TEXT,
        "sequence_number": Schema(type="integer"),
        "block_type": TEXT,
        "block_name": TEXT,
        "specs": ANY_OBJECT,
    },
    required=("sequence_number", "block_type", "block_name", "specs"),
)
EDGE: Final = Schema(
    type="object",
    name="WorkflowEdge",
    fields={
        "from_block_id": TEXT,
        "to_block_id": TEXT,
        "condition": OPTIONAL_TEXT,
    },
    required=("from_block_id", "to_block_id"),
)


def graph_schema(*, nullable: bool) -> Schema:
    """The graph of a workflow."""
    return Schema(
        type="object",
        name="WorkflowGraph",
        nullable=nullable,
        fields={
            "blocks": Schema(type="array", items=BLOCK),
            "edges": Schema(type="array", items=EDGE),
        },
        required=("blocks", "edges"),
    )


# -- Types ----------------------------------------------------------------------------


def _is_integer(value: Any) -> bool:
    # 1.0 is an integer in JSON.
    whole = isinstance(value, float) and value.is_integer()
    return whole or (isinstance(value, int) and not isinstance(value, bool))


_TYPES: Final[Mapping[Type, tuple[Callable[[Any], bool], str, str]]] = {
    "string": (
        lambda value: isinstance(value, str),
        "string_type",
        "Input should be a valid string",
    ),
    "integer": (_is_integer, "int_type", "Input should be a valid integer"),
    "number": (
        lambda value: isinstance(value, int | float) and not isinstance(value, bool),
        "float_type",
        "Input should be a valid number",
    ),
    "boolean": (
        lambda value: isinstance(value, bool),
        "bool_parsing",
        "Input should be a valid boolean",
    ),
    "object": (
        lambda value: isinstance(value, dict),
        "dict_type",
        "Input should be a valid dictionary",
    ),
    "array": (
        lambda value: isinstance(value, list),
        "list_type",
        "Input should be a valid list",
    ),
    "any": (lambda _: True, "", ""),
}

_BOOLEANS: Final = {
    **dict.fromkeys(("true", "1", "yes", "y", "on", "t"), True),
    **dict.fromkeys(("false", "0", "no", "n", "off", "f"), False),
}


def _member_violations(
    value: JsonObject, shape: Schema, location: Location
) -> Iterator[JsonObject]:
    for name in shape.required:
        if name not in value:
            yield make_violation((*location, name), "missing", "Field required")
    for name, inner in shape.fields.items():
        if name in value:
            yield from find_violations(value[name], inner, (*location, name))


def _item_violations(
    value: list[Any], shape: Schema, location: Location
) -> Iterator[JsonObject]:
    if shape.items is not None:
        for position, item in enumerate(value):
            yield from find_violations(item, shape.items, (*location, position))


def _text_violations(
    value: str, shape: Schema, location: Location
) -> Iterator[JsonObject]:
    if shape.is_uuid and not is_uuid(value):
        yield make_violation(location, "uuid_parsing", "Input should be a valid UUID")
    if shape.choices and value not in shape.choices:
        words = f"Input should be {' or '.join(map(repr, shape.choices))}"
        yield make_violation(location, "literal_error", words)
    if shape.shortest is not None and len(value) < shape.shortest:
        words = f"String should have at least {shape.shortest} character"
        yield make_violation(location, "string_too_short", words)
    if shape.longest is not None and len(value) > shape.longest:
        words = f"String should have at most {shape.longest} characters"
        yield make_violation(location, "string_too_long", words)


def _range_violations(
    value: float, shape: Schema, location: Location
) -> Iterator[JsonObject]:
    if shape.minimum is not None and value < shape.minimum:
        words = f"Input should be greater than or equal to {shape.minimum}"
        yield make_violation(location, "greater_than_equal", words)
    if shape.maximum is not None and value > shape.maximum:
        words = f"Input should be less than or equal to {shape.maximum}"
        yield make_violation(location, "less_than_equal", words)


def _no_violations(
    _value: Any, _shape: Schema, _location: Location
) -> Iterator[JsonObject]:
    return iter(())


_CHECKS: Final[
    Mapping[Type, Callable[[Any, Schema, Location], Iterator[JsonObject]]]
] = {
    "string": _text_violations,
    "integer": _range_violations,
    "number": _range_violations,
    "boolean": _no_violations,
    "object": _member_violations,
    "array": _item_violations,
    "any": _no_violations,
}


def _parse_parameter(sent: Sequence[str], shape: Schema) -> Any:
    if shape.type == "array":
        return list(sent)
    text = sent[-1]
    if shape.type == "boolean":
        return _BOOLEANS.get(text.lower(), text)
    if shape.type == "integer" and re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    return text
