"""Sightings: the workflows that a cache remembers as unchanged when listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen

from ..definition import digest


@frozen
class Sighting:
    """A workflow as the list shows it, and the stamp that a deploy would leave.

    All of it is hashable text. A cache may use `digest` as its key. It has no specs.

    Attributes:
        endpoint: The endpoint of the service.
        id: The id of the workflow.
        name: The title, as listed.
        description: The description, as listed, with its stamp.
        updated_at: When it was last changed, as listed.
        wanted: The stamp that a deploy would leave, as text, without its commit.
    """

    endpoint: str
    id: str
    name: str
    description: str
    updated_at: str
    wanted: str

    @property
    def digest(self) -> str:
        """The SHA-256 of all attributes, in hex."""
        parts = [self.endpoint, self.id, self.name, self.description]
        return digest([*parts, self.updated_at, self.wanted])


class Cache(Protocol):
    """Remembers which sightings were `unchanged`, so that no GET is needed.

    Without it, only the number of requests changes. It only keeps what was `unchanged`.
    """

    def find(self, sighting: Sighting) -> Sequence[str] | None:
        """Return the unmanaged fields of an unchanged workflow. None if not known."""

    def keep(self, sighting: Sighting, unmanaged: Sequence[str]) -> None:
        """Remember that a workflow was read after this sighting, and was unchanged."""
