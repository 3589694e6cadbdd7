"""The operations of the OpenAPI document, the validation of requests, and faults.

`openapi.json` has the facts of the document, without its prose and its interactive
operations. What is marked `x-guess` in it is not in the document. A fault says what
goes wrong, with which requests, and how often.
"""

from __future__ import annotations

import json
import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from fnmatch import fnmatchcase
from importlib.resources import files
from itertools import islice
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeAlias, get_args

import httpx
from attrs import asdict, define, field, frozen
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from werkzeug.wrappers import Response

from ..definition import is_uuid
from ..errors import ConfigError
from .records import JsonObject

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Location: TypeAlias = Sequence[str | int]

DOCUMENT: Final[JsonObject] = json.loads(
    files(__package__).joinpath("openapi.json").read_text("utf-8")
)

MOST_VIOLATIONS: Final = 20
"""Violations that one response lists."""

_FORMATS: Final = FormatChecker(formats=())


@_FORMATS.checks("uuid")
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or is_uuid(value)


def make_validator(schema: JsonObject) -> Draft202012Validator:
    """Make the validator of a schema of the document."""
    whole = {**schema, "components": DOCUMENT["components"]}
    return Draft202012Validator(whole, format_checker=_FORMATS)


def parse_parameter(schema: JsonObject, texts: Sequence[str]) -> Any:
    """Return the value that texts of a path or a query stand for.

    A text that stands for none is returned as it is.
    """
    kinds = {option.get("type") for option in schema.get("anyOf", [schema])}
    if "array" in kinds:
        return [*texts]
    if "boolean" in kinds:
        return _BOOLEANS.get(texts[-1].lower(), texts[-1])
    if "integer" in kinds and re.fullmatch(r"-?[0-9]{1,19}", texts[-1]):
        return int(texts[-1])
    return texts[-1]


_BOOLEANS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


@frozen
class Operation:
    """An operation of the document.

    Attributes:
        id: Its `operationId`.
        is_open: Whether it needs no credential.
        status: The status of success.
        parameters: The schemas of the path and of the query.
        media: The media types of its body; none if it takes no body.
    """

    id: str
    method: str
    path: str
    is_open: bool
    status: int
    parameters: Mapping[str, JsonObject]
    media: Sequence[str]
    needs_body: bool
    body: Draft202012Validator

    def parse_parameters(
        self, place: str, texts: Mapping[str, Sequence[str]]
    ) -> JsonObject:
        """Return the parameters of the path or the query, with their defaults."""
        return {
            name: parse_parameter(schema, texts[name])
            if texts.get(name)
            else schema.get("default")
            for name, schema in self.parameters[place]["properties"].items()
        }

    def find_violations(self, place: str, data: JsonObject) -> Iterator[JsonObject]:
        """Yield the violations of the parameters of a place."""
        values = {name: value for name, value in data.items() if value is not None}
        errors = make_validator(self.parameters[place]).iter_errors(values)
        return describe_errors(errors, (place,))


def describe_errors(
    errors: Iterable[ValidationError], place: Location
) -> Iterator[JsonObject]:
    """Yield each error as an item of a 422, without the value that it is about."""
    for error in islice(errors, MOST_VIOLATIONS):
        closest = _find_closest(error)
        here = [*place, *closest.absolute_path]
        if closest.validator == "required":
            missing = closest.message.partition("' is a required")[0][1:]
            yield make_violation([*here, missing], "missing", "Field required")
        else:
            rule, limit = str(closest.validator), closest.validator_value
            words = f"Input should satisfy {rule} {json.dumps(limit)[:200]}"
            yield make_violation(here, f"{rule}_error", words)


def _find_closest(error: ValidationError) -> ValidationError:
    """Return the deepest error of the option that fits best."""
    while error.context:
        # An option of null says nothing about a value that is there.
        options = [each for each in error.context if each.validator_value != "null"]
        error = max(options or error.context, key=lambda each: len(each.absolute_path))
    return error


def make_violation(place: Location, type: str, message: str) -> JsonObject:
    """Make an item of a 422."""
    return {"loc": [*place], "msg": message, "type": type}


def _load_operations() -> Iterator[Operation]:
    for path, methods in DOCUMENT["paths"].items():
        for method, data in methods.items():
            body = data.get("requestBody", {})
            content = body.get("content", {})
            first: JsonObject = next(iter(content.values()), {})
            yield Operation(
                id=data["operationId"],
                method=method.upper(),
                path=path,
                is_open=data.get("security") == [],
                status=min(map(int, data["responses"])),
                parameters={
                    place: _make_schema(data.get("parameters", ()), place)
                    for place in ("path", "query")
                },
                media=[*content],
                needs_body=body.get("required", False),
                body=make_validator(first.get("schema", {})),
            )


def _make_schema(parameters: Iterable[JsonObject], place: str) -> JsonObject:
    """Return the schema of all parameters of a place."""
    here = [parameter for parameter in parameters if parameter["in"] == place]
    return {
        "properties": {parameter["name"]: parameter["schema"] for parameter in here},
        "required": [parameter["name"] for parameter in here if parameter["required"]],
    }


OPERATIONS: Final = {operation.id: operation for operation in _load_operations()}
"""The operations by `operationId`."""


def as_response(schema: str, record: object, **values: Any) -> JsonObject:
    """Return a response: the fields of a schema, from a record and other values."""
    fields = DOCUMENT["components"]["schemas"][schema]["properties"]
    return {
        name: values[name] if name in values else getattr(record, name, None)
        for name in fields
    }


def pick_keys(schema: str, data: JsonObject) -> JsonObject:
    """Return the keys of an object that its schema has."""
    fields = DOCUMENT["components"]["schemas"][schema]["properties"]
    return {key: value for key, value in data.items() if key in fields}


FaultKind: TypeAlias = Literal[
    "status_before",
    "status_after",
    "slow",
    "reset_before",
    "reset_after",
    "truncate",
]
"""What goes wrong. With `before` in its name, the request is not handled, so nothing is
changed. Any other fault happens after the request was handled.

- `status_before`, `status_after`: the response has `status`, `headers` and `body`.
- `reset_before`, `reset_after`: the connection is reset, without a response.
- `slow`: the body is sent after `seconds`; with `size`, that many bytes at a time,
  with `seconds` before each.
- `truncate`: the connection is reset after a part of the body.
"""

FaultBody: TypeAlias = str | bytes | Callable[[bytes], str | bytes] | None

SOCKET: Final = "flow64.socket"
"""Key in the environment of requests that came over a socket."""

TIMEOUT: ContextVar[float | None] = ContextVar("TIMEOUT", default=None)
"""Seconds that an in-process client waits for a part of the response."""

ADMIN_PREFIX: Final = "/_emulator/"
"""Path prefix of the routes about the emulator itself, which have no faults."""


@frozen(kw_only=True)
class Fault:
    """A fault, and the requests that it happens to.

    Attributes:
        kind: What goes wrong.
        method: HTTP method of the requests; None for all.
        path: Glob pattern of their paths, such as `/workflows/runs*`; None for all.
        times: How often it happens; None for no limit.
        after: How many matching requests succeed first.
        status: Status of the response.
        headers: Further headers of the response.
        body: Body of the response; None for an error like the service's. A function
            gets the true body and returns another one; the status then stays.
        seconds: How long `slow` waits.
        size: Bytes that `slow` sends at a time, or that `truncate` sends in total.
    """

    kind: FaultKind = field(kw_only=False)
    method: str | None = None
    path: str | None = None
    times: int | None = 1
    after: int = 0
    status: int = 503
    headers: Mapping[str, str] = field(factory=dict)
    body: FaultBody = None
    seconds: float = 1.0
    size: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            kinds = ", ".join(get_args(FaultKind))
            raise ConfigError(f"there is no fault {self.kind!r}; there are {kinds}")
        if self.path is not None and not self.path.startswith(("/", "*")):
            # It would never happen.
            raise ConfigError(f"the path {self.path!r} of a fault begins with / or *")

    def applies_to(self, method: str, path: str) -> bool:
        """Return True if the fault can happen to such a request."""
        return fnmatchcase(method, (self.method or "*").upper()) and (
            fnmatchcase(path, self.path or "*")
        )


@define(eq=False)
class _ActiveFault:
    """A fault that was added, with its counters."""

    fault: Fault
    seen: int = 0
    fired: int = 0

    @property
    def is_used_up(self) -> bool:
        return self.fault.times is not None and self.fired >= self.fault.times


class Faults:
    """The faults of an emulator: none, until some are added. Any thread may use it."""

    def __init__(self) -> None:
        self._rules: list[_ActiveFault] = []
        self._lock = Lock()
        self._released = Event()

    def add(self, *faults: Fault) -> None:
        """Add faults. Only the first one that applies happens to a request."""
        with self._lock:
            self._rules += map(_ActiveFault, faults)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._rules.clear()
        self.release()

    def release(self) -> None:
        """Continue all requests that `slow` holds up now."""
        released, self._released = self._released, Event()
        released.set()

    @property
    def active(self) -> list[Fault]:
        """The faults that can still happen, in the order in which they were added."""
        with self._lock:
            return [rule.fault for rule in self._rules if not rule.is_used_up]

    def data(self) -> list[JsonObject]:
        """Return the faults that can still happen as JSON data, with their counts."""
        standard = asdict(Fault("slow"))
        with self._lock:
            rules = [rule for rule in self._rules if not rule.is_used_up]
        return [
            {
                name: "a function" if callable(value) else value
                for name, value in asdict(rule.fault).items()
                if name == "kind" or value != standard[name]
            }
            | {"fired": rule.fired}
            for rule in rules
        ]

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that happens to a request, and count it."""
        if path == "/" or path.startswith(ADMIN_PREFIX):
            return None
        with self._lock:
            for rule in self._rules:
                if rule.is_used_up or not rule.fault.applies_to(method, path):
                    continue
                rule.seen += 1
                if rule.seen > rule.fault.after:
                    rule.fired += 1
                    return rule.fault
            return None

    def pause(self, seconds: float) -> None:
        """Wait until the time is over, or `release` is called.

        Raises:
            httpx.ReadTimeout: A client in this process has waited long enough.
        """
        timeout = TIMEOUT.get()
        is_released = self._released.wait(
            seconds if timeout is None else min(seconds, timeout)
        )
        if timeout is not None and timeout < seconds and not is_released:
            raise httpx.ReadTimeout("the emulator did not answer in time")


@frozen
class FaultyApp:
    """The WSGI app with its faults. Without any, it only calls the inner app."""

    app: WSGIApplication
    faults: Faults

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        """Answer a request, or apply a fault to it."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        fault = self.faults.take(method, path)
        if fault is None:
            return self.app(environ, start_response)
        if fault.kind == "reset_before":
            _reset(environ)
        if fault.kind == "status_before":
            return _make_response(fault, Response())(environ, start_response)
        response = Response.from_app(self.app, environ, buffered=True)
        match fault.kind:
            case "reset_after":
                _reset(environ)
            case "status_after":
                response = _make_response(fault, response)
            case "slow":
                body = response.get_data()
                response.response = self._send_slowly(fault, body)
            case _:
                body = response.get_data()
                size = len(body) // 2 if fault.size is None else fault.size
                response.response = _cut(body[:size], environ)
        return response(environ, start_response)

    def _send_slowly(self, fault: Fault, body: bytes) -> Iterator[bytes]:
        size = fault.size or len(body) or 1
        for start in range(0, max(len(body), 1), size):
            self.faults.pause(fault.seconds)
            yield body[start : start + size]


def _make_response(fault: Fault, response: Response) -> Response:
    """Return a response with the status and the body of a fault."""
    headers = {"content-type": "application/json", **fault.headers}
    if callable(fault.body):
        body = fault.body(response.get_data())
        return Response(body, response.status_code, headers)
    text = json.dumps({"detail": f"A fault of the emulator: {fault.status}"})
    body = text if fault.body is None else fault.body
    return Response(body, fault.status, headers)


def _cut(part: bytes, environ: WSGIEnvironment) -> Iterator[bytes]:
    yield part
    _reset(environ)


def _reset(environ: WSGIEnvironment) -> NoReturn:
    """Reset the connection of a request.

    Raises:
        ConnectionResetError: The server closes the socket then, which sends the reset.
        httpx.ReadError: The client is in this process.
    """
    connection = environ.get(SOCKET)
    if connection is None:
        raise httpx.ReadError("the emulator reset the connection")
    # Without lingering, closing sends a reset.
    lingering = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
    raise ConnectionResetError
