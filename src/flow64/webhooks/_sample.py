"""Samples: send what the service would send to your own receiver."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import uuid4

from ..endpoints import is_loopback
from ..errors import ArgumentError, ConfigError, SampleError
from ..posting import post
from ._signature import (
    ATTEMPT,
    EVENT_ID,
    EVENT_TYPE,
    VISIBLE,
    hide_frames,
    require_positive,
    sign,
)


@hide_frames
def send_sample(
    url: str,
    secrets: str | Iterable[str],
    event: Mapping[str, Any] | bytes | None = None,
    *,
    event_type: str = "outgoing_webhook.completed",
    attempt: int = 1,
    at: float | None = None,
    timeout: float = 10.0,
) -> int:
    """Post a signed sample to your receiver, and return the status that it answers.

    It is sent once, without proxies. Redirects are not followed.

    Args:
        url: The receiver: https, or http on this machine.
        secrets: The secret, or several while one is rolled, newest first.
        event: The body; by default a new run event with one row. Bytes are sent
            unchanged.
        event_type: The header `Sixtyfour-Event-Type`.
        attempt: The header `Sixtyfour-Delivery-Attempt`.
        at: Time of the signature, in Unix seconds; by default now.
        timeout: Seconds for the whole request. The service waits 10 seconds.

    Raises:
        SampleError: There was no answer.
        ConfigError: The URL, a secret, or another argument cannot be used.
        ArgumentError: The event is neither a mapping nor bytes.
    """
    target = _parse_url(url)
    require_positive("timeout", timeout)
    if not isinstance(attempt, int) or attempt < 1:
        raise ConfigError("attempt has to be a whole number above 0")
    if not VISIBLE.fullmatch(event_type):
        raise ConfigError("event_type has to be a word of visible ASCII characters")
    body, event_id = _make_body(event)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "flow64",
        EVENT_ID: event_id,
        EVENT_TYPE: event_type,
        ATTEMPT: f"{attempt:d}",
        **sign(body, secrets, at),
    }
    answer = post(url, body, headers, timeout)
    if isinstance(answer, int):
        return answer
    raise SampleError(f"{target.scheme}://{target.netloc}", answer)


def _parse_url(url: str) -> SplitResult:
    """Parse the URL of a receiver.

    Raises:
        ConfigError: The URL cannot be used. It may hold a token, so it is not shown.
    """
    try:
        target = urlsplit(url if VISIBLE.fullmatch(url) else "")
        is_whole = bool(target.hostname) and (target.port is None or target.port > 0)
    except ValueError:
        target, is_whole = urlsplit(""), False
    if is_whole and "@" not in target.netloc:
        match target.scheme:
            case "https":
                return target
            case "http" if is_loopback(target.hostname or ""):
                return target
            case _:
                pass  # refused below
    raise ConfigError(
        "url has to be https://..., or http://... on this machine, in ASCII and "
        "without a user or password"
    )


def _make_body(event: Mapping[str, Any] | bytes | None) -> tuple[bytes, str]:
    """Return the body of a sample, and the event id for the header."""
    if isinstance(event, bytes):
        return event, str(uuid4())
    if event is None:
        event = {
            "event_id": str(uuid4()),
            "run_id": str(uuid4()),
            "results": [{"full_name": "Ada Lovelace", "email": "ada@example.com"}],
            "results_download_url": None,
        }
    if not isinstance(event, Mapping):
        problem = f"event is a mapping or bytes, not a {type(event).__name__}"
        raise ArgumentError("send_sample", problem)
    # A lone surrogate can only be written as an escape.
    text = json.dumps(dict(event), ensure_ascii=False)
    body = text.encode("utf-8", "backslashreplace")
    match event.get("event_id"):
        case str(event_id) if VISIBLE.fullmatch(event_id):
            return body, event_id
        case _:
            return body, str(uuid4())
