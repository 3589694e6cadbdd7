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
from ._records import Data

Location: TypeAlias = tuple[str | int, ...]
Type: TypeAlias = Literal[
    "string", "integer", "number", "boolean", "object", "array", "any"
]


@frozen(kw_only=True)
class Shape:
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
    fields: Mapping[str, Shape] = field(factory=dict)
    required: Sequence[str] = ()
    items: Shape | None = None
    alternative: Shape | None = None
    minimum: int | None = None
    maximum: int | None = None
    shortest: int | None = None
    longest: int | None = None
    is_uuid: bool = False
    choices: Sequence[str] = ()
    format: str | None = None
    default: Any = None
    name: str = ""


def invalid(location: Location, type: str, message: str) -> Data:
    """One entry of the list that a 422 answer holds."""
    return {"loc": list(location), "msg": message, "type": type}


def complaints(value: Any, shape: Shape, location: Location) -> Iterator[Data]:
    """What is wrong with a value."""
    if value is None and shape.nullable:
        return
    has_type, name, message = _TYPES[shape.type]
    if shape.alternative is not None and _TYPES[shape.alternative.type][0](value):
        yield from complaints(value, shape.alternative, location)
    elif not has_type(value):
        yield invalid(location, name, message)
    else:
        yield from _CHECKS[shape.type](value, shape, location)


def parameters(
    found: Mapping[str, Sequence[str]],
    shapes: Mapping[str, Shape],
    required: Sequence[str] = (),
) -> Data:
    """Query or path parameters as values; text stays where it is no such value.

    Args:
        found: What was sent for each name, in that order; the last counts, except for
            arrays.
        shapes: What they must be.
        required: Names that have no default.
    """
    made: Data = {
        name: _parsed(found[name], shape) if name in found else shape.default
        for name, shape in shapes.items()
    }
    return {name: made[name] for name in made if name in found or name not in required}


# -- The shapes of the documented routes ----------------------------------------------

TEXT: Final = Shape(type="string")
OPTIONAL_TEXT: Final = Shape(type="string", nullable=True)
ANY_OBJECT: Final = Shape(type="object")
UUID: Final = Shape(type="string", is_uuid=True)

BLOCK: Final = Shape(
    type="object",
    name="Block",
    fields={
        "block_id": OPTIONAL_TEXT,
        "sequence_number": Shape(type="integer"),
        "block_type": TEXT,
        "block_name": TEXT,
        "specs": ANY_OBJECT,
    },
    required=("sequence_number", "block_type", "block_name", "specs"),
)
EDGE: Final = Shape(
    type="object",
    name="WorkflowEdge",
    fields={
        "from_block_id": TEXT,
        "to_block_id": TEXT,
        "condition": OPTIONAL_TEXT,
    },
    required=("from_block_id", "to_block_id"),
)


def graph_shape(*, nullable: bool) -> Shape:
    """The graph of a workflow."""
    return Shape(
        type="object",
        name="WorkflowGraph",
        nullable=nullable,
        fields={
            "blocks": Shape(type="array", items=BLOCK),
            "edges": Shape(type="array", items=EDGE),
        },
        required=("blocks", "edges"),
    )


CREATE: Final = Shape(
    type="object",
    name="CreateWorkflowRequest",
    fields={
        "workflow_name": TEXT,
        "workflow_description": TEXT,
        "workflow_definition": graph_shape(nullable=False),
        "id": Shape(type="string", nullable=True, is_uuid=True),
    },
    required=("workflow_name", "workflow_description", "workflow_definition"),
)
UPDATE: Final = Shape(
    type="object",
    name="UpdateWorkflowRequest",
    fields={
        "workflow_name": OPTIONAL_TEXT,
        "workflow_description": OPTIONAL_TEXT,
        "workflow_definition": graph_shape(nullable=True),
    },
)
RUN: Final = Shape(
    type="object",
    name="RunWorkflowRequest",
    fields={
        "webhook_payload": Shape(
            type="array", items=ANY_OBJECT, alternative=ANY_OBJECT, nullable=True
        ),
        "specs_override": Shape(type="object", nullable=True),
    },
)
CANCEL: Final = Shape(type="object", fields={"job_id": OPTIONAL_TEXT})


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

_WORDS: Final = {
    **dict.fromkeys(("true", "1", "yes", "y", "on", "t"), True),
    **dict.fromkeys(("false", "0", "no", "n", "off", "f"), False),
}


def _members(value: Data, shape: Shape, location: Location) -> Iterator[Data]:
    for name in shape.required:
        if name not in value:
            yield invalid((*location, name), "missing", "Field required")
    for name, inner in shape.fields.items():
        if name in value:
            yield from complaints(value[name], inner, (*location, name))


def _items(value: list[Any], shape: Shape, location: Location) -> Iterator[Data]:
    if shape.items is not None:
        for position, item in enumerate(value):
            yield from complaints(item, shape.items, (*location, position))


def _text(value: str, shape: Shape, location: Location) -> Iterator[Data]:
    if shape.is_uuid and not is_uuid(value):
        yield invalid(location, "uuid_parsing", "Input should be a valid UUID")
    if shape.choices and value not in shape.choices:
        words = f"Input should be {' or '.join(map(repr, shape.choices))}"
        yield invalid(location, "literal_error", words)
    if shape.shortest is not None and len(value) < shape.shortest:
        words = f"String should have at least {shape.shortest} character"
        yield invalid(location, "string_too_short", words)
    if shape.longest is not None and len(value) > shape.longest:
        words = f"String should have at most {shape.longest} characters"
        yield invalid(location, "string_too_long", words)


def _out_of_range(value: float, shape: Shape, location: Location) -> Iterator[Data]:
    if shape.minimum is not None and value < shape.minimum:
        words = f"Input should be greater than or equal to {shape.minimum}"
        yield invalid(location, "greater_than_equal", words)
    if shape.maximum is not None and value > shape.maximum:
        words = f"Input should be less than or equal to {shape.maximum}"
        yield invalid(location, "less_than_equal", words)


def _nothing(_value: Any, _shape: Shape, _location: Location) -> Iterator[Data]:
    return iter(())


_CHECKS: Final[Mapping[Type, Callable[[Any, Shape, Location], Iterator[Data]]]] = {
    "string": _text,
    "integer": _out_of_range,
    "number": _out_of_range,
    "boolean": _nothing,
    "object": _members,
    "array": _items,
    "any": _nothing,
}


def _parsed(sent: Sequence[str], shape: Shape) -> Any:
    if shape.type == "array":
        return list(sent)
    text = sent[-1]
    if shape.type == "boolean":
        return _WORDS.get(text.lower(), text)
    if shape.type == "integer" and re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    return text
