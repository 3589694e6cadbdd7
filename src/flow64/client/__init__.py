"""The clients that users hold, and the objects that their methods return."""

from __future__ import annotations

from ..api import (
    AsyncHttpAnswer,
    AsyncTransport,
    Balance,
    BlockStatus,
    HttpAnswer,
    HttpRequest,
    LiveStatus,
    NewSigningSecret,
    OAuth,
    Policy,
    ResultItem,
    RunEntry,
    Schedule,
    Session,
    SigningSecret,
    Started,
    Transport,
    WorkflowInfo,
)
from ..deploy import (
    Deployment,
    Preview,
)
from ..endpoints import DEFAULT_ENDPOINT
from ..plan import State
from ..runs import (
    BlockDone,
    BlockFailed,
    BlockStarted,
    FailedBatch,
    Finished,
    JoinedRow,
    JoinedRows,
    Progress,
    Queued,
    ResultRows,
    Row,
    Rows,
    RunEvent,
    Running,
)
from ._async_client import AsyncClient
from ._async_run import AsyncRun
from ._batch import Batch
from ._client import Client
from ._run import Run
from ._settings import PLACE_NAME as PLACE_NAME
from ._settings import BatchOptions, RunOptions, Terms
from ._shortcuts import deploy, run, run_batches

__all__ = [
    "DEFAULT_ENDPOINT",
    "AsyncClient",
    "AsyncHttpAnswer",
    "AsyncRun",
    "AsyncTransport",
    "Balance",
    "Batch",
    "BatchOptions",
    "BlockDone",
    "BlockFailed",
    "BlockStarted",
    "BlockStatus",
    "Client",
    "Deployment",
    "FailedBatch",
    "Finished",
    "HttpAnswer",
    "HttpRequest",
    "JoinedRow",
    "JoinedRows",
    "LiveStatus",
    "NewSigningSecret",
    "OAuth",
    "Policy",
    "Preview",
    "Progress",
    "Queued",
    "ResultItem",
    "ResultRows",
    "Row",
    "Rows",
    "Run",
    "RunEntry",
    "RunEvent",
    "RunOptions",
    "Running",
    "Schedule",
    "Session",
    "SigningSecret",
    "Started",
    "State",
    "Terms",
    "Transport",
    "WorkflowInfo",
    "deploy",
    "run",
    "run_batches",
]
