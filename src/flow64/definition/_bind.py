"""Binding: put the values of an environment into an unbound definition."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from attrs import evolve

from ..redaction import map_json
from ._values import BoundSecret, Value
from .freezing import MAX_DEPTH, FrozenDict, Problem, freeze, nesting, too_deep, walk
from .model import Definition


def unbound_names(definition: Definition) -> list[str]:
    """Return the names of the values that are not filled in yet, sorted."""
    return sorted({value.name for value in _unbound(definition)})


def bind(
    definition: Definition, values: Mapping[str, Any], problems: list[Problem]
) -> Definition:
    """Return the definition with each value in `values` filled in.

    Args:
        values: JSON data by value name. Unused names are ignored, since the workflows
            of a fleet share one environment.
        problems: Gets one entry for each value that is not JSON. Its path begins with
            the name. A secret value is not shown.
    """
    asked = _unbound(definition)
    # A name that is secret in one place is shown in no other place either.
    secret = {value.name for value in asked if value.secret}
    filled = {}
    for name in sorted({value.name for value in asked} & values.keys()):
        found: list[Problem] = []
        made = freeze(values[name], (name,), found)
        level = max(asked[value] for value in asked if value.name == name)
        if not found and level + nesting(made) > MAX_DEPTH:
            found.append(too_deep((name,), MAX_DEPTH))
            made = None
        filled[name] = made
        problems += map(_mask, found) if name in secret else found
    if not filled:
        return definition
    return definition.map_specs(lambda block: _fill(block.specs, filled, secret))


def add_suffix(definition: Definition, suffix: str) -> Definition:
    """Return the definition with the name suffix of an environment after its title.

    The ids are already made, even if the title gave the key.

    Args:
        suffix: Such as `(staging)`; empty adds nothing. A title that already ends in it
            does not get a second one.
    """
    name = definition.name
    if not suffix or name == suffix or name.endswith(f" {suffix}"):
        return definition
    return evolve(definition, name=f"{name} {suffix}")


def _unbound(definition: Definition) -> dict[Value, int]:
    """Return the values that are not filled in, with the most levels around each.

    Levels are counted inside one spec field, as `freeze` counts them.
    """
    found: dict[Value, int] = {}
    for block in definition.blocks:
        for path, item in walk(block.specs):
            if type(item) is Value:
                found[item] = max(found.get(item, 0), len(path) - 1)
    return found


def _mask(problem: Problem) -> Problem:
    message = "what this secret stands for is not JSON"
    return evolve(problem, path=problem.path[:1], message=message)


def _fill(
    specs: FrozenDict, values: Mapping[str, Any], secret: AbstractSet[str]
) -> FrozenDict:
    def fill(item: Any) -> Any:
        if type(item) is not Value or item.name not in values:
            return item
        content = values[item.name]
        return BoundSecret(item, content) if item.name in secret else content

    made: FrozenDict = map_json(specs, fill)
    return made
