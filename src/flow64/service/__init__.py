"""The service: clients, deploying, running, results."""

from __future__ import annotations

from ._async_client import AsyncClient
from ._async_run import AsyncRun
from ._batch import Batch
from ._batches import FailedBatch
from ._client import Client
from ._deploy import Deployment, Preview
from ._doors import deploy, run, run_batches
from ._endpoint import DEFAULT_ENDPOINT
from ._events import (
    BlockDone,
    BlockFailed,
    BlockStarted,
    Finished,
    Progress,
    Queued,
    RunEvent,
    Running,
)
from ._oauth import OAuth
from ._options import BatchOptions, RunOptions
from ._payload import Rows
from ._rows import Row
from ._run import Run
from ._same_code import DeployedCode, SameCode, deployed_codes, same_code
from ._settings import Terms
from ._state import State
from ._tying import Tied, Ties
from ._wire import (
    AsyncHttpAnswer,
    AsyncTransport,
    HttpAnswer,
    HttpRequest,
    Transport,
)
from .api import (
    Balance,
    BlockInfo,
    BlockStatus,
    LiveStatus,
    NewSigningSecret,
    Policy,
    ResultItem,
    RunEntry,
    Schedule,
    SigningSecret,
    Started,
    WorkflowInfo,
)

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
    "BlockInfo",
    "BlockStarted",
    "BlockStatus",
    "Client",
    "DeployedCode",
    "Deployment",
    "FailedBatch",
    "Finished",
    "HttpAnswer",
    "HttpRequest",
    "LiveStatus",
    "NewSigningSecret",
    "OAuth",
    "Policy",
    "Preview",
    "Progress",
    "Queued",
    "ResultItem",
    "Row",
    "Rows",
    "Run",
    "RunEntry",
    "RunEvent",
    "RunOptions",
    "Running",
    "SameCode",
    "Schedule",
    "SigningSecret",
    "Started",
    "State",
    "Terms",
    "Tied",
    "Ties",
    "Transport",
    "WorkflowInfo",
    "deploy",
    "deployed_codes",
    "run",
    "run_batches",
    "same_code",
]
