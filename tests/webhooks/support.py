"""The documented vector, and a receiver that handles what it is sent."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

from attrs import define, field

from flow64.errors import DeliveryError
from flow64.webhooks import SeenEvents, handling, verify

NEW = "sk_whsec_" + "0123456789abcdef" * 4
OLD = "sk_whsec_" + "fedcba9876543210" * 4
AT = 1780000000
BODY = (
    b'{"event_id":"5f0c2d6e-9c7b-4c83-8d5b-0a4be2a9d001",'
    b'"run_id":"0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10"}'
)
BY_NEW = "ef3b7e4f1a02a8bdd7d5a9720e701acae22d61124ed61ffbe320e99e8febda71"
BY_OLD = "289c0fe65dc8957ce2a633af1a25bab07400d3ce9d4f7bb2dff7a0380e6fc03a"


def signed(*digests, at=AT):
    """A header with some digests."""
    parts = [f"t={at}", *(f"v1={digest}" for digest in digests)]
    return {"Sixtyfour-Signature": ",".join(parts)}


@define
class Consumer:
    """A program that verifies and handles what is posted to it."""

    secrets: list[str]
    url: str = ""
    failures: list[Exception] = field(factory=list)
    """What its handler raises, delivery by delivery, before it works."""
    handled: list = field(factory=list)
    refused: list = field(factory=list)
    seen: SeenEvents = field(factory=SeenEvents)

    def answer(self, body, headers):
        try:
            event = verify(body, headers, self.secrets, seen=self.seen)
            with handling(event, self.seen):
                if self.failures:
                    raise self.failures.pop(0)
                self.handled.append(event)
        except DeliveryError as error:
            self.refused.append(error)
            return error.answer
        except RuntimeError:
            return 500
        return 204

    def app(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        status = self.answer(body, headers)
        start_response(f"{status} Answer", [("Content-Length", "0")])
        return []


@contextmanager
def serving(app):
    """Serve a WSGI program on a loopback port, and give its address."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *arguments):
            """Say nothing."""

    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hooks"
        server.shutdown()
        thread.join()


@contextmanager
def consuming(*secrets):
    """Serve a consumer that has some secrets."""
    consumer = Consumer(list(secrets))
    with serving(consumer.app) as url:
        consumer.url = url
        yield consumer
