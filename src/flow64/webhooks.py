"""Webhooks of the service: verify a delivery, and parse its event.

`verify` takes a body as it was received, and returns an event only if a secret of yours
signed it recently. `sign` does what the service does, for tests.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

from attrs import field, frozen

from .errors import WebhookError

__all__ = ["Event", "Headers", "JobEvent", "RowsEvent", "sign", "verify"]

SIGNATURE: Final = "Sixtyfour-Signature"
EVENT_TYPE: Final = "Sixtyfour-Event-Type"
ATTEMPT: Final = "Sixtyfour-Delivery-Attempt"

ROW_KEYS: Final = ("results", "rows")
"""Keys that may hold the rows of a body; no document names the key."""


class HasItems(Protocol):
    """A mapping of headers, or a multi-dict that is not a mapping."""

    def items(self) -> Iterable[tuple[str | bytes, str | bytes]]:
        """Return names and values."""


Headers: TypeAlias = HasItems | Iterable[tuple[str | bytes, str | bytes]]
"""The headers of a request from any web framework: a mapping or pairs."""


@frozen(kw_only=True)
class Event:
    """An event that the service signed. Answer every event with 2xx.

    Attributes:
        key: The same for every delivery of the event. It depends on signed text alone.
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
class RowsEvent(Event):
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
class JobEvent(Event):
    """A job that was started with a `webhook_url` has ended.

    Attributes:
        status: `completed` or `failed`.
    """

    task_id: str
    status: str
    task_type: str | None
    result: Any = field(repr=False, hash=False)
    error: Any = field(hash=False)


def verify(
    raw_body: bytes,
    headers: Headers,
    secrets: str | Iterable[str],
    *,
    tolerance: float = 300,
    now: float | None = None,
) -> Event:
    """Verify that a request is signed by a secret and recent, and return its event.

    A recorded request passes again until the tolerance is over: drop events if you
    have seen their key.

    Args:
        raw_body: The body as it was received, before it was parsed as JSON.
        headers: All headers, including `Sixtyfour-Signature`. Case does not matter.
        secrets: The signing secret, or several while one is rolled.
        tolerance: Maximum seconds between the signature and `now`.
        now: Unix seconds; by default the time of this machine.

    Raises:
        WebhookError: The request is not signed, not by a given secret, not recently, or
            its body is not an event. No error shows a secret or the body.
        TypeError: The body is not bytes.
    """
    keys = _encode_secrets(secrets)
    values = _read_headers(headers)
    moment, digests = _parse_signature(values.get(SIGNATURE.lower(), []))
    age = (time.time() if now is None else now) - int(moment)
    # Not `abs(age) > tolerance`, which would accept any time if one of them is NaN.
    if not abs(age) <= tolerance:
        problem = f"it was signed {age:.0f} s ago, and {tolerance:g} s are allowed"
        raise WebhookError(f"{problem}; check the clock of this machine")
    # A list, so that all are compared and the time reveals nothing.
    matches = [
        hmac.compare_digest(digest, _digest(key, moment, raw_body))
        for key in keys
        for digest in digests
    ]
    if not any(matches):
        raise WebhookError(
            "no secret of yours signed it; check that the secret belongs to this "
            "organisation, and that the body is unchanged"
        )
    return _parse_event(raw_body, moment, values)


def sign(
    raw_body: bytes, secrets: str | Iterable[str], at: float | None = None
) -> dict[str, str]:
    """Return the header that signs a body, as the service does.

    Args:
        raw_body: The body, exactly as it is sent.
        secrets: The secret, or several while one is rolled, newest first.
        at: Time of the signature, in Unix seconds; by default now.

    Raises:
        WebhookError: A secret is missing or malformed.
    """
    moment = str(int(time.time() if at is None else at))
    digests = [_digest(key, moment, raw_body) for key in _encode_secrets(secrets)]
    return {
        SIGNATURE: ",".join([f"t={moment}", *(f"v1={digest}" for digest in digests)])
    }


# -- Signatures ------------------------------------------------------------------------


def _encode_secrets(secrets: str | Iterable[str]) -> Sequence[bytes]:
    texts = [secrets] if isinstance(secrets, str) else [*secrets]
    if not texts or not all(_SECRET.fullmatch(text) for text in texts):
        raise WebhookError(
            "a signing secret is missing, or has spaces or a line break; the service "
            "shows it once, under Settings, API Keys, Webhooks"
        )
    return [text.encode() for text in texts]


_SECRET: Final = re.compile(r"[!-~]+")
_MOMENT: Final = re.compile(r"[0-9]{1,12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def _read_headers(headers: Any) -> Mapping[str, Sequence[str]]:
    """Return the values of each header by its name in lower case."""
    values: dict[str, list[str]] = {}
    for name, value in headers.items() if hasattr(headers, "items") else headers:
        values.setdefault(_decode(name).lower(), []).append(_decode(value))
    return values


def _decode(text: str | bytes) -> str:
    return text.decode("latin-1") if isinstance(text, bytes) else str(text)


def _parse_signature(values: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the time in a signature header, as written, and all of its digests."""
    if len(values) != 1 or not values[0]:
        raise WebhookError(
            f"the header {SIGNATURE} is missing, empty or repeated; the service signs "
            "nothing until a signing secret was created"
        )
    parts = [part.strip(" \t").partition("=") for part in values[0].split(",")]
    moments = [value for name, _, value in parts if name == "t"]
    digests = [value for name, _, value in parts if name == "v1"]
    digests = [digest for digest in digests if _DIGEST.fullmatch(digest)]
    if len(moments) != 1 or not _MOMENT.fullmatch(moments[0]) or not digests:
        raise WebhookError(f"{SIGNATURE} is not t=<seconds>,v1=<64 hex digits>")
    return moments[0], digests


def _digest(key: bytes, moment: str, body: bytes) -> str:
    """Return the signature of a body: HMAC of time, dot and body, in hex."""
    code = hmac.new(key, f"{moment}.".encode(), "sha256")
    code.update(body)
    return code.hexdigest()


# -- Events ----------------------------------------------------------------------------


def _parse_event(
    body: bytes, moment: str, headers: Mapping[str, Sequence[str]]
) -> Event:
    """Parse a verified body; the class of the event depends on signed text alone."""
    raw = _load_object(body)
    attempt = next(iter(headers.get(ATTEMPT.lower(), ())), "")
    common: dict[str, Any] = {
        "signed_at": int(moment),
        "event_type": next(iter(headers.get(EVENT_TYPE.lower(), ())), None),
        "attempt": int(attempt) if re.fullmatch("[0-9]{1,9}", attempt) else None,
        "raw": raw,
    }
    match raw:
        case {"event_id": str(event_id), "run_id": str(run_id)} if event_id and run_id:
            return RowsEvent(
                key=_make_key("event", event_id),
                event_id=event_id,
                run_id=run_id,
                rows=_find_rows(raw),
                results_download_url=_find_text(raw, "results_download_url"),
                **common,
            )
        case {"task_id": str(task_id), "status": str(status)} if task_id and status:
            return JobEvent(
                key=_make_key("task", task_id, status),
                task_id=task_id,
                status=status,
                task_type=_find_text(raw, "task_type"),
                result=raw.get("result"),
                error=raw.get("error"),
                **common,
            )
        case {"event_id": str(event_id)} if event_id:
            return Event(key=_make_key("event", event_id), **common)
        case _:
            # Without an id, only an equal signature proves that it is the same event.
            content = hashlib.sha256(body).hexdigest()
            return Event(key=_make_key("content", moment, content), **common)


def _load_object(body: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(body.decode())
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        # Outside of `except`, since the error of json holds the whole body.
        raise WebhookError("it is signed, and its body is not a JSON object in UTF-8")
    return raw


def _find_text(raw: Mapping[str, Any], name: str) -> str | None:
    value = raw.get(name)
    return value if isinstance(value, str) else None


def _find_rows(raw: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
    for name in ROW_KEYS:
        rows = raw.get(name)
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
    return None


def _make_key(*parts: str) -> str:
    """Hash texts; as JSON, so that no two lists of texts are alike."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
