"""What a finished block leaves behind beside its rows: notebooks and the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID, uuid4, uuid5

from attrs import evolve

from ..blocks import CREATE_NEW
from ._records import Notebook, Sent, notebook_of
from ._results import cell
from ._step import Step

OPEN: Final = "being delivered"
"""The outcome of what is still to be delivered."""

Sink: TypeAlias = Callable[[Step, int, datetime], None]


def leave(step: Step, made: int, now: datetime) -> None:
    """Leave what a block leaves that gave so many rows.

    It is called in the transaction that ends the block, so that all of it happens once.
    """
    if step.block.kind in SINKS:
        SINKS[step.block.kind](step, made, now)


def event_id(run_id: str, block_id: str) -> str:
    """The id of what a block of a run sends; the same in every attempt."""
    return str(uuid5(UUID(run_id), block_id))


def append_to_notebook(step: Step, made: int, now: datetime) -> None:
    """Add the rows to a notebook, which is made where it is missing."""
    notebook_id, name = step.specs.get("notebook_id"), step.specs.get("notebook_name")
    if notebook_id == CREATE_NEW:
        notebook_id = uuid4()
    org_id, notebook_id = step.run.org_id, str(notebook_id)
    before = step.store.notebooks.get(f"{org_id}/{notebook_id}") or Notebook(
        id=f"{org_id}/{notebook_id}",
        org_id=org_id,
        notebook_id=notebook_id,
        name=name if isinstance(name, str) else None,
        row_count=0,
        updated_at=now,
    )
    after = evolve(before, row_count=before.row_count + made, updated_at=now)
    step.store.notebooks.put(after)
    step.store.copy_rows(step.state.rows, notebook_of(org_id, notebook_id))


def send_slack_message(step: Step, _made: int, now: datetime) -> None:
    """Keep the message: nothing leaves this process."""
    _post(step, step.specs.get("channel"), "kept here", now)


def outgoing_webhook(step: Step, _made: int, now: datetime) -> None:
    """Leave it to be delivered, once the rows can be read."""
    _post(step, step.specs.get("url"), OPEN, now)


SINKS: Final[Mapping[str, Sink]] = {
    "append_to_notebook": append_to_notebook,
    "send_slack_message": send_slack_message,
    "outgoing_webhook": outgoing_webhook,
}
"""What each kind leaves behind; all others leave rows alone."""


def _post(step: Step, target: object, outcome: str, now: datetime) -> None:
    step.store.sent.put(
        Sent(
            id=event_id(step.run.id, step.block.id),
            org_id=step.run.org_id,
            run_id=step.run.id,
            block_id=step.block.id,
            kind=step.block.kind,
            position=step.state.position,
            target=None if target is None else cell(target),
            outcome=outcome,
            created_at=now,
            is_open=outcome == OPEN,
        )
    )
