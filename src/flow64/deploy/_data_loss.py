"""Text that a write would lose for good, since the history may not hold it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import evolve

from ..definition import (
    BoundSecret,
    Definition,
    FrozenDict,
    Stamp,
    WireBlock,
    redact_for_storage,
)
from ..plan import Target
from ._drift import (
    Judgement,
    fields_of_last_deploy,
    judge,
    keep_fields,
    short_fingerprint,
)


def find_losses(
    target: Target,
    live: Definition,
    known: Iterable[BoundSecret],
    found: Judgement | None = None,
) -> Sequence[str]:
    """Return JSON pointers of texts that an update replaces and that cannot be saved.

    If the workflow is as our code deployed it, the values that this code had set, such
    as an old secret, are not a loss. Values that were set by hand are.

    Args:
        target: The wanted workflow.
        live: What the service has.
        known: The secrets that are known.
        found: The judgement of the two, if it was made already.
    """
    code = target.definition
    withheld = redact_for_storage(live, code, known).withheld
    if not withheld:
        return ()
    found = found or judge(code, live, target.stamp, target.pulled)
    if found.last is target.pulled or not _is_ours(found):
        return withheld
    return redact_for_storage(_keep_unsent(live, found), code, known).withheld


def find_restore_losses(
    wanted: Definition, live: Definition, known: Iterable[BoundSecret] = ()
) -> Sequence[str]:
    """Return JSON pointers of texts that a restore replaces and that cannot be saved.

    See `find_losses`: our code may have deployed the workflow that is replaced.

    Args:
        wanted: The restored definition, with its stamp. Without a stamp its owner is
            unknown, and every text that cannot be saved is a loss.
        live: What the service has.
        known: Further secrets that are known.
    """
    known = [*known]
    withheld = redact_for_storage(live, wanted, known).withheld
    if not withheld or wanted.stamp is None:
        return withheld
    found = judge(wanted, live, wanted.stamp)
    if not _is_ours(found):
        return withheld
    return redact_for_storage(_keep_unsent(live, found), wanted, known).withheld


def is_as_deployed(live: Definition, stamp: Stamp) -> bool | None:
    """Return whether a workflow is as its stamp says. None if the stamp cannot tell."""
    sent = fields_of_last_deploy(live, stamp)
    if short_fingerprint(keep_fields(live, sent)) == stamp.bound:
        return True
    return None if stamp.fields is None else False


def _is_ours(found: Judgement) -> bool:
    """Return True if everything that code set is as its last deploy left it."""
    return found.is_untouched and not found.is_others


def _keep_unsent(live: Definition, found: Judgement) -> Definition:
    """Return a live definition without the fields that code set last time."""
    blocks: list[WireBlock] = []
    for block in live.blocks:
        sent = found.sent.get(block.id.lower(), _NONE)
        specs = {name: item for name, item in block.specs.items() if name not in sent}
        blocks.append(block._replace(specs=FrozenDict(specs)))
    return evolve(live, name="", description="", blocks=tuple(blocks))


_NONE: Final = frozenset[str]()
