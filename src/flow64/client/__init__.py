"""The clients that users hold, and the objects that their methods return."""

from __future__ import annotations

from ..api.auth import OAuth as OAuth
from ..api.calls import Balance as Balance
from ..api.calls import BlockStatus as BlockStatus
from ..api.calls import LiveStatus as LiveStatus
from ..api.calls import NewSigningSecret as NewSigningSecret
from ..api.calls import ResultItem as ResultItem
from ..api.calls import RunEntry as RunEntry
from ..api.calls import Schedule as Schedule
from ..api.calls import SigningSecret as SigningSecret
from ..api.calls import WorkflowInfo as WorkflowInfo
from ..api.network import Policy as Policy
from ..api.session import Session as Session
from ..deploy.judge import State as State
from ..deploy.plan import Plan as Plan
from ..deploy.plan import Step as Step
from ..runs.batches import Batch as Batch
from ..runs.payload import Rows as Rows
from ..runs.typed import ResultRows as ResultRows
from ..runs.typed import Row as Row
from ..runs.watch import Event as Event
from .asynchronous import AsyncClient as AsyncClient
from .asynchronous import AsyncRun as AsyncRun
from .client import Client as Client
from .client import Terms as Terms
from .client import choose_client as choose_client
from .topics import Run as Run
