"""Errors in a delivery of a webhook."""

from __future__ import annotations

from attrs import frozen

from ..text import printable
from ._root import FlowError


class DeliveryError(FlowError):
    """A delivery must not be handled, or not now."""

    @property
    def answer(self) -> int:
        """The HTTP status to answer with. Without a 2xx, it is delivered again."""
        return 400


@frozen(repr=False)
class WebhookError(DeliveryError):
    """A delivery is not proven to be recent and from the service."""

    problem: str

    def __str__(self) -> str:
        return f"a webhook was not accepted: {self.problem}"


@frozen(repr=False)
class EventError(DeliveryError, ValueError):
    """The body of a delivery cannot be read."""

    problem: str

    def __str__(self) -> str:
        return (
            f"a signed webhook cannot be read: {self.problem}; keep its raw body to "
            "find out why"
        )


@frozen(repr=False)
class DuplicateEventError(DeliveryError):
    """An event was delivered before; `is_done` says whether it has been handled."""

    key: str
    is_done: bool

    @property
    def answer(self) -> int:
        """200, or 503 while the event is being handled."""
        return 200 if self.is_done else 503

    def __str__(self) -> str:
        if self.is_done:
            return f"event {self.key} was handled before: answer 200, and do no more"
        return (
            f"event {self.key} is being handled: answer 503, so that it comes again "
            "should that fail"
        )


@frozen(repr=False)
class SampleError(FlowError):
    """A sample webhook got no answer."""

    target: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.target} did not answer: {printable(self.reason)}; check that your "
            "receiver runs there"
        )
