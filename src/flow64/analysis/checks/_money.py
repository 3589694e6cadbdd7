"""Rules about what a workflow spends and touches."""

from __future__ import annotations

from collections.abc import Iterator

from ...blocks import CREATE_NEW
from ...definition import BoundSecret, Definition, Value
from .._cost import cost
from .._effects import effects as effects_of
from ._rule import Found, note, of_kinds, warning


@of_kinds("search")
def auto_execute(definition: Definition) -> Iterator[Found]:
    """A search costs credits as soon as the workflow is created (documented).

    Where the field is absent it is a note, since its default is undocumented.
    """
    for position, block in definition.of_kind("search"):
        found = block.specs.get("auto_execute")
        if found is True or isinstance(found, Value | BoundSecret):
            message = (
                "auto_execute buys as soon as the workflow is created, before any run"
            )
            yield warning(position, message, "set auto_execute=False, and start a run")
        elif found is not False:
            message = "auto_execute is not set; the service may buy when it is created"
            yield note(position, message, "set auto_execute=False")


@of_kinds("append_to_notebook")
def create_new_notebook(definition: Definition) -> Iterator[Found]:
    """A notebook is to be created; whether once or at each run is unknown."""
    for position, block in definition.of_kind("append_to_notebook"):
        if block.specs.get("notebook_id") == CREATE_NEW:
            message = "it may make a new notebook at each run"
            yield warning(position, message, "run it once, then name the notebook's id")


def effects(definition: Definition) -> Iterator[Found]:
    """What the workflow spends, when, and what it leaves outside, in one line."""
    found = effects_of(definition)
    if found.touches:
        yield note(None, str(found))


def cost_estimate(definition: Definition) -> Iterator[Found]:
    """What 1,000 input rows may cost, by the prices that are documented.

    An upper bound for the blocks that have a price, before filters, and never a quote.
    """
    found = cost(definition)
    if found.charges:
        yield note(None, str(found))
