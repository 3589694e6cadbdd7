"""What may be shown of what is live while JSON is planned that nobody vouches for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from attrs import frozen

from ..definition import (
    BoundSecret,
    Definition,
    FrozenDict,
    Value,
    WireBlock,
    bind,
    canonical_id,
    freeze,
    redact_for_display,
    suffixed,
)
from ..errors import ConfigError
from ..redaction import SHORTEST
from ._faulty import even_faulty
from ._trusted import Trusted


@frozen
class Covered:
    """Hides of what is live all that the trusted JSON does not show.

    Attributes:
        known: The trusted definitions by their ids, values filled in.
        beyond: Holds every value that the trusted JSON does not show.
    """

    known: Mapping[str, Definition]
    beyond: Definition

    @property
    def definitions(self) -> Sequence[Definition]:
        """The trusted definitions."""
        return [*self.known.values()]

    def cover(self, live: Definition) -> Definition:
        """A live definition as it may be shown, whatever an untrusted one says.

        What stands where the trusted JSON has a secret is named as there, or masked;
        so it stays hidden although a change has something else in that place.
        """
        known = self.known.get(canonical_id(str(live.id)))
        if known is not None:
            live = redact_for_display(live, known)
        return redact_for_display(live, self.beyond)


def covered(
    trusted: Trusted, env: str, values: Mapping[str, Any], suffix: str
) -> Covered:
    """What hides the values of an environment.

    Args:
        trusted: What is shown already.
        env: Name of the environment.
        values: Its values; those whose variables are not set are in nothing.
        suffix: What it adds to titles.
    """
    given = at_hand(values)
    known: dict[str, Definition] = {}
    for one in trusted.base.workflows:
        read = trusted.covered(one.entry, even_faulty(one.workflow), one.file)
        bound = bind(even_faulty(read), given, [])
        known[canonical_id(read.id(env))] = suffixed(bound, suffix)
    beyond = {name: v for name, v in given.items() if name not in trusted.plain}
    return Covered(known, _holding(beyond))


def at_hand(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values whose variables are set."""
    found: dict[str, Any] = {}
    for name in values:
        with suppress(ConfigError):
            found[name] = values[name]
    return found


def _holding(values: Mapping[str, Any]) -> Definition:
    """A definition that has values in it, and says nothing else.

    Short ones, and numbers, stand in many places that tell nothing of them.
    """
    specs = {
        name: BoundSecret(Value(name, secret=True), freeze(found, (), []))
        for name, found in values.items()
        if isinstance(found, dict | list)
        or (isinstance(found, str) and len(found) >= SHORTEST)
    }
    return Definition("", "", (WireBlock("", "", FrozenDict(specs), "", 1),), ())
