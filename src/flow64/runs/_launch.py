"""From a workflow and rows to a started run, for either client."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from unicodedata import normalize

from attrs import field, frozen

from ..api import Session, as_flag, as_formats, get_workflow
from ..definition import Definition, canonical_id, digest, is_encodable
from ..deploy import Ready, describe_differences, judge
from ..errors import (
    NOT_DEPLOYED,
    ArgumentError,
    OverrideError,
    StaleDeploymentError,
    shortened,
)
from ..plan import WHY
from ..text import join_words, printable
from ._budget import Budget
from ._journal import Journal
from ._overrides import OVERRIDE_LOG, override_live, override_source, source_specs
from ._payload import as_rows, build_payload
from ._stages import Stages
from ._start import StartedRun, Starter
from ._start_log import BatchPlace, ProcessMemory, StartLog
from ._tracked import Tracked

_log = logging.getLogger("flow64")
_override_log = logging.getLogger(OVERRIDE_LOG)

_STALE: Final = (
    "it sends all settings of the source block, which stale=True does not know; leave "
    "out stale=True, or run the live workflow: "
    "Workflow.from_definition(client.workflows.get(ID).definition)"
)

_OURS: Final[dict[str, ProcessMemory]] = {}
"""What this process knows of the runs of each workflow, by the name of its turn."""


@frozen
class Launcher:
    """The options of runs of one workflow, for one run and for batches.

    Attributes:
        ready: The workflow, compiled for its environment.
        journal: Remembers starts; None remembers nothing.
        endpoint: Base URL of the service.
        budget: Limits of all runs together.
        stale: Run the deployed workflow even if it is not this code.
        check_columns: Compare rows with the declared columns.
        specs_override: Settings of the source block in these runs that differ from
            the code.
        save_json: Save results as JSON too.
        result_formats: Further formats.
        block: The block that rows come from, by key path or number; None for the last
            one.
        definition: The workflow with these settings in its source block.
    """

    ready: Ready
    journal: Journal | None = None
    endpoint: str = ""
    budget: Budget = field(factory=Budget)
    stale: bool = False
    check_columns: bool = True
    specs_override: Mapping[str, Any] | None = field(default=None, repr=False)
    save_json: bool = True
    result_formats: Sequence[str] = ()
    block: str | int | None = None
    definition: Definition = field(init=False)

    @definition.default
    def _override(self) -> Definition:
        given = self.specs_override
        if given is not None and self.stale:
            raise OverrideError([_STALE])
        definition, warnings = override_source(self.ready.definition, given)
        for text in warnings:
            _override_log.warning("specs_override: %s", text)
        return definition

    @property
    def stages(self) -> Stages:
        """The blocks of its runs, with the one that rows come from."""
        return Stages.of(self.ready.definition, self.block)

    def payload(self, rows: Any, first: int = 1) -> dict[str, Any]:
        """Return the body of a start.

        Args:
            rows: Rows as `as_rows` takes them.
            first: Number of the first row, for errors.

        Raises:
            RowsError: Something cannot be sent. All problems are listed.
        """
        return build_payload(
            self.definition,
            as_rows(rows, first),
            is_overridden=self.specs_override is not None,
            check_columns=self.check_columns,
            first=first,
        )

    async def start(
        self,
        session: Session,
        payload: Mapping[str, Any],
        *,
        intent: str | None,
        retry: str | None = None,
        batch: BatchPlace | None = None,
        budget: Budget | None = None,
    ) -> StartedRun:
        """Start a run once for its intent, or find the run that it has.

        Args:
            payload: The body, as `payload` makes it.
            intent: Name of a run that must happen once; None for a run of its own.
            retry: A run of the intent that ended without success, to be started again.
            batch: The batch that these rows are.
            budget: Limits of this run, in place of those of all runs.

        Raises:
            BudgetError: It may exceed a limit.
            JournalError: The journal cannot be written.
            StaleDeploymentError: The deployed workflow is not this code.
            IntentChangedError: The journal knows the intent with other rows.
            IntentFailedError: The run of the intent ended without success.
            RetryError: `retry` is not a run that can be started again.
            ApiError: The service refused it.
            OutcomeUnknownError: No answer came, and the list of runs does not show
                whether it was started.
        """
        require_name(intent, retry)
        if intent is not None:
            intent = normalize("NFC", intent)  # one name, as in keys, however typed
        # An argument that the start would refuse must not look like a lost start.
        formats = as_formats("run", "result_formats", self.result_formats)
        save_json = as_flag("run", "save_json", self.save_json)
        ready, limits = self.ready, budget or self.budget
        rows = len(payload.get("webhook_payload") or ())
        # Check first what needs no request.
        limits.require(ready.name, self.definition, rows)
        if self.journal is not None:
            self.journal.require_writable()
        turn = f"{self.endpoint}|{canonical_id(ready.id)}"
        log = StartLog(
            ready=ready,
            rows=rows,
            digest=digest(payload),
            intent=intent,
            retry=retry,
            batch=batch,
            journal=self.journal,
            endpoint=self.endpoint,
            process=_OURS.setdefault(turn, ProcessMemory()),
        )
        starter = Starter(session, ready, payload, save_json, formats, log)
        async with session.turn(turn):
            await self._check_deployment(session, limits, rows)
            return await starter.start()

    async def _check_deployment(
        self, session: Session, limits: Budget, rows: int
    ) -> None:
        """Refuse a deployed workflow that is not this code, or may exceed limits."""
        if self.stale and not limits.depends_on_specs:
            return
        ready = self.ready
        live = await get_workflow(session, ready.id)
        if live is None:
            raise StaleDeploymentError(ready.name, ready.id, NOT_DEPLOYED)
        if not self.stale:
            _require_this_code(ready, live)
        # A deploy leaves fields that code does not set, and they may cost more.
        for possible in self._possible(live):
            limits.require(ready.name, possible, rows)

    def _possible(self, live: Definition) -> Iterable[Definition]:
        """Return the definitions that these runs may have on the service."""
        if self.specs_override is None:
            return [live]
        sent = source_specs(self.definition)
        for at in live.topology.roots:
            if kept := [name for name in live.blocks[at].specs if name not in sent]:
                _log.warning(
                    "%s has %s on the service, which the code does not set: whether a "
                    "run with specs_override keeps that is not documented",
                    live.blocks[at].kind,
                    join_words(kept),
                )
        return override_live(live, sent)

    def track(self, run: StartedRun, payload: Mapping[str, Any]) -> Tracked:
        """Return the state of a run, to watch it and to read its rows."""
        rows = payload.get("webhook_payload", ())
        return Tracked(
            run.id,
            run.workflow_id,
            is_presumed=run.is_presumed,
            is_attached=run.is_attached,
            stages=self.stages,
            # Where something else may run, it says nothing of what ran.
            definition=None if self.stale else self.definition,
            proof=rows if run.is_presumed else None,
            journal=self.journal,
            endpoint=self.endpoint,
        )


def require_name(intent: str | None, retry: str | None = None) -> None:
    """Refuse an intent, or a run to retry, that is not a name.

    Raises:
        ArgumentError: It is not a text, is empty, or cannot be encoded.
    """
    for name, given, example in (
        ("intent", intent, "2026-W20"),
        ("retry", retry, "the id of the run"),
    ):
        if given is not None and not (isinstance(given, str) and _is_name(given)):
            problem = f"{name} is {shortened(given)}, which names no run"
            raise ArgumentError(
                "run", f'{problem}; write for example {name}="{example}"'
            )


def _is_name(text: str) -> bool:
    """Return True for a text in UTF-8 that neither begins nor ends with a blank."""
    return is_encodable(text) and text != "" and text == text.strip()


def _require_this_code(ready: Ready, live: Definition) -> None:
    if reason := describe_staleness(ready, live):
        code = ready.definition
        found = judge(code, live, ready.stamp)
        lines = [*describe_differences(code, live, found, ready.secrets)][:3]
        shown = "; ".join(line.strip() for line in lines)
        shown = f" ({printable(shown)})" if shown else ""
        raise StaleDeploymentError(ready.name, ready.id, reason + shown)


def describe_staleness(ready: Ready, live: Definition) -> str | None:
    """Return why a live workflow is not what its code says; None if it is."""
    state = judge(ready.definition, live, ready.stamp).state
    return WHY[state] if state in ("foreign", "update", "drifted", "conflict") else None
