"""The workflow of a probe, and how to try something with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any
from uuid import uuid4

from attrs import define, field, frozen

from ._requests import RequestRecord, object_of, objects_in
from ._sandbox import TITLE, ProbeId, Sandbox


class EndedError(Exception):
    """The probe cannot go on, for the given reason."""


@frozen
class Trial:
    """One write, and what was stored."""

    status: int
    stored: Mapping[str, Any] = field(factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether it was accepted."""
        return 200 <= self.status < 300

    @property
    def words(self) -> str:
        """Say what became of it."""
        if self.is_good:
            return "accepted"
        return f"refused with {self.status}" if self.status < 500 else f"{self.status}"

    @property
    def graph(self) -> Mapping[str, Any]:
        """The stored graph."""
        return object_of(self.stored.get("workflow_definition"))

    @property
    def blocks(self) -> Sequence[Mapping[str, Any]]:
        """The stored blocks."""
        return objects_in(self.graph.get("blocks"))

    @property
    def edges(self) -> Sequence[Mapping[str, Any]]:
        """The stored edges."""
        return objects_in(self.graph.get("edges"))


@define
class Lab:
    """The workflow of a probe, and how to try things with it."""

    sandbox: Sandbox
    other: Sandbox | None
    stopped: Callable[[], bool]
    probe_id: ProbeId = field(factory=ProbeId)
    base: Trial = field(factory=lambda: Trial(0))
    checks_kinds: bool = False

    def check(self) -> None:
        """End the probe if it should stop, or is at another organisation."""
        if self.stopped():
            raise EndedError("it was stopped")
        if any(box.is_wrong for box in (self.sandbox, self.other) if box is not None):
            problem = "a credential belongs to another organisation than org_id says"
            raise EndedError(f"{problem}: use a key of that one, or correct org_id")

    def body(
        self, graph: Mapping[str, Any] | None = None, description: str | None = None
    ) -> dict[str, Any]:
        """Return a whole body of the workflow."""
        return {
            "workflow_name": TITLE,
            "workflow_description": description or self.probe_id.stamp,
            "workflow_definition": graph or make_graph("LEAD"),
        }

    def try_body(self, body: Mapping[str, Any]) -> Trial:
        """Change the workflow, and read it back."""
        self.check()
        written = self.sandbox.update(str(self.probe_id), body)
        return self._read_back(written, self.sandbox)

    def try_graph(self, graph: Mapping[str, Any]) -> Trial:
        """Change the graph of the workflow, and read it back."""
        return self.try_body(self.body(graph))

    def create(self) -> Trial:
        """Create the workflow."""
        body = self.body(make_graph("LEAD", "deduplicate", "deduplicate"))
        return self._read_back(
            self.sandbox.create(str(self.probe_id), body), self.sandbox
        )

    def _read_back(self, written: RequestRecord, sandbox: Sandbox) -> Trial:
        status = status_of(written)
        if not written.is_good:
            return Trial(status)
        found = sandbox.get(str(self.probe_id))
        status_of(found)
        return Trial(status, found.object)


def status_of(reply: RequestRecord) -> int:
    """Return the status of an answer, if the probe can go on after it."""
    if reply.status is None:
        raise EndedError("no answer came")
    if reply.status in (401, 402, 429):
        raise EndedError(f"the service answered {reply.status}")
    return reply.status


def make_graph(row_kind: str | None, *kinds: str) -> dict[str, Any]:
    """Return a chain of a webhook and other blocks, with new ids."""
    specs: dict[str, Any] = {"input_schema": {"flow64_probe": "string"}}
    if row_kind is not None:
        specs["dataframe_type"] = row_kind
    blocks = [
        {
            "block_id": str(uuid4()),
            "sequence_number": number,
            "block_type": "io" if kind == "webhook" else "transform",
            "block_name": kind,
            "specs": specs if kind == "webhook" else {},
        }
        for number, kind in enumerate(("webhook", *kinds), 1)
    ]
    ids = [block["block_id"] for block in blocks]
    edges = [make_edge(a, b) for a, b in pairwise(ids)]
    return {"blocks": blocks, "edges": edges}


def make_edge(source: Any, target: Any) -> dict[str, Any]:
    """Return an edge."""
    return {"from_block_id": source, "to_block_id": target}
