"""The clients that users hold, and the objects that their methods return."""

from __future__ import annotations

from ..api.auth import OAuth
from ..api.calls import (
    Balance,
    BlockStatus,
    LiveStatus,
    NewSigningSecret,
    ResultItem,
    RunEntry,
    Schedule,
    SigningSecret,
    WorkflowInfo,
)
from ..api.policy import Policy
from ..api.session import Session
from ..deploy import Deployment, Preview
from ..plan import State
from ..runs.payload import Rows
from ..runs.typed import ResultRows, Row
from ..runs.watch import Event
from .asynchronous import AsyncClient, AsyncRun
from .client import Client
from .run import Batch, Run
from .settings import Terms
from .shortcuts import deploy, run, run_batches

__all__ = [
    "AsyncClient",
    "AsyncRun",
    "Balance",
    "Batch",
    "BlockStatus",
    "Client",
    "Deployment",
    "Event",
    "LiveStatus",
    "NewSigningSecret",
    "OAuth",
    "Policy",
    "Preview",
    "ResultItem",
    "ResultRows",
    "Row",
    "Rows",
    "Run",
    "RunEntry",
    "Schedule",
    "Session",
    "SigningSecret",
    "State",
    "Terms",
    "WorkflowInfo",
    "deploy",
    "run",
    "run_batches",
]
