"""Make a plan: read what the service has, and say what a deploy would do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Final

from attrs import define, evolve, field, frozen

from ..api import answers, calls, threads
from ..api.session import Session
from ..definition import (
    EMPTY,
    UNCOMMITTED,
    Definition,
    ProjectKey,
    Stamp,
    Values,
    canonical_id,
    genuine_stamp,
    hide_secrets,
    secret_names,
    secret_places,
    secret_texts,
    split_stamp,
)
from ..diff import compare
from ..diff.advice import advise
from ..errors import ApiError, BuildError, NotFoundError
from . import renames, schedules
from .git import Git, check_ancestry
from .history import Saved, history_error
from .judge import Judgement, content_of, find_places, is_as_deployed, judge, merge_live
from .plan import Need, Plan, Step, seal_of
from .target import Target, describe_owner, is_pin, key_of, owner_of, owner_paths


def make_plan(
    session: Session,
    targets: Iterable[Target],
    *,
    env: str,
    endpoint: str,
    label: str | None = None,
    values: Values | None = None,
    projects: Iterable[ProjectKey] | None = None,
    left_out: Iterable[str] = (),
    environments: Collection[str] | None = None,
    organisation: str | None = None,
    prices: Mapping[str, float] = EMPTY,
    git: Git | None = None,
) -> Plan:
    """Read what the service has, and say what a deploy would do. Only reads are sent.

    Each target is read. The list of workflows shows orphans and renames. It is read if
    orphans are looked for, or if a target is new.

    Args:
        session: Sends the requests.
        targets: The wanted workflows. Ids and keys are unique.
        env: Name of the environment in ids.
        endpoint: Name of the endpoint, as in journals.
        label: The name of the environment now, if it has another one in ids.
        values: The values of the environment, to compare and to hide secrets.
        projects: The projects that were loaded whole. Workflows that they deployed and
            that are no longer in the code are orphans. None looks for no orphans.
        left_out: Ids of other workflows of these projects, if the targets are only a
            part of them. Such a plan has no orphans, but it knows renames.
        environments: Names of all environments. A workflow of another environment is
            no rename then. None takes every environment as known.
        organisation: The organisation that the credential must belong to, if known.
        prices: Dollars for one row by kind, in place of the documented ones.
        git: Knows the commits. None asks git.

    Raises:
        BuildError: Two targets have one id or one key.
        ApiError: The service refused to show a workflow.
        TransportError: It cannot be reached.
    """
    wanted, values = tuple(targets), Values() if values is None else values
    _require_unique(wanted)
    names = {name for target in wanted for name in secret_names(target.definition)}
    session.secrets.add(secret_texts(values, names))
    plan = Plan(
        env,
        endpoint,
        (),
        label or env,
        organisation=organisation,
        prices=prices,
        unset=sorted(name for name in names if not values.has_content(name)),
    )
    return _Maker(
        session,
        wanted,
        plan,
        values,
        Git() if git is None else git,
        None if projects is None else tuple(projects),
        frozenset(map(canonical_id, left_out)),
        environments,
    ).make()


def _require_unique(targets: Sequence[Target]) -> None:
    ids: dict[str, str] = {}
    keys: set[str] = set()
    for target in targets:
        name = f"{target.key!r} ({target.definition.place})"
        if other := ids.get(canonical_id(target.id)):
            problem = f"{other} and {name} have one id, {target.id}"
            raise BuildError(problem, hint="take was= or the pin out of one of them")
        if target.key in keys:
            problem = f"two workflows are called {target.key!r}"
            raise BuildError(problem, hint="give each a key of its own")
        ids[canonical_id(target.id)] = name
        keys.add(target.key)


@frozen
class _Listed:
    """A workflow of the list that our code may have deployed."""

    stamp: Stamp
    info: answers.WorkflowInfo

    @property
    def path(self) -> str:
        return self.stamp.path


@define
class _Maker:
    """Adds the steps to a plan; see `make_plan`."""

    session: Session
    targets: Sequence[Target]
    plan: Plan
    values: Values
    git: Git
    projects: tuple[ProjectKey, ...] | None
    left_out: frozenset[str]
    environments: Collection[str] | None
    not_checked: list[str] = field(factory=list[str])

    def make(self) -> Plan:
        """Return the plan, with the steps of targets, then those of orphans."""
        jobs = [partial(self._plan_target, target) for target in self.targets]
        steps: Sequence[Step] = threads.gather(jobs)
        has_new = any(map(renames.is_new, steps))
        orphans: Sequence[Step] = ()
        is_whole = self.projects is not None and not self.left_out
        if self.projects is not None and (has_new or not self.left_out):
            orphans = [*self._plan_orphans(self._listed or ())]
        if has_new:
            steps = self._hold_renames(steps, orphans)
        steps = [*steps, *(orphans if is_whole else ())]
        lives = schedules.list_for(self.session, steps)
        if isinstance(lives, ApiError):
            problem = f"their list answered {lives.status}"
            self.not_checked.append(f"schedules: {problem}")
        facts = lives, self.plan.prices, datetime.now(UTC)
        timed = [schedules.plan(self.session, step, *facts) for step in steps]
        return evolve(
            self.plan,
            steps=map(_hold_purchases, timed),
            is_whole=is_whole and self._listed is not None,
            not_checked=tuple(self.not_checked),
        )

    def _hold_renames(
        self, steps: Sequence[Step], orphans: Sequence[Step]
    ) -> Sequence[Step]:
        listed, projects = self._listed or (), self.projects or ()
        paths = [item.path for item in listed]
        owners = renames.find_old_owners(steps, paths, projects, self.environments)
        gone = {orphan.id: orphan.before for orphan in orphans if orphan.before}
        if all(len({*names}) == 1 for names in owners.values()):
            old = {owner for names in owners.values() for owner in names}
            moved = [item for item in listed if owner_of(item.path) in old]
            gone |= {info.id: live for info, live in self._read_all(moved)}
        kept = [item.path for item in listed if item.info.id not in gone]
        texts, env = self._list_texts, self.plan.label
        return renames.hold_renames(steps, gone, owners, env, texts, kept=kept)

    @cached_property
    def _listed(self) -> Sequence[_Listed] | None:
        """What has a genuine stamp; None if the service refuses the list.

        Raises:
            NotFoundError: The endpoint is wrong, since it has no list of workflows.
        """
        try:
            workflows = calls.list_workflows(self.session)
        except ApiError as error:
            if error.status != 403:
                raise
            problem = f"the list of workflows answered {error.status}"
            self.not_checked.append(f"orphans and renames: {problem}")
            return None
        stamps = [(split_stamp(w.description, w.id)[1], w) for w in workflows]
        listed = [_Listed(stamp, info) for stamp, info in stamps if stamp]
        genuine = [item for item in listed if item.stamp.is_genuine(item.info.id)]
        return sorted(genuine, key=lambda item: (item.path, item.info.id))

    # -- Targets -----------------------------------------------------------------------

    def _plan_target(self, target: Target) -> Step:
        """Read a target, and return its step.

        The list does not say that a target is new: it may lag behind, or show the
        workflows of one team alone. The plan would then hide what is overwritten.
        """
        try:
            info = calls.read_workflow(self.session, target.id)
        except NotFoundError:
            step = self._plan_new(target)
        except ApiError as error:
            if error.status != 403 or self._listed is None:
                raise  # a key that may read nothing shows nothing about this id
            step = evolve(
                self._plan_new(target),
                state="foreign",
                action="none",
                note="taken",
                refusal=_TAKEN,
            )
        else:
            live = calls.require_definition(info)
            step = self._plan_live(target, live, info.updated_at)
        return step

    def _plan_new(self, target: Target) -> Step:
        code = target.definition
        after = hide_secrets(code, secret_places(code), self.values)
        step = Step(target.key, target.id, "new", target=target, after=after)
        if target.is_pinned:
            refusal = (
                "it is pinned to a workflow that is not there, or not shown to this "
                "key; correct the pin, or the key"
            )
            return evolve(step, refusal=refusal)
        return evolve(step, action="create")

    def _plan_live(
        self, target: Target, live: Definition, updated_at: str | None
    ) -> Step:
        """Return the step of a target that is live."""
        code, judgement = target.definition, judge(target, live, self.values)
        places = find_places(live, code)
        before = hide_secrets(live, places, self.values)
        merged = merge_live(code, live, judgement.sent)
        after = hide_secrets(merged, places, self.values)
        doubts = [f"secret {name}: it is not set here" for name in judgement.unset]
        step = Step(
            target.key,
            target.id,
            judgement.state,
            target=target,
            before=before,
            after=after,
            sent=judgement.sent,
            unmanaged=tuple(judgement.unmanaged),
            counts=bool(judgement.unmanaged) and self._changes_runs(code, merged),
            not_checked=tuple(doubts),
            seal=seal_of(live),
            updated_at=updated_at,
        )
        if judgement.state == "unchanged":
            return step
        texts = self._list_texts(target, judgement.last)
        step = evolve(step, advice=advise(before, after, names=texts))
        if judgement.is_equal and not judgement.secrets:
            return evolve(step, action="stamp")
        return self._decide(evolve(step, action="update"), target, judgement)

    def _list_texts(self, target: Target | None, last: Stamp | None) -> Iterator[str]:
        """Yield texts of the code that was deployed last. Git is asked if needed."""
        if target is not None and last is not None and last.commit is not None:
            commit = last.commit.removesuffix(UNCOMMITTED)
            yield from self.git.list_texts(target.file, commit)

    def _changes_runs(self, code: Definition, merged: Definition) -> bool:
        """Return True if live fields of no code change what a run costs or does."""
        changes = compare.compare_definitions(code, merged, self.plan.prices).changes
        heads = {"cost", "spends", "buys", "delivers"}
        return any(path[0] in heads for path in changes)

    def _decide(self, step: Step, target: Target, judgement: Judgement) -> Step:
        """Return the step of a workflow that differs, with what it needs, and why."""
        last = judgement.last
        if last is None or judgement.is_others:
            note = "no code of yours deployed it"
            if last is not None:
                note = f"deployed by {describe_owner(last.path)}"
            return evolve(step, note=note, needs=("force",))
        notes, doubts = [_NOTES.get(judgement.state, "")], [*step.not_checked]
        base = target.definition if last.bound == target.stamp.bound else None
        is_newer = False
        if last is not target.pulled:
            is_newer, doubt = check_ancestry(
                self.git, target.file, last, is_local=self.session.is_local
            )
            doubts += doubt
        if last.sent is None and not any(judgement.sent.values()):
            doubts.append("fields that code set before: its stamp had no room")
        state = judgement.state
        if is_newer:
            commit = f"{last.commit:.12}"
            notes.append(f"deployed from {commit}, which this code is not built on")
            state = "conflict"
        needs: tuple[Need, ...] = ("force",)
        return evolve(
            step,
            state=state,
            note="; ".join(filter(None, notes)),
            needs=needs if state in ("drifted", "conflict") else (),
            base=base if judgement.state == "drifted" else None,
            not_checked=tuple(doubts),
        )

    # -- Orphans -----------------------------------------------------------------------

    def _plan_orphans(self, listed: Sequence[_Listed]) -> Iterator[Step]:
        ours = {canonical_id(target.id) for target in self.targets} | self.left_out
        owners = owner_paths(self.projects or (), {self.plan.env, self.plan.label})
        orphans = [
            item
            for item in listed
            if canonical_id(item.info.id) not in ours
            and owner_of(item.path) in owners
            and not is_pin(item.path)
        ]
        used = {target.key for target in self.targets}
        for info, live in self._read_all(orphans):
            if stamp := genuine_stamp(live.stamp, live.id):
                key = key_of(stamp.path)
                key += f" {info.id[:8]}" * (key in used)
                used.add(key)
                yield self._plan_orphan(key, stamp, live, info.updated_at)

    def _read_all(
        self, items: Sequence[_Listed]
    ) -> Sequence[tuple[answers.WorkflowInfo, Definition]]:
        """Read workflows of the list, as far as they are still there."""
        jobs = [partial(_read, self.session, item.info.id) for item in items]
        infos = filter(None, threads.gather(jobs))
        return [(info, info.definition) for info in infos if info.definition]

    def _plan_orphan(
        self, key: str, stamp: Stamp, live: Definition, updated_at: str | None
    ) -> Step:
        needs: list[Need] = ["prune"]
        notes: list[str] = []
        files = [target.file for target in self.targets if target.file is not None]
        file, is_local = files[0] if files else None, self.session.is_local
        is_newer, doubts = check_ancestry(self.git, file, stamp, is_local=is_local)
        if is_newer:
            notes.append(f"deployed from {stamp.commit:.12}, which this code lacks")
        is_same = is_as_deployed(live, stamp)
        if is_same is None:
            doubt = "whether it was edited: its stamp had no room for fields"
            doubts = [*doubts, doubt]
        elif not is_same:
            notes.append("edited on the service")
        # A commit that is not known here may be that of newer code.
        if not is_same or is_newer or (doubts and stamp.commit is not None):
            needs.append("force")
        return Step(
            key,
            str(live.id),
            "orphan",
            "delete",
            needs=tuple(needs),
            note="; ".join(notes),
            before=hide_secrets(live, find_places(live), self.values),
            not_checked=tuple(doubts),
            seal=seal_of(live),
            updated_at=updated_at,
        )


_TAKEN: Final = (
    "its id is taken by a workflow that this key may not see; use the key of the "
    "organisation that has it, or give its workflow a Project of another namespace"
)

_NOTES: Final[Mapping[str, str]] = {
    "drifted": "edited on the service",
    "conflict": "edited on both sides",
}


def _read(session: Session, workflow_id: str) -> answers.WorkflowInfo | None:
    try:
        return calls.read_workflow(session, workflow_id)
    except ApiError as error:
        if error.status in (403, 404):
            return None
        raise


def _hold_purchases(step: Step) -> Step:
    """Let what buys as soon as it is written be written by consent only."""
    needs: tuple[Need, ...] = (*step.needs, "allow_spend")
    is_written = step.action in ("create", "update", "stamp")
    return evolve(step, needs=needs) if is_written and step.purchases else step


# -- Restore ---------------------------------------------------------------------------


def plan_restore(
    session: Session,
    saved: Saved,
    *,
    endpoint: str,
    values: Values | None = None,
    prices: Mapping[str, float] = EMPTY,
) -> Plan:
    """Plan to deploy a definition of the history, as it was, with its stamp.

    So the next plan of the code shows the true state. Secrets have their present text.

    Raises:
        DeployError: It is of another endpoint, or lacks a text that was not saved.
    """
    if saved.endpoint != endpoint:
        problem = f"it was saved of {saved.endpoint}, and this is {endpoint}"
        raise history_error(saved.file, f"{problem}; restore it where it was")
    if saved.withheld:
        lost = ", ".join(saved.withheld)
        problem = f"{lost} held a secret and was not saved, so it cannot return"
        raise history_error(saved.file, f"{problem}; all else is in that file")
    values = Values() if values is None else values
    texts = {name: text for name, (text, _) in (saved.schedules or {}).items()}
    wanted = evolve(saved.definition, id=saved.workflow_id, schedules=texts)
    session.secrets.add(secret_texts(values, secret_names(wanted)))
    info = _read(session, saved.workflow_id)
    step = Step(
        saved.key,
        saved.workflow_id,
        "new",
        "create",
        note=f"as it was until {saved.when}",
        restored=wanted,
        after=hide_secrets(wanted, secret_places(wanted), values),
    )
    if info is not None:
        live = calls.require_definition(info)
        before = hide_secrets(live, find_places(live, wanted), values)
        is_same = content_of(before) == content_of(step.after or before)
        step = evolve(
            step,
            state="unchanged" if is_same else "update",
            action="none" if is_same else "update",
            before=before,
            seal=seal_of(live),
            updated_at=info.updated_at,
        )
    if saved.schedules is not None:
        lives = schedules.list_for(session, [step])
        facts = lives, prices, datetime.now(UTC)
        step = schedules.plan(session, step, *facts, wanted=saved.schedules)
    return Plan(saved.env, endpoint, [_hold_purchases(step)], prices=prices)
