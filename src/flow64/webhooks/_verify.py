"""The one way in: from a request to an event."""

from __future__ import annotations

from collections.abc import Iterable

from ._events import Event, event_of
from ._seen import Seen, claim
from ._signature import Found, Headers, hiding_frames, require_bytes, signed_moment


@hiding_frames
def verify(
    raw_body: bytes,
    headers: Headers,
    secrets: str | Iterable[str],
    *,
    tolerance: float = 300,
    now: float | None = None,
    seen: Seen | None = None,
) -> Event:
    """The event that a request delivers, where it is signed by a secret, and fresh.

    Without `seen`, a request that somebody recorded passes again until the tolerance is
    over.

    Args:
        raw_body: The body as it came, before anything read it as JSON.
        headers: The headers, `Sixtyfour-Signature` among them, in any case.
        secrets: The signing secret, or several, of which one has to have signed.
        tolerance: How many seconds it may have been signed before or after `now`.
        now: Unix seconds; by default those of this machine.
        seen: Where events are remembered. It makes the event yours alone, so enter
            `handling` with it at once.

    Raises:
        WebhookError: It is not signed, by no secret of yours, or not just now.
        EventError: It is, and no event can be read from it.
        DuplicateEventError: The event was delivered before.
        ConfigError: A secret is missing or malformed, or the tolerance is no number
            above 0.
        ArgumentError: The body is no bytes, or the headers are none.
    """
    require_bytes("verify", raw_body)
    found = Found.of(headers)
    moment = signed_moment(raw_body, found, secrets, tolerance, now)
    event = event_of(raw_body, moment, found)
    del raw_body, headers, secrets  # a store may raise anything, which leads here
    if seen is not None:
        claim(event, seen)
    return event
