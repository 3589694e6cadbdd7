"""Kinds and fields as the service lists them, and as flow64 assumes them.

What comes out may be shared. A text of a schema is shown only if it is a plain word,
and no word is shown for a field that names something of the organisation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from attrs import frozen

from ..analysis import (
    LiveBlock,
    LiveCatalogue,
    SchemaReader,
    compare_catalogues,
    walk_fields,
)
from ..blocks import CATALOGUE, facts_of, is_built_in, specs_schema
from ..definition import EMPTY
from ..environments import Settings
from ..errors import ReadError
from ..redaction import redact_keys
from ._assumptions import AssumptionVerdict
from ._requests import RequestRecords
from ._setup import shorten_path

Facts: TypeAlias = dict[str, Any]
"""Facts about a field: `type`, `words`, `required` and `default`, if they are known."""

COMPARED: Final = ("type", "words", "required", "default")
"""The facts about a field that are compared."""

MOST_FIELDS: Final = 200
"""Maximum fields of one kind, those inside others too."""

MOST_WORDS: Final = 60
"""Maximum words of one field."""

LEVELS: Final = 4
"""How deep fields inside others are followed."""

HIDDEN: Final = "(not shown)"
"""Stands for a text that may be about the organisation."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
_WORD: Final = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_\[\]-]|\.(?=\d)){0,39}")
_LIKE_ID: Final = re.compile(r"\d{6}|(?=[a-f]{0,7}\d)[0-9a-f]{8}", re.IGNORECASE)
_SIGNS: Final = re.compile(r"\.|\[\*\]")
_OWN: Final = re.compile(
    r"(^|_)(id|ids|notebook|channel|account|connection|workspace|team|user|owner|"
    r"portal|pipeline|list|segment|campaign|url|name|key|token|secret|email)s?(_|$)",
    re.IGNORECASE,
)
"""Names of fields whose words may name something of the organisation."""

_CATEGORIES: Final = ("category", "takes", "gives", "input_type", "output_type")
"""Other keys of an entry that are shown with their word."""


@frozen
class SavedList:
    """The saved list of blocks that `blocks` in `[tool.flow64]` names.

    Attributes:
        file: Its path, without the name of a user.
        date: The day of the last sync; None if there was none.
        kinds: The number of kinds in it.
        differing: The number of kinds that the service lists in another way by now;
            None if its list was not seen.
        problem: Why the file cannot be used; None if it can.
    """

    file: str
    date: str | None = None
    kinds: int = 0
    differing: int | None = None
    problem: str | None = None


def find_saved_list(settings: Settings, live: LiveCatalogue | None) -> SavedList | None:
    """Return the saved list of blocks; None if no setting names one.

    Args:
        settings: The settings.
        live: The list of the service; None if it was not seen.
    """
    if settings.blocks is None:
        return None
    file = shorten_path(settings.blocks)
    try:
        saved = LiveCatalogue.read(settings.blocks)
    except FileNotFoundError:
        return SavedList(file)
    except OSError as error:
        return SavedList(file, problem=error.strerror or "it cannot be read")
    except ReadError:
        return SavedList(file, problem="it is not a list of blocks")
    found = None if live is None else len(compare_catalogues(saved, live))
    return SavedList(file, saved.date, len(saved.blocks), found)


def compare_kinds(live: LiveCatalogue | None) -> dict[str, Any]:
    """Return each kind with its fields, as the service and flow64 have them.

    Args:
        live: The list of the service; None if it was not seen.
    """
    listed: Mapping[str, LiveBlock] = EMPTY if live is None else live.blocks
    ours = [kind for kind, cls in CATALOGUE.items() if is_built_in(cls)]
    new = [kind for kind in listed if kind not in ours]
    found: dict[str, Any] = {
        kind: _compare_kind(kind, listed.get(kind), is_seen=bool(listed))
        for kind in sorted([*ours, *filter(is_plain_name, new)])
    }
    hidden = sum(not is_plain_name(kind) for kind in new)
    return {"kinds": found, "kinds_not_shown": hidden}


def read_catalogue(replies: RequestRecords) -> LiveCatalogue | None:
    """Return the list of blocks among the answers; None if it was not seen."""
    reply = replies["blocks"]
    if not reply.is_good:
        return None
    try:
        return LiveCatalogue.of(reply.data)
    except ReadError:
        return None


def is_plain_name(text: Any) -> bool:
    """Return True if a name may be shown: a plain word that is not like an id."""
    return isinstance(text, str) and bool(_NAME.fullmatch(text)) and _is_public(text)


def _is_public(text: str) -> bool:
    return not _LIKE_ID.search(text) and redact_keys(text) == text


def _compare_kind(kind: str, block: LiveBlock | None, *, is_seen: bool) -> Facts:
    is_known = kind in CATALOGUE and is_built_in(CATALOGUE[kind])
    ours = _our_fields(kind) if is_known else EMPTY
    schema = None if block is None else block.specs_schema
    theirs = {} if schema is None else list_fields(schema)
    names = [*ours, *(name for name in theirs if name not in ours)]
    shown = [name for name in names if all(map(is_plain_name, _parts(name)))]
    known: AssumptionVerdict = "not seen"
    if is_seen:
        known = "contradicted" if block is None else "confirmed"
    found: Facts = {"listed": known} if is_known else {}
    if block is not None:
        found["schema"] = "yes" if schema is not None else "none that can be used"
        found |= _describe_entry(block)
    found["fields"] = {
        name: compare_field(ours.get(name), theirs.get(name)) for name in shown
    }
    if len(shown) < len(names):
        found["fields_not_shown"] = len(names) - len(shown)
    return found


def _describe_entry(block: LiveBlock) -> Facts:
    """Return the names of other keys of an entry, and the words of a few of them."""
    found: Facts = {}
    keys = sorted(filter(is_plain_name, block.extra))
    if keys:
        found["other_keys"] = keys
    for key in _CATEGORIES:
        if key in block.extra and is_plain_name(block.extra[key]):
            found[key] = block.extra[key]
    return found


def _our_fields(kind: str) -> Mapping[str, Facts]:
    """Return what the catalogue says of the fields of a kind."""
    cls = CATALOGUE[kind]
    found = list_fields(specs_schema(cls))
    for name, fact in facts_of(cls).items():
        if name in found:
            found[name]["mark"] = fact.confidence
            if fact.value is not None:
                found[name]["default"] = fact.value
    return found


def compare_field(ours: Facts | None, theirs: Facts | None) -> Facts:
    """Return both sides of a field, and a verdict on each fact that flow64 assumes."""
    found: Facts = {"service": theirs, "flow64": ours}
    if ours is not None:
        found["verdicts"] = {
            fact: _judge(ours, theirs or {}, fact) for fact in COMPARED if fact in ours
        }
    return found


def _judge(ours: Facts, theirs: Facts, fact: str) -> AssumptionVerdict:
    if fact not in theirs or theirs[fact] == HIDDEN:
        return "not seen"
    one, other = ours[fact], theirs[fact]
    if fact == "words":
        one, other = {*map(repr, one)}, {*map(repr, other)}
    is_same = one == other and isinstance(one, bool) is isinstance(other, bool)
    return "confirmed" if is_same else "contradicted"


# -- Fields of a schema ----------------------------------------------------------------


def list_fields(schema: Mapping[str, Any]) -> dict[str, Facts]:
    """Return the facts of each field of a JSON Schema, by path: `filters[*].operator`.

    Of alternatives, types and words are joined; null is no type of its own.
    """
    reader = SchemaReader(schema)
    found: dict[str, Facts] = {}
    for path, live in walk_fields(reader.fields(schema, depth=0)):
        if path.count(".") + path.count("[") > LEVELS or len(found) >= MOST_FIELDS:
            continue
        members = _list_alternatives(reader, live.schema)
        found[path] = {**_find_facts(members, path), "required": live.is_required}
        for one in members:
            for key in ("items", "additionalProperties"):
                if isinstance(entry := one.get(key), Mapping):
                    facts = _find_facts(_list_alternatives(reader, entry), path)
                    if facts != {"type": "object"}:
                        found.setdefault(f"{path}[*]", facts)
    return found


def _find_facts(members: Sequence[Facts], path: str) -> Facts:
    """Return the facts of a field that takes what one of some schemas takes."""
    types: dict[str, None] = {}
    words: list[Any] = []
    for one in members:
        given = [one["const"]] if "const" in one else _sequence(one.get("enum"))
        kept = [word for word in given if word is not None]
        types |= dict.fromkeys(_types(one, kept))
        words += [word for word in kept if word not in words]
    found: Facts = {}
    if types:
        found["type"] = " or ".join(sorted(types))
    if words:
        shown = [_show(word, path) for word in words]
        is_hidden = HIDDEN in shown or len(shown) > MOST_WORDS
        found["words"] = HIDDEN if is_hidden else shown
    default = next((one["default"] for one in members if "default" in one), None)
    if default is not None:
        found["default"] = _show(default, path)
    return found


def _list_alternatives(
    reader: SchemaReader, schema: Any, left: int = LEVELS
) -> Sequence[Facts]:
    """Return the schemas that a value may fit, without references and null."""
    plain = {**reader.without_null(schema)[0]}
    for key in ("anyOf", "oneOf"):
        members = _sequence(plain.get(key)) if left else ()
        if members:
            del plain[key]
            return [
                {**one, **plain}
                for member in members
                for one in _list_alternatives(reader, member, left - 1)
            ]
    return [plain]


def _types(schema: Mapping[str, Any], words: Sequence[Any]) -> Sequence[str]:
    given = schema.get("type")
    found = [given] if isinstance(given, str) else _sequence(given)
    known = [word for word in found if word in _TYPES]
    return known or [name for word in words if (name := _TYPE_OF.get(type(word)))]


_TYPES: Final = ("string", "integer", "number", "boolean", "array", "object")
_TYPE_OF: Final = {str: "string", bool: "boolean", int: "integer", float: "number"}


def _show(value: Any, path: str) -> Any:
    """Return a word, a number, or true or false; other values are not shown."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if -1_000_000 <= value <= 1_000_000 else HIDDEN
    is_plain = isinstance(value, str) and _WORD.fullmatch(value) and _is_public(value)
    return value if is_plain and not any(map(_OWN.search, _parts(path))) else HIDDEN


def _parts(path: str) -> Sequence[str]:
    return [part for part in _SIGNS.split(path) if part]


def _sequence(data: Any) -> Sequence[Any]:
    return cast(Sequence[Any], data) if isinstance(data, list | tuple) else ()
