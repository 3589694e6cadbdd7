"""Consent: what was agreed to by name, and what a plan needs."""

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
from ..text import pluralize, printable
from ._data_loss import is_as_deployed
from ._history import Reason, Saved

Doing: TypeAlias = Literal["create", "update", "stamp", "delete"]


def _names(given: Any) -> frozenset[str]:
    if isinstance(given, str):
        problem = f"a list of keys is wanted, not the text {given!r}"
        raise ArgumentError("Agreement", problem)
    names = frozenset(given)
    if not all(isinstance(name, str) for name in names):
        raise ArgumentError("Agreement", f"{shortened(given)} are not keys")
    return names


@frozen
class Agreement:
    """Consent that was given, by the keys of workflows.

    Attributes:
        force: Workflows that may be overwritten or deleted although they were edited
            on the service, were deployed by other code, or cannot be saved completely.
        behind: Workflows that may be overwritten or deleted although newer code
            deployed them, or may have deployed them.
        create: Workflows that are new although an orphan is like them.
        allow_spend: Workflows that may buy as soon as they are written.
        prune: How many orphans to delete. None deletes none.
        skip_drifted: Leave alone the workflows that would be refused for their state on
            the service, and deploy the rest.
    """

    force: frozenset[str] = field(default=frozenset(), converter=_names)
    behind: frozenset[str] = field(default=frozenset(), converter=_names)
    create: frozenset[str] = field(default=frozenset(), converter=_names)
    allow_spend: frozenset[str] = field(default=frozenset(), converter=_names)
    prune: int | None = None
    skip_drifted: bool = False


NOTHING: Final = Agreement()


@frozen
class PlannedWrite:
    """A write or deletion that a plan needs and that was agreed to.

    Attributes:
        step: The step of the plan.
        doing: What is sent.
        reason: Why something is replaced, for the history.
        saved: What is saved first. None if nothing is replaced.
        lost: JSON pointers of texts that are replaced and cannot be saved.
    """

    step: Step
    doing: Doing
    reason: Reason
    saved: Saved | None = None
    lost: Sequence[str] = ()


def jobs_of(plan: Plan, agreed: Agreement) -> Sequence[PlannedWrite]:
    """Return the writes of a plan in their order, and then its deletions.

    Raises:
        PlanRefusedError: It needs more than was agreed to.
        PruneError: A deletion is not possible now.
    """
    problems = [*_unknown_keys(plan, agreed)]
    jobs: list[PlannedWrite] = []
    arguments = {one.key: one.arguments for one in plan.renames}
    for step in plan.steps:
        doing = _doing(step, agreed)
        if doing is None:
            problems += _refusals(step, agreed, arguments.get(step.key, ()))
            continue
        if step.spends and step.key not in agreed.allow_spend:
            what = "; ".join(step.spends)
            problems.append(
                f"{step.key}: {what}; to allow it, add --allow-spend "
                f"{shlex.quote(step.key)}"
            )
        jobs.append(PlannedWrite(step, doing, _reason(step, doing)))
    deletions = [step for step in plan.victims if agreed.prune is not None]
    prune = [*_prune_problems(plan, agreed)]
    if problems:
        raise PlanRefusedError([*problems, *prune])
    if prune:
        raise PruneError(prune, [step.key for step in plan.victims])
    return [*jobs, *(PlannedWrite(step, "delete", "pruned") for step in deletions)]


def list_left_alone(plan: Plan, agreed: Agreement) -> Sequence[str]:
    """Return the keys of the workflows that `skip_drifted` leaves alone."""
    return [step.key for step in plan.steps if _is_skipped(step, agreed)]


def is_lifted(step: Step, agreed: Agreement) -> bool:
    """Return True if a refused step was agreed to by name."""
    if step.lifted_by is None or (step.sent is None and not step.may_prune):
        return False
    return not _lacking(step.key, step.consents, agreed)


def require_no_losses(jobs: Iterable[PlannedWrite], agreed: Agreement) -> None:
    """Refuse to lose text that cannot be saved, unless that is forced.

    A plan has this refusal too. Some losses are only known now: those of a deletion of
    a workflow that holds one of the values, and those of a restore.

    Raises:
        PlanRefusedError: Some text would be lost.
    """
    problems = [
        f"{job.step.key}: {describe_losses(job.lost)}; to allow it, add --force "
        f"{shlex.quote(job.step.key)}"
        for job in jobs
        if job.lost and job.step.key not in agreed.force
    ]
    if problems:
        raise PlanRefusedError(problems)


def describe_losses(places: Iterable[str]) -> str:
    """Say that texts would be lost."""
    listed = ", ".join(places)
    return (
        f"{listed} cannot be saved and would be lost: it is text in the place of a "
        "secret"
    )


def _lacking(
    key: str, consents: Iterable[Consent], agreed: Agreement
) -> Sequence[Consent]:
    """Return the consents that were not given."""
    return [one for one in consents if key not in getattr(agreed, one)]


def _doing(step: Step, agreed: Agreement) -> Doing | None:
    """Return what is sent for a step. None for nothing."""
    match step.action:
        case "create" | "update" | "stamp":
            return step.action
        case "refuse" if step.state != "orphan" and is_lifted(step, agreed):
            return "create" if step.live is None else "update"
        case _:  # deletions too: they are checked together
            return None


def _is_skipped(step: Step, agreed: Agreement) -> bool:
    is_refused = step.action == "refuse" and not is_lifted(step, agreed)
    return is_refused and agreed.skip_drifted and step.may_skip


def _refusals(step: Step, agreed: Agreement, was: Sequence[str]) -> Iterator[str]:
    if step.action != "refuse" or step.state == "orphan" or _is_skipped(step, agreed):
        return  # deletions are checked together
    why = "; ".join(step.reasons) or f"it is {step.state}"
    if was:
        which = "the key that it had, as in " if len(was) > 1 else ""
        why += f"; to keep its ids, write {which}{was[0]}"
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
    """Describe why the orphans of a plan cannot be deleted."""
    victims = plan.victims
    if agreed.prune is None:
        if any(step.action != "none" for step in victims):
            yield (
                f"the plan deletes {pluralize(len(victims), 'workflow')}; to allow "
                f"it, add --prune={len(victims)}"
            )
        return
    if plan.projects is None:
        yield (
            "it is not known what code has no more, since not all of the project was "
            "loaded; give the whole project"
        )
    if agreed.prune != len(victims):
        way = f"to allow it, add --prune={len(victims)}" if victims else "leave it out"
        number = pluralize(len(victims), "workflow") if victims else "nothing"
        are = "are" if len(victims) > 1 else "is"
        yield f"{number} {are} to be deleted, and --prune says {agreed.prune}; {way}"
    for step in victims:
        yield from _missing_consents(step, agreed)
        yield from describe_activity(step, agreed)


def _missing_consents(step: Step, agreed: Agreement) -> Iterator[str]:
    """Describe the consents that a deletion needs and that were not given."""
    consents: list[Consent] = [*step.consents]
    live = step.live.definition if step.live else None
    stamp = live.stamp if live else None
    if live and stamp and "force" not in consents and not is_as_deployed(live, stamp):
        consents.append(
            "force"
        )  # even if the plan, such as one from a file, needs none
    if lacking := _lacking(step.key, consents, agreed):
        why = "; ".join([*step.reasons, *step.not_checked])
        yield f"{step.key}: {why}; to allow it, add {format_flags(step.key, lacking)}"


def describe_activity(step: Step, agreed: Agreement) -> Iterator[str]:
    """Describe why a workflow in use, or perhaps in use, is not deleted."""
    for schedule in step.touched.schedules or ():
        name = printable(schedule.name or schedule.id)
        yield f"{step.key}: schedule {name} is active; delete it, or switch it off"
    for run in step.touched.runs or ():
        run_id = printable(run.id)
        yield f"{step.key}: run {run_id} is in flight; wait for it, or cancel it"
    if step.touched.is_idle is None and step.key not in agreed.force:
        yield (
            f"{step.key}: whether a schedule or a run uses it could not be checked; if "
            f"that is meant: --force {shlex.quote(step.key)}"
        )


def _unknown_keys(plan: Plan, agreed: Agreement) -> Iterator[str]:
    """Describe agreed keys that are not in the plan, such as misspelled ones."""
    known = {step.key for step in plan.steps}
    for flag, option in FLAGS.items():
        for name in sorted(getattr(agreed, flag) - known):
            near = did_you_mean(name, known)
            yield f"{option} {shlex.quote(name)}: there is no such key{near}"
