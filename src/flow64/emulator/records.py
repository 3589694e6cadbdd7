"""Records: what the store keeps, as typed data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, TypeAlias

from attrs import define, field, frozen

JsonObject: TypeAlias = dict[str, Any]
RowData: TypeAlias = dict[str, Any]


DONE: Final = frozenset({"completed", "failed", "cancelled"})


@frozen(kw_only=True)
class WorkflowRecord:
    """A stored workflow; `extra` holds undocumented keys of the body."""

    id: str
    org_id: str
    name: str
    description: str
    definition: JsonObject
    created_at: datetime
    updated_at: datetime
    last_run_date: datetime | None = None
    extra: JsonObject = field(factory=dict)


@frozen(kw_only=True)
class RunRecord:
    """A run, with its request and its progress.

    Its graph, block states and rows are stored apart, so that saving progress costs the
    same for large and small workflows.

    Attributes:
        formats: Formats in which results are saved.
        has_payload: Whether it was started with rows, stored at `payload_owner(id)`.
        unlisted: How many further lists of runs leave it out.
        digest: Digest of the request that started it.
        schedule_id: The schedule that started it.
    """

    id: str
    workflow_id: str
    org_id: str
    workflow_name: str
    formats: Sequence[str] = field(converter=tuple[str, ...])
    has_payload: bool
    queued_at: datetime
    updated_at: datetime
    blocks_count: int
    status: str = "queued"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    reason: str | None = None
    error: str | None = None
    unlisted: int = 0
    digest: str = ""
    schedule_id: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether the run has ended."""
        return self.status in DONE


@frozen(kw_only=True)
class GraphRecord:
    """The definition of a run at its start, with the override applied.

    Its id is the id of the run.
    """

    id: str
    data: JsonObject


@frozen(kw_only=True)
class ClaimRecord:
    """A used idempotency key. Its id joins organisation, workflow and key."""

    id: str
    run_id: str


@frozen(kw_only=True)
class BlockState:
    """The progress of one block of a run.

    Attributes:
        position: Its position in the graph of the run.
        row_count: How many rows it gave.
        columns: Their columns, in the order of first appearance.
        sizes: Bytes of its result file by format, as far as they were computed.
    """

    run_id: str
    position: int
    block_id: str
    kind: str
    number: int
    parents: Sequence[str] = field(converter=tuple[str, ...])
    row_kind: str
    status: str = "pending"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    processed: int = 0
    total: int = 0
    row_count: int = 0
    error: str | None = None
    columns: Sequence[str] = field(default=(), converter=tuple[str, ...])
    sizes: Mapping[str, int] = field(factory=dict[str, int])

    @property
    def id(self) -> str:
        """The run and the position."""
        return f"{self.run_id}/{self.position}"

    @property
    def progress(self) -> float:
        """The processed part of its rows, from 0 to 1."""
        if self.status == "completed":
            return 1.0
        return self.processed / self.total if self.total else 0.0

    @property
    def rows(self) -> str:
        """The owner of its rows in the store."""
        return block_rows_owner(self.run_id, self.position)


@frozen(kw_only=True)
class OutboxEntry:
    """Something that a block wrote outside, or would have.

    Attributes:
        org_id: Organisation of the run.
        block_id: The block that wrote it.
        position: The block's position in the graph of its run.
        target: The address or the channel.
        outcome: The result of the delivery, in words.
        is_open: Whether it is still to be delivered.
        rows: The rows that it wrote; the store keeps them with their block.
    """

    id: str
    org_id: str
    run_id: str
    block_id: str
    kind: str
    position: int
    target: str | None
    outcome: str
    created_at: datetime
    is_open: bool = False
    rows: Sequence[RowData] = ()

    @property
    def owner(self) -> str:
        """The owner of its rows in the store."""
        return block_rows_owner(self.run_id, self.position)


@frozen(kw_only=True)
class NotebookRecord:
    """A notebook, with its rows at `notebook_owner(org, id)`.

    Its id is `ORG/NOTEBOOK`.
    """

    id: str
    org_id: str
    notebook_id: str
    name: str | None
    row_count: int
    updated_at: datetime


@frozen(kw_only=True)
class ScheduleRecord:
    """A schedule of a workflow.

    Attributes:
        ran_until: Its due times up to this one have started their runs.
    """

    id: str
    org_id: str
    workflow_id: str
    name: str
    cron_expression: str
    timezone: str
    created_at: datetime
    updated_at: datetime
    ran_until: datetime
    description: str | None = None
    is_active: bool = True


@frozen(kw_only=True)
class SigningSecretRecord:
    """A secret that deliveries are signed with.

    Attributes:
        plaintext: The secret itself. It is returned once, when it is made.
        expires_at: Until when it signs together with its successor; None if active.
        revoked_at: When it stopped signing.
    """

    id: str
    org_id: str
    plaintext: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


def block_rows_owner(run_id: str, position: int) -> str:
    """Return the owner of the rows that a block of a run gave."""
    return f"run/{run_id}/{position}"


def payload_owner(run_id: str) -> str:
    """Return the owner of the rows that a run was started with."""
    return f"payload/{run_id}"


def notebook_owner(org_id: str, notebook_id: str) -> str:
    """Return the owner of the rows of a notebook."""
    return f"notebook/{org_id}/{notebook_id}"


def organisation_of(credential: str) -> str:
    """Return the organisation that a key or token belongs to, without showing it."""
    return f"org_{sha256(credential.encode()).hexdigest()[:16]}"


def format_cell(value: Any) -> str:
    """Return a value as the text of a cell: text as it is, others as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@define
class Clock:
    """Real time plus what it was moved forward by; all times and expiry follow it.

    Attributes:
        listeners: Are called after the clock was moved.
        ahead: How far it was moved.
    """

    listeners: list[Callable[[], None]] = field(factory=list, init=False, repr=False)
    ahead: timedelta = field(factory=timedelta, init=False)

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC) + self.ahead

    def advance(self, seconds: float) -> None:
        """Move the clock forward. Schedules that are due then start their runs."""
        self.ahead += timedelta(seconds=seconds)
        for listener in self.listeners:
            listener()


def format_time(moment: datetime) -> str:
    """Format a time as responses do: ISO 8601 with `Z`."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def dump_json(data: Any) -> str:
    """Return JSON text, with times as in responses."""
    return json.dumps(data, ensure_ascii=False, default=_as_json)


def _as_json(value: object) -> str:
    # What a test gives as the list of blocks may hold anything.
    return format_time(value) if isinstance(value, datetime) else str(value)
