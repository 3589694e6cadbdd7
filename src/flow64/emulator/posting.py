"""Posting a webhook once, and waiting no longer than its deadline for the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

import httpx

TICK: Final = 0.05
"""Seconds between two looks at whether the wait should end."""


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
    is_over: Callable[[], bool],
) -> int | str:
    """Return the status that a receiver answers, or why there is none.

    No proxy is used, and no redirect is followed.

    Args:
        seconds: The time for the whole request.
        is_over: Returns True if nothing waits for the answer any longer.
    """
    answers: SimpleQueue[int | str] = SimpleQueue()

    def work() -> None:
        try:
            with (
                httpx.Client(trust_env=False, timeout=seconds) as client,
                client.stream("POST", url, content=body, headers=headers) as response,
            ):
                answers.put(response.status_code)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            answers.put(str(error) or type(error).__name__)

    # A receiver that answers byte by byte can hold up this thread, but not the caller.
    Thread(target=work, daemon=True).start()
    ends = time.monotonic() + seconds
    while not is_over() and (left := ends - time.monotonic()) > 0:
        with suppress(Empty):
            return answers.get(timeout=min(left, TICK))
    return f"no answer within {seconds:g} seconds"
