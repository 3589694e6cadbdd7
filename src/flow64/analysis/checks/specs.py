"""The judge of specs: the class of a kind judges its fields by their types.

The severity follows from how well a fact is known. Only what is documented can be an
error, and what is inferred is a warning.
"""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, Union
from urllib.parse import urlsplit

from attrs import frozen

from ...blocks import (
    BUILT_IN,
    CATALOGUE,
    CREATE_NEW,
    DATAFRAME_TYPES,
    FILTER_LOGIC,
    FILTER_OPERATORS,
    OLD_NAMES,
    TYPE_WORDS,
    AppendToNotebook,
    CompanyEnrichment,
    Fact,
    Filter,
    LeadEnrichment,
    OutgoingWebhook,
    QaAgent,
    Webhook,
    facts_of,
    spec_types,
)
from ...definition import (
    Definition,
    FrozenDict,
    FrozenList,
    Hidden,
    Value,
    WireBlock,
)
from ...diagnostics import Severity
from ...dsl import RowKind, Unset
from ...endpoints import is_loopback
from ...text import did_you_mean, join_words, shortened
from ..columns import once
from .rule import Found, rule, small_workflow

ALIKE: Final = 0.7
"""How much a new kind and a known one are alike at least, for a slip of the pen."""

_EMPTY: Final = (None, "")
_LATER: Final = (Value, Hidden)


# -- Fields ----------------------------------------------------------------------------


@frozen
class FieldType:
    """The JSON values that a field takes.

    Attributes:
        name: Its description in words.
        kinds: Its Python types.
        items: The type of the items of a list.
    """

    name: str
    kinds: tuple[type[Any], ...]
    items: FieldType | None = None

    def takes(self, value: Any) -> bool:
        """Return True if a JSON value fits. Values that are filled in later fit."""
        kind = type(value)
        if kind is FrozenList or kind is list:
            takes = None if self.items is None else self.items.takes
            return list in self.kinds and (takes is None or all(map(takes, value)))
        if kind is FrozenDict:
            kind = dict
        return kind in self.kinds or kind in _LATER


SCALARS: Final[Mapping[Any, FieldType]] = {
    str: FieldType("text", (str,)),
    bool: FieldType("true or false", (bool,)),
    int: FieldType("a whole number", (int,)),
    float: FieldType("a number", (int, float)),
}
_OBJECT: Final = FieldType("an object", (dict,))
_MAP: Final = FieldType("an object of names", (dict,))
_ENTRY: Final = FieldType("text or an object", (str, dict))


@frozen
class Field:
    """A spec field of a kind, as its class has it.

    Attributes:
        type: The values that it takes; None if that is unknown, or if it takes words.
        words: The words that it takes.
        is_certain: Whether other words are documented to be wrong.
    """

    name: str
    fact: Fact
    type: FieldType | None
    words: Sequence[str] = ()
    is_certain: bool = False

    @property
    def is_map(self) -> bool:
        """Whether it is a field map: names with descriptions or types."""
        return self.type is _MAP

    def takes(self, value: Any) -> bool:
        """Return True if a JSON value fits. Values that are filled in later fit."""
        words, wanted, kind = self.words, self.type, type(value)
        if words:
            return value in words or kind in _LATER
        if wanted is _MAP and kind is FrozenDict:
            entries = value.values()
            return all(type(e) is str or _ENTRY.takes(e) for e in entries)
        return wanted is None or wanted.takes(value)


def fields_of(kind: str) -> Mapping[str, Field]:
    """Return the fields of a kind of the catalogue, by name."""
    # To mypy a class has the __hash__ of its instances, and so is not hashable.
    cls: Any = CATALOGUE[kind]
    return _fields_of(cls)


@cache
def _fields_of(cls: Any) -> Mapping[str, Field]:
    facts = facts_of(cls)
    return {
        name: Field(
            name,
            facts[name],
            _field_type(hint),
            cls.about.words.get(name) or _words_in(hint),
            is_certain=name in cls.about.words,
        )
        for name, hint in spec_types(cls).items()
        if cls.specs_known or name != "specs"  # the argument for all of them
    }


def field_maps(kind: str) -> Sequence[str]:
    """Return the fields of a kind that are field maps."""
    fields = fields_of(kind) if kind in CATALOGUE else {}
    return [name for name, field in fields.items() if field.is_map]


def _field_type(hint: Any) -> FieldType | None:
    if hint in SCALARS:
        return SCALARS[hint]
    if typing.is_typeddict(hint):
        return _OBJECT
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        members = [member for member in args if member not in (Unset, type(None))]
        if type[Any] in members:
            return _MAP
        known = [_field_type(member) for member in members]
        if None in known or not known:
            return None
        some = [member for member in known if member is not None]
        kinds = tuple(kind for member in some for kind in member.kinds)
        names = " or ".join(member.name for member in some)
        return some[0] if len(some) == 1 else FieldType(names, kinds)
    if origin is Sequence:
        items = _field_type(args[0])
        inside = f" with {items.name} in each place" if items else ""
        return FieldType(f"a list{inside}", (list,), items)
    return _OBJECT if origin is Mapping else None


def _words_in(hint: Any) -> Sequence[str]:
    """Return the words that a type lists."""
    members = (hint, *typing.get_args(hint))
    if any(typing.get_origin(member) is RowKind for member in members):
        return DATAFRAME_TYPES
    literals = (member for member in members if typing.get_origin(member) is Literal)
    return [word for literal in literals for word in typing.get_args(literal)]


def _blocks(
    definition: Definition,
) -> Iterator[tuple[int, WireBlock, Mapping[str, Field]]]:
    """Yield the blocks of known kinds with specs, each with its fields."""
    blocks = definition.blocks
    for kind, positions in definition.by_kind.items():
        if kind in CATALOGUE:
            fields = fields_of(kind)
            for position in positions:
                block = blocks[position]
                if block.specs:
                    yield position, block, fields


@once
def _misfits(definition: Definition) -> Sequence[tuple[int, Field, Any]]:
    """Return the values that do not fit their fields, each with a position."""
    misfits = []
    for position, block, fields in _blocks(definition):
        for name, value in block.specs.items():
            field = fields.get(name)
            if field is not None and not field.takes(value):
                misfits.append((position, field, value))
    return misfits


def conditions(specs: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the conditions of a filter that are mappings."""
    filters = specs.get("filters")
    if not isinstance(filters, list):
        return ()
    return [condition for condition in filters if isinstance(condition, dict)]


# -- Kinds and names of fields ---------------------------------------------------------


@rule(
    "specs",
    "warning",
    advice="write the current name",
    example='flow = Webhook(LEAD) >> RawBlock("enrich_lead")',
)
def old_kind_name(definition: Definition) -> Iterator[Found]:
    """A kind has a name from older pages; newer sources agree on another one."""
    for position, block in definition.of_kind(*OLD_NAMES):
        message = f"{block.kind} is the old name of {OLD_NAMES[block.kind]}"
        yield Found(position, message, f"write {OLD_NAMES[block.kind]}")


@rule(
    "specs",
    "note",
    advice=(
        "look it up in the service's own list of blocks; if it is there, nothing needs "
        "fixing (see docs/how-to-unknown-kinds.md)"
    ),
    example='flow = Webhook(LEAD) >> RawBlock("find_emails")',
)
def unknown_kind(definition: Definition) -> Iterator[Found]:
    """The catalogue does not know a kind, so nothing about the block was checked.

    The service may know it: no page lists all its blocks.
    """
    for kind, positions in definition.by_kind.items():
        if kind not in CATALOGUE and kind not in OLD_NAMES:
            near = did_you_mean(kind, CATALOGUE, cutoff=ALIKE)
            more = f" ({len(positions)} blocks)" if len(positions) > 1 else ""
            message = f"{shortened(kind)} is not in the catalogue{near}, so not checked"
            yield Found(positions[0], f"{message}{more}")


def _strange_fields(definition: Definition) -> Iterator[tuple[int, str, bool, str]]:
    """Yield fields that a kind lacks: position, name, by `extra`, suggestion."""
    for position, block, fields in _blocks(definition):
        if (
            not block.specs.keys() <= fields.keys()
            and CATALOGUE[block.kind].specs_known
        ):
            for name in block.specs.keys() - fields.keys():
                is_extra = name in definition.origins[position].extra
                yield position, name, is_extra, did_you_mean(name, fields)


@rule(
    "specs",
    "warning",
    advice=(
        "correct the spelling; if the service knows the field, nothing needs fixing"
    ),
    example='flow = Webhook(LEAD) >> FindEmail(extra={"moode": "PERSONAL"})',
)
def unknown_field(definition: Definition) -> Iterator[Found]:
    """The catalogue does not know a spec field of this kind; it may be misspelt.

    A field passed through `extra=` is reported only if it resembles a known one.
    """
    for position, name, is_extra, near in _strange_fields(definition):
        if near or not is_extra:
            kind = definition.blocks[position].kind
            message = f"{kind} has no field {shortened(name)} that is known{near}"
            known = join_words(fields_of(kind), 20) or "none"
            yield Found(position, message, f"it has {known}")


@rule(
    "specs",
    "note",
    advice="look it up in the service's own list of blocks",
    example='flow = Webhook(LEAD) >> FindEmail(extra={"region": "eu"})',
)
def unchecked_field(definition: Definition) -> Iterator[Found]:
    """A field was passed through `extra=`; it is sent as it is and was not checked."""
    for position, name, is_extra, near in _strange_fields(definition):
        if is_extra and not near:
            message = f"{shortened(name)} was passed through extra= and not checked"
            yield Found(position, message)


# -- Values of fields ------------------------------------------------------------------


@rule(
    "specs",
    "error",
    "warning",
    advice="write one of the documented words",
    example=small_workflow({"mode": "BUSINESS"}, kind="find_email"),
)
def unknown_word(definition: Definition) -> Iterator[Found]:
    """A spec holds a word that is not on the list of words.

    It is a warning for a word in another case, for a word of an endpoint, and for the
    operator and the `and` or `or` of a condition, since only one source lists them.
    """
    for position, field, value in _misfits(definition):
        if field.words and value is not None:
            severity: Severity = "error" if field.is_certain else "warning"
            yield _word(position, field.name, value, field.words, severity)
    for position, block in definition.of_kind(Filter.kind):
        for at, condition in enumerate(conditions(block.specs)):
            yield from _condition_words(position, f"filters[{at}]", condition)


def _condition_words(
    position: int, place: str, condition: Mapping[str, Any]
) -> Iterator[Found]:
    for name, words in (("operator", FILTER_OPERATORS), ("logic", FILTER_LOGIC)):
        value = condition.get(name)
        if value is None or value in words or isinstance(value, _LATER):
            continue
        yield _word(position, f"{place}.{name}", value, words, "warning")


def _word(
    position: int, name: str, value: Any, words: Sequence[str], severity: Severity
) -> Found:
    listed = f"it takes {', '.join(words)}"
    if isinstance(value, str) and value.upper() in words:
        message = f"{name} is {value!r}, and the documented word is {value.upper()!r}"
        return Found(position, message, f"write {value.upper()}", "warning")
    near = did_you_mean(value, words) if isinstance(value, str) else ""
    message = f"{name} is {shortened(value)}, which is not a documented word{near}"
    return Found(position, message, listed, severity)


@rule(
    "specs",
    "error",
    "warning",
    advice="write a value of the documented type",
    example=(
        'url = "https://example.com/hook"\n'
        'flow = Webhook(LEAD) >> OutgoingWebhook(url=url, timeout_seconds="10")'
    ),
)
def wrong_field_type(definition: Definition) -> Iterator[Found]:
    """A field holds a value of another type than the one that is known.

    It is an error if the type is documented, or if a text or number stands in place of
    a list or object. Otherwise it is a warning, and so is null. Values that an
    environment fills in are accepted.
    """
    for position, field, value in _misfits(definition):
        kind, name = definition.blocks[position].kind, field.name
        if value is None:
            if name not in CATALOGUE[kind].about.must_have:
                message = f"{name} is null, and no document says what that means"
                yield Found(position, message, f"leave {name} out", "warning")
        elif field.type is not None and not field.type.takes(value):
            yield _mismatch(position, name, value, field, field.type)
        elif field.is_map:
            for key, entry in value.items():
                if entry is None:
                    message = f"{name}.{key} is null, and says nothing about the field"
                    yield Found(position, message, "write a description", "warning")
                elif not _ENTRY.takes(entry):
                    yield _mismatch(position, f"{name}.{key}", entry, field, _ENTRY)


def _mismatch(
    position: int, name: str, value: Any, field: Field, wanted: FieldType
) -> Found:
    """Return the finding of a value that does not fit."""
    has_other_shape = isinstance(value, list | dict) or (
        not set(wanted.kinds).isdisjoint((list, dict)) and not isinstance(value, dict)
    )
    confidence = field.fact.confidence
    is_error = confidence == "D" or (confidence == "D1" and has_other_shape)
    message = f"{name} is {shortened(value)}, where {wanted.name} is wanted"
    return Found(position, message, severity="error" if is_error else "warning")


@rule(
    "specs",
    "error",
    "warning",
    advice="set the field",
    example='flow = Webhook(LEAD) >> OutgoingWebhook(url="")',
)
def missing_field(definition: Definition) -> Iterator[Found]:
    """A spec that the documents require is missing or empty.

    It is a warning for a text of blanks, for the row kind of a webhook, about which
    sources disagree, and inside a filter, since only one source requires it there.
    """
    blocks = definition.blocks
    for kind, positions in definition.by_kind.items():
        for name in CATALOGUE[kind].about.must_have if kind in CATALOGUE else ():
            for position in positions:
                value = blocks[position].specs.get(name)
                if value in _EMPTY:
                    message = f"{kind} has no {name}, and the service requires it"
                    yield Found(position, message, f"set {name}=...")
                elif isinstance(value, str) and value.isspace():
                    message = f"{name} is {value!r}, which is blank"
                    yield Found(position, message, f"set {name}=...", "warning")
    yield from _find_missing_by_kind(definition)


def _find_missing_by_kind(definition: Definition) -> Iterator[Found]:
    for position, block in definition.of_kind(Webhook.kind):
        if "dataframe_type" not in block.specs:
            message = (
                "dataframe_type is not set, and sources disagree on leaving it out"
            )
            advice = "write Webhook(LEAD) or Webhook(COMPANY)"
            yield Found(position, message, advice, "warning")
    for position, block in definition.of_kind(Filter.kind):
        if block.specs.get("filters") == []:
            message = "filters has no condition, so it tests nothing"
            yield Found(position, message, _CONDITION, "warning")
        for at, condition in enumerate(conditions(block.specs)):
            for name in ("column", "operator"):
                if _is_blank(condition.get(name)):
                    message = f"filters[{at}] has no {name}, which every condition has"
                    yield Found(position, message, _CONDITION, "warning")


_CONDITION: Final = 'write it as in Filter.where("email_status").equals("OK")'


def _is_blank(value: Any) -> bool:
    """Return True for no text, and for a text of blanks. An environment may fill it."""
    if isinstance(value, str):
        return not value.strip()
    return not isinstance(value, _LATER)


@rule(
    "specs",
    "warning",
    advice="write 1 or more, or leave the field out",
    example='flow = Search(LEAD, query="Heads of finance", max_results=0)',
)
def number_below_one(definition: Definition) -> Iterator[Found]:
    """A number of rows, seconds, rounds or calls is zero or less.

    No document says what the service makes of it.
    """
    for position, block, fields in _blocks(definition):
        for name, value in block.specs.items():
            if type(value) is int and value < 1 and name in fields:
                unit = fields[name].fact.unit
                if unit is not None and block.kind in BUILT_IN:
                    message = f"{name} is {value}, and a number of {unit} is 1 or more"
                    yield Found(position, message)


@rule(
    "specs",
    "error",
    "warning",
    "note",
    advice=(
        "write an absolute https address, such as `https://your-domain.example/hook`"
    ),
    example='flow = Webhook(LEAD) >> OutgoingWebhook(url="example.com/hook")',
)
def insecure_url(definition: Definition) -> Iterator[Found]:
    """The URL of an outgoing webhook is not absolute and https.

    That it must be absolute is documented. That it must be https is inferred, so http
    is a warning, as are credentials in it. http to a loopback address is a note: the
    emulator delivers there, the service cannot.
    """
    for position, block in definition.of_kind(OutgoingWebhook.kind):
        url = block.specs.get("url")
        if isinstance(url, str) and url.strip() and not _CLEAR_URL.match(url):
            yield from _judge_url(position, url)


# The plain shape of nearly every one; the others are taken apart.
_CLEAR_URL: Final = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(/|\Z)")


def _judge_url(position: int, url: str) -> Iterator[Found]:
    try:
        parts = urlsplit(url)
        scheme, host, owner = parts.scheme, parts.hostname, parts.netloc
    except ValueError:
        scheme = host = owner = ""
    if not host or scheme not in ("http", "https"):
        message = f"url is {shortened(url)}, which is not an absolute https address"
        yield Found(position, message)
    elif "@" in owner:
        message = "url has credentials, which everyone who reads the workflow can see"
        advice = 'let the environment fill it in: url=value("hook", secret=True)'
        yield Found(position, message, advice, "warning")
    elif scheme == "http" and is_loopback(host):
        message = "url is http to this machine, which the service cannot reach"
        advice = "use https before you deploy it anywhere else"
        yield Found(position, message, advice, "note")
    elif scheme == "http":
        message = f"url is http to {host}, so rows would travel in the clear"
        yield Found(position, message, severity="warning")


@rule(
    "specs",
    "warning",
    advice='name the new notebook: `notebook_name="Leads of May"`',
    example='flow = Webhook(LEAD) >> AppendToNotebook(notebook_id="__create_new__")',
)
def notebook_name_missing(definition: Definition) -> Iterator[Found]:
    """A new notebook is requested without a name.

    The only example has a name. That it is required is inferred.
    """
    for position, block in definition.of_kind(AppendToNotebook.kind):
        specs = block.specs
        if specs.get("notebook_id") == CREATE_NEW and not specs.get("notebook_name"):
            message = f"notebook_id is {CREATE_NEW!r}, and the new notebook has no name"
            yield Found(position, message)


@rule(
    "specs",
    "warning",
    advice='write the rows as JSON text: `json.dumps([{"email": "ada@acme.example"}])`',
    example='flow = Webhook(LEAD, webhook_input="ada@acme.example") >> FindPhone()',
)
def unreadable_sample(definition: Definition) -> Iterator[Found]:
    """The sample rows of a webhook are not JSON text with a list of rows."""
    for position, block in definition.of_kind(Webhook.kind):
        text = block.specs.get("webhook_input")
        if isinstance(text, str) and text and not _is_rows(text):
            yield Found(position, "webhook_input is not JSON text with a list of rows")


def _is_rows(text: str) -> bool:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        return False
    rows = rows if isinstance(rows, list) else [rows]
    return all(isinstance(row, dict) for row in rows)


@rule(
    "specs",
    "warning",
    advice="write two filters, one after the other",
    example=(
        'both = Filter.where("email").is_empty().and_("phone").is_empty()\n'
        'flow = Webhook(LEAD) >> both.or_("name").is_empty()'
    ),
)
def mixed_logic(definition: Definition) -> Iterator[Found]:
    """A filter mixes `and` with `or`. Their precedence is unknown."""
    for position, block in definition.of_kind(Filter.kind):
        words = [condition.get("logic") for condition in conditions(block.specs)]
        if "and" in words[1:] and "or" in words[1:]:
            message = "it mixes and with or, and which binds first is unknown"
            yield Found(position, message)


# -- Field maps ------------------------------------------------------------------------


@rule(
    "specs",
    "warning",
    advice='name the fields: `return_fields={"title": "Current job title"}`',
    example="flow = Webhook(LEAD) >> LeadEnrichment(return_fields={})",
)
def nothing_to_find(definition: Definition) -> Iterator[Found]:
    """An enrichment asks for no fields, so it may cost credits and add no column.

    That fields are required is inferred. A `company_enrichment` may look for people
    alone.
    """
    wanted = ("return_fields", "find_people", "full_org_chart")
    kinds = (LeadEnrichment.kind, CompanyEnrichment.kind)
    for position, block in definition.of_kind(*kinds):
        if not any(block.specs.get(name) for name in wanted):
            message = f"{block.kind} asks for no fields, so it adds no column"
            yield Found(position, message)


@rule(
    "specs",
    "warning",
    advice='write texts alone: `struct={"size": "Number of employees"}`',
    example=(
        'size = {"description": "Number of employees", "type": "int"}\n'
        'flow = Webhook(LEAD) >> QaAgent(struct={"size": size})'
    ),
)
def object_in_struct(definition: Definition) -> Iterator[Found]:
    """A value of `qa_agent.struct` is an object, or a class under `@returns`.

    The endpoint of the same name takes texts alone there. That the block does too is
    inferred.
    """
    for position, block in definition.of_kind(QaAgent.kind):
        fields = block.specs.get("struct")
        items = fields.items() if isinstance(fields, dict) else ()
        names = [f"struct.{name}" for name, item in items if isinstance(item, dict)]
        if names:
            shown = join_words(names, 8)
            message = f"an object where the endpoint takes texts alone: {shown}"
            yield Found(position, message)


@once
def _entries(definition: Definition) -> Sequence[tuple[int, str, str, Any]]:
    """Return the entries of field maps: position, field, key, entry."""
    return [
        (position, name, key, entry)
        for position, block, fields in _blocks(definition)
        for name, value in block.specs.items()
        if isinstance(value, dict) and name in fields and fields[name].is_map
        for key, entry in value.items()
    ]


@rule(
    "specs",
    "warning",
    advice="write one of the documented words",
    example='flow = Webhook(LEAD, input_schema={"email": "text"})',
)
def unknown_type_word(definition: Definition) -> Iterator[Found]:
    """A field map names a type that is not on the documented list.

    The service's field generator has more words (`enum`, `object`...), so it may be
    accepted.
    """
    for position, name, key, entry in _entries(definition):
        word = entry if name == "input_schema" else None
        word = entry.get("type") if isinstance(entry, dict) else word
        if isinstance(word, str) and word not in TYPE_WORDS:
            near = did_you_mean(word, TYPE_WORDS)
            message = (
                f"{name}.{key} is of type {shortened(word)}, which is undocumented"
            )
            advice = f"documented are {', '.join(TYPE_WORDS)}"
            yield Found(position, f"{message}{near}", advice)


@rule(
    "specs",
    "note",
    advice=(
        'write `{"description": "Current job title", "type": "str"}`, or a '
        "class under `@returns`"
    ),
    example=(
        'flow = Webhook(LEAD) >> LeadEnrichment(return_fields={"title": "string"})'
    ),
)
def type_word_as_description(definition: Definition) -> Iterator[Found]:
    """A field to find is given as a bare type word, or as a word that looks like one.

    The service reads bare text as the field's description (documented). Its own guide
    nevertheless writes type words there.
    """
    fields: dict[int, list[str]] = {}
    for position, name, key, entry in _entries(definition):
        is_word = isinstance(entry, str) and name != "input_schema"
        if is_word and (entry in _TYPE_LIKE or _is_nearly_a_type(entry)):
            fields.setdefault(position, []).append(f"{name}.{key}")
    for position, names in fields.items():
        message = f"a bare type word is read as a description: {join_words(names)}"
        yield Found(position, message)


_TYPE_LIKE: Final = frozenset(
    (*TYPE_WORDS, "text", "number", "enum", "object", "array", "date", "null")
)


def _is_nearly_a_type(word: str) -> bool:
    # Of one letter more or less, which no description is.
    return word.isalpha() and bool(did_you_mean(word, TYPE_WORDS, cutoff=0.85))


# -- Facts -----------------------------------------------------------------------------


@rule(
    "facts",
    "note",
    advice="try it with few rows first",
    example="flow = Webhook(LEAD) >> FindEmail(verify_emails=False)",
)
def unconfirmed_facts(definition: Definition) -> Iterator[Found]:
    """Fields are used that no document confirms for the block; one line for all."""
    names: dict[str, None] = {}
    for _, block, fields in _blocks(definition):
        is_whole = not CATALOGUE[block.kind].specs_known
        for name in block.specs:
            field = fields.get(name)
            if field is None and is_whole:
                names[f"{block.kind}.specs"] = None
            elif field is not None and field.fact.confidence in ("I", "U"):
                names[f"{block.kind}.{name}"] = None
        if block.kind == Filter.kind and _has_or(conditions(block.specs)):
            names["filter.filters (or)"] = None
    if names:
        message = f"it uses what no document confirms: {join_words(names, 20)}"
        yield Found(None, message)


def _has_or(listed: Iterable[Mapping[str, Any]]) -> bool:
    return any(condition.get("logic") == "or" for condition in listed)
