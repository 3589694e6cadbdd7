"""Facts of a definition that a reviewer cares about, as `path -> value`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias

from attrs import frozen

from ..analysis.check import findings
from ..analysis.columns import (
    ColumnSet,
    Openness,
    column_flow,
    list_reads,
    output_columns,
)
from ..analysis.costs import cost, effects
from ..blocks import CATALOGUE, facts_of
from ..definition import EMPTY, Definition, Hidden, Value, canonical_id, rfc8785, thaw
from ..diagnostics import SEVERITIES


class Marker(Enum):
    """Values that JSON does not have."""

    MISSING = "none"
    """The path is not there."""
    UNKNOWN = "unknown"
    """Nothing tells whether it is there, or what it is."""


MISSING: Final = Marker.MISSING
UNKNOWN: Final = Marker.UNKNOWN


class Item(NamedTuple):
    """A part of a path that no key of an object can be.

    Attributes:
        name: The column or the position of an item in a list; the id of a block that
            an edge names, and that is not there.
    """

    name: str | int

    def __str__(self) -> str:
        return f"[{self.name}]"


Part: TypeAlias = str | Item
Path: TypeAlias = tuple[Part, ...]
"""The head says what the value is; the name of a block is next, if it is about one."""

Facts: TypeAlias = dict[Path, Any]
"""JSON values, or `UNKNOWN`, by path.

- `title`, `description`
- `block NAME`: the kind; `block NAME FIELD ...`: the values inside of its specs
- `order NAME FIELD ...`: the names of the items of a list, if they have any
- `id NAME`: the id of the block
- `edge SOURCE TARGET`: the conditions, null for an edge without one
- `source KIND`, `inputs COLUMN`, `output COLUMN`: the type of the column, or null. A
  column `*` says that there may be any others
- `reads NAME COLUMN`: whether the column is there
- `cost`: for 1,000 rows
- `spends NAME`, `buys NAME`: true; `delivers NAME`: to where
- `delivers NAME FIELD ...`, `delivers extra ...`: the hosts in what no document names
- `schedule NAME`: the text of a schedule
- `extra KEY`, `extra NAME KEY`, `extra SOURCE TARGET KEY`: what no document names, of
  the body, a block and an edge: it is sent as it was read. A value stays whole, so
  that no path is that of another key
- `finding CODE BLOCK`: the severity, and how often
"""

ANY: Final = "*"
"""The column that stands for any others."""


@frozen
class DefinitionFacts:
    """A definition as facts.

    Attributes:
        names: The name of each block, by position.
        messages: The message of each finding, by path.
    """

    definition: Definition
    names: Sequence[str]
    facts: Facts
    messages: Mapping[Path, str]

    @cached_property
    def neighbours(self) -> Mapping[str, Sequence[Sequence[str]]]:
        """The names of the blocks before and behind each block."""
        sides = self.definition.topology.parents, self.definition.topology.children
        return {
            name: [sorted({self.names[near] for near in side[at]}) for side in sides]
            for at, name in enumerate(self.names)
        }


def flatten(
    definition: Definition,
    names: Sequence[str] | None = None,
    prices: Mapping[str, float] = EMPTY,
) -> DefinitionFacts:
    """Return a definition as facts.

    Args:
        definition: The definition.
        names: A name for each block, by position. By default those of `name_blocks`.
        prices: Dollars a row by kind, in place of those that are documented.
    """
    names = name_blocks(definition) if names is None else names
    facts: Facts = {("title",): definition.name}
    facts["description",] = definition.description
    for name, block in zip(names, definition.blocks, strict=True):
        facts["block", name] = block.kind
        facts["id", name] = canonical_id(block.id)
        for field, value in block.specs.items():
            facts.update(list_leaves(("block", name, field), value))
        for key, value in block.extra.items():
            facts["extra", name, key] = thaw(value, as_data)
    body, graph = definition.extra, definition.graph_extra
    for key in {**body, **graph}:
        values = [side[key] for side in (body, graph) if key in side]
        facts["extra", key] = thaw(values if values[1:] else values[0], as_data)
    facts.update(_list_edges(definition, names))
    facts.update(_list_columns(definition, names))
    facts |= {("schedule", name): t for name, t in (definition.schedules or {}).items()}
    facts["cost",] = cost(definition, prices=prices).as_data()
    facts.update([*_list_effects(definition, names), *_list_addresses(facts)])
    messages: dict[Path, str] = {}
    severities: dict[Path, list[str]] = defaultdict(list)
    for finding in findings(definition):
        at = definition.index.get(finding.block_id or "")
        path: Path = ("finding", finding.code, "" if at is None else names[at])
        messages.setdefault(path, _PLACE.sub("", finding.message))
        severities[path].append(finding.severity)
    for path, own in severities.items():
        worst = min(own, key=SEVERITIES.index)
        count = own.count(worst)
        facts[path] = worst if count == 1 else f"{worst} x{count}"
    return DefinitionFacts(definition, names, facts, messages)


_PLACE: Final = re.compile(r" \([^()]*[:/]\d+\)")
"""Where a block is, after its name in a message."""


def name_blocks(definition: Definition) -> list[str]:
    """Return the key path of each block, or its kind. A repeated one gets a number."""
    numbers: dict[str, int] = {}
    for at, block in enumerate(definition.blocks):
        base = name = definition.origins[at].path or block.kind
        while name in numbers:
            numbers[base] += 1
            name = f"{base} {numbers[base]}"
        numbers[name] = 1
    return [*numbers]


def list_leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """Yield the values inside of objects, and inside of lists of objects."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from list_leaves((*path, key), inner)
    elif value and isinstance(value, list) and _is_all(value, Mapping):
        labels: Sequence[Any] = [item.get("column") for item in value]
        if _is_all(labels, str) and len({*labels}) == len(labels):
            yield ("order", *path[1:]), labels
        else:
            labels = range(len(value))
        for label, inner in zip(labels, value, strict=True):
            yield from list_leaves((*path, Item(label)), inner)
    else:
        yield path, thaw(value, as_data)


def _is_all(values: Sequence[Any], kind: type) -> bool:
    return all(isinstance(value, kind) for value in values)


def as_data(value: Any) -> Any:
    """Return the form in JSON of what is filled in later, or not shown."""
    return value.as_data() if type(value) in (Value, Hidden) else value


def _list_edges(
    definition: Definition, names: Sequence[str]
) -> Iterator[tuple[Path, Any]]:
    ends: dict[str, Part] = {}
    for name, block in zip(names, definition.blocks, strict=True):
        ends.setdefault(canonical_id(block.id), name)
    conditions: dict[Path, dict[bytes, Any]] = {}
    for edge in definition.edges:
        pair = map(canonical_id, (edge.source, edge.target))
        path: Path = ("edge", *(ends.get(end) or Item(end) for end in pair))
        condition = edge.extra.get("condition")
        for key in sorted({*edge.extra} - {"condition"}):
            yield ("extra", *path[1:], key), thaw(edge.extra[key], as_data)
        conditions.setdefault(path, {})[rfc8785(condition)] = condition
    for path, by_text in conditions.items():
        yield path, [by_text[text] for text in sorted(by_text)]


def _list_columns(
    definition: Definition, names: Sequence[str]
) -> Iterator[tuple[Path, Any]]:
    """Yield the columns that come in, are read, and come out."""
    flow = column_flow(definition)
    for at in definition.topology.roots:
        kind = definition.blocks[at].kind
        if kind in CATALOGUE and CATALOGUE[kind].about.role == "source":
            yield ("source", kind), True
            yield from _list_types("inputs", flow.after[at])
    yield from _list_types("output", output_columns(definition))
    for at, column in list_reads(definition):
        incoming = flow.before[at]
        is_there: bool | Marker = column.name in incoming
        if not is_there and incoming.openness is Openness.OPEN:
            is_there = UNKNOWN
        yield ("reads", names[at], column.name), is_there


_WORD: Final = re.compile(r"\w+")
_SHORT_TYPES: Final = {"string": "str", "integer": "int", "boolean": "bool"}
"""Words that mean the same to the service (documented)."""


def _shorten_type(match: re.Match[str]) -> str:
    return _SHORT_TYPES.get(match[0], match[0])


def _list_types(head: str, columns: ColumnSet) -> Iterator[tuple[Path, Any]]:
    for name, column in columns.items():
        yield (head, name), column.type and _WORD.sub(_shorten_type, column.type)
    if columns.openness is Openness.OPEN:
        yield (head, ANY), UNKNOWN


_ADDRESS: Final = re.compile(r"(?i)(https?://)(?:[^\s/?#\\\"']*@)?([\w.:%[\]-]{1,253})")


def _list_addresses(facts: Facts) -> Iterator[tuple[Path, Any]]:
    """Yield the hosts in fields that no document names: rows may be sent there."""
    for (head, *path), value in facts.items():
        is_spec = head == "block" and len(path) > 1
        cls = CATALOGUE.get(facts["block", path[0]]) if is_spec else None
        if head == "extra" or (is_spec and not (cls and path[1] in facts_of(cls))):
            sites = dict.fromkeys(map("".join, _ADDRESS.findall(str(value))))
            if sites:
                where = path if is_spec else ("extra", *path)
                yield ("delivers", *where), f"perhaps {', '.join(sites)}"


def _list_effects(
    definition: Definition, names: Sequence[str]
) -> Iterator[tuple[Path, Any]]:
    targets: dict[int, list[str]] = {}
    for touch in effects(definition).touches:
        for at in touch.positions:
            if touch.effect == "spends-on-create":
                yield ("buys", names[at]), True
            elif touch.effect in ("spends", "may-spend"):
                yield ("spends", names[at]), True
            else:
                target = (touch.target or "").removeprefix("posts to ")
                targets.setdefault(at, []).append(target or touch.effect)
    for at, places in targets.items():
        yield ("delivers", names[at]), ", ".join(sorted(places))
    for kind, positions in definition.by_kind.items():
        if kind not in CATALOGUE:
            yield from ((("spends", names[at]), UNKNOWN) for at in positions)
