"""Side effects of completed blocks: notebooks and the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID, uuid4, uuid5

from attrs import evolve

from ..blocks import (
    CREATE_NEW,
    AppendToNotebook,
    OutgoingWebhook,
    SendSlackMessage,
)
from ._block_context import BlockContext
from ._csv import format_cell
from ._records import NotebookRecord, OutboxRecord, notebook_owner

OPEN: Final = "being delivered"
"""The outcome of a record that is still to be delivered."""

SideEffect: TypeAlias = Callable[[BlockContext, int, datetime], None]


def write_side_effects(context: BlockContext, made: int, now: datetime) -> None:
    """Write the side effects of a block.

    This happens in the transaction that ends the block, and so only once.
    """
    if context.block.kind in SIDE_EFFECTS:
        SIDE_EFFECTS[context.block.kind](context, made, now)


def derive_event_id(run_id: str, block_id: str) -> str:
    """Return the event id of a block of a run; it is the same in every attempt."""
    return str(uuid5(UUID(run_id), block_id))


def append_to_notebook(context: BlockContext, made: int, now: datetime) -> None:
    """Add the rows to a notebook, which is created if it does not exist."""
    notebook_id, name = map(context.specs.get, ("notebook_id", "notebook_name"))
    if notebook_id == CREATE_NEW:
        notebook_id = uuid4()
    org_id, notebook_id = context.run.org_id, str(notebook_id)
    before = context.store.notebooks.get(f"{org_id}/{notebook_id}") or NotebookRecord(
        id=f"{org_id}/{notebook_id}",
        org_id=org_id,
        notebook_id=notebook_id,
        name=name if isinstance(name, str) else None,
        row_count=0,
        updated_at=now,
    )
    after = evolve(before, row_count=before.row_count + made, updated_at=now)
    context.store.notebooks.put(after)
    context.store.copy_rows(context.state.rows, notebook_owner(org_id, notebook_id))


def send_slack_message(context: BlockContext, _made: int, now: datetime) -> None:
    """Add the message to the outbox. Nothing leaves this process."""
    _add_to_outbox(context, context.specs.get("channel"), "kept here", now)


def outgoing_webhook(context: BlockContext, _made: int, now: datetime) -> None:
    """Add an open record to the outbox. It is delivered once the rows can be read."""
    _add_to_outbox(context, context.specs.get("url"), OPEN, now)


SIDE_EFFECTS: Final[Mapping[str, SideEffect]] = {
    AppendToNotebook.kind: append_to_notebook,
    SendSlackMessage.kind: send_slack_message,
    OutgoingWebhook.kind: outgoing_webhook,
}
"""The side effect of each kind. All other kinds only give rows."""


def _add_to_outbox(
    context: BlockContext, target: object, outcome: str, now: datetime
) -> None:
    context.store.sent.put(
        OutboxRecord(
            id=derive_event_id(context.run.id, context.block.id),
            org_id=context.run.org_id,
            run_id=context.run.id,
            block_id=context.block.id,
            kind=context.block.kind,
            position=context.state.position,
            target=None if target is None else format_cell(target),
            outcome=outcome,
            created_at=now,
            is_open=outcome == OPEN,
        )
    )
