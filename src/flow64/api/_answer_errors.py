"""From the answer of an error to the exception that names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from ..definition import load_json, pointer
from ..errors import ApiError, for_status
from ..text import printable
from ._request import Answer, Request
from ._retry import retry_after

MAX_WORDS: Final = 500
"""Most characters of the service's message that an error repeats."""

MAX_FIELDS: Final = 20
"""Most fields that an error names."""


def api_error(request: Request, answer: Answer) -> ApiError:
    """Return the error of an answer, from any of the documented shapes of a body."""
    facts = {
        "method": request.method,
        "path": request.path,
        "request_id": request_id(answer.headers),
    }
    if 300 <= answer.status < 400:
        host = printable(_host(answer.headers.get("location", "")))
        message = f"a redirect to {host}, which flow64 never follows"
        return for_status(answer.status, message=message, **facts)
    # Redacted before anything is cut: the beginning of a secret is not found again.
    message, fields = _words(load_json(answer.content), answer.redaction.redact_json)
    return for_status(
        answer.status,
        message=message[:MAX_WORDS] or "without saying why",
        fields=[field[:MAX_WORDS] for field in fields],
        wait=retry_after(answer.headers),
        **facts,
    )


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id that an answer gives its request, by one of the usual names."""
    names = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-trace-id")
    found = next((headers[name] for name in names if headers.get(name)), None)
    return found[:100] if found else None


def _words(data: Any, redact: Callable[[Any], Any]) -> tuple[str, Sequence[str]]:
    """Return the message of an error body, and `path: message` for each field in it."""
    if not isinstance(data, dict):
        return "", []
    data = {name: redact(item) for name, item in data.items()}
    detail = data.get("detail")
    if isinstance(detail, str):
        return detail, []
    if isinstance(detail, list):
        fields = [
            f"{_place(entry.get('loc'))}: {entry.get('msg', '')}"
            for entry in detail[:MAX_FIELDS]
            if isinstance(entry, dict)
        ]
        return "the request does not fit its schema", fields
    error = data.get("error")
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or ""), []
    more = data.get("message") or data.get("error_description")
    return ": ".join(str(part) for part in (error, more) if part), []


def _place(loc: Any) -> str:
    return pointer(tuple(loc)) if isinstance(loc, list) else ""


def _host(location: str) -> str:
    """Return the host of a redirect. Its path and query may be secret."""
    try:
        return urlsplit(location).hostname or "the same host"
    except ValueError:
        return "somewhere unreadable"
