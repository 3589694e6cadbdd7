"""Schemas of requests and responses, and the validation of data against them.

Messages and types of violations are those of the service's own framework, as its
documents show them. Do not match on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import field, frozen

from ..definition import is_number, is_uuid
from ._records import JsonObject

Location: TypeAlias = tuple[str | int, ...]
Type: TypeAlias = Literal[
    "string", "integer", "number", "boolean", "object", "array", "any"
]


@frozen(kw_only=True)
class Schema:
    """The schema of a JSON value.

    Attributes:
        fields: Schemas of the members of an object; other members are accepted.
        alternative: Another schema, of another type, that is accepted too.
        shortest: Minimum characters of a text.
        longest: Maximum characters of a text.
        choices: The accepted texts; if empty, any text.
        format: The format of a text, such as `date-time`; it is not checked.
        default: The value of a query parameter that is not sent.
        name: Its name in the OpenAPI document; if empty, it is written out there.
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
    """Make one entry of the list in a 422 response."""
    return {"loc": list(location), "msg": message, "type": type}


def find_violations(
    value: Any, schema: Schema, location: Location
) -> Iterator[JsonObject]:
    """Yield the violations of a schema by a value."""
    if value is None and schema.nullable:
        return
    has_type, name, message = _TYPES[schema.type]
    if schema.alternative is not None and _TYPES[schema.alternative.type][0](value):
        yield from find_violations(value, schema.alternative, location)
    elif not has_type(value):
        yield make_violation(location, name, message)
    elif schema.type in _CHECKS:
        yield from _CHECKS[schema.type](value, schema, location)


def parse_parameters(
    found: Mapping[str, Sequence[str]],
    schemas: Mapping[str, Schema],
    required: Sequence[str] = (),
) -> JsonObject:
    """Parse query or path parameters; text that cannot be parsed stays text.

    Args:
        found: The texts sent for each name. The last one counts, except for arrays.
        schemas: The schema of each parameter.
        required: Names that have no default.
    """
    made: JsonObject = {
        name: _parse_parameter(found[name], schema) if name in found else schema.default
        for name, schema in schemas.items()
    }
    return {name: made[name] for name in made if name in found or name not in required}


# -- Schemas that several routes use ----------------------------------------------

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
    """Return the schema of the graph of a workflow."""
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
        is_number,
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
    value: JsonObject, schema: Schema, location: Location
) -> Iterator[JsonObject]:
    for name in schema.required:
        if name not in value:
            yield make_violation((*location, name), "missing", "Field required")
    for name, inner in schema.fields.items():
        if name in value:
            yield from find_violations(value[name], inner, (*location, name))


def _item_violations(
    value: list[Any], schema: Schema, location: Location
) -> Iterator[JsonObject]:
    if schema.items is not None:
        for position, item in enumerate(value):
            yield from find_violations(item, schema.items, (*location, position))


def _text_violations(
    value: str, schema: Schema, location: Location
) -> Iterator[JsonObject]:
    if schema.is_uuid and not is_uuid(value):
        yield make_violation(location, "uuid_parsing", "Input should be a valid UUID")
    if schema.choices and value not in schema.choices:
        words = f"Input should be {' or '.join(map(repr, schema.choices))}"
        yield make_violation(location, "literal_error", words)
    if schema.shortest is not None and len(value) < schema.shortest:
        words = f"String should have at least {schema.shortest} character"
        yield make_violation(location, "string_too_short", words)
    if schema.longest is not None and len(value) > schema.longest:
        words = f"String should have at most {schema.longest} characters"
        yield make_violation(location, "string_too_long", words)


def _range_violations(
    value: float, schema: Schema, location: Location
) -> Iterator[JsonObject]:
    if schema.minimum is not None and value < schema.minimum:
        words = f"Input should be greater than or equal to {schema.minimum}"
        yield make_violation(location, "greater_than_equal", words)
    if schema.maximum is not None and value > schema.maximum:
        words = f"Input should be less than or equal to {schema.maximum}"
        yield make_violation(location, "less_than_equal", words)


_CHECKS: Final[
    Mapping[Type, Callable[[Any, Schema, Location], Iterator[JsonObject]]]
] = {
    "string": _text_violations,
    "integer": _range_violations,
    "number": _range_violations,
    "object": _member_violations,
    "array": _item_violations,
}


def _parse_parameter(sent: Sequence[str], schema: Schema) -> Any:
    if schema.type == "array":
        return list(sent)
    text = sent[-1]
    if schema.type == "boolean":
        return _BOOLEANS.get(text.lower(), text)
    if schema.type == "integer" and re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    return text
