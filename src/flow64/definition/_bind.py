"""Binding: fill the plain values of an environment into an unbound definition."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from attrs import evolve

from ..errors import ConfigError
from ..secrets import map_json
from ._values import Value
from .freezing import MAX_DEPTH, FrozenDict, Problem, freeze, nesting, too_deep, walk
from .model import Definition


def unbound_names(definition: Definition) -> list[str]:
    """Return the names of the plain values that are not filled in yet, sorted."""
    return sorted({value.name for value in _unbound(definition) if not value.secret})


def bind(
    definition: Definition, values: Mapping[str, Any], problems: list[Problem]
) -> Definition:
    """Return the definition with each plain value in `values` filled in.

    A value is secret in all places if code marks it in one, or if the settings take it
    from a variable (`values.hidden`). It stays a name.

    Args:
        values: JSON data by value name. Unused names are ignored, since the workflows
            of a fleet share one environment.
        problems: Gets one entry for each value that is not JSON. Its path begins with
            the name. A secret value is not shown.
    """
    asked = _unbound(definition)
    secret = {value.name for value in asked if value.secret}
    secret |= {value.name for value in asked} & getattr(values, "hidden", frozenset())
    contents: dict[str, Any] = {}
    for name in sorted({value.name for value in asked} & values.keys()):
        found: list[Problem] = []
        try:
            content = freeze(values[name], (name,), found)
        except ConfigError:  # the variable of a secret may be set where it is needed
            if name not in secret:
                raise
            continue
        level = max(asked[value] for value in asked if value.name == name)
        if not found and level + nesting(content) > MAX_DEPTH:
            found.append(too_deep((name,), MAX_DEPTH))
            content = None
        problems += map(_mask, found) if name in secret else found
        if name not in secret:
            contents[name] = content
    if not contents and not secret:
        return definition
    return definition.map_specs(lambda block: _fill(block.specs, contents, secret))


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
    specs: FrozenDict, contents: Mapping[str, Any], secret: AbstractSet[str]
) -> FrozenDict:
    def fill(item: Any, _: object) -> Any:
        if type(item) is not Value:
            return item
        if item.name in secret:
            return Value(item.name, secret=True)
        return contents.get(item.name, item)

    filled: FrozenDict = map_json(specs, fill)
    return filled
