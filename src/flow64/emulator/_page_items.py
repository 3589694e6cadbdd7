"""Records as items of the page: small JSON objects with shortened texts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final
from urllib.parse import unquote

from attrs import fields

from ..definition import Stamp, environment_in, split_stamp
from ._clock import format_optional_time, format_time
from ._csv import format_cell
from ._records import (
    BlockState,
    JsonObject,
    NotebookRecord,
    OutboxRecord,
    RowData,
    RunRecord,
    WorkflowRecord,
    notebook_owner,
    public_id,
)
from ._switches import Switches

MAX_COLUMNS: Final = 60
"""Columns shown of rows; further ones are only counted."""

SHORT, LONG = 250, 20_000
"""Characters shown of a name or cell, and of a text that is shown alone."""


def shorten(text: str, limit: int = SHORT) -> str:
    """Return a text, or its beginning and its length."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text):,} characters)"


def workflow_item(workflow: WorkflowRecord, limit: int = SHORT) -> JsonObject:
    """Convert a workflow; the stamp of a deploy is separate from the description.

    A copy was not deployed, so the environment in its stamp is not its own.
    """
    workflow_id = public_id(workflow.id)
    text, left = split_stamp(workflow.description, workflow_id)
    own = left if left is not None and left.is_genuine(workflow_id) else None
    return {
        "id": workflow.id,
        "org": workflow.org_id,
        "name": shorten(workflow.name),
        "description": shorten(text, limit),
        "deployed": left and shorten(_name_deployed(left)),
        "is_copy": left is not own,
        "environment": own and shorten(environment_in(own.path)),
        "blocks": len(workflow.definition["blocks"]),
        "updated": format_time(workflow.updated_at),
        "last_run": format_optional_time(workflow.last_run_date),
    }


def run_item(run: RunRecord, limit: int = SHORT) -> JsonObject:
    """Convert a run."""
    started, completed = run.started_at, run.completed_at
    return {
        "id": run.id,
        "org": run.org_id,
        "workflow_id": run.workflow_id,
        "name": shorten(run.workflow_name),
        "status": shorten(run.status),
        "is_done": run.is_done,
        "blocks": run.blocks_count,
        "queued": format_time(run.queued_at),
        "started": format_optional_time(run.started_at),
        "completed": format_optional_time(run.completed_at),
        "seconds": (completed - started).total_seconds()
        if started and completed
        else None,
        "error": run.error and shorten(run.error, limit),
    }


def progress(blocks: Sequence[BlockState]) -> JsonObject:
    """Count the completed blocks, and measure the progress from 0 to 1."""
    parts = [block.progress for block in blocks]
    done = sum(block.status == "completed" for block in blocks)
    return {"done": done, "progress": round(sum(parts) / max(len(parts), 1), 4)}


def state_item(state: BlockState) -> JsonObject:
    """Convert the state of a block."""
    return {
        "position": state.position,
        "status": shorten(state.status),
        "processed": state.processed,
        "total": state.total,
        "made": state.made,
        "row_kind": state.row_kind,
        "started": format_optional_time(state.started_at),
        "completed": format_optional_time(state.completed_at),
        "error": state.error and shorten(state.error, LONG),
        "rows": state.rows,
    }


def notebook_item(notebook: NotebookRecord) -> JsonObject:
    """Convert a notebook."""
    return {
        "id": notebook.id,
        "org": notebook.org_id,
        "name": shorten(notebook.name or notebook.notebook_id),
        "notebook_id": shorten(notebook.notebook_id),
        "count": notebook.row_count,
        "updated": format_time(notebook.updated_at),
        "rows": notebook_owner(notebook.org_id, notebook.notebook_id),
    }


def sent_item(sent: OutboxRecord) -> JsonObject:
    """Convert an outbox record."""
    return {
        "id": sent.id,
        "org": sent.org_id,
        "run_id": sent.run_id,
        "position": sent.position,
        "kind": shorten(sent.kind),
        "target": sent.target and shorten(sent.target),
        "outcome": shorten(_say_outcome(sent.outcome), LONG),
        "created": format_time(sent.created_at),
        "rows": sent.rows,
    }


def rows_data(rows: Sequence[RowData]) -> JsonObject:
    """Convert rows to a table of texts; null if a row has no value."""
    columns = list(dict.fromkeys(chain.from_iterable(rows)))
    shown = columns[:MAX_COLUMNS]
    return {
        "columns": [shorten(column) for column in shown],
        "hidden_columns": len(columns) - len(shown),
        "rows": [[_show_cell(row.get(column)) for column in shown] for row in rows],
    }


def switch_items(switches: Switches) -> list[JsonObject]:
    """List every switch with its value, its default and its description."""
    words = _parse_attributes(inspect.getdoc(Switches) or "")
    return [
        {
            "name": field.name,
            "value": _show_setting(getattr(switches, field.name)),
            "default": _show_setting(field.default),
            "does": words.get(field.name, ""),
        }
        for field in fields(Switches)
    ]


_DELIVERED: Final = re.compile(r"attempt (\d+): (2\d\d)")


def _say_outcome(outcome: str) -> str:
    """Say that a delivery succeeded; its outcome is `attempt 1: 200` then."""
    found = _DELIVERED.fullmatch(outcome)
    return f"delivered: {found[2]} at attempt {found[1]}" if found else outcome


def _name_deployed(stamp: Stamp) -> str:
    """Return the names in the path of a stamp, without the environment."""
    segments = (segment.split(":", 1) for segment in stamp.path.split("/"))
    return "/".join(unquote(parts[-1]) for parts in segments if parts[0] != "env")


def _show_setting(value: Any) -> str:
    """Return a value as `flow64 serve --switch` takes it."""
    return "none" if value is None else format_cell(value)


def _show_cell(value: Any) -> str | None:
    return None if value is None else shorten(format_cell(value))


def _parse_attributes(doc: str) -> dict[str, str]:
    """Return the description of each attribute in a docstring."""
    _, _, listed = doc.partition("Attributes:\n")
    found = re.findall(r"^    (\w+): (.+(?:\n     +.+)*)", listed, re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in found}
