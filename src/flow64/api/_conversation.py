"""Requests as conversations: sent, repeated if that is free, and read.

A conversation is a generator that does no I/O itself. It yields a step and gets its
reply. The client that plays it throws a `TransportError` if no answer came. So every
conversation is written once for all clients, and a test plays it by hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

from attrs import evolve

from ..definition import pointer
from ..errors import AnswerError, ApiError, FlowError, TransportError, for_status
from ..text import printable
from ._retry import is_unsent, retry_after
from ._steps import (
    Answer,
    Begin,
    Conversation,
    Now,
    Renew,
    Request,
    Retry,
    Sleep,
    Together,
)

T = TypeVar("T")

MAX_WORDS: Final = 500
"""Most characters of the service's message that an error repeats."""

MAX_FIELDS: Final = 20
"""Most fields that an error names."""


Lookup: TypeAlias = Callable[[FlowError], Conversation[T | None]]
"""Looks for the outcome of a request. None means that there is none, so it is sent
again."""


def ask(request: Request, look: Lookup[Any] | None = None) -> Conversation[Any]:
    """Send a request and return its JSON. It is repeated if that may help and is free.

    A request that was not sent is repeated. So is one that was answered 429, unless it
    `is_once`. After any other failure, only reads and harmless writes are repeated.

    Args:
        request: The request.
        look: See `request_and_read`.

    Raises:
        ApiError: The service answered with an error.
        TransportError: No answer came.
        AnswerError: The answer is not JSON.
    """
    return (
        yield from request_and_read(request, lambda answer: answer.json(request), look)
    )


def send(request: Request) -> Conversation[Answer]:
    """Send a request and return its answer of any content; see `ask`."""
    return (yield from request_and_read(request, lambda answer: answer))


def request_and_read(
    request: Request, read: Callable[[Answer], T], look: Lookup[T] | None = None
) -> Conversation[T]:
    """Send a request and return the result of reading its answer; see `ask`.

    Args:
        request: The request.
        read: Makes the result from an answer. An `AnswerError` counts as no answer.
        look: Played before a sent request is sent again. If it returns a result, that
            is the result of the request.
    """
    began: float = yield Now()
    failures = 0
    while True:
        try:
            answer: Answer = yield request
            is_ours = answer.status == 401 and not request.is_open
            if is_ours and (yield Renew(answer.turn)):
                if look is not None:
                    found = yield from look(api_error(request, answer))
                    if found is not None:
                        return found
                answer = yield request
            if answer.status >= 300:
                raise api_error(request, answer)
            return read(answer)
        except (TransportError, ApiError, AnswerError) as caught:
            error = caught
        failures += 1
        wait: float | None = yield Retry(request, error, failures)
        if wait is None:
            ended: float = yield Now()
            raise evolve(error, attempts=failures, elapsed=ended - began)
        yield Sleep(wait)
        if look is not None and not is_unsent(error):
            found = yield from look(error)
            if found is not None:
                return found


def in_turn(conversation: Conversation[T]) -> Conversation[T]:
    """Play the conversations of a `Together` one after the other instead.

    They are played up to the first that fails.
    """
    reply: Any = None
    try:
        while True:
            try:
                if isinstance(reply, FlowError):
                    step = conversation.throw(reply)
                else:
                    step = conversation.send(reply)
            except StopIteration as stop:
                result: T = stop.value
                return result
            try:
                if isinstance(step, Together):
                    reply = yield from _each(step.conversations)
                else:
                    reply = yield step
            except FlowError as error:
                reply = error
    finally:
        conversation.close()


def _each(conversations: Sequence[Conversation[T]]) -> Conversation[list[T]]:
    results: list[T] = []
    try:
        for conversation in conversations:
            yield Begin()
            results.append((yield from in_turn(conversation)))
    finally:
        for conversation in conversations:
            conversation.close()
    return results


def api_error(request: Request, answer: Answer) -> ApiError:
    """Return the error of an answer, from any of the documented shapes of a body."""
    facts = {
        "method": request.method,
        "path": request.path,
        "request_id": request_id(answer.headers),
    }
    if 300 <= answer.status < 400:
        host = printable(_host(answer.headers.get("location", "")))
        message = f"a redirect to {host}, which flow64 never follows"
        return for_status(answer.status, message=message, **facts)
    try:
        data = json.loads(answer.content)
    except (ValueError, RecursionError):
        data = None
    # Redacted before anything is cut: the beginning of a secret is not found again.
    message, fields = _words(data, answer.redaction.redact_json)
    return for_status(
        answer.status,
        message=message[:MAX_WORDS] or "without saying why",
        fields=[field[:MAX_WORDS] for field in fields],
        wait=retry_after(answer.headers),
        **facts,
    )


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id that an answer gives its request, by one of the usual names."""
    names = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-trace-id")
    found = next((headers[name] for name in names if headers.get(name)), None)
    return found[:100] if found else None


def _words(data: Any, redact: Callable[[Any], Any]) -> tuple[str, Sequence[str]]:
    """Return the message of an error body, and `path: message` for each field in it."""
    if not isinstance(data, dict):
        return "", []
    data = {name: redact(item) for name, item in data.items()}
    detail = data.get("detail")
    if isinstance(detail, str):
        return detail, []
    if isinstance(detail, list):
        fields = [
            f"{_place(entry.get('loc'))}: {entry.get('msg', '')}"
            for entry in detail[:MAX_FIELDS]
            if isinstance(entry, dict)
        ]
        return "the request does not fit its schema", fields
    error = data.get("error")
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or ""), []
    more = data.get("message") or data.get("error_description")
    return ": ".join(str(part) for part in (error, more) if part), []


def _place(loc: Any) -> str:
    return pointer(tuple(loc)) if isinstance(loc, list) else ""


def _host(location: str) -> str:
    """Return the host of a redirect. Its path and query may be secret."""
    try:
        return urlsplit(location).hostname or "the same host"
    except ValueError:
        return "somewhere unreadable"
