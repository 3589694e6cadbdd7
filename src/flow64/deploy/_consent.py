"""What was agreed to by name, and what a plan needs of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import field, frozen

from ..errors import (
    OTHER_ENVIRONMENT,
    ArgumentError,
    PlanRefusedError,
    PruneError,
    did_you_mean,
    shortened,
)
from ..plan import FLAGS, Consent, Plan, Step, format_flags
from ..text import printable
from ._data_loss import is_as_deployed
from ._history import Reason, Saved

Doing: TypeAlias = Literal["create", "update", "stamp", "delete"]


def _names(given: Any) -> frozenset[str]:
    if isinstance(given, str):
        problem = f"a list of keys is wanted, not the text {given!r}"
        raise ArgumentError("Agreement", problem)
    names = frozenset(given)
    if not all(isinstance(name, str) for name in names):
        raise ArgumentError("Agreement", f"{shortened(given)} are no keys")
    return names


@frozen
class Agreement:
    """What somebody agreed to, workflow by workflow.

    Attributes:
        force: Keys of workflows that may be overwritten, or deleted, although somebody
            edited them on the service, other code deployed them, or not all of what is
            there can be saved.
        behind: Keys of workflows that newer code deployed, and that may be overwritten
            or deleted; also of those that it may have deployed, and that may be
            deleted.
        create: Keys of workflows that are new, although one like them is left behind.
        allow_spend: Keys of workflows that may buy as soon as they are written.
        prune: How many workflows that code has no more are to be deleted; None deletes
            none.
        skip_drifted: Whether to leave alone what would be refused because of what is
            on the service, and to go on with the rest.
    """

    force: frozenset[str] = field(default=frozenset(), converter=_names)
    behind: frozenset[str] = field(default=frozenset(), converter=_names)
    create: frozenset[str] = field(default=frozenset(), converter=_names)
    allow_spend: frozenset[str] = field(default=frozenset(), converter=_names)
    prune: int | None = None
    skip_drifted: bool = False


NOTHING: Final = Agreement()


@frozen
class Job:
    """One step that writes, with all that it needs.

    Attributes:
        step: What was planned.
        doing: What is sent.
        reason: Why something is replaced, for the history.
        saved: What is saved of it first; None where nothing was there.
        lost: JSON pointers of what it replaces and cannot be saved.
    """

    step: Step
    doing: Doing
    reason: Reason
    saved: Saved | None = None
    lost: Sequence[str] = ()


def jobs_of(plan: Plan, agreed: Agreement) -> Sequence[Job]:
    """What is to be written, in order, deletions last.

    Raises:
        PlanRefusedError: It needs more than was agreed to.
        PruneError: Something is in the way of a deletion.
    """
    problems = [*_unknown(plan, agreed)]
    jobs: list[Job] = []
    for step in plan.steps:
        doing = _doing(step, agreed)
        if doing is None:
            problems += _refusal(step, agreed)
            continue
        if step.spends and step.key not in agreed.allow_spend:
            what = "; ".join(step.spends)
            problems.append(f"{step.key}: {what}; to allow it, add {_spend(step)}")
        jobs.append(Job(step, doing, _reason(step, doing)))
    deletions = [step for step in plan.victims if agreed.prune is not None]
    prune = [*_prune_problems(plan, agreed)]
    if problems:
        raise PlanRefusedError([*problems, *prune])
    if prune:
        raise PruneError(prune, [step.key for step in plan.victims])
    return [*jobs, *(Job(step, "delete", "pruned") for step in deletions)]


def find_skipped(plan: Plan, agreed: Agreement) -> Sequence[str]:
    """Keys of the workflows that are left alone although something is to be done."""
    return [step.key for step in plan.steps if _is_skipped(step, agreed)]


def is_lifted(step: Step, agreed: Agreement) -> bool:
    """Whether a step that is refused was agreed to by name."""
    if step.lifted_by is None or (step.sent is None and not step.may_prune):
        return False
    return not _lacking(step.key, step.consents, agreed)


def require_saved(jobs: Iterable[Job], agreed: Agreement) -> None:
    """Refuse to replace what cannot be saved whole, unless that is forced.

    A plan says so before. This is for what is known no sooner: a deletion of what holds
    one of the values, and what is brought back from the history.

    Raises:
        PlanRefusedError: Some text would be lost.
    """
    problems = [
        f"{job.step.key}: {describe_losses(job.lost)}; to allow it, add --force "
        f"{_quoted(job.step)}"
        for job in jobs
        if job.lost and job.step.key not in agreed.force
    ]
    if problems:
        raise PlanRefusedError(problems)


def describe_losses(places: Iterable[str]) -> str:
    """That texts would be lost, in words."""
    listed = ", ".join(places)
    return (
        f"{listed} cannot be saved and would be lost: it is text in the place of a "
        "secret"
    )


def _lacking(
    key: str, consents: Iterable[Consent], agreed: Agreement
) -> Sequence[Consent]:
    """What of all that is needed was not given."""
    return [one for one in consents if key not in getattr(agreed, one)]


def _doing(step: Step, agreed: Agreement) -> Doing | None:
    """What is sent for a step; None for nothing."""
    match step.action:
        case "create" | "update" | "stamp":
            return step.action
        case "refuse" if step.state != "orphan" and is_lifted(step, agreed):
            return "create" if step.live is None else "update"
        case _:  # a deletion too: those are judged together
            return None


def _is_skipped(step: Step, agreed: Agreement) -> bool:
    is_refused = step.action == "refuse" and not is_lifted(step, agreed)
    return is_refused and agreed.skip_drifted and step.may_skip


def _refusal(step: Step, agreed: Agreement) -> Iterator[str]:
    if step.action != "refuse" or step.state == "orphan" or _is_skipped(step, agreed):
        return  # deletions are judged together
    why = "; ".join(step.reasons) or f"it is {step.state}"
    if step.is_taken:
        yield f"{step.key}: {why}; {OTHER_ENVIRONMENT}; or leave it: --skip-drifted"
        return
    if step.consents:
        why += f"; to allow it, add {format_flags(step.key, step.consents)}"
    if step.may_skip:
        why += ", or skip it with --skip-drifted"
    yield f"{step.key}: {why}"


def _reason(step: Step, doing: Doing) -> Reason:
    if doing == "stamp":
        return "stamp"
    if step.target is None:
        return "restored"
    return "forced" if step.action == "refuse" and step.may_skip else "update"


def _prune_problems(plan: Plan, agreed: Agreement) -> Iterator[str]:
    """What is in the way of deleting what code has no more."""
    victims = plan.victims
    if agreed.prune is None:
        if any(step.action != "none" for step in victims):
            yield (
                f"the plan deletes {len(victims)}, without consent to that number; to "
                f"allow it, add --prune={len(victims)}"
            )
        return
    if plan.projects is None:
        yield (
            "it is not known what code has no more, since not all of the project was "
            "loaded; give the whole project"
        )
    if agreed.prune != len(victims):
        yield (
            f"{len(victims)} would be deleted, and {agreed.prune} were agreed to; to "
            f"allow it, add --prune={len(victims)}"
        )
    for step in victims:
        yield from _withheld(step, agreed)
        yield from describe_activity(step, agreed)


def _withheld(step: Step, agreed: Agreement) -> Iterator[str]:
    """What a deletion needs by name, and was not given."""
    consents: list[Consent] = [*step.consents]
    live = step.live.definition if step.live else None
    stamp = live.stamp if live else None
    if live and stamp and "force" not in consents and not is_as_deployed(live, stamp):
        consents.append("force")  # whatever the plan says, such as one from a file
    if lacking := _lacking(step.key, consents, agreed):
        why = "; ".join([*step.reasons, *step.not_checked])
        yield f"{step.key}: {why}; to allow it, add {format_flags(step.key, lacking)}"


def describe_activity(step: Step, agreed: Agreement) -> Iterator[str]:
    """Why a workflow is not deleted: something is at work with it, or may be."""
    for schedule in step.touched.schedules or ():
        name = printable(schedule.name or schedule.id)
        yield f"{step.key}: schedule {name} is active; delete it, or switch it off"
    for run in step.touched.runs or ():
        run_id = printable(run.id)
        yield f"{step.key}: run {run_id} is in flight; wait for it, or cancel it"
    if step.touched.is_idle is None and step.key not in agreed.force:
        yield (
            f"{step.key}: whether a schedule or a run uses it could not be checked; if "
            f"that is meant: --force {_quoted(step)}"
        )


def _unknown(plan: Plan, agreed: Agreement) -> Iterator[str]:
    """Names that were agreed to and that are in no plan, such as misspelled ones."""
    known = {step.key for step in plan.steps}
    for flag, option in FLAGS.items():
        for name in sorted(getattr(agreed, flag) - known):
            near = did_you_mean(name, known)
            yield f"{option} {shlex.quote(name)}: there is no such key{near}"


def _quoted(step: Step) -> str:
    return shlex.quote(step.key)


def _spend(step: Step) -> str:
    return f"--allow-spend {_quoted(step)}"
