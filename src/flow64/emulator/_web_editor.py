"""Change workflows as if in the web editor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from attrs import evolve

from ._clock import Clock
from ._records import JsonObject, WorkflowRecord
from ._store import Store


def edit_workflow(
    store: Store,
    clock: Clock,
    workflow_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    specs: Mapping[str, Mapping[str, Any]] | None = None,
    definition: Mapping[str, Any] | None = None,
) -> WorkflowRecord:
    """Change a workflow of any organisation; see `Emulator.edit`.

    Raises:
        KeyError: The workflow, or a block of that id or kind, does not exist.
    """

    def change(before: WorkflowRecord) -> WorkflowRecord:
        graph = dict(definition or before.definition)
        return evolve(
            before,
            name=before.name if name is None else name,
            description=before.description if description is None else description,
            definition=_with_specs(graph, specs) if specs else graph,
            updated_at=clock.now(),
        )

    with store.transaction():
        _get_workflow(store, workflow_id)
        return store.workflows.change(workflow_id.lower(), change)


def copy_workflow(store: Store, clock: Clock, workflow_id: str) -> WorkflowRecord:
    """Duplicate a workflow, including its stamp, under a new id.

    Raises:
        KeyError: The workflow does not exist.
    """
    found, now = _get_workflow(store, workflow_id), clock.now()
    duplicate = evolve(
        found,
        id=str(uuid4()),
        name=f"{found.name} (copy)",
        created_at=now,
        updated_at=now,
        last_run_date=None,
    )
    store.workflows.add(duplicate)
    return duplicate


def _get_workflow(store: Store, workflow_id: str) -> WorkflowRecord:
    found = store.workflows.get(workflow_id.lower())
    if found is None:
        raise KeyError(f"no workflow {workflow_id!r} is here")
    return found


def _with_specs(
    graph: JsonObject, specs: Mapping[str, Mapping[str, Any]]
) -> JsonObject:
    names = ("block_id", "block_name")
    there = {block[name] for block in graph["blocks"] for name in names}
    if unknown := sorted(specs.keys() - there):
        raise KeyError(f"no block has the id or kind {', '.join(unknown)}")
    return {
        **graph,
        "blocks": [_with_fields(block, specs) for block in graph["blocks"]],
    }


def _with_fields(
    block: JsonObject, specs: Mapping[str, Mapping[str, Any]]
) -> JsonObject:
    changes = specs.get(block["block_id"], specs.get(block["block_name"], {}))
    return {**block, "specs": {**block["specs"], **changes}}
