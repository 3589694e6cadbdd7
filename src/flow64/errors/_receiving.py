"""Errors in a delivery of a webhook."""

from __future__ import annotations

from ._root import FlowError


class WebhookError(FlowError):
    """A delivery is not proven to be recent and from the service, or holds no event.

    Answer it with 400.
    """
