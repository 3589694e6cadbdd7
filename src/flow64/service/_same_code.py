"""Is production what staging ran? Answered from the stamps of both, without code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from attrs import frozen

from ..definition import Definition
from ._state import reduced, short
from .api import Conversation, get_workflow

Condition: TypeAlias = Literal["absent", "foreign", "edited", "deployed"]
"""absent: not there. foreign: without a genuine stamp of ours. edited: changed on the
service since it was deployed. deployed: as it was deployed."""

Verdict: TypeAlias = Literal["same", "different", "unknown"]
"""Whether it is the same code; the first two are certain."""


@frozen
class DeployedCode:
    """Which code a workflow has in one environment.

    Attributes:
        condition: What is the case.
        fingerprint: First 16 digits of the unbound fingerprint, of what was deployed
            last; None where no code of ours was.
        commit: The git commit of that code, where it is on record.
        is_checked: Whether an edit would show: a stamp with many fields lists none.
    """

    condition: Condition
    fingerprint: str | None = None
    commit: str | None = None
    is_checked: bool = True


@frozen
class SameCode:
    """Whether a workflow is the same code in two environments.

    Attributes:
        key: What the workflow is called.
        verdict: Whether it is.
        reason: Why, in words; empty where it is the same.
        here: What the one environment has.
        there: What the other one has.
    """

    key: str
    verdict: Verdict
    reason: str
    here: DeployedCode
    there: DeployedCode


def deployed_codes(ids: Mapping[str, str]) -> Conversation[Mapping[str, DeployedCode]]:
    """Which code some workflows have in the environment of the client that plays this.

    Args:
        ids: Their ids there, by what they are called.
    """
    found: dict[str, DeployedCode] = {}
    for key, workflow_id in ids.items():
        live = yield from get_workflow(workflow_id)
        found[key] = deployed_code(live)
    return found


def deployed_code(live: Definition | None) -> DeployedCode:
    """Which code a live workflow has, by its stamp."""
    if live is None:
        return DeployedCode("absent")
    stamp = live.stamp
    if stamp is None or not stamp.is_genuine(live.id or ""):
        return DeployedCode("foreign")
    if stamp.fields is None:
        return DeployedCode("deployed", stamp.unbound, stamp.commit, is_checked=False)
    none = frozenset[str]()
    fields = {
        block.id.lower(): stamp.fields_of(block.id) or none for block in live.blocks
    }
    is_same = short(reduced(live, fields)) == stamp.bound
    condition: Condition = "deployed" if is_same else "edited"
    return DeployedCode(condition, stamp.unbound, stamp.commit)


def same_code(
    here: Mapping[str, DeployedCode], there: Mapping[str, DeployedCode]
) -> Sequence[SameCode]:
    """Compare what two environments have, workflow by workflow.

    Two that were bound to other values, and have other titles by their suffix, are the
    same code all the same: it is the unbound fingerprints that are compared.
    """
    absent = DeployedCode("absent")
    keys = sorted({**here, **there})
    return [_compared(k, here.get(k, absent), there.get(k, absent)) for k in keys]


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
    commit = f" (commit {code.commit[:12]})" if code.commit else ""
    return f"{code.fingerprint}{commit}"
