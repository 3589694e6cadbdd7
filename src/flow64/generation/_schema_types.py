"""The types of fields, as syntax: made from the JSON Schemas of a live catalogue."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from attrs import define, field, frozen

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
        schema: Its schema, without a reference around it.
    """

    name: str
    hint: ast.expr
    schema: Mapping[str, Any]
    is_required: bool


@frozen
class Record:
    """The class of an object with named members."""

    name: str
    text: str
    fields: Sequence[Field]


@define
class SchemaTypes:
    """Makes the types of the fields of one kind.

    Attributes:
        root: The schema that references lead into.
        owner: The class whose name begins those of its records.
        taken: Names of classes, to which those of records are added.
        records: Classes of objects that the types need.
    """

    root: Mapping[str, Any]
    owner: str
    taken: set[str]
    records: dict[str, Record] = field(factory=dict)
    _named: dict[str, str] = field(factory=dict)
    _begun: set[str] = field(factory=set)

    def fields(self, schema: Mapping[str, Any]) -> Iterator[Field]:
        """Yield the fields of an object that a class can have, required ones first."""
        for name, inner in order_properties(schema):
            if is_name(name):
                found = self.resolve(inner)
                hint, needed = self.hint(inner), name in required_of(schema)
                yield Field(name, hint, found, needed)

    def resolve(self, schema: Any) -> Mapping[str, Any]:
        """Return the schema that a reference, or the only form, leads to.

        What stands beside the reference counts as well.
        """
        found: dict[str, Any] = dict(schema) if isinstance(schema, Mapping) else {}
        for _ in range(DEEPEST):
            inner = self._inner(found)
            if inner is None:
                return found
            kept = {k: v for k, v in found.items() if k not in _FORMS}
            found = {**inner, **kept}
        return {}

    def main(self, schema: Any) -> Mapping[str, Any]:
        """Return the schema of values that are not null, if there is one."""
        found = self.resolve(schema)
        forms = found.get("anyOf")
        if not isinstance(forms, list):
            return found
        some = [self.resolve(one) for one in forms]
        others = [one for one in some if one.get("type") != "null"]
        return others[0] if len(others) == 1 else found

    def _inner(self, schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return what a schema refers to; None if it says everything itself."""
        if "$ref" in schema:
            return self._lookup(schema["$ref"])
        for form in ("allOf", "anyOf", "oneOf"):
            members = schema.get(form)
            if isinstance(members, list) and len(members) == 1:
                return members[0] if isinstance(members[0], Mapping) else {}
        return None

    def _lookup(self, ref: Any) -> Mapping[str, Any]:
        found: Any = self.root if isinstance(ref, str) and ref[:1] == "#" else {}
        for part in str(ref).split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    def hint(self, schema: Any, depth: int = 0) -> ast.expr:
        """Return the type of a schema."""
        found = self.resolve(schema)
        if depth > DEEPEST:
            return ANY()
        if "const" in found or "enum" in found:
            return _words(found)
        forms = found.get("anyOf", found.get("oneOf"))
        if isinstance(forms, list) and forms:
            return union(self.hint(one, depth + 1) for one in forms)
        kinds = found.get("type")
        if isinstance(kinds, list):
            alone = [{**found, "type": kind} for kind in kinds]
            return union(self.hint(one, depth + 1) for one in alone)
        if kinds == "array":
            items = self.hint(found.get("items"), depth + 1)
            return generic("Sequence", items)
        if kinds == "object" or (kinds is None and "properties" in found):
            return self._object(schema, found, depth)
        return _PLAIN[kinds]() if isinstance(kinds, str) and kinds in _PLAIN else ANY()

    def _object(self, schema: Any, found: Mapping[str, Any], depth: int) -> ast.expr:
        more = found.get("additionalProperties")
        if found.get("properties") and (more is None or more is False):
            return self._record(schema, found)
        if isinstance(more, Mapping) and more:
            if self._is_field_map(more):
                return ast.Name("FieldMap")
            inner = self.hint(more, depth + 1)
            return generic("Mapping", ast.Name("str"), inner)
        return generic("Mapping", ast.Name("str"), ANY())

    def _is_field_map(self, entry: Mapping[str, Any]) -> bool:
        """Whether entries are descriptions, or objects with one, as in field maps."""
        forms = self.resolve(entry).get("anyOf")
        if not isinstance(forms, list):
            return False
        found = [self.resolve(one) for one in forms]
        texts = [one for one in found if one.get("type") == "string"]
        objects = [one for one in found if "description" in one.get("properties", ())]
        return bool(texts and objects) and len(found) == len(texts) + len(objects)

    def _record(self, schema: Any, found: Mapping[str, Any]) -> ast.expr:
        """Return the class of an object, which is made once for each definition."""
        ref = self._last_ref(schema)
        if ref in self._named and ref not in self._begun:
            return ast.Name(self._named[ref])
        properties = found["properties"]
        is_plain = isinstance(properties, Mapping) and all(map(is_name, properties))
        # One inside itself would have no end as a schema again.
        if not is_plain or ref in self._begun:
            return generic("Mapping", ast.Name("str"), ANY())
        word = ref.rpartition("/")[2] or found.get("title") or "Item"
        name = free_name(f"{self.owner} {word}", self.taken)
        if ref:
            self._named[ref] = name
            self._begun.add(ref)
        fields = [*self.fields(found)]
        self._begun.discard(ref)
        text = found.get("description")
        self.records[name] = Record(name, text if isinstance(text, str) else "", fields)
        return ast.Name(name)

    def _last_ref(self, schema: Any) -> str:
        """Return the last reference on the way to a resolved schema."""
        ref, found = "", schema
        for _ in range(DEEPEST):
            inner = self._inner(found) if isinstance(found, Mapping) else None
            if inner is None:
                break
            ref, found = str(found.get("$ref", ref)), inner
        return ref


_FORMS: Final = ("$ref", "allOf", "anyOf", "oneOf")

ANY: Final = partial(ast.Name, "Any")

_PLAIN: Final[Mapping[str, Callable[[], ast.expr]]] = {
    "string": partial(ast.Name, "str"),
    "integer": partial(ast.Name, "int"),
    "number": partial(ast.Name, "float"),
    "boolean": partial(ast.Name, "bool"),
    "null": partial(ast.Constant, None),
}


def words_of(found: Mapping[str, Any]) -> Sequence[Any]:
    """Return the listed words of a resolved schema; none if it lists none."""
    listed = [found["const"]] if "const" in found else found.get("enum")
    return listed if isinstance(listed, list) else ()


def _words(found: Mapping[str, Any]) -> ast.expr:
    """Return a `Literal` of listed words; of very many, the type of all of them."""
    words = words_of(found)
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
    found = {ast.dump(one): one for member in members for one in _members(member)}
    if ast.dump(ANY()) in found:
        return ANY()
    if not found:
        return ANY()
    null = found.pop(ast.dump(ast.Constant(None)), None)
    made, *rest = [*found.values(), *([] if null is None else [null])]
    for one in rest:
        made = ast.BinOp(made, ast.BitOr(), one)
    return made


def _members(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the types of a union."""
    if isinstance(node, ast.BinOp):
        yield from _members(node.left)
        yield from _members(node.right)
    else:
        yield node


def generic(name: str, *items: ast.expr) -> ast.Subscript:
    """Return a type with types or words in brackets."""
    inner = items[0] if len(items) == 1 else ast.Tuple([*items])
    return ast.Subscript(ast.Name(name), inner)


# -- Names -----------------------------------------------------------------------------


def properties_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of each member of an object."""
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def required_of(schema: Mapping[str, Any]) -> Sequence[str]:
    """Return the members that an object has to have."""
    found = schema.get("required")
    names = found if isinstance(found, list) else ()
    return [name for name in names if isinstance(name, str)]


def order_properties(schema: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    """Return the members of an object: required ones in their order, then by name."""
    found, first = properties_of(schema), required_of(schema)
    names = [*dict.fromkeys(name for name in first if name in found)]
    names += sorted(found.keys() - {*names})
    return [(name, found[name]) for name in names]


def is_name(name: str) -> bool:
    """Whether an attribute can have a name, and no type is hidden by it."""
    return (
        _NAME.fullmatch(name) is not None
        and len(name) <= LONGEST_NAME
        and not keyword.iskeyword(name)
        and name not in TYPES
    )


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
