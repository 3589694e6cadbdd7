"""Bodies of requests: read within limits, and taken apart."""

from __future__ import annotations

import json
from tempfile import SpooledTemporaryFile
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ..definition import MAX_BYTES, MAX_DEPTH
from ._http import Route, refused, unprocessable
from ._shapes import invalid

MAX_DIGITS: Final = 400
"""Digits of the longest integer that is read."""

MAX_FILE: Final = 100 * 2**20
"""Bytes of the longest file that is taken (the documented limit of bulk files)."""

MAX_FIELDS: Final = 100
"""Fields of the longest form."""


File: TypeAlias = SpooledTemporaryFile[bytes]
"""A body; beyond what a JSON body may have it is on disk."""


def new_file() -> File:
    """A body without a byte, to be closed by whoever takes it."""
    return SpooledTemporaryFile(max_size=MAX_BYTES)


async def received(request: Request, route: Route) -> File | None:
    """The body, from its first byte; None where it is too long.

    Raises:
        ClientDisconnect: The request ended before its body did.
    """
    most = limit_of(route)
    body = new_file()
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


def limit_of(route: Route) -> int:
    """Bytes of the longest body that a route takes."""
    return MAX_FILE if route.media == "file" else MAX_BYTES


def data_of(route: Route, media: str, body: bytes) -> Any:
    """The data of a body, or the answer to a body that holds none."""
    if route.body is None or not (body or route.needs_body):
        return None
    if route.media == "form":
        return _form(media, body)
    if not body:
        return unprocessable([invalid(("body",), "missing", "Field required")])
    if _bare(media or "application/json") not in {"application/json", "text/json"}:
        words = f"Input should be JSON (Content-Type: application/json), not {media}"
        return unprocessable([invalid(("body",), "model_attributes_type", words)])
    return read_json(body)


def read_json(body: bytes) -> Any:
    """JSON data that can be stored and written again, or the answer to what cannot."""
    try:
        text = body.decode()
        data, faults = _loaded(text)
    except UnicodeDecodeError:
        data, faults = None, ["the body is not UTF-8"]
    except json.JSONDecodeError as error:
        data, faults = None, [f"{error.msg} at character {error.pos}"]
    except RecursionError:
        data, faults = None, [_TOO_DEEP]
    else:
        if _is_deep(data):
            faults.append(_TOO_DEEP)
        # Decoded UTF-8 has no lone surrogate; only an escape can bring one in.
        elif "\\u" in text and not _is_unicode(data):
            faults.append("a lone surrogate is not Unicode")
    return refused(400, f"Malformed JSON: {faults[0]}") if faults else data


_TOO_DEEP: Final = f"it nests deeper than {MAX_DEPTH} levels"


def _bare(media: str) -> str:
    return media.partition(";")[0].strip().lower()


def _form(media: str, body: bytes) -> dict[str, str] | Response:
    if _bare(media) != "application/x-www-form-urlencoded":
        words = "Input should be a form (application/x-www-form-urlencoded)"
        return unprocessable([invalid(("body",), "model_attributes_type", words)])
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        return refused(400, "Malformed form")
    fields = dict(pairs)
    if len(fields) < len(pairs):
        return refused(400, "A field of the form is there twice")
    return fields


def _loaded(text: str) -> tuple[Any, list[str]]:
    """The data of a text, and what in it cannot be kept."""
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
