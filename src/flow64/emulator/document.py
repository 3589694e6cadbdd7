"""The published OpenAPI document: its operations, and the validation of requests.

`openapi.json` has the facts of the document, without its prose and its interactive
operations. What is marked `x-guess` in it is not in the document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import islice
from typing import Any, Final, TypeAlias

from attrs import frozen
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from ..definition import is_uuid
from .records import JsonObject

Location: TypeAlias = Sequence[str | int]

DOCUMENT: Final[JsonObject] = json.loads(
    files(__package__).joinpath("openapi.json").read_text("utf-8")
)

MOST_VIOLATIONS: Final = 20
"""Violations that one response lists."""

_FORMATS: Final = FormatChecker(formats=())


@_FORMATS.checks("uuid")
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or is_uuid(value)


def make_validator(schema: JsonObject) -> Draft202012Validator:
    """Make the validator of a schema of the document."""
    whole = {**schema, "components": DOCUMENT["components"]}
    return Draft202012Validator(whole, format_checker=_FORMATS)


def parse_parameter(schema: JsonObject, texts: Sequence[str]) -> Any:
    """Return the value that texts of a path or a query stand for.

    A text that stands for none is returned as it is.
    """
    kinds = {option.get("type") for option in schema.get("anyOf", [schema])}
    if "array" in kinds:
        return [*texts]
    if "boolean" in kinds:
        return _BOOLEANS.get(texts[-1].lower(), texts[-1])
    if "integer" in kinds and re.fullmatch(r"-?[0-9]{1,19}", texts[-1]):
        return int(texts[-1])
    return texts[-1]


_BOOLEANS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


@frozen
class Operation:
    """An operation of the document.

    Attributes:
        id: Its `operationId`.
        is_open: Whether it needs no credential.
        status: The status of success.
        parameters: The schemas of the path and of the query.
        media: The media types of its body; none if it takes no body.
    """

    id: str
    method: str
    path: str
    is_open: bool
    status: int
    parameters: Mapping[str, JsonObject]
    media: Sequence[str]
    needs_body: bool
    body: Draft202012Validator

    def parse_parameters(
        self, place: str, texts: Mapping[str, Sequence[str]]
    ) -> JsonObject:
        """Return the parameters of the path or the query, with their defaults."""
        return {
            name: parse_parameter(schema, texts[name])
            if texts.get(name)
            else schema.get("default")
            for name, schema in self.parameters[place]["properties"].items()
        }

    def find_violations(self, place: str, data: JsonObject) -> Iterator[JsonObject]:
        """Yield the violations of the parameters of a place."""
        values = {name: value for name, value in data.items() if value is not None}
        errors = make_validator(self.parameters[place]).iter_errors(values)
        return describe_errors(errors, (place,))


def describe_errors(
    errors: Iterable[ValidationError], place: Location
) -> Iterator[JsonObject]:
    """Yield each error as an item of a 422, without the value that it is about."""
    for error in islice(errors, MOST_VIOLATIONS):
        closest = _find_closest(error)
        here = [*place, *closest.absolute_path]
        if closest.validator == "required":
            missing = closest.message.partition("' is a required")[0][1:]
            yield make_violation([*here, missing], "missing", "Field required")
        else:
            rule, limit = str(closest.validator), closest.validator_value
            words = f"Input should satisfy {rule} {json.dumps(limit)[:200]}"
            yield make_violation(here, f"{rule}_error", words)


def _find_closest(error: ValidationError) -> ValidationError:
    """Return the deepest error of the option that fits best."""
    while error.context:
        # An option of null says nothing about a value that is there.
        options = [each for each in error.context if each.validator_value != "null"]
        error = max(options or error.context, key=lambda each: len(each.absolute_path))
    return error


def make_violation(place: Location, type: str, message: str) -> JsonObject:
    """Make an item of a 422."""
    return {"loc": [*place], "msg": message, "type": type}


def _load_operations() -> Iterator[Operation]:
    for path, methods in DOCUMENT["paths"].items():
        for method, data in methods.items():
            body = data.get("requestBody", {})
            content = body.get("content", {})
            first: JsonObject = next(iter(content.values()), {})
            yield Operation(
                id=data["operationId"],
                method=method.upper(),
                path=path,
                is_open=data.get("security") == [],
                status=min(map(int, data["responses"])),
                parameters={
                    place: _make_schema(data.get("parameters", ()), place)
                    for place in ("path", "query")
                },
                media=[*content],
                needs_body=body.get("required", False),
                body=make_validator(first.get("schema", {})),
            )


def _make_schema(parameters: Iterable[JsonObject], place: str) -> JsonObject:
    """Return the schema of all parameters of a place."""
    here = [parameter for parameter in parameters if parameter["in"] == place]
    return {
        "properties": {parameter["name"]: parameter["schema"] for parameter in here},
        "required": [parameter["name"] for parameter in here if parameter["required"]],
    }


OPERATIONS: Final = {operation.id: operation for operation in _load_operations()}
"""The operations by `operationId`."""


def as_response(schema: str, record: object, **values: Any) -> JsonObject:
    """Return a response: the fields of a schema, from a record and other values."""
    fields = DOCUMENT["components"]["schemas"][schema]["properties"]
    return {
        name: values[name] if name in values else getattr(record, name, None)
        for name in fields
    }


def keep_documented(schema: str, data: JsonObject) -> JsonObject:
    """Return the keys of an object that its schema has."""
    fields = DOCUMENT["components"]["schemas"][schema]["properties"]
    return {key: value for key, value in data.items() if key in fields}
