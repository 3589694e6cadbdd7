"""The fields of a live schema: references, `anyOf` with null and `allOf` understood.

The schemas come from outside, so nothing is taken for granted: what is not understood
is of the type `Any`, and references that lead nowhere or in circles are not followed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from ..definition import EMPTY

LIMITS: Final = (
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "pattern", "format"),
    *("minItems", "maxItems", "uniqueItems"),
)
"""Keywords that bound a value."""

MAX_DEPTH: Final = 6
"""How many records inside each other are looked into."""

MAX_PARTS: Final = 10_000
"""Parts of one schema that are looked at. Those after it are of the type `Any`."""


@frozen
class LiveField:
    """A field of a kind, as its live schema describes it.

    Attributes:
        type: Its type as source code, such as `int` or `Sequence[str]`, without null.
        is_required: Whether specs must have it.
        is_nullable: Whether null is a value too.
        words: The only values that it takes; empty if there are others.
        has_default: Whether the schema states a default.
        default: This default, as JSON data.
        limits: Its bounds, by their keywords in JSON Schema, such as `maximum`.
        description: Its description, as it came.
        schema: Its own schema, without references around it and without null.
        members: The fields of the records in it, by their paths, as in `[*].column`.
    """

    type: str
    is_required: bool = False
    is_nullable: bool = False
    words: Sequence[Any] = ()
    has_default: bool = False
    default: Any = None
    limits: Mapping[str, Any] = EMPTY
    description: str = ""
    schema: Mapping[str, Any] = field(default=EMPTY, repr=False, eq=False)
    members: Mapping[str, LiveField] = field(default=EMPTY, repr=False)


def read_fields(schema: Mapping[str, Any]) -> Mapping[str, LiveField]:
    """Return the fields of specs with a schema, in its order."""
    return SchemaReader(schema).fields(schema, depth=0)


def walk_fields(fields: Mapping[str, LiveField]) -> Iterator[tuple[str, LiveField]]:
    """Yield fields with those of records inside them, as in `signals[*].column`."""
    for name, found in fields.items():
        yield name, found
        for path, inner in walk_fields(found.members):
            yield f"{name}{path}", inner


class SchemaReader:
    """Reads the fields of one schema. References lead into that."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = MAX_PARTS

    def fields(self, schema: Mapping[str, Any], depth: int) -> dict[str, LiveField]:
        """Return the fields of an object."""
        parts = [*self._parts(schema)]
        required = {
            name
            for part, is_certain in parts
            if is_certain
            for name in _list(part.get("required"))
            if isinstance(name, str)
        }
        return {
            name: self._field(inner, depth, is_required=name in required)
            for part, _ in parts
            for name, inner in _mapping(part.get("properties")).items()
        }

    def _parts(
        self, schema: Mapping[str, Any]
    ) -> Iterator[tuple[Mapping[str, Any], bool]]:
        """Yield the schemas that a schema joins, and whether each one always holds."""
        todo = deque[tuple[Any, bool]]([(schema, True)])
        while todo and self._left > 0:
            item, is_certain = todo.popleft()
            part = self.resolve(item)
            yield part, is_certain
            todo += [(one, is_certain) for one in _list(part.get("allOf"))]
            for keyword in ("anyOf", "oneOf"):
                todo += [(one, False) for one in _list(part.get(keyword))]
            todo += [(part[key], False) for key in ("then", "else") if key in part]

    def _field(self, schema: Any, depth: int, *, is_required: bool) -> LiveField:
        plain, is_nullable = self.without_null(schema)
        return LiveField(
            type=self._plain_type(plain, depth),
            is_required=is_required,
            is_nullable=is_nullable,
            words=_words(plain),
            has_default="default" in plain,
            default=plain.get("default"),
            limits={key: plain[key] for key in LIMITS if key in plain},
            description=_text(plain.get("description")),
            schema=plain,
            members=self._members(plain, depth),
        )

    def without_null(self, schema: Any) -> tuple[Mapping[str, Any], bool]:
        """Return a schema without references and null, and whether null was in it."""
        plain, is_nullable = self.resolve(schema), False
        for keyword in _JOINING * MAX_DEPTH:
            members = _list(plain.get(keyword))
            left = [one for one in members if _mapping(one).get("type") != "null"]
            is_nullable = is_nullable or len(left) < len(members)
            rest = {key: plain[key] for key in plain if key != keyword}
            if len(left) == 1:
                plain = _join(self.resolve(left[0]), rest)
            elif len(left) < len(members):
                plain = {**rest, keyword: left}
        types = plain.get("type")
        if isinstance(types, list) and "null" in types:
            left = [word for word in types if word != "null"]
            is_nullable = True
            plain = {**plain, "type": left[0] if len(left) == 1 else left}
        if isinstance(words := plain.get("enum"), list) and None in words:
            is_nullable = True
            plain = {**plain, "enum": [word for word in words if word is not None]}
        return plain, is_nullable or plain.get("nullable") is True

    def resolve(self, schema: Any) -> Mapping[str, Any]:
        """Follow a reference. Keywords next to it win over those that it leads to."""
        found = _mapping(schema)
        seen: set[str] = set()
        while isinstance(ref := found.get("$ref"), str) and ref not in seen:
            seen.add(ref)
            rest = {key: found[key] for key in found if key != "$ref"}
            found = _join(_mapping(self._lookup(ref)), rest)
        self._left -= 1 + len(seen)
        return found if self._left >= 0 else EMPTY

    def _lookup(self, ref: str) -> Any:
        """Return the part of the schema at a reference; None if it has none."""
        if not ref.startswith("#"):
            return None
        found: Any = self._root
        for part in ref[1:].split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            found = _mapping(found).get(name)
        return found

    def _type(self, schema: Any, depth: int) -> str:
        """Return a type as source code; `Any` if it is not understood."""
        plain, is_nullable = self.without_null(schema)
        made = self._plain_type(plain, depth)
        return f"{made} | None" if is_nullable else made

    def _plain_type(self, plain: Mapping[str, Any], depth: int) -> str:
        if words := _words(plain):
            return " or ".join(map(str, words))
        if depth > MAX_DEPTH:
            return "Any"
        for keyword in ("anyOf", "oneOf"):
            if members := _list(plain.get(keyword)):
                made = [self._type(one, depth + 1) for one in members]
                return " | ".join(dict.fromkeys(made))
        match plain.get("type"):
            case "array":
                return f"Sequence[{self._type(plain.get('items'), depth + 1)}]"
            case "object" if _mapping(plain.get("properties")):
                return _text(plain.get("title")) or "Mapping[str, Any]"
            case "object":
                entry = plain.get("additionalProperties")
                return f"Mapping[str, {self._type(entry, depth + 1)}]"
            case [*words]:
                made = [_TYPES.get(str(word), "Any") for word in words]
                return " | ".join(dict.fromkeys(made)) or "Any"
            case word:
                return _TYPES.get(str(word), "Any")

    def _members(self, plain: Mapping[str, Any], depth: int) -> dict[str, LiveField]:
        """Return the fields of the records that a value holds, by their paths."""
        if depth > MAX_DEPTH:
            return {}
        found: dict[str, LiveField] = {}
        if "properties" in plain:
            inner = self.fields(plain, depth + 1)
            found |= {f".{name}": one for name, one in inner.items()}
        for keyword in ("anyOf", "oneOf"):
            for one in _list(plain.get(keyword)):
                found = self._members(self.without_null(one)[0], depth + 1) | found
        for keyword in ("items", "additionalProperties"):
            if entry := _mapping(plain.get(keyword)):
                below = self._members(self.without_null(entry)[0], depth + 1)
                found |= {f"[*]{path}": one for path, one in below.items()}
        return found


_TYPES: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "Sequence[Any]",
    "object": "Mapping[str, Any]",
    "null": "None",
}


_JOINING: Final = ("anyOf", "oneOf", "allOf")


def _join(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Join two schemas. The outer one wins, except for the name of a record."""
    return {**inner, **outer, **{key: inner[key] for key in ("title",) if key in inner}}


def _words(schema: Mapping[str, Any]) -> Sequence[Any]:
    if "const" in schema:
        return (schema["const"],)
    return (*_list(schema.get("enum")),)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else EMPTY


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
