"""Webhooks of the service: verify and parse events, and handle each event once.

`verify` takes a body exactly as it was received. It returns a typed event only if a
secret of yours signed it recently. With a store of seen events, it returns each event
once, and `handling` records the result. `sign` and `send_sample` imitate the service.
"""

from __future__ import annotations

from ._events import Delivery, Event, JobEvent, RowsEvent, UnknownEvent
from ._sample import send_sample
from ._seen import Claim, Seen, SeenEvents, handling
from ._signature import Headers, sign
from ._verify import verify

__all__ = [
    "Claim",
    "Delivery",
    "Event",
    "Headers",
    "JobEvent",
    "RowsEvent",
    "Seen",
    "SeenEvents",
    "UnknownEvent",
    "handling",
    "send_sample",
    "sign",
    "verify",
]
