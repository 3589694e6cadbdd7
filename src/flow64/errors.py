"""Every exception that flow64 raises on purpose, in one tree under `FlowError`.

There is one class for each thing that a caller handles differently. An error holds
facts, and its words stand where it is raised. Mistakes in a workflow are findings, and
come together in a `CompileError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import UnionType

from .diagnostics import Finding, as_text, summary
from .secrets import mask
from .text import printable, shortened


class FlowError(Exception):
    """Anything that flow64 raises on purpose.

    Facts that callers read are class attributes with a default; they are set by
    keyword, so that an error can be pickled.

    Attributes:
        message: What is wrong, and where.
        hint: What to write instead, in Python.
        option: What to write instead on the command line; None if it is `hint`.
        is_usage: Whether a name that was given is wrong, such as that of `--env`.
    """

    message: str = ""
    hint: str = ""
    option: str | None = None
    is_usage: bool = False

    def __init__(self, message: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        for name, fact in facts.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no {name!r}")
            setattr(self, name, fact)

    def __str__(self) -> str:
        return self.message + (f"; {self.hint}" if self.hint else "")

    def __repr__(self) -> str:
        first, *_ = str(self).splitlines() or [""]
        return f"{type(self).__name__}({first!r})"


def list_lines(lines: Iterable[str], *, most: int | None = None) -> str:
    """Return lines for the end of a message, each on a line of its own."""
    texts = [printable(line) for line in lines]
    more = 0 if most is None else len(texts) - most
    if more > 0:
        texts[most:] = [f"and {more} more"]
    return "".join(f"\n  {text}" for text in texts)


# -- Code, settings and texts ----------------------------------------------------------


class ConfigError(FlowError, ValueError):
    """A key, endpoint, setting, store or package is missing or cannot be used.

    No secret is shown.

    Attributes:
        url: The address of the emulator that has a store open, if one has.
    """

    url: str | None = None


class SourceError(FlowError):
    """An address names nothing, or a source cannot be read, pulled or written.

    Attributes:
        finding: The error as a finding of `flow64 check`, if the source exists.
        traceback: That of a module of the user, without the frames of flow64.
    """

    finding: Finding | None = None
    traceback: str = ""


def missing_extra(part: str, extra: str) -> ConfigError:
    """Return the error of a part of flow64 if its packages are not installed."""
    return ConfigError(
        f"{part} needs more packages",
        hint=f"install flow64 again with the extra {extra}, from where it came (in a "
        f"clone: pip install '.[{extra}]')",
    )


class BuildError(FlowError, TypeError):
    """Code calls flow64 with what it cannot take. It is raised where that stands."""


def require_type(what: str, value: object, kind: type | UnionType, hint: str) -> None:
    """Refuse an argument of another type. What looks like a key is not shown.

    Args:
        what: The call and the argument, as in `Workflow: project`.
        hint: What to write instead.

    Raises:
        BuildError: It is of another type.
    """
    if not isinstance(value, kind):
        raise BuildError(f"{what} is {mask(shortened(value))}", hint=hint)


class CompileError(FlowError):
    """A workflow has errors.

    Attributes:
        workflow: Its title.
        findings: All of the errors.
    """

    workflow: str = ""
    findings: Sequence[Finding] = ()


def compile_error(
    workflow: str, findings: Sequence[Finding], width: int | None = None
) -> CompileError:
    """Return the error of a workflow, worded for a terminal of so many columns."""
    text = as_text(findings, width)
    message = f"{workflow!r} has {summary(findings)}\n\n{text}".rstrip()
    return CompileError(message, workflow=workflow, findings=findings)


class ReadError(FlowError, ValueError):
    """A text is not what it should be, or its definition cannot be code.

    Attributes:
        problem: What is wrong, without the place.
        source: The name of the text, for example its file name.
        offset: The place in the text, in bytes or characters.
        line: The line of the place.
        pointer: The JSON pointer of the place.
    """

    problem: str = ""
    source: str = "<text>"
    offset: int | None = None
    line: int | None = None
    pointer: str | None = None


def read_error(
    problem: str,
    source: str = "<text>",
    offset: int | None = None,
    line: int | None = None,
    pointer: str | None = None,
) -> ReadError:
    """Return the error of a text, with its place in the message."""
    place = source + (f":{line}" if line is not None else "")
    place += f" (offset {offset})" if offset is not None else ""
    place += f" at {pointer or '/'}" if pointer is not None else ""
    return ReadError(
        printable(f"{place}: {problem}"),
        problem=problem,
        source=source,
        offset=offset,
        line=line,
        pointer=pointer,
    )


# -- Calls -----------------------------------------------------------------------------


class OutcomeUnknownError(FlowError):
    """A request may or may not have been carried out. flow64 sends nothing more.

    Attributes:
        candidates: The runs that it may have started.
    """

    candidates: Sequence[str] = ()


def unknown_error(
    what: str, reason: str, candidates: Sequence[str] = ()
) -> OutcomeUnknownError:
    """Return the error of something that may have been done or not.

    Args:
        what: What was asked for.
        reason: Why its outcome is unknown.
        candidates: The runs that may be its run.
    """
    words = f"{what}: outcome unknown ({reason}); nothing more was sent"
    hint, option = "look at it in the web editor before you send it again", None
    if candidates:
        words = f"{words}; it may be {printable(', '.join(candidates))}"
        hint = "if one is yours: attach=ID; else new=True starts another one"
        option = "if one is yours: --attach ID; else --new starts another one"
    return OutcomeUnknownError(words, hint=hint, option=option, candidates=candidates)


class ApiError(FlowError):
    """The service answered a request with an error.

    Attributes:
        status: HTTP status; 403 if the key was accepted, but may not do this.
        method: HTTP method.
        path: Path of the request, without its query.
        detail: The service's own words, capped.
        fields: `path: message` for each field the service complained about.
        request_id: The id that the service or a proxy gave the request, if any.
        wait: Seconds that the service asks to wait before another try.
        attempts: How often it was sent.
        sent: False if it is the answer to the request for a token, so that the request
            itself was not sent.
    """

    status: int = 0
    method: str = ""
    path: str = ""
    detail: str = ""
    fields: Sequence[str] = ()
    request_id: str | None = None
    wait: float | None = None
    attempts: int = 1
    sent: bool = True


class AuthError(ApiError):
    """401: the key or token is missing, wrong or expired."""


class NotFoundError(ApiError):
    """404: not there, or another organisation's; or the endpoint is wrong."""


class ConflictError(ApiError):
    """409: the id is taken, or the key of a start."""


class TransportError(FlowError, ConnectionError):
    """No answer came: refused, reset, or timed out.

    Attributes:
        method: HTTP method.
        path: Path of the request, without its query.
        reason: What went wrong.
        sent: Whether anything may have reached the service.
        attempts: How often it was tried.
        is_refused: Whether nothing listens at an http endpoint of this machine. It is
            tried only twice.
        is_final: Whether trying again cannot help.
    """

    method: str = ""
    path: str = ""
    reason: str = ""
    sent: bool = True
    attempts: int = 1
    is_refused: bool = False
    is_final: bool = False


class AnswerError(FlowError):
    """An answer is not as documented: it is not JSON, or has another shape."""

    method: str = ""
    path: str = ""
    attempts: int = 1
    is_final: bool = False


# -- Deploys ---------------------------------------------------------------------------


class DeployError(FlowError):
    """A deploy was refused or failed. Its message says whether anything was written.

    Attributes:
        names: The values that are missing, if that is why.
        differences: What differs from what was written, one line each.
    """

    names: Sequence[str] = ()
    differences: Sequence[str] = ()


class ConsentError(DeployError):
    """Something more has to be agreed to. Nothing was written.

    Attributes:
        problems: One line for each workflow and reason.
    """

    problems: Sequence[str] = ()


class StalePlanError(DeployError):
    """A plan is not applied: code or service have changed, or a file is not a plan.

    Nothing more was written.

    Attributes:
        event: The change of a workflow: `edited`, `deleted` or `created`.
        edits: The changes since the plan was made, one line each.
    """

    event: str = ""
    edits: Sequence[str] = ()


# -- Runs, rows and webhooks -----------------------------------------------------------


class RunError(FlowError):
    """A run was refused, and nothing was sent."""


class BudgetError(RunError):
    """A run may exceed its limits.

    Attributes:
        rows: Rows that it would start with; None if unknown.
        dollars: Maximum cost of the blocks with a known price.
        unpriced: The kinds to write a price for, so that the limit can be held.
    """

    rows: int | None = None
    dollars: float = 0.0
    unpriced: Sequence[str] = ()


class IntentError(RunError):
    """An intent has other rows in the journal, or `retry` or `attach` names no run.

    Attributes:
        run_id: The run of the journal, or the one that was named, if known.
    """

    run_id: str | None = None


class NoNewRowsError(RunError):
    """No row is new: runs since `new_since` had them all. Nothing was started.

    Attributes:
        count: How many rows there are.
    """

    count: int = 0


class RowsError(FlowError, ValueError):
    """Rows cannot be sent, typed or saved. Nothing was sent, and no file was changed.

    Attributes:
        problems: What is wrong with them, one line each.
    """

    problems: Sequence[str] = ()


class RunFailedError(FlowError):
    """A run ended as `failed`, `cancelled`, `timeout` or `terminated`.

    Attributes:
        is_earlier: True if it was started before the call that raises this. Then this
            call has sent nothing.
    """

    run_id: str = ""
    status: str = ""
    reason: str | None = None
    is_earlier: bool = False


class WaitTimeoutError(FlowError, TimeoutError):
    """A run had not ended when the time for waiting was over. It goes on."""

    run_id: str = ""
    status: str = ""


class ResultError(FlowError, ValueError):
    """A run has no such result file, or it is cut off, or not what its name says.

    Attributes:
        line: The line, from 1, if known.
    """

    line: int | None = None


class WebhookError(FlowError):
    """A delivery is not proven to be recent and from the service, or holds no event.

    Answer it with 400.
    """
