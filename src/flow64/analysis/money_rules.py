"""Rules about money: what a workflow spends, and what would spend less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from ..blocks import (
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
from ..definition import Definition, Hidden, Value
from . import costs
from .columns import column_flow
from .rule import Fault, name_block, once, rule


@rule("rows", "warning", of=[CompanyToLeads])
def company_to_leads_without_people(definition: Definition) -> Iterator[Fault]:
    """`company_to_leads` has no people to make rows of.

    It takes the people that an earlier `company_enrichment` with `find_people` found.

    Fix: set `find_people=True` on a `CompanyEnrichment` before it.

    Example:
        flow = Webhook(COMPANY) >> CompanyToLeads()
    """
    blocks, topology = definition.blocks, definition.topology
    has_people = bytearray(len(blocks))
    for position in topology.order:
        kind, specs = blocks[position].kind, blocks[position].specs
        may_find = kind not in CATALOGUE  # an old or unknown name
        if kind == CompanyEnrichment.kind:
            may_find = _may_be_true(specs.get("find_people"))
        above = topology.parents[position]
        has_people[position] = may_find or any(has_people[at] for at in above)
    for position, _ in definition.of_kind(CompanyToLeads.kind):
        if not has_people[position]:
            message = (
                "no company_enrichment before it has find_people, so it finds nobody"
            )
            yield Fault(position, message)


def _may_be_true(value: Any) -> bool:
    return value is True or isinstance(value, Value | Hidden)


# -- What would spend less -------------------------------------------------------------


_KINDS: Final = (Filter, Deduplicate, DeduplicateWrtNotebook)


@rule("cost", "warning", "note", of=_KINDS)
def late_filter(definition: Definition) -> Iterator[Fault]:
    """A filter follows a block that costs credits, and reads nothing that it adds.

    Placed before that block, it saves the credits for the rows that it drops. After a
    block that may add columns with unknown names, this is not reported. It is a note
    for a deduplication, since which columns decide there is not documented.

    Fix: put it before the block that costs credits.

    Example:
        flow = (
            Webhook(LEAD, input_schema={"country": "string"})
            >> FindEmail()
            >> Filter.where("country").equals("SE")
        )
    """
    flow, paid = column_flow(definition), _find_paid_blocks(definition)
    for position, block in definition.of_kind(*(cls.kind for cls in _KINDS)):
        above = paid[position]
        if above is None:
            continue
        name, kind = name_block(definition, above), definition.blocks[above].kind
        advice = f"put it before {kind}, which then costs nothing for dropped rows"
        names = [column.name for column in flow.facts[position].reads]
        here, there = flow.before[position], flow.before[above]
        are_there = all(n in there and there[n] == here.get(n) for n in names)
        if block.kind != Filter.kind:
            message = f"rows are there twice when {name} is paid"
            yield Fault(position, message, advice, "note")
        elif names and are_there and not flow.facts[above].opens:
            message = f"the filter reads nothing that {name} adds"
            yield Fault(position, message, advice)


@once
def _find_paid_blocks(definition: Definition) -> Sequence[int | None]:
    """Return for each block the nearest earlier one that costs credits.

    It is None if something branches, meets or makes rows in between.
    """
    blocks, topology = definition.blocks, definition.topology
    parents, children = topology.parents, topology.children
    paid: list[int | None] = [None] * len(blocks)
    for position in topology.order:
        above = parents[position]
        if len(above) != 1 or len(children[above[0]]) != 1:
            continue
        kind = blocks[above[0]].kind
        if _is_paid(kind):
            paid[position] = above[0]
        elif kind in CATALOGUE and CATALOGUE[kind].about.drops_rows:
            paid[position] = paid[above[0]]
    return paid


def _is_paid(kind: str) -> bool:
    """Return True if a kind costs credits for each row, and keeps the row."""
    if kind not in CATALOGUE:
        return False
    about = CATALOGUE[kind].about
    is_step = (
        about.role == "step" and about.perhaps is None and not about.columns.resets
    )
    return is_step and not costs.SPENDING.isdisjoint(about.effects)


@rule("cost", "note", of=[LeadEnrichment, CompanyEnrichment])
def mergeable_enrichment(definition: Definition) -> Iterator[Fault]:
    """An enrichment follows one of the same kind and settings.

    The service advises one block that asks for all the fields. Keep two blocks if the
    second needs the results of the first.

    Fix: ask for all the fields in one block, which is paid once for each row.

    Example:
        flow = (
            Webhook(LEAD)
            >> LeadEnrichment(return_fields={"title": "Job title"})
            >> LeadEnrichment(return_fields={"city": "City"}, key="city")
        )
    """
    topology = definition.topology
    kinds = (LeadEnrichment.kind, CompanyEnrichment.kind)
    for position, block in definition.of_kind(*kinds):
        above = topology.parents[position]
        if len(above) == 1 and len(topology.children[above[0]]) == 1:
            before = definition.blocks[above[0]]
            if before.kind == block.kind and _list_settings(before.specs) == (
                _list_settings(block.specs)
            ):
                name = name_block(definition, above[0])
                yield Fault(position, f"it follows {name} with the same settings")


def _list_settings(specs: Any) -> dict[str, Any]:
    return {name: value for name, value in specs.items() if name != "return_fields"}


# -- Spending --------------------------------------------------------------------------


@rule("effects", "warning", "note", of=[Search])
def auto_execute(definition: Definition) -> Iterator[Fault]:
    """A search costs credits as soon as the workflow is created (documented).

    If the field is absent it is a note, since its default is undocumented.

    Fix: set `auto_execute=False`, and start a run when you want to buy.

    Example:
        flow = Search(LEAD, query="Heads of finance", auto_execute=True)
    """
    for position, block in definition.of_kind(Search.kind):
        value = block.specs.get("auto_execute")
        if _may_be_true(value):
            message = (
                "auto_execute buys as soon as the workflow is created, before any run"
            )
            yield Fault(position, message)
        elif value is not False:
            message = "auto_execute is not set; the service may buy when it is created"
            yield Fault(position, message, severity="note")


@rule("effects", "note", "warning", of=[AppendToNotebook])
def create_new_notebook(definition: Definition) -> Iterator[Fault]:
    """A notebook will be created; whether once or in each run is unknown.

    It is a warning if the notebook has no name: the only example has one.

    Fix: run it once, then write the id of the notebook that it made.

    Example:
        flow = Webhook(LEAD) >> AppendToNotebook(
            notebook_id="__create_new__", notebook_name="Leads of May"
        )
    """
    for position, block in definition.of_kind(AppendToNotebook.kind):
        if block.specs.get("notebook_id") == CREATE_NEW:
            yield Fault(position, "it may make a new notebook at each run")
            if not block.specs.get("notebook_name"):
                advice = 'name it: notebook_name="Leads of May"'
                yield Fault(position, "the new notebook has no name", advice, "warning")


@rule("effects", "note")
def effects(definition: Definition) -> Iterator[Fault]:
    """A summary of the money that the workflow spends, and what it changes outside.

    Fix: nothing needs fixing; this is what to know before a run.

    Example:
        flow = Webhook(LEAD) >> FindEmail()
    """
    summary = costs.effects(definition)
    if summary.touches:
        yield Fault(None, str(summary), help="")


@rule("cost", "note")
def cost_estimate(definition: Definition) -> Iterator[Fault]:
    """The most that 1,000 input rows may cost, by documented prices.

    It is an upper bound for the blocks with a price, before filters, and never a quote.

    Fix: nothing needs fixing; try a workflow with few rows first.

    Example:
        flow = Webhook(LEAD) >> FindEmail(mode="PROFESSIONAL")
    """
    total = costs.cost(definition)
    if total.charges:
        yield Fault(None, str(total), help="")
