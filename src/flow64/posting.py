"""Post a webhook once, and wait no longer than its deadline for the answer.

It needs no HTTP library, so that a receiver need not load one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from queue import Empty, SimpleQueue
from string import punctuation
from threading import Thread
from typing import Final
from urllib.parse import quote, urlsplit

TICK: Final = 0.05
"""Seconds between two looks at whether the wait should end."""

_CONNECTIONS: Final = {"http": HTTPConnection, "https": HTTPSConnection}


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
    is_over: Callable[[], bool] = lambda: False,
) -> int | str:
    """Return the status that a receiver answers, or why there is none.

    No proxy is used, and no redirect is followed.

    Args:
        seconds: The time for the whole request.
        is_over: Returns True if nothing waits for the answer any longer.
    """
    answers: SimpleQueue[int | str] = SimpleQueue()

    def work() -> None:
        answers.put(_exchange(url, body, headers, seconds))

    # A receiver that answers byte by byte can hold up this thread, but not the caller.
    Thread(target=work, daemon=True).start()
    ends = time.monotonic() + seconds
    while not is_over() and (left := ends - time.monotonic()) > 0:
        with suppress(Empty):
            return answers.get(timeout=min(left, TICK))
    return f"no answer within {seconds:g} seconds"


def _exchange(
    url: str, body: bytes, headers: Mapping[str, str], seconds: float
) -> int | str:
    try:
        target = urlsplit(url)
        connect, port = _CONNECTIONS.get(target.scheme), target.port
    except ValueError as error:
        return str(error)
    if connect is None:
        return f"{target.scheme!r} is neither http nor https"
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    connection = connect(target.hostname or "", port, timeout=seconds)
    try:
        connection.request("POST", quote(path, safe=punctuation), body, dict(headers))
        status: int = connection.getresponse().status
        return status
    except (HTTPException, OSError, ValueError) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
