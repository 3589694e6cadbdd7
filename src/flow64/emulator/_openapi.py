"""The document of the API, derived from the routes that answer it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, Final

from attrs import define, field
from starlette.responses import Response

from ._http import Call, Media, Route, answer
from ._records import Data
from ._replies import ERROR, VALIDATION_ERROR
from ._shapes import Shape

ALWAYS: Final[Mapping[int, Shape]] = {
    400: ERROR,
    403: ERROR,
    404: ERROR,
    409: ERROR,
    422: VALIDATION_ERROR,
    500: ERROR,
    503: ERROR,
}
"""Errors that any operation may answer."""

WITH_BODY: Final[Mapping[int, Shape]] = {413: ERROR}
"""Errors that operations with a body may answer as well."""

WITH_CREDENTIAL: Final[Mapping[int, Shape]] = {401: ERROR, 429: ERROR}
"""Errors that operations with a credential may answer as well."""

WORDS: Final[Mapping[int, str]] = {
    200: "Done",
    201: "Made",
    204: "Done; nothing to say",
    400: "Refused",
    401: "The credential is missing, wrong or expired",
    403: "Not allowed",
    404: "There is no such thing here",
    409: "It is there already, or is used otherwise",
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
"""Media type of a body, by how it is read; a file may also be the body itself."""

CREDENTIALS: Final[Data] = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}


def document_route(routes: Iterable[Route]) -> Route:
    """The route that answers the document of routes."""
    found = document(routes)

    def openapi(_call: Call) -> Response:
        """This document."""
        return answer(found)

    return Route(
        method="GET",
        path="/openapi.json",
        handler=openapi,
        is_open=True,
        is_hidden=True,
    )


def document(routes: Iterable[Route]) -> Data:
    """An OpenAPI document of routes."""
    schemas = _Schemas()
    paths: dict[str, Data] = {}
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
    """Shapes as JSON Schema; those with a name stand apart."""

    named: dict[str, Data] = field(factory=dict, init=False)

    def of(self, shape: Shape) -> Data:
        """The schema of a shape, or a reference to it."""
        schema = self._named(shape) if shape.name else self._plain(shape)
        others = []
        if shape.alternative is not None:
            others.append(self.of(shape.alternative))
        if shape.nullable:
            others.append({"type": "null"})
        found: Data = {"anyOf": [schema, *others]} if others else schema
        return found if shape.default is None else {**found, "default": shape.default}

    def _named(self, shape: Shape) -> Data:
        self.named[shape.name] = self._plain(shape)
        return {"$ref": f"#/components/schemas/{shape.name}"}

    def _plain(self, shape: Shape) -> Data:
        if shape.type == "any":
            return {}
        members = {name: self.of(inner) for name, inner in shape.fields.items()}
        return {
            "type": shape.type,
            **_given("properties", members),
            **_given("required", list(shape.required)),
            **_given("items", shape.items and self.of(shape.items)),
            **_given("enum", list(shape.choices)),
            **_given("format", "uuid" if shape.is_uuid else shape.format),
            **_set("minimum", shape.minimum),
            **_set("maximum", shape.maximum),
            **_set("minLength", shape.shortest),
            **_set("maxLength", shape.longest),
        }


def _given(name: str, value: Any) -> Data:
    return {name: value} if value else {}


def _set(name: str, value: int | None) -> Data:
    return {} if value is None else {name: value}


def _operation(route: Route, schemas: _Schemas) -> Data:
    words = inspect.getdoc(route.handler) or ""
    summary, _, description = words.partition("\n")
    parameters = [
        _parameter(place, name, schemas.of(shape), is_required=name in required)
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
        **_given("description", description.strip()),
        **_given("parameters", parameters),
        **({} if route.body is None else {"requestBody": _body(route, schemas)}),
        "responses": _answers(route, schemas),
        **({"security": []} if route.is_open else {}),
    }


def _parameter(place: str, name: str, schema: Data, *, is_required: bool) -> Data:
    return {"name": name, "in": place, "required": is_required, "schema": schema}


def _body(route: Route, schemas: _Schemas) -> Data:
    assert route.body is not None, "the route has a body"
    content: Data = {MEDIA[route.media]: {"schema": schemas.of(route.body)}}
    if route.media == "file":
        content["text/csv"] = {}
    return {"required": route.needs_body, "content": content}


def _answers(route: Route, schemas: _Schemas) -> Data:
    shared = dict(ALWAYS)
    if not route.is_open:
        shared.update(WITH_CREDENTIAL)
    if route.body is not None:
        shared.update(WITH_BODY)
    found: Data = {}
    for status in sorted({*route.answers, *shared}):
        shapes = (route.answers.get(status), shared.get(status))
        options = [schemas.of(shape) for shape in shapes if shape is not None]
        schema = options[0] if len(options) == 1 else {"anyOf": options}
        content = {"application/json": {"schema": schema}} if options else None
        found[str(status)] = {
            "description": WORDS[status],
            **_given("content", content),
        }
    return found
