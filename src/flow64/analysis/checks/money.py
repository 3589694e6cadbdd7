"""Rules about money: what a workflow spends, and what would spend less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from ...blocks import (
    CATALOGUE,
    CREATE_NEW,
    AppendToNotebook,
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    DeduplicateWrtNotebook,
    Filter,
    LeadEnrichment,
    Search,
)
from ...definition import Definition, Hidden, Value
from ..columns import column_flow
from ..costs import SPENDING, cost
from ..costs import effects as effects_of
from .rule import Found, name_block, rule

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
    if CompanyToLeads.kind not in definition.by_kind:
        return
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
        return found is True or isinstance(found, Value | Hidden)
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


# -- Spending --------------------------------------------------------------------------


@rule(
    "effects",
    "warning",
    "note",
    advice="set `auto_execute=False`, and start a run when you want to buy",
    example='flow = Search(LEAD, query="Heads of finance", auto_execute=True)',
)
def auto_execute(definition: Definition) -> Iterator[Found]:
    """A search costs credits as soon as the workflow is created (documented).

    If the field is absent it is a note, since its default is undocumented.
    """
    for position, block in definition.of_kind(Search.kind):
        found = block.specs.get("auto_execute")
        if found is True or isinstance(found, Value | Hidden):
            message = (
                "auto_execute buys as soon as the workflow is created, before any run"
            )
            yield Found(position, message)
        elif found is not False:
            message = "auto_execute is not set; the service may buy when it is created"
            yield Found(position, message, severity="note")


@rule(
    "effects",
    "note",
    advice="run it once, then write the id of the notebook that it made",
    example=(
        "flow = Webhook(LEAD) >> AppendToNotebook(\n"
        '    notebook_id="__create_new__", notebook_name="Leads of May"\n'
        ")"
    ),
)
def create_new_notebook(definition: Definition) -> Iterator[Found]:
    """A notebook will be created; whether once or in each run is unknown."""
    for position, block in definition.of_kind(AppendToNotebook.kind):
        if block.specs.get("notebook_id") == CREATE_NEW:
            message = "it may make a new notebook at each run"
            yield Found(position, message)


@rule(
    "effects",
    "note",
    advice="nothing needs fixing; this is what to know before a run",
    example="flow = Webhook(LEAD) >> FindEmail()",
)
def effects(definition: Definition) -> Iterator[Found]:
    """A summary of the money that the workflow spends, and what it changes outside."""
    found = effects_of(definition)
    if found.touches:
        yield Found(None, str(found), help="")


@rule(
    "cost",
    "note",
    advice="nothing needs fixing; try a workflow with few rows first",
    example='flow = Webhook(LEAD) >> FindEmail(mode="PROFESSIONAL")',
)
def cost_estimate(definition: Definition) -> Iterator[Found]:
    """The most that 1,000 input rows may cost, by documented prices.

    It is an upper bound for the blocks with a price, before filters, and never a quote.
    """
    found = cost(definition)
    if found.charges:
        yield Found(None, str(found), help="")
