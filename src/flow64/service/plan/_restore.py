"""Restore: an older definition brought back from the history, as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve

from ...analysis.changes import diff
from ...definition import (
    MASK,
    Definition,
    bind,
    pointer,
    unbound_names,
    walk,
    with_stamp,
)
from ...errors import HistoryError, UnboundValueError
from .._state import shown_as, spends_when_written
from ..api import Begin, Conversation, get_workflow
from ._history import History, Saved
from ._model import Held, Plan, Step, live_of


def restoring(
    history: History,
    key: str,
    at: str | None = None,
    *,
    env: str,
    endpoint: str,
    values: Mapping[str, Any] | None = None,
) -> Conversation[Plan]:
    """Plan to bring back what was live once, stamp and all, whatever is there now.

    What is there now is overwritten, and is saved first like everything that is. Since
    the stamp is the old one too, the next plan of the code tells the truth: that the
    code has changed since.

    Args:
        history: Where it was saved.
        key: Key or id of the workflow.
        at: When it was saved, as `history` lists it; None is the newest.
        env: The environment; only what was saved of it is found.
        endpoint: Where the client that plays this leads.
        values: What values stand for in this environment: secrets are filled in again.

    Raises:
        HistoryError: There is no such entry, or it is of another endpoint, or a text
            that was not saved has nothing to stand in for it.
        UnboundValueError: A secret is not given.
    """
    saved = history.find(key, at, env=env)
    if saved.endpoint != endpoint:
        problem = f"it was saved of {saved.endpoint}, and this is {endpoint}"
        raise HistoryError(str(saved.file), problem)
    wanted = _whole(saved, values or {})
    yield Begin()
    live = yield from get_workflow(saved.workflow_id)
    return Plan(env, endpoint, [_step(saved, wanted, live)])


def _whole(saved: Saved, values: Mapping[str, Any]) -> Definition:
    """What was saved, with its secrets."""
    if lost := [*_lost(saved)]:
        problem = f"{', '.join(lost)} of {saved.key} was not saved, so it cannot return"
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


def _step(saved: Saved, wanted: Definition, live: Definition | None) -> Step:
    stamp = wanted.stamp
    text = with_stamp(wanted.description, stamp) if stamp else wanted.description
    sent = evolve(wanted, description=text, id=saved.workflow_id)
    reasons = [f"it was live until {saved.when}"]
    reasons += [
        f"the text at {place} was not saved: the value of today takes its place"
        for place in saved.withheld
    ]
    step = Step(
        saved.key,
        saved.workflow_id,
        wanted.name,
        stamp.path if stamp else "",
        "new" if live is None else "update",
        action="create" if live is None else "update",
        reasons=tuple(reasons),
        live=None if live is None else live_of(live),
        sent=Held(sent),
        spends=tuple(spends_when_written(sent)),
    )
    if live is None:
        return step
    shown = shown_as(live, wanted)
    return evolve(step, changes=tuple(diff(shown, wanted, bound=True)))
