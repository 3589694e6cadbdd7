"""The forms of what commands print with `--json`, if no class of another room has them.

Type checkers hold what a command prints to them, and JSON Schemas are made from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

from ..plan import State

JsonObject: TypeAlias = Mapping[str, Any]


class Files(TypedDict):
    """The files that a command wrote."""

    files: Sequence[str]


class StaleFile(TypedDict):
    """A file that is not current."""

    file: str
    problem: str


class Staleness(TypedDict):
    """Whether a folder is current."""

    is_current: bool
    problems: Sequence[StaleFile]


class SyncedBlocks(TypedDict):
    """The service's own list of blocks, which was saved."""

    file: str
    date: str | None
    kinds: int
    is_first: bool
    is_written: bool
    changes: Sequence[JsonObject]
    problems: Sequence[str]


class GeneratedBlocks(TypedDict):
    """The source of block classes."""

    file: str | None
    source: str
    classes: Sequence[Mapping[str, str]]


class BlocksCurrent(TypedDict):
    """Whether a module of block classes is current."""

    file: str
    is_current: bool


class NamedSchema(TypedDict):
    """A JSON Schema that can be printed."""

    name: str
    about: str


class Schemas(TypedDict):
    """The JSON Schemas that can be printed."""

    schemas: Sequence[NamedSchema]


class FoundValue(TypedDict):
    """A text that became a value."""

    name: str
    where: str


class WrittenCode(TypedDict):
    """A workflow as a variable of a module."""

    variable: str
    key: str
    name: str
    left_out: Sequence[str]
    allow: Sequence[str]


class WrittenModule(TypedDict):
    """Workflows as Python code."""

    file: str | None
    source: str
    workflows: Sequence[WrittenCode]
    values: Sequence[FoundValue]
    settings: Sequence[str]


class PulledValue(FoundValue):
    """A text that became a value, and whether the environment has the value."""

    is_set: bool


class PulledFile(TypedDict):
    """A live workflow that was saved."""

    file: str
    workflow_id: str
    name: str
    stamp: str | None
    allow: Sequence[str]
    values: Sequence[PulledValue]


class UnpulledWorkflow(TypedDict):
    """A live workflow that was not saved, and why."""

    workflow_id: str
    name: str
    problem: str


class PulledFolder(TypedDict):
    """Live workflows that were saved in a folder."""

    env: str
    folder: str
    workflows: Sequence[PulledFile]
    refused: Sequence[UnpulledWorkflow]
    settings: Sequence[str]


class HistoryEntry(TypedDict):
    """A workflow that was replaced."""

    at: str
    key: str
    workflow_id: str
    env: str
    endpoint: str
    replaced_by: str
    withheld: Sequence[str]
    name: str
    file: str


class HistoryEntries(TypedDict):
    """Workflows that were replaced, newest first."""

    entries: Sequence[HistoryEntry]


class GraphBlock(TypedDict):
    """A block of a drawing."""

    block_id: str
    path: str | None
    kind: str
    shape: str
    mark: str
    is_moved: bool
    was: str | None
    fields: Sequence[str]
    rows: str | None
    effects: Sequence[str]


class GraphEdge(TypedDict):
    """An edge of a drawing, between two positions in its blocks."""

    source: int
    target: int
    mark: str


class Drawing(TypedDict):
    """A workflow as a graph, perhaps compared with another version."""

    name: str
    is_compared: bool
    blocks: Sequence[GraphBlock]
    edges: Sequence[GraphEdge]
    lost_edges: Any


class DemoRun(TypedDict):
    """A run of the demo."""

    workflow_id: str | None
    states: Sequence[str]
    run_id: str
    status: str
    rows: Sequence[JsonObject]


class CompletionScript(TypedDict):
    """The script of a shell."""

    shell: str
    script: str
    file: str
    line: str


class CancelledRun(TypedDict):
    """A run that was to be cancelled."""

    run_id: str
    env: str
    status: str


class RunFiles(TypedDict):
    """The files of a run."""

    run_id: str
    env: str
    files: Sequence[str]


class AppliedStep(TypedDict):
    """The outcome of one workflow of a plan."""

    key: str
    workflow_id: str
    state: State
    outcome: str
    done: str | None
    saved: str | None
    withheld: Sequence[str]
    error: str | None


class ComparedGroup(TypedDict):
    """Workflows that differ alike, by their position in `workflows`."""

    outcome: str
    keys: Sequence[str]
    like: Sequence[str] | None


class ComparedEntry(TypedDict):
    """A workflow of one side."""

    key: str
    workflow_id: str | None
    name: str
    is_live: bool
