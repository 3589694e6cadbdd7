"""Records as items of the page: small JSON objects with shortened texts."""

from __future__ import annotations

import inspect
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from attrs import fields

from ..blocks import CATALOGUE, CONFIDENCE, About
from ..definition import split_stamp
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


def workflow_item(workflow: WorkflowRecord) -> JsonObject:
    """Convert a workflow; the stamp of a deploy is separate from the description."""
    text, left = split_stamp(workflow.description, workflow.id)
    return {
        "id": workflow.id,
        "org": workflow.org_id,
        "name": shorten(workflow.name),
        "description": shorten(text, LONG),
        "deployed": left and shorten(left.path),
        "is_copy": left is not None and not left.is_genuine(workflow.id),
        "blocks": len(workflow.definition["blocks"]),
        "updated": format_time(workflow.updated_at),
        "last_run": format_optional_time(workflow.last_run_date),
    }


def run_item(run: RunRecord, blocks: Sequence[BlockState] | None = None) -> JsonObject:
    """Convert a run, with its progress if its blocks are given."""
    item: JsonObject = {
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
        "error": run.error and shorten(run.error, LONG),
    }
    if blocks is not None:
        item |= progress(blocks)
    return item


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
        "outcome": shorten(sent.outcome, LONG),
        "created": format_time(sent.created_at),
        "rows": sent.rows,
    }


def graph_data(graph: JsonObject) -> JsonObject:
    """Convert a graph: its blocks without specs, and its edges by position."""
    blocks = graph["blocks"]
    at = {block["block_id"]: position for position, block in enumerate(blocks)}
    ends = ((edge["from_block_id"], edge["to_block_id"]) for edge in graph["edges"])
    many = Counter(block["block_name"] for block in blocks)
    numbers = [
        block["sequence_number"] if many[block["block_name"]] > 1 else None
        for block in blocks
    ]
    return {
        "blocks": [
            {**_block_item(block), "number": number}
            for block, number in zip(blocks, numbers, strict=True)
        ],
        "edges": [[at[a], at[b]] for a, b in ends if a in at and b in at],
    }


def block_data(block: JsonObject) -> JsonObject:
    """Convert a block with its specs, and add the catalogue's facts about its kind."""
    specs = json.dumps(block["specs"], indent=2, ensure_ascii=False)
    shown = {
        **_block_item(block),
        "id": block["block_id"],
        "specs": shorten(specs, LONG),
    }
    cls = CATALOGUE.get(block["block_name"])
    return (
        shown if cls is None else shown | _describe_kind(cls.about, cls.__doc__ or "")
    )


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
            "value": json.dumps(getattr(switches, field.name), default=str),
            "default": json.dumps(field.default, default=str),
            "does": words.get(field.name, ""),
        }
        for field in fields(Switches)
    ]


def _block_item(block: JsonObject) -> JsonObject:
    kind = block["block_name"]
    cls = CATALOGUE.get(kind)
    return {
        "kind": shorten(kind),
        "role": "unknown" if cls is None else cls.about.role,
        "note": shorten(next(_notes(block["specs"]), ""), 80),
    }


def _notes(specs: Mapping[str, Any]) -> Iterator[str]:
    """Yield texts that distinguish a block from others of its kind: values first."""
    for value in specs.values():
        match value:
            case str() if value and not value.isspace():
                yield value
            case [{**condition}, *_]:
                yield " ".join(str(part) for part in condition.values())
    for value in specs.values():
        match value:
            case {**asked} if asked:
                yield ", ".join(map(str, asked))
            case [str(), *_]:
                yield ", ".join(str(part) for part in value)


def _describe_kind(about: About, doc: str) -> JsonObject:
    return {
        "summary": " ".join(doc.partition("\n\n")[0].split()),
        "takes": about.takes,
        "gives": about.gives,
        "effects": list(about.effects),
        "reads": [column.name for column in about.columns.reads],
        "adds": [column.name for column in about.columns.adds],
        "known": CONFIDENCE[about.confidence],
        "rows_known": CONFIDENCE[about.rows],
    }


def _show_cell(value: Any) -> str | None:
    return None if value is None else shorten(format_cell(value))


def _parse_attributes(doc: str) -> dict[str, str]:
    """Return the description of each attribute in a docstring."""
    _, _, listed = doc.partition("Attributes:\n")
    found = re.findall(r"^    (\w+): (.+(?:\n     +.+)*)", listed, re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in found}
