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
from ._parsing import Answered, answer_reader, is_filled, list_reader
from ._request import Request
from ._session import Lookup, Session

MOST_RUNS = 500
"""Only the newest runs can be listed (documented)."""


@frozen
class Started(Answered):
    """Answer to the start of a run.

    Attributes:
        status: Its status, usually `queued`.
        already_started: True if it was started before under the same Idempotency-Key.
        cache_config: Not documented.
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
        status: Its status, as the service spells it.
        status_reason: Why it has this status.
        queued_at: Times are in the service's format.
        workflow_name: Title of its workflow when it was started.
        user_id: The user who made the workflow.
        metrics: Rows in and out, costs, and other counts of the service.
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
    """The state of a block in a run.

    Attributes:
        block_name: Its kind.
        sequence_number: Its number in the definition.
        status: `pending`, `running`, `completed`, `failed`, or an undocumented word.
        processed_count: Rows that it has processed.
        total_count: Rows to process, as far as known.
        progress_percentage: From 0 to 100, as the service says.
        started_at: Times are in the service's format.
        estimated_total_count: Rows to process, as estimated.
        metrics: `row_count`, `dataframe_type`, and other counts of the service.
        last_updated: When this was last changed; it is not compared.
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

    @property
    def returned_rows(self) -> int | None:
        """The rows that it returned; None if that is not known."""
        count = (self.metrics or {}).get("row_count")
        if isinstance(count, int) and not isinstance(count, bool):
            return count
        return self.processed_count if self.processed_count > 0 else None


@frozen
class LiveStatus(Answered):
    """The state of a run.

    Attributes:
        overall_status: Its status, as the service spells it.
        current_block: Kind of the block that is running.
        overall_progress_percentage: From 0 to 100, as the service says.
        current_block_sequence: Number of the block that is running.
        started_at: Times are in the service's format.
        estimation_blocked_by: The kind of block that prevents a full estimate.
        last_updated: When this was last changed. It is not compared, so two answers
            differ only if the run has made progress.
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
    """A result file. Every stage that saved something has one.

    Attributes:
        block_number: `sequence_number` of the block that wrote it.
        file_size: Bytes of it, uncompressed, if known.
        message: A message of the service.
        download_url: A signed link that expires after 15 minutes; None if signing
            failed.
        results: The rows themselves, if the file is small.
        download_expires_in_seconds: Lifetime of the link, from the answer on.
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
        """True if all of its rows are in `results`."""
        return self.results is not None and len(self.results) >= self.row_count

    @property
    def is_readable(self) -> bool:
        """True if its rows are in `results`, or there is a link."""
        return self.is_whole or self.download_url is not None


@frozen
class Cancelled(Answered):
    """Answer to a cancel, with the status that the run has now."""

    status: str
    job_id: str = ""


async def start_run(
    session: Session,
    workflow_id: str,
    body: Mapping[str, Any],
    key: str,
    *,
    save_json: bool = True,
    result_formats: Sequence[str] = (),
    look: Lookup[Started] | None = None,
) -> Started:
    """Start a run under an Idempotency-Key.

    If the answer is lost, the request is not sent again, since it is only inferred that
    the service honours the key. After a 429 it is sent again only if `look` has found
    no run.

    Args:
        workflow_id: Id of the workflow.
        body: `webhook_payload` and `specs_override`.
        key: The Idempotency-Key.
        save_json: Save results as JSON too, which keeps types.
        result_formats: Further formats to save.
        look: Looks for the run of a start that was answered 429.
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
    return await session.send(request, answer_reader(Started, request), look)


async def list_runs(
    session: Session,
    workflow_id: str | None = None,
    limit: int = MOST_RUNS,
    *,
    status: str | None = None,
) -> Sequence[RunEntry]:
    """Return the newest runs, newest first. Only 500 can be listed (documented).

    Args:
        workflow_id: Only runs of this workflow.
        limit: The most runs to return.
        status: Only runs of this status: a word of `RUN_FILTERS`.
    """
    callee = "runs.list"
    query: dict[str, str | Sequence[str]] = {}
    if status is not None:
        query["status"] = as_word(callee, "status", status, RUN_FILTERS)
    if workflow_id is not None:
        query["workflow_id"] = as_id(callee, "workflow_id", workflow_id)
    query["limit"] = str(as_count(callee, "limit", limit, 1, MOST_RUNS))
    request = Request("GET", "/workflows/runs", query)
    return await session.send(request, list_reader(RunEntry, request))


async def live_status(session: Session, run_id: str) -> LiveStatus:
    """Return the state of a run."""
    path = f"/workflows/runs/{in_path('runs.status', 'run_id', run_id)}/live_status"
    request = Request("GET", path)
    return await session.send(request, answer_reader(LiveStatus, request))


async def cancel_run(session: Session, run_id: str) -> str:
    """Cancel a run, and return its status. A run that has ended keeps its status."""
    query = {"job_id": as_id("runs.cancel", "run_id", run_id)}
    request = Request("POST", "/workflows/cancel", query, is_harmless=True)
    return (await session.send(request, answer_reader(Cancelled, request))).status


async def download_links(
    session: Session, run_id: str, format: str = "csv"
) -> Sequence[ResultItem]:
    """Return the result files of a run, with fresh links."""
    callee = "runs.download_links"
    query = {"format": as_word(callee, "format", format, FORMATS)}
    segment = in_path(callee, "run_id", run_id)
    request = Request("GET", f"/workflows/runs/{segment}/results/download-links", query)
    return await session.send(request, list_reader(ResultItem, request))
