"""Conversations with the service, without I/O."""

from __future__ import annotations

from ._calls import (
    BlockStatus,
    LiveStatus,
    ResultItem,
    RunEntry,
    Started,
    cancel_run,
    create_workflow,
    download,
    download_links,
    get_workflow,
    list_runs,
    live_status,
    start_run,
    update_description,
    update_workflow,
)
from ._conversation import (
    Answer,
    Conversation,
    Request,
    Sleep,
    Step,
    ask,
    is_refusal,
    may_pass,
    send,
)

__all__ = [
    "Answer",
    "BlockStatus",
    "Conversation",
    "LiveStatus",
    "Request",
    "ResultItem",
    "RunEntry",
    "Sleep",
    "Started",
    "Step",
    "ask",
    "cancel_run",
    "create_workflow",
    "download",
    "download_links",
    "get_workflow",
    "is_refusal",
    "list_runs",
    "live_status",
    "may_pass",
    "send",
    "start_run",
    "update_description",
    "update_workflow",
]
