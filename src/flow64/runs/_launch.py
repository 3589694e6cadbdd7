"""From a workflow and rows to a started run, for either client."""

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
    """The options of runs of one workflow, for one run and for batches.

    Attributes:
        ready: The workflow, compiled for its environment.
        journal: Remembers starts; None remembers nothing.
        endpoint: Base URL of the service.
        budget: Limits of all runs together.
        stale: Run the deployed workflow even if it is not this code.
        check_columns: Compare rows with the declared columns.
        specs_override: Settings of the first block in these runs.
        save_json: Save results as JSON too.
        result_formats: Further formats.
        block: The block that rows come from, by key path or number; None for the last
            one.
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
        """The blocks of its runs, with the one that rows come from."""
        return stages_of(self.ready.definition, self.block)

    def payload(self, rows: Any, first: int = 1) -> dict[str, Any]:
        """Return the body of a start.

        Args:
            rows: Rows as `rows_from` takes them.
            first: Number of the first row, for errors.

        Raises:
            RowsError: Something cannot be sent. All problems are listed.
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
        """Return the fields of the handle of a run."""
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
    """Start one run, and return it with the fields of its handle."""
    require_name(intent, retry)
    payload = made.payload(rows)
    run = yield from made.start(payload, intent=intent, retry=retry)
    return run, made.facts(run, payload)
