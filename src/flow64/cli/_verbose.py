"""Telling each request that a client sends, where `--verbose` was said."""

from __future__ import annotations

import time
from typing import Final
from urllib.parse import urlsplit

from ..api import HttpAnswer, HttpRequest, Transport
from ..client import Client
from ._options import SAID
from ._terminal import talk


class Told:
    """A transport that tells what it sends, and how that was answered.

    Neither query, headers nor bodies are told: those may be secret. Of a signed link
    nothing is.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner: Final = inner

    def send(self, request: HttpRequest) -> HttpAnswer:
        """Send a request, and tell of it."""
        began, status = time.monotonic(), "no answer"
        try:
            answer = self._inner.send(request)
            status = str(answer.status)
            return answer
        finally:
            milliseconds = (time.monotonic() - began) * 1000
            talk(f"{status} {_asked(request)} ({milliseconds:.0f} ms)")

    def close(self) -> None:
        """Let everything go."""
        self._inner.close()


def tell_requests(client: Client) -> None:
    """Let a client tell of its requests, where that was asked for."""
    # No door of the client leads there: who tells requests elsewhere has a transport.
    player = client._player  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as above
    if SAID.is_verbose and not isinstance(player.transport, Told):
        vars(player).update(transport=Told(player.transport))


def _asked(request: HttpRequest) -> str:
    if request.is_signed:
        return f"{request.method} (signed link)"
    return f"{request.method} {urlsplit(request.url).path}"
