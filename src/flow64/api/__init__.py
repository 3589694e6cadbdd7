"""The documented calls, and what carries them: HTTP, credential, retries, pace."""

from __future__ import annotations

from ._arguments import as_any_text, as_flag, as_formats, as_id, as_text
from ._channel import Channel
from ._credential import KEY_NAME, Credential, Token, TokenSource
from ._feed import Feed, InCaller
from ._http import HttpxTransport
from ._logging import LOG_NAME, REQUEST_LOG, configure_logging
from ._loop_thread import LoopThread, StopNow
from ._oauth import DISCOVERY, OAuth
from ._oauth_key import CLIENT_NAME
from ._organisation import Organisation, organisations_of
from ._other_calls import (
    Balance,
    NewSigningSecret,
    Schedule,
    SigningSecret,
    create_schedule,
    create_signing_secret,
    delete_schedule,
    delete_signing_secret,
    get_balance,
    get_schedule,
    get_signing_secret,
    list_schedules,
    roll_signing_secret,
    update_schedule,
)
from ._pace import Pace
from ._parsing import Answered
from ._request import Answer, Request
from ._retry import Policy, is_refusal, is_unsent, may_help, may_pass, retry_after
from ._run_calls import (
    MOST_RUNS,
    BlockStatus,
    LiveStatus,
    ResultItem,
    RunEntry,
    Started,
    cancel_run,
    download_links,
    list_runs,
    live_status,
    start_run,
)
from ._run_status import COMPLETED, ENDED, WAITING, later, normal
from ._session import Clock, Job, Session
from ._stream import Stream
from ._thread_transport import as_async
from ._transport import (
    AsyncHttpAnswer,
    AsyncTransport,
    HttpAnswer,
    HttpRequest,
    Transport,
)
from ._workflow_calls import (
    WorkflowInfo,
    create,
    create_workflow,
    delete_workflow,
    get_workflow,
    list_blocks,
    list_workflows,
    read_workflow,
    update,
    update_description,
    update_workflow,
    workflow_info,
)

__all__ = [
    "CLIENT_NAME",
    "COMPLETED",
    "DISCOVERY",
    "ENDED",
    "KEY_NAME",
    "LOG_NAME",
    "MOST_RUNS",
    "REQUEST_LOG",
    "WAITING",
    "Answer",
    "Answered",
    "AsyncHttpAnswer",
    "AsyncTransport",
    "Balance",
    "BlockStatus",
    "Channel",
    "Clock",
    "Credential",
    "Feed",
    "HttpAnswer",
    "HttpRequest",
    "HttpxTransport",
    "InCaller",
    "Job",
    "LiveStatus",
    "LoopThread",
    "NewSigningSecret",
    "OAuth",
    "Organisation",
    "Pace",
    "Policy",
    "Request",
    "ResultItem",
    "RunEntry",
    "Schedule",
    "Session",
    "SigningSecret",
    "Started",
    "StopNow",
    "Stream",
    "Token",
    "TokenSource",
    "Transport",
    "WorkflowInfo",
    "as_any_text",
    "as_async",
    "as_flag",
    "as_formats",
    "as_id",
    "as_text",
    "cancel_run",
    "configure_logging",
    "create",
    "create_schedule",
    "create_signing_secret",
    "create_workflow",
    "delete_schedule",
    "delete_signing_secret",
    "delete_workflow",
    "download_links",
    "get_balance",
    "get_schedule",
    "get_signing_secret",
    "get_workflow",
    "is_refusal",
    "is_unsent",
    "later",
    "list_blocks",
    "list_runs",
    "list_schedules",
    "list_workflows",
    "live_status",
    "may_help",
    "may_pass",
    "normal",
    "organisations_of",
    "read_workflow",
    "retry_after",
    "roll_signing_secret",
    "start_run",
    "update",
    "update_description",
    "update_schedule",
    "update_workflow",
    "workflow_info",
]
