"""The answers of the service: typed, or errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, get_origin

import attrs
import cattrs
import httpx
from attrs import field, frozen

from .. import errors
from ..definition import JSON_TYPE_NAMES, Definition, load_json, name_json_type, pointer
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
) -> errors.ApiError:
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
    error = _KINDS.get(status, errors.ApiError)(
        f"{words}{errors.list_lines(fields)}",
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

_KINDS: Final[Mapping[int, type[errors.ApiError]]] = {
    401: errors.AuthError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
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
) -> errors.TransportError:
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
    return errors.TransportError(
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
) -> errors.AnswerError:
    """Return the error of an answer that is not as documented."""
    return errors.AnswerError(
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


# -- The answers ----------------------------------------------------------------------


@frozen
class WorkflowInfo(Answered):
    """A workflow as the service describes it.

    Attributes:
        description: Its description, with the stamp of a deploy.
        status: A word for its state. The documents disagree on the words.
        org_id: The organisation that it belongs to.
        updated_at: A time in the service's format.
        workflow_definition: Its definition as data; None in lists, which leave it out.
        definition: The same, read. Its texts are as they are live, secrets too.
    """

    id: str
    name: str = ""
    description: str = ""
    status: str = ""
    org_id: str | None = None
    updated_at: str | None = None
    workflow_definition: Mapping[str, Any] | None = field(default=None, repr=False)
    definition: Definition | None = field(default=None, repr=False, init=False)


@frozen
class Started(Answered):
    """Answer to the start of a run.

    Attributes:
        status: Its status, usually `queued`.
        already_started: True if it was started before under the same Idempotency-Key.
    """

    job_id: str
    status: str = ""
    already_started: bool = False


@frozen
class RunEntry(Answered):
    """A run in the list of runs.

    Attributes:
        status: Its status, as the service spells it.
        status_reason: Why it has this status.
        queued_at: Times are in the service's format.
        workflow_name: Title of its workflow when it was started.
    """

    job_id: str
    workflow_id: str = ""
    status: str = ""
    status_reason: str | None = None
    error_message: str | None = None
    queued_at: str | None = None
    workflow_name: str = ""
    created_at: str | None = None


@frozen
class BlockStatus(Answered):
    """The state of a block in a run.

    Attributes:
        block_name: Its kind.
        sequence_number: Its number in the definition.
        status: `pending`, `running`, `completed`, `failed`, or an undocumented word.
        processed_count: Rows that it has processed.
        total_count: Rows to process, as far as known.
        progress_percentage: From 0 to 100, as the service says.
        metrics: `row_count`, `dataframe_type`, and other counts of the service.
    """

    block_name: str = ""
    sequence_number: int = 0
    status: str = ""
    processed_count: int = 0
    total_count: int = 0
    progress_percentage: float = 0.0
    error_message: str | None = None
    metrics: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def returned_rows(self) -> int | None:
        """The rows that it returned; None if that is not known."""
        count = (self.metrics or {}).get("row_count")
        if isinstance(count, int) and not isinstance(count, bool):
            return count
        return self.processed_count if self.processed_count > 0 else None


@frozen
class LiveStatus(Answered):
    """The state of a run.

    Attributes:
        overall_status: Its status, as the service spells it.
    """

    overall_status: str
    run_id: str = ""
    workflow_id: str = ""
    blocks: Sequence[BlockStatus] = ()


@frozen
class ResultItem(Answered):
    """A result file of a run, one for each stage that saved something.

    Attributes:
        block_number: Number of the block that wrote it. The final file has the highest.
        file_size: Its size in bytes, uncompressed.
        message: An error or a remark of the service.
        download_url: A signed link that expires after 15 minutes; None if signing
            failed.
        results: The rows themselves, if the file is small.
    """

    filename: str = ""
    block_number: int | None = None
    row_count: int = 0
    file_size: int | None = None
    content_type: str | None = None
    message: str | None = None
    download_url: str | None = field(default=None, repr=False)
    results: Sequence[Mapping[str, Any]] | None = field(default=None, repr=False)

    @property
    def is_whole(self) -> bool:
        """True if all of its rows are in `results`."""
        return self.results is not None and len(self.results) >= self.row_count

    @property
    def is_readable(self) -> bool:
        """True if its rows are in `results`, or there is a link."""
        return self.is_whole or self.download_url is not None


@frozen
class Cancelled(Answered):
    """Answer to a cancel, with the status that the run has now."""

    status: str


@frozen
class Schedule(Answered):
    """A schedule, by which the service runs a workflow.

    Attributes:
        cron_expression: Five fields.
        timezone: An IANA name.
        is_active: None if the service does not say.
        description: What it is for. A deploy leaves its stamp there.
    """

    id: str
    workflow_id: str = ""
    name: str = ""
    cron_expression: str = ""
    timezone: str = ""
    is_active: bool | None = None
    description: str = ""


@frozen
class SigningSecret(Answered):
    """The facts that may be known of the secret that deliveries are signed with.

    Attributes:
        preview: Its beginning and its last four characters.
        status: A word for its state.
    """

    id: str = ""
    preview: str = ""
    status: str = ""


@frozen
class NewSigningSecret(Answered):
    """A secret that was just made.

    Attributes:
        plaintext: The secret itself. It is shown only this once, so store it safely. No
            repr shows it.
        meta: What may be known of it later.
    """

    plaintext: str = field(repr=False)
    meta: SigningSecret = field(factory=SigningSecret)


@frozen
class Balance(Answered):
    """The credits that are left.

    Attributes:
        credits: One credit is ten US cents (inferred).
    """

    credits: float
