"""The calls about runs and their results, one function each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ._arguments import (
    FORMATS,
    RUN_FILTERS,
    as_count,
    as_flag,
    as_formats,
    as_header,
    as_id,
    as_word,
    in_path,
)
from ._conversation import Look, asked
from ._parsing import Answered, is_filled, reading, reading_list
from ._steps import Conversation, Request

MOST_RUNS = 500
"""The newest runs are all that can be listed (documented)."""


@frozen
class Started(Answered):
    """Answer to the start of a run.

    Attributes:
        job_id: Id of the run.
        workflow_id: Id of its workflow.
        status: Its status, usually `queued`.
        already_started: Whether it was started before under the same Idempotency-Key.
        cache_config: What the service says of a cache; not documented.
    """

    job_id: str = field(validator=is_filled)
    workflow_id: str = ""
    status: str = ""
    already_started: bool = False
    cache_config: Any = field(default=None, repr=False)


@frozen
class RunEntry(Answered):
    """A run in the list of runs.

    Attributes:
        job_id: Id of the run.
        workflow_id: Id of its workflow.
        status: Its status, as the service spells it.
        status_reason: Why it has this status, in a few words.
        error_message: What it failed with.
        queued_at: When it was queued, as the service writes times.
        workflow_name: Title of its workflow when it was started.
        step: The editor's step.
        user_id: Who made the workflow.
        created_at: When it was written down.
        updated_at: When that was last changed.
        started_at: When it began.
        completed_at: When it ended.
        duration_ms: Milliseconds that it took.
        metrics: Rows in and out, costs, and whatever else the service counts.
        blocks: Its blocks; usually None in lists.
        blocks_count: How many blocks its workflow had.
    """

    job_id: str
    workflow_id: str = ""
    status: str = ""
    status_reason: str | None = None
    error_message: str | None = None
    queued_at: str | None = None
    workflow_name: str = ""
    step: str | None = None
    user_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    duration_ms: int | None = None
    metrics: Mapping[str, Any] | None = field(default=None, repr=False)
    blocks: Any = field(default=None, repr=False)
    blocks_count: int = 0


@frozen
class BlockStatus(Answered):
    """How far a run has come in one block.

    Attributes:
        block_name: Its kind.
        sequence_number: Its number in the definition.
        status: `pending`, `running`, `completed`, `failed`, or a word not documented.
        processed_count: Rows done.
        total_count: Rows to do, as far as known.
        progress_percentage: From 0 to 100, as the service says.
        block_id: Its id.
        error_message: What it failed with.
        previous_block_ids: Ids of the blocks before it.
        started_at: When it began, as the service writes times.
        completed_at: When it ended.
        current_step: What it is doing.
        estimated_total_count: Rows to do, as estimated.
        metrics: `row_count`, `dataframe_type`, and whatever else the service counts.
        last_updated: When this was last changed; takes no part in equality.
    """

    block_name: str = ""
    sequence_number: int = 0
    status: str = ""
    processed_count: int = 0
    total_count: int = 0
    progress_percentage: float = 0.0
    block_id: str | None = None
    error_message: str | None = None
    previous_block_ids: Sequence[str] = ()
    started_at: str | None = None
    completed_at: str | None = None
    current_step: str | None = None
    estimated_total_count: int | None = None
    metrics: Mapping[str, Any] | None = field(default=None, repr=False)
    last_updated: str | None = field(default=None, eq=False)


@frozen
class LiveStatus(Answered):
    """How far a run has come.

    Attributes:
        overall_status: Its status, as the service spells it.
        run_id: Id of the run.
        workflow_id: Id of its workflow.
        current_block: Kind of the block that is at work.
        total_blocks: How many blocks there are.
        completed_blocks: How many are done.
        overall_progress_percentage: From 0 to 100, as the service says.
        blocks: How far each block has come.
        current_block_sequence: Number of the block that is at work.
        started_at: When it began, as the service writes times.
        completed_at: When it ended.
        estimation_blocked_by: The kind of block that stops a full estimate.
        last_updated: When this was last changed; takes no part in equality, so that
            two looks differ only where the run has come further.
    """

    overall_status: str
    run_id: str = ""
    workflow_id: str = ""
    current_block: str | None = None
    total_blocks: int = 0
    completed_blocks: int = 0
    overall_progress_percentage: float = 0.0
    blocks: Sequence[BlockStatus] = ()
    current_block_sequence: int | None = None
    started_at: str | None = None
    completed_at: str | None = None
    estimation_blocked_by: str | None = None
    last_updated: str | None = field(default=None, eq=False)


@frozen
class ResultItem(Answered):
    """A result file: every stage that saved something has one.

    Attributes:
        filename: Its name.
        block_number: `sequence_number` of the block that wrote it.
        row_count: Rows in it.
        file_size: Bytes of it, uncompressed, where known.
        content_type: Its media type.
        message: What the service says of it, if anything.
        download_url: A signed link that dies after 15 minutes; None if signing failed.
        results: The rows themselves, where the file is small.
        storage_bucket: Where it lies.
        created_at: When it was saved, as the service writes times.
        download_expires_in_seconds: How long the link lives, from the answer on.
    """

    filename: str = ""
    block_number: int | None = None
    row_count: int = 0
    file_size: int | None = None
    content_type: str | None = None
    message: str | None = None
    download_url: str | None = field(default=None, repr=False)
    results: Sequence[Mapping[str, Any]] | None = field(default=None, repr=False)
    storage_bucket: str = ""
    created_at: str | None = None
    download_expires_in_seconds: int = 900

    @property
    def is_whole(self) -> bool:
        """Whether its rows are here, and all of them."""
        return self.results is not None and len(self.results) >= self.row_count

    @property
    def is_readable(self) -> bool:
        """Whether its rows are here, or behind a link."""
        return self.is_whole or self.download_url is not None


@frozen
class Cancelled(Answered):
    """Answer to a cancel: the status that the run has now."""

    status: str
    job_id: str = ""


def start_run(
    workflow_id: str,
    body: Mapping[str, Any],
    key: str,
    *,
    save_json: bool = True,
    result_formats: Sequence[str] = (),
    look: Look[Started] | None = None,
) -> Conversation[Started]:
    """Start a run under an Idempotency-Key.

    It is never sent again after an answer that was lost: that the service honours the
    key is inferred. After a 429 it is sent again only if `look` has found no run.

    Args:
        workflow_id: Which workflow.
        body: `webhook_payload` and `specs_override`.
        key: The Idempotency-Key.
        save_json: Whether results are kept as JSON too, so that types survive.
        result_formats: Further formats to keep.
        look: Looks for the run that a start has made although it was answered 429.
    """
    callee = "runs.start"
    query: dict[str, str | Sequence[str]] = {
        "workflow_id": as_id(callee, "workflow_id", workflow_id),
        "save_json": "true" if as_flag(callee, "save_json", save_json) else "false",
    }
    if formats := as_formats(callee, "result_formats", result_formats):
        query["result_formats"] = formats
    named = as_header(callee, "idempotency_key", key)
    request = Request(
        "POST",
        "/workflows/run",
        query,
        body,
        idempotency_key=named,
        is_once=look is None,
    )
    return (yield from asked(request, reading(Started, request), look))


def list_runs(
    workflow_id: str | None = None, limit: int = MOST_RUNS, *, status: str | None = None
) -> Conversation[Sequence[RunEntry]]:
    """The newest runs, newest first; 500 are all that can be reached (documented).

    Args:
        workflow_id: Of one workflow alone.
        limit: How many at most.
        status: Of one status alone: a word of `RUN_FILTERS`.
    """
    callee = "runs.list"
    query: dict[str, str | Sequence[str]] = {}
    if status is not None:
        query["status"] = as_word(callee, "status", status, RUN_FILTERS)
    if workflow_id is not None:
        query["workflow_id"] = as_id(callee, "workflow_id", workflow_id)
    query["limit"] = str(as_count(callee, "limit", limit, 1, MOST_RUNS))
    request = Request("GET", "/workflows/runs", query)
    return (yield from asked(request, reading_list(RunEntry, request)))


def live_status(run_id: str) -> Conversation[LiveStatus]:
    """How far a run has come."""
    path = f"/workflows/runs/{in_path('runs.status', 'run_id', run_id)}/live_status"
    request = Request("GET", path)
    return (yield from asked(request, reading(LiveStatus, request)))


def cancel_run(run_id: str) -> Conversation[str]:
    """Cancel a run; one that has ended keeps its status. Gives the status word."""
    query = {"job_id": as_id("runs.cancel", "run_id", run_id)}
    request = Request("POST", "/workflows/cancel", query, is_harmless=True)
    return (yield from asked(request, reading(Cancelled, request))).status


def download_links(
    run_id: str, format: str = "csv"
) -> Conversation[Sequence[ResultItem]]:
    """The result files of a run, with fresh links."""
    callee = "runs.download_links"
    query = {"format": as_word(callee, "format", format, FORMATS)}
    segment = in_path(callee, "run_id", run_id)
    request = Request("GET", f"/workflows/runs/{segment}/results/download-links", query)
    return (yield from asked(request, reading_list(ResultItem, request)))
