"""Events: the contents of verified bodies."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from ..errors import EventError
from ._signature import ATTEMPT, EVENT_TYPE, RequestHeaders

ROW_KEYS: Final = ("results", "rows")
"""Keys that may hold the rows of a body; no document names the key."""


@frozen(kw_only=True)
class Delivery:
    """The fields of every event.

    Attributes:
        key: A short key of the event. It is the same for every delivery, and depends
            only on signed text.
        signed_at: When it was signed, in Unix seconds.
        event_type: The type in the header. It is not signed, so do not rely on it.
        attempt: The number of this delivery, from 1. It is not signed either.
        raw: The whole body, including undocumented keys.
    """

    key: str
    signed_at: int
    event_type: str | None
    attempt: int | None
    raw: Mapping[str, Any] = field(repr=False, hash=False)


@frozen(kw_only=True)
class RowsEvent(Delivery):
    """Rows of a run reached an `outgoing_webhook` block.

    Attributes:
        rows: The rows; None if the body has none, or has them under an unknown key.
        results_download_url: A link to the rows. Anyone who has it can read them, so
            the repr leaves it out.
    """

    event_id: str
    run_id: str
    rows: Sequence[Mapping[str, Any]] | None = field(repr=False, hash=False)
    results_download_url: str | None = field(repr=False)


@frozen(kw_only=True)
class JobEvent(Delivery):
    """A job that was started with a `webhook_url` has ended.

    Attributes:
        task_id: The id of the job.
        status: `completed` or `failed`.
        result: The result, if it completed.
        error: The error, if it failed.
    """

    task_id: str
    status: str
    task_type: str | None
    result: Any = field(repr=False, hash=False)
    error: Any = field(hash=False)


@frozen(kw_only=True)
class UnknownEvent(Delivery):
    """Any other event that the service signed. Answer it with 2xx too."""


Event: TypeAlias = RowsEvent | JobEvent | UnknownEvent
"""The events that `verify` returns."""


def parse_event(body: bytes, moment: str, headers: RequestHeaders) -> Event:
    """Parse a verified body into an event; its class depends only on signed text.

    Raises:
        EventError: The body is not a JSON object, or an id in it is not text.
    """
    raw = _load_object(body)
    attempt = headers.get(ATTEMPT) or ""
    common: dict[str, Any] = {
        "signed_at": int(moment),
        "event_type": headers.get(EVENT_TYPE),
        "attempt": int(attempt) if _COUNT.fullmatch(attempt) else None,
        "raw": raw,
    }
    match raw:
        case {"event_id": _, "run_id": _}:
            event_id = _require_id(raw, "event_id")
            return RowsEvent(
                key=_make_key("event", event_id),
                event_id=event_id,
                run_id=_require_id(raw, "run_id"),
                rows=_find_rows(raw),
                results_download_url=_as_text(raw.get("results_download_url")),
                **common,
            )
        case {"task_id": _, "status": _}:
            task_id, status = _require_id(raw, "task_id"), _require_id(raw, "status")
            return JobEvent(
                key=_make_key("task", task_id, status),
                task_id=task_id,
                status=status,
                task_type=_as_text(raw.get("task_type")),
                result=raw.get("result"),
                error=raw.get("error"),
                **common,
            )
        case {"event_id": str(event_id)} if event_id:
            return UnknownEvent(key=_make_key("event", event_id), **common)
        case _:
            # Without an id, only an equal signature proves that it is the same event.
            content = hashlib.sha256(body).hexdigest()
            return UnknownEvent(key=_make_key("content", moment, content), **common)


_COUNT: Final = re.compile(r"[0-9]{1,9}")


def _load_object(body: bytes) -> dict[str, Any]:
    """Load the JSON object of a body."""
    problem = "its JSON is not an object"
    try:
        raw = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        # Only its name, and without `from`, since the error holds the whole body.
        raw, problem = None, f"it is not JSON in UTF-8 ({type(error).__name__})"
    if not isinstance(raw, dict):
        raise EventError(problem)
    return raw


def _require_id(raw: Mapping[str, Any], name: str) -> str:
    found = raw[name]
    if not isinstance(found, str) or not found:
        raise EventError(f"its {name} is empty or not text")
    return found


def _as_text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _find_rows(raw: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    for name in ROW_KEYS:
        rows = raw.get(name)
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
    return None


def _make_key(*parts: str) -> str:
    """Hash texts; as JSON, so that no two lists of texts are alike."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
