"""The body of an answer, read part by part, as a download needs it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Self

from ..errors import NoAnswerError, TransportError
from ._channel import describe_break
from ._transport import AsyncHttpAnswer


class Stream:
    """An answer with a body that is read in parts.

    Args:
        answer: The answer.
        patience: Seconds without a byte after which it breaks off.
    """

    __slots__ = ("_answer", "_patience")

    def __init__(self, answer: AsyncHttpAnswer, patience: float) -> None:
        self._answer: Final = answer
        self._patience: Final = patience

    @property
    def status(self) -> int:
        """HTTP status."""
        return self._answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers, in lower case."""
        return self._answer.headers

    async def read(self) -> bytes:
        """Return the next part; empty at the end.

        Raises:
            TransportError: It broke off.
        """
        try:
            return await self._answer.read(self._patience)
        except NoAnswerError as error:
            reason = error.reason
        except OSError as error:
            reason = type(error).__name__
        problem = f"it broke off ({describe_break(reason)})"
        raise TransportError("GET", "(signed link)", problem)

    async def close(self) -> None:
        """Release its connection."""
        await close_answer(self._answer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def close_answer(answer: AsyncHttpAnswer) -> None:
    """Close an answer. A fault of that hides no error."""
    with suppress(NoAnswerError, OSError):
        await answer.close()
