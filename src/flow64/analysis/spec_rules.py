"""The judge of specs: the class of a kind judges its fields by their types.

The severity follows from how well a fact is known. Only what is documented can be an
error, and what is inferred is a warning. If the service's own list of blocks has a
schema for a kind, `live_rules` judges its fields instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from ..blocks import (
    CATALOGUE,
    FILTER_LOGIC,
    FILTER_OPERATORS,
    OLD_NAMES,
    TYPE_WORDS,
    CompanyEnrichment,
    Confidence,
    Filter,
    LeadEnrichment,
    OutgoingWebhook,
    QaAgent,
    Webhook,
)
from ..definition import Definition, FrozenDict, FrozenList
from ..diagnostics import Severity
from ..endpoints import host_of, is_loopback
from ..text import clipped, did_you_mean, join_words, shortened
from .fields import (
    ENTRY,
    LATER,
    TYPE_NAMES,
    JsonType,
    TypedField,
    describe_kind,
    list_conditions,
    survey,
)
from .live_rules import ALIKE, judge
from .rule import Fault, rule

# -- Kinds and names of fields ---------------------------------------------------------


@rule("specs", "note", "warning", of=["unknown-kind"])
def unknown_kind(definition: Definition) -> Iterator[Fault]:
    """The catalogue does not know a kind, so nothing about the block was checked.

    The service may know it: no page lists all its blocks. It is a warning for a name of
    older pages, where newer sources agree on another one.

    Fix: look it up in the service's own list of blocks; if it is there, nothing needs
    fixing.

    Example:
        flow = Webhook(LEAD) >> RawBlock("find_emails")
    """
    for kind, positions in definition.by_kind.items():
        if kind in CATALOGUE or (definition.listed and kind not in OLD_NAMES):
            continue  # `unlisted_kind` says it better
        more = f" ({len(positions)} blocks)" if len(positions) > 1 else ""
        if new := OLD_NAMES.get(kind):
            message = f"{kind} is the old name of {new}{more}"
            yield Fault(positions[0], message, f"write {new}", "warning")
        else:
            near = did_you_mean(kind, CATALOGUE, cutoff=ALIKE)
            message = f"{shortened(kind)} is not in the catalogue{near}, so not checked"
            yield Fault(positions[0], f"{message}{more}")


@rule("specs", "warning", of=["unknown-field"])
def unknown_field(definition: Definition) -> Iterator[Fault]:
    """The catalogue does not know a spec field of this kind; it may be misspelt.

    A field passed through `extra=` is reported only if it resembles a known one.

    Fix: correct the spelling; if the service knows the field, nothing needs fixing.

    Example:
        flow = Webhook(LEAD) >> FindEmail(extra={"moode": "PERSONAL"})
    """
    for position, name in survey(definition).unknown:
        kind = definition.blocks[position].kind
        if CATALOGUE[kind].specs_known:
            _, fields = describe_kind(kind)
            near = did_you_mean(name, fields)
            if near or name not in definition.origins[position].extra:
                message = f"{kind} has no field {shortened(name)} that is known{near}"
                advice = f"it has {join_words(fields, 20) or 'none'}"
                yield Fault(position, message, advice)


# -- Values of fields ------------------------------------------------------------------


@rule("specs", "error", "warning", of=["misfit", Filter])
def unknown_word(definition: Definition) -> Iterator[Fault]:
    """A spec holds a word that is not on the list of words.

    It is an error only if the field is documented. It is a warning if the words are
    inferred or only one source lists them, as for the operator of a condition, and for
    a word in another case.

    Fix: write one of the words.

    Example:
        flow = Webhook(LEAD) >> FindEmail(mode="BUSINESS")
    """
    for position, field, value in survey(definition).misfits:
        if field.words and value is not None:
            confidence = field.fact.confidence
            yield _judge_word(position, field.name, value, field.words, confidence)
    judged = judge(definition).mismatches
    lists = {"operator": FILTER_OPERATORS, "logic": FILTER_LOGIC}
    for position, block in definition.of_kind(Filter.kind):
        conditions = () if position in judged else list_conditions(block.specs)
        for at, condition in enumerate(conditions):
            for name, words in lists.items():
                value = condition.get(name)
                if not (value is None or value in words or type(value) in LATER):
                    path = f"filters[{at}].{name}"
                    yield _judge_word(position, path, value, words, "D1")


def _judge_word(
    position: int, name: str, value: Any, words: Sequence[str], confidence: Confidence
) -> Fault:
    basis = "documented" if confidence in ("D", "D1") else "inferred"
    if isinstance(value, str) and value.upper() in words:
        message = f"{name} is {value!r}, and the {basis} word is {value.upper()!r}"
        return Fault(position, message, f"write {value.upper()}", "warning")
    near = did_you_mean(value, words) if isinstance(value, str) else ""
    severity: Severity = "error" if confidence == "D" else "warning"
    message = f"{name} is {shortened(value)}, which is none of the {basis} words{near}"
    return Fault(position, message, f"it takes {', '.join(words)}", severity)


@rule("specs", "error", "warning", of=["misfit"])
def wrong_field_type(definition: Definition) -> Iterator[Fault]:
    """A field holds a value of another type than the one that is known.

    It is an error if the type is documented, or if a text or number stands in place of
    a list or object. Otherwise it is a warning, and so are null and an empty text.
    Values that an environment fills in are accepted.

    Fix: write a value of the documented type.

    Example:
        url = "https://example.com/hook"
        flow = Webhook(LEAD) >> OutgoingWebhook(url=url, timeout_seconds="10")
    """
    for position, field, value in survey(definition).misfits:
        name = field.name
        if value is None or (isinstance(value, str) and field.is_text):
            kind = definition.blocks[position].kind
            if name not in CATALOGUE[kind].about.must_have:
                word = "null" if value is None else "empty"
                message = f"{name} is {word}, and no document says what that means"
                advice = f"leave {name} out, or write a value"
                yield Fault(position, message, advice, "warning")
        elif field.type is not None and not field.type.takes(value):
            yield _judge_type(position, name, value, field, field.type)
        elif field.is_map:
            for key, entry in value.items():
                if entry is None or (not entry and name != "input_schema"):
                    message = f"{name}.{key} is empty, and says nothing of the field"
                    yield Fault(position, message, "write a description", "warning")
                elif not ENTRY.takes(entry):
                    path = f"{name}.{key}"
                    yield _judge_type(position, path, entry, field, ENTRY)


def _judge_type(
    position: int, name: str, value: Any, field: TypedField, wanted: JsonType
) -> Fault:
    shapes = {FrozenList, FrozenDict} & {type(value), *wanted.kinds}
    confidence = field.fact.confidence
    is_error = confidence == "D" or (confidence == "D1" and bool(shapes))
    severity: Severity = "error" if is_error else "warning"
    message = f"{name} is {shortened(value)}, where {wanted.name} is wanted"
    inner = f"[{TYPE_NAMES[wanted.items.kinds[0]][1]}]" if wanted.items else ""
    advice = f"write {name}={inner or TYPE_NAMES[wanted.kinds[0]][1]}"
    if name == "filters":
        advice = _CONDITION
    elif field.is_map:
        is_schema = field.name == "input_schema"
        entry = '"email": "string"' if is_schema else '"title": "Job title"'
        advice = f"write {field.name}={{{entry}}}"
    return Fault(position, message, advice, severity)


@rule("specs", "error", "warning", of=["must-have", "no-row-kind", Filter])
def missing_field(definition: Definition) -> Iterator[Fault]:
    """A spec that the documents require is missing or empty.

    It is a warning for a text of blanks, for the row kind of a webhook, about which
    sources disagree, and inside a filter, since only one source requires it there.

    Fix: set the field.

    Example:
        flow = Webhook(LEAD) >> OutgoingWebhook(url="")
    """
    judged = judge(definition).mismatches
    for kind, positions in definition.by_kind.items():
        for name in CATALOGUE[kind].about.must_have if kind in CATALOGUE else ():
            for position in positions if positions[0] not in judged else ():
                value = definition.blocks[position].specs.get(name)
                if value in (None, ""):
                    message = f"{kind} has no {name}, and the service requires it"
                    yield Fault(position, message, f"set {name}=...")
                elif isinstance(value, str) and value.isspace():
                    message = f"{name} is {value!r}, which is blank"
                    yield Fault(position, message, f"set {name}=...", "warning")
    for position, block in definition.of_kind(Webhook.kind):
        if "dataframe_type" not in block.specs:
            message = "sources disagree on leaving dataframe_type out"
            advice = "write Webhook(LEAD) or Webhook(COMPANY)"
            yield Fault(position, message, advice, "warning")
    for position, block in definition.of_kind(Filter.kind):
        for message in () if position in judged else _find_gaps(block.specs):
            yield Fault(position, message, _CONDITION, "warning")


def _find_gaps(specs: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a filter lacks, in words."""
    if specs.get("filters") == []:
        yield "filters has no condition, so it tests nothing"
    for at, condition in enumerate(list_conditions(specs)):
        for name in ("column", "operator"):
            value = condition.get(name)
            is_blank = not isinstance(value, str) or not value.strip()
            if is_blank and type(value) not in LATER:
                yield f"filters[{at}] has no {name}, which every condition has"


_CONDITION: Final = 'write it as in Filter.where("email_status").equals("OK")'


@rule("specs", "warning", of=["misfit"])
def number_below_one(definition: Definition) -> Iterator[Fault]:
    """A number of rows, seconds, rounds or calls is zero or less.

    No document says what the service makes of it.

    Fix: write 1 or more, or leave the field out.

    Example:
        flow = Search(LEAD, query="Heads of finance", max_results=0)
    """
    for position, field, value in survey(definition).misfits:
        if field.is_count and type(value) is int:
            unit = field.fact.unit
            message = f"{field.name} is {value}, and a number of {unit} is 1 or more"
            yield Fault(position, message)


@rule("specs", "error", "warning", "note", of=[OutgoingWebhook])
def insecure_url(definition: Definition) -> Iterator[Fault]:
    """The URL of an outgoing webhook is not absolute and https.

    That it must be absolute is documented. That it must be https is inferred, so http
    is a warning, as are credentials in it. http to a loopback address is a note: the
    emulator delivers there, the service cannot.

    Fix: write an absolute https address, such as `https://your-domain.example/hook`.

    Example:
        flow = Webhook(LEAD) >> OutgoingWebhook(url="example.com/hook")
    """
    for position, block in definition.of_kind(OutgoingWebhook.kind):
        url = block.specs.get("url")
        if not isinstance(url, str) or not url.strip() or _HTTPS.fullmatch(url):
            continue
        host = host_of(url)
        scheme, owner, *_ = urlsplit(url if host else "")
        if scheme not in ("http", "https"):
            message = f"url is {shortened(url)}, which is not an absolute https address"
            yield Fault(position, message)
        elif "@" in owner:
            message = "url has credentials, which everyone who reads it can see"
            advice = 'let the environment fill it in: url=value("hook", secret=True)'
            yield Fault(position, message, advice, "warning")
        elif scheme == "http" and is_loopback(host):
            message = "url is http to this machine, which the service cannot reach"
            advice = "use https before you deploy it anywhere else"
            yield Fault(position, message, advice, "note")
        elif scheme == "http":
            message = f"url is http to {host}, so rows would travel in the clear"
            yield Fault(position, message, severity="warning")


_HTTPS: Final = re.compile(r"https://[\w.-]+(:\d+)?(/\S*)?", re.ASCII)
"""A plain address, which takes far longer to split."""


@rule("specs", "warning", of=[Filter])
def mixed_logic(definition: Definition) -> Iterator[Fault]:
    """A filter mixes `and` with `or`. Their precedence is unknown.

    Fix: write two filters, one after the other.

    Example:
        both = Filter.where("email").is_empty().and_("phone").is_empty()
        flow = Webhook(LEAD) >> both.or_("name").is_empty()
    """
    for position, block in definition.of_kind(Filter.kind):
        words = [condition.get("logic") for condition in list_conditions(block.specs)]
        if "and" in words[1:] and "or" in words[1:]:
            yield Fault(position, "it mixes and with or: which binds first is unknown")


# -- Field maps ------------------------------------------------------------------------


@rule("specs", "warning", of=[LeadEnrichment, CompanyEnrichment])
def nothing_to_find(definition: Definition) -> Iterator[Fault]:
    """An enrichment asks for no fields, so it may cost credits and add no column.

    That fields are required is inferred. A `company_enrichment` may look for people
    alone.

    Fix: name the fields: `return_fields={"title": "Current job title"}`.

    Example:
        flow = Webhook(LEAD) >> LeadEnrichment(return_fields={})
    """
    wanted = ("return_fields", "find_people", "full_org_chart")
    kinds = (LeadEnrichment.kind, CompanyEnrichment.kind)
    for position, block in definition.of_kind(*kinds):
        if not any(map(block.specs.get, wanted)):
            message = f"{block.kind} asks for no fields, so it adds no column"
            yield Fault(position, message)


@rule("specs", "warning", of=[QaAgent])
def object_in_struct(definition: Definition) -> Iterator[Fault]:
    """A value of `qa_agent.struct` is an object, or a class under `@returns`.

    The endpoint of the same name takes texts alone there. That the block does too is
    inferred.

    Fix: write texts alone: `struct={"size": "Number of employees"}`.

    Example:
        size = {"description": "Number of employees", "type": "int"}
        flow = Webhook(LEAD) >> QaAgent(struct={"size": size})
    """
    judged = judge(definition).mismatches
    for position, field, entries in survey(definition).maps:
        if definition.blocks[position].kind == QaAgent.kind and position not in judged:
            objects = [key for key, entry in entries.items() if isinstance(entry, dict)]
            if objects:
                names = join_words(f"{field.name}.{key}" for key in objects)
                message = f"an object where the endpoint takes texts alone: {names}"
                yield Fault(position, message)


@rule("specs", "warning", of=["field-map"])
def unknown_type_word(definition: Definition) -> Iterator[Fault]:
    """A field map names a type that is not on the documented list.

    The service's field generator has more words (`enum`, `object`...), so it may be
    accepted.

    Fix: write one of the documented words.

    Example:
        flow = Webhook(LEAD, input_schema={"email": "text"})
    """
    judged = judge(definition).mismatches
    for position, field, entries in survey(definition).maps:
        for key, entry in entries.items() if position not in judged else ():
            word = entry if field.name == "input_schema" else None
            word = entry.get("type") if isinstance(entry, dict) else word
            if isinstance(word, str) and word not in TYPE_WORDS:
                path, near = f"{field.name}.{key}", did_you_mean(word, TYPE_WORDS)
                message = f"{path} is of type {shortened(word)}, which is undocumented"
                advice = f"documented are {', '.join(TYPE_WORDS)}"
                yield Fault(position, f"{message}{near}", advice)


@rule("specs", "note", of=["field-map"])
def type_word_as_description(definition: Definition) -> Iterator[Fault]:
    """A field to find is given as a bare type word.

    The service reads bare text as the field's description (documented). Its own guide
    nevertheless writes type words there.

    Fix: write `{"description": "Current job title", "type": "str"}`, or a class under
    `@returns`.

    Example:
        flow = Webhook(LEAD) >> LeadEnrichment(return_fields={"title": "string"})
    """
    for position, field, entries in survey(definition).maps:
        names = [f"{field.name}.{key}" for key in entries if entries[key] in _TYPE_LIKE]
        if names and field.name != "input_schema":
            message = f"a bare type word is read as a description: {join_words(names)}"
            yield Fault(position, message)


_TYPE_LIKE: Final = (*TYPE_WORDS, "text", "number", "enum", "object", "array", "date")


# -- Facts -----------------------------------------------------------------------------


@rule("facts", "note", of=["unconfirmed", "unknown-field", Filter])
def unconfirmed_facts(definition: Definition) -> Iterator[Fault]:
    """Fields are used that no document confirms for the block; one line for all.

    Fix: try it with few rows first.

    Example:
        flow = Webhook(LEAD) >> FindEmail(verify_emails=False)
    """
    blocks, remarks = definition.blocks, survey(definition)
    names = {f"{blocks[at].kind}.{name}": None for at, name in remarks.unconfirmed}
    for position, name in remarks.unknown:
        kind = blocks[position].kind
        if not CATALOGUE[kind].specs_known:
            names[f"{kind}.specs"] = None
        elif name in definition.origins[position].extra:
            names[f"{kind}.{clipped(name)}"] = None
    for _, block in definition.of_kind(Filter.kind):
        if any(each.get("logic") == "or" for each in list_conditions(block.specs)):
            names["filter.filters (or)"] = None
    if names:
        message = f"it uses what no document confirms: {join_words(names, 20)}"
        yield Fault(None, message)
