"""Every exception that flow64 raises on purpose, in one tree under `FlowError`.

An error holds the facts of what went wrong and words them once, ending with the way
out. Mistakes inside a pipeline are findings and come together, in a `CompileError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from attrs import field, frozen

from .diagnostics import Finding, as_text, printable, summary


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` where one of the known words is close, else nothing."""
    if len(word) > _LONGEST_WORD:
        return ""
    options = sorted(option for option in known if len(option) <= _LONGEST_WORD)
    close = get_close_matches(word, options, n=1, cutoff=0.6)
    if not close:
        folded = {option.casefold(): option for option in options}
        close = [folded[word.casefold()]] if word.casefold() in folded else []
    return f" (did you mean {close[0]!r}?)" if close else ""


_LONGEST_WORD = 200  # a longer one is no slip of another, and slow to compare


def shortened(value: object, limit: int = 60) -> str:
    """The repr of a value on one line, without addresses, cut with an ellipsis."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - what we say of a value works whatever it does
        return f"<{type(value).__name__}>"
    text = printable(_ADDRESS.sub("", text))
    return text if len(text) <= limit else text[: limit - 1] + "…"


_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class FlowError(Exception):
    """Anything that flow64 raises on purpose."""

    def __repr__(self) -> str:
        first, *_ = str(self).splitlines() or [""]
        return f"{type(self).__name__}({first!r})"


# -- Building -------------------------------------------------------------------------


@frozen(repr=False)
class ArgumentError(FlowError, TypeError):
    """A call has an argument that does not exist, or lacks one that is needed."""

    callee: str
    problem: str
    names: Sequence[str] = ()

    def __str__(self) -> str:
        known = f"; it takes {', '.join(self.names)}" if self.names else ""
        return f"{self.callee}: {self.problem}{known}"


@frozen(repr=False)
class JoinError(FlowError, TypeError):
    """Something that is no flow stands beside `>>`."""

    other: object = None

    advice = "put a block, a flow, or a list of them there"

    def __str__(self) -> str:
        return f"{shortened(self.other)} cannot be joined with >>: {self.advice}"


class JoinedStringError(JoinError):
    """A string stands beside `>>`."""

    advice = (
        "a string names nothing here; put the block itself, "
        'or RawBlock("new_kind", specs={...}) for a kind the catalogue does not know'
    )


class JoinedNoneError(JoinError):
    """None stands beside `>>`."""

    advice = (
        "a function that should return a flow may lack its return; "
        "for a step that is sometimes left out, write include_if(flag, step)"
    )


class JoinedSetError(JoinError):
    """A set stands beside `>>`."""

    advice = "a set has no order; write a list: a >> [b, c]"


class JoinedMappingError(JoinError):
    """A mapping stands beside `>>`."""

    advice = "write a list of its flows: a >> list(flows.values())"


class JoinedGeneratorError(JoinError):
    """A generator stands beside `>>`."""

    advice = "a generator can be read only once; write a list: a >> [f(x) for x in xs]"


class JoinedClassError(JoinError):
    """A class stands beside `>>`, where one of its objects is meant."""

    def __str__(self) -> str:
        name = getattr(self.other, "__name__", "Block")
        return f"{name} is a class: call it, as in >> {name}(...)"


class JoinedFunctionError(JoinError):
    """A function stands beside `>>`, where the flow it returns is meant."""

    def __str__(self) -> str:
        name = getattr(self.other, "__name__", "fragment")
        return f"{name} is a function that was not called: write >> {name}()"


class JoinedWorkflowError(JoinError):
    """A workflow stands beside `>>`."""

    def __str__(self) -> str:
        return (
            f"{shortened(self.other)} is a whole workflow and no part of another: let "
            "a function return the flow, and use that function in both"
        )


class UnfinishedFilterError(JoinError):
    """`Filter.where("column")` stands where a filter is meant."""

    def __str__(self) -> str:
        return (
            f"{shortened(self.other)} waits for its operator: write for example "
            f'{shortened(self.other)}.equals("OK")'
        )


class EmptyListError(JoinError):
    """An empty list stands beside `>>`."""

    def __str__(self) -> str:
        return (
            "an empty list joins nothing: leave the step out, "
            "or write include_if(flag, step) for a step that is sometimes left out"
        )


class ComparisonError(FlowError, TypeError):
    """Flows were compared with `>`, `<`, `>=` or `<=`."""

    def __str__(self) -> str:
        return (
            "flows are joined with >> and cannot be compared: write a >> b, not a > b"
        )


class TruthError(FlowError, TypeError):
    """A flow was used as a truth value, as in `a >> b and c`."""

    def __str__(self) -> str:
        return (
            "a flow is neither true nor false: `a >> b and c` drops a >> b; write "
            "a >> [b, c] for both, `is None` to test, or include_if(flag, b) to choose"
        )


@frozen(repr=False)
class ValueInTextError(FlowError, TypeError):
    """A value that differs by environment was put into a text."""

    name: str

    def __str__(self) -> str:
        return (
            f"value({self.name!r}) stands for a whole value and cannot be part of a "
            "text: let the environment fill in the whole text"
        )


@frozen(repr=False)
class ReturnsError(FlowError, TypeError):
    """A class under `@returns` has annotations that say no type the service knows."""

    owner: str
    problems: Sequence[str]

    def __str__(self) -> str:
        return (
            f"@returns {self.owner}: {'; '.join(self.problems)}; write for example "
            'title: Annotated[str | None, "Current job title"], '
            "with str, int, float, bool, dict, list, or list[str|int|float|bool]"
        )


@frozen(repr=False)
class VariantError(FlowError, ValueError):
    """Variants that cannot be told apart, or that name nothing."""

    problem: str

    def __str__(self) -> str:
        return self.problem


@frozen(repr=False)
class CompileError(FlowError):
    """A workflow has findings of severity error; all of them are in `findings`."""

    workflow: str
    findings: Sequence[Finding]

    def __str__(self) -> str:
        found = summary(self.findings)
        return f"{self.workflow!r} has {found}\n\n{as_text(self.findings)}".rstrip()


# -- Reading --------------------------------------------------------------------------


@frozen(repr=False)
class ReadError(FlowError, ValueError):
    """A text is no workflow definition; `offset` counts bytes or characters from 0."""

    problem: str
    source: str = "<text>"
    offset: int | None = None
    line: int | None = None
    pointer: str | None = None

    def __str__(self) -> str:
        place = printable(self.source)
        if self.line is not None:
            place += f":{self.line}"
        if self.offset is not None:
            place += f" (offset {self.offset})"
        if self.pointer is not None:
            place += f" at {printable(self.pointer) or '/'}"
        return f"{place}: {printable(self.problem)}"


# -- Configuration, deploying, running ------------------------------------------------


@frozen(repr=False)
class ConfigError(FlowError, ValueError):
    """A key, endpoint or setting is missing or cannot be used. It is never shown."""

    problem: str

    def __str__(self) -> str:
        return self.problem


@frozen(repr=False)
class MissingExtraError(FlowError, ImportError):
    """A part of flow64 needs packages that are not installed."""

    part: str
    extra: str

    def __str__(self) -> str:
        return f"{self.part} needs more packages: pip install 'flow64[{self.extra}]'"


@frozen(repr=False)
class EmulatorStoreError(FlowError):
    """The file in which an emulator remembers cannot be used, or not any more."""

    path: str
    problem: str
    advice: str = "name another file"

    def __str__(self) -> str:
        return f"the emulator's store {self.path}: {self.problem}; {self.advice}"


class DeployError(FlowError):
    """A deploy was refused before anything was written."""


@frozen(repr=False)
class LocalNamespaceError(DeployError):
    """A workflow without a project would get an id that others may share."""

    workflow: str
    endpoint: str

    def __str__(self) -> str:
        return (
            f"{self.workflow!r} has no project: anybody who uses its key without one "
            f"gets the same id, so it is not deployed to {self.endpoint}; name what is "
            'yours: Workflow(..., project=Project("growth", '
            'namespace="your-domain.example"))'
        )


@frozen(repr=False)
class UnboundValueError(DeployError):
    """A workflow has values that this environment does not fill in."""

    workflow: str
    env: str
    names: Sequence[str]

    def __str__(self) -> str:
        table = ", ".join(f'"{name}": ...' for name in self.names)
        return (
            f"{self.workflow!r} needs values that environment {self.env!r} does not "
            f"give: {', '.join(self.names)}; pass values={{{table}}}"
        )


@frozen(repr=False)
class StateRefusedError(DeployError):
    """What is deployed is not what this code deployed last, so nothing was written.

    `state` is `foreign`, `drifted` or `conflict`; `changes` says what differs.
    """

    workflow: str
    workflow_id: str
    state: str
    changes: Sequence[str] = ()

    def __str__(self) -> str:
        why = {
            "foreign": "was not deployed by this code (it carries no stamp of ours)",
            "drifted": "was edited on the service since it was deployed",
            "conflict": "was edited on the service, and the code has changed as well",
        }[self.state]
        listed = "".join(f"\n  {printable(change)}" for change in self.changes)
        return (
            f"{self.workflow!r} ({self.workflow_id}) {why}; nothing was written. "
            f"Take the edit into the code, or overwrite it: deploy(force=True){listed}"
        )


@frozen(repr=False)
class ConsentError(DeployError):
    """A deploy may spend credits when it is written, and nobody agreed to that."""

    workflow: str
    reasons: Sequence[str]

    def __str__(self) -> str:
        return (
            f"deploying {self.workflow!r} may spend credits at once: "
            f"{'; '.join(self.reasons)}; if that is meant: deploy(allow_spend=True)"
        )


@frozen(repr=False)
class VerificationError(DeployError):
    """The service accepted a write and then showed something else."""

    workflow: str
    workflow_id: str
    differences: Sequence[str]

    def __str__(self) -> str:
        listed = "".join(f"\n  {printable(line)}" for line in self.differences)
        return (
            f"{self.workflow!r} ({self.workflow_id}) was written, but reading it back "
            f"shows something else; deploy again or look at it in the editor:{listed}"
        )


class RunError(FlowError):
    """A run was refused, or ended without its results."""


@frozen(repr=False)
class RowsError(RunError, ValueError):
    """The rows given to a run cannot be sent; nothing was sent."""

    problems: Sequence[str]

    def __str__(self) -> str:
        listed = "".join(f"\n  {printable(problem)}" for problem in self.problems[:20])
        more = len(self.problems) - 20
        return f"these rows cannot be sent:{listed}" + (
            f"\n  and {more} more" if more > 0 else ""
        )


@frozen(repr=False)
class StaleDeploymentError(RunError):
    """What is deployed is not this code, so running it would buy something else."""

    workflow: str
    workflow_id: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.workflow!r} ({self.workflow_id}) is not what this code says: "
            f"{self.reason}; deploy() first, or run what is there: run(..., stale=True)"
        )


@frozen(repr=False)
class AmbiguousRowsError(RunError):
    """A workflow ends in several blocks, so its run has no one final file."""

    run_id: str
    ends: Sequence[str]

    def __str__(self) -> str:
        ends = ", ".join(self.ends)
        return (
            f"run {self.run_id} ends in several blocks: {printable(ends)}; say whose "
            f"rows are wanted: run.rows(Person, block={self.ends[-1]!r})"
        )


@frozen(repr=False)
class RunFailedError(RunError):
    """A run ended as `failed`, `cancelled`, `timeout` or `terminated`."""

    run_id: str
    status: str
    reason: str | None = None

    def __str__(self) -> str:
        why = f": {printable(self.reason)}" if self.reason else ""
        return (
            f"run {self.run_id} ended as {self.status}{why}; rows that were processed "
            "before that may have been charged"
        )


@frozen(repr=False)
class IntentFailedError(RunError):
    """The run of this intent ended without success; it is not repeated by itself."""

    run_id: str
    status: str
    intent: str

    def __str__(self) -> str:
        return (
            f"the run of intent {self.intent!r} is {self.run_id}, which ended as "
            f"{self.status} and may have charged for rows; it is not repeated by "
            "itself: run again under another intent to pay for it again"
        )


@frozen(repr=False)
class OutcomeUnknownError(FlowError):
    """A request may or may not have been carried out; nothing was sent again."""

    what: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.what}: outcome unknown ({self.reason}); nothing was sent again, so "
            "look at it in the web editor before you do"
        )


@frozen(repr=False)
class WaitTimeoutError(RunError):
    """A run had not ended when the time given for waiting was over; it goes on."""

    run_id: str
    status: str
    seconds: float

    def __str__(self) -> str:
        return (
            f"run {self.run_id} is still {self.status} after {self.seconds:g} s; it "
            "goes on and was not cancelled: wait again with run.wait()"
        )


@frozen(repr=False)
class ApiError(FlowError):
    """The service answered a request with an error.

    Attributes:
        status: HTTP status.
        method: HTTP method.
        path: Path of the request, without its query.
        message: The service's own words, capped.
        fields: `path: message` for each field the service complained about.
    """

    status: int
    method: str
    path: str
    message: str
    fields: Sequence[str] = ()
    headers: Mapping[str, str] = field(factory=dict)

    hint = ""

    def __str__(self) -> str:
        fields = "".join(f"\n  {printable(line)}" for line in self.fields)
        hint = f"; {self.hint}" if self.hint else ""
        return (
            f"{self.method} {self.path} answered {self.status}: "
            f"{printable(self.message)}{hint}{fields}"
        )


class BadRequestError(ApiError):
    """400: refused by the route's rules."""

    hint = "mend what it names; the same request is refused again"


class AuthError(ApiError):
    """401: the key is missing, wrong or expired."""

    hint = "check SIXTYFOUR_API_KEY; it is sent as x-api-key"


class PaymentError(ApiError):
    """402: too few credits or no subscription."""

    hint = "add credits before you try again"


class ForbiddenError(ApiError):
    """403: organisation locked, tier not in the plan, or another organisation's."""

    hint = "the key was accepted, but may not do this"


class NotFoundError(ApiError):
    """404: not there, or another organisation's."""

    hint = "check the id, and whose key it is"


class ConflictError(ApiError):
    """409: the id is taken."""

    hint = "look at what has the id before you try again"


class UnprocessableError(ApiError):
    """422: the body does not fit the schema, or the graph is invalid."""

    hint = "mend what it names; the same request is refused again"


class RateLimitedError(ApiError):
    """429: too many requests (500 a minute and key are documented)."""

    hint = "wait a minute before you try again"


class ServerError(ApiError):
    """5xx: the service failed."""

    hint = "try again later"


@frozen(repr=False)
class TransportError(FlowError):
    """No answer came: refused, reset, or timed out."""

    method: str
    path: str
    reason: str
    sent: bool = True

    def __str__(self) -> str:
        if not self.sent:
            advice = "nothing was sent: check the network and SIXTYFOUR_API_ENDPOINT"
        elif self.method == "GET":
            advice = "it changes nothing, so try again"
        else:
            advice = "it may have arrived, so look before you send it again"
        return f"{self.method} {self.path}: {self.reason}; {advice}"


@frozen(repr=False)
class AnswerError(FlowError):
    """An answer is not what the API documents: no JSON, or of another shape."""

    method: str
    path: str
    problem: str

    def __str__(self) -> str:
        return (
            f"{self.method} {self.path} answered something unexpected: {self.problem}; "
            "check that SIXTYFOUR_API_ENDPOINT is the service"
        )


API_ERRORS: Mapping[int, type[ApiError]] = {
    400: BadRequestError,
    401: AuthError,
    402: PaymentError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableError,
    429: RateLimitedError,
}
"""The exception of each documented status; 5xx is `ServerError`, others `ApiError`."""


def for_status(status: int, **facts: Any) -> ApiError:
    """The error of an HTTP status."""
    kind = API_ERRORS.get(status, ServerError if status >= 500 else ApiError)
    return kind(status, **facts)
