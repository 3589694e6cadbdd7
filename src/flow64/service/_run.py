"""Runs: started once for each intent, watched until they end, read back as rows."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import Any, Final, TypeVar, overload
from uuid import uuid4
from weakref import finalize

from attrs import define, field, frozen

from ..definition import (
    DEFAULT_ENV,
    Definition,
    Problem,
    digest,
    freeze,
    pointer,
    run_key,
    thaw,
)
from ..diagnostics import printable
from ..errors import (
    AmbiguousRowsError,
    AnswerError,
    ArgumentError,
    FlowError,
    IntentFailedError,
    NotFoundError,
    OutcomeUnknownError,
    RowsError,
    RunFailedError,
    StaleDeploymentError,
    WaitTimeoutError,
    did_you_mean,
    shortened,
)
from ._client import Client
from ._deploy import (
    Deployable,
    Ready,
    prepared,
    require_client,
    require_namespace,
)
from ._rows import Row, rows_of, typed_rows
from ._state import compare
from .api import (
    BlockStatus,
    Conversation,
    LiveStatus,
    ResultItem,
    Sleep,
    cancel_run,
    download,
    download_links,
    get_workflow,
    is_refusal,
    list_runs,
    live_status,
    may_pass,
    start_run,
)

T = TypeVar("T")

ENDED: Final = frozenset({"completed", "failed", "cancelled", "timeout", "terminated"})
"""Words of a run that has ended; every other word means that it goes on."""

LOOKS: Final = (2.0, 4.0)
"""Seconds before each look after a start whose answer was lost."""

DAY: Final = 24 * 3600.0

MINUTE: Final = 60.0
"""Seconds for which a run that was just started may not be visible yet."""

_log = logging.getLogger("flow64")


def run(
    workflow: Deployable,
    rows: Iterable[Mapping[str, Any]],
    client: Client | None = None,
    *,
    env: str = DEFAULT_ENV,
    intent: str | None = None,
    values: Mapping[str, Any] | None = None,
    stale: bool = False,
) -> Run:
    """See `Workflow.run`."""
    if intent is not None and not (isinstance(intent, str) and intent.strip()):
        problem = f"intent is {shortened(intent)}, which names no run"
        raise ArgumentError("run", f'{problem}; write for example intent="2026-11-24"')
    require_client("run", client)
    ready = prepared(workflow, env, values)
    payload = _payload(ready.definition, rows)
    player = client or Client()
    try:
        require_namespace(ready, player)
        starts = _STARTS.setdefault((player.endpoint, ready.id), _Starts())
        with starts.lock:
            talk = starting(ready, payload, intent, stale=stale, ours=starts.runs)
            started = player.play(talk)
            starts.runs.add(started.id)
    except BaseException:
        if client is None:
            player.close()
        raise
    made = Run(
        started.id,
        started.workflow_id,
        player,
        started.is_presumed,
        stages=stages_of(ready.definition),
    )
    if client is None:  # made here, so that nobody else can close it
        finalize(made, player.close)
    return made


@define
class _Starts:
    """Starts of one workflow by this process: one at a time, and which runs they gave.

    So no start takes the run of another for its own.
    """

    lock: Lock = field(factory=Lock)
    runs: set[str] = field(factory=set)


_STARTS: Final[dict[tuple[str, str], _Starts]] = {}


@define
class StartedRun:
    """A run that was started, or found."""

    id: str
    workflow_id: str
    is_presumed: bool = False


def starting(
    ready: Ready,
    payload: Mapping[str, Any],
    intent: str | None,
    *,
    stale: bool,
    ours: AbstractSet[str] = frozenset(),
) -> Conversation[StartedRun]:
    """Start a run once: look, send with a key, and look again if no answer comes.

    Args:
        ready: The workflow.
        payload: The body.
        intent: Name of a run that must happen once; None for a run of its own.
        stale: Run what is deployed even if it is not this code.
        ours: Runs of the workflow that are known to be those of other starts.
    """
    if not stale:
        yield from _require_this_code(ready)
    key = _key(ready, payload, intent)
    known = {entry.job_id for entry in (yield from list_runs(ready.id))} | ours
    is_last = False
    while True:
        try:
            started = yield from start_run(ready.id, payload, key)
        except FlowError as error:
            if is_refusal(error) and not is_last:
                raise
            lost = error
        else:
            if started.already_started or started.job_id in known:
                yield from _require_alive(started.job_id, intent)
            return StartedRun(started.job_id, ready.id)
        found = yield from _new_runs(ready, known, lost)
        if len(found) == 1:
            return StartedRun(found[0], ready.id, is_presumed=True)
        if found or is_last:
            count = f"{len(found)} new runs" if found else "no new run"
            reason = f"{lost}; the list shows {count}"
            raise OutcomeUnknownError(_what(ready), reason) from lost
        is_last = True


def _key(ready: Ready, payload: Mapping[str, Any], intent: str | None) -> str:
    """The Idempotency-Key: that of the intent, or a fresh one."""
    if intent is None:
        return str(uuid4())
    body = digest(payload)
    return str(
        run_key(env=ready.env, workflow_id=ready.id, intent=intent, body_digest=body)
    )


def _what(ready: Ready) -> str:
    return f"starting {ready.name!r} ({ready.id})"


def _new_runs(
    ready: Ready, known: AbstractSet[str], lost: FlowError
) -> Conversation[Sequence[str]]:
    """Runs that were not listed before the start, looked for twice, seconds apart."""
    found: dict[str, None] = {}
    try:
        for wait in LOOKS:
            yield Sleep(wait)
            listed = yield from list_runs(ready.id)
            found |= {entry.job_id: None for entry in listed}
    except FlowError as error:
        reason = f"{lost}; then its runs could not be listed: {error}"
        raise OutcomeUnknownError(_what(ready), reason) from error
    return [run_id for run_id in found if run_id not in known]


def _require_this_code(ready: Ready) -> Conversation[None]:
    live = yield from get_workflow(ready.id)
    found = compare(ready.definition, live, ready.stamp)
    reasons = {
        "absent": "it is not deployed",
        "foreign": "it was not deployed by this code",
        "update": "the code has changed since it was deployed",
        "drifted": "it was edited on the service",
        "conflict": "it was edited on the service, and the code has changed",
    }
    if reason := reasons.get(found.state):
        lines = found.changes if found.state == "update" else found.edits
        shown = f" ({printable('; '.join(lines[:3]))})" if lines else ""
        raise StaleDeploymentError(ready.name, ready.id, reason + shown)


def _require_alive(run_id: str, intent: str | None) -> Conversation[None]:
    status = normal((yield from live_status(run_id)).overall_status)
    if status in ENDED and status != "completed":
        raise IntentFailedError(run_id, status, intent or "")


def _payload(
    definition: Definition, rows: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """The body of a start: rows for a webhook source, an empty list for others."""
    try:
        given = [rows] if isinstance(rows, Mapping) else list(rows)
    except TypeError:
        problem = f"{shortened(rows)} is no list of rows; a row is a mapping of columns"
        raise RowsError([problem]) from None
    problems: list[Problem] = []
    frozen = freeze(given, (), problems)
    wrong = [f"{pointer(p.path)}: {p.message}; {p.help}" for p in problems]
    wrong += [
        f"/{i}: a row is a mapping of columns, not {type(row).__name__}"
        for i, row in enumerate(given)
        if not isinstance(row, Mapping)
    ]
    kinds = [definition.blocks[position].kind for position in definition.topology.roots]
    if given and "webhook" not in kinds:
        wrong.append(
            f"the workflow begins with {', '.join(kinds)}, and the service takes rows "
            "for a webhook source alone; run([])"
        )
    if wrong:
        raise RowsError(wrong)
    return {"webhook_payload": thaw(frozen)}


def normal(word: str) -> str:
    """A status word in the one spelling used here."""
    lowered = word.lower()
    return {"canceled": "cancelled", "timed_out": "timeout"}.get(lowered, lowered)


@frozen
class Stages:
    """The blocks of a run as its code calls them.

    Attributes:
        numbers: `sequence_number` of each block, by key path.
        ends: Key paths of the blocks that feed no other.
    """

    numbers: Mapping[str, int] = field(factory=dict)
    ends: Sequence[str] = ()

    def number(self, run_id: str, path: str | None) -> int | None:
        """The number of a block by its key path; None for whatever comes last.

        Raises:
            AmbiguousRowsError: Several blocks come last, and none is named.
            ArgumentError: No block has that key path.
        """
        if path is None and len(self.ends) > 1:
            raise AmbiguousRowsError(run_id, self.ends)
        if path is None:
            return None
        if path not in self.numbers:
            near = did_you_mean(path, self.numbers) if isinstance(path, str) else ""
            problem = f"no block has the key path {shortened(path)}{near}"
            raise ArgumentError("rows", problem, tuple(self.numbers))
        return self.numbers[path]

    def blamed(self, block: BlockStatus) -> str:
        """What a block failed with, under the name that the code gives it."""
        paths = {number: path for path, number in self.numbers.items()}
        name = paths.get(block.sequence_number, block.block_name)
        return f"{name}: {block.error_message}" if name else str(block.error_message)


def stages_of(definition: Definition) -> Stages:
    """The blocks of a definition as its code calls them."""
    paths = [
        definition.origins[position].path or block.id
        for position, block in enumerate(definition.blocks)
    ]
    feeding = set(definition.topology.sources)
    return Stages(
        numbers={p: b.number for p, b in zip(paths, definition.blocks, strict=True)},
        ends=[path for position, path in enumerate(paths) if position not in feeding],
    )


@define
class Run:
    """A run on the service.

    Attributes:
        id: Its id (`job_id`).
        workflow_id: Id of its workflow.
        is_presumed: Whether the answer to its start was lost, and it was taken for ours
            because it was the only new one.
        status: Its last known status.
    """

    id: str
    workflow_id: str
    _client: Client = field(repr=False)
    is_presumed: bool = False
    status: str = "queued"
    _stages: Stages = field(factory=Stages, repr=False)

    def watch(
        self, *, every: float = 5.0, timeout: float = DAY
    ) -> Iterator[LiveStatus]:
        """How far the run has come, each time that it has come further, until it ends.

        Args:
            every: Seconds between looks.
            timeout: Seconds after which to give up; the run goes on.

        Raises:
            WaitTimeoutError: It had not ended by then.
        """
        began = monotonic()
        last: LiveStatus | None = None
        while True:
            trouble = None
            try:
                seen = self._client.play(live_status(self.id))
            except FlowError as error:
                # A run that was paid for is not given up for a bad minute: whatever may
                # pass is looked at again, until the time given is over.
                is_new = last is None and monotonic() - began < MINUTE
                is_hidden = is_new and isinstance(error, NotFoundError)
                if not is_hidden and not may_pass(error):
                    raise
                trouble = error
                _log.warning("run %s: %s; looking again", self.id, error)
            else:
                self.status = normal(seen.overall_status)
                if seen != last:
                    yield seen
                    last = seen
                if self.status in ENDED:
                    return
            left = timeout - (monotonic() - began)
            if left <= 0:
                raise WaitTimeoutError(self.id, self.status, timeout) from trouble
            self._client.play(_pause(min(every, left)))

    def wait(self, timeout: float = DAY, *, every: float = 5.0) -> Run:
        """Wait until the run has completed, and give the run.

        Args:
            timeout: Seconds after which to give up; the run goes on.
            every: Seconds between looks.

        Raises:
            RunFailedError: It ended otherwise.
            WaitTimeoutError: It had not ended by then.
        """
        messages: list[str] = []
        for seen in self.watch(every=every, timeout=timeout):
            messages = [self._stages.blamed(b) for b in seen.blocks if b.error_message]
        if self.status != "completed":
            reason = "; ".join(messages or self._listed_reasons()) or None
            raise RunFailedError(self.id, self.status, reason)
        return self

    def _listed_reasons(self) -> Sequence[str]:
        """What the list of runs says of it, where no block says anything."""
        with suppress(FlowError):
            for entry in self._client.play(list_runs(self.workflow_id)):
                if entry.job_id == self.id:
                    reasons = (entry.status_reason, entry.error_message)
                    return [reason for reason in reasons if reason]
        return []

    def cancel(self) -> str:
        """Cancel the run; gives its status, also of one that has ended already."""
        self.status = normal(self._client.play(cancel_run(self.id)))
        return self.status

    def results(self) -> Sequence[ResultItem]:
        """The result files of all stages by block number; the last is the final one.

        As JSON, which keeps types; as CSV where no JSON was saved.
        """
        items: Sequence[ResultItem] = ()
        try:
            items = self._client.play(download_links(self.id, "json"))
        except FlowError as error:
            if not is_refusal(error):
                raise
        # How a format that was not saved is answered is unknown: none, or an error.
        if not any(item.is_readable for item in items):
            items = self._client.play(download_links(self.id, "csv")) or items
        return sorted(items, key=lambda item: item.block_number or 0)

    @overload
    def rows(self, *, block: str | None = None) -> Iterator[Row[Mapping[str, Any]]]: ...
    @overload
    def rows(self, type: type[T], *, block: str | None = None) -> Iterator[Row[T]]: ...
    def rows(self, type: Any = None, *, block: str | None = None) -> Any:
        """The rows of a completed run: those of its final file, or of one block.

        Args:
            type: An attrs class, dataclass or TypedDict whose fields are columns; None
                gives each row as a mapping.
            block: Key path of the block whose rows are wanted, such as
                `work/find_email`; needed where the workflow ends in several blocks,
                as it does with a side branch.

        Raises:
            AmbiguousRowsError: The workflow ends in several blocks, and none is named.
            ArgumentError: No block has that key path.
            AnswerError: There is no file, or it cannot be read.
            RunFailedError: The run ended otherwise; `results()` has what was saved.
            WaitTimeoutError: It goes on, so the last file is not the final one.
        """
        number = self._stages.number(self.id, block)
        if self.status != "completed":
            self.wait(timeout=0)
        items = self.results()
        if number is not None:
            items = [item for item in items if item.block_number == number]
        if not items:
            of = f" of {block}" if block else ""
            raise AnswerError(
                "GET", f"results of run {self.id}", f"there is no file{of}"
            )
        return typed_rows(self._content(items[-1]), type)

    def _content(self, item: ResultItem) -> Iterator[Mapping[str, Any]]:
        if item.results is not None and item.is_whole:
            return iter(item.results)
        if item.download_url is None:
            why = item.message or "no link"
            raise AnswerError("GET", f"result {item.filename}", why)
        content = self._client.play(download(item))
        return rows_of(content, item.content_type or "", item.filename)


def _pause(seconds: float) -> Conversation[None]:
    yield Sleep(seconds)
