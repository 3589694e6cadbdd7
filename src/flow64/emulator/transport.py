"""Transports to an emulator: in this process, or to the one that serves a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..http import httpx
from .faults import TIMEOUT

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class _CoreTransport(httpx.BaseTransport):
    """Also sends the requests of a flow64 client, which is not an httpx client.

    Attributes:
        endpoint: The endpoint of the client, which names the store.
        url: The address that stands for it.
    """

    endpoint = ""
    url = ""

    def send(self, request: Any) -> CoreAnswer:
        """Send a request of a flow64 client.

        Args:
            request: Has `method`, `url`, `headers`, `content` and `timeout`.

        Raises:
            ConnectionError: No answer came.
        """
        url = request.url
        if self.endpoint and url.startswith(f"{self.endpoint}/"):
            url = self.url + url.removeprefix(self.endpoint)
        sent = httpx.Request(
            request.method,
            url,
            headers=dict(request.headers),
            content=request.content,
            extensions={"timeout": dict.fromkeys(_TIMEOUTS, request.timeout)},
        )
        try:
            return CoreAnswer(self.handle_request(sent))
        except httpx.TransportError as error:
            raise ConnectionError(type(error).__name__) from None


_TIMEOUTS = ("connect", "read", "write", "pool")


class CoreAnswer:
    """A response as a flow64 client reads it, part by part."""

    def __init__(self, response: httpx.Response) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = {
            name.lower(): text for name, text in response.headers.items()
        }
        self._response = response
        self._parts: Iterator[bytes] = response.iter_raw()

    def read(self, timeout: float) -> bytes:
        """Return the next part of the body; empty at its end."""
        TIMEOUT.set(timeout)
        try:
            return next((part for part in self._parts if part), b"")
        except httpx.TransportError as error:
            raise ConnectionError(type(error).__name__) from None

    def close(self) -> None:
        """Close the response."""
        self._response.close()


class InProcessTransport(_CoreTransport, httpx.WSGITransport):
    """Sends requests to the app of an emulator, without a socket."""

    def __init__(self, app: WSGIApplication, endpoint: str = "") -> None:
        httpx.WSGITransport.__init__(self, app)
        self.endpoint, self.url = endpoint, "http://127.0.0.1"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, whose time-out holds for injected waits."""
        TIMEOUT.set(request.extensions.get("timeout", {}).get("read"))
        return httpx.WSGITransport.handle_request(self, request)


class ServedTransport(_CoreTransport, httpx.HTTPTransport):
    """Sends requests to the emulator that serves a store."""

    def __init__(self, url: str) -> None:
        """Connect to an emulator, and ask it which store it serves."""
        httpx.HTTPTransport.__init__(self, trust_env=False)
        health = httpx.get(f"{url}/_emulator/health", trust_env=False).json()
        self.endpoint, self.url = name_endpoint(health["id"]), url


def name_endpoint(store_id: str) -> str:
    """Return the endpoint that stands for a store in journals and saved plans.

    It is the same whether the store is served or not, and whatever the port.
    """
    return f"http://127.0.0.1/emulator-{store_id.replace('-', '')[:12]}"
