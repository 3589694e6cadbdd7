"""The differences between two lists of blocks, kind by kind and field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, get_args

from attrs import asdict, frozen

from ..definition import thaw
from ..redaction import clean_text
from ..text import join_words, shortened, truncate
from ._live import LiveBlock, LiveCatalogue
from ._live_fields import LIMITS, LiveField, walk_fields

ChangeWord: TypeAlias = Literal["new", "changed", "gone"]


@frozen
class KindFieldChange:
    """A difference of one field, or of the kind itself.

    Attributes:
        field: Its path, as in `signals[*].column`; empty for the kind itself.
        message: The difference in words.
    """

    field: str
    message: str


@frozen
class KindChange:
    """A kind that one of two lists lacks, or that differs.

    Attributes:
        fields: The differences of a changed kind, or the fields of a new one.
    """

    kind: str
    change: ChangeWord
    fields: Sequence[KindFieldChange] = ()

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self)


def compare_catalogues(
    before: LiveCatalogue, after: LiveCatalogue
) -> Sequence[KindChange]:
    """Return the differences between two lists: new kinds, changed ones, gone ones.

    The order of an answer means nothing, nor does its date.
    """
    old, new = before.blocks, after.blocks
    found = [
        KindChange(kind, "new", [*_describe_all(new[kind])])
        for kind in sorted(new.keys() - old.keys())
    ]
    for kind in sorted(old.keys() & new.keys()):
        if old[kind] != new[kind]:
            changes = [*_compare_blocks(old[kind], new[kind])]
            found.append(KindChange(kind, "changed", changes))
    gone = sorted(old.keys() - new.keys())
    return [*found, *(KindChange(kind, "gone") for kind in gone)]


def format_kind_changes(changes: Iterable[KindChange]) -> Iterator[str]:
    """Format differences, a line for each kind, and one for each field below it."""
    for one in changes:
        yield f"{one.change:9}{clean_text(one.kind)}"
        for found in one.fields:
            head = f"{found.field}: " if found.field else ""
            yield clean_text(f"           {head}{found.message}")


def summarize_kind_changes(changes: Sequence[KindChange]) -> str:
    """Count the differences in one line, such as `1 new, 2 changed, 1 gone`."""
    counts = Counter(one.change for one in changes)
    return ", ".join(
        f"{counts[word]} {word}" for word in get_args(ChangeWord) if counts[word]
    )


def describe_field(found: LiveField) -> str:
    """Describe a field in one line: type, default, bounds and so on."""
    parts = [found.type + (" or null" if found.is_nullable else "")]
    parts += ["required"] if found.is_required else []
    parts += [f"default {_json(found.default)}"] if found.has_default else []
    parts += [f"{name} {_json(bound)}" for name, bound in found.limits.items()]
    return " · ".join(parts)


def _describe_all(block: LiveBlock) -> Iterator[KindFieldChange]:
    for path, found in walk_fields(block.fields):
        yield KindFieldChange(path, describe_field(found))


def _compare_blocks(before: LiveBlock, after: LiveBlock) -> Iterator[KindFieldChange]:
    found = [*_compare_entries(before, after)]
    old, new = (dict(walk_fields(one.fields)) for one in (before, after))
    added, removed = new.keys() - old.keys(), old.keys() - new.keys()
    # Fields inside a new or gone field go with it.
    found += [
        KindFieldChange(path, f"new: {describe_field(new[path])}")
        for path in new
        if path in added and not _is_inside(path, added)
    ]
    for path, field in old.items():
        if path in new:
            found += _compare_fields(path, field, new[path])
        elif not _is_inside(path, removed):
            found.append(KindFieldChange(path, "is gone"))
    yield from found or [KindFieldChange("", "its schema says the same in other words")]


def _is_inside(path: str, others: set[str]) -> bool:
    return any(path[:at] in others for at, sign in enumerate(path) if sign in ".[")


def _compare_entries(before: LiveBlock, after: LiveBlock) -> Iterator[KindFieldChange]:
    """Compare what the entries say about the kind itself."""
    if before.specs_schema is None and after.specs_schema is not None:
        yield KindFieldChange("", "has a schema that can be used now")
    if before.specs_schema is not None and after.specs_schema is None:
        yield KindFieldChange("", "has no schema that can be used any more")
    old, new = map(_about, (before, after))
    for message in _differences(sorted(old.keys() | new.keys()), old, new):
        yield KindFieldChange("", message)


def _about(block: LiveBlock) -> Mapping[str, Any]:
    """Return what an entry says, without its fields."""
    schema: Mapping[str, Any] = block.specs_schema or {}
    known = {key: schema[key] for key in schema if key not in _PASSED_OVER}
    return {**block.extra, **known}


_PASSED_OVER: Final = (
    *("title", "type", "properties", "required", "$defs", "definitions"),
    *("allOf", "anyOf", "oneOf", "then", "else"),
)
"""Keywords of a schema that fields are read from, and those that say nothing."""


def _compare_fields(
    path: str, before: LiveField, after: LiveField
) -> Iterator[KindFieldChange]:
    """Yield the differences of a field that both have."""
    for message in _describe_changes(before, after):
        yield KindFieldChange(path, message)


def _describe_changes(before: LiveField, after: LiveField) -> Iterator[str]:
    if before.is_required != after.is_required:
        yield "is required now" if after.is_required else "is no longer required"
    if before.words and after.words:
        added = [word for word in after.words if word not in before.words]
        removed = [word for word in before.words if word not in after.words]
        if added:
            yield f"also takes {_join(added)}"
        if removed:
            yield f"no longer takes {_join(removed)}"
    elif before.type != after.type:
        yield f"is {after.type} now, and was {before.type}"
    if before.is_nullable != after.is_nullable:
        yield "also takes null" if after.is_nullable else "no longer takes null"
    old, new = map(_bounds, (before, after))
    yield from _differences(("default", *LIMITS), old, new)
    if before.description != after.description:
        yield f"has another description: {truncate(after.description, 200)}"


def _bounds(found: LiveField) -> Mapping[str, Any]:
    default = {"default": found.default} if found.has_default else {}
    return {**found.limits, **default}


def _differences(
    keys: Iterable[str], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the differences of two mappings under some keys, in words."""
    for key in keys:
        if key in old and key not in new:
            yield f"has no {key} any more; it was {_json(old[key])}"
        elif key in new and key not in old:
            yield f"has the {key} {_json(new[key])} now"
        elif old.get(key) != new.get(key):
            yield f"has the {key} {_json(new[key])} now, and had {_json(old[key])}"


def _join(words: Sequence[Any]) -> str:
    return join_words(map(str, words), 20)


_WORDS: Final[Mapping[Any, str]] = {None: "null", True: "true", False: "false"}


def _json(value: Any) -> str:
    """Show JSON data on one line."""
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return shortened(thaw(value))
