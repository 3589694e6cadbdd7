"""Is production what staging ran? Answered from the stamps of both, without code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, TypeAlias

from attrs import evolve, field, frozen

from ..api import Session, get_workflow
from ..definition import EMPTY, UNCOMMITTED, Definition
from ._drift import keep_fields, last_sent, short_fingerprint

Condition: TypeAlias = Literal["absent", "foreign", "edited", "deployed"]
"""absent: not there. foreign: without a genuine stamp of ours. edited: changed on the
service since it was deployed. deployed: as it was deployed."""

Verdict: TypeAlias = Literal["same", "different", "unknown"]
"""Whether it is the same code; the first two are certain. What somebody set by hand
where code sets nothing takes no part."""


@frozen
class DeployedCode:
    """Which code a workflow has in one environment.

    Attributes:
        condition: What is the case.
        fingerprint: First 16 digits of the unbound fingerprint, of what was deployed
            last; None where no code of ours was.
        commit: The git commit of that code, where it is on record; with `+` behind it
            where the code had changes that are in no commit.
        is_checked: Whether an edit would show: a stamp with many fields lists none.
        beside: What is live in fields that this code did not set, by what they are
            called; in no output, since it may be anything.
    """

    condition: Condition
    fingerprint: str | None = None
    commit: str | None = None
    is_checked: bool = True
    beside: Mapping[str, Any] = field(
        default=EMPTY, repr=False, metadata={"is_wire": False}
    )


@frozen
class SameCode:
    """Whether a workflow is the same code in two environments.

    Attributes:
        key: What the workflow is called.
        verdict: Whether it is.
        reason: Why, in words; empty where it is the same.
        here: What the one environment has.
        there: What the other one has.
        notes: What differs although it is no code, in words: fields that were set by
            hand.
    """

    key: str
    verdict: Verdict
    reason: str
    here: DeployedCode
    there: DeployedCode
    notes: tuple[str, ...] = ()


async def deployed_codes(
    session: Session, ids: Mapping[str, str]
) -> Mapping[str, DeployedCode]:
    """Return which code some workflows have in the environment of a client.

    Args:
        session: Sends the requests.
        ids: Their ids there, by what they are called.
    """
    lives = await session.gather(
        [partial(get_workflow, workflow_id=one) for one in ids.values()]
    )
    return dict(zip(ids, map(deployed_code, lives), strict=True))


def deployed_code(live: Definition | None) -> DeployedCode:
    """Which code a live workflow has, by its stamp."""
    if live is None:
        return DeployedCode("absent")
    stamp = live.stamp
    if stamp is None or not stamp.is_genuine(live.id or ""):
        return DeployedCode("foreign")
    fields = last_sent(live, stamp)
    is_same = short_fingerprint(keep_fields(live, fields)) == stamp.bound
    if not is_same and stamp.fields is None:
        return DeployedCode("deployed", stamp.unbound, stamp.commit, is_checked=False)
    condition: Condition = "deployed" if is_same else "edited"
    beside = {
        f"{block.kind} ({block.id[:8].lower()}).{name}": item
        for block in live.blocks
        for name, item in block.specs.items()
        if name not in fields[block.id.lower()]
    }
    return DeployedCode(condition, stamp.unbound, stamp.commit, beside=beside)


def same_code(
    here: Mapping[str, DeployedCode], there: Mapping[str, DeployedCode]
) -> Sequence[SameCode]:
    """Compare what two environments have, workflow by workflow.

    Two that were bound to other values, and have other titles by their suffix, are the
    same code all the same: it is the unbound fingerprints that are compared.
    """
    absent = DeployedCode("absent")
    keys = sorted({**here, **there})
    found = [_compared(k, here.get(k, absent), there.get(k, absent)) for k in keys]
    return [evolve(one, notes=tuple(_notes(one.here, one.there))) for one in found]


def _notes(here: DeployedCode, there: DeployedCode) -> Iterator[str]:
    """Fields that code does not set, and that are not alike; nothing of one alone.

    What a service fills in by itself is alike in both.
    """
    if here.fingerprint is None or there.fingerprint is None:
        return
    for side, own, other in (("here", here, there), ("there", there, here)):
        names = [
            name
            for name, item in own.beside.items()
            if other.beside.get(name, _NOTHING) != item
        ]
        if names and own.is_checked and other.is_checked:
            yield f"set by hand {side}: {', '.join(sorted(names))}"


_NOTHING: Final = object()


def _compared(key: str, here: DeployedCode, there: DeployedCode) -> SameCode:
    if here.fingerprint is None or there.fingerprint is None:
        words = {"absent": "it is not there", "foreign": "no code of ours deployed it"}
        sides = {"here": here, "there": there}
        reason = "; ".join(
            f"{side}: {words[code.condition]}"
            for side, code in sides.items()
            if code.fingerprint is None
        )
        is_alone = "absent" in (here.condition, there.condition)
        is_neither = here.condition == there.condition == "absent"
        verdict: Verdict = "different" if is_alone and not is_neither else "unknown"
        return SameCode(key, verdict, reason, here, there)
    if "edited" in (here.condition, there.condition):
        sides = {"here": here, "there": there}
        edited = [side for side, code in sides.items() if code.condition == "edited"]
        reason = f"edited on the service since it was deployed: {' and '.join(edited)}"
        return SameCode(key, "different", reason, here, there)
    if here.fingerprint != there.fingerprint:
        reason = f"the code deployed is {_named(here)} here and {_named(there)} there"
        return SameCode(key, "different", reason, here, there)
    if not (here.is_checked and there.is_checked):
        reason = (
            "the code deployed is the same; its stamp lists no fields, so an edit on "
            "the service would not show"
        )
        return SameCode(key, "unknown", reason, here, there)
    return SameCode(key, "same", "", here, there)


def _named(code: DeployedCode) -> str:
    if not code.commit:
        return f"{code.fingerprint}"
    mark = ", with changes in no commit" if code.commit.endswith(UNCOMMITTED) else ""
    return f"{code.fingerprint} (commit {code.commit[:12]}{mark})"
