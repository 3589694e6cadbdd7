"""A session that answers from a script, and whose clock moves with its waits."""

from __future__ import annotations

import json
from unittest import mock

import httpx
from attrs import frozen

from flow64.api import threads
from flow64.api.auth import Key
from flow64.api.network import Policy
from flow64.api.session import Session
from flow64.errors import FlowError

ENDPOINT = "https://api.example.com"
KEY = "sk_test_not_a_real_key"


@frozen
class Asked:
    """A request that was sent."""

    method: str
    path: str
    query: dict
    body: object
    headers: httpx.Headers

    @classmethod
    def of(cls, request):
        body = json.loads(request.content) if request.content else None
        query = dict(request.url.params)
        return cls(request.method, request.url.path, query, body, request.headers)


def _middle(low, high):
    return (low + high) / 2


class Script(Session):
    """A session without network, for one thread.

    Args:
        answers: Each is a response, an error to raise, or a function of the request
            that returns one of them.
        policy: Decides about repetitions.
        seconds: Time that each request takes.
        options: Of the session.
    """

    def __init__(self, *answers, policy=None, seconds=0.0, endpoint=ENDPOINT, **more):
        self.answers = list(answers)
        self.asked = []
        self.waits = []
        self.seconds = seconds
        self.time = 0.0
        auth = more.pop("auth", None) or Key(KEY)
        transport = httpx.MockTransport(self._reply)
        super().__init__(endpoint, auth, policy or Policy(), transport, **more)

    def _reply(self, request):
        self.asked.append(Asked.of(request))
        self.time += self.seconds
        reply = self.answers.pop(0)
        if callable(reply):
            reply = reply(self.asked[-1])
        if isinstance(reply, FlowError):
            kind = httpx.ReadError if reply.sent else httpx.ConnectError
            raise kind("no answer")
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _now(self):
        return self.time

    def _sleep(self, seconds):
        if not seconds:
            return
        self.waits.append(round(seconds, 3))
        self.time += seconds

    def play(self, job):
        """Run a job with this session in scripted time, one request after the other."""
        token = threads._IS_PART.set(True)
        try:
            with (
                mock.patch.object(threads, "now", new=self._now),
                mock.patch.object(threads, "sleep", new=self._sleep),
                mock.patch("random.uniform", new=_middle),
            ):
                return job(self)
        finally:
            threads._IS_PART.reset(token)

    @property
    def lines(self):
        """What was asked, as `GET` for a look, else the last part of the path."""
        return [
            "GET" if step.method == "GET" else step.path.rpartition("/")[2]
            for step in self.asked
        ]


def answer(data=None, status=200, **headers):
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    return httpx.Response(status, headers=named, content=content)
