"""From a workflow and rows to a run: judged, started once, and handed to either client.

What a user may say of a run is in one place, for one run and for many in batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ..api import Conversation
from ..deploy import Ready
from ._budget import Budget
from ._journal import Journal
from ._payload import payload_of, rows_from
from ._proof import SentRows
from ._stages import Stages, stages_of
from ._start import StartedRun, require_name, start_once
from ._start_log import BatchPlace


@frozen
class Launcher:
    """How runs of one workflow are started.

    Attributes:
        ready: The workflow, compiled for its environment.
        journal: Where starts are remembered; None for nowhere.
        endpoint: Base URL of the service.
        budget: What all of it may take at most.
        stale: Run what is deployed even if it is not this code.
        check_columns: Whether rows are held against the declared columns.
        specs_override: What the first block is set to in these runs.
        save_json: Whether results are kept as JSON too.
        result_formats: Further formats.
        block: The block whose rows are wanted, by key path or number; None for the end.
    """

    ready: Ready
    journal: Journal | None
    endpoint: str
    budget: Budget
    stale: bool = False
    check_columns: bool = True
    specs_override: Mapping[str, Any] | None = field(default=None, repr=False)
    save_json: bool = True
    result_formats: Sequence[str] = ()
    block: str | int | None = None

    @property
    def stages(self) -> Stages:
        """The blocks of its runs, with the one whose rows are wanted."""
        return stages_of(self.ready.definition, self.block)

    def payload(self, rows: Any, first: int = 1) -> dict[str, Any]:
        """The body of a start.

        Args:
            rows: As `rows_from` takes them.
            first: Number of the first of them, for errors.

        Raises:
            RowsError: Something cannot be sent; all that is wrong is listed.
        """
        return payload_of(
            self.ready.definition,
            rows_from(rows, first),
            specs_override=self.specs_override,
            check_columns=self.check_columns,
            first=first,
        )

    def start(
        self,
        payload: Mapping[str, Any],
        *,
        intent: str | None,
        retry: str | None = None,
        batch: BatchPlace | None = None,
        budget: Budget | None = None,
    ) -> Conversation[StartedRun]:
        """Start a run once for its intent; see `start_once`."""
        return (
            yield from start_once(
                self.ready,
                payload,
                intent=intent,
                retry=retry,
                stale=self.stale,
                journal=self.journal,
                endpoint=self.endpoint,
                budget=budget or self.budget,
                batch=batch,
                save_json=self.save_json,
                result_formats=self.result_formats,
            )
        )

    def facts(self, run: StartedRun, payload: Mapping[str, Any]) -> dict[str, Any]:
        """What a handle is told of the run beside its id and workflow."""
        rows = payload.get("webhook_payload", ())
        return {
            "is_presumed": run.is_presumed,
            "is_attached": run.is_attached,
            "stages": self.stages,
            # Where something else may run, it says nothing of what ran.
            "definition": None if self.stale else self.ready.definition,
            "proof": SentRows.of(rows) if run.is_presumed else None,
            "journal": self.journal,
        }


def launch_run(
    made: Launcher, rows: Any, *, intent: str | None, retry: str | None
) -> Conversation[tuple[StartedRun, dict[str, Any]]]:
    """Start one run; gives it, and what its handle is told."""
    require_name(intent, retry)
    payload = made.payload(rows)
    run = yield from made.start(payload, intent=intent, retry=retry)
    return run, made.facts(run, payload)
