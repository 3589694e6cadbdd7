"""A receiver of webhooks on a loopback port, with prepared responses."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from attrs import define, field, frozen


@frozen
class Delivery:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    content: bytes

    @property
    def data(self):
        return json.loads(self.content)


@define
class Receiver:
    """Collects deliveries, and answers with one status after another."""

    url: str = ""
    statuses: list[int] = field(factory=lambda: [200])
    delay: float = 0.0
    released: Event = field(factory=Event)
    deliveries: list[Delivery] = field(factory=list)

    def headers(self, name):
        """The values of a header, delivery by delivery."""
        return [delivery.headers.get(name) for delivery in self.deliveries]


@contextmanager
def receiving(*statuses, delay=0.0):
    receiver = Receiver(statuses=list(statuses) or [200], delay=delay)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["content-length"]))
            came = Delivery(self.path, dict(self.headers.items()), content)
            receiver.deliveries.append(came)
            receiver.released.wait(receiver.delay)
            statuses = receiver.statuses
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # who asked may be gone
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
