"""Rules about columns: names that no block is known to add."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from attrs import field, frozen

from ...blocks import CATALOGUE, Webhook
from ...definition import Definition
from ...text import join_words, shortened
from .._columns import ColumnSet
from .._lineage import READERS, column_flow, reads_from_afar
from ._rule import Found, name_block, of_kinds, rule, texts


@rule(
    "columns",
    "warning",
    advice="correct the spelling, or add the column before",
    can_find=of_kinds(*READERS),
)
def unknown_column(definition: Definition) -> Iterator[Found]:
    """A block reads a column that rows do not have at this point.

    This is reported only if all columns are known. Otherwise see `near-miss-column`.
    """
    if not reads_from_afar(definition):
        return
    flow = column_flow(definition)
    for position, columns in flow.reads:
        before = flow.before[position]
        if before.is_open:
            continue
        for column in columns:
            if column.name not in before:
                yield missing_column(position, column.name, before)


def missing_column(position: int, name: str, before: ColumnSet) -> Found:
    """Return the finding of a column that is not in a closed set."""
    known = join_words(before) or "none"
    message = f"it reads the column {shortened(name)}, which rows do not have here"
    return Found(position, message, f"they have {known}")


@rule(
    "columns",
    "warning",
    advice="correct the spelling; declare the column if both are meant",
    example=(
        'flow = Webhook(LEAD) >> FindEmail() >> Filter.where("emial").is_not_empty()'
    ),
    can_find=of_kinds(*READERS),
)
def near_miss_column(definition: Definition) -> Iterator[Found]:
    """A block reads an unknown column, and a known one has nearly that name.

    Most rows may bring undeclared columns, so other unknown names are not reported.
    """
    if not reads_from_afar(definition):
        return
    flow = column_flow(definition)
    spellings = None
    for position, columns in flow.reads:
        before = flow.before[position]
        for column in columns:
            if column.name in before or not before.is_open:
                continue
            if spellings is None:
                spellings = Spellings.of(flow.after)
            near = next((n for n in spellings.near(column.name) if n in before), None)
            if near is not None:
                source = name_block(definition, before[near].source)
                read, there = shortened(column.name), shortened(near)
                message = f"it reads the column {read}, and rows have {there}"
                advice = f"{there} comes from {source}; declare {read} if both"
                yield Found(position, message, f"{advice} are meant")


@frozen
class Spellings:
    """Names by their similarity, so that misspelt ones are found at once.

    Two names are near if they differ only in case and separators, or in one letter that
    was left out, added, swapped or replaced, in a name of five letters or more.
    """

    names: dict[str, dict[str, None]] = field(factory=dict)

    @classmethod
    def of(cls, sets: Iterable[ColumnSet]) -> Spellings:
        """Return the spellings of all columns in some sets."""
        made = cls()
        layers = {id(layer): layer for each in sets for layer in each.layers}
        for name in dict.fromkeys(name for layer in layers.values() for name in layer):
            for shape in _shapes(name):
                made.names.setdefault(shape, {})[name] = None
        return made

    def near(self, name: str) -> Iterator[str]:
        """Yield known names one mistake away from a name, the likeliest first."""
        folded = _fold(name)
        shapes = _shapes(name)
        found = dict.fromkeys(n for s in shapes for n in self.names.get(s, ()))
        for other in found:
            if other != name and _is_slip(folded, _fold(other)):
                yield other


_LONGEST: Final = 64
_SHORTEST: Final = 5
_SEPARATORS: Final = re.compile(r"[\W_]+")


def _fold(name: str) -> str:
    return _SEPARATORS.sub("", name).casefold()


def _shapes(name: str) -> Sequence[str]:
    """Return the folded name, and the same with each of its letters left out."""
    folded = _fold(name)
    if not _SHORTEST <= len(folded) <= _LONGEST:
        return [folded]
    return [folded, *(folded[:i] + folded[i + 1 :] for i in range(len(folded)))]


def _is_slip(one: str, other: str) -> bool:
    """Return True if two names of one shape differ by a mistake, not by a number."""
    if one == other:
        return True
    start = 0
    shortest = min(len(one), len(other))
    while start < shortest and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    if len(a) == len(b):
        is_slip = a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
        changed = a[:1] + b[:1]
    else:
        longer, shorter = (a, b) if len(a) > len(b) else (b, a)
        is_slip = longer[1:] == shorter
        changed = longer[:1]
    return is_slip and not any(letter.isdigit() for letter in changed)


def _using(*columns: str) -> frozenset[str]:
    return frozenset(
        kind for kind, block in CATALOGUE.items() if block.about.uses_columns in columns
    )


_LOOKING: Final = _using("identifying")
_NARROW: Final = _using("named", "identifying")
"""Kinds that use columns of known names, or only take rows along."""


@rule(
    "columns",
    "note",
    advice="leave it out, unless it is meant to come back with the result",
    example=(
        'columns = {"email": "string", "campaign": "string"}\n'
        "flow = Webhook(LEAD, input_schema=columns) >> FindPhone()"
    ),
    can_find=lambda definition: _NARROW.issuperset(definition.by_kind),
)
def unused_input(definition: Definition) -> Iterator[Found]:
    """No block is known to use a declared input column.

    This is reported only if all later blocks use columns with known names: research,
    models, and kinds with unknown fields may use any column.
    """
    sources = [
        (position, [*declared])
        for position, block in definition.of_kind(Webhook.kind)
        if isinstance(declared := block.specs.get("input_schema"), Mapping)
    ]
    if not sources or not _NARROW.issuperset(definition.by_kind):
        return
    used = _NOTHING if _LOOKING.isdisjoint(definition.by_kind) else _IDENTIFYING
    others = [block.specs for block in definition.blocks if block.kind != Webhook.kind]
    text = "\n".join(texts(others))
    for position, names in sources:
        idle = [n for n in names if n not in used and n not in text]
        if idle:
            message = f"no block is known to use {join_words(map(shortened, idle))}"
            yield Found(position, message)


_IDENTIFYING: Final = frozenset(
    {
        "full_name", "name", "first_name", "last_name", "linkedin_url", "linkedin",
        "company", "company_domain", "company_name", "website", "domain",
        "email", "personal_email", "phone",
    }
)  # fmt: skip
"""Names that examples use; which of them each block reads, no page says."""

_NOTHING: Final[frozenset[str]] = frozenset()
