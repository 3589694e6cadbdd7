"""From nothing to a verified webhook: one command, no key, no network.

    python tests/survival/one_command.py [FOLDER]

It needs `flow64[emulator]` and nothing of this repository. It starts an emulator and a
receiver of webhooks on loopback, deploys, runs, watches, saves the files of the run in
a folder, and verifies what was delivered. Exits with a traceback where anything is not
as it was told.
"""

# ruff: noqa: T201 - a program that prints

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread

from flow64 import LEAD, Client, Project, Workflow
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.emulator import Emulator
from flow64.webhooks import RowsEvent, verify

PEOPLE = [{"email": "ada@acme.example"}, {"email": "grace@acme.example"}]


def main(folder: Path) -> None:
    """Take each step, and tell it."""
    began = time.monotonic()
    with (
        Emulator() as emulator,
        receiving() as (hook, deliveries),
        Client("no-real-key", base_url=emulator.url, journal=None) as client,
    ):
        secret = client.signing_secrets.create().plaintext
        workflow = people_to(hook)
        print(f"deploy: {workflow.deploy(client).state}")
        run = workflow.run(PEOPLE, client, intent="one command")
        for event in run.watch(every=0.1):
            print(f"watch: {event}")
        for path in run.wait().download(folder, every_stage=True):
            print(f"download: {path.name}, {path.stat().st_size} bytes")
        body, headers = deliveries.get(timeout=20)
        delivered = verify(body, headers, secret)
        assert isinstance(delivered, RowsEvent)
        assert delivered.run_id == run.id
        found = [row["email"] for row in delivered.rows or ()]
        assert found == [person["email"] for person in PEOPLE]
        print(f"webhook: {delivered.event_type}, {len(found)} rows, verified")
    print(f"done in {time.monotonic() - began:.1f} s")


def people_to(hook: str) -> Workflow:
    """A pipeline whose rows are posted to an address."""
    flow = (
        Webhook(LEAD, input_schema={"email": "string"})
        >> FindEmail()
        >> OutgoingWebhook(url=hook)
    )
    project = Project("one-command", namespace="acme.example")
    return Workflow("People", flow, key="people", project=project)


@contextmanager
def receiving() -> Iterator[tuple[str, queue.Queue[tuple[bytes, dict[str, str]]]]]:
    """A receiver of webhooks: its address, and what came in."""
    came: queue.Queue[tuple[bytes, dict[str, str]]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        """Takes whatever is posted."""

        def do_POST(self) -> None:
            """Keep it for later, and say so."""
            body = self.rfile.read(int(self.headers["content-length"]))
            came.put((body, dict(self.headers.items())))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp(prefix="flow64-")))
