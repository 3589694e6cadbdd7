"""Advice about the order of blocks: steps to take before rows cost credits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from ...blocks import (
    CATALOGUE,
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    DeduplicateWrtNotebook,
    Filter,
    LeadEnrichment,
)
from ...definition import BoundSecret, Definition, Value
from .._cost import SPENDING
from .._lineage import column_flow, reads_from_afar
from ._rule import Found, name_block, rule

_ENRICHING: Final = (LeadEnrichment.kind, CompanyEnrichment.kind)
_DEDUPLICATING: Final = (Deduplicate.kind, DeduplicateWrtNotebook.kind)


@rule(
    "rows",
    "warning",
    advice="set `find_people=True` on a `CompanyEnrichment` before it",
    example="flow = Webhook(COMPANY) >> CompanyToLeads()",
)
def company_to_leads_without_people(definition: Definition) -> Iterator[Found]:
    """`company_to_leads` has no people to make rows of.

    It takes the people that an earlier `company_enrichment` with `find_people` found.
    """
    blocks, topology = definition.blocks, definition.topology
    parents = topology.parents
    found = bytearray(len(blocks))
    for position in topology.order:
        block = blocks[position]
        found[position] = _finds_people(block.kind, block.specs) or any(
            found[parent] for parent in parents[position]
        )
    for position, _ in definition.of_kind(CompanyToLeads.kind):
        if not found[position]:
            message = (
                "no company_enrichment before it has find_people, so it finds nobody"
            )
            yield Found(position, message)


def _finds_people(kind: str, specs: Any) -> bool:
    if kind == CompanyEnrichment.kind:
        found = specs.get("find_people")
        return found is True or isinstance(found, Value | BoundSecret)
    return kind not in CATALOGUE  # an old or unknown name: it may


@rule(
    "cost",
    "warning",
    advice="put it before the block that costs credits",
    example=(
        "flow = (\n"
        '    Webhook(LEAD, input_schema={"country": "string"})\n'
        "    >> FindEmail()\n"
        '    >> Filter.where("country").equals("SE")\n'
        ")"
    ),
)
def late_filter(definition: Definition) -> Iterator[Found]:
    """A filter follows a block that costs credits, and reads nothing that it adds.

    Placed before that block, it saves the credits for the rows that it drops. After a
    block that may add columns with unknown names, this is not reported.
    """
    if not reads_from_afar(definition):
        return
    flow = column_flow(definition)
    paid = _paid_above(definition)
    for position, _ in definition.of_kind(Filter.kind):
        above = paid[position]
        if above is None or flow.facts[above].opens:
            continue
        here, there = flow.before[position], flow.before[above]
        names = [column.name for column in flow.facts[position].reads]
        if names and all(n in there and there[n] == here.get(n) for n in names):
            kind = definition.blocks[above].kind
            added = f"nothing that {name_block(definition, above)} adds"
            message = f"the filter reads {added}"
            yield Found(position, message, f"put it before {kind}, {_SPARES}")


@rule(
    "cost",
    "note",
    advice="put it before the block that costs credits",
    example="flow = Webhook(LEAD) >> FindEmail() >> Deduplicate()",
)
def late_deduplicate(definition: Definition) -> Iterator[Found]:
    """Rows are deduplicated after a block that costs credits for each of them.

    Which columns decide is undocumented, so this may be meant.
    """
    if definition.by_kind.keys().isdisjoint(_DEDUPLICATING):
        return
    paid = _paid_above(definition)
    for position, _ in definition.of_kind(*_DEDUPLICATING):
        above = paid[position]
        if above is not None:
            kind = definition.blocks[above].kind
            message = (
                f"rows are there twice when {name_block(definition, above)} is paid"
            )
            yield Found(position, message, f"put it before {kind}, {_SPARES}")


_SPARES: Final = "which then costs nothing for the rows that are dropped"


@rule(
    "cost",
    "note",
    advice="ask for all the fields in one block, which is paid once for each row",
    example=(
        "flow = (\n"
        "    Webhook(LEAD)\n"
        '    >> LeadEnrichment(return_fields={"title": "Job title"})\n'
        '    >> LeadEnrichment(return_fields={"city": "City"}, key="city")\n'
        ")"
    ),
)
def mergeable_enrichment(definition: Definition) -> Iterator[Found]:
    """Enrichment blocks of the same kind and settings follow each other.

    The service advises one block that asks for all the fields. Keep two blocks if the
    second needs the results of the first.
    """
    for kind in _ENRICHING:
        yield from _runs(definition, kind, definition.by_kind.get(kind, ()))


def _runs(
    definition: Definition, kind: str, positions: Sequence[int]
) -> Iterator[Found]:
    blocks, topology = definition.blocks, definition.topology
    parents, children = topology.parents, topology.children
    following: dict[int, int] = {}
    for position in positions:
        above = parents[position]
        if len(above) != 1 or len(children[above[0]]) != 1:
            continue
        before = blocks[above[0]]
        if before.kind == kind and _same(before.specs, blocks[position].specs):
            following[above[0]] = position
    inner = set(following.values())
    for first in following:
        if first in inner:
            continue
        count, last = 1, first
        while last in following:
            count, last = count + 1, following[last]
        message = f"{count} {kind} blocks follow each other with the same settings"
        yield Found(first, message)


def _same(one: Any, other: Any) -> bool:
    """Return True if two blocks differ only in the fields to find."""
    names = (one.keys() | other.keys()) - {"return_fields"}
    return all(name in one and name in other for name in names) and all(
        one[name] == other[name] for name in names
    )


def _paid_above(definition: Definition) -> Sequence[int | None]:
    """Return for each block the nearest earlier one that costs credits.

    It is None if something branches, meets or makes rows in between.
    """
    blocks, topology = definition.blocks, definition.topology
    parents, children = topology.parents, topology.children
    is_paid = {kind: _is_paid(kind) for kind in definition.by_kind}
    found: list[int | None] = [None] * len(blocks)
    for position in topology.order:
        above = parents[position]
        if len(above) != 1 or len(children[above[0]]) != 1:
            continue
        kind = blocks[above[0]].kind
        if is_paid[kind]:
            found[position] = above[0]
        elif kind in CATALOGUE and CATALOGUE[kind].about.drops_rows:
            found[position] = found[above[0]]
    return found


def _is_paid(kind: str) -> bool:
    """Return True if a kind costs credits for each row, and keeps the row."""
    if kind not in CATALOGUE:
        return False
    about = CATALOGUE[kind].about
    is_step = (
        about.role == "step" and about.perhaps is None and not about.columns.resets
    )
    return is_step and not SPENDING.isdisjoint(about.effects)
