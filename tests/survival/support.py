"""What the survival tests share: a store of files, a quick client, a small workflow."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from attrs import define, evolve, field

from flow64 import LEAD, Project, Workflow
from flow64.api import Clock, ResultItem
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.client import Policy
from tests.service.fault_server import Reply

RUN = "0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10"
CSV = b"email,title\n" + b"".join(b"a%d@x.example,Boss\n" % n for n in range(60))
LINKS = "/workflows/runs/*/results/download-links"

QUICK = Policy(
    first_wait=0.001,
    first_rest=0.002,
    longest_wait=0.02,
    timeout=1.0,
    requests_per_minute=None,
)
"""As patient as any, but for the length of its waits."""


def workflow(mode="PROFESSIONAL", *, key="leads", namespace=None, hook=None, again=()):
    """A workflow of two or three blocks, in a namespace of its own."""
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail(mode=mode)
    for name in again:
        flow = flow >> FindEmail(key=name)
    if hook is not None:
        flow = flow >> OutgoingWebhook(url=hook)
    project = Project("growth", namespace=namespace or f"{uuid4()}.example")
    return Workflow("Leads", flow, key=key, project=project)


def rows(count=2):
    """Rows for it."""
    return [{"email": f"person{n}@acme.example"} for n in range(count)]


@define
class QuickClock:
    """Real time, in which waits are passed over: each is added to what has passed."""

    ahead: float = 0.0
    waits: list[float] = field(factory=list)

    def now(self):
        """The time."""
        return Clock().now() + self.ahead

    def sleep(self, seconds):
        """Pass over a wait."""
        self.waits.append(seconds)
        self.ahead += seconds

    async def nap(self, seconds):
        """Pass over a wait, and let others have their turn."""
        self.sleep(seconds)
        await asyncio.sleep(0)


def hurried(client, clock=None):
    """Let a client pass over its waits."""
    clock = clock or QuickClock()
    client._clock = Clock(clock.now, clock.nap)
    return client


@define
class Store:
    """A store of one file behind a fault server, that heeds `Range` and `If-Range`.

    Attributes:
        content: The file.
        etag: Its version; empty for none.
        acts: What is made of the next answers: a function of each `Reply`.
        ranges: The range that each request asked for.
        path: Where it lies.
    """

    content: bytes = CSV
    etag: str = '"v1"'
    headers: dict[str, str] = field(factory=dict)
    acts: list = field(factory=list)
    ranges: list = field(factory=list)
    path: str = "/store/a.csv"
    heeds_if_range: bool = True

    def serve(self, server):
        """Serve it there."""
        server.always("GET", self.path, self)
        return self

    def __call__(self, seen):
        """Answer a request."""
        asked = seen.header("range")
        self.ranges.append(asked)
        headers = dict(self.headers) | ({"etag": self.etag} if self.etag else {})
        is_same = not self.heeds_if_range or seen.header("if-range") == self.etag
        reply = Reply(200, self.content, headers)
        if asked and self.etag and is_same:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            span = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
            reply = evolve(
                reply,
                status=206,
                body=self.content[start:],
                headers={**headers, "content-range": span},
            )
            if start >= len(self.content):
                reply = Reply(416)
        act = self.acts.pop(0) if self.acts else None
        return act(reply) if act else reply


def item(url, content=CSV, name="block_2.csv", **more):
    """A result file as it is listed."""
    facts = {
        "block_number": 2,
        "row_count": content.count(b"\n") - 1,
        "file_size": len(content),
        "content_type": "text/csv",
        "download_url": url,
        **more,
    }
    return ResultItem(filename=name, **facts)


def names(folder):
    """What lies in a folder, hidden or not."""
    return sorted(path.name for path in folder.iterdir())
