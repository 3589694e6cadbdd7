"""Errors in a delivery of a webhook."""

from __future__ import annotations

from attrs import frozen

from ._root import FlowError


@frozen(repr=False)
class WebhookError(FlowError):
    """A delivery is not proven to be recent and from the service, or holds no event.

    Answer it with 400.
    """

    problem: str

    def __str__(self) -> str:
        return f"a webhook was not accepted: {self.problem}"
