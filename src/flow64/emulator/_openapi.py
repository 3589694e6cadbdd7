"""The OpenAPI document, derived from the routes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, Final

from attrs import define, field

from ._http import ApiCall, Media, Route
from ._records import JsonObject
from ._schema import TEXT, Schema

ERROR: Final = Schema(type="object", name="Error", fields={"detail": TEXT})

VALIDATION_ERROR: Final = Schema(
    type="object",
    name="ValidationErrors",
    fields={
        "detail": Schema(
            type="array",
            items=Schema(
                type="object",
                name="ValidationError",
                fields={
                    "loc": Schema(
                        type="array",
                        items=Schema(type="string", alternative=Schema(type="integer")),
                    ),
                    "msg": TEXT,
                    "type": TEXT,
                },
                required=("loc", "msg", "type"),
            ),
        )
    },
)

ALWAYS: Final[Mapping[int, Schema]] = {
    400: ERROR,
    403: ERROR,
    404: ERROR,
    409: ERROR,
    422: VALIDATION_ERROR,
    500: ERROR,
    503: ERROR,
}
"""Errors that any operation may return."""

WITH_BODY: Final[Mapping[int, Schema]] = {413: ERROR}
"""Further errors of operations with a body."""

WITH_CREDENTIAL: Final[Mapping[int, Schema]] = {401: ERROR, 429: ERROR}
"""Further errors of operations that need a credential."""

DESCRIPTIONS: Final[Mapping[int, str]] = {
    200: "Done",
    201: "Created",
    204: "Done, without a body",
    400: "Refused",
    401: "The credential is missing, wrong or expired",
    403: "Not allowed",
    404: "Not found",
    409: "It exists already, or is in use",
    413: "The body is too long",
    422: "The request does not have the right shape",
    429: "Too many requests",
    500: "The emulator failed",
    503: "The emulator cannot use its store",
}

MEDIA: Final[Mapping[Media, str]] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "file": "multipart/form-data",
}
"""Media type of a body, by how it is read; a file may also be the whole body."""

CREDENTIALS: Final[JsonObject] = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}


def make_openapi_route(routes: Iterable[Route]) -> Route:
    """Make the route of the OpenAPI document."""
    found = build_openapi(routes)

    def openapi(_call: ApiCall) -> JsonObject:
        """Return this document."""
        return found

    return Route("GET", "/openapi.json", openapi, is_open=True, is_hidden=True)


def build_openapi(routes: Iterable[Route]) -> JsonObject:
    """Build the OpenAPI document of routes."""
    schemas = _Schemas()
    paths: dict[str, JsonObject] = {}
    for route in routes:
        if not route.is_hidden:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(
                route, schemas
            )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sixtyfour Workflows API, as flow64 emulates it",
            "version": version("flow64"),
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.named.items())),
            "securitySchemes": CREDENTIALS,
        },
        "security": [{name: []} for name in CREDENTIALS],
    }


@define
class _Schemas:
    """Converts schemas to JSON Schema, and collects those with a name."""

    named: dict[str, JsonObject] = field(factory=dict, init=False)

    def of(self, shape: Schema) -> JsonObject:
        """Return a schema as JSON Schema, or a reference to it."""
        schema = self._register(shape) if shape.name else self._build(shape)
        others = []
        if shape.alternative is not None:
            others.append(self.of(shape.alternative))
        if shape.nullable:
            others.append({"type": "null"})
        found: JsonObject = {"anyOf": [schema, *others]} if others else schema
        return found if shape.default is None else {**found, "default": shape.default}

    def _register(self, shape: Schema) -> JsonObject:
        self.named[shape.name] = self._build(shape)
        return {"$ref": f"#/components/schemas/{shape.name}"}

    def _build(self, shape: Schema) -> JsonObject:
        if shape.type == "any":
            return {}
        members = {name: self.of(inner) for name, inner in shape.fields.items()}
        return {
            "type": shape.type,
            **_if_any("properties", members),
            **_if_any("required", list(shape.required)),
            **_if_any("items", shape.items and self.of(shape.items)),
            **_if_any("enum", list(shape.choices)),
            **_if_any("format", "uuid" if shape.is_uuid else shape.format),
            **_if_set("minimum", shape.minimum),
            **_if_set("maximum", shape.maximum),
            **_if_set("minLength", shape.shortest),
            **_if_set("maxLength", shape.longest),
        }


def _if_any(name: str, value: Any) -> JsonObject:
    return {name: value} if value else {}


def _if_set(name: str, value: int | None) -> JsonObject:
    return {} if value is None else {name: value}


def _operation(route: Route, schemas: _Schemas) -> JsonObject:
    words = inspect.getdoc(route.handler) or ""
    summary, _, description = words.partition("\n")
    parameters = [
        {
            "name": name,
            "in": place,
            "required": name in required,
            "schema": schemas.of(shape),
        }
        for place, shapes, required in (
            ("path", route.parts, tuple(route.parts)),
            ("query", route.query, route.required),
            ("header", route.headers, ()),
        )
        for name, shape in shapes.items()
    ]
    return {
        "operationId": route.handler.__name__,
        "summary": summary,
        **_if_any("description", description.strip()),
        **_if_any("parameters", parameters),
        **_if_any("requestBody", _request_body(route, schemas)),
        "responses": _responses(route, schemas),
        **({"security": []} if route.is_open else {}),
    }


def _request_body(route: Route, schemas: _Schemas) -> JsonObject:
    if route.body is None:
        return {}
    content: JsonObject = {MEDIA[route.media]: {"schema": schemas.of(route.body)}}
    if route.media == "file":
        content["text/csv"] = {}
    return {"required": route.needs_body, "content": content}


def _responses(route: Route, schemas: _Schemas) -> JsonObject:
    shared = dict(ALWAYS)
    if not route.is_open:
        shared.update(WITH_CREDENTIAL)
    if route.body is not None:
        shared.update(WITH_BODY)
    found: JsonObject = {}
    for status in sorted({*route.answers, *shared}):
        shapes = (route.answers.get(status), shared.get(status))
        options = [schemas.of(shape) for shape in shapes if shape is not None]
        schema = options[0] if len(options) == 1 else {"anyOf": options}
        content = {"application/json": {"schema": schema}} if options else None
        found[str(status)] = {
            "description": DESCRIPTIONS[status],
            **_if_any("content", content),
        }
    return found
