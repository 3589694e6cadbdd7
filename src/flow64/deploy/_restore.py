"""Restore an older definition from the history, as it was.

Secrets have their present values. If these differ from the values that were live, the
stamp is adapted: nothing was edited on the service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve

from ..analysis import effects
from ..api.calls import get_workflow
from ..api.session import Session
from ..definition import (
    EMPTY,
    BoundSecret,
    Definition,
    ListedOrigins,
    Stamp,
    bind,
    pointer,
    secret_texts,
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


def plan_restore(
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
    """Plan to restore an earlier live definition with its stamp.

    The live workflow is saved before it is overwritten. The old stamp is restored too.
    So the next plan of the code shows the true state: that the code has changed since,
    or that the restored definition was edited.

    Args:
        session: Sends the requests.
        history: Where it was saved.
        key: Key or id of the workflow.
        at: When it was saved, as `history` lists it. None is the newest.
        env: The environment. Entries of other environments are not found.
        endpoint: Base URL of the client.
        values: The values of this environment. They fill in the secrets.
        prices: Dollars for one row by kind, in place of the documented ones.
        secrets: Further secrets to hide.

    Raises:
        HistoryError: The entry does not exist, it is of another endpoint, or a text was
            not saved and has no value.
        UnboundValueError: A secret is not given.
    """
    saved = history.find(key, at, env=env)
    if saved.endpoint != endpoint:
        problem = (
            f"it was saved of {saved.endpoint}, and this is {endpoint}; restore it "
            "where it was"
        )
        raise HistoryError(str(saved.file), problem)
    wanted = _fill_in(saved, values or {})
    del values  # an error from here on may show the locals of its frames
    session.secrets.add(secret_texts([wanted], secrets))
    live = get_workflow(session, saved.workflow_id)
    step = _step(saved, wanted, live, prices, secrets)
    if live is not None:
        step = evolve(step, touched=fetch_activity(session, step.id))
    return Plan(env, endpoint, [step], secrets=secrets)


def _fill_in(saved: Saved, values: Mapping[str, Any]) -> Definition:
    """Return the saved definition with its secrets."""
    if lost := [*_missing_texts(saved)]:
        problem = (
            f"{', '.join(lost)} of {saved.key} was not saved, so it cannot return; "
            "all else is in that file"
        )
        raise HistoryError(str(saved.file), problem)
    found = bind(saved.definition, values, [])
    if names := unbound_names(found):
        raise UnboundValueError(saved.key, saved.env, names, [*values])
    return found


def _missing_texts(saved: Saved) -> Iterator[str]:
    """Yield JSON pointers of texts that were not saved and that have no value."""
    texts = dict(_texts(saved.definition))
    for place in saved.withheld:
        if texts.get(place, MASK) == MASK:
            yield place


def _texts(definition: Definition) -> Iterator[tuple[str, Any]]:
    """Yield the items of all specs with their JSON pointers."""
    for position, block in enumerate(definition.blocks):
        for path, item in walk(block.specs):
            parts = ("workflow_definition", "blocks", position, "specs", *path)
            yield pointer(parts), item


def _step(
    saved: Saved,
    wanted: Definition,
    live: Definition | None,
    prices: Mapping[str, float],
    secrets: Sequence[BoundSecret],
) -> Step:
    stamp = _stamp(saved, wanted)
    wanted = evolve(wanted, stamp=stamp, origins=_name_by_kind(wanted))
    text = with_stamp(wanted.description, stamp) if stamp else wanted.description
    sent = evolve(wanted, description=text, id=saved.workflow_id)
    step = Step(
        saved.key,
        saved.workflow_id,
        wanted.name,
        stamp.path if stamp else "",
        "new" if live is None else "update",
        action="create" if live is None else "update",
        reasons=(f"it was live until {saved.when}", *_present_values(saved, wanted)),
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
    """Return the old stamp, adapted to the present secrets.

    If the definition was edited, its stamp stays as it was, and still shows this.
    """
    stamp = wanted.stamp
    if stamp is None or saved.deployed is None:
        return stamp
    return evolve(stamp, bound=short_fingerprint(keep_fields(wanted, saved.deployed)))


def _present_values(saved: Saved, wanted: Definition) -> Iterator[str]:
    """Describe the texts that come from the present values."""
    for place, item in _texts(wanted):
        if not isinstance(item, BoundSecret):
            continue
        name = item.value.name
        if place in saved.withheld:
            yield (
                f"the text at {place} was not saved: the value of today takes its "
                f"place, {name}"
            )
        else:
            yield f"the text at {place} is the value of today, {name}"


def _name_by_kind(found: Definition) -> ListedOrigins:
    """Return origins that name each block by its kind, since a file has no keys."""
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
