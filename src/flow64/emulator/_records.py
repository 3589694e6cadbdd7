"""What the emulator remembers, as records: each is one line of a table of the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, TypeAlias

from attrs import field, frozen

JsonObject: TypeAlias = dict[str, Any]
RowData: TypeAlias = dict[str, Any]


DONE: Final = frozenset({"completed", "failed", "cancelled"})


def _words(found: Iterable[str]) -> tuple[str, ...]:
    # What is read must be equal to what was written.
    return tuple(found)


@frozen(kw_only=True)
class WorkflowRecord:
    """A stored workflow; `extra` holds body keys that the documents do not name."""

    id: str
    org_id: str
    name: str
    description: str
    definition: JsonObject
    created_at: datetime
    updated_at: datetime
    last_run_date: datetime | None = None
    extra: JsonObject = field(factory=dict)

    @property
    def parent(self) -> str:
        """The organisation."""
        return self.org_id


@frozen(kw_only=True)
class RunRecord:
    """A run: what it was started with, and how far it has come.

    Its graph, the states of its blocks and its rows are kept apart, so that a step of a
    run costs the same in a large workflow as in a small one.

    Attributes:
        formats: Formats in which results are saved.
        has_payload: Whether it was started with rows; they are at `payload_of(id)`.
        unlisted: How many more lists of runs leave it out.
        digest: Digest of the request that started it.
    """

    id: str
    workflow_id: str
    org_id: str
    workflow_name: str
    formats: Sequence[str] = field(converter=_words)
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

    @property
    def parent(self) -> str:
        """The organisation."""
        return self.org_id

    @property
    def is_done(self) -> bool:
        """Whether the run has ended."""
        return self.status in DONE


@frozen(kw_only=True)
class GraphRecord:
    """The definition of a run as it was at the start, override applied.

    Its id is that of the run.
    """

    id: str
    data: JsonObject

    @property
    def parent(self) -> str:
        """The run."""
        return self.id


@frozen(kw_only=True)
class ClaimRecord:
    """What makes a second start the same run: organisation, workflow and key."""

    id: str
    run_id: str

    @property
    def parent(self) -> str:
        """The run."""
        return self.run_id


@frozen(kw_only=True)
class BlockState:
    """How far one block of a run has come.

    Attributes:
        position: Where it stands in the graph of the run.
        made: How many rows it gave.
        columns: Their columns, in the order of first appearance.
        sizes: Bytes of its result file, by format, where they were asked for.
    """

    run_id: str
    position: int
    block_id: str
    kind: str
    number: int
    parents: Sequence[str] = field(converter=_words)
    row_kind: str
    status: str = "pending"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    processed: int = 0
    total: int = 0
    made: int = 0
    error: str | None = None
    columns: Sequence[str] = field(default=(), converter=_words)
    sizes: Mapping[str, int] = field(factory=dict[str, int])

    @property
    def id(self) -> str:
        """The run and the position."""
        return f"{self.run_id}/{self.position}"

    @property
    def parent(self) -> str:
        """The run."""
        return self.run_id

    @property
    def rows(self) -> str:
        """Where in the store its rows are."""
        return block_rows_owner(self.run_id, self.position)


@frozen(kw_only=True)
class OutboxRecord:
    """Something that a run wrote outside, or would have: the rows are its block's.

    Attributes:
        target: The address or the channel.
        position: Where the block stands in the graph of its run.
        outcome: What became of it.
        is_open: Whether it is still to be delivered.
        attempts: How often it was tried, also before the emulator was stopped.
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
    attempts: int = 0

    @property
    def parent(self) -> str:
        """The organisation."""
        return self.org_id

    @property
    def rows(self) -> str:
        """Where in the store its rows are."""
        return block_rows_owner(self.run_id, self.position)


@frozen(kw_only=True)
class SpendingRecord:
    """What a block cost, at a run or when its workflow was saved.

    Attributes:
        run_id: The run; None where saving the workflow was enough.
        rows: How many rows were paid for.
        credits: What they cost; None where nobody knows the price.
    """

    id: str
    org_id: str
    workflow_id: str
    run_id: str | None
    kind: str
    rows: int
    credits: float | None
    created_at: datetime

    @property
    def parent(self) -> str:
        """The organisation."""
        return self.org_id


@frozen(kw_only=True)
class NotebookRecord:
    """A notebook that runs write to; its rows are at `notebook_of(org, id)`.

    Its id is `ORG/NOTEBOOK`.
    """

    id: str
    org_id: str
    notebook_id: str
    name: str | None
    row_count: int
    updated_at: datetime

    @property
    def parent(self) -> str:
        """The organisation."""
        return self.org_id


@frozen(kw_only=True)
class UploadRecord:
    """An uploaded file; its rows are at `upload_of(id)`."""

    id: str
    org_id: str
    filename: str
    row_count: int
    created_at: datetime

    @property
    def parent(self) -> str:
        """The organisation."""
        return self.org_id


@frozen(kw_only=True)
class ScheduleRecord:
    """A workflow that is to run at times; the emulator lists it and starts nothing."""

    id: str
    org_id: str
    workflow_id: str
    name: str
    cron_expression: str
    timezone: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    is_active: bool = True

    @property
    def parent(self) -> str:
        """The organisation."""
        return self.org_id


@frozen(kw_only=True)
class SigningSecretRecord:
    """A secret that deliveries are signed with.

    Attributes:
        plaintext: The secret itself; it leaves the emulator only in signatures, and
            once in the answer that made it.
        expires_at: Until when it signs beside its successor; None where it is active.
        revoked_at: Since when it signs no more.
    """

    id: str
    org_id: str
    plaintext: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def parent(self) -> str:
        """The organisation."""
        return self.org_id


def block_rows_owner(run_id: str, position: int) -> str:
    """Where the rows are that a block of a run gave."""
    return f"run/{run_id}/{position}"


def payload_owner(run_id: str) -> str:
    """Where the rows are that a run was started with."""
    return f"payload/{run_id}"


def notebook_owner(org_id: str, notebook_id: str) -> str:
    """Where the rows of a notebook are."""
    return f"notebook/{org_id}/{notebook_id}"


def upload_owner(upload_id: str) -> str:
    """Where the rows of an uploaded file are."""
    return f"upload/{upload_id}"


def organisation_of(credential: str) -> str:
    """Return the organisation that a key or token belongs to, without showing it."""
    return f"org_{sha256(credential.encode()).hexdigest()[:16]}"
