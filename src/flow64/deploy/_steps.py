"""The step of one workflow: its state, what a deploy does to it, and why.

Nothing here sends a request. Planning hands in what it read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from attrs import Factory, evolve, frozen

from ..analysis import effects
from ..definition import (
    EMPTY,
    BoundSecret,
    Definition,
    Stamp,
    bound_secrets,
    redact_for_display,
    secrets_of,
    thaw,
    walk,
)
from ..diff import Change, LiveSetting, consequences, find_settings
from ..errors import TAKEN
from ..plan import ABSENT_BASE, WHY, Held, State, Step, Target, live_of
from ..redaction import Secrets
from ._consent import describe_losses
from ._data_loss import find_losses
from ._drift import (
    Judgement,
    changes_between,
    copy_block_names,
    fields_of,
    is_known,
    judge,
    managed_fields,
    merge_live,
    prepare_for_display,
    short_fingerprint,
    spends_when_written,
)
from ._git import Ancestry, Git, check_ancestry
from ._renames import describe_lost_renames
from ._target import describe_owner, merge_target

Bases = Callable[[str], Definition | None]
"""Finds a definition, values filled in, by the first 16 digits of a fingerprint."""


def no_base(_: str) -> Definition | None:
    """Find no definition."""
    return None


@frozen
class PlanContext:
    """Options and secrets that the steps of one plan share; see `make_plan`."""

    targets: Sequence[Target]
    branches: bool = False
    prune: bool = False
    prices: Mapping[str, float] = EMPTY
    git: Ancestry = Factory(Git)
    bases: Bases = no_base
    hidden: Sequence[BoundSecret] = ()

    @cached_property
    def secrets(self) -> Sequence[BoundSecret]:
        """The secrets of all targets, and the hidden ones. Applying knows the same."""
        bound = bound_secrets(target.definition for target in self.targets)
        return [*bound, *self.hidden]

    @cached_property
    def redaction(self) -> Secrets:
        """Redacts all these secrets."""
        return secrets_of((), self.secrets)

    def redact_words(self, step: Step) -> Step:
        """Redact the texts of a step: a field may be named like a secret."""
        within = self.redaction.redact
        return evolve(
            step,
            reasons=tuple(map(within, step.reasons)),
            lost=tuple(map(within, step.lost)),
            unmanaged=tuple(map(within, step.unmanaged)),
            spends=tuple(map(within, step.spends)),
            not_checked=tuple(map(within, step.not_checked)),
        )

    # -- A workflow that is live -------------------------------------------------------

    def compare(self, target: Target, live: Definition) -> Step:
        """Return the step of a target that is live."""
        return self.redact_words(self._compare(target, live))

    def _compare(self, target: Target, live: Definition) -> Step:
        code = target.definition
        found = judge(code, live, target.stamp, target.pulled)
        settings = self._find_settings(code, live, found)
        if found.state == "unchanged":
            step = unchanged_step(target, found.unmanaged)
            return evolve(step, settings=settings, live=live_of(live))
        sent = merge_target(target, live, found.sent)
        step = evolve(
            _step(target, found.state),
            live=live_of(live),
            sent=Held(sent),
            unmanaged=tuple(found.unmanaged),
            settings=settings,
            spends=tuple(spends_when_written(sent)),
        )
        if found.state == "converged":
            reasons = [_why_stamp(found)]
            if step.spends:
                reasons.append(
                    "this writes its description alone; whether that buys is not "
                    "documented"
                )
            return evolve(step, action="stamp", reasons=tuple(reasons))
        shown = prepare_for_display(live, code, self.hidden)
        then = merge_live(code, shown, sent=found.sent)
        step = evolve(
            step,
            changes=changes_between(shown, code, managed_fields(code, found.sent)),
            consequences=tuple(
                consequences(shown, then, prices=self.prices, written=("after",))
            ),
            effects=str(effects(then)),
        )
        step = self._decide(step, target, live, found)
        if not found.is_others:
            lost_renames = describe_lost_renames(target, live)
            step = evolve(step, reasons=(*step.reasons, *lost_renames))
        losses = find_losses(target, live, self.secrets, found)
        return _refuse_losses(step, losses)

    def _find_settings(
        self, code: Definition, live: Definition, found: Judgement
    ) -> tuple[LiveSetting, ...]:
        """Return the unmanaged fields that change what a run costs or does."""
        if not found.unmanaged:
            return ()
        shown = merge_live(
            code, prepare_for_display(live, code, self.hidden), sent=found.sent
        )
        return tuple(find_settings(code, shown, self.prices))

    def _decide(
        self,
        step: Step,
        target: Target,
        live: Definition,
        found: Judgement,
    ) -> Step:
        """Decide what to do with a workflow that differs, and say why."""
        reasons = [_why(target, found, live)]
        last = found.last
        if last is None or found.is_others:
            if found.is_others and not found.is_untouched:
                reasons.append("it was edited on the service since then")
            elif last is None and live.stamp is not None:
                reasons.append(
                    f"it carries the stamp of {live.stamp.path}, and not its own"
                )
            return evolve(
                step, action="refuse", lifted_by="force", reasons=tuple(reasons)
            )
        if last is target.pulled:
            reasons.append("the last deploy is what was recorded when it was pulled")
        doubts: list[str] = []
        if not is_known(last, found.sent):
            doubts.append(
                "fields that code set before and no longer sets: its stamp had no room"
            )
        is_behind, doubt = self._check_ancestry(target, last)
        doubts += doubt
        if is_behind:
            reasons.append(not_built_on(last))
        step = evolve(step, action="update")
        if found.is_untouched:
            step = evolve(step, base="stamp")
            if is_behind and not self.branches:
                reasons[0] = WHY["behind"]
                step = evolve(step, state="behind", action="refuse", lifted_by="behind")
        else:
            step = evolve(step, action="refuse", lifted_by="force")
            edits = self._find_edits(target, live, found, last)
            if edits is None:
                doubts.append(ABSENT_BASE)
            else:
                step = evolve(step, base="found", edits=edits)
        return evolve(step, reasons=tuple(reasons), not_checked=tuple(doubts))

    def _check_ancestry(
        self, target: Target, last: Stamp
    ) -> tuple[bool, Sequence[str]]:
        """Return whether newer code deployed it, and why that is not known."""
        if last is target.pulled:
            return False, ()
        return check_ancestry(self.git, target.file, last)

    def _find_edits(
        self, target: Target, live: Definition, found: Judgement, last: Stamp
    ) -> tuple[Change, ...] | None:
        """Return the edits on the service since the last deploy; None if unknown."""
        base = self._find_base(last)
        if base is None:
            return None
        code, ours = target.definition, fields_of(base)
        names = {
            ref: known | ours.get(ref, frozenset()) for ref, known in found.sent.items()
        }
        seen = redact_for_display(prepare_for_display(live, code), base, self.hidden)
        base = redact_for_display(base, seen, self.hidden)
        old, new = copy_block_names(base, code), copy_block_names(seen, code)
        return changes_between(old, new, {**ours, **names}, ())

    def _find_base(self, last: Stamp) -> Definition | None:
        """Return the definition that was deployed last; None if it is not found."""
        for mark in (last.unbound, last.bound):
            base = self.bases(mark)
            if base is not None and short_fingerprint(base) == last.bound:
                return base
        return None


def _why(target: Target, found: Judgement, live: Definition) -> str:
    """Return the first reason: what changed, and by whom."""
    last, stamp = found.last, target.stamp
    if last is not None and found.is_others:
        other = describe_owner(last.path)
        return f"other code deployed it, and it is not what yours says: {other}"
    if last is None or last.unbound != stamp.unbound:
        return WHY[found.state]
    if found.state == "conflict":
        return "it was edited on the service, and a value has changed as well"
    if found.state != "update" or last.bound == stamp.bound:
        return WHY[found.state]
    names = _changed_secrets(target.definition, live)
    if not names:
        return "a value of the environment, or the suffix of its title, has changed"
    return f"{'a value has' if len(names) == 1 else 'values have'} changed: " + (
        ", ".join(names)
    )


def _changed_secrets(code: Definition, live: Definition) -> Sequence[str]:
    """Return the names of the secrets that another text is live in place of."""
    there = {block.id.lower(): block.specs for block in live.blocks}
    return sorted(
        {
            item.value.name
            for block in code.blocks
            for old in [dict(walk(there.get(block.id.lower(), EMPTY)))]
            for path, item in walk(block.specs)
            if isinstance(item, BoundSecret)
            and thaw(old.get(path)) != thaw(item.content)
        }
    )


def _why_stamp(found: Judgement) -> str:
    """Say why the stamp alone is written."""
    if found.last is not None and found.is_others:
        owner = describe_owner(found.last.path)
        return f"it is what the code says; the stamp of {owner} goes"
    if found.last is None:
        return "it is what the code says, and no code of yours deployed it"
    return WHY["converged"]


def not_built_on(stamp: Stamp) -> str:
    """Say that the code does not contain the commit of a stamp."""
    commit = f"{stamp.commit:.12}"
    return f"your code is not built on commit {commit} that deployed it"


def _refuse_losses(step: Step, places: Sequence[str]) -> Step:
    """Refuse a step that would lose text, unless that is agreed to by name."""
    if not places:
        return step
    reasons = (*step.reasons, describe_losses(places))
    step = evolve(step, lost=tuple(places), reasons=reasons)
    if step.action != "refuse":
        return evolve(step, action="refuse", lifted_by="force")
    return step if "force" in step.consents else evolve(step, also=("force",))


# -- A workflow that is not live, or that was not read ---------------------------------


def _step(target: Target, state: State) -> Step:
    return Step(
        target.key, target.id, target.name, target.stamp.path, state, target=target
    )


def unchanged_step(target: Target, unmanaged: Sequence[str]) -> Step:
    """Return the step of a target that live and stamp are equal to."""
    return evolve(_step(target, "unchanged"), unmanaged=tuple(unmanaged))


def missing_step(target: Target) -> Step:
    """Return the step of a target that is not live: create it, unless it is pinned."""
    if target.is_pinned:
        why = (
            "it is pinned to a workflow that is not there, or that is not shown to you"
        )
        return evolve(_step(target, "absent"), action="refuse", reasons=(why,))
    code = target.definition
    reasons = [WHY["new"]]
    if code.is_key_derived:
        reasons.append(
            "its key is made of its title: another title is another workflow"
        )
    return evolve(
        _step(target, "new"),
        action="create",
        reasons=tuple(reasons),
        sent=Held(merge_target(target, None)),
        spends=tuple(spends_when_written(code)),
        effects=str(effects(code)),
    )


def forbidden_step(target: Target) -> Step:
    """Return the step of a target that the service has and does not show."""
    if target.is_pinned:
        return missing_step(target)
    return evolve(_step(target, "foreign"), action="refuse", reasons=(TAKEN,))
