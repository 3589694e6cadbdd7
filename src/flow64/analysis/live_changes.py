"""The differences between two lists of blocks, kind by kind and field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

from attrs import asdict, frozen

from ..definition import thaw
from ..secrets import clean_text
from ..text import shortened
from .live import LiveBlock, LiveCatalogue
from .live_fields import describe_field, walk_fields

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
    added, removed = new.keys() - old.keys(), old.keys() - new.keys()
    changed = [kind for kind in old.keys() & new.keys() if old[kind] != new[kind]]
    return [
        *(KindChange(kind, "new", _list_fields(new[kind])) for kind in sorted(added)),
        *(
            KindChange(kind, "changed", [*_compare_blocks(old[kind], new[kind])])
            for kind in sorted(changed)
        ),
        *(KindChange(kind, "gone") for kind in sorted(removed)),
    ]


def format_kind_changes(changes: Iterable[KindChange]) -> Iterator[str]:
    """Format differences, a line for each kind, and one for each field below it."""
    for change in changes:
        yield f"{change.change:9}{clean_text(change.kind)}"
        for inner in change.fields:
            head = f"{inner.field}: " if inner.field else ""
            yield clean_text(f"           {head}{inner.message}")


def summarize_kind_changes(changes: Sequence[KindChange]) -> str:
    """Count the differences in one line, such as `1 new, 2 changed, 1 gone`."""
    counts = Counter(change.change for change in changes)
    words = [word for word in get_args(ChangeWord) if counts[word]]
    return ", ".join(f"{counts[word]} {word}" for word in words)


def _list_fields(block: LiveBlock) -> Sequence[KindFieldChange]:
    return [KindFieldChange(*pair) for pair in _flatten(block).items() if pair[0]]


def _flatten(block: LiveBlock) -> Mapping[str, str]:
    """Return what an entry says: each field by its path, and the rest under none."""
    facts = {path: describe_field(live) for path, live in walk_fields(block.fields)}
    about = "has no schema" if block.specs_schema is None else "has a schema"
    return {
        **facts,
        "": f"{about} {shortened(thaw(block.extra)) if block.extra else ''}",
    }


def _compare_blocks(before: LiveBlock, after: LiveBlock) -> Iterator[KindFieldChange]:
    old, new = _flatten(before), _flatten(after)
    paths = [path for path in {**new, **old} if old.get(path) != new.get(path)]
    for path in paths:
        if path not in new:
            message = "is gone"
        elif path not in old:
            message = f"new: {new[path]}"
        else:
            message = f"{new[path]} (was: {old[path]})".replace(" )", ")")
        yield KindFieldChange(path, message)
    if not paths:
        yield KindFieldChange("", "has other texts, or rules that are not shown")
