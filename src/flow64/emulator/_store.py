"""What the emulator remembers: workflows, runs, their rows, notebooks and the outbox.

`Store` is what the other modules rely on: every method is one atomic step, so that a
store on disk can take the place of the one in memory.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import RLock
from typing import Any, Final, Protocol, TypeAlias

from attrs import define, evolve, field, frozen

Data: TypeAlias = dict[str, Any]
Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = list[Row]

DONE: Final = frozenset({"completed", "failed", "cancelled"})


@frozen(kw_only=True)
class Workflow:
    """A stored workflow; `extra` holds body keys that the documents do not name."""

    id: str
    org_id: str
    name: str
    description: str
    definition: Data
    created_at: datetime
    updated_at: datetime
    last_run_date: datetime | None = None
    extra: Data = field(factory=dict)


@frozen(kw_only=True)
class BlockState:
    """How far one block of a run has come."""

    id: str
    kind: str
    number: int
    parents: Sequence[str]
    row_kind: str
    status: str = "pending"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    processed: int = 0
    total: int = 0
    made: int = 0
    error: str | None = None


@frozen(kw_only=True)
class Run:
    """A run: what it was started with, and how far it has come.

    Attributes:
        graph: The definition as it was when the run started, override applied.
        payload: Rows that the run was started with; None for none.
        formats: Formats in which results are saved.
        unlisted: How many more lists of runs leave it out.
        claim: What makes a second start the same run: organisation, workflow and key.
        digest: Digest of the request that started it.
    """

    id: str
    workflow_id: str
    org_id: str
    workflow_name: str
    graph: Data
    payload: Rows | None
    formats: Sequence[str]
    queued_at: datetime
    updated_at: datetime
    status: str = "queued"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    reason: str | None = None
    error: str | None = None
    blocks: tuple[BlockState, ...] = ()
    unlisted: int = 0
    claim: tuple[str, str, str] | None = None
    digest: str = ""

    @property
    def is_done(self) -> bool:
        """Whether the run has ended."""
        return self.status in DONE

    def with_block(self, position: int, **changes: Any) -> Run:
        """The run with one of its block states changed."""
        blocks = list(self.blocks)
        blocks[position] = evolve(blocks[position], **changes)
        return evolve(self, blocks=tuple(blocks))


@frozen
class Stage:
    """The rows that a block of a run gave."""

    block_id: str
    kind: str
    number: int
    rows: Rows = field(repr=False)
    created_at: datetime


@frozen
class OutboxEntry:
    """Something that a run would have written outside, and that stayed here."""

    run_id: str
    block_id: str
    kind: str
    target: str | None
    rows: Rows = field(repr=False)


class Store(Protocol):
    """What is remembered; each method is one atomic step."""

    @abstractmethod
    def workflow(self, workflow_id: str) -> Workflow | None:
        """One workflow, of any organisation."""

    @abstractmethod
    def workflows(self) -> list[Workflow]:
        """All workflows, in the order they were made."""

    @abstractmethod
    def add_workflow(self, workflow: Workflow) -> bool:
        """Add a workflow; False, and nothing is changed, where its id is taken."""

    @abstractmethod
    def change_workflow(
        self, workflow_id: str, change: Callable[[Workflow], Workflow]
    ) -> Workflow:
        """Replace a workflow by what a function makes of it."""

    @abstractmethod
    def remove_workflow(self, workflow_id: str) -> None:
        """Remove a workflow; its runs stay."""

    @abstractmethod
    def run(self, run_id: str) -> Run | None:
        """One run, of any organisation."""

    @abstractmethod
    def runs(self) -> list[Run]:
        """All runs, in the order they were started."""

    @abstractmethod
    def add_run(self, run: Run) -> Run:
        """Add a run; where its claim is taken, nothing is added: the earlier run."""

    @abstractmethod
    def change_run(self, run_id: str, change: Callable[[Run], Run]) -> Run:
        """Replace a run by what a function makes of it."""

    @abstractmethod
    def add_stage(self, run_id: str, stage: Stage) -> None:
        """Keep the rows that a block gave."""

    @abstractmethod
    def stages(self, run_id: str) -> list[Stage]:
        """The stages of a run, in the order they were finished."""

    @abstractmethod
    def notebook(self, org_id: str, notebook_id: str) -> Rows:
        """Rows of a notebook; none where nobody wrote to it."""

    @abstractmethod
    def extend_notebook(self, org_id: str, notebook_id: str, rows: Rows) -> None:
        """Add rows to a notebook."""

    @abstractmethod
    def post(self, entry: OutboxEntry) -> None:
        """Keep what would have been written outside."""

    @abstractmethod
    def outbox(self) -> list[OutboxEntry]:
        """What would have been written outside, oldest first."""


@define
class MemoryStore:
    """A store that lasts as long as the process."""

    _lock: RLock = field(factory=RLock, init=False)
    _workflows: dict[str, Workflow] = field(factory=dict, init=False)
    _runs: dict[str, Run] = field(factory=dict, init=False)
    _claims: dict[tuple[str, str, str], str] = field(factory=dict, init=False)
    _stages: dict[str, list[Stage]] = field(factory=dict, init=False)
    _notebooks: dict[tuple[str, str], Rows] = field(factory=dict, init=False)
    _outbox: list[OutboxEntry] = field(factory=list, init=False)

    def workflow(self, workflow_id: str) -> Workflow | None:
        """One workflow, of any organisation."""
        return self._workflows.get(workflow_id)

    def workflows(self) -> list[Workflow]:
        """All workflows, in the order they were made."""
        with self._lock:
            return list(self._workflows.values())

    def add_workflow(self, workflow: Workflow) -> bool:
        """Add a workflow; False, and nothing is changed, where its id is taken."""
        with self._lock:
            return self._workflows.setdefault(workflow.id, workflow) is workflow

    def change_workflow(
        self, workflow_id: str, change: Callable[[Workflow], Workflow]
    ) -> Workflow:
        """Replace a workflow by what a function makes of it."""
        with self._lock:
            self._workflows[workflow_id] = changed = change(
                self._workflows[workflow_id]
            )
            return changed

    def remove_workflow(self, workflow_id: str) -> None:
        """Remove a workflow; its runs stay."""
        with self._lock:
            self._workflows.pop(workflow_id, None)

    def run(self, run_id: str) -> Run | None:
        """One run, of any organisation."""
        return self._runs.get(run_id)

    def runs(self) -> list[Run]:
        """All runs, in the order they were started."""
        with self._lock:
            return list(self._runs.values())

    def add_run(self, run: Run) -> Run:
        """Add a run; where its claim is taken, nothing is added: the earlier run."""
        with self._lock:
            if run.claim is not None:
                first = self._claims.setdefault(run.claim, run.id)
                if first != run.id:
                    return self._runs[first]
            self._runs[run.id] = run
            return run

    def change_run(self, run_id: str, change: Callable[[Run], Run]) -> Run:
        """Replace a run by what a function makes of it."""
        with self._lock:
            self._runs[run_id] = changed = change(self._runs[run_id])
            return changed

    def add_stage(self, run_id: str, stage: Stage) -> None:
        """Keep the rows that a block gave."""
        with self._lock:
            self._stages.setdefault(run_id, []).append(stage)

    def stages(self, run_id: str) -> list[Stage]:
        """The stages of a run, in the order they were finished."""
        with self._lock:
            return list(self._stages.get(run_id, ()))

    def notebook(self, org_id: str, notebook_id: str) -> Rows:
        """Rows of a notebook; none where nobody wrote to it."""
        with self._lock:
            return list(self._notebooks.get((org_id, notebook_id), ()))

    def extend_notebook(self, org_id: str, notebook_id: str, rows: Rows) -> None:
        """Add rows to a notebook."""
        with self._lock:
            self._notebooks.setdefault((org_id, notebook_id), []).extend(rows)

    def post(self, entry: OutboxEntry) -> None:
        """Keep what would have been written outside."""
        with self._lock:
            self._outbox.append(entry)

    def outbox(self) -> list[OutboxEntry]:
        """What would have been written outside, oldest first."""
        with self._lock:
            return list(self._outbox)
