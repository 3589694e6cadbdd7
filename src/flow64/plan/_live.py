"""What the service has of a workflow, as a plan keeps it, and its digest."""

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
"""Keys of an edge that the documents name beside its ends."""


@final
class Held:
    """A definition as the service has it or gets it, secrets and all.

    No attrs class, so that what lists fields (`asdict`, `vars`) does not find it; a
    pickle holds nothing.
    """

    __slots__ = ("_content",)

    def __init__(self, content: Definition) -> None:
        self._content = content

    @property
    def content(self) -> Definition:
        """The definition, for the request and for history alone."""
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
    """What the service has, as it was read for a plan.

    Attributes:
        held: The definition, as it was read.
        digest: Of all that an update replaces; equal where nobody wrote since.
    """

    held: Held
    digest: str

    @property
    def definition(self) -> Definition:
        """The definition, as it was read: secrets are live as their text."""
        return self.held.content


def digest_of(live: Definition) -> str:
    """SHA-256, in hex, of all that an update of a workflow would replace.

    Order, numbers and labels are left out, since a service may answer them otherwise
    each time; unmanaged fields and unknown keys of graph, blocks and edges are in.
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
    """What was read, with its digest."""
    return Live(Held(definition), digest_of(definition))


def unnamed_of_edges(live: Definition) -> Mapping[tuple[str, str], FrozenDict]:
    """Keys of edges that no document names, by the ids of both ends in lower case."""
    found: dict[tuple[str, str], FrozenDict] = {}
    for edge in live.edges:
        if edge.extra.keys() - EDGE_KEYS:
            more = {k: v for k, v in edge.extra.items() if k not in EDGE_KEYS}
            found[edge.source.lower(), edge.target.lower()] = FrozenDict(more)
    return found
