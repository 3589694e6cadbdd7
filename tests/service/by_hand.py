"""A session by hand: it answers in order, and its clock moves with its waits."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from types import SimpleNamespace

from attrs import frozen

from flow64.api import Policy, Session
from flow64.errors import FlowError

ENDPOINT = "https://api.example.com"


class SessionByHand(Session):
    """A session without network. Its calls need no event loop.

    Args:
        answers: Each is an answer, an error to raise, or a function of the request that
            returns one of them.
        policy: Decides about repetitions.
        seconds: Time that each request takes.
        endpoint: Base URL.
    """

    def __init__(self, *answers, policy=None, seconds=0.0, endpoint=ENDPOINT):
        self.answers = list(answers)
        self.asked = []
        self.waits = []
        self.emitted = []
        self.turns = []
        self.policy = policy or Policy()
        self.channel = SimpleNamespace(endpoint=endpoint, policy=self.policy)
        self.seconds = seconds
        self.time = 0.0
        self.ends = math.inf
        self.is_part = True  # so that several jobs run one after the other

    def __repr__(self):
        return type(self).__name__

    def play(self, job):
        """Run a job with this session, and return its result."""
        running = events(job(self))
        while True:
            try:
                self.emitted.append(next(running))
            except StopIteration as stop:
                return stop.value

    @property
    def requests(self):
        return len(self.asked)

    def check(self):
        pass

    def now(self):
        return self.time

    def begin(self, seconds=None, *, patience=None):
        return self.time + (self.policy.deadline if seconds is None else seconds)

    async def sleep(self, seconds, *, is_apart=False):
        self.waits.append(seconds)
        self.time += seconds

    async def emit(self, event):
        await Emitted(event)

    async def call_in_caller(self, function):
        return function()

    @asynccontextmanager
    async def turn(self, name):
        self.turns.append(name)
        yield

    async def renew(self, turn):
        return False

    async def exchange(self, request):
        self.asked.append(request)
        self.time += self.seconds
        found = self.answers.pop(0)
        found = found(request) if callable(found) else found
        if isinstance(found, FlowError):
            raise found
        return found

    def retry_wait(self, request, error, failures):
        left = self.policy.deadline - self.time
        return self.policy.wait(request, error, failures, left=left, luck=0.5)

    def _part(self):
        return self


@frozen
class Emitted:
    """An event on its way to `events`."""

    value: object

    def __await__(self):
        yield self


def events(running):
    """Yield what a coroutine emits, and return its result. It awaits nothing else."""
    try:
        while True:
            try:
                yield running.send(None).value
            except StopIteration as stop:
                return stop.value
    finally:
        running.close()
