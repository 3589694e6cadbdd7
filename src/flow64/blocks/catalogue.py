"""The catalogue: the base class of its blocks, their registry, fields and schemas."""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Literal, NoReturn, TypeAlias, Union

import attrs
from attrs import frozen

from ..definition import EMPTY, is_plain
from ..dsl import Block, RowKind, Unset
from ..errors import BuildError
from ..text import shortened
from .facts import (
    DATAFRAME_TYPES,
    TYPE_WORDS,
    UNKNOWN_COLUMNS,
    About,
    Column,
    Columns,
    Confidence,
    Effect,
    Fact,
    Price,
    named_by_sk,
)

_kinds: Final[dict[str, type[CatalogueBlock]]] = {}
_built_in: Final[dict[str, type[CatalogueBlock]]] = {}

CATALOGUE: Final[Mapping[str, type[CatalogueBlock]]] = MappingProxyType(_kinds)
"""The class of each kind: the built-in ones, then those of your own."""

BUILT_IN: Final[Mapping[str, type[CatalogueBlock]]] = MappingProxyType(_built_in)
"""Class of each kind of the built-in catalogue, without those that join it."""


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class CatalogueBlock(Block):
    """A block of the catalogue. Its class has the facts about its kind.

    The methods return the facts of `about`. A class overrides them if specs matter. A
    class of your own, for a kind that flow64 does not know, joins the catalogue when it
    is defined.
    """

    about: ClassVar[About]
    """The facts about the kind that do not depend on specs."""
    specs_known: ClassVar[bool] = True
    """Whether a field of the kind is known, if only by inference."""

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        """Called by attrs once a class is complete."""
        super().__attrs_init_subclass__()
        if not is_built_in(cls):
            module = sys.modules.get(cls.__module__)
            setattr(cls, _NAMES, {} if module is None else vars(module))
        # A class without a kind of its own is a base, or a variant of another class.
        if "kind" in vars(cls):
            _register(cls)
        elif not cls.kind:
            setattr(cls, "__init__", _refuse_no_kind)  # noqa: B010 - unseen by type checkers

    @classmethod
    def columns(cls, specs: Mapping[str, Any]) -> Columns:  # noqa: ARG003 - for subclasses
        """Return how a block with these specs changes the columns of its rows."""
        return cls.about.columns

    @classmethod
    def effects(cls, specs: Mapping[str, Any]) -> Sequence[Effect]:  # noqa: ARG003 - for subclasses
        """Return the effects of a block with these specs."""
        return cls.about.effects

    @classmethod
    def effect_target(cls, specs: Mapping[str, Any], effect: Effect) -> str | None:  # noqa: ARG003 - for subclasses
        """Return the target of an effect outside, in words; None if that is unknown.

        Paths and queries of URLs are left out, since they may hold a secret.
        """
        return None

    @classmethod
    def price(cls, specs: Mapping[str, Any]) -> Price | None:  # noqa: ARG003 - for subclasses
        """Return the price of one row, or None if it is unknown."""
        return cls.about.price

    @classmethod
    def most_rows(cls, specs: Mapping[str, Any]) -> int | None:  # noqa: ARG003 - for subclasses
        """Return the most rows that come out for any input; None if unlimited."""
        return None


def _refuse_no_kind(self: Block, *_: object, **__: object) -> NoReturn:
    message = f"{type(self).__name__}: a block of this class has no kind"
    raise BuildError(message, hint='write kind = "new_kind"')


def facts_of(cls: type[Block]) -> Mapping[str, Fact]:
    """Return the fact of each spec field of a catalogue class, in order.

    A field of a class of your own needs none: its class is the document.
    """
    # To mypy a class has the __hash__ of its instances, and so is not hashable.
    hashable: Any = cls
    return _facts_of(hashable)


@cache
def _facts_of(cls: Any) -> Mapping[str, Fact]:
    hints = type_hints(cls, include_extras=True)
    source = vars(cls)["about"].source if "about" in vars(cls) else "its class"
    facts = {}
    for name, sent in cls.spec_names.items():
        notes = getattr(hints[name], "__metadata__", ())
        is_required = getattr(attrs.fields(cls), name).default is attrs.NOTHING
        own = Fact("D", source, required=is_required)
        facts[sent] = next((note for note in notes if isinstance(note, Fact)), own)
    return MappingProxyType(facts)


_NAMES: Final = "_names"
"""The attribute of a class of your own for the names of its module.

A source is unloaded when its workflows are known, and types are looked up after that.
"""


def type_hints(
    cls: Any, owner: Any = None, *, include_extras: bool = False
) -> dict[str, Any]:
    """Return the types of the attributes of a class, also if its module was unloaded.

    Args:
        owner: The block class that the types are for; by default the class itself.
    """
    names: dict[str, Any] = {}
    for base in reversed((owner or cls).__mro__):
        module = sys.modules.get(base.__module__)
        loaded = {} if module is None else vars(module)
        names |= vars(base).get(_NAMES, loaded)
    # As locals too: since 3.14 only these are looked at if the module is gone.
    return typing.get_type_hints(cls, names, names, include_extras=include_extras)


def spec_types(cls: type[Block]) -> Mapping[str, Any]:
    """Return the type of each spec field of a catalogue class, in order."""
    hints = type_hints(cls)
    return {sent: hints[name] for name, sent in cls.spec_names.items()}


# -- The registry ---------------------------------------------------------------------


def _register(cls: type[CatalogueBlock]) -> None:
    """Add a class to the catalogue.

    A class with the facts of a built-in one (`about = FindEmail.about`) is a variant of
    it with other fields. The built-in class keeps its place.

    Raises:
        BuildError: The class names no kind or has no facts, or flow64 knows the
            kind and its fields already.
    """
    name, kind = cls.__name__, cls.kind
    if is_built_in(cls):
        _kinds[kind] = _built_in[kind] = cls
        return
    if type(kind) is not str or not kind or not is_plain(kind):
        message = f"{name}: kind is {shortened(kind)}"
        raise BuildError(message, hint='write kind = "new_kind"')
    if not hasattr(cls, "about"):
        hint = 'write about = About(role="step", takes="LEAD", gives="LEAD")'
        raise BuildError(f"{name}: it has no about", hint=hint)
    other = _kinds.get(kind)
    if other is not None and is_built_in(other) and other.specs_known:
        if cls.about is other.about:
            return
        message = f"{name}: flow64 has {other.__name__} for {shortened(kind)}"
        hint = "use that class, and extra= for fields that it does not know"
        raise BuildError(message, hint=hint)
    _kinds[kind] = cls


def is_built_in(cls: type[Any]) -> bool:
    """Whether a class is one of the built-in catalogue."""
    return cls.__module__.startswith(f"{__package__}.")


# -- Fields ---------------------------------------------------------------------------

FieldMap: TypeAlias = Mapping[str, Any] | type[Any]
"""`{name: description}`, `{name: {description, type}}`, or a class under `@returns`."""

Specs: TypeAlias = Annotated[Mapping[str, Any], Fact("U", "no source", default="{}")]
"""The specs of a kind with unknown fields, sent as they are."""


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class UncheckedBlock(CatalogueBlock):
    """A block that sends its settings whole. The names of its fields are unknown."""

    label: ClassVar[str] = "signal"
    specs_known: ClassVar[bool] = False

    specs: Specs = EMPTY
    """All settings as they are sent; the names of its fields are unknown."""


inferred_by_sk: Final = partial(
    named_by_sk, rows="I", effects=("may-spend",), columns=UNKNOWN_COLUMNS
)
"""Facts about a kind that only `SK` names; most are inferred."""


def columns_of(
    fields: Any, *, confidence: Confidence = "D", words_are_types: bool = False
) -> Sequence[Column]:
    """Return the columns that a field map names; none if it is not a mapping.

    Args:
        fields: The field map in specs.
        confidence: How well it is known that the block adds them.
        words_are_types: Whether a bare type word is a type, as in `input_schema`. In
            `return_fields` the service reads every bare text as a description.
    """
    if not isinstance(fields, dict):
        return ()
    return [
        Column(name, _type_of(entry, words_are_types=words_are_types), confidence)
        for name, entry in fields.items()
    ]


def _type_of(entry: Any, *, words_are_types: bool) -> str | None:
    if isinstance(entry, dict):
        word = entry.get("type")
        return word if isinstance(word, str) else None
    if words_are_types and isinstance(entry, str) and entry in TYPE_WORDS:
        return entry
    return None


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
