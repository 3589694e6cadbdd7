"""Advice about kinds and spec fields, by the catalogue's knowledge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ...blocks import (
    CATALOGUE,
    CREATE_NEW,
    OLD_NAMES,
    TYPE_WORDS,
    AppendToNotebook,
    CatalogueBlock,
    Filter,
    QaAgent,
    facts_of,
    of_catalogue,
)
from ...definition import Definition
from ...text import did_you_mean, join_words, shortened
from .._memo import once
from .._types import field_maps, field_types
from ._rule import Found, rule
from ._specs import conditions

_TYPE_WORDS: Final = frozenset(TYPE_WORDS)


def _known_kinds(definition: Definition) -> Iterator[tuple[str, type[CatalogueBlock]]]:
    for kind in definition.by_kind:
        if kind in CATALOGUE:
            yield kind, CATALOGUE[kind]


def _strange_fields(definition: Definition) -> Iterator[tuple[int, str, str]]:
    """Yield position, kind and name of each field that its kind does not have."""
    for kind, cls in _known_kinds(definition):
        if not cls.specs_known:
            continue
        known = facts_of(cls).keys()
        for position, block in definition.of_kind(kind):
            if not block.specs.keys() <= known:
                for name in block.specs:
                    if name not in known:
                        yield position, kind, name


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


ALIKE: Final = 0.7
"""How much a new kind and a known one are alike at least, for a slip of the pen."""


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
    known = CATALOGUE.keys() | OLD_NAMES.keys()
    for kind, positions in definition.by_kind.items():
        if kind not in known:
            near = did_you_mean(kind, CATALOGUE, cutoff=ALIKE)
            more = f" ({len(positions)} blocks)" if len(positions) > 1 else ""
            message = (
                f"{shortened(kind)} is not in the catalogue{near}, so not checked{more}"
            )
            yield Found(positions[0], message)


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
    for position, kind, name in _strange_fields(definition):
        known = _fields(kind)
        near = did_you_mean(name, known)
        if near or name not in definition.origins[position].extra:
            message = f"{kind} has no field {shortened(name)} that is known{near}"
            fields = join_words(known, 20) or "none"
            yield Found(position, message, f"it has {fields}")


@rule(
    "specs",
    "note",
    advice="look it up in the service's own list of blocks",
    example='flow = Webhook(LEAD) >> FindEmail(extra={"region": "eu"})',
)
def unchecked_field(definition: Definition) -> Iterator[Found]:
    """A field was passed through `extra=`; it is sent as it is and was not checked."""
    for position, kind, name in _strange_fields(definition):
        is_extra = name in definition.origins[position].extra
        if is_extra and not did_you_mean(name, _fields(kind)):
            message = f"{shortened(name)} was passed through extra= and not checked"
            yield Found(position, message)


@rule(
    "specs",
    "warning",
    advice="write a value of the documented type",
    example=(
        'url = "https://example.com/hook"\n'
        'flow = Webhook(LEAD) >> OutgoingWebhook(url=url, timeout_seconds="10")'
    ),
)
def wrong_field_type(definition: Definition) -> Iterator[Found]:
    """A documented field holds a value of another type than documented.

    Null and values that an environment fills in are accepted.
    """
    for kind, _ in _known_kinds(definition):
        documented = _types_to_judge(kind)
        plain: set[Any] = set()
        for position, block in definition.of_kind(kind):
            specs = block.specs
            if not specs:
                continue
            shape = (*specs, *map(type, specs.values()))
            if shape in plain:
                continue
            is_plain = True
            for name, value in specs.items():
                wanted = documented.get(name)
                if wanted is None:
                    continue
                is_plain = is_plain and wanted.items is None
                if not wanted.takes(value):
                    is_plain = False
                    message = (
                        f"{name} is {shortened(value)}, where {wanted.name} is wanted"
                    )
                    yield Found(position, message, f"see the page of {kind}")
            if is_plain:  # then all blocks with these fields and types of values are
                plain.add(shape)


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
    for position, where, word in _strange_types(definition):
        if word not in _TYPE_WORDS:
            near = did_you_mean(word, TYPE_WORDS)
            message = (
                f"{where} is of type {shortened(word)}, which is undocumented{near}"
            )
            yield Found(position, message, f"documented are {', '.join(TYPE_WORDS)}")


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
    """A field to find is given as a bare type word.

    The service reads bare text as the field's description (documented). Its own guide
    nevertheless writes type words there.
    """
    found: dict[int, list[str]] = {}
    for position, where, word in _strange_types(definition):
        if word in _TYPE_WORDS:
            found.setdefault(position, []).append(where)
    for position, names in found.items():
        message = f"a bare type word is read as a description: {join_words(names)}"
        yield Found(position, message)


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


@rule(
    "facts",
    "note",
    advice="try it with few rows first",
    example="flow = Webhook(LEAD) >> FindEmail(verify_emails=False)",
)
def unconfirmed_facts(definition: Definition) -> Iterator[Found]:
    """Fields are used that no document confirms for the block; one line for all."""
    found: list[str] = []
    by_kind, blocks = definition.by_kind, definition.blocks
    for kind, doubtful in _unconfirmed_fields(tuple(by_kind)):
        used: set[str] = set()
        for position in by_kind[kind]:
            used.update(blocks[position].specs)
        if CATALOGUE[kind].specs_known:
            found += [f"{kind}.{name}" for name in doubtful if name in used]
        elif not used <= facts_of(CATALOGUE[kind]).keys():
            found.append(f"{kind}.specs")
    for _, block in definition.of_kind(Filter.kind):
        if any(condition.get("logic") == "or" for condition in conditions(block.specs)):
            found.append("filter.filters (or)")
            break
    if found:
        message = f"it uses what no document confirms: {join_words(found, 20)}"
        yield Found(None, message)


def _fields(kind: str) -> Sequence[str]:
    return [*facts_of(CATALOGUE[kind])]


@of_catalogue
def _types_to_judge(kind: str) -> Mapping[str, Any]:
    cls = CATALOGUE[kind]
    facts = facts_of(cls)
    return {
        name: made
        for name, made in field_types(kind).items()
        if cls.specs_known and facts[name].confidence in ("D", "D1")
    }


@of_catalogue
def _unconfirmed_fields(kinds: tuple[str, ...]) -> Sequence[tuple[str, Sequence[str]]]:
    """Return the kinds with fields that no document confirms, and these fields."""
    found = []
    for kind in kinds:
        facts = facts_of(CATALOGUE[kind]).items() if kind in CATALOGUE else ()
        names = [name for name, fact in facts if fact.confidence in ("I", "U")]
        if names:
            found.append((kind, names))
    return found


@of_catalogue
def _kinds_with_field_maps(
    kinds: tuple[str, ...],
) -> Sequence[tuple[str, Sequence[str]]]:
    """Return the kinds with fields that are field maps, and these fields."""
    known = [kind for kind in kinds if kind in CATALOGUE]
    return [(kind, names) for kind in known if (names := field_maps(kind))]


@once
def _strange_types(definition: Definition) -> Sequence[tuple[int, str, str]]:
    """Return unknown type words, and known ones in place of a description.

    Bare text in a field map is a description, except in `input_schema`.
    """
    found = []
    by_kind, blocks = definition.by_kind, definition.blocks
    for kind, names in _kinds_with_field_maps(tuple(by_kind)):
        for position in by_kind[kind]:
            specs = blocks[position].specs
            for name in names:
                fields = specs.get(name)
                if not isinstance(fields, dict):
                    continue
                is_described = name != "input_schema"
                for key, entry in fields.items():
                    word, is_strange = entry, is_described
                    if isinstance(entry, dict):
                        word, is_strange = entry.get("type"), False
                    if isinstance(word, str) and is_strange is (word in _TYPE_WORDS):
                        found.append((position, f"{name}.{key}", word))
    return found
