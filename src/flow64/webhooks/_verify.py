"""Verify a request, and return its event."""

from __future__ import annotations

from collections.abc import Iterable

from ._events import Event, parse_event
from ._seen import Seen, claim_event
from ._signature import (
    Headers,
    RequestHeaders,
    hide_frames,
    require_bytes,
    verify_signature,
)


@hide_frames
def verify(
    raw_body: bytes,
    headers: Headers,
    secrets: str | Iterable[str],
    *,
    tolerance: float = 300,
    now: float | None = None,
    seen: Seen | None = None,
) -> Event:
    """Verify that a request is signed by a secret and recent, and return its event.

    Without `seen`, a recorded request passes again until the tolerance is over.

    Args:
        raw_body: The body as it was received, before it was parsed as JSON.
        headers: All headers, including `Sixtyfour-Signature`. Case does not matter.
        secrets: The signing secret, or several. One of them must have signed.
        tolerance: Maximum seconds between the signature and `now`.
        now: Unix seconds; by default the time of this machine.
        seen: A store of events. The event is claimed in it, so enter `handling` with
            the same store at once.

    Raises:
        WebhookError: The request is not signed, not by a given secret, or not recently.
        EventError: It is verified, but holds no event.
        DuplicateEventError: The event was delivered before.
        ConfigError: A secret is missing or malformed, or the tolerance is not a number
            above 0.
        ArgumentError: The body is not bytes, or the headers are not headers.
    """
    require_bytes("verify", raw_body)
    found = RequestHeaders.of(headers)
    moment = verify_signature(raw_body, found, secrets, tolerance, now)
    event = parse_event(raw_body, moment, found)
    del (
        raw_body,
        headers,
        secrets,
    )  # a store may raise anything, with this frame in its traceback
    if seen is not None:
        claim_event(event, seen)
    return event
