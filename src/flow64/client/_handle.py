"""The known facts of a run, as `Run` and `AsyncRun` show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..notebook import Badge, Cell, as_card, as_facts, as_table
from ..runs import Tracked


class RunHandle:
    """A run on the service, and what is known of it."""

    def __init__(self, tracked: Tracked) -> None:
        # Kept apart, so that a run shows its users only what is for them.
        self._tracked = tracked

    @property
    def id(self) -> str:
        """Id of the run (`job_id`)."""
        return self._tracked.id

    @property
    def workflow_id(self) -> str:
        """Id of its workflow; empty if it was fetched by its id and not polled yet."""
        return self._tracked.workflow_id

    @property
    def status(self) -> str:
        """The last known status; empty if none is known yet."""
        return self._tracked.status

    @property
    def is_ended(self) -> bool:
        """True if the run is known to have ended."""
        return self._tracked.is_ended

    @property
    def is_attached(self) -> bool:
        """True if the run was there before, and nothing was started now."""
        return self._tracked.is_attached

    @property
    def is_presumed(self) -> bool:
        """True if the answer to its start was lost.

        It was the only new run, so it is taken for ours. You get its rows once they
        prove that.
        """
        return self._tracked.is_presumed

    @property
    def reason(self) -> str | None:
        """Why it did not complete, if the service says so."""
        return self._tracked.reason

    @property
    def empty(self) -> str | None:
        """That it completed without a row, in words.

        None if rows came out, or if that is not known.
        """
        return self._tracked.empty

    @property
    def stages(self) -> Mapping[str, int]:
        """Number of each block (`sequence_number`), by key path; empty if unknown."""
        return dict(self._tracked.stages.numbers)

    def _repr_html_(self) -> str:
        tracked = self._tracked
        facts: dict[str, Cell] = {
            "status": Badge(self.status or "not known yet"),
            "workflow": self.workflow_id,
            "start": Badge("presumed") if self.is_presumed else None,
            "why": self.reason or self.empty,
        }
        names = {number: key for key, number in self.stages.items()}
        rows = [
            (
                names.get(block.sequence_number, block.block_name),
                Badge(block.status),
                block.returned_rows,
            )
            for block in ([] if tracked.look is None else tracked.look.blocks)
        ]
        table = as_table(("block", "status", "rows"), rows)
        return as_card(f"Run {self.id}", as_facts(facts), table)

    def __repr__(self) -> str:
        shown: dict[str, Any] = {
            "id": self.id,
            "workflow_id": self.workflow_id,
            "status": self.status,
        }
        shown |= {"is_presumed": True} if self.is_presumed else {}
        shown |= {"empty": self.empty} if self.empty else {}
        fields = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"{type(self).__name__}({fields})"
