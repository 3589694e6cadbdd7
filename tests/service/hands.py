"""Clients by hand, whose clocks move with their waits, and handles on top of them."""

from __future__ import annotations

import asyncio

from flow64.api import (
    Begin,
    Close,
    Emit,
    Fetch,
    LiveStatus,
    Now,
    Read,
    Renew,
    Request,
    Retry,
    Sleep,
    Stream,
    in_turn,
)
from flow64.client import AsyncRun, Run
from flow64.errors import FlowError


class Hand:
    """Plays conversations by hand: answers requests in order, or by functions.

    Nothing is repeated within a call, so that each look is one request.
    """

    endpoint = "https://api.example.com"

    def __init__(self, *answers, files=None):
        self.answers = list(answers)
        self.files = files or {}
        self.asked = []
        self.waits = []
        self.begins = []
        self.now = 1000.0

    def play(self, conversation):
        events = self.events(conversation)
        while True:
            try:
                next(events)
            except StopIteration as stop:
                return stop.value

    def events(self, conversation):
        conversation, reply = in_turn(conversation), None
        try:
            while True:
                try:
                    if isinstance(reply, FlowError):
                        step = conversation.throw(reply)
                    else:
                        step = conversation.send(reply)
                except StopIteration as stop:
                    return stop.value
                if isinstance(step, Emit):
                    yield step.event
                    reply = None
                else:
                    reply = self.reply(step)
        finally:
            conversation.close()

    def reply(self, step):
        match step:
            case Request():
                self.asked.append(step)
                found = self.answers.pop(0)
                return found(step) if callable(found) else found
            case Sleep(seconds, is_apart):
                self.waits.append((round(seconds, 3), is_apart))
                self.now += seconds
            case Begin(seconds):
                self.begins.append(seconds)
                return self.now + (300.0 if seconds is None else seconds)
            case Now():
                return self.now
            case Renew():
                return False
            case Fetch(url):
                found = self.files[url]
                if isinstance(found, FlowError):
                    return found
                headers = {"content-length": str(len(found))}
                return Stream(200, headers, iter([found, b""]))
            case Read(stream):
                return next(stream.source)
            case Retry() | Close():
                pass
            case _:
                raise AssertionError(step)
        return None

    @property
    def lines(self):
        """The requests as words."""
        return [
            "cancel" if step.method == "POST" else step.path.rpartition("/")[2]
            for step in self.asked
        ]


class AsyncHand(Hand):
    """The same, awaited."""

    async def play(self, conversation):
        return Hand.play(_Inner(self), conversation)

    async def events(self, conversation):
        for event in Hand.events(self, conversation):
            yield event


class _Inner(Hand):
    """The blocking side of an `AsyncHand`."""

    def __init__(self, hand):
        self.__dict__ = hand.__dict__


class Blocking:
    """An `AsyncRun` whose methods are called like those of a `Run`."""

    def __init__(self, run, runner=None):
        self.run = run
        self._wait = runner.run if runner else asyncio.run

    def __getattr__(self, name):
        found = getattr(self.run, name)
        if not asyncio.iscoroutinefunction(found):
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
    given = {"id": "r1", "workflow_id": "w1", "client": hand, **known}
    run = Run(**given) if kind == "sync" else AsyncRun(**given)
    if run.is_ended:  # it was seen to
        run.look = LiveStatus(run.id, run.workflow_id, run.status)
    return (run if kind == "sync" else Blocking(run)), hand
