"""What completion offers: the public names of what users hold, and nothing else."""

from __future__ import annotations

from types import FunctionType

import pytest

from flow64.client import (
    AsyncClient,
    AsyncRun,
    Batch,
    BlockDone,
    BlockFailed,
    BlockStarted,
    Client,
    Deployment,
    Finished,
    JoinedRows,
    Preview,
    Progress,
    Row,
    Run,
)
from flow64.plan import Plan

RUN = {
    "data": "empty id is_attached is_ended is_presumed reason stages status "
    "workflow_id",
    "methods": "cancel download join_rows results rows to_csv to_ndjson wait watch",
}
CLIENT = {
    "data": "endpoint env is_local policy runs schedules signing_secret workflows",
    "methods": "balance blocks call close deploy preview run run_batches stream "
    "with_options",
}
BLOCK = "name number"
SHOWN = {
    Run: RUN,
    AsyncRun: RUN,
    Client: CLIENT,
    AsyncClient: CLIENT,
    Batch: {"data": "count first index path run", "methods": ""},
    Row: {"data": "misfits raw value", "methods": ""},
    JoinedRows: {"data": "may_be_lost rows unmatched", "methods": ""},
    BlockStarted: {"data": f"{BLOCK} total", "methods": ""},
    Progress: {
        "data": "display_percentage name number percentage processed total",
        "methods": "",
    },
    BlockDone: {"data": f"{BLOCK} rows", "methods": ""},
    BlockFailed: {"data": "message name number status", "methods": ""},
    Finished: {"data": "empty is_completed reason status", "methods": ""},
    Deployment: {
        "data": "changes has_written replaced state unmanaged workflow_id",
        "methods": "",
    },
    Preview: {
        "data": "changes edits is_empty is_taken lost needs_force spends state "
        "unmanaged workflow_id",
        "methods": "",
    },
    Plan: {
        "data": "endpoint env has_changes is_empty not_checked prices projects refused "
        "renames requests secrets steps victims vouched writes",
        "methods": "step",
    },
}


@pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.__name__)
def test_public_names(kind):
    """Each is a method or data that the docs describe."""
    names = [name for name in dir(kind) if not name.startswith("_")]
    methods = [name for name in names if isinstance(getattr(kind, name), FunctionType)]

    assert sorted({*names} - {*methods}) == SHOWN[kind]["data"].split()
    assert methods == SHOWN[kind]["methods"].split()
