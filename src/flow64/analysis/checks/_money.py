"""Rules about what a workflow spends and touches."""

from __future__ import annotations

from collections.abc import Iterator

from ...blocks import CREATE_NEW, AppendToNotebook, Search
from ...definition import BoundSecret, Definition, Value
from .._cost import cost
from .._effects import effects as effects_of
from ._rule import Found, rule


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
        if found is True or isinstance(found, Value | BoundSecret):
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
