"""Row kinds: the kind of rows that leave each block, followed along the edges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import frozen

from ..blocks import CATALOGUE, DATAFRAME_TYPES, of_catalogue
from ..definition import Definition

RowKindName: TypeAlias = Literal["LEAD", "COMPANY"] | None
"""A row kind, or None if it is not certain."""


_ROWS: Final[Mapping[str, RowKindName]] = {"LEAD": "LEAD", "COMPANY": "COMPANY"}


@frozen
class RowFacts:
    """Documented facts about the rows of kinds.

    Attributes:
        taken: The one row kind that blocks of a kind take.
        given: The one row kind that they give.
        passing: Kinds that give the row kind that comes in.
        by_spec: Kinds that give the rows that their `dataframe_type` says.
    """

    taken: Mapping[str, RowKindName]
    given: Mapping[str, RowKindName]
    passing: frozenset[str]
    by_spec: frozenset[str]

    def words(self, kind: str) -> frozenset[RowKindName]:
        """Return the row kinds that a kind takes or gives for all specs."""
        tables = (self.taken, self.given)
        return frozenset(table[kind] for table in tables if kind in table)


@of_catalogue
def row_facts() -> RowFacts:
    """Return the documented facts about the rows of all kinds."""
    sure = {k: c.about for k, c in CATALOGUE.items() if c.about.rows in ("D", "D1")}
    return RowFacts(
        {
            kind: word
            for kind, about in sure.items()
            if (word := _ROWS.get(about.takes))
        },
        {
            kind: word
            for kind, about in sure.items()
            if (word := _ROWS.get(about.gives))
        },
        frozenset(kind for kind, about in sure.items() if about.gives == "same"),
        frozenset(k for k, about in sure.items() if about.gives == "dataframe_type"),
    )


def input_rows(kind: str) -> RowKindName:
    """Return the one row kind that a block takes, by a documented fact."""
    return row_facts().taken.get(kind)


def output_rows(kind: str, specs: Mapping[str, Any]) -> RowKindName:
    """Return the row kind that leaves a block for every input, or None."""
    facts = row_facts()
    if kind not in facts.by_spec:
        return facts.given.get(kind)
    word = specs.get("dataframe_type")
    return word if word in DATAFRAME_TYPES else None


def row_kinds(definition: Definition) -> Sequence[RowKindName]:
    """Return the row kind that leaves each block.

    A block for any rows gives the kind that comes in, if all of it is known and equal.
    """
    blocks, topology = definition.blocks, definition.topology
    kinds = [block.kind for block in blocks]
    facts = row_facts()
    found: list[RowKindName] = [facts.given.get(kind) for kind in kinds]
    passing = facts.passing.intersection(definition.by_kind)
    for kind in facts.by_spec.intersection(definition.by_kind):
        for position in definition.by_kind[kind]:
            found[position] = output_rows(kind, blocks[position].specs)
    if not passing:
        return found
    if topology.is_forward:
        edges: Iterable[tuple[int, int]] = zip(
            topology.sources, topology.targets, strict=True
        )
    else:
        children = topology.children
        edges = ((s, t) for s in topology.order for t in children[s])
    fed = bytearray(len(blocks))
    # Edges come in the order of their sources: what leaves a source is known by then.
    for source, target in edges:
        if kinds[target] in passing:
            given = found[source]
            if not fed[target]:
                fed[target] = 1
                found[target] = given
            elif found[target] != given:
                found[target] = None
    return found
