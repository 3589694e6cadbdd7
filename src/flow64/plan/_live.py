"""A live workflow as a plan keeps it, and its digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, final

from attrs import frozen

from ..definition import (
    Definition,
    FrozenDict,
    canonical_id,
    digest,
    meaning,
    thaw,
)

EDGE_KEYS: Final = frozenset({"condition"})
"""The documented keys of an edge, besides its ends."""


@final
class Held:
    """A definition as the service has it or gets it, with its secrets.

    It is not an attrs class, so nothing that lists fields (`asdict`, `vars`) finds it.
    It cannot be pickled.
    """

    __slots__ = ("_content",)

    def __init__(self, content: Definition) -> None:
        self._content = content

    @property
    def content(self) -> Definition:
        """The definition, for the request and the history alone."""
        return self._content

    def __repr__(self) -> str:
        return f"Held({self._content.id})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Held):
            return NotImplemented
        return self._content == other._content

    def __hash__(self) -> int:
        return hash((Held, self._content.id))

    def __copy__(self) -> Held:
        return self

    def __deepcopy__(self, memo: object) -> Held:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        message = "what is held for a request holds secrets, and is not pickled"
        raise TypeError(message)


@frozen
class Live:
    """A live workflow, as it was read for a plan.

    Attributes:
        held: The definition, as it was read.
        digest: A digest of all that an update replaces. It changes with each write.
    """

    held: Held
    digest: str

    @property
    def definition(self) -> Definition:
        """The definition, as it was read, with secrets as plain text."""
        return self.held.content


def digest_of(live: Definition) -> str:
    """Return the SHA-256, in hex, of all that an update of a workflow would replace.

    It leaves out order, numbers and labels, since each answer of a service may differ
    in them. It includes unmanaged fields, and unknown keys of graph, blocks and edges.
    """
    beside_edges = sorted(
        [*ends, thaw(extra)] for ends, extra in unnamed_of_edges(live).items()
    )
    return digest(
        {
            **meaning(live, bound=True),
            "stamp": str(live.stamp) if live.stamp else None,
            "graph_extra": thaw(live.graph_extra),
            "extras": {
                canonical_id(block.id): thaw(block.extra)
                for block in live.blocks
                if block.extra
            },
            **({"edge_extras": beside_edges} if beside_edges else {}),
        }
    )


def live_of(definition: Definition) -> Live:
    """Return a workflow that was read, with its digest."""
    return Live(Held(definition), digest_of(definition))


def unnamed_of_edges(live: Definition) -> Mapping[tuple[str, str], FrozenDict]:
    """Return undocumented keys of edges, by the ids of both ends in lower case."""
    found: dict[tuple[str, str], FrozenDict] = {}
    for edge in live.edges:
        if edge.extra.keys() - EDGE_KEYS:
            more = {k: v for k, v in edge.extra.items() if k not in EDGE_KEYS}
            found[edge.source.lower(), edge.target.lower()] = FrozenDict(more)
    return found
