"""From the answers of the service to typed answers and errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, get_origin

import attrs
import cattrs
import httpx
from attrs import field, frozen

from ..definition import JSON_TYPE_NAMES, load_json, name_json_type, pointer
from ..errors import (
    AnswerError,
    ApiError,
    AuthError,
    ConflictError,
    NotFoundError,
    TransportError,
    list_lines,
)
from ..text import printable
from .network import DAY

T = TypeVar("T")

MAX_WORDS: Final = 500
"""Most characters of the service's message that an error repeats."""

MAX_FIELDS: Final = 20
"""Most fields that an error names."""


class Body(dict[str, Any]):
    """The body of a write or an answer. It may reveal secrets, so no repr shows it."""

    def __repr__(self) -> str:
        return "<body>"


# -- Errors ---------------------------------------------------------------------------


def api_error(
    method: str,
    path: str,
    response: httpx.Response,
    content: bytes,
    mask: Callable[[str], str] = str,
    *,
    sent: bool = True,
) -> ApiError:
    """Return the error of an answer, from any of the documented shapes of a body."""
    status, headers = response.status_code, response.headers
    message, problems = _read_problems(load_json(content))
    if 300 <= status < 400:
        message, problems = "a redirect, which flow64 never follows", []
    # Masked before it is cut: the beginning of a secret is not recognised.
    detail = printable(mask(message)[:MAX_WORDS]) or "without saying why"
    fields = [mask(problem)[:MAX_WORDS] for problem in problems]
    wait = read_retry_after(headers)
    request_id = mask(headers.get("x-request-id", ""))[:100] or None
    request = f" (request {printable(request_id)})" if request_id else ""
    asks = f"; it asks to wait {wait:g} s" if wait else ""
    words = f"{method} {path} answered {status}: {detail}{request}{asks}"
    error = _KINDS.get(status, ApiError)(
        f"{words}{list_lines(fields)}",
        status=status,
        method=method,
        path=path,
        detail=detail,
        fields=fields,
        request_id=request_id,
        wait=wait,
        sent=sent,
    )
    if fields:
        return error  # they say what to do
    error.hint = _HINTS.get(status, "try again later" if status >= 500 else "")
    return error


_HINTS: Final[Mapping[int, str]] = {
    400: "correct what it names; the same request is refused again",
    401: "check the key or the OAuth client of the environment",
    402: "add credits before you try again",
    403: "the key was accepted, but may not do this",
    404: "check the id, the organisation of the key, and the path of the endpoint",
    409: "look at what is there before you try again",
    429: "wait a minute before you try again",
}
"""What to do, by status."""

_KINDS: Final[Mapping[int, type[ApiError]]] = {
    401: AuthError,
    404: NotFoundError,
    409: ConflictError,
}
"""The exceptions of the statuses that callers tell apart."""


def transport_error(
    method: str,
    path: str,
    reason: str,
    *,
    sent: bool = True,
    port: int | None = None,
    is_final: bool = False,
) -> TransportError:
    """Return the error of a request without an answer.

    Args:
        method: HTTP method.
        path: Path of the request.
        reason: What went wrong.
        sent: Whether anything may have reached the service.
        port: The port of this machine at which nothing listens.
        is_final: Whether trying again cannot help.
    """
    hint, option = "it may have arrived, so look before you send it again", None
    if not sent:
        hint = "nothing was sent: check the network and the endpoint"
    elif method == "GET":
        hint = "it changes nothing, so try again"
    if port is not None:
        option = (
            "nothing listens there: start it in another terminal: flow64 serve --port "
            f"{port}; or use -e local, which needs no server"
        )
    return TransportError(
        f"{method} {path}: {reason}",
        hint=hint,
        option=option,
        method=method,
        path=path,
        reason=reason,
        sent=sent,
        is_refused=port is not None,
        is_final=is_final,
    )


def answer_error(
    method: str, path: str, problem: str, *, is_final: bool = False
) -> AnswerError:
    """Return the error of an answer that is not as documented."""
    return AnswerError(
        f"{method} {path} answered something unexpected: {problem}",
        hint="check that the endpoint is the service",
        method=method,
        path=path,
        is_final=is_final,
    )


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After`; None if it is a date, or not valid."""
    text = headers.get("retry-after", "").strip()
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    return float(text) if is_number and float(text) <= DAY else None


def _read_problems(data: Any) -> tuple[str, Sequence[str]]:
    """Return the message of an error body, and `path: message` for each field in it."""
    if not isinstance(data, dict):
        return "", []
    detail, error = data.get("detail"), data.get("error")
    if isinstance(detail, str):
        return detail, []
    if isinstance(detail, list):
        return "the request does not fit its schema", [
            f"{_format_place(entry.get('loc'))}: {entry.get('msg', '')}"
            for entry in detail[:MAX_FIELDS]
            if isinstance(entry, dict)
        ]
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or ""), []
    words = error, data.get("message") or data.get("error_description")
    return ": ".join(str(word) for word in words if word), []


def _format_place(loc: Any) -> str:
    return pointer(tuple(loc)) if isinstance(loc, list) else ""


# -- Typed answers --------------------------------------------------------------------


@frozen
class Answered:
    """An answer of the service, with its important fields as attributes.

    Only what flow64 cannot do without is required. A run that was paid for must not be
    lost because a field is missing, null, or of another type.

    Attributes:
        extra: All other fields, and fields of an unexpected type, as they came. They
            are not compared, since they may change by themselves.
    """

    extra: Mapping[str, Any] = field(factory=dict, repr=False, eq=False, kw_only=True)


def structure(data: Any, kind: type[T], method: str, path: str) -> T:
    """Return JSON data as a typed answer.

    Raises:
        AnswerError: The data has another shape than documented.
    """
    try:
        return _CONVERTER.structure(data, kind)
    except ValueError as error:
        problem = str(error)
    del data  # the error may show the locals of this frame
    raise answer_error(method, path, problem)


def _require(kind: type[T]) -> Callable[[Any, Any], T]:
    """Return a hook that takes the values of one type as they are.

    The messages of all hooks hold no value of the data.
    """

    def read(value: Any, _: Any) -> T:
        if isinstance(value, kind):
            return value
        wanted = JSON_TYPE_NAMES[kind]
        raise ValueError(f"{wanted} was expected, not {name_json_type(value)}")

    return read


def _read_number(value: Any, _: Any) -> float:
    """Return a number, which may be written as text."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise ValueError(f"a number was expected, not {name_json_type(value)}")


def _read_whole_number(value: Any, _: Any) -> int:
    return value if type(value) is int else int(_read_number(value, _))


def _read_list(value: Any, kind: Any) -> list[Any]:
    (item_kind,) = kind.__args__
    items = _require(list)(value, kind)
    return [_CONVERTER.structure(item, item_kind) for item in items]


def _make_reader(kind: Any) -> Callable[[Any, Any], Any]:
    """Return a hook that reads an object as one kind of answer."""
    attrs.resolve_types(kind)
    attributes = {
        attribute.name: attribute
        for attribute in attrs.fields(kind)
        if attribute.init and attribute.name != "extra"
    }

    def read(data: Any, _: Any) -> Any:
        values: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, value in _require(dict)(data, kind).items():
            if name not in attributes:
                extra[name] = value
            elif value is not None:
                try:
                    kind_of_value = attributes[name].type
                    values[name] = _CONVERTER.structure(value, kind_of_value)
                except ValueError:
                    extra[name] = value
        for name, attribute in attributes.items():
            if attribute.default is attrs.NOTHING and values.get(name, "") == "":
                raise ValueError(f"{name} is missing, empty, or of another type")
        return kind(**values, extra=extra)

    return read


def _is_generic(origin: Any) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) is origin


_CONVERTER: Final = cattrs.Converter(detailed_validation=False)
_CONVERTER.register_structure_hook(str, _require(str))
_CONVERTER.register_structure_hook(bool, _require(bool))
_CONVERTER.register_structure_hook(float, _read_number)
_CONVERTER.register_structure_hook(int, _read_whole_number)
_CONVERTER.register_structure_hook_func(_is_generic(Mapping), _require(dict))
_CONVERTER.register_structure_hook_func(_is_generic(list), _read_list)
_CONVERTER.register_structure_hook_func(_is_generic(Sequence), _read_list)
_CONVERTER.register_structure_hook_factory(attrs.has, _make_reader)
