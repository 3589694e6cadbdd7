"""The service's own list of its blocks: the response of `GET /workflows/blocks`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from ..definition import (
    EMPTY,
    MAX_BYTES,
    Freezer,
    FrozenDict,
    Problem,
    is_plain,
    parse_json,
    thaw,
    unchanged,
)
from ..errors import BuildError, read_error
from ..files import Unusable, read_whole
from ..secrets import clean_text, mask
from ..text import shortened

MAX_LEVELS: Final = 64
"""How deep a schema may nest; one that nests deeper is kept apart and not used."""


@frozen
class LiveBlock:
    """A kind as the service lists it.

    Attributes:
        kind: Its name (`block_name`).
        specs_schema: The JSON Schema of its specs. None if the service gives no usable
            one; then its fields are unknown.
        extra: Undocumented keys, as they came.
    """

    kind: str
    specs_schema: FrozenDict | None
    extra: FrozenDict = EMPTY

    @property
    def names_fields(self) -> bool:
        """Whether its schema names fields, or says that the kind has no field."""
        schema = self.specs_schema or EMPTY
        return bool(self.fields) or schema.get("additionalProperties") is False

    @cached_property
    def fields(self) -> Mapping[str, LiveField]:
        """Each field by its name, with references and null understood."""
        return read_fields(self.specs_schema or EMPTY)


@frozen
class LiveCatalogue:
    """The kinds that the service lists, with the schemas of their specs.

    It is made from the response of `GET /workflows/blocks`. As `Project(blocks=...)`,
    or with `blocks` in `[tool.flow64]`, it outranks the built-in catalogue.

    Attributes:
        date: The day of the response, as `2026-11-28`; None if it is unknown.
        problems: Entries that could not be used, or only in part, in words.
    """

    blocks: Mapping[str, LiveBlock] = field(repr=lambda blocks: f"<{len(blocks)}>")
    """Each kind by its name, in the order of the answer."""
    date: str | None = None
    problems: Sequence[str] = field(default=(), repr=False)

    @classmethod
    def of(
        cls, data: Any, *, date: str | None = None, source: str = "<answer>"
    ) -> LiveCatalogue:
        """Return the catalogue in a response.

        An entry that cannot be understood is left out, or used without its schema, and
        is one of the `problems`.

        Args:
            data: The parsed JSON of the response, or of a file that `as_data` wrote.
            date: The day of the response. By default that of the file.
            source: Its name in errors.

        Raises:
            ReadError: The data is not such a response, or no entry can be used.
        """
        kept = _as_mapping(data)
        entries, day = kept.get("blocks", data), kept.get("date")
        if date is None and isinstance(day, str) and _DATE.fullmatch(day):
            date = day
        if not isinstance(entries, list | tuple):
            problem = "it is not a list of blocks, as GET /workflows/blocks answers"
            raise read_error(problem, source, pointer="")
        blocks: dict[str, LiveBlock] = {}
        problems: list[str] = []
        for position, entry in enumerate(entries):
            block = _read_block(entry, f"entry {position + 1}", problems)
            if block is not None and block.kind in blocks:
                problems.append(f"{shortened(block.kind)} is listed twice")
            elif block is not None:
                blocks[block.kind] = block
        if entries and not blocks:
            problem = f"none of its entries can be used: {problems[0]}"
            raise read_error(problem, source, pointer="")
        return cls(FrozenDict(blocks), date, tuple(problems))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> LiveCatalogue:
        """Return the catalogue in a file: a response, or what `as_data` gave, as JSON.

        Raises:
            ReadError: It cannot be read, or is not such a response; it says where.
            FileNotFoundError: There is no such file.
        """
        source = os.fspath(path)
        try:
            text = read_whole(Path(path).resolve(), MAX_BYTES)
        except Unusable as error:
            raise read_error(str(error), source) from None
        return cls.of(parse_json(text, source), source=source)

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data to keep: kinds by name, without texts like secrets."""
        entries: list[Any] = [
            thaw(block.extra)
            | {"block_name": kind, "specs_schema": thaw(block.specs_schema)}
            for kind, block in sorted(self.blocks.items())
        ]
        return {"date": self.date, "blocks": mask(entries)}

    def as_text(self) -> str:
        """Return it as canonical JSON to keep in a file: sorted, without secrets."""
        data = self.as_data()
        return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @property
    def name(self) -> str:
        """Its name in messages: the live catalogue, with its day if that is known."""
        of = f" of {self.date}" if self.date else ""
        return f"the live catalogue{of}"


_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def as_catalogue(blocks: Any, callee: str) -> LiveCatalogue:
    """Return the argument `blocks=` if it is a `LiveCatalogue`.

    Raises:
        BuildError: It is something else.
    """
    if not isinstance(blocks, LiveCatalogue):
        advice = "write LiveCatalogue.read(path), or LiveCatalogue.of(answer)"
        message = f"{callee}: blocks is of type {type(blocks).__name__}"
        raise BuildError(message, hint=advice)
    return blocks


def _read_block(entry: Any, name: str, problems: list[str]) -> LiveBlock | None:
    """Return one entry, frozen; None if it names no kind. Problems are appended."""
    if not isinstance(entry, Mapping):
        problems.append(f"{name} is not an object")
        return None
    kind = entry.get("block_name")
    if not isinstance(kind, str) or not kind or not is_plain(kind):
        problems.append(f"{name} has the block_name {shortened(kind)}")
        return None
    schema = _freeze(entry.get("specs_schema"))
    if schema is None:
        problem = f"{shortened(kind)} has no specs_schema that can be used"
        problems.append(f"{problem}, so nothing is known of its fields")
    own = ("block_name", "specs_schema")
    extra = _freeze({key: entry[key] for key in entry if key not in own})
    if extra is None:
        problems.append(f"{shortened(kind)} has other keys that are not JSON")
    return LiveBlock(kind, schema, EMPTY if extra is None else extra)


def _freeze(data: Any) -> FrozenDict | None:
    """Return frozen data; None if it is not a JSON object, or nests too deep."""
    problems: list[Problem] = []
    freezer = Freezer(problems.append, unchanged, depth=MAX_LEVELS, is_code=False)
    frozen_data = freezer.freeze(data)
    is_usable = isinstance(frozen_data, FrozenDict) and not problems
    return frozen_data if is_usable else None


# -- Fields ----------------------------------------------------------------------------

MAX_DEPTH: Final = 8
"""How deep fields and items inside others are followed."""

MOST_FIELDS: Final = 500
"""Maximum fields of one kind, those inside others too."""

MOST_STEPS: Final = 50
"""References that one schema is followed through."""

FACTS: Final = (
    *("default", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
    *("minLength", "maxLength", "minItems", "maxItems", "pattern", "format"),
)
"""Keywords that are shown with a field: its default, and what bounds its value."""

_TYPES: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
}


@frozen
class LiveField:
    """A field as the service lists it.

    Local references, and null next to one other schema are understood, as pydantic
    writes them. What is not understood makes a field less exact, never an error.

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
        return _as_list(self.schema.get("enum"))

    @property
    def type(self) -> str:
        """Its type as source code; `Any` if it is not understood."""
        kind = self.schema.get("type")
        if self.words:
            return " or ".join(map(str, self.words))
        if kind == "array":
            items = self.items
            is_plain = items is not None and items.schema.get("type") != kind
            return f"Sequence[{items.type if items and is_plain else 'Any'}]"
        if kind == "object":
            return _as_text(self.schema.get("title")) or "Mapping[str, Any]"
        return _TYPES.get(kind, "Any") if isinstance(kind, str) else "Any"

    @property
    def items(self) -> LiveField | None:
        """The items of a list; None if nothing is said of them."""
        return self._find_inner("items")

    @property
    def description(self) -> str:
        """Its description in one line."""
        return _as_text(self.schema.get("description"))

    @property
    def parts(self) -> Iterator[tuple[str, LiveField]]:
        """The fields and the items that it holds, by their paths: `.name` and `[*]`."""
        for name, inner in read_fields(self.schema, self._root).items():
            yield f".{name}", inner
        for keyword in ("items", "additionalProperties"):
            if entry := self._find_inner(keyword):
                yield "[*]", entry

    def _find_inner(self, keyword: str) -> LiveField | None:
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
    required = _as_list(plain.get("required"))
    return {
        name: _read_field(inner, root, is_required=name in required)
        for name, inner in _as_mapping(plain.get("properties")).items()
    }


def walk_fields(fields: Mapping[str, LiveField]) -> Iterator[tuple[str, LiveField]]:
    """Yield fields with those of records inside them, by path: `signals[*].column`."""
    yield from islice(_walk(fields.items(), "", 0), MOST_FIELDS)


def describe_field(live: LiveField) -> str:
    """Describe a field in one line: type, default, bounds and so on."""
    parts = [live.type + (" or null" if live.is_nullable else "")]
    parts += ["required"] if live.is_required else []
    parts += [
        f"{key} {_as_json(live.schema[key])}" for key in FACTS if key in live.schema
    ]
    return clean_text(" · ".join(parts))


def _walk(
    fields: Iterable[tuple[str, LiveField]], before: str, depth: int
) -> Iterator[tuple[str, LiveField]]:
    for path, live in fields:
        if path != "[*]":
            yield before + path, live
        if depth < MAX_DEPTH:
            yield from _walk(live.parts, before + path, depth + 1)


def _read_field(
    schema: Any, root: Mapping[str, Any], *, is_required: bool = False
) -> LiveField:
    plain, is_nullable = _resolve(schema, root)
    return LiveField(plain, is_required, is_nullable, root)


def _resolve(schema: Any, root: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return a schema without references and null, and whether null was in it.

    Keywords next to a reference win over those that it leads to, except the title.
    """
    plain, is_nullable = _as_mapping(schema), False
    for _ in range(MOST_STEPS):
        keyword = next((key for key in _JOINING if plain.get(key)), None)
        if keyword is None:
            break
        members = [_as_mapping(member) for member in _as_list(plain[keyword])]
        if keyword == "$ref":
            members = [_look_up(plain[keyword], root)]
        schemas = [member for member in members if member.get("type") != "null"]
        is_nullable = is_nullable or len(schemas) < len(members)
        outer = {key: plain[key] for key in plain if key != keyword}
        inner = schemas[0] if len(schemas) == 1 else EMPTY  # or not understood
        title = {"title": inner["title"]} if "title" in inner else {}
        plain = {**inner, **outer, **title}
    types = _as_list(plain.get("type"))
    if "null" in types and len(types) == 2:
        (other,) = (word for word in types if word != "null")
        plain, is_nullable = {**plain, "type": other}, True
    return plain, is_nullable


_JOINING: Final = ("$ref", "allOf", "anyOf", "oneOf")


def _look_up(reference: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a schema at a local reference; empty if it is missing."""
    is_local = isinstance(reference, str) and reference.startswith("#")
    part: Any = root if is_local else EMPTY
    for step in reference.split("/")[1:] if is_local else ():
        part = _as_mapping(part).get(step.replace("~1", "/").replace("~0", "~"))
    return _as_mapping(part)


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else EMPTY


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _as_text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _as_json(value: Any) -> str:
    is_word = value is None or isinstance(value, bool)
    return json.dumps(value) if is_word else shortened(thaw(value))
