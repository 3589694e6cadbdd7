"""The rows that a run recorded behind each block, and what it ran."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Final

from ..api import calls
from ..api.session import Session
from ..definition import canonical_id, genuine_stamp
from ..deploy import judge
from ..diff.replay import Recording, Replay, Row
from ..diff.words import format_name
from ..errors import ResultError
from . import results
from .state import RunState
from .typed import structure_for
from .watch import poll

MOST_ROWS: Final = 100_000
"""Most rows of a block that are held in memory."""


def read_recording(session: Session, run: RunState) -> Recording | Replay:
    """Return the rows of a run, or why they tell nothing. Only reads are sent."""
    seen = run.look or poll(session, run)
    if run.status != calls.COMPLETED:
        return Replay(run.id, unknown=f"it is {run.status}")
    info = calls.read_workflow(session, seen.workflow_id)
    live = calls.require_definition(info)
    entries = calls.list_runs(session, seen.workflow_id)
    queued_at = {canonical_id(entry.job_id): entry.queued_at for entry in entries}
    if not _is_before(info.updated_at, queued_at.get(canonical_id(run.id))):
        return Replay(run.id, unknown="its workflow may have been edited since")
    blocks = [(block.number, block.kind) for block in live.blocks]
    if sorted(blocks) != sorted((b.sequence_number, b.block_name) for b in seen.blocks):
        return Replay(run.id, unknown="its workflow has other blocks now")
    metrics = {block.sequence_number: block.metrics or {} for block in seen.blocks}
    items = results.list_files(session, run, "json")

    @cache
    def load(at: int) -> list[Row]:
        number, kind = live.blocks[at].number, format_name(live.blocks[at].kind)
        own = [item for item in items if item.block_number == number]
        if len(own) != 1 or results.form_of(own[0]) == "csv":
            raise ResultError(f"the run has no JSON file of {kind}")
        if own[0].row_count > MOST_ROWS:
            raise ResultError(f"{kind} has more than {MOST_ROWS:,} rows")
        file = results.open_rows(session, run.id, own[0], structure_for(None))
        rows = [row.raw for row in file]
        if not len(rows) == own[0].row_count == metrics[number].get("row_count"):
            raise ResultError(f"the file of {kind} does not have all rows")
        return rows

    stamp = genuine_stamp(live.stamp, live.id)
    managed = judge.fields_of_last_deploy(live, stamp) or judge.fields_of(live)
    return Recording(run.id, live, load, managed)


def _is_before(first: str | None, second: str | None) -> bool:
    """Whether a time is certainly before another one."""
    try:
        return datetime.fromisoformat(str(first)) < datetime.fromisoformat(str(second))
    except (TypeError, ValueError):  # one of them may have no zone
        return False
