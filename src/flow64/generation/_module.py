"""A module of block classes, made from a live catalogue: first syntax, then text."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from attrs import define, evolve, field, frozen

from ..analysis import LiveBlock, LiveCatalogue, describe_entry
from ..blocks import (
    BUILT_IN,
    UNKNOWN_COLUMNS,
    About,
    CatalogueBlock,
    Column,
    Columns,
    FilterBase,
    describe_kind,
    specs_schema,
)
from ..compiler import cells, flat
from ..dsl import RESERVED, Passthrough
from ._audit import audit
from ._docs import clean, describe_field, name_plainly, summarize
from ._facts import BlockFacts
from ._print import CATALOGUE, IMPORTS, ROWS, SOURCE, print_module
from ._schema_types import (
    TYPES,
    Field,
    SchemaTypes,
    TypedRecord,
    argument_of,
    free_name,
    generic,
    union,
)

WIDTH: Final = 88

_TAKEN: Final = frozenset(
    {*(name for names in IMPORTS.values() for name in names), *TYPES}
    | {ROWS, SOURCE, CATALOGUE, "Project", "RawBlock", "Workflow"}
    | {cls.__name__ for cls in BUILT_IN.values()}
)

# Of an instance of the class with most attributes.
_RESERVED: Final = (
    frozenset(dir(CatalogueBlock))
    | frozenset(dir(Passthrough))
    | {*("specs", "self", "kind", "about"), *RESERVED}
)


def _reserved_in(cls: type[CatalogueBlock]) -> frozenset[str]:
    """Return the names that a class has for something else than a field."""
    return _RESERVED | (frozenset(dir(cls)) - cls.spec_names.keys())


@frozen
class BlocksModule:
    """The source of a module of block classes.

    Attributes:
        kinds: The kind of each class, by its name.
    """

    text: str
    kinds: Mapping[str, str]


def write_blocks(
    live: LiveCatalogue, facts: BlockFacts | None = None, *, everything: bool = False
) -> BlocksModule:
    """Return a module of block classes for what the built-in catalogue lacks.

    Args:
        facts: Facts about kinds that no schema says.
        everything: Whether to write a class for each kind that the service lists.

    Raises:
        SettingsError: The facts are about a kind that is not listed, or known.
        UnsafeCodeError: The result is not code of block classes.
    """
    facts = BlockFacts() if facts is None else facts
    facts.require_kinds(live)
    # As it would be saved, without texts like secrets.
    masked = LiveCatalogue.of(live.as_data())
    source = f"live, {live.date}" if live.date else "live"
    module = _GeneratedModule(source, facts, everything=everything)
    for kind in sorted(masked.blocks):
        module.add(masked.blocks[kind])
    text = print_module(live.name, source, module.statements)
    audit(text)
    return BlocksModule(text, module.kinds)


@define
class _GeneratedModule:
    """Classes of a module, made one after the other.

    Attributes:
        source: The confidence of its facts.
        statements: Each class, behind what it needs.
        kinds: The kind of each class.
    """

    source: str
    facts: BlockFacts
    everything: bool = field(kw_only=True)
    taken: set[str] = field(factory=lambda: {*_TAKEN})
    statements: list[ast.stmt] = field(factory=list)
    kinds: dict[str, str] = field(factory=dict)

    def add(self, block: LiveBlock) -> None:
        """Write the class of a kind if the built-in one lacks something."""
        known = BUILT_IN.get(block.kind)
        if known is None:
            self._add_new(block, describe_entry(block, self.source), "")
        elif block.kind in self.facts.by_kind:
            about = evolve(known.about, rows="D1", source=self.source)
            self._add_new(block, about, known.__name__)
        elif self.everything or _lacks(known, block):
            self._add_known(block, known)

    def _add_new(self, block: LiveBlock, about: About, name: str) -> None:
        about = self.facts.add_to(about, block.kind)
        made = _Class(name or free_name(block.kind, self.taken), block, self)
        rows, base = _rows_of(about)
        kind = "CatalogueBlock" if block.specs_schema is not None else "UncheckedBlock"
        made.set("kind", ast.Constant(block.kind))
        made.set("about", _about(about))
        made.write([base, ast.Name(kind)], [*made.fields()], rows)

    def _add_known(self, block: LiveBlock, known: type[CatalogueBlock]) -> None:
        """Write a class of a built-in kind, with the fields that it lacks."""
        made = _Class(known.__name__, block, self, _reserved_in(known))
        inherited: ast.expr = ast.Attribute(ast.Name(CATALOGUE), known.__name__)
        rows = _inherited_rows(known)
        made.text = summarize(describe_kind(known).replace("\n", " "))
        found = [*made.fields()]
        more = [one for one in found if one.name not in known.spec_names]
        if not known.specs_known:
            made.set("kind", ast.Constant(block.kind))
            made.set("specs_known", ast.Constant(value=True))
            made.write([inherited], more, rows)
            return
        base = _base_of(known)
        if base is not None and _takes_more(known, made.types):
            made.set("kind", ast.Constant(block.kind))
            made.set("about", ast.Attribute(inherited, "about"))
            bases = [base, ast.Name("CatalogueBlock")]
            if issubclass(known, FilterBase):
                bases = [made.filter_base()]
            made.write(bases, found, rows)
            return
        if base is None:
            generic_base = ast.Subscript(inherited, ast.Name(ROWS))
            made.write([generic_base, generic("Generic", ast.Name(ROWS))], more, rows)
        else:
            made.write([inherited], more, rows)


def _lacks(known: type[CatalogueBlock], block: LiveBlock) -> bool:
    """Whether a built-in class lacks a field or a word, or requires too much."""
    types = SchemaTypes(block.specs_schema or {})
    names = {one.name for one in types.fields(types.root, _reserved_in(known))}
    if not known.specs_known:
        return bool(names)
    return not names <= known.spec_names.keys() or _takes_more(known, types)


def _takes_more(known: type[CatalogueBlock], types: SchemaTypes) -> bool:
    """Whether a schema takes a word, or no value, where a class does not.

    Fields of records inside a field count too, such as the operator of a filter.
    """
    if _base_of(known) is None:
        return False
    ours = SchemaTypes(specs_schema(known)).walk()
    for path, live in types.walk().items():
        if own := ours.get(path):
            if own.is_required and not live.is_required:
                return True
            listed = {word for word in live.words if isinstance(word, str)}
            if own.words and not listed <= {*own.words}:
                return True
    return False


# -- One class -------------------------------------------------------------------------


class _Class:
    """The class of one kind."""

    def __init__(
        self,
        name: str,
        block: LiveBlock,
        module: _GeneratedModule,
        reserved: frozenset[str] = _RESERVED,
    ) -> None:
        self.name, self.block, self.module = name, block, module
        self.reserved = reserved
        self.text = ""
        self.schema: Mapping[str, Any] = block.specs_schema or {}
        self.types = SchemaTypes(self.schema, name, module.taken)
        self.before: list[ast.stmt] = []
        self.named: dict[str, str] = {}
        self.facts: list[ast.stmt] = []

    def set(self, name: str, value: ast.expr) -> None:
        """State a fact of the class."""
        self.facts.append(ast.Assign([ast.Name(name)], value))

    def fields(self) -> Iterator[Field]:
        """Yield the fields of the schema that the class can have."""
        return self.types.fields(self.schema, self.reserved)

    def filter_base(self) -> ast.expr:
        """Return the base class of filters, with the words of the operators."""
        known = self.types.walk().get("filters[*].operator")
        words = None if known is None else self.types.hint(known.schema, 0)
        base = ast.Attribute(ast.Name(CATALOGUE), FilterBase.__name__)
        if not isinstance(words, ast.Subscript):  # too many words, or none
            return ast.Subscript(base, ast.Name("str"))
        return ast.Subscript(base, self.name_words("operator", words))

    def name_words(self, field: str, words: ast.expr) -> ast.expr:
        """Give the words of a field a name before the class."""
        shape = ast.dump(words)
        if shape not in self.named:
            text = field.replace("_", " ").title()
            self.named[shape] = free_name(f"{self.name} {text}", self.module.taken)
            alias = ast.Name(self.named[shape])
            named = ast.AnnAssign(alias, ast.Name("TypeAlias"), words, 1)
            self.before.append(named)
        return ast.Name(self.named[shape])

    def write(self, bases: list[ast.expr], fields: list[Field], rows: str) -> None:
        """Add the class, and the types that its fields need."""
        kind = self.block.kind
        body = [*self._statements(fields)]
        records = [self._record(one) for one in self.types.records.values()]
        text = clean(self.schema.get("description")) or self.text
        docs = _paragraphs(text, f"Block of the kind `{name_plainly(kind)}`.")
        docs += [_describe_renames(fields), self._left_out(), rows]
        made = _class_of(self.name, bases, docs, [*self.facts, *body])
        given = {"eq": ast.Constant(value=False), "kw_only": ast.Constant(value=True)}
        made.decorator_list = [_call("frozen", given)]
        self.module.kinds[self.name] = kind
        self.module.statements += [*self.before, *records, made]

    def _left_out(self) -> str:
        """Name the fields that no attribute can have."""
        left = [
            f"`{name_plainly(name)}`" + (" (required)" if live.is_required else "")
            for name, live in self.types.list_fields(self.schema)
            if argument_of(name, self.reserved) is None
        ]
        if not left:
            return ""
        advice = "No argument can have these names; give them in `extra`"
        return f"{advice}: {', '.join(left)}."

    def _statements(self, fields: Sequence[Field]) -> Iterator[ast.stmt]:
        for one in fields:
            if one.live.is_required:
                yield from self._field(one, one.hint)
            else:
                yield from self._field(one, _or_unset(one.hint), ast.Name("UNSET"))

    def _record(self, record: TypedRecord) -> ast.stmt:
        body: list[ast.stmt] = []
        for one in record.fields:
            is_required = one.live.is_required
            hint = one.hint if is_required else generic("NotRequired", one.hint)
            body += self._field(one, hint)
        docs = _paragraphs(clean(record.text), f"One `{record.name}`.")
        return _class_of(record.name, [ast.Name("TypedDict")], docs, body)

    def _field(
        self, one: Field, hint: ast.expr, value: ast.expr | None = None
    ) -> Iterator[ast.stmt]:
        """Yield the annotation of a field, and its docstring."""
        hint = self._fit(one, hint, "" if value is None else " = UNSET")
        yield ast.AnnAssign(ast.Name(one.name), hint, value, 1)
        if words := describe_field(one.live):
            yield ast.Expr(ast.Constant(words))

    def _fit(self, one: Field, hint: ast.expr, end: str) -> ast.expr:
        """Return a type that fits on the line of a field: long words get a name."""
        before = f"    {one.name}: "
        if cells(f"{before}{flat(hint)}{end}") <= WIDTH:
            return hint
        named: ast.expr = _NameWords(self, one.name).visit(hint)
        if cells(f"{before}{flat(named)}{end}") <= WIDTH:
            return named
        return _or_unset(ast.Name("Any")) if end else ast.Name("Any")


class _NameWords(ast.NodeTransformer):
    """Gives each `Literal` in a type a name before the class."""

    def __init__(self, owner: _Class, name: str) -> None:
        self.owner, self.name = owner, name

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Return the name of words, or another type with names in it."""
        if not (isinstance(node.value, ast.Name) and node.value.id == "Literal"):
            self.generic_visit(node)
            return node
        return self.owner.name_words(self.name, node)


def _describe_renames(fields: Sequence[Field]) -> str:
    """Name the fields that are sent under another name."""
    names = [f"`{one.name}`" for one in fields if one.name != one.sent]
    if not names:
        return ""
    return f"Sent without the underscore at the end: {', '.join(names)}."


def _paragraphs(text: str, fallback: str) -> list[str]:
    """Return the summary of a text, or else the fallback, and the rest of it."""
    summary = summarize(text) or fallback
    return [summary, text.removeprefix(summary).strip()]


def _or_unset(hint: ast.expr) -> ast.expr:
    """Return a type that takes the sentinel as well."""
    if isinstance(hint, ast.Name) and hint.id == "Any":
        return ast.BinOp(hint, ast.BitOr(), ast.Name("Unset"))
    return union([hint, ast.Name("Unset")])


def _class_of(
    name: str, bases: list[ast.expr], docs: Sequence[str], body: list[ast.stmt]
) -> ast.ClassDef:
    text = ast.Expr(ast.Constant("\n\n".join(filter(None, docs))))
    return ast.ClassDef(name, bases, [], [text, *body], [])


# -- Facts -----------------------------------------------------------------------------

_KIND_CLASSES: Final = {"LEAD": "Lead", "COMPANY": "Company", "none": "Start"}


def _rows_of(about: About) -> tuple[str, ast.expr]:
    """Return what a block takes and gives, in words and as a base class."""
    takes, gives = about.takes, about.gives
    if takes == "any" and gives == "same":
        return "Rows: takes any, gives the same (live).", ast.Name("Passthrough")
    if gives == "same":
        gives = takes if takes != "none" else "unknown"  # type: ignore[assignment]
    names = [_KIND_CLASSES.get(word, "Any") for word in (takes, gives)]
    base = generic("Flow", *map(ast.Name, names))
    if gives == "unknown":
        before = {"none": "", "any": ""}.get(takes, f"takes {takes}; ")
        words = "what it gives is not known. Type checkers let both kinds pass."
        return f"Rows: {before}{words}", base
    before = {"none": "", "any": "takes any, "}.get(takes, f"takes {takes}, ")
    return f"Rows: {before}gives {gives} (live).", base


def _inherited_rows(known: type[CatalogueBlock]) -> str:
    """Return the paragraph about rows in the docstring of a built-in class."""
    rows = (known.__doc__ or "").rpartition("Rows: ")[2]
    return f"Rows: {' '.join(rows.split())}"


def _base_of(known: type[CatalogueBlock]) -> ast.expr | None:
    """Return the base class that says a class's rows; None if a field decides them."""
    if issubclass(known, Passthrough):
        return ast.Name("Passthrough")
    rows = get_args(vars(known)["__orig_bases__"][0])
    if not all(isinstance(row, type) or row is Any for row in rows):
        return None
    return generic("Flow", *(ast.Name(row.__name__) for row in rows))


def _about(about: About) -> ast.expr:
    """Return the call that makes facts: what differs from the defaults."""
    given: dict[str, ast.expr] = {
        name: ast.Constant(getattr(about, name)) for name in ("role", "takes", "gives")
    }
    if about.rows != "D":
        given["rows"] = ast.Constant(about.rows)
    given["source"] = ast.Name(SOURCE)
    if about.effects:
        given["effects"] = ast.List([*map(ast.Constant, about.effects)])
    if about.perhaps is not None:
        given["perhaps"] = ast.Constant(about.perhaps)
    if about.columns == UNKNOWN_COLUMNS:
        given["columns"] = ast.Name("UNKNOWN_COLUMNS")
    elif about.columns != Columns():
        given["columns"] = _columns(about.columns)
    if about.price is not None:
        source = [ast.keyword("source", ast.Name(SOURCE))]
        args = [ast.Constant(about.price.dollars)]
        if about.price.confidence != "D":
            args.append(ast.Constant(about.price.confidence))
        given["price"] = ast.Call(ast.Name("Price"), [*args], source)
    return _call("About", given)


def _columns(columns: Columns) -> ast.expr:
    given: dict[str, ast.expr] = {}
    for name in ("reads", "adds"):
        found: Sequence[Column] = getattr(columns, name)
        if found:
            given[name] = ast.List([*map(_column, found)])
    if columns.drops:
        given["drops"] = ast.List([*map(ast.Constant, columns.drops)])
    for name in ("opens", "resets"):
        if getattr(columns, name):
            given[name] = ast.Constant(value=True)
    return _call("Columns", given)


def _column(column: Column) -> ast.expr:
    words = [word for word in (column.name, column.type) if word is not None]
    return ast.Call(ast.Name("Column"), [*map(ast.Constant, words)], [])


def _call(name: str, given: Mapping[str, ast.expr]) -> ast.Call:
    keywords = [ast.keyword(each, value) for each, value in given.items()]
    return ast.Call(ast.Name(name), [], keywords)
