"""Events: what a verified body says."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from ..errors import EventError
from ._signature import ATTEMPT, EVENT_TYPE, Found

ROW_KEYS: Final = ("results", "rows")
"""Where a body may have its rows: no document names the key."""


@frozen(kw_only=True)
class Delivery:
    """What every event has.

    Attributes:
        key: Names the event: the same whenever it is delivered, made of signed text
            alone, and short.
        signed_at: When it was signed, in Unix seconds.
        event_type: What the header calls it. Not signed, so decide nothing by it.
        attempt: Which delivery of it this is, from 1. Not signed either.
        raw: The whole body, with all that no document names.
    """

    key: str
    signed_at: int
    event_type: str | None
    attempt: int | None
    raw: Mapping[str, Any] = field(repr=False, hash=False)


@frozen(kw_only=True)
class RunEvent(Delivery):
    """Rows of a run came to an `outgoing_webhook` block.

    Attributes:
        event_id: The event.
        run_id: The run.
        rows: The rows, or None where the body has none, or under an unknown name.
        results_download_url: Where the rows can be read. Whoever has it can read them,
            so it is in no repr.
    """

    event_id: str
    run_id: str
    rows: Sequence[Mapping[str, Any]] | None = field(repr=False, hash=False)
    results_download_url: str | None = field(repr=False)


@frozen(kw_only=True)
class JobEvent(Delivery):
    """A job that was started with a `webhook_url` has ended.

    Attributes:
        task_id: The job.
        status: `completed` or `failed`.
        task_type: What kind of job it is.
        result: What came of it, where it is completed.
        error: What went wrong, where it has failed.
    """

    task_id: str
    status: str
    task_type: str | None
    result: Any = field(repr=False, hash=False)
    error: Any = field(hash=False)


@frozen(kw_only=True)
class UnknownEvent(Delivery):
    """Something else that the service signed: to be answered with 2xx all the same."""


Event: TypeAlias = RunEvent | JobEvent | UnknownEvent
"""What `verify` gives."""


def event_of(body: bytes, moment: str, headers: Found) -> Event:
    """The event of a verified body; which one it is, is told by what is signed.

    Raises:
        EventError: It is no JSON object, or an id in it is no text.
    """
    raw = _object(body)
    attempt = headers.first(ATTEMPT) or ""
    common: dict[str, Any] = {
        "signed_at": int(moment),
        "event_type": headers.first(EVENT_TYPE),
        "attempt": int(attempt) if _COUNT.fullmatch(attempt) else None,
        "raw": raw,
    }
    match raw:
        case {"event_id": _, "run_id": _}:
            event_id = _id(raw, "event_id")
            return RunEvent(
                key=_key("event", event_id),
                event_id=event_id,
                run_id=_id(raw, "run_id"),
                rows=_rows(raw),
                results_download_url=_text(raw.get("results_download_url")),
                **common,
            )
        case {"task_id": _, "status": _}:
            task_id, status = _id(raw, "task_id"), _id(raw, "status")
            return JobEvent(
                key=_key("task", task_id, status),
                task_id=task_id,
                status=status,
                task_type=_text(raw.get("task_type")),
                result=raw.get("result"),
                error=raw.get("error"),
                **common,
            )
        case {"event_id": str(event_id)} if event_id:
            return UnknownEvent(key=_key("event", event_id), **common)
        case _:
            # Without an id, only the same signature is known to be the same event.
            content = hashlib.sha256(body).hexdigest()
            return UnknownEvent(key=_key("content", moment, content), **common)


_COUNT: Final = re.compile(r"[0-9]{1,9}")


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is."""
    problem = "its JSON is no object"
    try:
        raw = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        # Its name alone, and not raised from it: it holds the whole body.
        raw, problem = None, f"it is no JSON in UTF-8 ({type(error).__name__})"
    if not isinstance(raw, dict):
        raise EventError(problem)
    return raw


def _id(raw: Mapping[str, Any], name: str) -> str:
    found = raw[name]
    if not isinstance(found, str) or not found:
        raise EventError(f"its {name} is empty, or no text")
    return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _rows(raw: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    for name in ROW_KEYS:
        rows = raw.get(name)
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
    return None


def _key(*parts: str) -> str:
    """A short name for some texts: of JSON, in which no two lists of them are alike."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
