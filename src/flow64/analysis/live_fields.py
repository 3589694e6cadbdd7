"""The fields of a kind, read from the JSON Schema that the service lists for it.

Local references, `allOf`, and null beside one other schema are understood, as pydantic
writes them. A keyword that is not understood makes a field less exact, never an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from attrs import field, frozen

from ..definition import EMPTY, thaw
from ..secrets import clean_text
from ..text import shortened

MAX_DEPTH: Final = 6
"""How deep fields inside others are followed."""

MOST_FIELDS: Final = 500
"""Maximum fields of one kind, those inside others too."""

MOST_STEPS: Final = 50
"""References and joined schemas that one schema is followed through."""

LIMITS: Final = (
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
    *("minLength", "maxLength", "minItems", "maxItems", "pattern", "format"),
)
"""Keywords that bound a value."""

_TYPES: Final[Mapping[Any, str]] = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}


@frozen
class LiveField:
    """A field as the service lists it.

    Attributes:
        schema: Its schema, without references and null.
        is_required: Whether the service requires it.
        is_nullable: Whether it may be null.
    """

    schema: Mapping[str, Any]
    is_required: bool = False
    is_nullable: bool = False
    _root: Mapping[str, Any] = field(default=EMPTY, repr=False, eq=False)

    @property
    def words(self) -> Sequence[Any]:
        """The values that are listed for it; empty if any value of its type fits."""
        if "const" in self.schema:
            return (self.schema["const"],)
        return _list(self.schema.get("enum"))

    @property
    def type(self) -> str:
        """Its type as source code; `Any` if it is not understood."""
        if self.words:
            return " or ".join(map(str, self.words))
        kind = self.schema.get("type")
        if kind == "array":
            return f"Sequence[{self.items.type if self.items else 'Any'}]"
        if kind == "object" and not self.schema.get("properties"):
            entry = self._inner("additionalProperties")
            return f"Mapping[str, {entry.type if entry else 'Any'}]"
        if kind == "object":
            return _text(self.schema.get("title")) or "Mapping[str, Any]"
        return _TYPES.get(kind, "Any") if isinstance(kind, str) else "Any"

    @property
    def items(self) -> LiveField | None:
        """The items of a list; None if nothing is said of them."""
        return self._inner("items")

    @property
    def description(self) -> str:
        """Its description in one line."""
        return _text(self.schema.get("description"))

    @property
    def members(self) -> Iterator[tuple[str, LiveField]]:
        """The fields of the records that it holds, by their paths."""
        for name, inner in read_fields(self.schema, self._root).items():
            yield f".{name}", inner
        for keyword in ("items", "additionalProperties"):
            if entry := self._inner(keyword):
                for path, inner in entry.members:
                    yield f"[*]{path}", inner

    def _inner(self, keyword: str) -> LiveField | None:
        inner = self.schema.get(keyword)
        return _read_field(inner, self._root) if isinstance(inner, Mapping) else None


def read_fields(
    schema: Mapping[str, Any], root: Mapping[str, Any] | None = None
) -> Mapping[str, LiveField]:
    """Return the fields of an object by name.

    Args:
        schema: The schema of the object.
        root: The schema that references lead into; by default the same.
    """
    root = schema if root is None else root
    plain, _ = _resolve(schema, root)
    properties, required = plain.get("properties"), _list(plain.get("required"))
    if not isinstance(properties, Mapping):
        return EMPTY
    return {
        name: _read_field(inner, root, is_required=name in required)
        for name, inner in properties.items()
    }


def walk_fields(fields: Mapping[str, LiveField]) -> Iterator[tuple[str, LiveField]]:
    """Yield fields with those of records inside them, by path: `signals[*].column`."""
    yield from islice(_walk(fields.items(), "", 0), MOST_FIELDS)


def describe_field(live: LiveField) -> str:
    """Describe a field in one line: type, default, bounds and so on."""
    parts = [live.type + (" or null" if live.is_nullable else "")]
    parts += ["required"] if live.is_required else []
    if "default" in live.schema:
        parts.append(f"default {_json(live.schema['default'])}")
    parts += [
        f"{key} {_json(live.schema[key])}" for key in LIMITS if key in live.schema
    ]
    return clean_text(" · ".join(parts))


def _walk(fields: Any, before: str, depth: int) -> Iterator[tuple[str, LiveField]]:
    for path, live in fields:
        yield before + path, live
        if depth < MAX_DEPTH:
            yield from _walk(live.members, before + path, depth + 1)


def _read_field(
    schema: Any, root: Mapping[str, Any], *, is_required: bool = False
) -> LiveField:
    plain, is_nullable = _resolve(schema, root)
    return LiveField(plain, is_required, is_nullable, root)


def _resolve(schema: Any, root: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return a schema without references and null, and whether null was in it.

    Keywords beside a reference win over those that it leads to, but for the title.
    """
    plain, is_nullable = _mapping(schema), False
    for _ in range(MOST_STEPS):
        rest = {key: plain[key] for key in plain if key not in _JOINING}
        if isinstance(reference := plain.get("$ref"), str):
            target = _look_up(reference, root)
            more = {key: plain[key] for key in plain if key != "$ref"}
            plain = _join(target, more)
        elif joined := [_mapping(one) for one in _list(plain.get("allOf"))]:
            more = {key: plain[key] for key in plain if key != "allOf"}
            first, *others = joined
            plain = _join(first, {**more, **({"allOf": others} if others else {})})
        elif (members := _list(plain.get("anyOf")) or _list(plain.get("oneOf"))) and (
            left := [one for one in members if _mapping(one).get("type") != "null"]
        ):
            is_nullable = is_nullable or len(left) < len(members)
            if len(left) > 1:
                return rest, is_nullable  # alternatives are not understood
            plain = _join(_mapping(left[0]), rest)
        else:
            break
    types = _list(plain.get("type"))
    if "null" in types and len(types) == 2:
        (other,) = (word for word in types if word != "null")
        plain, is_nullable = {**plain, "type": other}, True
    if None in (words := _list(plain.get("enum"))):
        words = [word for word in words if word is not None]
        plain, is_nullable = {**plain, "enum": words}, True
    return plain, is_nullable


_JOINING: Final = frozenset({"anyOf", "oneOf"})


def _join(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Join two schemas. The outer one wins, except for the name of a record."""
    joined = {**inner, **outer}
    if "title" in inner:
        joined["title"] = inner["title"]
    properties = {
        **_mapping(inner.get("properties")),
        **_mapping(outer.get("properties")),
    }
    if properties:
        joined["properties"] = properties
    if required := [*_list(inner.get("required")), *_list(outer.get("required"))]:
        joined["required"] = required
    return joined


def _look_up(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a schema at a local reference; empty if there is none."""
    part: Any = root if reference.startswith("#") else EMPTY
    for step in reference[1:].split("/")[1:]:
        part = _mapping(part).get(step.replace("~1", "/").replace("~0", "~"))
    return _mapping(part)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else EMPTY


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _json(value: Any) -> str:
    plain = value is None or isinstance(value, bool)
    return json.dumps(value) if plain else shortened(thaw(value))
