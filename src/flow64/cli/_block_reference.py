"""The reference of blocks, as text and as data, from the catalogue alone."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Union

import attrs
from attrs import frozen

from ..blocks import (
    CATALOGUE,
    CONFIDENCE,
    CREATE_NEW,
    EFFECT_WORDS,
    UNARY_OPERATORS,
    CatalogueBlock,
    Column,
    Columns,
    Effect,
    Fact,
    Price,
    Webhook,
    describe_kind,
    describe_rows,
    describe_words,
    facts_of,
    field_docs,
    spec_types,
    specs_schema,
)
from ..compiler import as_code, lift
from ..dsl import COMPANY, LEAD, UNSET, RowKind, Unset
from ..text import format_dollars, wrap_text
from ..workflow import Workflow

PROSE: Final = 80
"""Maximum characters of a line of prose."""


@frozen
class Probe:
    """The additional effects and the price of a block if one field is set.

    Attributes:
        effects: The additional effects.
        price: The price of a row, if it changes.
    """

    field: str
    value: Any
    effects: Sequence[Effect]
    price: Price | None


@frozen
class BlockReference:
    """The reference of a kind of block.

    Attributes:
        block: Its class.
        example: A block with the required arguments.
    """

    block: type[CatalogueBlock]
    example: CatalogueBlock

    @classmethod
    def of(cls, block: type[CatalogueBlock]) -> BlockReference:
        """Describe a class of blocks."""
        return cls(block, block(**_make_samples(block)))

    @property
    def summary(self) -> str:
        """Its purpose in one sentence."""
        return self.text.partition("\n\n")[0].replace("\n", " ")

    @property
    def text(self) -> str:
        """The description of its class."""
        return describe_kind(self.block)

    @property
    def facts(self) -> Mapping[str, Fact]:
        """The facts about each field."""
        return facts_of(self.block)

    @property
    def types(self) -> Mapping[str, str]:
        """The type of each field, as source code."""
        return {name: _type(hint) for name, hint in spec_types(self.block).items()}

    @property
    def specs(self) -> Mapping[str, Any]:
        """The specs of the example, with the defaults of the class."""
        names = self.block.spec_names.items()
        found = {sent: getattr(self.example, name) for name, sent in names}
        return {name: value for name, value in found.items() if value is not UNSET}

    @property
    def columns(self) -> Columns:
        """The columns that the example reads and adds."""
        return self.block.columns({})

    @property
    def effects(self) -> Sequence[Effect]:
        """The effects of the example."""
        return self.block.effects(self.specs)

    @property
    def price(self) -> Price | None:
        """The price of one row of the example."""
        return self.block.price(self.specs)

    @property
    def probes(self) -> Sequence[Probe]:
        """The fields that change effects or price."""
        found: list[Probe] = []
        for name, values in _choices(self.block).items():
            for value in values:
                specs = {**self.specs, name: value}
                effects = self.block.effects(specs)
                more = [one for one in effects if one not in self.effects]
                price = self.block.price(specs)
                other = None if price == self.price else price
                if more or other:
                    found.append(Probe(name, value, more, other))
        return found

    @property
    def code(self) -> str:
        """The source of a workflow with this block. It compiles."""
        flow: Any = self.example
        if self.block.about.role != "source":
            takes = self.block.about.takes
            kind: RowKind[Any] = COMPANY if takes == "COMPANY" else LEAD
            flow = Webhook(kind) >> flow
        workflow = Workflow("Example", flow, key="example")
        return as_code([lift(workflow.compile(), workflow.identity)]).text

    @property
    def haystack(self) -> str:
        """The text that a search looks into."""
        docs = field_docs(self.block)
        named = (*self.columns.reads, *self.columns.adds)
        parts = [self.block.kind, self.block.__name__, self.text]
        parts += [f"{name} {docs.get(name, '')}" for name in self.facts]
        parts += [column.name for column in named]
        parts += [self.block.about.role, *self.columns.drops, *self.effects]
        return " ".join(" ".join(parts).split()).casefold()

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data."""
        about = self.block.about
        return {
            "kind": self.block.kind,
            "class": self.block.__name__,
            "import": f"from flow64.blocks import {self.block.__name__}",
            "description": self.text,
            "confidence": about.confidence,
            "source": about.source,
            "role": about.role,
            "perhaps": about.perhaps,
            "takes": about.takes,
            "gives": about.gives,
            "rows_confidence": about.rows,
            "fields": self._fields(),
            "fields_known": self.block.specs_known,
            "columns": attrs.asdict(self.columns),
            "column_words": {
                name: {source: [*words] for source, words in lists.items()}
                for name, lists in about.column_words.items()
            },
            "effects": list(self.effects),
            "price": None if self.price is None else attrs.asdict(self.price),
            "with": [attrs.asdict(probe) for probe in self.probes],
            "example": self.code,
            "specs_schema": specs_schema(self.block),
        }

    def _fields(self) -> list[dict[str, Any]]:
        docs, hints = field_docs(self.block), self.types
        return [
            {
                "name": name,
                "type": hints[name],
                "description": docs.get(name, ""),
                **attrs.asdict(fact),
            }
            for name, fact in self.facts.items()
        ]


def catalogue() -> Sequence[BlockReference]:
    """Return the reference of every kind, in the order of the catalogue."""
    return [BlockReference.of(block) for block in CATALOGUE.values()]


# -- As text --------------------------------------------------------------------------


def reference_lines(one: BlockReference) -> Iterator[str]:
    """The lines of the reference of a block."""
    about = one.block.about
    named = f"{CONFIDENCE[about.confidence]} ({about.source})"
    yield f"{one.block.kind}  {named}"
    yield ""
    for paragraph in one.text.split("\n\n"):
        yield from wrap_text(" ".join(paragraph.split()), PROSE)
        yield ""
    perhaps = f", perhaps {about.perhaps}" if about.perhaps else ""
    takes, gives = describe_rows(about.takes), describe_rows(about.gives)
    yield f"import   from flow64.blocks import {one.block.__name__}"
    yield f"role     {about.role}{perhaps}"
    yield f"rows     takes {takes}, gives {gives} ({CONFIDENCE[about.rows]})"
    yield from _column_lines(one)
    yield from _effect_lines(one)
    yield from _field_lines(one)
    yield ""
    yield "example:"
    yield from (f"  {line}".rstrip() for line in one.code.splitlines())


def _column_lines(one: BlockReference) -> Iterator[str]:
    columns = one.columns
    for label, named in (("reads", columns.reads), ("adds", columns.adds)):
        if named:
            yield f"{label:<9}{', '.join(map(_column, named))}"
    for name, lists in one.block.about.column_words.items():
        yield f"values   {name}: {describe_words(lists)}"
    if columns.drops:
        yield f"drops    {', '.join(columns.drops)}"
    if columns.resets:
        yield "columns  those of its input are not kept"
    if "columns" in vars(one.block):
        text = inspect.cleandoc(one.block.columns.__doc__ or "")
        yield f"columns  {' '.join(text.split())}"
    elif columns.opens:
        yield "columns  it may add unknown ones"


def _effect_lines(one: BlockReference) -> Iterator[str]:
    effects = [EFFECT_WORDS[effect] for effect in one.effects]
    yield f"effects  {'; '.join(effects) or 'none known'}"
    yield f"price    {_price_lines(one.price)}"
    for probe in one.probes:
        found = [EFFECT_WORDS[effect] for effect in probe.effects]
        found += [_price_lines(probe.price)] if probe.price else []
        yield f"         with {probe.field}={probe.value!r}: {'; '.join(found)}"


def _price_lines(price: Price | None) -> str:
    if price is None:
        return "unknown"
    known = f"{CONFIDENCE[price.confidence]}; {price.source}"
    return f"at most {format_dollars(price.dollars)} a row ({known})"


def _field_lines(one: BlockReference) -> Iterator[str]:
    docs, hints = field_docs(one.block), one.types
    yield ""
    yield "fields:"
    if not one.block.specs_known:
        words = "others" if len(one.facts) > 1 else "any"
        yield f"  no source names {words}; write specs={{...}}"
    for name, fact in one.facts.items():
        parts = ["required"] if fact.required else []
        parts += [] if fact.default is None else [f"default {fact.default}"]
        parts += [] if fact.unit is None else [f"in {fact.unit}"]
        parts.append(f"{CONFIDENCE[fact.confidence]} ({fact.source})")
        yield f"  {name}: {hints[name]} · {' · '.join(parts)}"
        if name in docs:
            yield f"      {docs[name]}"


def _column(column: Column) -> str:
    kind = f" {column.type}" if column.type else ""
    return f"{column.name}{kind} ({CONFIDENCE[column.confidence]})"


# -- Samples of arguments -------------------------------------------------------------


def _make_samples(block: type[CatalogueBlock]) -> Mapping[str, Any]:
    """Return a possible value for each required argument."""
    hints = typing.get_type_hints(block)
    return {
        field.name: _sample(field.name, hints[field.name])
        for field in attrs.fields(block)
        if field.init and field.default is attrs.NOTHING
    }


def _sample(name: str, hint: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is RowKind:
        return LEAD
    if typing.is_typeddict(hint):
        fields = typing.get_type_hints(hint)
        needed = [key for key in fields if key in hint.__required_keys__]
        return {key: _sample(key, fields[key]) for key in needed}
    if origin is Literal:
        alone = [word for word in arguments if word in UNARY_OPERATORS]
        return (alone or arguments)[0]
    if hint is str:
        is_address = name == "url"
        words = f"your {name.replace('_', ' ')}"
        return "https://example.com/hook" if is_address else words
    if any(typing.get_origin(one) is Mapping for one in (hint, *arguments)):
        return {"title": "Job title"}
    return [_sample(name, arguments[0])]


def _choices(block: type[CatalogueBlock]) -> Mapping[str, Sequence[Any]]:
    """Return values to try for each field, from the schema of the class."""
    found: dict[str, Sequence[Any]] = {}
    for name, schema in specs_schema(block)["properties"].items():
        if "enum" in schema:
            found[name] = schema["enum"]
        elif schema.get("type") == "boolean":
            found[name] = (True, False)
        elif schema.get("type") == "string":
            found[name] = (CREATE_NEW,)
    return found


def _type(hint: Any) -> str:
    """Format a type as source code, without the sentinel of unset fields."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return " | ".join(_type(one) for one in arguments if one is not Unset)
    if origin is Literal:
        return " or ".join(map(str, arguments))
    if origin is RowKind:
        return "LEAD or COMPANY"
    if hint is Any or isinstance(hint, typing.TypeVar):
        return "Any"
    name = getattr(origin or hint, "__name__", str(hint)).lstrip("_")
    inner = ", ".join(map(_type, arguments))
    return f"{name}[{inner}]" if inner else name
