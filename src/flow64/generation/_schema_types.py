"""The types of fields, as syntax: made from the JSON Schemas of a live catalogue."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from attrs import define, field, frozen

from ..analysis import LiveField, SchemaReader, walk_fields
from ..compiler import cells, quote_text

MOST_WORDS: Final = 60
"""Listed words of a field above which its type has no words."""

LONGEST_WORD: Final = 80
"""Columns of a listed word, as a literal, above which its type has no words."""

LONGEST_NAME: Final = 60
"""Characters of the longest name of a field."""

LONGEST_CLASS: Final = 40
"""Characters of the longest name of a class, but for a number behind it."""

DEEPEST: Final = 8
"""Levels of a type; what is deeper is `Any`."""

TYPES: Final = frozenset(
    {
        *("Any", "FieldMap", "Literal", "Mapping", "NotRequired", "Sequence", "Unset"),
        *("bool", "float", "int", "str"),
    }
)
"""Names that types are made of."""


@frozen
class Field:
    """A field of a class.

    Attributes:
        hint: Its type.
        live: The field as the service lists it.
        sent: Its name in the schema.
    """

    name: str
    hint: ast.expr
    live: LiveField
    sent: str


@frozen
class TypedRecord:
    """The class of an object with named members."""

    name: str
    text: str
    fields: Sequence[Field]


@define
class SchemaTypes:
    """Makes the types of the fields of one kind.

    Attributes:
        root: The schema that references lead into.
        owner: The class. The names of its records begin with its name.
        taken: Names of classes, to which those of records are added.
        records: Classes of objects that the types need.
    """

    root: Mapping[str, Any]
    owner: str = ""
    taken: set[str] = field(factory=set)
    records: dict[str, TypedRecord] = field(factory=dict)
    _reader: SchemaReader = field(init=False)
    _named: dict[int, str] = field(factory=dict)
    _begun: set[int] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self._reader = SchemaReader(self.root)

    def fields(
        self, schema: Mapping[str, Any], reserved: Collection[str] = ()
    ) -> Iterator[Field]:
        """Yield the fields of an object that a class can have, required ones first.

        Args:
            reserved: Names that have another meaning in the class.
        """
        for sent, live in self.list_fields(schema):
            if (name := argument_of(sent, reserved)) is not None:
                hint = self._hint(live.schema, live.is_nullable, 0)
                yield Field(name, hint, live, sent)

    def walk(self) -> Mapping[str, LiveField]:
        """Return the fields with those of records inside them, by path."""
        return dict(walk_fields(self._reader.fields(self.root, depth=0)))

    def list_fields(self, schema: Mapping[str, Any]) -> Sequence[tuple[str, LiveField]]:
        """Return the fields of an object: required ones in order, others by name."""
        found = self._reader.fields(schema, depth=0)
        named = self._reader.resolve(schema).get("required")
        order = [*named] if isinstance(named, list) else []

        def rank(name: str) -> tuple[bool, int, str]:
            place = order.index(name) if name in order else len(order)
            return not found[name].is_required, place, name

        return [(name, found[name]) for name in sorted(found, key=rank)]

    def hint(self, schema: Any, depth: int) -> ast.expr:
        """Return the type of a schema."""
        return self._hint(*self._reader.without_null(schema), depth)

    def _hint(self, found: Mapping[str, Any], nullable: bool, depth: int) -> ast.expr:
        """Return the type of a schema without references and null around it."""
        made = ANY() if depth > DEEPEST else self._plain(found, depth)
        return union([made, ast.Constant(None)]) if nullable else made

    def _plain(self, found: Mapping[str, Any], depth: int) -> ast.expr:
        if "const" in found or "enum" in found:
            return _words(found)
        forms = found.get("anyOf", found.get("oneOf"))
        if isinstance(forms, list) and forms:
            return union(self.hint(one, depth + 1) for one in forms)
        kinds = found.get("type")
        if isinstance(kinds, list):
            alone = [{**found, "type": kind} for kind in kinds]
            return union(self._plain(one, depth + 1) for one in alone)
        if kinds == "array":
            items = self.hint(found.get("items"), depth + 1)
            return generic("Sequence", items)
        if kinds == "object" or (kinds is None and "properties" in found):
            return self._object(found, depth)
        return _PLAIN[kinds]() if isinstance(kinds, str) and kinds in _PLAIN else ANY()

    def _object(self, found: Mapping[str, Any], depth: int) -> ast.expr:
        more = found.get("additionalProperties")
        if found.get("properties") and (more is None or more is False):
            return self._record(found)
        if isinstance(more, Mapping) and more:
            if self._is_field_map(more):
                return ast.Name("FieldMap")
            inner = self.hint(more, depth + 1)
            return generic("Mapping", ast.Name("str"), inner)
        return generic("Mapping", ast.Name("str"), ANY())

    def _is_field_map(self, entry: Mapping[str, Any]) -> bool:
        """Whether entries are descriptions, or objects with one, as in field maps."""
        forms = self._reader.resolve(entry).get("anyOf")
        if not isinstance(forms, list):
            return False
        found = [self._reader.resolve(one) for one in forms]
        texts = [one for one in found if one.get("type") == "string"]
        objects = [one for one in found if "description" in _members(one)]
        return bool(texts and objects) and len(found) == len(texts) + len(objects)

    def _record(self, found: Mapping[str, Any]) -> ast.expr:
        """Return the class of an object, which is made once for each definition."""
        definition = id(found["properties"])
        if definition in self._named and definition not in self._begun:
            return ast.Name(self._named[definition])
        names = [name for name, _ in self.list_fields(found)]
        # One inside itself would have no end as a schema again.
        if not names or not all(map(is_name, names)) or definition in self._begun:
            return generic("Mapping", ast.Name("str"), ANY())
        title = found.get("title")
        word = title if isinstance(title, str) else "Item"
        name = free_name(f"{self.owner} {word}", self.taken)
        self._named[definition] = name
        self._begun.add(definition)
        fields = [*self.fields(found)]
        self._begun.discard(definition)
        text = found.get("description")
        self.records[name] = TypedRecord(
            name, text if isinstance(text, str) else "", fields
        )
        return ast.Name(name)


def _members(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


ANY: Final = partial(ast.Name, "Any")

_PLAIN: Final[Mapping[str, Callable[[], ast.expr]]] = {
    "string": partial(ast.Name, "str"),
    "integer": partial(ast.Name, "int"),
    "number": partial(ast.Name, "float"),
    "boolean": partial(ast.Name, "bool"),
    "null": partial(ast.Constant, None),
}


def _words(found: Mapping[str, Any]) -> ast.expr:
    """Return a `Literal` of listed words; of very many, the type of all of them."""
    listed = [found["const"]] if "const" in found else found["enum"]
    words: Sequence[Any] = listed if isinstance(listed, list) else ()
    plain = [word for word in words if type(word) in (str, bool, int, _NONE)]
    if len(plain) < len(words) or not words:
        return ANY()
    once = {(type(word), word): ast.Constant(word) for word in words}
    texts = [word for word in words if isinstance(word, str)]
    if len(once) > MOST_WORDS or any(
        cells(quote_text(word)) > LONGEST_WORD for word in texts
    ):
        return ast.Name("str") if len(texts) == len(words) else ANY()
    has_null = (_NONE, None) in once
    once.pop((_NONE, None), None)
    made = [generic("Literal", *map(_number, once.values()))] if once else []
    return union([*made, *([ast.Constant(None)] if has_null else [])])


_NONE: Final = type(None)


def _number(word: ast.Constant) -> ast.expr:
    if type(word.value) is int and word.value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-word.value))
    return word


def union(members: Iterable[ast.expr]) -> ast.expr:
    """Return the type that takes what one of the members takes, with null last."""
    found = {ast.dump(one): one for member in members for one in _types_in(member)}
    if ast.dump(ANY()) in found:
        return ANY()
    if not found:
        return ANY()
    null = found.pop(ast.dump(ast.Constant(None)), None)
    made, *rest = [*found.values(), *([] if null is None else [null])]
    for one in rest:
        made = ast.BinOp(made, ast.BitOr(), one)
    return made


def _types_in(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the types of a union."""
    if isinstance(node, ast.BinOp):
        yield from _types_in(node.left)
        yield from _types_in(node.right)
    else:
        yield node


def generic(name: str, *items: ast.expr) -> ast.Subscript:
    """Return a type with types or words in brackets."""
    inner = items[0] if len(items) == 1 else ast.Tuple([*items])
    return ast.Subscript(ast.Name(name), inner)


# -- Names -----------------------------------------------------------------------------


def is_name(name: str) -> bool:
    """Whether an attribute can have a name, and no type is hidden by it."""
    return (
        _NAME.fullmatch(name) is not None
        and len(name) <= LONGEST_NAME
        and not keyword.iskeyword(name)
        and name not in TYPES
    )


def argument_of(sent: str, reserved: Collection[str]) -> str | None:
    """Return the argument that sets a spec; None if none can.

    Underscores at its end tell it from another meaning of the name. They are not sent.
    """
    name = sent
    while keyword.iskeyword(name) or name in TYPES or name in reserved:
        name += "_"
    return name if is_name(name) and not sent.endswith("_") else None


_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def free_name(words: str, taken: set[str]) -> str:
    """Return a free name of a class that reads like a text, and take it."""
    parts = re.findall(r"[A-Za-z0-9]+", words[: 4 * LONGEST_CLASS])
    base = "".join(part[:1].upper() + part[1:] for part in parts)[:LONGEST_CLASS]
    base = base if base[:1].isalpha() else f"Block{base}"
    found, number = base, 1
    while found in taken or keyword.iskeyword(found):
        number += 1
        found = f"{base}{number}"
    taken.add(found)
    return found
