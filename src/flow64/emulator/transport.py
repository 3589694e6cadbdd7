"""A transport to an emulator in this process, and the name of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from .faults import TIMEOUT

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class InProcessTransport(httpx.WSGITransport):
    """Sends requests to the app of an emulator, without a socket.

    Attributes:
        place: What stands for the store in journals and plans.
    """

    def __init__(self, app: WSGIApplication, place: str) -> None:
        super().__init__(app)
        self.place = place

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, whose time-out holds for injected waits."""
        TIMEOUT.set(request.extensions.get("timeout", {}).get("read"))
        return super().handle_request(request)


def find_place(url: str) -> str:
    """Return what stands for the store that an emulator serves."""
    health = httpx.get(f"{url}/_emulator/health", trust_env=False).json()
    return name_place(health["id"])


def name_place(store_id: str) -> str:
    """Return what stands for a store in journals and plans.

    It is the same whether the store is served or not, and whatever the port.
    """
    return f"http://127.0.0.1/emulator-{store_id.replace('-', '')[:12]}"
