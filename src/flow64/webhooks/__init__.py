"""Webhooks of the service: verified, read, handled once, and tried with samples.

`verify` takes a body as it came, and gives a typed event only where the signature is by
a secret of ours, and fresh. With a store of seen events it gives each event once, and
`handling` says how that went. `sign` and `send_sample` stand in for the service.
"""

from __future__ import annotations

from ._events import Delivery, Event, JobEvent, RunEvent, UnknownEvent
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
    "RunEvent",
    "Seen",
    "SeenEvents",
    "UnknownEvent",
    "handling",
    "send_sample",
    "sign",
    "verify",
]
