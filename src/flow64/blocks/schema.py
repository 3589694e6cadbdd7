"""The specs of a catalogue class, as a JSON Schema and as text."""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, Union

import attrs

from ..dsl import Block, RowKind, Unset
from .catalogue import CatalogueBlock, facts_of, spec_types, type_hints
from .facts import DATAFRAME_TYPES, Fact

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def specs_schema(cls: type[CatalogueBlock]) -> dict[str, Any]:
    """Return a JSON Schema (2020-12) of the specs of a kind, made from its class.

    Fields that the class does not know are accepted, since the service may know them.
    Facts about a field are next to its schema under `x-flow64`.
    """
    hints = spec_types(cls)
    docs = field_docs(cls)
    facts = {name: fact for name, fact in facts_of(cls).items() if name != "specs"}
    return {
        "$schema": DIALECT,
        "title": cls.kind,
        "description": describe_kind(cls),
        "type": "object",
        "properties": {
            name: {
                **_schema_of(hints[name], cls),
                "description": docs.get(name, ""),
                "x-flow64": _fact_as_data(fact),
            }
            for name, fact in facts.items()
        },
        "required": [name for name, fact in facts.items() if fact.required],
        "additionalProperties": True,
    }


def describe_kind(cls: type[Block]) -> str:
    """Return the docstring of a class without its last paragraph, about rows.

    Editors show the docstring and no other fact, so the rows are said there again.
    """
    return inspect.cleandoc(cls.__doc__ or "").partition("\n\nRows: ")[0]


def field_docs(cls: type[Block]) -> Mapping[str, str]:
    """Return the docstring of each attribute of a block class, also inherited ones.

    A spec field has the name that is sent. Attributes without a docstring are left out,
    and so are all of a class without source.
    """
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if module := sys.modules.get(base.__module__):  # it may be unloaded
            docs |= _attribute_docs(module).get(base.__qualname__, {})
    named = {cls.spec_names.get(name, name): text for name, text in docs.items()}
    return types.MappingProxyType(named)


@cache
def _attribute_docs(module: types.ModuleType) -> Mapping[str, Mapping[str, str]]:
    """Return the attribute docstrings of the top-level classes of a module."""
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError):  # it has no source
        return {}
    return {
        node.name: dict(_docs_in(node.body))
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }


def _docs_in(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement, following in itertools.pairwise(body):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, " ".join(text.split())


def _fact_as_data(fact: Fact) -> dict[str, Any]:
    """Return a fact as JSON, except `required`, which the schema states itself."""
    data = attrs.asdict(fact, filter=lambda _, item: item is not None)
    del data["required"]
    return data


def _schema_of(hint: Any, cls: type[CatalogueBlock]) -> dict[str, Any]:
    """Return the schema of the JSON for a type in a class."""
    if hint is Any:
        return {}
    if hint in JSON_TYPES:
        return {"type": JSON_TYPES[hint]}
    if typing.is_typeddict(hint):
        return _record(hint, cls)
    args = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        members = [member for member in args if member is not Unset]
        if type[Any] in members:  # only a field map may be given as a class
            entry = {"type": ["string", "object"]}
            schemas = [{"type": "object", "additionalProperties": entry}]
            members = [member for member in members if member is type(None)]
        else:
            schemas = []
        schemas += [_schema_of(member, cls) for member in members]
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    if origin is Literal:
        return {"enum": list(args)}
    if origin is RowKind:
        return {"enum": list(DATAFRAME_TYPES)}
    if origin is Sequence:
        return {"type": "array", "items": _schema_of(args[0], cls)}
    assert origin is Mapping, hint
    return {"type": "object", "additionalProperties": _schema_of(args[1], cls)}


JSON_TYPES: Final[Mapping[Any, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}
"""The words of JSON Schema for types."""


def _record(hint: Any, cls: type[CatalogueBlock]) -> dict[str, Any]:
    fields = type_hints(hint, cls)
    # As text, which annotations are, `NotRequired` is not seen by the class itself.
    marked = type_hints(hint, cls, include_extras=True)
    optional = {
        name
        for name in marked
        if name not in hint.__required_keys__
        or typing.get_origin(marked[name]) is typing.NotRequired
    }
    return {
        "type": "object",
        "properties": {name: _schema_of(item, cls) for name, item in fields.items()},
        "required": [name for name in fields if name not in optional],
    }
