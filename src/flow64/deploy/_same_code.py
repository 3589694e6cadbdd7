"""Compare two environments by the stamps of their workflows, without code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, TypeAlias

from attrs import field, frozen

from ..api import Session, get_workflow
from ..definition import EMPTY, UNCOMMITTED, Definition, genuine_stamp
from ._data_loss import is_as_deployed
from ._drift import fields_of_last_deploy

CodeState: TypeAlias = Literal["absent", "foreign", "edited", "deployed"]
"""absent: does not exist. foreign: without a genuine stamp. edited: changed on the
service since it was deployed. deployed: as it was deployed."""

SameVerdict: TypeAlias = Literal["same", "different", "unknown"]
"""Whether it is the same code. The first two are certain. Fields that were set by hand
and that the code does not set are not compared."""


@frozen
class DeployedCode:
    """The code of a workflow in one environment.

    Attributes:
        state: The state of the workflow.
        fingerprint: First 16 digits of the unbound fingerprint of the last deploy. None
            if our code did not deploy it.
        commit: The git commit of that code, if recorded. A `+` follows if the code had
            changes that are in no commit.
        is_checked: An edit would be seen. If a stamp has no room for its fields, it
            would not.
        beside: Live fields that this code did not set, by name. They are in no output,
            since they may be secret.
    """

    state: CodeState
    fingerprint: str | None = None
    commit: str | None = None
    is_checked: bool = True
    beside: Mapping[str, Any] = field(
        default=EMPTY, repr=False, metadata={"is_wire": False}
    )


@frozen
class SameCode:
    """The comparison of a workflow in two environments.

    Attributes:
        key: Name of the workflow.
        verdict: Whether it is the same code.
        reasons: Why it is not, in words. Empty if it is.
        here: Its code in the one environment.
        there: Its code in the other one.
        notes: Differences that are not code, in words: fields that were set by hand.
    """

    key: str
    verdict: SameVerdict
    reasons: tuple[str, ...]
    here: DeployedCode
    there: DeployedCode
    notes: tuple[str, ...] = ()


async def deployed_codes(
    session: Session, ids: Mapping[str, str]
) -> Mapping[str, DeployedCode]:
    """Return which code some workflows have in the environment of a client.

    Args:
        session: Sends the requests.
        ids: Their ids there, by name.
    """
    lives = await session.gather(
        [partial(get_workflow, workflow_id=one) for one in ids.values()]
    )
    return dict(zip(ids, map(deployed_code, lives), strict=True))


def deployed_code(live: Definition | None) -> DeployedCode:
    """Return which code a live workflow has, by its stamp."""
    if live is None:
        return DeployedCode("absent")
    stamp = genuine_stamp(live.stamp, live.id)
    if stamp is None:
        return DeployedCode("foreign")
    fields = fields_of_last_deploy(live, stamp)
    is_same = is_as_deployed(live, stamp)
    if is_same is None:
        return DeployedCode("deployed", stamp.unbound, stamp.commit, is_checked=False)
    state: CodeState = "deployed" if is_same else "edited"
    beside = {
        f"{block.kind} ({block.id[:8].lower()}).{name}": item
        for block in live.blocks
        for name, item in block.specs.items()
        if name not in fields[block.id.lower()]
    }
    return DeployedCode(state, stamp.unbound, stamp.commit, beside=beside)


def same_code(
    here: Mapping[str, DeployedCode], there: Mapping[str, DeployedCode]
) -> Sequence[SameCode]:
    """Compare the workflows of two environments.

    The unbound fingerprints are compared. So values and suffixes of titles may differ.
    """
    absent = DeployedCode("absent")
    found: list[SameCode] = []
    for key in sorted({**here, **there}):
        ours, theirs = here.get(key, absent), there.get(key, absent)
        verdict, reasons = _judge(ours, theirs)
        notes = tuple(_notes(ours, theirs))
        found.append(SameCode(key, verdict, reasons, ours, theirs, notes))
    return found


def _notes(here: DeployedCode, there: DeployedCode) -> Iterator[str]:
    """Describe fields that differ and that code does not set.

    Fields that the service fills in by itself are equal in both.
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


def _judge(
    here: DeployedCode, there: DeployedCode
) -> tuple[SameVerdict, tuple[str, ...]]:
    """Return the verdict, and the reasons if it is not the same code."""
    sides = {"here": here, "there": there}
    if here.fingerprint is None or there.fingerprint is None:
        words = {"absent": "not deployed", "foreign": "not deployed by our code"}
        reasons = tuple(
            f"{words[code.state]} {side}"
            for side, code in sides.items()
            if code.fingerprint is None
        )
        is_alone = [code.state for code in sides.values()].count("absent") == 1
        return "different" if is_alone else "unknown", reasons
    if edited := [side for side, code in sides.items() if code.state == "edited"]:
        where = " and ".join(edited)
        edit = f"edited on the service since it was deployed: {where}"
        return "different", (edit,)
    if here.fingerprint != there.fingerprint:
        ours, theirs = _describe_code(here), _describe_code(there)
        return "different", (f"the code deployed is {ours} here and {theirs} there",)
    if not (here.is_checked and there.is_checked):
        reason = (
            "the code deployed is the same; its stamp lists no fields, so an edit on "
            "the service would not show"
        )
        return "unknown", (reason,)
    return "same", ()


def _describe_code(code: DeployedCode) -> str:
    if not code.commit:
        return f"{code.fingerprint}"
    mark = ", with changes in no commit" if code.commit.endswith(UNCOMMITTED) else ""
    return f"{code.fingerprint} (commit {code.commit[:12]}{mark})"
