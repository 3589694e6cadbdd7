"""Telling each request that the emulator answers."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from attrs import define, frozen

from ._terminal import talk

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]


@frozen
class Told:
    """An ASGI app that tells what it was asked, and how it answered."""

    app: App

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer, and tell it."""
        began, watched = time.monotonic(), Watched(send)
        try:
            await self.app(scope, receive, watched.send)
        finally:
            milliseconds = (time.monotonic() - began) * 1000
            # The path alone: what follows it may be a signature.
            asked = f"{scope.get('method')} {scope.get('path')}"
            talk(f"{watched.status} {asked} ({milliseconds:.0f} ms)")


@define
class Watched:
    """What is sent, on its way.

    Attributes:
        status: The status of the answer, once there is one.
    """

    _send: Send
    status: str = "no answer"

    @property
    def transport(self) -> object:
        """The connection, which faults look for behind `send`."""
        return getattr(getattr(self._send, "__self__", None), "transport", None)

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        self.status = str(message.get("status", self.status))
        await self._send(message)
