"""Orphans and copies: workflows that flow64 deployed and that are not in the code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from ..api.calls import WorkflowInfo
from ..definition import (
    UNCOMMITTED,
    Definition,
    ProjectKey,
    Stamp,
    canonical_id,
    redact_for_storage,
    split_stamp,
)
from ..plan import WHY, Action, Consent, Step, is_pin, live_of
from ._consent import describe_losses
from ._data_loss import is_as_deployed
from ._git import check_ancestry
from ._steps import PlanContext, not_built_on
from ._target import key_of, owner_of, owner_path


@frozen
class Leftovers:
    """Listed workflows that are not in the code.

    Attributes:
        orphans: They have their own stamp, of a project that was loaded whole.
        copies: They have the stamp of another workflow.
    """

    orphans: Sequence[tuple[Stamp, WorkflowInfo]]
    copies: Sequence[tuple[Stamp, WorkflowInfo]]


def find_leftovers(
    context: PlanContext,
    listed: Mapping[str, WorkflowInfo],
    projects: Sequence[ProjectKey],
    env: str,
) -> Leftovers:
    """Find the orphans of some projects, and copies of what they deploy.

    Args:
        context: Of the plan.
        listed: All workflows of the service, by id.
        projects: The projects that were loaded whole.
        env: Name of the environment.
    """
    ours = {canonical_id(target.id) for target in context.targets}
    paths = {target.stamp.path for target in context.targets}
    owners = {owner_path(project, env) for project in projects}
    orphans: list[tuple[Stamp, WorkflowInfo]] = []
    copies: list[tuple[Stamp, WorkflowInfo]] = []
    for workflow_id, info in listed.items():
        _, stamp = split_stamp(info.description, workflow_id)
        if workflow_id in ours or stamp is None:
            continue
        if stamp.is_genuine(workflow_id):
            if owner_of(stamp.path) in owners:
                orphans.append((stamp, info))
        elif stamp.path in paths or owner_of(stamp.path) in owners:
            copies.append((stamp, info))
    # Keys depend on the order, and a service may change the order of its list.
    for found in (orphans, copies):
        found.sort(key=lambda one: (one[0].path, one[1].id))
    return Leftovers(orphans, copies)


def leftover_steps(
    context: PlanContext, found: Leftovers, lives: Sequence[Definition | None]
) -> Sequence[Step]:
    """Return the steps of orphans and then of copies.

    Args:
        context: Of the plan.
        found: The orphans and copies.
        lives: The definition of each orphan. None if it was deleted in the meantime.
    """
    files = {
        owner_of(one.stamp.path): one.file
        for one in reversed(context.targets)
        if one.file is not None
    }
    any_file = next((one.file for one in context.targets if one.file), None)
    used = {target.key for target in context.targets}
    steps = [
        _orphan_step(
            context,
            files.get(owner_of(stamp.path), any_file),
            _free_key(key_of(stamp.path), info.id, used),
            stamp,
            live,
        )
        for (stamp, info), live in zip(found.orphans, lives, strict=True)
        if live is not None
    ]
    why = "it carries the stamp of another workflow, so it is a copy of that"
    for stamp, info in found.copies:
        key = _free_key(f"{key_of(stamp.path)} (copy)", info.id, used)
        steps.append(Step(key, info.id, info.name, stamp.path, "copy", reasons=(why,)))
    hide = context.redaction.hide
    return [context.redact_words(evolve(one, name=hide(one.name))) for one in steps]


def _orphan_step(
    context: PlanContext, file: str | None, key: str, stamp: Stamp, live: Definition
) -> Step:
    """Return the step of an orphan, with the consents that its deletion needs.

    Args:
        context: Of the plan.
        file: A file of its project, else of any code. It tells the git repository.
        key: Its key in the plan.
        stamp: Its stamp.
        live: Its definition.
    """
    reasons, doubts = ["no longer in the code"], list[str]()
    consents: list[Consent] = []
    action: Action = "none"
    is_behind, doubt = check_ancestry(context.git, file, stamp)
    if is_behind and not context.branches:
        reasons = [WHY["behind"], not_built_on(stamp)]
        consents.append("behind")
    elif is_behind:
        reasons.append(not_built_on(stamp))
    elif doubt and _needs_consent(context, file, stamp):
        reasons.append(_why_unknown(context, file, stamp))
        consents.append("behind")
    else:
        doubts += doubt
    is_same = is_as_deployed(live, stamp)
    if is_same is None:
        doubts.append("whether it was edited since: its stamp had no room for fields")
    elif not is_same:
        reasons.append("it was edited on the service since it was deployed")
    gone = redact_for_storage(live, None, context.secrets).withheld
    if not is_same or gone:
        consents.append("force")
    if gone:
        reasons.append(describe_losses(gone))
    if is_pin(stamp.path):
        reasons.append("it is pinned: prune never takes it")
        consents, gone = [], ()
    elif context.prune:
        action = "refuse" if consents else "delete"
    return Step(
        key,
        str(live.id),
        live.name,
        stamp.path,
        "orphan",
        action,
        reasons=tuple(reasons),
        live=live_of(live),
        lifted_by=next(iter(consents), None),
        also=tuple(consents[1:]),
        lost=tuple(gone),
        not_checked=tuple(doubts),
    )


def _needs_consent(context: PlanContext, file: str | None, stamp: Stamp) -> bool:
    """Return True if deleting it needs consent because its commit is unknown.

    If neither side is in git, there is nothing to compare.
    """
    if context.branches or is_pin(stamp.path):
        return False
    return stamp.commit is not None or context.git.commit_of(file) is not None


def _why_unknown(context: PlanContext, file: str | None, stamp: Stamp) -> str:
    """Say why it is not known whether newer code deployed it."""
    if stamp.commit is None:
        return "its stamp names no commit: to delete it, agree by name"
    commit = stamp.commit.removesuffix(UNCOMMITTED)
    match context.git.relation(file, commit):
        case "unknown":
            why, way = "is not known here", "fetch, or agree by name"
        case "no-git":
            why, way = "is known to no git here", "to delete it, agree by name"
        case _:
            why = "it was deployed from a dirty working tree"
            return f"{why}: to delete it, agree by name"
    return f"its commit {commit:.12} {why}: {way}"


def _free_key(key: str, workflow_id: str, used: set[str]) -> str:
    """Return a key that no step has yet, with its id if needed, and mark it as used."""
    names = (key, f"{key} {workflow_id[:8]}", f"{key} {workflow_id}")
    name = next(name for name in names if name not in used)
    used.add(name)
    return name
