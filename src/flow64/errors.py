"""Every exception that flow64 raises on purpose, in one tree under `FlowError`.

An error holds the facts of what went wrong and words them once, ending with the way
out. Mistakes inside a pipeline are findings and come together, in a `CompileError`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from attrs import frozen

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
    return clipped(_ADDRESS.sub("", text), limit)


def clipped(text: str, limit: int = 60) -> str:
    """A text on one line, what would steer a terminal escaped, cut with an ellipsis."""
    text = printable(text)
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


@frozen(repr=False)
class StaleChangesError(FlowError, ValueError):
    """Changes were to be made to a definition that they were not found in."""

    block_id: str

    def __str__(self) -> str:
        return (
            f"the changes speak of the block {shortened(self.block_id)}, which is not "
            "there as they know it; find them anew: apply(diff(before, after), before)"
        )


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

    `state` is `foreign`, `drifted`, `conflict`, `behind` or `absent`; `changes` says
    what differs.
    """

    workflow: str
    workflow_id: str
    state: str
    changes: Sequence[str] = ()

    def __str__(self) -> str:
        why = {
            "absent": "is pinned to a workflow that is not there, or not shown to you",
            "behind": "was deployed by newer code, which yours does not have",
            "foreign": "was not deployed by this code",
            "drifted": "was edited on the service since it was deployed",
            "conflict": "was edited on the service, and the code has changed as well",
        }[self.state]
        if self.state == "absent":
            return (
                f"{self.workflow!r} ({self.workflow_id}) {why}; nothing was written, "
                "since a pin is never created: mend the pin, or the credential"
            )
        way = (
            "Merge that code"
            if self.state == "behind"
            else "Take the edit into the code"
        )
        listed = "".join(f"\n  {printable(change)}" for change in self.changes)
        return (
            f"{self.workflow!r} ({self.workflow_id}) {why}; nothing was written. "
            f"{way}, or overwrite it: deploy(force=True){listed}"
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
        run, intent = f"run {printable(self.run_id)} ended", ""
        if self.intent:
            run = f"the run of intent {self.intent!r} is {self.run_id}, which ended"
            intent = f"intent={self.intent!r}, "
        return (
            f"{run} as {printable(self.status)} and may have charged for rows; it is "
            "not repeated by itself: to start it again, and maybe pay for those rows "
            f"again: run(..., {intent}retry={self.run_id!r})"
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
            f"run {printable(self.run_id)} is still {printable(self.status)} after "
            f"{self.seconds:g} s; it was not cancelled, and {going_on(self.run_id)}"
        )


def going_on(run_id: str) -> str:
    """That a run goes on, and the lines that wait for it again."""
    # Double quotes hold whatever an id may be made of, in Python and in JSON alike.
    line = f"client.runs.get({json.dumps(run_id)}).wait()"
    command = f"flow64 watch {shlex.quote(run_id)}"
    return f"goes on; wait again with {line}, or in a shell: {printable(command)}"


@frozen(repr=False)
class ApiError(FlowError):
    """The service answered a request with an error.

    Attributes:
        status: HTTP status.
        method: HTTP method.
        path: Path of the request, without its query.
        message: The service's own words, capped.
        fields: `path: message` for each field the service complained about.
        request_id: The id that the service or a proxy gave the request, if any.
        wait: Seconds that the service asks to wait before another try, if it does.
        attempts: How often it was sent.
        elapsed: Seconds for all attempts and the waits between them.
    """

    status: int
    method: str
    path: str
    message: str
    fields: Sequence[str] = ()
    request_id: str | None = None
    wait: float | None = None
    attempts: int = 1
    elapsed: float = 0.0

    hint = ""

    def __str__(self) -> str:
        return self.told(self.hint)

    def told(self, hint: str) -> str:
        """The error in words, with another way out than `hint`."""
        fields = "".join(f"\n  {printable(line)}" for line in self.fields)
        hint = f"; {hint}" if hint else ""
        wait = f"; it asks to wait {self.wait:g} s" if self.wait else ""
        request = f" (request {printable(self.request_id)})" if self.request_id else ""
        return (
            f"{self.method} {self.path} answered {self.status}{_tries(self)}: "
            f"{printable(self.message)}{request}{wait}{hint}{fields}"
        )


class BadRequestError(ApiError):
    """400: refused by the route's rules."""

    hint = "mend what it names; the same request is refused again"


class AuthError(ApiError):
    """401: the key or token is missing, wrong or expired."""

    hint = "check the credential: SIXTYFOUR_API_KEY, or the OAuth client"


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
class NoAnswerError(FlowError):
    """What a transport raises where no answer comes.

    Attributes:
        reason: In a few words, without address or header.
        sent: Whether anything may have reached the service.
    """

    reason: str
    sent: bool = True

    def __str__(self) -> str:
        return f"no answer: {self.reason}" + ("" if self.sent else "; nothing was sent")


@frozen(repr=False)
class LinkRefusedError(FlowError):
    """A signed link was not opened, for where it leads; `host` is all that is shown."""

    host: str

    def __str__(self) -> str:
        return (
            f"a result link to {printable(self.host)} was not opened: it is no plain "
            "https address, or leads to none of the hosts that are allowed"
        )


@frozen(repr=False)
class TokenError(FlowError):
    """No access token could be had, so nothing else was sent.

    Attributes:
        problem: What went wrong, without anything secret.
        may_pass: Whether trying again later may help.
    """

    problem: str
    may_pass: bool = False

    def __str__(self) -> str:
        return f"no access token: {printable(self.problem)}"


@frozen(repr=False)
class TransportError(FlowError):
    """No answer came: refused, reset, or timed out.

    Attributes:
        method: HTTP method.
        path: Path of the request, without its query.
        reason: What went wrong.
        sent: Whether anything may have reached the service.
        attempts: How often it was tried.
        elapsed: Seconds for all attempts and the waits between them.
    """

    method: str
    path: str
    reason: str
    sent: bool = True
    attempts: int = 1
    elapsed: float = 0.0

    def __str__(self) -> str:
        return self.told("SIXTYFOUR_API_ENDPOINT")

    def told(self, source: str) -> str:
        """The error in words, with what the endpoint comes from."""
        if not self.sent:
            advice = f"nothing was sent: check the network and {source}"
        elif self.method == "GET":
            advice = "it changes nothing, so try again"
        else:
            advice = "it may have arrived, so look before you send it again"
        return f"{self.method} {self.path}{_tries(self)}: {self.reason}; {advice}"


@frozen(repr=False)
class AnswerError(FlowError):
    """An answer is not what the API documents: no JSON, or of another shape."""

    method: str
    path: str
    problem: str
    attempts: int = 1
    elapsed: float = 0.0
    is_final: bool = False

    def __str__(self) -> str:
        return self.told("SIXTYFOUR_API_ENDPOINT")

    def told(self, source: str) -> str:
        """The error in words, with what the endpoint comes from."""
        return (
            f"{self.method} {self.path} answered something unexpected{_tries(self)}: "
            f"{self.problem}; check that {source} is the service"
        )


def _tries(error: ApiError | TransportError | AnswerError) -> str:
    if error.attempts == 1:
        return ""
    return f" ({error.attempts} attempts in {error.elapsed:.3g} s)"


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


# -- Receiving webhooks ---------------------------------------------------------------


class DeliveryError(FlowError):
    """A delivery of the service is not to be handled, or not now."""

    @property
    def answer(self) -> int:
        """The HTTP status to answer with; without a 2xx, it is delivered again."""
        return 400


@frozen(repr=False)
class WebhookError(DeliveryError):
    """Nothing shows that a delivery comes from the service, and just now."""

    problem: str

    def __str__(self) -> str:
        return f"a webhook was not accepted: {self.problem}"


@frozen(repr=False)
class EventError(DeliveryError, ValueError):
    """A delivery of the service has a body that cannot be read."""

    problem: str

    def __str__(self) -> str:
        return (
            f"a signed webhook cannot be read: {self.problem}; keep its raw body to "
            "find out why"
        )


@frozen(repr=False)
class DuplicateEventError(DeliveryError):
    """An event was delivered before; `is_done` says whether it has been handled."""

    key: str
    is_done: bool

    @property
    def answer(self) -> int:
        """200, and 503 while it is not known how the handling of it ends."""
        return 200 if self.is_done else 503

    def __str__(self) -> str:
        if self.is_done:
            return f"event {self.key} was handled before: answer 200, and do no more"
        return (
            f"event {self.key} is being handled: answer 503, so that it comes again "
            "should that fail"
        )


@frozen(repr=False)
class SampleError(FlowError):
    """A sample of a webhook got no answer."""

    target: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.target} did not answer: {printable(self.reason)}; check that your "
            "receiver runs there"
        )


# -- Results --------------------------------------------------------------------------


@frozen(repr=False)
class NoResultError(RunError):
    """A run has no result file, or none of the block whose rows are wanted."""

    run_id: str
    block: str | int | None = None

    def __str__(self) -> str:
        of = "" if self.block is None else f" of block {shortened(self.block)}"
        return (
            f"run {printable(self.run_id)} has no result file{of}; results() lists the "
            "files that there are"
        )


@frozen(repr=False)
class ResultError(RunError, ValueError):
    """A result file is cut off, or is not what its name says.

    Attributes:
        name: Its name, as the service calls it.
        problem: What is wrong.
        line: Where, from 1; None where that is not known.
        offset: Where, from 0: of bytes that are no text in bytes, else in characters.
    """

    name: str
    problem: str
    line: int | None = None
    offset: int | None = None

    def __str__(self) -> str:
        place = f":{self.line}" if self.line is not None else ""
        place += f" (offset {self.offset})" if self.offset is not None else ""
        return (
            f"result {printable(self.name)}{place}: {printable(self.problem)}; "
            "download it again, or look at the file"
        )


@frozen(repr=False)
class SaveError(FlowError):
    """Rows could not be saved; no file was made, and none was changed."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{printable(self.path)} was not written: {printable(self.problem)}"


@frozen(repr=False)
class RowKeyError(RunError, ValueError):
    """Rows cannot be told apart by a column: some lack it, or share a value of it."""

    key: str
    problems: Sequence[str]

    def __str__(self) -> str:
        listed = "".join(f"\n  {printable(problem)}" for problem in self.problems[:20])
        more = len(self.problems) - 20
        return (
            f"rows cannot be told apart by {self.key!r}; name a column that each row "
            f"has, with a value of its own:{listed}"
            + (f"\n  and {more} more" if more > 0 else "")
        )


# -- Starting runs --------------------------------------------------------------------


@frozen(repr=False)
class IntentChangedError(RunError):
    """What is to run is not what the journal remembers under this name.

    Attributes:
        what: The intent, or the run that is to be started again.
        change: What differs.
        run_id: The run that was started then, where that is known.
    """

    what: str
    change: str
    run_id: str | None = None

    def __str__(self) -> str:
        run = f" (run {printable(self.run_id)})" if self.run_id else ""
        return (
            f"{self.what} was started before{run} with {self.change}; nothing was "
            "sent. Give it what it had, or name what is new: run(..., intent=...)"
        )


@frozen(repr=False)
class RetryError(RunError):
    """A run is not to be started again by `retry=`; nothing was sent."""

    run_id: str
    problem: str

    def __str__(self) -> str:
        run_id, problem = printable(self.run_id), printable(self.problem)
        return f"retry={run_id!r}: {problem}"


@frozen(repr=False)
class JournalError(RunError):
    """The file that remembers runs cannot be used; no run is started without it."""

    path: str
    problem: str

    def __str__(self) -> str:
        return (
            f"the journal of runs {printable(self.path)}: {printable(self.problem)}; "
            "mend that, or name another file with journal= or FLOW64_JOURNAL "
            "(journal=None remembers nothing, so a start that is cut off may be paid "
            "twice)"
        )


@frozen(repr=False)
class BudgetError(RunError):
    """A run is not certain to stay within its limits; nothing was sent.

    Attributes:
        workflow: Title of the workflow.
        problems: Which limit is exceeded, or why that cannot be known.
        rows: Rows that it would start with; None where nobody knows.
        dollars: What blocks with a documented price may cost for them.
        unpriced: What `dollars` leaves out, and why.
        may_allow: Whether a limit cannot be held, which may be accepted.
    """

    workflow: str
    problems: Sequence[str]
    rows: int | None
    dollars: float
    unpriced: Sequence[str] = ()
    may_allow: bool = False

    def __str__(self) -> str:
        way = "; allow_unpriced=True accepts that" if self.may_allow else ""
        return self.told(way)

    def told(self, way: str) -> str:
        """The error in words, with a way out; what is unknown is never told as zero."""
        problems = "; ".join(self.problems)
        return f"{self.workflow!r} was not run: {problems}{way}. {self._facts()}"

    def _facts(self) -> str:
        rows = "an unknown number of" if self.rows is None else f"{self.rows:,}"
        start = f"It would start with {rows} rows"
        priced = f"${self.dollars:,.2f} by documented prices, an estimate and no quote"
        if not self.unpriced:
            return f"{start} and may cost {priced}"
        left_out = "".join(f"\n  not counted: {item}" for item in self.unpriced)
        known = f": {priced}, and more" if self.dollars else ""
        return f"{start}, and what it may cost is unknown{known}{left_out}"


@frozen(repr=False)
class BatchesError(RunError):
    """Batches of a larger input have not completed; those that have are not repeated.

    Attributes:
        intent: Name of all of it.
        lines: What became of each batch that has not completed.
        stopped: Why no more was started; empty where all were.
        failed: The same batches as data.
    """

    intent: str
    lines: Sequence[str]
    stopped: str = ""
    failed: Sequence[Any] = ()

    def __str__(self) -> str:
        count = len(self.lines)
        listed = "".join(f"\n  {printable(line)}" for line in self.lines[:20])
        listed += f"\n  and {count - 20} more" if count > 20 else ""
        why = (
            f"; no more was started: {printable(self.stopped)}" if self.stopped else ""
        )
        if not count:
            return (
                f"the batches of intent {self.intent!r} came to an early end{why}. "
                "The same call with the same intent goes on from there"
            )
        batches = "1 batch" if count == 1 else f"{count} batches"
        dear = [b for b in self.failed if getattr(b, "dollars", 0) is not None]
        charged = again = ""
        if dear or not self.failed:
            charged = "; their rows may have been charged"
            again = (
                "; retry_failed=True starts the failed ones again, and pays for their "
                "rows again"
            )
        return (
            f"{batches} of intent {self.intent!r} did not complete{why}{charged}. The "
            "same call with the same intent goes on and buys no finished batch again"
            f"{again}:{listed}"
        )


# -- Environments ---------------------------------------------------------------------


@frozen(repr=False)
class SettingsError(ConfigError):
    """`[tool.flow64]` has mistakes; all of them are in `mistakes`.

    Attributes:
        problem: The file.
        mistakes: What is wrong, one line each, with the line of the file.
    """

    mistakes: Sequence[str] = ()

    def __str__(self) -> str:
        listed = "".join(f"\n  {printable(mistake)}" for mistake in self.mistakes)
        return f"{printable(self.problem)} cannot be used:{listed}"


@frozen(repr=False)
class UnknownEnvironmentError(ConfigError):
    """An environment is named that is not configured, or none where there are several.

    Attributes:
        problem: The name; empty where none was given.
        names: Those that there are.
    """

    names: Sequence[str] = ()

    def __str__(self) -> str:
        names = ", ".join(map(printable, self.names))
        if not self.problem:
            return (
                f"several environments are configured ({names}): say which one is "
                f"meant, as in --env {printable(self.names[0])}"
            )
        near = did_you_mean(self.problem, self.names)
        return f"there is no environment {self.problem!r}{near}; there are {names}"


@frozen(repr=False)
class OrganisationError(FlowError):
    """A credential belongs to another organisation than the environment says.

    Attributes:
        env: The environment.
        expected: Its `org_id`.
        found: What the service said.
        what: The request whose answer said so.
    """

    env: str
    expected: str
    found: str
    what: str

    def __str__(self) -> str:
        return (
            f"{self.what} answered for organisation {shortened(self.found)}, and "
            f"environment {self.env!r} has org_id = {shortened(self.expected)}: no "
            "more was sent; use the key of that organisation, or mend org_id"
        )


# -- Plan and apply -------------------------------------------------------------------


@frozen(repr=False)
class HistoryError(DeployError):
    """The history cannot be read, or cannot be written: no save, no write.

    Attributes:
        path: The folder or the file.
        problem: What is the matter with it, and the way out.
    """

    path: str
    problem: str

    def __str__(self) -> str:
        return f"the history {printable(self.path)}: {printable(self.problem)}"


@frozen(repr=False)
class PlanRefusedError(DeployError):
    """A plan needs more than was agreed to, so nothing was written.

    Attributes:
        problems: What is missing, one line for each workflow and reason.
    """

    problems: Sequence[str]

    def __str__(self) -> str:
        listed = "".join(f"\n  {printable(problem)}" for problem in self.problems)
        return f"the plan was refused, and nothing was written:{listed}"


@frozen(repr=False)
class PruneError(DeployError):
    """Workflows that code has no more are not deleted.

    Attributes:
        problems: Why, one line each.
        victims: Keys of those that would be deleted.
    """

    problems: Sequence[str]
    victims: Sequence[str] = ()

    def __str__(self) -> str:
        listed = "".join(f"\n  {printable(problem)}" for problem in self.problems)
        keys = ", ".join(printable(key) for key in self.victims) or "anything"
        return f"prune was refused, and did not delete {keys}:{listed}"


@frozen(repr=False)
class StalePlanError(DeployError):
    """Something that a plan would write to is no more as it was when it was planned.

    Attributes:
        workflow: Key of the workflow.
        workflow_id: Its id.
        event: What became of it: `edited`, `deleted`, `created`, or what else.
        edits: What somebody did since the plan was made.
        changes: What the plan would have changed.
        others: Keys of further workflows that it is so with.
    """

    workflow: str
    workflow_id: str
    event: str
    edits: Sequence[str] = ()
    changes: Sequence[str] = ()
    others: Sequence[str] = ()

    def __str__(self) -> str:
        name = shlex.quote(printable(self.workflow))
        theirs = "".join(f"\n    {printable(line)}" for line in self.edits)
        ours = "".join(f"\n    {printable(line)}" for line in self.changes)
        more = ", ".join(printable(key) for key in self.others)
        return (
            f"{self.workflow!r} ({self.workflow_id}) was {self.event} since the plan "
            "was made; it was not written. Make a new plan, and then take their edit "
            f"into the code, overwrite it with --force {name}, or leave it with "
            "--skip-drifted"
            + (f"\n  their edit:{theirs}" if theirs else "")
            + (f"\n  our change:{ours}" if ours else "")
            + (f"\n  also changed since: {more}" if more else "")
        )


@frozen(repr=False)
class SavedPlanError(DeployError):
    """A saved plan is not applied, or a plan is not saved; nothing was written.

    Attributes:
        path: Its file.
        problem: Why.
        is_new: Whether it was to be saved there.
    """

    path: str
    problem: str
    is_new: bool = False

    def __str__(self) -> str:
        if self.is_new:
            return (
                f"the plan was not saved in {printable(self.path)}: "
                f"{printable(self.problem)}; name another file"
            )
        return (
            f"the plan {printable(self.path)} is not applied: "
            f"{printable(self.problem)}; make a new one: flow64 plan SOURCE -o FILE"
        )


# -- Manifests and pulls --------------------------------------------------------------


@frozen(repr=False)
class ManifestError(FlowError, ValueError):
    """A folder of JSON, or its manifest `flow64.json`, cannot be used as it is.

    Attributes:
        path: The file.
        problem: What is the matter, and the way out.
        pointer: Where in the file, as a JSON pointer.
    """

    path: str
    problem: str
    pointer: str | None = None

    def __str__(self) -> str:
        place = printable(self.path)
        if self.pointer is not None:
            place += f" at {printable(self.pointer) or '/'}"
        return f"{place}: {printable(self.problem)}"


@frozen(repr=False)
class PullError(FlowError):
    """A workflow cannot be pulled; no file was written.

    Attributes:
        wanted: What was asked for, an id or a key.
        problem: Why it was not pulled, and the way out.
    """

    wanted: str
    problem: str

    def __str__(self) -> str:
        return f"{printable(self.wanted)} was not pulled: {printable(self.problem)}"


# -- Code -----------------------------------------------------------------------------


@frozen(repr=False)
class CannotLiftError(FlowError, ValueError):
    """A definition says what flow64 code cannot say.

    Attributes:
        workflow: The workflow's title.
        problems: What it is, each in words.
    """

    workflow: str
    problems: Sequence[str]

    def __str__(self) -> str:
        shown = "; ".join(printable(problem) for problem in self.problems[:_MOST_SHOWN])
        more = len(self.problems) - _MOST_SHOWN
        rest = f"; and {more} more" if more > 0 else ""
        return (
            f"{shortened(self.workflow)} cannot be written as flow64 code: "
            f"{shown}{rest}; mend that, or keep it as JSON"
        )


_MOST_SHOWN = 5


@frozen(repr=False)
class UnsafeCodeError(FlowError, ValueError):
    """Python source holds what no code of a workflow needs; it was not given out.

    Attributes:
        problem: What it is.
        line: Where it stands.
    """

    problem: str
    line: int | None = None

    def __str__(self) -> str:
        where = "" if self.line is None else f" in line {self.line}"
        return (
            f"the source that was made{where} holds {self.problem}, so it is not given "
            "out; that is a mistake of flow64: please report it, and keep the JSON"
        )
