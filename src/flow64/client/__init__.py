"""The clients that users hold, and the objects that their methods return."""

from __future__ import annotations

from ..api.answers import Balance as Balance
from ..api.answers import BlockStatus as BlockStatus
from ..api.answers import LiveStatus as LiveStatus
from ..api.answers import NewSigningSecret as NewSigningSecret
from ..api.answers import ResultItem as ResultItem
from ..api.answers import RunEntry as RunEntry
from ..api.answers import Schedule as Schedule
from ..api.answers import SigningSecret as SigningSecret
from ..api.answers import WorkflowInfo as WorkflowInfo
from ..api.auth import OAuth as OAuth
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
