"""A module of block classes, made from the service's own list of blocks.

Names of classes and fields are computed, and everything else is written by `repr`, so
no text of the list becomes code.
"""

from __future__ import annotations

import keyword
import math
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, get_args, get_origin

import attrs
from attrs import frozen
from cattrs import BaseValidationError
from typing_extensions import get_original_bases

from .analysis.live import (
    LiveBlock,
    LiveCatalogue,
    LiveField,
    describe_field,
    read_fields,
    walk_fields,
)
from .blocks import (
    BUILT_IN,
    UNKNOWN_COLUMNS,
    About,
    CatalogueBlock,
    Column,
    Columns,
    FilterBase,
    Price,
    describe_kind,
    spec_types,
    specs_schema,
)
from .blocks.facts import Effect, Gives, Role, Takes
from .definition import EMPTY, MAX_BYTES, is_number, thaw
from .dsl import RESERVED, Flow, Passthrough
from .errors import ConfigError, list_lines
from .files import Unusable, read_whole
from .secrets import clean_text, mask
from .tables import WrongValueError, add_class, list_mistakes, make_converter, read_text
from .text import shortened, truncate

MARK: Final = "`flow64 blocks generate`"
"""What the docstring of each module has in it."""

USUAL: Final = "blocks.py"
"""The usual name of a module."""

FACTS: Final = "blocks.toml"
"""The name of the file with facts that no schema says, next to the module."""

MOST_WORDS: Final = 60
"""Listed words of a field above which its type has no words."""

LONGEST_NAME: Final = 60
"""Characters of the longest name of a field or class."""

LONGEST_TEXT: Final = 500
"""Characters of the longest docstring."""

_HEADER: Final = '''\
# ruff: noqa
"""Block classes for what the built-in catalogue of flow64 lacks.

Written by {mark} from {source}. Do not edit it: write facts that no schema
says into `blocks.toml`, and generate it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

from attrs import frozen
from flow64 import Company, Flow, Lead, Start
from flow64 import blocks as built_in
from flow64.blocks import About, CatalogueBlock, Column, Columns, FieldMap, Price
from flow64.dsl import UNSET, Passthrough, RowKind, Unset

A = TypeVar("A")
'''

_CLASS: Final = """

@frozen(eq=False, kw_only=True)
class {name}({bases}):
    {text}

    kind = {kind}
    {about}
"""

_TYPES: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "object": "Mapping[str, Any]",
}

_ROWS: Final = {"LEAD": "Lead", "COMPANY": "Company", "none": "Start"}

# Names that mean something else in a module or in its classes.
_TAKEN: Final = frozenset(re.findall(r"\w+", _HEADER)) | frozenset(_TYPES.values())
_RESERVED: Final = (
    _TAKEN
    | frozenset(dir(CatalogueBlock))
    | frozenset(dir(Passthrough))
    | {*RESERVED, "specs", "self"}
)


@frozen
class BlocksModule:
    """The source of a module of block classes.

    Attributes:
        kinds: The kind of each class, by its name.
    """

    text: str
    kinds: Mapping[str, str]


def write_blocks(
    live: LiveCatalogue, facts: Mapping[str, About] | None = None
) -> BlocksModule:
    """Return a module of block classes for what the built-in catalogue lacks.

    Args:
        live: The service's own list.
        facts: Facts about new kinds that no schema says, from `read_facts`.
    """
    live = LiveCatalogue.of(live.as_data())  # without texts like keys
    texts = [_HEADER.format(mark=MARK, source=live.name)]
    kinds: dict[str, str] = {}
    for kind, block in sorted(live.blocks.items()):
        built_in = BUILT_IN.get(kind)
        if built_in is None or _lacks(built_in, block):
            name = _name_class(kind if built_in is None else built_in.__name__, kinds)
            about = (facts or {}).get(kind) or _guess_about(live)
            texts.append(_write_class(name, block, built_in, about))
            kinds[name] = kind
    return BlocksModule("".join(texts), kinds)


def read_facts(path: Path, live: LiveCatalogue) -> Mapping[str, About]:
    """Read the facts about new kinds: `takes`, `gives`, `price`, `reads`, `adds`...

    Raises:
        ConfigError: The file is not valid TOML, or has mistakes.
    """
    try:
        tables = tomllib.loads(read_whole(path.resolve(), MAX_BYTES).decode())
    except (Unusable, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from None
    facts: dict[str, About] = {}
    mistakes: list[str] = []
    for kind, table in tables.items():
        if kind not in live.blocks or kind in BUILT_IN:
            mistakes.append(f"[{kind}] is not a new kind of {live.name}")
            continue
        try:
            facts[kind] = _make_about(live, _converter.structure(table, _Facts))
        except (BaseValidationError, AttributeError, TypeError) as error:
            mistakes += list_mistakes(error, kind)
    if mistakes:
        raise ConfigError(f"{path} cannot be used:{list_lines(mistakes)}")
    return facts


# -- Facts -----------------------------------------------------------------------------


def _guess_about(live: LiveCatalogue) -> About:
    return attrs.evolve(
        _make_about(live, _Facts()),
        perhaps="source",
        effects=("may-spend",),
        columns=UNKNOWN_COLUMNS,
    )


@frozen
class _Facts:
    """A table of the file."""

    takes: Takes = "any"
    gives: Gives = "unknown"
    role: Role | None = None
    effects: tuple[Effect, ...] = ()
    price: Price | None = None
    reads: tuple[str, ...] = ()
    adds: Mapping[str, str] = EMPTY
    opens: bool = False


def _read_price(value: Any, _: object) -> Price:
    if is_number(value) and 0 <= value < math.inf:
        return Price(value)
    raise WrongValueError("write dollars, as in 0.05")


_converter: Final = make_converter({str: read_text, Price: _read_price})
add_class(_converter, _Facts)


def _make_about(live: LiveCatalogue, facts: _Facts) -> About:
    columns = Columns(
        reads=[*map(Column, facts.reads)],
        adds=[Column(*pair) for pair in facts.adds.items()],
        opens=facts.opens,
    )
    return About(
        role=facts.role or ("source" if facts.takes == "none" else "step"),
        takes=facts.takes,
        gives=facts.gives,
        source=f"live, {live.date}" if live.date else "live",
        effects=facts.effects or (("spends",) if facts.price else ()),
        price=facts.price,
        columns=columns,
    )


def _write_about(about: About) -> str:
    plain = About(role=about.role, takes=about.takes, gives=about.gives)
    arguments = [
        f"{attribute.name}={value!r}"
        for attribute in attrs.fields(About)
        if (value := getattr(about, attribute.name)) != getattr(plain, attribute.name)
        or attribute.name in ("role", "takes", "gives")
    ]
    return f"about = About({', '.join(arguments)})"


# -- Classes ---------------------------------------------------------------------------


def _lacks(built_in: type[CatalogueBlock], block: LiveBlock) -> bool:
    """Return True if the list has a field of a kind in another way than its class."""
    ours = read_fields(specs_schema(built_in))
    return any(
        name not in ours
        or ours[name].is_required != live.is_required
        or (bool(ours[name].words) and bool({*live.words} - {*ours[name].words}))
        for name, live in block.fields.items()
    )


def _write_class(
    name: str, block: LiveBlock, built_in: type[CatalogueBlock] | None, about: About
) -> str:
    if built_in is None:
        bases, about_text = _write_bases(about), _write_about(about)
    elif built_in.specs_known:
        bases = _copy_bases(built_in)
        about_text = f"about = built_in.{built_in.__name__}.about"
    else:
        bases, about_text = f"built_in.{built_in.__name__}", "specs_known = True"
    schema: Mapping[str, Any] = block.specs_schema or {}
    text = _clean(schema.get("description"))
    if not text and built_in is not None:
        text = describe_kind(built_in)
    fields = dict(_name_fields(block.fields, built_in))
    unnamed = [sent for sent in block.fields if sent not in fields.values()]
    if unnamed and not (built_in is not None and issubclass(built_in, FilterBase)):
        text += f" To be given in extra=: {', '.join(map(repr, unnamed))}."
    lines = [
        _CLASS.format(
            name=name,
            bases=bases,
            text=repr(text or f"Block of the kind {block.kind}."),
            kind=repr(block.kind),
            about=about_text,
        )
    ]
    for argument, sent in fields.items():
        live = block.fields[sent]
        lines.append(f"\n    {argument}: {_write_field(sent, live, built_in)}\n")
        lines.append(f"    {_describe(live)!r}\n")
    return "".join(lines)


def _write_bases(about: About) -> str:
    takes = _ROWS.get(about.takes, "Any")
    if (about.takes, about.gives) == ("any", "same"):
        return "Passthrough, CatalogueBlock"
    gives = takes if about.gives == "same" else _ROWS.get(about.gives, "Any")
    return f"Flow[{takes}, {gives}], CatalogueBlock"


def _copy_bases(built_in: type[CatalogueBlock]) -> str:
    """Return bases for other fields of a known kind, with the same row kinds."""
    if issubclass(built_in, FilterBase):
        return "built_in.FilterBase[str]"
    if issubclass(built_in, Passthrough):
        return "Passthrough, CatalogueBlock"
    (flow,) = (
        base for base in get_original_bases(built_in) if get_origin(base) is Flow
    )
    rows = ["A" if isinstance(row, TypeVar) else row.__name__ for row in get_args(flow)]
    generic = ", Generic[A]" if "A" in rows else ""
    return f"Flow[{', '.join(rows)}], CatalogueBlock{generic}"


def _write_field(
    sent: str, live: LiveField, built_in: type[CatalogueBlock] | None
) -> str:
    """Return the type of a field, and its default."""
    ours = {} if built_in is None else spec_types(built_in)
    hint = _write_type(live)
    if hint.startswith("Mapping") and type[Any] in get_args(ours.get(sent)):
        hint = "FieldMap"
    if (
        built_in
        and built_in.about.gives == "dataframe_type"
        and sent == "dataframe_type"
    ):
        hint = "RowKind[A]"
    if live.is_nullable and hint != "Any":
        hint += " | None"
    if live.is_required:
        return hint
    # Such as the `auto_execute=False` of Search, without which it buys at once.
    default = next((argument.default for argument in _arguments(built_in, sent)), None)
    shown = repr(default) if isinstance(default, bool) else "UNSET"
    return f"{hint} | Unset = {shown}"


def _arguments(built_in: Any, sent: str) -> Iterator[attrs.Attribute[Any]]:
    """Yield the argument of a class that sets a spec, if it has one."""
    for argument, spec in () if built_in is None else built_in.spec_names.items():
        if spec == sent:
            yield attrs.fields_dict(built_in)[argument]


def _write_type(live: LiveField, depth: int = 0) -> str:
    words = live.words
    if words and all(type(word) in (str, int, bool) for word in words):
        if len(words) <= MOST_WORDS:
            return f"Literal[{', '.join(map(repr, words))}]"
        return "str" if all(isinstance(word, str) for word in words) else "Any"
    kind = live.schema.get("type")
    if kind == "array":
        items = live.items
        nested = "Any" if items is None or depth else _write_type(items, depth + 1)
        return f"Sequence[{nested}]"
    return _TYPES.get(kind, "Any") if isinstance(kind, str) and not words else "Any"


def _describe(live: LiveField) -> str:
    facts = describe_field(live).partition(" · ")[2]
    return " · ".join(filter(None, [_clean(live.description), facts]))


def _clean(text: object) -> str:
    words = " ".join(text.split()) if isinstance(text, str) else ""
    return truncate(mask(words), LONGEST_TEXT)


# -- Names -----------------------------------------------------------------------------


def _name_fields(
    fields: Collection[str], built_in: type[CatalogueBlock] | None
) -> Iterator[tuple[str, str]]:
    """Yield the argument of each field that can have one, and its name in specs.

    Underscores at its end tell it from another meaning of the name, and are not sent.
    """
    is_filter = built_in is not None and issubclass(built_in, FilterBase)
    for sent in fields:
        is_inherited = is_filter and sent in FilterBase.spec_names.values()
        if _NAME.fullmatch(sent) and not sent.endswith("_") and not is_inherited:
            is_taken = sent in _RESERVED or keyword.iskeyword(sent)
            yield f"{sent}_" if is_taken else sent, sent


def _name_class(words: str, taken: Collection[str]) -> str:
    parts = re.findall(r"[A-Za-z0-9]+", words[:LONGEST_NAME])
    base = "".join(part[:1].upper() + part[1:] for part in parts)
    base = base if base[:1].isalpha() else f"Block{base}"
    name, number = base, 1
    while name in taken or name in _TAKEN or keyword.iskeyword(name):
        number += 1
        name = f"{base}{number}"
    return name


_NAME: Final = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{LONGEST_NAME - 1}}}")


# -- Changes of the list ---------------------------------------------------------------


class CatalogueChange(NamedTuple):
    """A kind, or a field of one, that another list of blocks has in another way.

    Attributes:
        path: The kind, or its field as in `score_lead.signals[*].column`.
        before: What the earlier list says; None if it is not there.
        after: What the later list says; None if it is not there.
    """

    path: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None or self.after is None:
            sign, text = ("-", "") if self.after is None else ("+", self.after)
        else:
            sign, text = "!", f"{self.before} → {self.after}"
        return clean_text(f"{sign} {self.path}" + (f": {text}" if text else ""))


def compare_catalogues(
    before: LiveCatalogue, after: LiveCatalogue
) -> list[CatalogueChange]:
    """Return the kinds and fields that differ between two lists.

    The order of an answer means nothing, nor does its date or a description.
    """
    old, new = _list_facts(before), _list_facts(after)
    return [
        CatalogueChange(".".join(path), old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
        if path[0] in after.blocks or len(path) == 1  # no fields of a kind that is gone
    ]


def _list_facts(catalogue: LiveCatalogue) -> Mapping[tuple[str, ...], str]:
    facts: dict[tuple[str, ...], str] = {}
    for kind, block in catalogue.blocks.items():
        about = ["a schema" if block.specs_schema is not None else "no schema"]
        about += [shortened(thaw(block.extra))] if block.extra else []
        facts[kind,] = " · ".join(about)
        for path, live in walk_fields(block.fields):
            facts[kind, path] = describe_field(live)
    return facts
