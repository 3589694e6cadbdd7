"""Bodies of requests: read within limits, and parsed."""

from __future__ import annotations

import json
from tempfile import SpooledTemporaryFile
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ..definition import MAX_BYTES, MAX_DEPTH
from ._http import Route, error_response, validation_response
from ._schema import make_violation

MAX_DIGITS: Final = 400
"""Maximum digits of an integer."""

MAX_FILE: Final = 100 * 2**20
"""Maximum bytes of a file (the documented limit of bulk files)."""

MAX_FIELDS: Final = 100
"""Maximum fields of a form."""


File: TypeAlias = SpooledTemporaryFile[bytes]
"""A body; once it is longer than a JSON body may be, it is on disk."""


def make_body_file() -> File:
    """Make an empty body, which the caller closes."""
    return SpooledTemporaryFile(max_size=MAX_BYTES)


async def receive_body(request: Request, route: Route) -> File | None:
    """Read the body; return None if it is too long.

    Raises:
        ClientDisconnect: The request ended before its body did.
    """
    most = max_body_bytes(route)
    body = make_body_file()
    try:
        async for chunk in request.stream():
            body.write(chunk)
            if body.tell() > most:
                body.close()
                return None
    except ClientDisconnect:
        body.close()
        raise
    body.seek(0)
    return body


def max_body_bytes(route: Route) -> int:
    """Return the maximum bytes of a body for a route."""
    return MAX_FILE if route.media == "file" else MAX_BYTES


def parse_body(route: Route, media: str, body: bytes) -> Any:
    """Return the data of a body, or the error."""
    if route.body is None or not (body or route.needs_body):
        return None
    if route.media == "form":
        return _parse_form(media, body)
    if not body:
        return validation_response(
            [make_violation(("body",), "missing", "Field required")]
        )
    if _media_type(media or "application/json") not in {
        "application/json",
        "text/json",
    }:
        words = f"Input should be JSON (Content-Type: application/json), not {media}"
        return validation_response(
            [make_violation(("body",), "model_attributes_type", words)]
        )
    return parse_json(body)


def parse_json(body: bytes) -> Any:
    """Return JSON data that can be stored and written again, or the error."""
    try:
        text = body.decode()
        data, faults = _load_json(text)
    except UnicodeDecodeError:
        data, faults = None, ["the body is not UTF-8"]
    except json.JSONDecodeError as error:
        data, faults = None, [f"{error.msg} at character {error.pos}"]
    except RecursionError:
        data, faults = None, [_TOO_DEEP]
    else:
        if _is_deep(data):
            faults.append(_TOO_DEEP)
        # Decoded UTF-8 has no lone surrogates; only an escape can add one.
        elif "\\u" in text and not _is_unicode(data):
            faults.append("a lone surrogate is not Unicode")
    return error_response(400, f"Malformed JSON: {faults[0]}") if faults else data


_TOO_DEEP: Final = f"it nests deeper than {MAX_DEPTH} levels"


def _media_type(media: str) -> str:
    return media.partition(";")[0].strip().lower()


def _parse_form(media: str, body: bytes) -> dict[str, str] | Response:
    if _media_type(media) != "application/x-www-form-urlencoded":
        words = "Input should be a form (application/x-www-form-urlencoded)"
        return validation_response(
            [make_violation(("body",), "model_attributes_type", words)]
        )
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        return error_response(400, "Malformed form")
    fields = dict(pairs)
    if len(fields) < len(pairs):
        return error_response(400, "A field of the form is sent twice")
    return fields


def _load_json(text: str) -> tuple[Any, list[str]]:
    """Return the data of a text, and the problems with its numbers."""
    faults: list[str] = []

    def integer(digits: str) -> int:
        if len(digits) <= MAX_DIGITS:
            return int(digits)
        faults.append("a number is too long")
        return 0

    def number(digits: str) -> float:
        found = float(digits)
        if found - found != 0:
            faults.append("a number is too large")
        return found

    data = json.loads(
        text, parse_int=integer, parse_float=number, parse_constant=faults.append
    )
    return data, faults


def _is_unicode(data: Any) -> bool:
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_deep(data: Any) -> bool:
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
