"""What a write would lose for good: text that the history may not hold."""

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
from ._drift import Judgement, judge, keep_fields, last_sent, short_fingerprint


def find_losses(
    target: Target,
    live: Definition,
    known: Iterable[BoundSecret],
    found: Judgement | None = None,
) -> Sequence[str]:
    """JSON pointers of texts that an update replaces and that cannot be saved.

    Where nobody edited what code of ours deployed, what that code had set is no work
    of anybody, such as a secret of ours from before. What was set by hand beside it,
    and what somebody edited, is.

    Args:
        target: What is wanted.
        live: What the service has.
        known: The secrets that are known.
        found: How the two were judged, where that is at hand.
    """
    code = target.definition
    withheld = redact_for_storage(live, code, known).withheld
    if not withheld:
        return ()
    found = found or judge(code, live, target.stamp, target.pulled)
    if found.last is target.pulled or not _is_ours(found):
        return withheld
    return redact_for_storage(_by_hand(live, found), code, known).withheld


def find_restore_losses(
    wanted: Definition, live: Definition, known: Iterable[BoundSecret] = ()
) -> Sequence[str]:
    """The same of a restore, which replaces what code of ours may have deployed since.

    Args:
        wanted: What is brought back, with the stamp that it gets. Without one, nobody
            knows whose it is, and all that cannot be saved counts.
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
    return redact_for_storage(_by_hand(live, found), wanted, known).withheld


def is_as_deployed(live: Definition, stamp: Stamp) -> bool | None:
    """Whether a workflow is as its stamp says; None where the stamp does not tell."""
    if short_fingerprint(keep_fields(live, last_sent(live, stamp))) == stamp.bound:
        return True
    return None if stamp.fields is None else False


def _is_ours(found: Judgement) -> bool:
    """Whether all that code set is as a deploy of this very workflow left it."""
    return found.is_untouched and not found.is_others


def _by_hand(live: Definition, found: Judgement) -> Definition:
    """What is live without what code set last time."""
    blocks: list[WireBlock] = []
    for block in live.blocks:
        sent = found.sent.get(block.id.lower(), _NONE)
        specs = {name: item for name, item in block.specs.items() if name not in sent}
        blocks.append(block._replace(specs=FrozenDict(specs)))
    return evolve(live, name="", description="", blocks=tuple(blocks))


_NONE: Final = frozenset[str]()
