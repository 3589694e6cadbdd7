"""Clients by hand, whose clocks move with their waits, and handles on top of them."""

from __future__ import annotations

import asyncio
import inspect

from flow64.api import LiveStatus
from flow64.client import AsyncRun, Run
from flow64.errors import FlowError
from flow64.runs import Tracked
from tests.service.by_hand import SessionByHand, events


class Hand(SessionByHand):
    """A client whose calls are carried out by hand: requests are answered in order.

    Nothing is repeated within a call, so that each look is one request.
    """

    endpoint = "https://api.example.com"

    def __init__(self, *answers, files=None):
        super().__init__(*answers)
        self.files = files or {}
        self.begins = []
        self.time = 1000.0

    def call(self, job, *args, **kwargs):
        return self.play(lambda session: job(session, *args, **kwargs))

    def stream(self, job, *args, **kwargs):
        return events(job(self, *args, **kwargs))

    def _work(self, function, *args, **kwargs):
        return function(*args, **kwargs)

    def begin(self, seconds=None, *, patience=None):
        self.begins.append(seconds)
        return self.time + (300.0 if seconds is None else seconds)

    async def sleep(self, seconds, *, is_apart=False):
        self.waits.append((round(seconds, 3), is_apart))
        self.time += seconds

    def retry_wait(self, request, error, failures):
        return None

    async def open(self, url, start=0, validator=None):
        found = self.files[url]
        if isinstance(found, FlowError):
            raise found
        return FileByHand(found)

    @property
    def lines(self):
        """The requests as words."""
        return [
            "cancel" if step.method == "POST" else step.path.rpartition("/")[2]
            for step in self.asked
        ]


class FileByHand:
    """A stream of one part."""

    status = 200

    def __init__(self, content):
        self.headers = {"content-length": str(len(content))}
        self._parts = [content]

    async def read(self):
        return self._parts.pop() if self._parts else b""

    async def close(self):
        pass

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass


class AsyncHand(Hand):
    """A client by hand that awaits."""

    async def call(self, job, *args, **kwargs):
        return Hand.call(self, job, *args, **kwargs)

    async def stream(self, job, *args, **kwargs):
        for event in Hand.stream(self, job, *args, **kwargs):
            yield event

    async def _work(self, function, *args, **kwargs):
        return function(*args, **kwargs)


class Blocking:
    """An `AsyncRun` whose methods are called like those of a `Run`."""

    def __init__(self, run, runner=None):
        self.run = run
        self._wait = runner.run if runner else asyncio.run

    def __getattr__(self, name):
        found = getattr(self.run, name)
        if not inspect.iscoroutinefunction(found):
            return found

        def called(*args, **kwargs):
            made = self._wait(found(*args, **kwargs))
            return self if made is self.run else made

        return called

    def watch(self, **given):
        events = self.run.watch(**given)

        async def gathered(seen):
            async for event in events:
                seen.append(event)

        seen = []
        try:
            self._wait(gathered(seen))
        finally:
            self.seen = seen
        return seen


KINDS = ("sync", "async")


def held(kind, hand_answers=(), files=None, **known):
    """A handle of a kind on a client by hand; gives both."""
    hand = (Hand if kind == "sync" else AsyncHand)(*hand_answers, files=files)
    tracked = Tracked(
        **{"id": "r1", "workflow_id": "w1", "endpoint": Hand.endpoint, **known}
    )
    if tracked.is_ended:  # it was seen to
        tracked.look = LiveStatus(tracked.id, tracked.workflow_id, tracked.status)
    run = Run(tracked, hand) if kind == "sync" else AsyncRun(tracked, hand)
    return (run if kind == "sync" else Blocking(run)), hand
