"""Bodies of requests: read within limits, and parsed."""

from __future__ import annotations

import json
from tempfile import SpooledTemporaryFile
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from ..definition import MAX_BYTES, MAX_DEPTH, is_encodable
from ._http import RefusedError, Route, violation_error

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
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and float(stated) > most:  # int() takes only 4,300 digits
        return None
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
    """Return the data of a body.

    Raises:
        RefusedError: It has another media type, is missing or cannot be parsed.
    """
    if route.body is None or not (body or route.needs_body):
        return None
    if route.media == "form":
        return _parse_form(media, body)
    if not body:
        raise violation_error(("body",), "missing", "Field required")
    if _media_type(media or "application/json") not in {
        "application/json",
        "text/json",
    }:
        words = f"Input should be JSON (Content-Type: application/json), not {media}"
        raise violation_error(("body",), "model_attributes_type", words)
    return _parse_json(body)


def _parse_json(body: bytes) -> Any:
    """Return JSON data that can be stored and written again."""
    try:
        text = body.decode()
        data = json.loads(
            text,
            parse_int=_parse_integer,
            parse_float=_parse_float,
            parse_constant=_refuse_json,
        )
    except UnicodeDecodeError:
        _refuse_json("the body is not UTF-8")
    except json.JSONDecodeError as error:
        _refuse_json(f"{error.msg} at character {error.pos}")
    except RecursionError:
        _refuse_json(_TOO_DEEP)
    if _is_deep(data):
        _refuse_json(_TOO_DEEP)
    # Decoded UTF-8 has no lone surrogates; only an escape can add one.
    if "\\u" in text and not is_encodable(json.dumps(data, ensure_ascii=False)):
        _refuse_json("a lone surrogate is not Unicode")
    return data


_TOO_DEEP: Final = f"it nests deeper than {MAX_DEPTH} levels"


def _media_type(media: str) -> str:
    return media.partition(";")[0].strip().lower()


def _parse_form(media: str, body: bytes) -> dict[str, str]:
    if _media_type(media) != "application/x-www-form-urlencoded":
        words = "Input should be a form (application/x-www-form-urlencoded)"
        raise violation_error(("body",), "model_attributes_type", words)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise RefusedError(400, "Malformed form") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise RefusedError(400, "A field of the form is sent twice")
    return fields


def _refuse_json(problem: str) -> NoReturn:
    raise RefusedError(400, f"Malformed JSON: {problem}") from None


def _parse_integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        _refuse_json("a number is too long")
    return int(digits)


def _parse_float(digits: str) -> float:
    found = float(digits)
    if found - found != 0:
        _refuse_json("a number is too large")
    return found


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
