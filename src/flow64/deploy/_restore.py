"""Restore: an older definition brought back from the history, as it was.

Secrets are those of today. Where they are others than those that were live, the stamp
that is written says so, since nobody edited anything on the service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve

from ..analysis import effects
from ..api import Session, get_workflow
from ..definition import (
    EMPTY,
    BoundSecret,
    Definition,
    ListedOrigins,
    Stamp,
    bind,
    pointer,
    unbound_names,
    walk,
    with_stamp,
)
from ..diff import consequences, diff
from ..errors import HistoryError, UnboundValueError
from ..plan import Held, Plan, Step, live_of
from ..redaction import MASK
from ._activity import fetch_activity
from ._consent import describe_losses
from ._data_loss import find_restore_losses
from ._drift import (
    keep_fields,
    prepare_for_display,
    short_fingerprint,
    spends_when_written,
)
from ._history import History, Saved


async def plan_restore(
    session: Session,
    history: History,
    key: str,
    at: str | None = None,
    *,
    env: str,
    endpoint: str,
    values: Mapping[str, Any] | None = None,
    prices: Mapping[str, float] = EMPTY,
    secrets: Sequence[BoundSecret] = (),
) -> Plan:
    """Plan to bring back what was live once, stamp and all, whatever is there now.

    What is there now is overwritten, and is saved first like everything that is. Since
    the stamp is the old one too, the next plan of the code tells the truth: that the
    code has changed since, or that somebody had edited what is back.

    Args:
        session: Sends the requests.
        history: Where it was saved.
        key: Key or id of the workflow.
        at: When it was saved, as `history` lists it; None is the newest.
        env: The environment; only what was saved of it is found.
        endpoint: Where the client that plays this leads.
        values: What values stand for in this environment: secrets are filled in again.
        prices: Dollars for one row by kind, in place of those that are documented.
        secrets: Further secrets, which are shown nowhere.

    Raises:
        HistoryError: There is no such entry, or it is of another endpoint, or a text
            that was not saved has nothing to stand in for it.
        UnboundValueError: A secret is not given.
    """
    saved = history.find(key, at, env=env)
    if saved.endpoint != endpoint:
        problem = (
            f"it was saved of {saved.endpoint}, and this is {endpoint}; restore it "
            "where it was"
        )
        raise HistoryError(str(saved.file), problem)
    wanted = _whole(saved, values or {})
    session.begin()
    live = await get_workflow(session, saved.workflow_id, wanted)
    step = _step(saved, wanted, live, prices, secrets)
    if live is not None:
        step = evolve(step, touched=await fetch_activity(session, step.id))
    return Plan(env, endpoint, [step], secrets=secrets)


def _whole(saved: Saved, values: Mapping[str, Any]) -> Definition:
    """What was saved, with its secrets."""
    if lost := [*_lost(saved)]:
        problem = (
            f"{', '.join(lost)} of {saved.key} was not saved, so it cannot return; "
            "all else is in that file"
        )
        raise HistoryError(str(saved.file), problem)
    found = bind(saved.definition, values, [])
    if names := unbound_names(found):
        raise UnboundValueError(saved.key, saved.env, names)
    return found


def _lost(saved: Saved) -> Iterator[str]:
    """Texts that were not saved and that no value stands in for."""
    found = saved.definition
    texts = {
        pointer(("workflow_definition", "blocks", position, "specs", *path)): item
        for position, block in enumerate(found.blocks)
        for path, item in walk(block.specs)
    }
    for place in saved.withheld:
        if texts.get(place, MASK) == MASK:
            yield place


def _step(
    saved: Saved,
    wanted: Definition,
    live: Definition | None,
    prices: Mapping[str, float],
    secrets: Sequence[BoundSecret],
) -> Step:
    stamp = _stamp(saved, wanted)
    wanted = evolve(wanted, stamp=stamp, origins=_called(wanted))
    text = with_stamp(wanted.description, stamp) if stamp else wanted.description
    sent = evolve(wanted, description=text, id=saved.workflow_id)
    step = Step(
        saved.key,
        saved.workflow_id,
        wanted.name,
        stamp.path if stamp else "",
        "new" if live is None else "update",
        action="create" if live is None else "update",
        reasons=(f"it was live until {saved.when}", *_of_today(saved, wanted)),
        live=None if live is None else live_of(live),
        sent=Held(sent),
        spends=tuple(spends_when_written(sent)),
        effects=str(effects(wanted)),
    )
    if live is None:
        return step
    shown = prepare_for_display(live, wanted, secrets)
    gone = find_restore_losses(wanted, live, secrets)
    return evolve(
        step,
        reasons=(*step.reasons, *([describe_losses(gone)] if gone else [])),
        lost=tuple(gone),
        changes=tuple(diff(shown, wanted, bound=True)),
        consequences=tuple(consequences(shown, wanted, prices=prices)),
    )


def _stamp(saved: Saved, wanted: Definition) -> Stamp | None:
    """The old stamp, which tells of the secrets that are filled in now.

    What somebody had edited keeps the stamp that it had, and so is seen to be edited.
    """
    stamp = wanted.stamp
    if stamp is None or saved.deployed is None:
        return stamp
    return evolve(stamp, bound=short_fingerprint(keep_fields(wanted, saved.deployed)))


def _of_today(saved: Saved, wanted: Definition) -> Iterator[str]:
    """What comes from the values of today, in words."""
    lost = frozenset(saved.withheld)
    for position, block in enumerate(wanted.blocks):
        for path, item in walk(block.specs):
            if not isinstance(item, BoundSecret):
                continue
            name = item.value.name
            place = pointer(("workflow_definition", "blocks", position, "specs", *path))
            if place in lost:
                yield (
                    f"the text at {place} was not saved: the value of today takes its "
                    f"place, {name}"
                )
            else:
                yield f"the text at {place} is the value of today, {name}"


def _called(found: Definition) -> ListedOrigins:
    """Where its blocks came from, each called by its kind: a file knows no keys."""
    kinds = Counter(block.kind for block in found.blocks)
    return ListedOrigins(
        [
            evolve(
                found.origins[position],
                path=block.kind
                if kinds[block.kind] == 1
                else f"{block.kind} ({block.id[:8]})",
            )
            for position, block in enumerate(found.blocks)
        ]
    )
